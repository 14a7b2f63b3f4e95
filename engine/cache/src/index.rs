//! One file that holds every small entry, so that a thousand look-ups cost one read. It is a hint:
//! what is missing or torn in it is looked for in `ac/`, and deleting it loses nothing but the order
//! of entries. Does not know where the file is.

use std::ops::Range;

use qik_model::{Content, Fingerprint};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::entry::{self, Stored};

/// Entries and logs up to this many bytes stand in the index itself.
const INLINE: usize = 4096;
/// How many entries of a runnable the index keeps; older ones are found in `ac/`.
const KEPT: usize = 16;
/// Begins every record, so that reading can go on behind a torn one.
const MARK: &[u8; 8] = b"\0qik\x01rec";
/// The mark, the length of the payload, the checksum of the payload.
const HEAD: usize = MARK.len() + 4 + 16;

/// A parsed index file, together with what was added since.
#[derive(Debug, Default)]
pub(crate) struct Index {
    bytes: Vec<u8>,
    /// Where the payload of the newest record for a fingerprint is.
    newest: FxHashMap<(Fingerprint, u64), Range<usize>>,
    /// Where the payloads of a runnable are, oldest first.
    runnables: FxHashMap<Box<str>, Vec<Range<usize>>>,
    total: usize,
}

/// What the index knows of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) platform: Box<str>,
    /// `None` where the entry is too long for the index.
    pub(crate) stored: Option<Stored>,
    /// `None` where the log is too long for the index.
    pub(crate) log: Option<Vec<u8>>,
}

impl Index {
    /// What the file holds; whatever is torn in it is passed over.
    pub(crate) fn parse(bytes: Vec<u8>) -> Self {
        let mut index = Self { bytes, ..Default::default() };
        index.take_in(0);
        index
    }

    /// Takes a record in, and gives the bytes to add to the file.
    pub(crate) fn add(&mut self, platform: &str, stored: &Stored, log: Option<&[u8]>) -> Vec<u8> {
        let record = encode(platform, stored, log);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&record);
        self.take_in(start);
        record
    }

    pub(crate) fn get(&self, fingerprint: Fingerprint, platform: &str) -> Option<Record> {
        let at = self.newest.get(&(fingerprint, short(platform)))?;
        let record = self.record(at)?;
        (record.fingerprint == fingerprint && &*record.platform == platform).then_some(record)
    }

    /// The records of a runnable, newest first, one for each fingerprint.
    pub(crate) fn recent(&self, runnable: &str) -> impl Iterator<Item = Record> {
        let mut seen = FxHashSet::default();
        let places = self.runnables.get(runnable).map_or(&[][..], Vec::as_slice);
        let records = places.iter().rev().filter_map(|at| self.record(at));
        records.filter(move |record| seen.insert(record.fingerprint))
    }

    /// Whether most of the file is of no more use.
    pub(crate) fn is_mostly_dead(&self) -> bool {
        let kept: usize = self.runnables.values().map(|places| places.len().min(KEPT)).sum();
        let live = kept.min(self.newest.len());
        self.total > 64 + 2 * live
    }

    /// The file with those records alone that `is_kept`.
    pub(crate) fn only(&self, is_kept: impl Fn(Fingerprint, &str) -> bool) -> Vec<u8> {
        let mut places: Vec<_> = self.newest.values().cloned().collect();
        places.sort_unstable_by_key(|at| at.start);
        let kept = places.into_iter().filter(|at| {
            let parts = Parts::of(&self.bytes[at.clone()]);
            parts.is_some_and(|parts| is_kept(parts.fingerprint, parts.platform))
        });
        kept.flat_map(|at| self.bytes[at.start - HEAD..at.end].to_vec()).collect()
    }

    /// The file without what is of no more use.
    pub(crate) fn compacted(&self) -> Vec<u8> {
        let mut places: Vec<_> =
            self.runnables.values().flat_map(|all| self.newest_of(all)).collect();
        places.sort_unstable_by_key(|at| at.start);
        places.into_iter().flat_map(|at| self.bytes[at.start - HEAD..at.end].to_vec()).collect()
    }

    fn newest_of(&self, places: &[Range<usize>]) -> Vec<Range<usize>> {
        let mut seen = FxHashSet::default();
        let whole = places.iter().rev().filter(|at| {
            self.record(at).is_some_and(|record| seen.insert((record.fingerprint, record.platform)))
        });
        whole.take(KEPT).cloned().collect()
    }

    /// Walks the records from `at` on. Checksums are for whoever uses a record.
    fn take_in(&mut self, mut at: usize) {
        while at < self.bytes.len() {
            match self.payload_at(at) {
                Some(payload) => {
                    at = payload.end;
                    self.note(payload);
                }
                None => match find(&self.bytes[at + 1..], MARK) {
                    Some(skipped) => at += 1 + skipped,
                    None => return,
                },
            }
        }
    }

    /// The payload of the record at `at`. Where neither another record nor the end follows, its
    /// length may be torn, and the checksum decides.
    fn payload_at(&self, at: usize) -> Option<Range<usize>> {
        let head = self.bytes.get(at..at + HEAD)?.strip_prefix(MARK)?;
        let length = u32::from_le_bytes(head[..4].try_into().ok()?) as usize;
        let payload = at + HEAD..(at + HEAD).checked_add(length)?;
        let rest = self.bytes.get(payload.end..)?;
        let is_plain = rest.is_empty() || rest.starts_with(MARK);
        (is_plain || self.is_whole(&payload)).then_some(payload)
    }

    fn is_whole(&self, payload: &Range<usize>) -> bool {
        checksum(&self.bytes[payload.clone()]) == self.bytes[payload.start - 16..payload.start]
    }

    fn note(&mut self, payload: Range<usize>) {
        let Some(parts) = Parts::of(&self.bytes[payload.clone()]) else { return };
        self.total += 1;
        self.newest.insert((parts.fingerprint, short(parts.platform)), payload.clone());
        match self.runnables.get_mut(parts.runnable) {
            Some(places) => places.push(payload),
            None => drop(self.runnables.insert(parts.runnable.into(), vec![payload])),
        }
    }

    fn record(&self, at: &Range<usize>) -> Option<Record> {
        if !self.is_whole(at) {
            return None;
        }
        let parts = Parts::of(&self.bytes[at.clone()])?;
        let stored = match parts.entry {
            b"" => None,
            lines => Some(entry::from_lines(lines)?),
        };
        let log = parts.log.filter(|log| {
            let is_it = |content: &Content| *content == crate::content_of(log);
            stored.as_ref().is_some_and(|stored| is_it(&stored.result.log))
        });
        Some(Record {
            fingerprint: parts.fingerprint,
            platform: parts.platform.into(),
            stored,
            log: log.map(<[u8]>::to_vec),
        })
    }
}

