//! What reading files told, kept for the next process under the stats that they had. Does not know
//! what the facts are used for.
//!
//! The file is one block: a header with a checksum, then records sorted by path. Loading it is one
//! read and one pass; a look-up is a binary search. Anything unexpected makes it empty.

use std::cmp::Ordering;
use std::io;
use std::sync::{Arc, OnceLock};

use qik_model::{BlobId, FileKind, RelPath};
use rustc_hash::FxHashMap;

use super::Folder;
use super::facts::{Facts, Unix};
use crate::stat::{Stat, StatKind};
use crate::{STATE_FOLDER, System};

/// Loaded when it is first asked.
#[derive(Debug)]
pub(super) struct StatCache {
    system: Arc<dyn System>,
    loaded: OnceLock<Records>,
    /// What somebody else found out, for the next look.
    learnt: FxHashMap<RelPath, (Stat, Facts)>,
}

/// Changes with the layout, and with what facts mean.
const MAGIC: &[u8; 8] = b"qikstat1";
const HEADER: usize = MAGIC.len() + 32;

impl StatCache {
    pub fn new(system: Arc<dyn System>) -> Self {
        Self { system, loaded: OnceLock::new(), learnt: FxHashMap::default() }
    }

    /// The facts of the file at `path`, if they are known for this stat.
    pub fn get(&self, path: &RelPath, stat: &Stat) -> Option<Facts> {
        match self.learnt.get(path) {
            Some((known, facts)) if known.same_state(stat) => Some(*facts),
            _ => self.records().get(path.as_bytes(), stat),
        }
    }

    /// See [`super::WorkTree::learn`].
    pub fn learn(&mut self, path: RelPath, stat: Stat, facts: Facts) {
        self.learnt.insert(path, (stat, facts));
    }

    /// What was learnt is in the tree by now, or of no more use.
    pub fn forget_learnt(&mut self) {
        self.learnt = FxHashMap::default();
    }

    /// Writes what the tree knows, if it is news. What others wrote meanwhile is kept as far as it
    /// is still true of a file on disk, so the cache never outgrows the tree.
    pub fn save(&mut self, folders: &FxHashMap<RelPath, Folder>) -> io::Result<bool> {
        let own = own_records(folders);
        let known = self.records();
        let news = own.iter().any(|(path, stat, facts)| known.get(path, stat) != Some(*facts));
        if !news && known.offsets.len() <= 2 * own.len() + 64 {
            return Ok(false);
        }
        let _guard = self.system.lock(&state_file("stat.lock"))?;
        let others = Records::load(&*self.system);
        let merged = Records::parse(encode(&self.merge(own, &others))).unwrap_or_default();
        self.system.write_atomic(&state_file("stat"), &merged.bytes, FileKind::File)?;
        self.loaded = OnceLock::from(merged);
        Ok(true)
    }

    fn records(&self) -> &Records {
        self.loaded.get_or_init(|| Records::load(&*self.system))
    }

    fn merge(&self, mut own: Vec<Record>, others: &Records) -> Vec<Record> {
        let foreign: Vec<Record> = others
            .iter()
            .filter(|(path, stat, _)| {
                own.binary_search_by(|(known, ..)| known.as_slice().cmp(path)).is_err()
                    && RelPath::new(path)
                        .and_then(|path| self.system.stat(&path).ok())
                        .is_some_and(|now| now.same_state(stat))
            })
            .collect();
        own.extend(foreign);
        own.sort_by(|(one, ..), (two, ..)| one.cmp(two));
        own
    }
}

type Record = (Vec<u8>, Stat, Facts);

pub(super) fn state_file(name: &str) -> RelPath {
    RelPath::from_clean(STATE_FOLDER.as_bytes()).join(name)
}

/// What the tree found out by reading, sorted by path. What is not settled may change without a
/// trace, so nothing is kept of it.
fn own_records(folders: &FxHashMap<RelPath, Folder>) -> Vec<Record> {
    let mut records = Vec::new();
    for (path, folder) in folders {
        for (entry, state) in folder.entries.iter().zip(&folder.files) {
            if let Some(state) = state
                && state.settled
                && let Some(facts) = state.facts
            {
                records.push((path.join(&entry.name).as_bytes().to_vec(), state.stat, facts));
            }
        }
    }
    records.sort_by(|(one, ..), (two, ..)| one.cmp(two));
    records
}

/// The block, and where each record starts.
#[derive(Debug, Default)]
struct Records {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
}

impl Records {
    fn load(system: &dyn System) -> Self {
        let bytes = system.read(&state_file("stat")).unwrap_or_default();
        Self::parse(bytes).unwrap_or_default()
    }

