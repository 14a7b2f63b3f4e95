//! Results on their way between the work tree and a cache, as owned requests that workers carry out.

use std::collections::{BTreeMap, BTreeSet};

use qik_cache::{ArtifactFiles, CacheSet, Finished, Key, Restore, decode_path};
use qik_model::{
    ActionResult, BlobId, Diagnostic, Digest, Explanation, FileKind, Fingerprint, Name, Platform,
    RelPath,
};
use qik_system::{LockGuard, StatKind, System, WorkTree, phase_on};

type FileState = (FileKind, BlobId);

/// The artifacts of an entry, to be put in place.
#[derive(Debug)]
pub(crate) struct RestoreRequest {
    pub name: Name,
    cache: Name,
    entry: ActionResult,
    files: Files,
    /// What matches the globs of the artifacts now.
    present: Vec<RelPath>,
    /// Whether the empty folders among the artifacts are there.
    has_folders: bool,
}

/// What the work tree holds where artifacts go.
#[derive(Debug, Default)]
struct Files {
    states: BTreeMap<RelPath, FileState>,
    tracked: BTreeSet<RelPath>,
}

impl ArtifactFiles for Files {
    fn state(&self, path: &RelPath) -> Option<FileState> {
        self.states.get(path).copied()
    }

    fn is_tracked(&self, path: &RelPath) -> bool {
        self.tracked.contains(path)
    }
}

impl RestoreRequest {
    pub(crate) fn new(
        name: &Name,
        cache: &Name,
        entry: &ActionResult,
        present: Vec<(RelPath, FileKind, BlobId)>,
        tree: &WorkTree,
        system: &dyn System,
    ) -> Self {
        let named = entry.artifacts.iter().filter_map(|artifact| decode_path(&artifact.path));
        let mut files = Files::default();
        for path in named.chain(present.iter().map(|(path, ..)| path.clone())) {
            if tree.is_tracked(&path) {
                files.tracked.insert(path.clone());
            }
            if let Some(state) = tree.file(&path) {
                files.states.insert(path, state);
            }
        }
        let present = present.into_iter().map(|(path, ..)| path).collect();
        let is_folder =
            |folder: RelPath| system.stat(&folder).is_ok_and(|stat| stat.kind == StatKind::Folder);
        let has_folders =
            entry.folders.iter().all(|folder| decode_path(folder).is_some_and(is_folder));
        let (name, cache) = (name.clone(), cache.clone());
        Self { name, cache, entry: entry.clone(), files, present, has_folders }
    }

    /// Whether everything is in place already, and nothing else.
    pub(crate) fn is_done(&self) -> bool {
        self.has_folders
            && self.present.len() == self.entry.artifacts.len()
            && self.entry.artifacts.iter().all(|artifact| {
                decode_path(&artifact.path)
                    .and_then(|path| self.files.state(&path))
                    .is_some_and(|state| state == (artifact.kind, artifact.id))
            })
    }
}

pub(crate) fn restore(caches: &CacheSet, request: &RestoreRequest) -> Restore {
    let _phase = phase_on("restore", || request.name.to_string());
    caches.restore(&request.cache, &request.entry, &request.files, &request.present)
}

/// A result to be kept.
#[derive(Debug)]
pub(crate) struct StoreRequest {
    pub cache: Name,
    pub runnable: Name,
    pub platform: Platform,
    pub fingerprint: Fingerprint,
    pub code: i32,
    pub log: Vec<u8>,
    pub artifacts: Vec<(RelPath, FileKind, BlobId)>,
    /// Empty folders among them.
    pub folders: Vec<RelPath>,
    pub millis: u64,
    pub explanation: Explanation,
    /// The shell line as it may be told.
    pub command: std::sync::Arc<str>,
    /// Whether whatever is there is to be replaced.
    pub replace: bool,
    /// The nodes of its input sets.
    pub nodes: Vec<(Digest, Vec<u8>)>,
    /// Nobody else writes its artifacts before they are kept.
    pub turn: Option<LockGuard>,
}

/// Keeps a result; says what went wrong.
pub(crate) fn store(caches: &CacheSet, mut request: StoreRequest) -> Vec<Diagnostic> {
    let _phase = phase_on("store", || request.runnable.to_string());
    let _until_it_is_kept = request.turn.take();
    let artifacts = match caches.collect(&request.cache, &request.artifacts) {
        Ok(artifacts) => artifacts,
        Err(error) => {
            let message = format!("the result of `{}` is not kept: {error}", request.runnable);
            return vec![
                Diagnostic::warning("run/not-kept", message)
                    .help("nothing is lost but time: it runs again the next time"),
            ];
        }
    };
    caches.keep_nodes(request.nodes);
    let key = Key {
        fingerprint: request.fingerprint,
        runnable: &request.runnable,
        platform: request.platform,
    };
    let finished = Finished {
        code: request.code,
        log: &request.log,
        artifacts,
        folders: request.folders,
        millis: request.millis,
        explanation: request.explanation,
        command: &request.command,
        replace: request.replace,
    };
    caches.store(&request.cache, &key, finished);
    Vec::new()
}