/// What stands in a payload.
struct Parts<'a> {
    fingerprint: Fingerprint,
    platform: &'a str,
    runnable: &'a str,
    entry: &'a [u8],
    log: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn of(payload: &'a [u8]) -> Option<Self> {
        let (fingerprint, rest) = payload.split_first_chunk()?;
        let (platform, rest) = field(rest)?;
        let (runnable, rest) = field(rest)?;
        let (entry, rest) = field(rest)?;
        let (has_log, log) = rest.split_first()?;
        Some(Self {
            fingerprint: Fingerprint(*fingerprint),
            platform: std::str::from_utf8(platform).ok()?,
            runnable: std::str::from_utf8(runnable).ok()?,
            entry,
            log: (*has_log == 1).then_some(log),
        })
    }
}

fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

fn encode(platform: &str, stored: &Stored, log: Option<&[u8]>) -> Vec<u8> {
    let result = &stored.result;
    let mut entry = entry::lines(stored);
    if entry.len() > INLINE {
        entry.clear();
    }
    let mut payload = result.fingerprint.as_bytes().to_vec();
    for field in [platform.as_bytes(), result.runnable.as_bytes(), &entry] {
        payload.extend_from_slice(&(field.len() as u32).to_le_bytes());
        payload.extend_from_slice(field);
    }
    let log = log.filter(|log| log.len() <= INLINE && !entry.is_empty());
    payload.push(log.is_some().into());
    payload.extend_from_slice(log.unwrap_or_default());

    let mut record = MARK.to_vec();
    record.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    record.extend_from_slice(&checksum(&payload));
    record.extend_from_slice(&payload);
    record
}

fn checksum(payload: &[u8]) -> [u8; 16] {
    let whole = blake3::hash(payload);
    *whole.as_bytes().first_chunk().expect("a digest is longer")
}

