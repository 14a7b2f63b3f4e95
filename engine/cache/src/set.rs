//! The caches of a project by name. What a run calls; every decision is its caches'.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_model::{
    ActionResult, Artifact, BlobId, CacheConfig, Diagnostic, Digest, FileKind, Name, RelPath,
    Setting,
};
use qik_system::{System, is_content_of};

use crate::action::{ActionCache, ArtifactFiles, Finished, Key, Lookup, MissReason};
use crate::content::{CollectError, ContentStore, content_of};
use crate::local::LocalCache;
use crate::names::encode_path;
use crate::nodes::NodeStore;
use crate::repo::RepoCache;
use crate::restore::{Recovered, Restore, Restored, Restorer};
use crate::storage::StorageError;
use crate::warnings::Warnings;

/// Every cache that a command may name.
#[derive(Debug)]
pub struct CacheSet {
    system: Arc<dyn System>,
    local: Arc<LocalCache>,
    /// All but `none`.
    caches: BTreeMap<Name, Tier>,
    restorer: Restorer,
    nodes: NodeStore,
    warnings: Arc<Warnings>,
}

/// What a cache is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheKind {
    /// Keeps nothing.
    None,
    /// Keeps many entries, here.
    Local,
    /// Keeps the newest entry of each runnable in committed files.
    Repo,
}

#[derive(Clone, Debug)]
enum Tier {
    Local(Arc<LocalCache>),
    Repo(Arc<RepoCache>),
}

impl Tier {
    fn cache(&self) -> &dyn ActionCache {
        match self {
            Self::Local(cache) => &**cache,
            Self::Repo(cache) => &**cache,
        }
    }
}

impl CacheSet {
    /// The configured caches, and `local`, `repo` and `none`. Reads and writes nothing yet.
    /// `platform` is that of this machine: `linux-64`, say.
    ///
    /// Configured types that are not known here keep nothing; refusing them is the configuration's
    /// business.
    pub fn open(
        system: Arc<dyn System>,
        configured: &BTreeMap<Name, Arc<CacheConfig>>,
        platform: &str,
    ) -> Self {
        let warnings = Arc::new(Warnings::default());
        let local = Arc::new(LocalCache::new(system.clone(), platform, warnings.clone()));
        let repo = |git_add| {
            Tier::Repo(Arc::new(RepoCache::new(system.clone(), git_add, warnings.clone())))
        };
        let mut caches = BTreeMap::new();
        caches.insert(Name::from("local"), Tier::Local(local.clone()));
        for (name, config) in configured {
            match &*config.kind {
                "local" => caches.insert(name.clone(), Tier::Local(local.clone())),
                "repo" => caches.insert(name.clone(), repo(git_add(config))),
                _ => None,
            };
        }
        caches.entry(Name::from("repo")).or_insert_with(|| repo(true));
        let restorer = Restorer::new(system.clone(), local.contents().clone(), warnings.clone());
        let nodes = NodeStore::new(system.clone());
        Self { system, local, caches, restorer, nodes, warnings }
    }

    /// What the cache of that name is; `None` where there is none such.
    pub fn kind(&self, cache: &str) -> Option<CacheKind> {
        match self.caches.get(cache) {
            Some(Tier::Local(_)) => Some(CacheKind::Local),
            Some(Tier::Repo(_)) => Some(CacheKind::Repo),
            None => (cache == "none").then_some(CacheKind::None),
        }
    }

