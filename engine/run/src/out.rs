//! `._qik/out/`: what each runnable printed last, and a manifest that says how it ended.
//!
//! A replay of a result that already lies there writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use qik_model::{FileKind, Fingerprint, Name, RelPath};
use qik_system::{STATE_FOLDER, System};
use serde::{Deserialize, Serialize};

/// The folder.
#[derive(Debug)]
pub struct OutFolder {
    system: Arc<dyn System>,
    folder: RelPath,
    manifest: BTreeMap<String, OutEntry>,
    changed: bool,
    /// Found out in this run.
    fleeting: BTreeSet<Name>,
    /// Whether the manifest on disk vouches for logs.
    vouches: bool,
    /// Logs that really lie there, by file name.
    present: Vec<Box<[u8]>>,
}

/// How a runnable ended last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OutEntry {
    /// The file with what it printed.
    pub log: String,
    /// Exit code.
    pub code: i32,
    /// Whether the result was replayed.
    pub cached: bool,
    /// What it holds for; `None` for what is never cached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// How long it executed.
    pub millis: u64,
    /// Whether it makes files beside its inputs each time, and takes them away again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fleeting: bool,
}

impl OutFolder {
    /// The folder as it is; an unreadable manifest counts as an empty one.
    pub fn open(system: Arc<dyn System>) -> Self {
        let folder = RelPath::from(STATE_FOLDER).join("out");
        let manifest: BTreeMap<String, OutEntry> = system
            .read(&folder.join("manifest.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let vouches = manifest.values().any(|entry| entry.fingerprint.is_some());
        let mut present: Vec<Box<[u8]>> = system
            .list(&folder)
            .map(|items| items.into_iter().map(|item| item.name).collect())
            .unwrap_or_default();
        present.sort();
        Self {
            system,
            folder,
            manifest,
            changed: false,
            fleeting: BTreeSet::new(),
            vouches,
            present,
        }
    }

    /// How long `name` executed the last time.
    pub fn last_time(&self, name: &Name) -> Option<Duration> {
        self.manifest.get(&**name).map(|entry| Duration::from_millis(entry.millis))
    }

    /// Whether what lies there for `name` is the log of this result already.
    pub fn holds(&self, name: &Name, fingerprint: &Fingerprint, code: i32) -> bool {
        let known = self.manifest.get(&**name);
        known.is_some_and(|entry| {
            entry.fingerprint.as_ref() == Some(fingerprint)
                && entry.code == code
                && self.present.binary_search_by(|file| file[..].cmp(entry.log.as_bytes())).is_ok()
        })
    }

    /// Writes the log of `name` down.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn write_log(&mut self, name: &Name, log: &[u8]) -> std::io::Result<()> {
        if std::mem::take(&mut self.vouches) {
            self.vouch_for_nothing()?;
        }
        self.system.write_atomic(&log_path(name), log, FileKind::File)
    }

    /// Until the manifest is saved the one on disk says of no log what it is the log of: were this
    /// process killed after a log was replaced, the next would take it for the one before.
    fn vouch_for_nothing(&mut self) -> std::io::Result<()> {
        let unsure = |(name, entry): (&String, &OutEntry)| {
            (name.clone(), OutEntry { fingerprint: None, ..entry.clone() })
        };
        let unsure: BTreeMap<_, _> = self.manifest.iter().map(unsure).collect();
        self.changed = true;
        self.write_manifest(&unsure)
    }

    /// Whether `name` is known to make files beside its inputs and to take them away again.
    pub fn is_fleeting(&self, name: &Name) -> bool {
        self.fleeting.contains(name) || self.manifest.get(&**name).is_some_and(|e| e.fleeting)
    }

    /// From now on that is known of `name`.
    pub fn set_fleeting(&mut self, name: &Name) {
        self.fleeting.insert(name.clone());
    }

    /// Notes how `name` ended.
    pub fn note(
        &mut self,
        name: &Name,
        code: i32,
        cached: bool,
        fingerprint: Option<Fingerprint>,
        millis: u64,
    ) {
        let fleeting = self.is_fleeting(name);
        let log = file_name(name);
        let entry = OutEntry { log, code, cached, fingerprint, millis, fleeting };
        if self.manifest.get(&**name) != Some(&entry) {
            self.manifest.insert(name.to_string(), entry);
            self.changed = true;
        }
    }

    /// Writes the manifest down if anything in it changed.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn save(&mut self) -> std::io::Result<()> {
        if !std::mem::take(&mut self.changed) {
            return Ok(());
        }
        self.write_manifest(&self.manifest)
    }

    fn write_manifest(&self, manifest: &BTreeMap<String, OutEntry>) -> std::io::Result<()> {
        let mut text = serde_json::to_vec_pretty(manifest)?;
        text.push(b'\n');
        self.system.write_atomic(&self.folder.join("manifest.json"), &text, FileKind::File)
    }
}

/// Where the log of `name` lies.
pub fn log_path(name: &str) -> RelPath {
    RelPath::from(STATE_FOLDER).join("out").join(file_name(name))
}

/// `lint@svc/api` as `lint@svc%2Fapi.out`.
fn file_name(name: &str) -> String {
    format!("{}.out", name.replace('%', "%25").replace('/', "%2F"))
}

#[cfg(test)]
mod tests {
    use qik_system::MemorySystem;

    use super::*;

    #[test]
    fn a_log_that_a_killed_run_replaced_is_not_taken_for_the_one_before() {
        let system = Arc::new(MemorySystem::new());
        let open = || OutFolder::open(system.clone());
        let (name, fingerprint) = (Name::from("lint"), Fingerprint([1; 32]));
        let mut out = open();
        out.write_log(&name, b"old").unwrap();
        out.note(&name, 0, false, Some(fingerprint), 5);
        out.save().unwrap();
        assert!(open().holds(&name, &fingerprint, 0));

        // Killed before it saved.
        open().write_log(&name, b"new").unwrap();
        assert!(!open().holds(&name, &fingerprint, 0));
    }

    #[test]
    fn a_saved_manifest_vouches_for_the_logs_of_runs_before_too() {
        let system = Arc::new(MemorySystem::new());
        let open = || OutFolder::open(system.clone());
        let (first, second) = (Name::from("lint"), Name::from("test"));
        let fingerprint = Fingerprint([1; 32]);
        for name in [&first, &second] {
            let mut out = open();
            out.write_log(name, b"log").unwrap();
            out.note(name, 0, false, Some(fingerprint), 5);
            out.save().unwrap();
        }
        assert!(open().holds(&first, &fingerprint, 0) && open().holds(&second, &fingerprint, 0));
    }
}
