//! How large and how old the local cache may become, and what goes first. Other processes may use it
//! meanwhile: an entry goes before its contents, and one whose contents went is a miss.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use qik_model::{Diagnostic, Digest, FileKind, Fingerprint, RelPath};
use qik_system::{StatKind, System};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::uses::{self, LastUses, seconds, used_key};
use super::{FOLDER, INDEX, INDEX_LOCK, LocalCache};
use crate::entry::{self, Stored};
use crate::index::Index;
use crate::warnings;

const SIZE_FILE: &str = "._qik/cache/v1/size";
const GC_LOCK: &str = "._qik/cache/v1/gc.lock";
/// Contents younger than this may belong to an entry that another process is about to write.
const GRACE: Duration = Duration::from_secs(600);
/// At least so often all is looked at, for what became too old.
const EVERY: Duration = Duration::from_secs(24 * 3600);
/// Ten gibibytes.
const MOST_BYTES: u64 = 10 << 30;

/// What the local cache may grow to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes; `None`: ten gibibytes, or a tenth of the disk where that is less.
    pub max_size: Option<u64>,
    /// Since its last use; `None`: as long as there is room.
    pub max_age: Option<Duration>,
}

/// What an eviction came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// Entries that were removed.
    pub entries: usize,
    /// Bytes that were removed.
    pub bytes: u64,
    /// Bytes that are left.
    pub left: u64,
    /// Entries that are left.
    pub left_entries: usize,
}

/// How large the cache was when somebody looked, with what was added since.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Size {
    bytes: u64,
    looked: u64,
}

/// An entry with what an eviction minds.
struct Candidate {
    fingerprint: Fingerprint,
    platform: String,
    path: RelPath,
    size: u64,
    used: u64,
    contents: Vec<(Digest, u64)>,
}

impl LocalCache {
    /// To be called at the end of a run: notes what was of use, and evicts where the cache became
    /// too large.
    pub fn tidy(&self) {
        self.uses.save(&*self.system);
        let added = self.added.swap(0, Ordering::Relaxed);
        if added == 0 {
            return;
        }
        let mut size = self.noted_size();
        size.bytes += added;
        let now = seconds(self.system.now());
        if size.bytes > self.most_bytes() || now.saturating_sub(size.looked) > EVERY.as_secs() {
            let freed = self.evict();
            size = Size { bytes: freed.left, looked: now };
        }
        self.note_size(&size);
    }

    /// Evicts down to the bounds, whatever was noted of the size.
    pub fn gc(&self) -> Freed {
        let freed = self.evict();
        self.note_size(&Size { bytes: freed.left, looked: seconds(self.system.now()) });
        freed
    }

    /// The most bytes that may be kept.
    pub fn most_bytes(&self) -> u64 {
        let tenth = || self.system.disk_space().map_or(MOST_BYTES, |(_, all)| all / 10);
        self.bounds.max_size.unwrap_or_else(|| MOST_BYTES.min(tenth()))
    }

    /// Every entry, with its platform.
    pub fn entries(&self) -> Vec<(String, Stored)> {
        let mut entries = Vec::new();
        each_entry(&*self.system, &mut |platform, path, _, _| {
            let bytes = self.system.read(&path).unwrap_or_default();
            if let Some(stored) = entry::decode(&bytes) {
                entries.push((platform.to_owned(), stored));
            }
        });
        entries
    }

    /// When an entry was last of use, in seconds of Unix time, by platform and fingerprint.
    pub fn last_uses(&self) -> impl Fn(Fingerprint, &str) -> Option<u64> + use<> {
        let (uses, _) = uses::read(&*self.system);
        move |fingerprint, platform| uses.get(&used_key(fingerprint, platform)).copied()
    }

