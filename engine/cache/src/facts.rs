//! What git calls the contents that are kept here, in one file that only grows: a file that is put in
//! place from them need not be read once more to find out its identity, which would take longer than
//! to write it.
//!
//! Facts depend on bytes alone, and the bytes are checked against their digest whenever they are put
//! in place. Each record has a checksum; one that is torn is passed over and costs a reading.

use std::sync::{Arc, Mutex, PoisonError};

use qik_model::{Digest, FileKind, RelPath};
use qik_system::{Facts, System};
use rustc_hash::FxHashMap;

const FILE: &str = "._qik/cache/v1/facts";
const LOCK: &str = "._qik/cache/v1/facts.lock";
const CHECKSUM: usize = 8;
const RECORD: usize = 32 + Facts::SIZE + CHECKSUM;
/// A larger file is begun anew: two hundred thousand contents, of which not all are there any more.
const MOST_BYTES: usize = 16 << 20;
/// Smaller contents are as soon read as looked up.
pub(crate) const FROM: u64 = 64 << 10;

/// See the module.
#[derive(Debug)]
pub(crate) struct FactStore {
    system: Arc<dyn System>,
    known: Mutex<Option<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    facts: FxHashMap<Digest, Facts>,
    /// How long the file is.
    length: usize,
    /// What would be added to it can't be read.
    torn: bool,
}

impl FactStore {
    pub(crate) fn new(system: Arc<dyn System>) -> Self {
        Self { system, known: Mutex::default() }
    }

    pub(crate) fn get(&self, digest: &Digest) -> Option<Facts> {
        self.with_known(|known| known.facts.get(digest).copied())
    }

    /// Keeps these. Where that fails, files are read.
    pub(crate) fn put(&self, facts: impl IntoIterator<Item = (Digest, Facts)>) {
        self.with_known(|known| {
            let mut new = Vec::new();
            for (digest, facts) in facts {
                if known.facts.insert(digest, facts) != Some(facts) {
                    new.extend(encode(&digest, &facts));
                }
            }
            if known.length + new.len() > MOST_BYTES {
                known.facts.clear();
                known.torn = true;
            }
            if known.torn {
                self.write_anew(known);
            } else if !new.is_empty() && self.system.append(&FILE.into(), &new).is_ok() {
                known.length += new.len();
            }
        });
    }

    fn write_anew(&self, known: &mut Known) {
        let Ok(_lock) = self.system.lock(&LOCK.into()) else { return };
        let bytes: Vec<u8> =
            known.facts.iter().flat_map(|(digest, facts)| encode(digest, facts)).collect();
        if self.system.write_atomic(&FILE.into(), &bytes, FileKind::File).is_ok() {
            (known.length, known.torn) = (bytes.len(), false);
        }
    }

    fn with_known<T>(&self, ask: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        ask(known.get_or_insert_with(|| {
            Known::parse(&self.system.read(&RelPath::from(FILE)).unwrap_or_default())
        }))
    }
}

impl Known {
    fn parse(bytes: &[u8]) -> Self {
        let (records, rest) = bytes.as_chunks::<RECORD>();
        let mut known = Self { length: bytes.len(), torn: !rest.is_empty(), ..Self::default() };
        for record in records {
            match decode(record) {
                Some((digest, facts)) => drop(known.facts.insert(digest, facts)),
                None => known.torn = true,
            }
        }
        known
    }
}

fn encode(digest: &Digest, facts: &Facts) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..32].copy_from_slice(&digest.0);
    record[32..RECORD - CHECKSUM].copy_from_slice(&facts.to_bytes());
    let sum = checksum(&record);
    record[RECORD - CHECKSUM..].copy_from_slice(&sum);
    record
}

fn decode(record: &[u8; RECORD]) -> Option<(Digest, Facts)> {
    let (digest, rest) = record.split_first_chunk()?;
    let (facts, sum) = rest.split_first_chunk()?;
    let is_whole = *sum == checksum(record);
    Some((Digest(*digest), Facts::from_bytes(facts).filter(|_| is_whole)?))
}

fn checksum(record: &[u8; RECORD]) -> [u8; CHECKSUM] {
    let sum = blake3::hash(&record[..RECORD - CHECKSUM]);
    *sum.as_bytes().first_chunk().expect("a digest is longer")
}

#[cfg(test)]
mod tests {
    use qik_system::MemorySystem;

    use super::*;

    fn one(text: &str) -> (Digest, Facts) {
        (crate::content_of(text.as_bytes()).digest, Facts::of(text.as_bytes()))
    }

    #[test]
    fn facts_outlive_the_process_and_are_kept_once() {
        let system = Arc::new(MemorySystem::new());
        let (a, b) = (one("a"), one("b\r\n"));
        FactStore::new(system.clone()).put([a, b]);
        let size = system.read(&FILE.into()).unwrap().len();
        let store = FactStore::new(system.clone());
        store.put([a]);
        assert_eq!((store.get(&a.0), store.get(&b.0)), (Some(a.1), Some(b.1)));
        assert_eq!(store.get(&one("c").0), None);
        assert_eq!(system.read(&FILE.into()).unwrap().len(), size);
    }

    #[test]
    fn no_flipped_byte_makes_other_facts_and_what_is_torn_is_mended() {
        let system = Arc::new(MemorySystem::new());
        let (a, b, c) = (one("a\r\n"), one("b"), one("c"));
        FactStore::new(system.clone()).put([a, b]);
        let whole = system.read(&FILE.into()).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            let known = Known::parse(&flipped).facts;
            assert!(
                known.len() == 1
                    && known.iter().all(|(digest, facts)| { [a, b].contains(&(*digest, *facts)) })
            );
            system.write(RelPath::from(FILE), &whole[..at]);
            FactStore::new(system.clone()).put([c]);
            assert_eq!(FactStore::new(system.clone()).get(&c.0), Some(c.1), "cut at {at}");
        }
    }

    #[test]
    fn a_file_that_grew_too_long_is_begun_anew() {
        let system = Arc::new(MemorySystem::new());
        let (last, facts) = (one("last"), one("x").1);
        let digest = |number: usize| crate::content_of(&number.to_le_bytes()).digest;
        let store = FactStore::new(system.clone());
        store.put((0..MOST_BYTES / RECORD).map(|number| (digest(number), facts)));
        assert_eq!(store.get(&digest(7)), Some(facts));
        store.put([last]);
        assert!(system.read(&FILE.into()).unwrap().len() < MOST_BYTES / 2);
    }
}
