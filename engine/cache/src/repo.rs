//! The newest entry of each runnable in files that are committed: `.qik/cache/COMMAND/RUNNABLE.json`
//! and its `.log`. Artifacts stay in the work tree and are only compared. Does not run git itself.

use std::io;
use std::sync::Arc;

use qik_model::{ActionResult, Diagnostic, FileKind, RelPath};
use qik_system::System;
use serde::{Deserialize, Serialize};

use crate::action::{ActionCache, ArtifactFiles, Key, Lookup, MissReason, Note};
use crate::content::content_of;
use crate::merge::GitSide;
use crate::names::{command_of, decode_path, file_name};
use crate::warnings::{self, Warnings};

const FOLDER: &str = ".qik/cache";

/// The cache that travels with the repository.
#[derive(Debug)]
pub struct RepoCache {
    system: Arc<dyn System>,
    warnings: Arc<Warnings>,
    git: GitSide,
    git_add: bool,
}

impl RepoCache {
    /// The cache in `.qik/cache` of the project. `git_add`: whether new entries are staged.
    pub fn new(system: Arc<dyn System>, git_add: bool, warnings: Arc<Warnings>) -> Self {
        let git = GitSide::new(system.clone(), warnings.clone());
        Self { system, warnings, git, git_add }
    }

    /// A file beside the entries is to be staged with them.
    pub fn stage_with(&self, path: RelPath) {
        self.git.wrote([path]);
    }

    /// Stages what was written since the last call; to be called once at the end of a run. What goes
    /// wrong is a warning.
    pub fn stage(&self) {
        if self.git_add {
            self.git.stage();
        }
    }

    fn read(&self, runnable: &str) -> Result<ActionResult, MissReason> {
        let path = entry_path(runnable, "json");
        let bytes = match self.system.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(MissReason::NoEntry);
            }
            Err(error) => return Err(MissReason::Unreachable(error.to_string())),
        };
        self.git.will_read();
        decode(&bytes).filter(|result| result.runnable == runnable).ok_or_else(|| {
            let text = format!("`{path}` is not an entry as qik writes them");
            let help = "was it edited or merged by hand? what it was for runs again";
            self.warnings.add(Diagnostic::warning(warnings::DAMAGED, text).help(help));
            MissReason::Damaged
        })
    }

    fn read_log(&self, result: &ActionResult) -> Result<Vec<u8>, MissReason> {
        let log = self.system.read(&entry_path(&result.runnable, "log"));
        let log = log.map_err(|_| MissReason::LogMissing)?;
        if content_of(&log) == result.log { Ok(log) } else { Err(MissReason::LogChanged) }
    }

    fn find(&self, key: &Key<'_>, files: &dyn ArtifactFiles) -> Result<ActionResult, MissReason> {
        let result = self.read(key.runnable)?;
        if result.fingerprint != key.fingerprint {
            return Err(MissReason::OtherFingerprint);
        }
        self.read_log(&result)?;
        for artifact in &result.artifacts {
            let path = decode_path(&artifact.path)
                .ok_or_else(|| MissReason::UnsafePath(artifact.path.clone()))?;
            match files.state(&path) {
                None => return Err(MissReason::ArtifactMissing(path)),
                Some(state) if state == (artifact.kind, artifact.id) => {}
                Some(_) => return Err(MissReason::ArtifactChanged(path)),
            }
        }
        Ok(result)
    }

    /// Writes what differs. The entry comes after its log: between the two the old entry names
    /// another log, which is a miss.
    fn write(&self, result: &ActionResult, log: &[u8]) -> io::Result<Vec<RelPath>> {
        let mut written = Vec::new();
        let path = entry_path(&result.runnable, "log");
        if self.system.read(&path).ok().as_deref() != Some(log) {
            self.system.write_atomic(&path, log, FileKind::File)?;
            written.push(path);
        }
        let path = entry_path(&result.runnable, "json");
        let old = self.system.read(&path).ok().and_then(|bytes| decode(&bytes));
        let millis = result.millis;
        if !old.is_some_and(|old| ActionResult { millis, ..old } == *result) {
            self.system.write_atomic(&path, &encode(result), FileKind::File)?;
            written.push(path);
        }
        Ok(written)
    }
}

impl ActionCache for RepoCache {
    fn has_entry(&self, key: &Key<'_>) -> bool {
        let bytes = self.system.read(&entry_path(key.runnable, "json")).ok();
        let result = bytes.and_then(|bytes| decode(&bytes));
        result.is_some_and(|result| result.fingerprint == key.fingerprint)
    }

    fn lookup(&self, key: &Key<'_>, files: &dyn ArtifactFiles) -> Lookup {
        match self.find(key, files) {
            Ok(result) => Lookup::Hit(Box::new(result)),
            Err(reason) => Lookup::Miss(reason),
        }
    }

    fn store(&self, key: &Key<'_>, result: &ActionResult, log: &[u8], _: &Note) -> bool {
        match self.write(result, log) {
            Ok(written) => {
                if !written.is_empty() {
                    self.git.wrote(written);
                }
                true
            }
            Err(error) => {
                let text = format!("the result of `{}` could not be stored: {error}", key.runnable);
                let help = format!("may `{FOLDER}` be written?");
                self.warnings.add(Diagnostic::warning(warnings::UNREACHABLE, text).help(help));
                false
            }
        }
    }

    fn log(&self, result: &ActionResult) -> Option<Vec<u8>> {
        self.read_log(result).ok()
    }

    fn recent(&self, runnable: &str) -> Vec<ActionResult> {
        self.read(runnable).into_iter().collect()
    }

    fn keeps_artifacts(&self) -> bool {
        false
    }
}

pub(crate) fn entry_path(runnable: &str, ending: &str) -> RelPath {
    let folder = file_name(command_of(runnable));
    RelPath::from_clean(format!("{FOLDER}/{folder}/{}.{ending}", file_name(runnable)).into_bytes())
}

/// An entry in its file. The checksum is over all the rest: a merge by text may mix lines of two
/// entries into something that still is JSON.
#[derive(Serialize, Deserialize)]
struct Sealed {
    checksum: String,
    entry: ActionResult,
}

fn encode(result: &ActionResult) -> Vec<u8> {
    let sealed = Sealed { checksum: checksum(result), entry: result.clone() };
    let mut bytes = serde_json::to_vec_pretty(&sealed).expect("an entry has only text for keys");
    bytes.push(b'\n');
    bytes
}

fn decode(bytes: &[u8]) -> Option<ActionResult> {
    let sealed: Sealed = serde_json::from_slice(bytes).ok()?;
    (sealed.checksum == checksum(&sealed.entry)).then_some(sealed.entry)
}

fn checksum(result: &ActionResult) -> String {
    let bytes = serde_json::to_vec(result).expect("an entry has only text for keys");
    blake3::hash(&bytes).to_hex()[..32].to_owned()
}
