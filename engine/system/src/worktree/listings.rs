//! Which names each folder holds, kept for the next process under the stamp that the folder had, so
//! that it need not list a folder that did not change. Does not know which of the names count: a
//! file of rules that is written to changes nothing here.
//!
//! A stamp is kept only if it was old when the look began: then whatever came to the folder after
//! that gave it another one. The file is one block: a header with a checksum, then records sorted
//! by path. Anything unexpected makes it empty.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use qik_model::{FileKind, RelPath};
use rustc_hash::FxHashMap;

use super::stat_cache::{Cursor, push_time, state_file};
use crate::System;
use crate::stat::{DirItem, Look, Remembered, Stat, StatKind};

/// Loaded when it is first asked.
#[derive(Debug)]
pub(super) struct Listings {
    system: Arc<dyn System>,
    loaded: OnceLock<Records>,
    /// What was listed since then: records.
    fresh: Mutex<FxHashMap<RelPath, Vec<u8>>>,
}

/// Changes with the layout.
const MAGIC: &[u8; 8] = b"qikdirs1";
const HEADER: usize = MAGIC.len() + 32;

/// Bytes of a record besides its path and names.
const FIXED: usize = 4 + 2 + 8 + 2 * 12 + 8;

/// Which part of all folders may be news without being written down: to list them once more costs
/// less than to write the file.
const LITTLE: usize = 32;

impl Listings {
    pub fn new(system: Arc<dyn System>) -> Self {
        Self { system, loaded: OnceLock::new(), fresh: Mutex::default() }
    }

    /// What the folder holds: by its stamp if that is known, or else by a listing, which is
    /// remembered if the stamp was settled at `moment`, before the look began.
    pub fn look(&self, folder: &RelPath, moment: SystemTime) -> io::Result<Vec<DirItem>> {
        if let Some(items) = self.recall(folder) {
            return Ok(items);
        }
        let Look { stamp, mut items } = self.system.look(folder)?;
        items.sort_unstable_by(|one, two| one.name.cmp(&two.name));
        if let Some(stamp) = stamp.filter(|stamp| stamp.settled_at(moment))
            && let Some(record) = encode(folder, &stamp, &items)
        {
            let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
            fresh.insert(folder.clone(), record);
        }
        Ok(items)
    }

    fn recall(&self, folder: &RelPath) -> Option<Vec<DirItem>> {
        let records = self.records();
        let at = records.find(folder.as_bytes())?;
        let (_, stamp, members) = records.cursor(at).listing()?;
        let items = self.system.recall(folder, &stamp, &members)?;
        records.used[at].store(true, Ordering::Relaxed);
        Some(items)
    }

    /// Writes what is known, if much of it is news. What was not asked for is left out: it is not
    /// there any more.
    pub fn save(&mut self) -> io::Result<bool> {
        let fresh = self.fresh.get_mut().unwrap_or_else(PoisonError::into_inner);
        if fresh.is_empty() {
            return Ok(false);
        }
        let records = self.loaded.get_or_init(Records::default);
        if fresh.len() * LITTLE < records.offsets.len() {
            return Ok(false);
        }
        let mut all: Vec<(&[u8], &[u8])> =
            fresh.iter().map(|(path, record)| (path.as_bytes(), &record[..])).collect();
        all.extend((0..records.offsets.len()).filter_map(|at| {
            let path = records.cursor(at).path()?;
            let kept = records.used[at].load(Ordering::Relaxed)
                && !fresh.contains_key(&RelPath::from_clean(path));
            kept.then(|| (path, records.record(at)))
        }));
        all.sort_unstable();
        let merged = Records::of(all.iter().map(|(_, record)| *record));
        self.system.write_atomic(&state_file("folders"), &merged.bytes, FileKind::File)?;
        fresh.clear();
        self.loaded = OnceLock::from(merged);
        Ok(true)
    }

    fn records(&self) -> &Records {
        self.loaded.get_or_init(|| {
            let bytes = self.system.read(&state_file("folders")).unwrap_or_default();
            Records::parse(bytes).unwrap_or_default()
        })
    }
}

/// The block, where each record starts, and which of them told something in this process.
#[derive(Debug, Default)]
struct Records {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    used: Vec<AtomicBool>,
}

