//! Many entries per runnable, below `._qik/cache`: switching branches stays warm. Entries are written
//! after their contents; the index after the entries. Does not know the work tree beyond what a
//! caller tells of it.

mod bounds;
mod uses;

use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use qik_model::{ActionResult, Diagnostic, Digest, FileKind, Fingerprint, Platform, RelPath};
use qik_system::{Stat, System};
use rustc_hash::FxHashMap;

use crate::action::{ActionCache, ArtifactFiles, Key, Lookup, MissReason, Note};
use crate::content::ContentStore;
use crate::entry::{self, Stored};
use crate::index::{Index, Record};
use crate::names::decode_path;
use crate::storage::{Storage, StorageError};
use crate::warnings::{self, Warnings};

pub use bounds::{Bounds, Freed};
use uses::Uses;

/// Where `ac/`, `cas/` and the index are.
const FOLDER: &str = "._qik/cache/v1";
const INDEX: &str = "._qik/cache/v1/index";
const INDEX_LOCK: &str = "._qik/cache/v1/index.lock";
/// How many entries help to explain a miss.
const RECENT: usize = 8;

/// The cache of this work tree.
#[derive(Debug)]
pub struct LocalCache {
    system: Arc<dyn System>,
    storage: Storage,
    contents: ContentStore,
    platform: Box<str>,
    warnings: Arc<Warnings>,
    index: OnceLock<Mutex<Index>>,
    /// Logs that stood in the index, of entries that were asked for.
    logs: Mutex<FxHashMap<Digest, Vec<u8>>>,
    prepared: OnceLock<()>,
    uses: Uses,
    bounds: Bounds,
    /// How many bytes were added since this was opened.
    added: AtomicU64,
}

impl LocalCache {
    /// The cache in `._qik/cache` of the project. Reads nothing yet. `platform` is `linux-64`, say.
    pub fn new(
        system: Arc<dyn System>,
        platform: &str,
        bounds: Bounds,
        warnings: Arc<Warnings>,
    ) -> Self {
        let storage = Storage::in_project(system.clone(), FOLDER.into());
        Self {
            contents: ContentStore::new(storage.clone(), warnings.clone()),
            system,
            storage,
            platform: platform.into(),
            warnings,
            index: OnceLock::new(),
            logs: Mutex::default(),
            prepared: OnceLock::new(),
            uses: Uses::default(),
            bounds,
            added: AtomicU64::new(0),
        }
    }