    fn parse(bytes: Vec<u8>) -> Option<Self> {
        let body = bytes.get(HEADER..)?;
        let sum = blake3::hash(body);
        if &bytes[..MAGIC.len()] != MAGIC || bytes[MAGIC.len()..HEADER] != *sum.as_bytes() {
            return None;
        }
        let mut offsets = Vec::new();
        let mut at = HEADER;
        while at < bytes.len() {
            offsets.push(u32::try_from(at).ok()?);
            let mut cursor = Cursor { bytes: &bytes, at };
            cursor.record()?;
            at = cursor.at;
        }
        Some(Self { bytes, offsets })
    }

    fn get(&self, path: &[u8], stat: &Stat) -> Option<Facts> {
        let at = self
            .offsets
            .binary_search_by(|offset| match self.cursor(*offset).path() {
                Some(known) => known.cmp(path),
                None => Ordering::Less,
            })
            .ok()?;
        let (_, known, facts) = self.cursor(self.offsets[at]).record()?;
        known.same_state(stat).then_some(facts)
    }

    fn iter(&self) -> impl Iterator<Item = Record> {
        self.offsets.iter().filter_map(|offset| {
            let (path, stat, facts) = self.cursor(*offset).record()?;
            Some((path.to_vec(), stat, facts))
        })
    }

    fn cursor(&self, offset: u32) -> Cursor<'_> {
        Cursor { bytes: &self.bytes, at: offset as usize }
    }
}

fn encode(records: &[Record]) -> Vec<u8> {
    let mut body = Vec::new();
    for (path, stat, facts) in records {
        let Ok(length) = u16::try_from(path.len()) else { continue };
        body.extend(length.to_le_bytes());
        body.extend(path);
        body.push(match stat.kind {
            StatKind::File => 0,
            StatKind::Executable => 1,
            StatKind::Link => 2,
            StatKind::Folder | StatKind::Other => 3,
        });
        body.extend(stat.size.to_le_bytes());
        push_time(&mut body, stat.mtime);
        push_time(&mut body, stat.ctime);
        body.extend(stat.ino.to_le_bytes());
        body.extend(facts.raw.0);
        match facts.unix {
            None => body.push(0),
            Some(unix) => {
                body.push(1 + u8::from(unix.looks_like_text));
                body.extend(unix.id.0);
            }
        }
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend(blake3::hash(&body).as_bytes());
    bytes.extend(body);
    bytes
}

pub(super) fn push_time(bytes: &mut Vec<u8>, (seconds, nanos): (i64, u32)) {
    bytes.extend(seconds.to_le_bytes());
    bytes.extend(nanos.to_le_bytes());
}

pub(super) struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Cursor<'a> {
    fn record(&mut self) -> Option<(&'a [u8], Stat, Facts)> {
        let path = self.path()?;
        let kind = match self.array::<1>()? {
            [0] => StatKind::File,
            [1] => StatKind::Executable,
            [2] => StatKind::Link,
            _ => return None,
        };
        let size = u64::from_le_bytes(self.array()?);
        let mtime = self.time()?;
        let ctime = self.time()?;
        let ino = u64::from_le_bytes(self.array()?);
        let raw = BlobId(self.array()?);
        let unix = match self.array::<1>()? {
            [0] => None,
            [text @ 1..=2] => Some(Unix { id: BlobId(self.array()?), looks_like_text: text == 2 }),
            _ => return None,
        };
        Some((path, Stat { kind, size, mtime, ctime, ino, dev: 0 }, Facts { raw, unix }))
    }

    pub fn path(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_le_bytes(self.array()?);
        self.take(length.into())
    }

    pub fn time(&mut self) -> Option<(i64, u32)> {
        Some((i64::from_le_bytes(self.array()?), u32::from_le_bytes(self.array()?)))
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at + count)?;
        self.at += count;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(path: &str, size: u64) -> Record {
        let stat = Stat {
            kind: StatKind::Executable,
            size,
            mtime: (-5, 7),
            ctime: (1 << 40, 9),
            ino: u64::MAX,
            dev: 0,
        };
        (path.into(), stat, Facts::of(format!("{path}\r\n{size}").as_bytes()))
    }

    #[test]
    fn what_was_written_is_found_for_the_same_stat_only() {
        let written = [record("a", 1), record("a/b", 2), record("b\n", 3)];
        let records = Records::parse(encode(&written)).unwrap();
        assert!(records.iter().eq(written.iter().cloned()));
        for (path, stat, facts) in &written {
            assert_eq!(records.get(path, stat), Some(*facts));
            assert_eq!(records.get(path, &Stat { size: 9, ..*stat }), None);
            assert_eq!(records.get(path, &Stat { ctime: (1, 9), ..*stat }), None);
        }
        assert_eq!(records.get(b"c", &written[0].1), None);
    }

    #[test]
    fn every_flipped_byte_and_every_cut_makes_it_empty() {
        let bytes = encode(&[record("a", 1), record("b", 2)]);
        for at in 0..bytes.len() {
            let mut torn = bytes.clone();
            torn[at] ^= 1;
            assert!(Records::parse(torn).is_none(), "byte {at} flipped");
            assert!(Records::parse(bytes[..at].to_vec()).is_none(), "cut at {at}");
        }
    }
}
