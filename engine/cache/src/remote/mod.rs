//! A cache that others share: `local` first, then the remote. Results go to `local` at once, and to
//! the remote in the background. Nothing that a remote does makes a run fail, or lets it replay
//! what its entries do not vouch for. Does not know which service stands behind it.

mod agree;
mod answers;
mod backend;
mod breaker;
mod carry;
mod client;
mod ferry;
mod last;
mod settings;
mod share;
mod shared;
pub(crate) mod signing;
mod wire;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use qik_model::{ActionResult, CacheConfig, Digest, Fingerprint, Name};
use qik_system::System;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::action::{ActionCache, ArtifactFiles, Key, Lookup, MissReason, Note};
use crate::entry::Stored;
use crate::local::{LocalCache, entry_key};
use crate::nodes::NodeStore;
use crate::storage::runtime;
use crate::warnings::{self, Warnings};
use client::Client;
pub(crate) use settings::BadSetting;
use settings::Settings;
use share::Uploads;
use shared::Shared;
use wire::Object;

pub use agree::Agreed;
pub use carry::Pulled;
pub use share::Sharing;
pub use signing::new_key;

/// So many entries are asked for at once.
const AT_ONCE: usize = 64;
/// So many contents are fetched at once.
const FETCHES: usize = 8;
/// No entry is larger than this.
const LARGEST_ENTRY: u64 = 16 << 20;

/// A cache behind a service, with `local` before it.
pub struct RemoteCache {
    remote: Arc<Remote>,
    /// What was asked for ahead; each answer serves one look-up.
    ahead: Mutex<FxHashMap<Wanted, Found>>,
    /// Entries that were found, and whose contents are not all here yet.
    unfetched: Mutex<FxHashMap<Fingerprint, Found>>,
    /// The last results of runnables that this machine knows none of.
    last: Mutex<FxHashMap<Name, ActionResult>>,
    uploads: Uploads,
}

/// What tasks in the background share.
struct Remote {
    client: Client,
    local: Arc<LocalCache>,
    nodes: Arc<NodeStore>,
    shared: Shared,
    /// Contents that turned out not to be what their name says: whoever has the right ones sends
    /// them, although something is there.
    suspects: Mutex<FxHashSet<Digest>>,
}

/// A fingerprint and the platform as it stands in keys.
type Wanted = (Fingerprint, String);

/// What a remote answered.
#[derive(Clone, Debug)]
enum Found {
    Entry(Box<Object>),
    Nothing,
    /// There is one, and it is not to be used.
    Rejected(MissReason),
    Failed,
}

/// What asking ahead came to.
struct Ahead {
    /// `None` where `local` answers from now on.
    found: Option<Found>,
    last: Option<ActionResult>,
}

/// Of a task that broke off.
impl Default for Ahead {
    fn default() -> Self {
        Self { found: Some(Found::Failed), last: None }
    }
}

/// # Errors
/// What cannot be used of the settings.
pub(crate) fn check(config: &CacheConfig, system: &dyn System) -> Result<(), BadSetting> {
    Settings::read(config, system).map(drop)
}

impl RemoteCache {
    /// The cache that `config` describes. Nothing is asked of the service yet.
    ///
    /// # Errors
    /// What cannot be used of the settings.
    pub(crate) fn new(
        config: &CacheConfig,
        system: Arc<dyn System>,
        local: Arc<LocalCache>,
        nodes: Arc<NodeStore>,
        warnings: Arc<Warnings>,
    ) -> Result<Self, BadSetting> {
        let settings = Settings::read(config, &*system)?;
        let shared = Shared::new(&settings.place.identity());
        let client = Client::new(settings, system, warnings);
        Ok(Self {
            remote: Arc::new(Remote { client, local, nodes, shared, suspects: Mutex::default() }),
            ahead: Mutex::default(),
            unfetched: Mutex::default(),
            last: Mutex::default(),
            uploads: Uploads::default(),
        })
    }