impl Records {
    fn of<'r>(records: impl Iterator<Item = &'r [u8]> + Clone) -> Self {
        let length = records.clone().map(<[u8]>::len).sum::<usize>();
        let mut bytes = Vec::with_capacity(HEADER + length);
        bytes.resize(HEADER, 0);
        records.for_each(|record| bytes.extend_from_slice(record));
        let sum = blake3::hash(&bytes[HEADER..]);
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        bytes[MAGIC.len()..HEADER].copy_from_slice(sum.as_bytes());
        let known = Self::divide(bytes).unwrap_or_default();
        known.used.iter().for_each(|used| used.store(true, Ordering::Relaxed));
        known
    }

    fn parse(bytes: Vec<u8>) -> Option<Self> {
        let body = bytes.get(HEADER..)?;
        let sum = blake3::hash(body);
        if &bytes[..MAGIC.len()] != MAGIC || bytes[MAGIC.len()..HEADER] != *sum.as_bytes() {
            return None;
        }
        Self::divide(bytes)
    }

    fn divide(bytes: Vec<u8>) -> Option<Self> {
        let mut offsets = Vec::new();
        let mut at = HEADER;
        while at < bytes.len() {
            offsets.push(u32::try_from(at).ok()?);
            at += 4 + u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize;
        }
        let used = offsets.iter().map(|_| AtomicBool::new(false)).collect();
        (at == bytes.len()).then_some(Self { bytes, offsets, used })
    }

    fn find(&self, path: &[u8]) -> Option<usize> {
        let by_path = |offset: &u32| {
            let mut cursor = Cursor { bytes: &self.bytes, at: *offset as usize + 4 };
            cursor.path().unwrap_or_default().cmp(path)
        };
        self.offsets.binary_search_by(by_path).ok()
    }

    /// The whole record, with its length.
    fn record(&self, at: usize) -> &[u8] {
        let end = self.offsets.get(at + 1).map_or(self.bytes.len(), |next| *next as usize);
        &self.bytes[self.offsets[at] as usize..end]
    }

    fn cursor(&self, at: usize) -> Cursor<'_> {
        Cursor { bytes: self.record(at), at: 4 }
    }
}

/// A record: its length without these four bytes, path, stamp, names. `None` where it does not fit.
fn encode(folder: &RelPath, stamp: &Stat, items: &[DirItem]) -> Option<Vec<u8>> {
    let path = folder.as_bytes();
    let names: usize = items.iter().map(|item| 2 + item.name.len()).sum();
    let mut record = Vec::with_capacity(FIXED + path.len() + names);
    record.extend([0; 4]);
    record.extend(u16::try_from(path.len()).ok()?.to_le_bytes());
    record.extend(path);
    record.extend(stamp.size.to_le_bytes());
    push_time(&mut record, stamp.mtime);
    push_time(&mut record, stamp.ctime);
    record.extend(stamp.ino.to_le_bytes());
    for item in items {
        record.push(u8::from(item.stat.kind == StatKind::Folder));
        record.push(u8::try_from(item.name.len()).ok()?);
        record.extend(&item.name);
    }
    let length = u32::try_from(record.len() - 4).ok()?;
    record[..4].copy_from_slice(&length.to_le_bytes());
    Some(record)
}

impl<'a> Cursor<'a> {
    fn listing(&mut self) -> Option<(&'a [u8], Stat, Vec<Remembered<'a>>)> {
        let path = self.path()?;
        let size = u64::from_le_bytes(self.array()?);
        let (mtime, ctime) = (self.time()?, self.time()?);
        let ino = u64::from_le_bytes(self.array()?);
        let stamp = Stat { kind: StatKind::Folder, size, mtime, ctime, ino, dev: 0 };
        let mut members = Vec::new();
        while self.at < self.bytes.len() {
            let [is_folder, length] = self.array()?;
            members.push(Remembered { name: self.take(length.into())?, is_folder: is_folder != 0 });
        }
        Some((path, stamp, members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, kind: StatKind) -> DirItem {
        let mut item = DirItem::folder(name.as_bytes());
        item.stat.kind = kind;
        item
    }

    fn record(path: &str, names: &[&str]) -> Vec<u8> {
        let stamp = Stat { size: 4096, mtime: (-5, 7), ctime: (1 << 40, 9), ino: 3, ..of_folder() };
        let items: Vec<DirItem> = names.iter().map(|name| item(name, StatKind::File)).collect();
        encode(&path.into(), &stamp, &items).unwrap()
    }

    fn of_folder() -> Stat {
        DirItem::folder(b"").stat
    }

    #[test]
    fn what_was_written_is_found() {
        let long = "n".repeat(255);
        let written = [record("", &["a"]), record("d", &[]), record("d/e", &["b", &long])];
        let records = Records::of(written.iter().map(|record| &record[..]));
        let records = Records::parse(records.bytes).unwrap();
        for (at, path) in ["", "d", "d/e"].iter().enumerate() {
            assert_eq!(records.find(path.as_bytes()), Some(at));
            assert_eq!(records.record(at), written[at]);
        }
        assert_eq!(records.find(b"d/f"), None);
        let (path, stamp, members) = records.cursor(2).listing().unwrap();
        assert_eq!((path, stamp.mtime, stamp.ctime), (&b"d/e"[..], (-5, 7), (1 << 40, 9)));
        let names: Vec<&[u8]> = members.iter().map(|member| member.name).collect();
        assert_eq!(names, [b"b", long.as_bytes()]);
    }

    #[test]
    fn a_name_too_long_is_not_remembered() {
        let items = [item(&"n".repeat(256), StatKind::File)];
        assert_eq!(encode(&"d".into(), &of_folder(), &items), None);
    }

    #[test]
    fn every_flipped_byte_and_every_cut_makes_it_empty() {
        let written = [record("", &["a"]), record("d", &["b"])];
        let bytes = Records::of(written.iter().map(|record| &record[..])).bytes;
        for at in 0..bytes.len() {
            let mut torn = bytes.clone();
            torn[at] ^= 1;
            assert!(Records::parse(torn).is_none(), "byte {at} flipped");
            assert!(Records::parse(bytes[..at].to_vec()).is_none(), "cut at {at}");
        }
    }
}
