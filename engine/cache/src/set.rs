//! The caches of a project by name. What a run calls; every decision is its caches'.

mod collect;
mod configured;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use qik_model::{ActionResult, CacheConfig, Diagnostic, Digest, Name, RelPath};
use qik_system::System;

use crate::action::{ActionCache, ArtifactFiles, Finished, Key, Lookup, MissReason, Note};
use crate::content::{ContentStore, content_of};
use crate::entry::About;
use crate::local::LocalCache;
use crate::names::encode_path;
use crate::nodes::NodeStore;
use crate::remote::{Agreed, RemoteCache, Sharing};
use crate::repo::RepoCache;
use crate::restore::{Recovered, Restore, Restored, Restorer};
use crate::storage::StorageError;
use configured::{bad_setting, bounds, git_add};

use crate::warnings::Warnings;
pub use configured::check_settings;

/// Every cache that a command may name.
#[derive(Debug)]
pub struct CacheSet {
    system: Arc<dyn System>,
    local: Arc<LocalCache>,
    /// All but `none`.
    caches: BTreeMap<Name, Tier>,
    restorer: Restorer,
    nodes: Arc<NodeStore>,
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
    /// Keeps many entries, for others too.
    Remote,
}

#[derive(Clone, Debug)]
enum Tier {
    Local(Arc<LocalCache>),
    Repo(Arc<RepoCache>),
    Remote(Arc<RemoteCache>),
}

impl Tier {
    fn cache(&self) -> &dyn ActionCache {
        match self {
            Self::Local(cache) => &**cache,
            Self::Repo(cache) => &**cache,
            Self::Remote(cache) => &**cache,
        }
    }
}

impl CacheSet {
    /// The configured caches, and `local`, `repo` and `none`. Reads and writes nothing yet.
    /// `platform` is that of this machine: `linux-64`, say.
    ///
    /// Texts in `configured` have no templates any more, and [`check_settings`] found nothing wrong
    /// with any of them; `local` stands in for one that cannot be used.
    pub fn open(
        system: Arc<dyn System>,
        configured: &BTreeMap<Name, Arc<CacheConfig>>,
        platform: &str,
    ) -> Self {
        let warnings = Arc::new(Warnings::default());
        let bounds = bounds(configured);
        let local = Arc::new(LocalCache::new(system.clone(), platform, bounds, warnings.clone()));
        let repo = |git_add| {
            Tier::Repo(Arc::new(RepoCache::new(system.clone(), git_add, warnings.clone())))
        };
        let nodes = Arc::new(NodeStore::new(system.clone()));
        let mut caches = BTreeMap::new();
        caches.insert(Name::from("local"), Tier::Local(local.clone()));
        for (name, config) in configured {
            match &*config.kind {
                "local" => caches.insert(name.clone(), Tier::Local(local.clone())),
                "repo" => caches.insert(name.clone(), repo(git_add(config))),
                _ => {
                    let (system, local) = (system.clone(), local.clone());
                    let (nodes, warned) = (nodes.clone(), warnings.clone());
                    let remote = RemoteCache::new(config, system, local.clone(), nodes, warned);
                    let tier = match remote {
                        Ok(cache) => Tier::Remote(Arc::new(cache)),
                        Err(bad) => {
                            warnings.add(bad_setting(config, &bad));
                            Tier::Local(local.clone())
                        }
                    };
                    caches.insert(name.clone(), tier)
                }
            };
        }
        caches.entry(Name::from("repo")).or_insert_with(|| repo(true));
        let restorer = Restorer::new(system.clone(), local.contents().clone(), warnings.clone());
        Self { system, local, caches, restorer, nodes, warnings }
    }