    /// All names, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.caches.keys().map(|name| &**name).collect();
        names.push("none");
        names.sort_unstable();
        names
    }

    /// The entry for `key`, if it can be replayed. Restores nothing.
    pub fn lookup(&self, cache: &str, key: &Key<'_>, files: &dyn ArtifactFiles) -> Lookup {
        match self.caches.get(cache) {
            Some(tier) => tier.cache().lookup(key, files),
            None => Lookup::Miss(MissReason::NotCached),
        }
    }

    /// The log of an entry that [`CacheSet::lookup`] found.
    pub fn log(&self, cache: &str, result: &ActionResult) -> Option<Vec<u8>> {
        self.caches.get(cache)?.cache().log(result)
    }

    /// Puts the artifacts of an entry into the work tree, all of them or none. `present`: the files
    /// that match the globs of the artifacts now; those that the entry does not name are taken away.
    ///
    /// An entry of the repo cache has its artifacts in the work tree, so nothing is done for it.
    pub fn restore(
        &self,
        cache: &str,
        result: &ActionResult,
        files: &dyn ArtifactFiles,
        present: &[RelPath],
    ) -> Restore {
        match self.caches.get(cache) {
            Some(tier) if tier.cache().keeps_artifacts() => {
                self.restorer.restore(result, files, present)
            }
            _ => Restore::Done(Restored::default()),
        }
    }

    /// Finishes restores that a killed process left half done. To be called at start-up, before the
    /// work tree is looked at.
    pub fn recover(&self) -> Recovered {
        self.restorer.recover()
    }

    /// Takes up the files that a run made, and keeps their bytes where the cache wants them.
    ///
    /// # Errors
    /// Where a file cannot be read or kept; then the result is not to be stored.
    pub fn collect(
        &self,
        cache: &str,
        files: &[(RelPath, FileKind, BlobId)],
    ) -> Result<Vec<Artifact>, CollectError> {
        let Some(tier) = self.caches.get(cache) else { return Ok(Vec::new()) };
        let mut artifacts = Vec::with_capacity(files.len());
        for (path, kind, id) in files {
            let bytes = match kind {
                FileKind::Link => self.system.read_link(path),
                FileKind::File | FileKind::Executable => self.system.read(path),
            };
            let bytes = bytes.map_err(|error| CollectError::Unreadable(path.clone(), error))?;
            if !is_content_of(id, &bytes) {
                return Err(CollectError::Moved(path.clone()));
            }
            let content = match tier.cache().keeps_artifacts() {
                true => self.contents().put(bytes),
                false => Ok(content_of(&bytes)),
            };
            let content = content.map_err(|error| CollectError::NotStored(path.clone(), error))?;
            artifacts.push(Artifact { path: encode_path(path), kind: *kind, id: *id, content });
        }
        artifacts.sort();
        Ok(artifacts)
    }

    /// Keeps a result, and gives it back as its entry. Where it cannot be kept there is a warning.
    pub fn store(&self, cache: &str, key: &Key<'_>, finished: Finished<'_>) -> ActionResult {
        let Finished { code, log, mut artifacts, millis, explanation } = finished;
        artifacts.sort();
        let result = ActionResult {
            runnable: key.runnable.to_owned(),
            fingerprint: key.fingerprint,
            code,
            log: content_of(log),
            artifacts,
            millis,
            explanation,
        };
        if let Some(tier) = self.caches.get(cache) {
            tier.cache().store(key, &result, log);
        }
        result
    }

    /// The latest entries of a runnable, newest first, eight at most: against them a miss is
    /// explained.
    pub fn recent(&self, cache: &str, runnable: &str) -> Vec<ActionResult> {
        self.caches.get(cache).map(|tier| tier.cache().recent(runnable)).unwrap_or_default()
    }

    /// Keeps the Merkle nodes that explanations name, each under the digest of its bytes.
    pub fn keep_nodes(&self, nodes: Vec<(Digest, Vec<u8>)>) {
        self.nodes.put(nodes);
    }

    /// The bytes of a node.
    pub fn node(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.nodes.get(digest)
    }

    /// The file that holds the committed entry of a runnable, where its cache is one of those.
    pub fn committed_file(&self, cache: &str, runnable: &str) -> Option<RelPath> {
        matches!(self.caches.get(cache)?, Tier::Repo(_))
            .then(|| crate::repo::entry_path(runnable, "json"))
    }

    /// Stages a file that was written beside the committed entries, with these.
    pub fn stage_with(&self, path: RelPath) {
        for tier in self.caches.values() {
            if let Tier::Repo(cache) = tier {
                cache.stage_with(path.clone());
            }
        }
    }

    /// Whether a node is at hand.
    pub fn has_node(&self, digest: &Digest) -> bool {
        self.nodes.has(digest)
    }

    /// The bytes that are kept here: logs, artifacts, and whatever else callers put there.
    pub fn contents(&self) -> &ContentStore {
        self.local.contents()
    }

    /// Stages new repo entries; to be called once at the end of a run.
    pub fn stage(&self) {
        for tier in self.caches.values() {
            if let Tier::Repo(cache) = tier {
                cache.stage();
            }
        }
    }

    /// Forgets everything in the local cache.
    ///
    /// # Errors
    /// Where something cannot be removed.
    pub fn clear(&self) -> Result<(), StorageError> {
        self.local.clear()
    }

    /// Takes what there was to say since the last call.
    pub fn warnings(&self) -> Vec<Diagnostic> {
        self.warnings.drain()
    }
}

fn git_add(config: &CacheConfig) -> bool {
    !matches!(config.settings.get("git-add"), Some(Setting::Bool(false)))
}
