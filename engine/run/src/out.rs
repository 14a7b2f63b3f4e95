//! `._qik/out/`: what each runnable printed last, and a manifest that says how it ended.
//!
//! A replay of a result that already lies there writes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

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
}

impl OutFolder {
    /// The folder as it is; an unreadable manifest counts as an empty one.
    pub fn open(system: Arc<dyn System>) -> Self {
        let folder = RelPath::from(STATE_FOLDER).join("out");
        let manifest = system
            .read(&folder.join("manifest.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let mut present: Vec<Box<[u8]>> = system
            .list(&folder)
            .map(|items| items.into_iter().map(|item| item.name).collect())
            .unwrap_or_default();
        present.sort();
        Self { system, folder, manifest, changed: false, present }
    }

    /// Where the log of `name` lies.
    pub fn log_path(&self, name: &Name) -> RelPath {
        self.folder.join(file_name(name))
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
    pub fn write_log(&self, name: &Name, log: &[u8]) -> std::io::Result<()> {
        self.system.write_atomic(&self.log_path(name), log, FileKind::File)
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
        let entry = OutEntry { log: file_name(name), code, cached, fingerprint, millis };
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
        let mut text = serde_json::to_vec_pretty(&self.manifest)?;
        text.push(b'\n');
        self.system.write_atomic(&self.folder.join("manifest.json"), &text, FileKind::File)
    }
}

/// `lint@svc/api` as `lint@svc%2Fapi.out`.
fn file_name(name: &str) -> String {
    format!("{}.out", name.replace('%', "%25").replace('/', "%2F"))
}
