//! Planted defects: the controls. Each is done to the project from outside after every run, as a
//! broken qik would do it, so that nothing of it is in qik itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    None,
    /// A command reads a folder that it does not declare (see `project`).
    UndeclaredInput,
    /// What ran while its inputs moved is kept for what they are now (see `project`).
    AcceptedMoves,
    /// The newest entry of a runnable is stored with the result of the one before.
    OldResultUnderNewFingerprint,
    /// One artifact lacks its last byte.
    HalfAnArtifact,
    /// Nothing is kept.
    ForgottenEntries,
    /// A log kept for the last run is that of the run before.
    OldLog,
}

impl Defect {
    pub fn plant(self, root: &Path) {
        let cache = root.join("._qik/cache/v1");
        match self {
            Self::None | Self::UndeclaredInput | Self::AcceptedMoves => {}
            Self::OldResultUnderNewFingerprint => swap_entries(&cache),
            Self::HalfAnArtifact => {
                let path = root.join("out/a.txt");
                if let Ok(bytes) = std::fs::read(&path) {
                    std::fs::write(path, &bytes[..bytes.len().saturating_sub(1)])
                        .expect("an artifact");
                }
            }
            Self::ForgottenEntries => drop(std::fs::remove_dir_all(cache)),
            Self::OldLog => swap_logs(root),
        }
    }
}

/// The entries below a local cache, but for some: where, and what they say.
pub fn entries(cache: &Path, but: &BTreeSet<PathBuf>) -> Vec<(PathBuf, serde_json::Value)> {
    let mut found = Vec::new();
    let mut folders = vec![cache.join("ac")];
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if item.path().is_dir() {
                folders.push(item.path());
            } else if but.contains(&item.path()) {
                continue;
            } else if let Some(entry) =
                std::fs::read(item.path()).ok().and_then(|bytes| unseal(&bytes))
            {
                found.push((item.path(), entry));
            }
        }
    }
    found
}

/// What an entry's file says, if it is whole.
pub fn unseal(bytes: &[u8]) -> Option<serde_json::Value> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    let (head, body) = (std::str::from_utf8(&bytes[..at]).ok()?, &bytes[at + 1..]);
    let checksum = head.strip_prefix("qik-entry-1 ")?;
    // The result; the line below it tells how it came about.
    let result = body.split(|byte| *byte == b'\n').next()?;
    (blake3::hash(body).to_hex().as_str() == checksum)
        .then(|| serde_json::from_slice(result).ok())?
}

/// Whole entries with right checksums: only what they are for is wrong.
fn swap_entries(cache: &Path) {
    // The index would still tell the truth.
    let _ = std::fs::remove_file(cache.join("index"));
    let time = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let mut by_name: BTreeMap<String, Vec<(PathBuf, serde_json::Value)>> = BTreeMap::new();
    for (path, entry) in entries(cache, &BTreeSet::new()) {
        by_name.entry(entry["runnable"].to_string()).or_default().push((path, entry));
    }
    for entries in by_name.values_mut() {
        entries.sort_by_key(|(path, _)| time(path));
        let [.., (_, before), (path, newest)] = &entries[..] else { continue };
        let mut forged = before.clone();
        forged["fingerprint"] = newest["fingerprint"].clone();
        let mut body = serde_json::to_vec(&forged).expect("an entry");
        body.extend(b"\n[{\"command\":\"\",\"writer\":\"\",\"written\":0,\"qik\":\"\"},null]");
        let head = format!("qik-entry-1 {}\n", blake3::hash(&body).to_hex());
        std::fs::write(path, [head.as_bytes(), &body].concat()).expect("an entry");
    }
}

/// As a replay would do that trusts what lies in the folder of logs.
fn swap_logs(root: &Path) {
    let (log, old) = (root.join("._qik/out/all.out"), root.join("._qik/old-log"));
    let now = std::fs::read(&log).unwrap_or_default();
    if let Ok(before) = std::fs::read(&old) {
        std::fs::write(&log, before).expect("a log");
    }
    std::fs::write(old, now).expect("a log");
}