    /// Asks for all of these at once, so that the look-ups that follow need not wait one by one.
    pub fn prefetch(&self, keys: &[Key<'_>]) {
        let settings = &self.remote.client.settings;
        if !settings.reads {
            return;
        }
        let wanted = |key: &Key<'_>| {
            let platform = self.remote.local.platform(key.platform).to_owned();
            (Name::from(key.runnable), (key.fingerprint, platform))
        };
        let wanted: Vec<(Name, Wanted)> = keys
            .iter()
            .map(wanted)
            .filter(|(_, wanted)| !lock(&self.ahead).contains_key(wanted))
            .filter(|(_, (print, platform))| !self.remote.is_at_hand(*print, platform))
            .collect();
        if wanted.is_empty() {
            return;
        }
        let asked = wanted.into_iter().map(|(runnable, wanted)| {
            let asked = self.remote.clone().ask_ahead(runnable.clone(), wanted.clone());
            async move { (runnable, wanted, runtime().spawn(asked).await.unwrap_or_default()) }
        });
        for (runnable, wanted, ahead) in all_of(asked) {
            lock(&self.ahead).extend(ahead.found.map(|found| (wanted, found)));
            lock(&self.last).extend(ahead.last.map(|last| (runnable, last)));
        }
    }

    /// Asks for all of these, many at once.
    fn ask_all(&self, wanted: Vec<Wanted>) -> Vec<(Wanted, Found)> {
        let remote = &self.remote;
        let asked = wanted.into_iter().map(|wanted| {
            let remote = remote.clone();
            // Tasks of their own, so that reading what came back is spread over the threads.
            async move {
                let asked = wanted.clone();
                let found = runtime().spawn(async move { remote.ask(&asked).await }).await;
                (wanted, found.unwrap_or(Found::Failed))
            }
        });
        all_of(asked)
    }

    fn find(&self, wanted: &Wanted) -> Found {
        if let Some(found) = lock(&self.ahead).remove(wanted) {
            return found;
        }
        runtime().block_on(self.remote.ask(wanted))
    }

    /// A local entry that this cache has no reason to doubt.
    fn find_here(&self, key: &Key<'_>, files: &dyn ArtifactFiles) -> Result<Stored, MissReason> {
        self.remote
            .local
            .lookup_if(key, files, &|stored, platform| self.remote.is_trusted(stored, platform))
    }

    fn take_in(&self, wanted: &Wanted, object: Box<Object>, files: &dyn ArtifactFiles) -> Lookup {
        let result = object.stored.result.clone();
        match self.remote.take_in(wanted, &object, files) {
            Ok(true) => Lookup::Hit(Box::new(result)),
            Ok(false) => {
                lock(&self.unfetched).insert(wanted.0, Found::Entry(object));
                Lookup::Hit(Box::new(result))
            }
            Err(reason) => {
                self.remote.shared.forget(self.remote.client.system(), &wanted.0);
                Lookup::Miss(reason)
            }
        }
    }

    /// What there is to say of it: where it is, and how it is used.
    pub fn describe(&self) -> String {
        let settings = &self.remote.client.settings;
        let mode = match (settings.reads, settings.writes) {
            (true, true) => "read and write",
            (true, false) => "read only",
            (false, _) => "write only",
        };
        let place = &settings.place;
        let scope = match settings.scope.trim_end_matches('/') {
            "" => String::new(),
            scope => format!(", scope {scope}"),
        };
        format!("{} {} ({mode}{scope})", place.kind, place.told())
    }

    /// How many uploads are on their way.
    pub fn uploading(&self) -> usize {
        self.uploads.pending()
    }

    /// Waits until all uploads are done, or `goes_on` says no; what could be shared, and what not.
    /// `goes_on` is told how many are left, several times a second.
    pub fn finish(&self, goes_on: &mut dyn FnMut(usize) -> bool) -> Sharing {
        let sharing = self.uploads.finish(goes_on);
        if let Some(reason) = sharing.unshared_because.as_ref().filter(|_| sharing.unshared > 0) {
            let name = &self.remote.client.settings.name;
            let results = if sharing.unshared == 1 { "result was" } else { "results were" };
            let text =
                format!("{} {results} not shared with cache `{name}`: {reason}", sharing.unshared);
            let report = self.remote.client.report(warnings::UNSHARED, text);
            let help = "kept in the local cache, and shared by the next run that needs it";
            self.remote.client.warnings().add(report.help(help));
        }
        sharing
    }