    /// The bytes that its entries name.
    pub fn contents(&self) -> &ContentStore {
        &self.contents
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// Where something cannot be removed.
    pub fn clear(&self) -> Result<(), StorageError> {
        // Entries go before the contents that they name.
        for prefix in ["ac/", "shared/", "cas/", "bad/", "tmp/"] {
            for key in self.storage.keys(prefix)? {
                self.storage.remove(&key)?;
            }
        }
        for file in ["index", "uses", "size", "facts"] {
            self.storage.remove(file)?;
        }
        *self.index() = Index::default();
        lock(&self.logs).clear();
        Ok(())
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        lock(self.index.get_or_init(|| {
            // An index that cannot be read is as good as none.
            Mutex::new(Index::parse(self.system.read(&INDEX.into()).unwrap_or_default()))
        }))
    }

    /// The platform as it stands in keys.
    pub(crate) fn platform(&self, platform: Platform) -> &str {
        match platform {
            Platform::Same => &self.platform,
            Platform::Any => "",
        }
    }

    /// Whether results of that platform can be replayed here.
    pub(crate) fn is_of_use(&self, platform: &str) -> bool {
        platform.is_empty() || *platform == *self.platform
    }

    fn find(&self, fingerprint: Fingerprint, platform: &str) -> Result<Record, MissReason> {
        let record = self.index().get(fingerprint, platform);
        match record {
            Some(record) if record.stored.is_some() => Ok(record),
            _ => self.open(fingerprint, platform).map(|stored| Record {
                fingerprint,
                platform: platform.into(),
                stored: Some(stored),
                log: None,
            }),
        }
    }

    /// The entry for a fingerprint, whether or not its contents are here.
    fn open(&self, fingerprint: Fingerprint, platform: &str) -> Result<Stored, MissReason> {
        let key = entry_key(fingerprint, platform);
        // What the index lacks is mostly not there, and to be told that takes less than to try to read it.
        if matches!(self.stat(&key), Err(error) if error.kind() == ErrorKind::NotFound) {
            return Err(MissReason::NoEntry);
        }
        let unreachable = |error: StorageError| MissReason::Unreachable(error.to_string());
        let bytes = self.storage.read(&key).map_err(unreachable)?.ok_or(MissReason::NoEntry)?;
        match entry::decode(&bytes) {
            Some(stored) if stored.result.fingerprint == fingerprint => Ok(stored),
            _ => {
                let text = format!("cache entry `{FOLDER}/{key}` is torn, or not qik's");
                let help = "what it was for runs again";
                self.warnings.add(Diagnostic::warning(warnings::DAMAGED, text).help(help));
                Err(MissReason::Damaged)
            }
        }
    }

    fn stat(&self, key: &str) -> std::io::Result<Stat> {
        self.system.stat(&RelPath::from(&*format!("{FOLDER}/{key}")))
    }

    /// As [`ActionCache::lookup`], for entries that the caller accepts: they may have come here by
    /// way of a cache that it has no reason to trust.
    pub(crate) fn lookup_if(
        &self,
        key: &Key<'_>,
        files: &dyn ArtifactFiles,
        accepts: &dyn Fn(&Stored, &str) -> bool,
    ) -> Result<Stored, MissReason> {
        let platform = self.platform(key.platform);
        let record = self.find(key.fingerprint, platform)?;
        let stored = record.stored.ok_or(MissReason::NoEntry)?;
        if !accepts(&stored, platform) {
            return Err(MissReason::NoEntry);
        }
        if let Some(reason) = self.gap(&stored.result, record.log.is_some(), files) {
            return Err(reason);
        }
        if let Some(log) = record.log {
            lock(&self.logs).insert(stored.result.log.digest, log);
        }
        self.uses.note(key.fingerprint, platform);
        Ok(stored)
    }

    /// Why an entry could not be replayed. A log that stood in the index is at hand.
    fn gap(
        &self,
        result: &ActionResult,
        has_log: bool,
        files: &dyn ArtifactFiles,
    ) -> Option<MissReason> {
        if !has_log && !self.contents.has(&result.log) {
            return Some(MissReason::LogMissing);
        }
        result.artifacts.iter().find_map(|artifact| {
            let Some(path) = decode_path(&artifact.path) else {
                return Some(MissReason::UnsafePath(artifact.path.clone()));
            };
            let in_place = files.state(&path) == Some((artifact.kind, artifact.id));
            let at_hand = in_place || self.contents.has(&artifact.content);
            (!at_hand).then_some(MissReason::ContentMissing(path))
        })
    }

    /// The entry for a fingerprint, whether or not its contents are here.
    pub(crate) fn known(&self, fingerprint: Fingerprint, platform: &str) -> Option<Stored> {
        self.find(fingerprint, platform).ok()?.stored
    }

    /// Whether there is an entry that the caller accepts, with its contents but for artifacts that
    /// lie in the work tree maybe.
    pub(crate) fn has_if(
        &self,
        fingerprint: Fingerprint,
        platform: &str,
        accepts: &dyn Fn(&Stored) -> bool,
    ) -> bool {
        let Ok(Record { stored: Some(stored), log, .. }) = self.find(fingerprint, platform) else {
            return false;
        };
        let nowhere = |_: &RelPath| None;
        accepts(&stored) && self.gap(&stored.result, log.is_some(), &nowhere).is_none()
    }

    fn keep(
        &self,
        key: &Key<'_>,
        result: &ActionResult,
        log: &[u8],
        note: &Note,
    ) -> Result<(), StorageError> {
        self.contents.put(log.to_vec())?;
        let stored = Stored { result: result.clone(), about: note.about.clone(), origin: None };
        self.keep_entry(self.platform(key.platform), &stored, Some(log))
    }

    /// Keeps an entry whose contents are kept already.
    pub(crate) fn keep_entry(
        &self,
        platform: &str,
        stored: &Stored,
        log: Option<&[u8]>,
    ) -> Result<(), StorageError> {
        self.prepare();
        let fingerprint = stored.result.fingerprint;
        let bytes = entry::encode(stored);
        let contents = stored.result.artifacts.iter().map(|artifact| artifact.content.size);
        let added = bytes.len() as u64 + stored.result.log.size + contents.sum::<u64>();
        self.storage.write(&entry_key(fingerprint, platform), bytes)?;
        self.added.fetch_add(added, Ordering::Relaxed);

        let mut index = self.index();
        let record = index.add(platform, stored, log);
        // Without its record the entry is found all the same.
        let _ = self.system.append(&INDEX.into(), &record);
        if index.is_mostly_dead() {
            self.compact(&mut index);
        }
        Ok(())
    }

    /// Rewrites the index. Records that another process adds meanwhile may be lost from it, which
    /// costs an open each.
    fn compact(&self, index: &mut Index) {
        let Ok(_lock) = self.system.lock(&INDEX_LOCK.into()) else { return };
        let Ok(bytes) = self.system.read(&INDEX.into()) else { return };
        *index = Index::parse(bytes);
        if index.is_mostly_dead() {
            let bytes = index.compacted();
            if self.system.write_atomic(&INDEX.into(), &bytes, FileKind::File).is_ok() {
                *index = Index::parse(bytes);
            }
        }
    }

    /// Tells git, once, that the folder is nobody's business.
    fn prepare(&self) {
        self.prepared.get_or_init(|| {
            let ignore = RelPath::from("._qik/.gitignore");
            if self.system.stat(&ignore).is_err() {
                let _ = self.system.write_atomic(&ignore, b"*\n", FileKind::File);
            }
        });
    }
}

impl ActionCache for LocalCache {
    fn has_entry(&self, key: &Key<'_>) -> bool {
        self.stat(&entry_key(key.fingerprint, self.platform(key.platform))).is_ok()
    }