    fn evict(&self) -> Freed {
        // Two at once would only stand in each other's way.
        let Ok(_lock) = self.system.lock(&GC_LOCK.into()) else { return Freed::default() };
        let (uses, _) = uses::read(&*self.system);
        let mut candidates = self.candidates(&uses);
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.used));
        let now = seconds(self.system.now());
        // Some room is left, or the next run would have to evict again.
        let most = self.most_bytes() - self.most_bytes() / 10;
        let oldest = self.bounds.max_age.map_or(0, |age| now.saturating_sub(age.as_secs()));
        let (mut total, mut held) = (0, FxHashMap::default());
        let mut freed = Freed::default();
        let mut kept = FxHashSet::default();
        let mut gone = Vec::new();
        let mut evicted: FxHashSet<Digest> = FxHashSet::default();
        for candidate in candidates {
            let new = candidate.contents.iter().filter(|(digest, _)| !held.contains_key(digest));
            let size = candidate.size + new.map(|(_, size)| *size).sum::<u64>();
            let is_full = total + size > most;
            if is_full || candidate.used < oldest {
                freed.entries += 1;
                freed.bytes += candidate.size;
                gone.push(candidate.path);
                evicted.extend(candidate.contents.iter().map(|(digest, _)| *digest));
                continue;
            }
            total += size;
            held.extend(candidate.contents.iter().copied());
            kept.insert((candidate.fingerprint, candidate.platform));
        }
        freed.left_entries = kept.len();
        for path in &gone {
            let _ = self.system.remove_file(path);
        }
        if !gone.is_empty() {
            self.forget(&kept);
            let keys: FxHashSet<_> =
                kept.iter().map(|(print, platform)| used_key(*print, platform)).collect();
            uses::replace(
                &*self.system,
                uses.into_iter().filter(|(key, _)| keys.contains(key)).collect(),
            );
        }
        let (bytes, left) = self.remove_contents(&held, &evicted, now);
        freed.bytes += bytes;
        freed.left = total + left;
        freed
    }

    fn candidates(&self, uses: &LastUses) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        each_entry(&*self.system, &mut |platform, path, size, changed| {
            let bytes = self.system.read(&path).unwrap_or_default();
            let Some(stored) = entry::decode(&bytes) else {
                // Torn: of no use to anybody.
                let _ = self.system.remove_file(&path);
                return;
            };
            let result = stored.result;
            let used = uses.get(&used_key(result.fingerprint, platform)).copied();
            let artifacts = result.artifacts.iter().map(|artifact| artifact.content);
            let contents = artifacts.chain([result.log]);
            candidates.push(Candidate {
                fingerprint: result.fingerprint,
                platform: platform.to_owned(),
                path,
                size,
                used: used.unwrap_or_default().max(changed),
                contents: contents.map(|content| (content.digest, content.size)).collect(),
            });
        });
        candidates
    }

    /// Takes out of the index what is no longer there.
    fn forget(&self, kept: &FxHashSet<(Fingerprint, String)>) {
        let mut index = self.index();
        let Ok(_lock) = self.system.lock(&INDEX_LOCK.into()) else { return };
        let Ok(bytes) = self.system.read(&INDEX.into()) else { return };
        let bytes = Index::parse(bytes)
            .only(|fingerprint, platform| kept.contains(&(fingerprint, platform.to_owned())));
        if self.system.write_atomic(&INDEX.into(), &bytes, FileKind::File).is_ok() {
            *index = Index::parse(bytes);
        }
    }

    /// Removes contents that no entry names, but for the newest; how many bytes went, and how many
    /// of those that nobody names stayed.
    fn remove_contents(
        &self,
        held: &FxHashMap<Digest, u64>,
        evicted: &FxHashSet<Digest>,
        now: u64,
    ) -> (u64, u64) {
        let (mut bytes, mut left) = (0, 0);
        for part in ["cas", "bad", "tmp"] {
            each_file(&*self.system, &RelPath::from(FOLDER).join(part), &mut |path, stat| {
                let text = String::from_utf8_lossy(path.name()).into_owned();
                let digest: Option<Digest> = text.parse().ok().filter(|_| part == "cas");
                if digest.is_some_and(|digest| held.contains_key(&digest)) {
                    return;
                }
                let is_new = now.saturating_sub(stat.mtime.0.max(0) as u64) < GRACE.as_secs();
                if is_new && !digest.is_some_and(|digest| evicted.contains(&digest)) {
                    left += stat.size;
                } else if self.system.remove_file(&path).is_ok() {
                    bytes += stat.size;
                }
            });
        }
        (bytes, left)
    }

    fn noted_size(&self) -> Size {
        let bytes = self.system.read(&SIZE_FILE.into()).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn note_size(&self, size: &Size) {
        let written =
            self.system.write_atomic(&SIZE_FILE.into(), &entry::json(size), FileKind::File);
        if let Err(error) = written {
            let text = format!("the size of `{FOLDER}` can't be noted: {error}");
            let help = "may `._qik` be written?";
            self.warnings.add(Diagnostic::warning(warnings::UNREACHABLE, text).help(help));
        }
    }
}

/// Each entry: platform, path, size, and when it was written.
fn each_entry(system: &dyn System, visit: &mut dyn FnMut(&str, RelPath, u64, u64)) {
    let folder = RelPath::from(FOLDER).join("ac");
    let mut by_platform: BTreeMap<String, Vec<(RelPath, u64, u64)>> = BTreeMap::new();
    each_file(system, &folder, &mut |path, stat| {
        let parent = path.parent().unwrap_or_default();
        let platform = if parent == folder { "" } else { &String::from_utf8_lossy(parent.name()) };
        let entry = (path.clone(), stat.size, stat.mtime.0.max(0) as u64);
        by_platform.entry(platform.to_owned()).or_default().push(entry);
    });
    for (platform, entries) in by_platform {
        for (path, size, changed) in entries {
            visit(&platform, path, size, changed);
        }
    }
}

fn each_file(
    system: &dyn System,
    folder: &RelPath,
    visit: &mut dyn FnMut(RelPath, qik_system::Stat),
) {
    for item in system.list(folder).unwrap_or_default() {
        let path = folder.join(&item.name);
        match item.stat.kind {
            StatKind::Folder => each_file(system, &path, visit),
            _ => visit(path, item.stat),
        }
    }
}