    /// What the cache of that name is; `None` where there is none such.
    pub fn kind(&self, cache: &str) -> Option<CacheKind> {
        match self.caches.get(cache) {
            Some(Tier::Local(_)) => Some(CacheKind::Local),
            Some(Tier::Repo(_)) => Some(CacheKind::Repo),
            Some(Tier::Remote(_)) => Some(CacheKind::Remote),
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
        let _phase = qik_system::phase("look-up");
        match self.caches.get(cache) {
            Some(tier) => tier.cache().lookup(key, files),
            None => Lookup::Miss(MissReason::NotCached),
        }
    }

    /// Whether there is an entry for `key` here, usable or not. Waits for nobody, so that it can be
    /// asked again and again.
    pub fn has_entry(&self, cache: &str, key: &Key<'_>) -> bool {
        self.caches.get(cache).is_some_and(|tier| tier.cache().has_entry(key))
    }

    /// Asks for all of these at once where that takes time, so that the look-ups that follow do not
    /// wait one by one.
    pub fn prefetch(&self, cache: &str, keys: &[Key<'_>]) {
        if let Some(Tier::Remote(cache)) = self.caches.get(cache) {
            cache.prefetch(keys);
        }
    }

    /// Says `bytes` on `topic` to all machines that share a cache, unless another said something
    /// before; what they go by.
    pub fn agree(&self, cache: &str, topic: &str, bytes: Vec<u8>) -> Agreed {
        match self.caches.get(cache) {
            Some(Tier::Remote(cache)) => cache.agree(topic, bytes),
            _ => Agreed::Impossible,
        }
    }

    /// Whether an entry that was found can be replayed without waiting for anybody.
    pub fn is_at_hand(&self, cache: &str, result: &ActionResult) -> bool {
        self.caches.get(cache).is_none_or(|tier| tier.cache().is_at_hand(result))
    }

    /// The entry for `key` is replayed. Where others lack it, it is shared in the background.
    pub fn replayed(&self, cache: &str, key: &Key<'_>) {
        if let Some(tier) = self.caches.get(cache) {
            tier.cache().replayed(key);
        }
    }

    /// How many results are on their way to others.
    pub fn uploading(&self) -> usize {
        self.remotes().map(|cache| cache.uploading()).sum()
    }

    /// Waits until all results are with others, or `goes_on` says no, and tidies up; to be called at
    /// the end of a run. `goes_on` is told how many are left, several times a second.
    pub fn finish(&self, goes_on: &mut dyn FnMut(usize) -> bool) -> Sharing {
        let mut all = Sharing::default();
        for cache in self.remotes() {
            let one = cache.finish(goes_on);
            all.shared += one.shared;
            all.unshared += one.unshared;
            all.unshared_because = all.unshared_because.or(one.unshared_because);
        }
        self.local.tidy();
        all
    }

    fn remotes(&self) -> impl Iterator<Item = &RemoteCache> {
        self.named_remotes().map(|(_, cache)| cache)
    }

    pub(crate) fn named_remotes(&self) -> impl Iterator<Item = (&Name, &RemoteCache)> {
        self.caches.iter().filter_map(|(name, tier)| match tier {
            Tier::Remote(cache) => Some((name, &**cache)),
            _ => None,
        })
    }

    pub(crate) fn local(&self) -> &LocalCache {
        &self.local
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
                if let Err(reason) = tier.cache().fetch(result, files) {
                    return Restore::Miss(reason);
                }
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

    /// Keeps a result, and gives it back as its entry. Where it cannot be kept there is a warning.
    pub fn store(&self, cache: &str, key: &Key<'_>, finished: Finished<'_>) -> ActionResult {
        let Finished { code, log, millis, explanation, command, replace, .. } = finished;
        let (mut artifacts, mut folders) = (finished.artifacts, Vec::new());
        artifacts.sort();
        if self.caches.get(cache).is_some_and(|tier| tier.cache().keeps_artifacts()) {
            folders.extend(finished.folders.iter().map(encode_path));
            folders.sort();
        }
        let result = ActionResult {
            runnable: key.runnable.to_owned(),
            fingerprint: key.fingerprint,
            code,
            log: content_of(log),
            artifacts,
            folders,
            millis,
            explanation,
        };
        if let Some(tier) = self.caches.get(cache) {
            let about = About {
                command: command.to_owned(),
                writer: writer(&*self.system),
                written: self.system.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
                qik: env!("CARGO_PKG_VERSION").into(),
            };
            tier.cache().store(key, &result, log, &Note { about, replace });
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

/// Whoever made a result: the job in CI, or the user.
fn writer(system: &dyn System) -> String {
    let get = |name: &str| Some(system.env().get(name)?.to_str()?.to_owned());
    let github = || {
        let (server, repo) = (get("GITHUB_SERVER_URL")?, get("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{repo}/actions/runs/{}", get("GITHUB_RUN_ID")?))
    };
    let known = github().or_else(|| get("CI_JOB_URL")).or_else(|| get("BUILD_URL"));
    known.or_else(|| get("USER")).unwrap_or_default()
}