    fn lookup(&self, key: &Key<'_>, files: &dyn ArtifactFiles) -> Lookup {
        match self.lookup_if(key, files, &|_, _| true) {
            Ok(stored) => Lookup::Hit(Box::new(stored.result)),
            Err(reason) => Lookup::Miss(reason),
        }
    }

    fn store(&self, key: &Key<'_>, result: &ActionResult, log: &[u8], note: &Note) -> bool {
        let kept = self.keep(key, result, log, note);
        if let Err(error) = &kept {
            let text = format!("the result of `{}` could not be stored: {error}", key.runnable);
            let help = format!("is there room on the disk, and may `{FOLDER}` be written?");
            self.warnings.add(Diagnostic::warning(warnings::UNREACHABLE, text).help(help));
        }
        kept.is_ok()
    }

    fn log(&self, result: &ActionResult) -> Option<Vec<u8>> {
        let at_hand = lock(&self.logs).get(&result.log.digest).cloned();
        at_hand.or_else(|| self.contents.get(&result.log).ok().flatten())
    }

    fn recent(&self, runnable: &str) -> Vec<ActionResult> {
        let records: Vec<_> = self.index().recent(runnable).take(RECENT).collect();
        let whole = records.into_iter().filter_map(|record| {
            record.stored.or_else(|| self.open(record.fingerprint, &record.platform).ok())
        });
        whole.map(|stored| stored.result).collect()
    }

    fn keeps_artifacts(&self) -> bool {
        true
    }
}

/// Where the entry for a fingerprint is, here and in remotes.
pub(crate) fn entry_key(fingerprint: Fingerprint, platform: &str) -> String {
    match platform {
        "" => format!("ac/{fingerprint}"),
        platform => format!("ac/{platform}/{fingerprint}"),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