/// Stands for a platform in keys; the record holds the text.
fn short(platform: &str) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = rustc_hash::FxHasher::default();
    platform.hash(&mut hasher);
    hasher.finish()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use qik_model::{ActionResult, Explanation};

    use super::*;

    fn result(runnable: &str, fingerprint: u8, log: &[u8]) -> Stored {
        let result = ActionResult {
            runnable: runnable.into(),
            fingerprint: Fingerprint([fingerprint; 32]),
            code: 0,
            log: crate::content_of(log),
            artifacts: Vec::new(),
            folders: Vec::new(),
            millis: 1,
            explanation: Explanation::default(),
        };
        Stored { result, about: Default::default(), origin: None }
    }

    fn file(entries: &[(&str, u8)]) -> Vec<u8> {
        let mut index = Index::default();
        entries
            .iter()
            .flat_map(|(runnable, number)| {
                index.add("linux-64", &result(runnable, *number, b"hi"), Some(b"hi"))
            })
            .collect()
    }

    fn has(index: &Index, fingerprint: u8) -> bool {
        let record = index.get(Fingerprint([fingerprint; 32]), "linux-64");
        record.is_some_and(|record| record.stored.is_some() && record.log == Some(b"hi".to_vec()))
    }

    #[test]
    fn a_file_read_back_knows_all_of_its_entries() {
        let index = Index::parse(file(&[("a", 1), ("b", 2), ("a", 3), ("a", 1)]));
        assert!(has(&index, 1) && has(&index, 2) && has(&index, 3) && !has(&index, 4));
        assert_eq!(index.get(Fingerprint([1; 32]), "win-64"), None);
        let recent: Vec<_> = index.recent("a").map(|record| record.fingerprint.0[0]).collect();
        assert_eq!(recent, [1, 3]);
    }

    #[test]
    fn long_entries_and_logs_are_left_to_other_files() {
        let mut index = Index::default();
        let log = vec![b'x'; INLINE + 1];
        index.add("", &result("a", 1, &log), Some(&log));
        let record = index.get(Fingerprint([1; 32]), "").unwrap();
        assert_eq!((record.stored.is_some(), record.log), (true, None));

        index.add("", &result(&"long".repeat(2000), 2, b""), Some(b""));
        let record = index.get(Fingerprint([2; 32]), "").unwrap();
        assert_eq!((record.stored, record.log), (None, None));
    }

    #[test]
    fn a_file_cut_anywhere_loses_its_last_record_alone() {
        let whole = file(&[("a", 1), ("b", 2)]);
        let first = file(&[("a", 1)]).len();
        for cut in first..whole.len() {
            let index = Index::parse(whole[..cut].to_vec());
            assert!(has(&index, 1) && !has(&index, 2), "cut at {cut}");
        }
    }

    #[test]
    fn what_follows_a_torn_record_is_found() {
        let (first, second) = (file(&[("a", 1)]), file(&[("b", 2)]));
        for cut in 0..first.len() {
            let index = Index::parse([&first[..cut], &second[..]].concat());
            assert!(has(&index, 2) && !has(&index, 1), "cut at {cut}");
        }
    }

    #[test]
    fn a_flipped_bit_never_gives_another_record() {
        let whole = file(&[("a", 1), ("b", 2)]);
        let truth = Index::parse(whole.clone());
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 4;
            let index = Index::parse(flipped);
            for fingerprint in [1, 2] {
                let key = Fingerprint([fingerprint; 32]);
                let found = index.get(key, "linux-64");
                assert!(found.is_none() || found == truth.get(key, "linux-64"), "bit at {at}");
            }
        }
    }

    #[test]
    fn compaction_keeps_the_newest_of_each_runnable() {
        let mut entries = vec![("rare", 200)];
        entries.extend((0..190).map(|number| ("busy", number % 100)));
        let index = Index::parse(file(&entries));
        assert!(index.is_mostly_dead());

        let small = Index::parse(index.compacted());
        assert!(!small.is_mostly_dead());
        assert_eq!(small.total, 1 + KEPT);
        assert!(has(&small, 200) && has(&small, 89) && !has(&small, 50));
        let newest = |index: &Index| index.recent("busy").next().unwrap().fingerprint;
        assert_eq!(newest(&small), newest(&index));
    }
}