    fn share(&self, stored: Stored, platform: &str, replace: bool) {
        if self.remote.client.settings.writes {
            self.uploads.add(self.remote.clone(), stored, platform.to_owned(), replace);
        }
    }
}

impl ActionCache for RemoteCache {
    fn has_entry(&self, key: &Key<'_>) -> bool {
        self.remote.local.has_entry(key)
    }

    fn lookup(&self, key: &Key<'_>, files: &dyn ArtifactFiles) -> Lookup {
        let platform = self.remote.local.platform(key.platform).to_owned();
        let settings = &self.remote.client.settings;
        let reason = match self.find_here(key, files) {
            Ok(stored) => return Lookup::Hit(Box::new(stored.result)),
            Err(reason) => reason,
        };
        if !settings.reads {
            return Lookup::Miss(reason);
        }
        let wanted = (key.fingerprint, platform);
        match self.find(&wanted) {
            Found::Entry(object) => self.take_in(&wanted, object, files),
            Found::Nothing => {
                self.remote.shared.forget(self.remote.client.system(), &wanted.0);
                Lookup::Miss(reason)
            }
            Found::Rejected(why) => {
                self.remote.shared.forget(self.remote.client.system(), &wanted.0);
                Lookup::Miss(why)
            }
            Found::Failed => Lookup::Miss(reason),
        }
    }

    fn store(&self, key: &Key<'_>, result: &ActionResult, log: &[u8], note: &Note) -> bool {
        let kept = self.remote.local.store(key, result, log, note);
        if kept {
            let stored = Stored { result: result.clone(), about: note.about.clone(), origin: None };
            let platform = self.remote.local.platform(key.platform).to_owned();
            lock(&self.unfetched).remove(&key.fingerprint);
            self.share(stored, &platform, note.replace);
        }
        kept
    }

    fn log(&self, result: &ActionResult) -> Option<Vec<u8>> {
        if !self.remote.local.contents().has(&result.log) {
            if let Some(log) = self.remote.local.log(result) {
                return Some(log);
            }
            self.remote.download(&[result.log]);
        }
        self.remote.local.log(result)
    }

    fn replayed(&self, key: &Key<'_>) {
        let remote = &self.remote;
        if !remote.client.settings.writes
            || remote.shared.holds(remote.client.system(), &key.fingerprint)
        {
            return;
        }
        let platform = remote.local.platform(key.platform).to_owned();
        if let Some(stored) = remote.local.known(key.fingerprint, &platform)
            && remote.is_trusted(&stored, &platform)
        {
            self.share(stored, &platform, false);
        }
    }

    fn recent(&self, runnable: &str) -> Vec<ActionResult> {
        let recent = self.remote.local.recent(runnable);
        if !recent.is_empty() {
            return recent;
        }
        lock(&self.last).get(runnable).cloned().into_iter().collect()
    }

    fn keeps_artifacts(&self) -> bool {
        true
    }

    fn is_at_hand(&self, result: &ActionResult) -> bool {
        !lock(&self.unfetched).contains_key(&result.fingerprint)
    }

    fn fetch(&self, result: &ActionResult, files: &dyn ArtifactFiles) -> Result<(), MissReason> {
        let Some(Found::Entry(object)) = lock(&self.unfetched).remove(&result.fingerprint) else {
            return Ok(());
        };
        let missing = self.remote.missing(result, files);
        self.remote.download(&missing);
        let still = self.remote.local.contents().missing(&missing);
        if let Some(content) = still.first() {
            self.remote.shared.forget(self.remote.client.system(), &result.fingerprint);
            return Err(self.remote.missing_reason(result, content));
        }
        self.remote.keep(&(result.fingerprint, object.platform.clone()), &object);
        Ok(())
    }
}

/// All answers, with so many questions at once.
fn all_of<T>(asked: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    runtime().block_on(async {
        futures_util::stream::iter(asked).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await
    })
}

/// The digests that may be those of nodes.
fn roots(result: &ActionResult) -> Vec<Digest> {
    result.explanation.items.iter().filter_map(|item| item.digest).collect()
}

/// Where an entry is.
fn object_key(scope: &str, (fingerprint, platform): &Wanted) -> String {
    format!("{scope}v1/{}", entry_key(*fingerprint, platform))
}

impl fmt::Debug for RemoteCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteCache").field("client", &self.remote.client).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
