//! A cache that others share: `local` first, then the remote. Results go to `local` at once, and to
//! the remote in the background. Nothing that a remote does makes a run fail, or lets it replay
//! what its entries do not vouch for. Does not know which service stands behind it.

mod backend;
mod breaker;
mod carry;
mod client;
mod ferry;
mod settings;
mod share;
mod shared;
pub(crate) mod signing;
mod wire;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use qik_model::{ActionResult, CacheConfig, Content, Diagnostic, Digest, Fingerprint, Platform};
use qik_system::System;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::action::{ActionCache, ArtifactFiles, Key, Lookup, MissReason, Note};
use crate::entry::Stored;
use crate::local::{LocalCache, entry_key};
use crate::names::decode_path;
use crate::storage::runtime;
use crate::warnings::{self, Warnings};
use client::{Client, Trouble, content_key};
pub(crate) use settings::BadSetting;
use settings::Settings;
use share::Uploads;
use shared::Shared;
use wire::Object;

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
    uploads: Uploads,
}

/// What tasks in the background share.
struct Remote {
    client: Client,
    local: Arc<LocalCache>,
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
        warnings: Arc<Warnings>,
    ) -> Result<Self, BadSetting> {
        let settings = Settings::read(config, &*system)?;
        let shared = Shared::new(&settings.place.identity());
        let client = Client::new(settings, system, warnings);
        Ok(Self {
            remote: Arc::new(Remote { client, local, shared, suspects: Mutex::default() }),
            ahead: Mutex::default(),
            unfetched: Mutex::default(),
            uploads: Uploads::default(),
        })
    }

    /// Asks for all of these at once, so that the look-ups that follow need not wait one by one.
    pub fn prefetch(&self, keys: &[(Fingerprint, Platform)]) {
        let settings = &self.remote.client.settings;
        if !settings.reads {
            return;
        }
        let wanted: Vec<Wanted> = keys
            .iter()
            .map(|(print, platform)| (*print, self.remote.local.platform(*platform).to_owned()))
            .filter(|wanted| !lock(&self.ahead).contains_key(wanted))
            .filter(|(print, platform)| !self.remote.is_at_hand(*print, platform))
            .collect();
        if wanted.is_empty() {
            return;
        }
        let remote = &self.remote;
        let asked = wanted.into_iter().map(|wanted| {
            let remote = remote.clone();
            async move {
                let asked = wanted.clone();
                let found = runtime().spawn(async move { remote.ask_and_keep(asked).await }).await;
                Some((wanted, found.unwrap_or(Some(Found::Failed))?))
            }
        });
        lock(&self.ahead).extend(all_of(asked).into_iter().flatten());
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

impl Remote {
    /// Whether an entry can be replayed without the remote, as far as can be told without the tree.
    fn is_at_hand(&self, fingerprint: Fingerprint, platform: &str) -> bool {
        self.local.has_if(fingerprint, platform, &|stored| self.is_trusted(stored, platform))
    }

    /// Whether a local entry may stand for one of this cache: made here, or signed as it must be.
    fn is_trusted(&self, stored: &Stored, platform: &str) -> bool {
        let Some(origin) = &stored.origin else { return true };
        let Some(header) = wire::header(stored, platform) else { return false };
        let settings = &self.client.settings;
        match settings.signing.check(&header, origin.signature.as_ref()) {
            Ok(()) => !settings.signing.asks() || self.is_ours(&origin.cache, &origin.scope),
            Err(_) => false,
        }
    }

    fn is_ours(&self, cache: &str, scope: &str) -> bool {
        let settings = &self.client.settings;
        cache == &*settings.name && settings.scopes().contains(&scope)
    }

    /// Asks the service, in each part that is read.
    async fn ask(&self, wanted: &Wanted) -> Found {
        let mut worst = Found::Nothing;
        for scope in self.client.settings.scopes() {
            let key = object_key(scope, wanted);
            match self.client.get(&key, LARGEST_ENTRY).await {
                Ok(Some(bytes)) => match self.judge(scope, wanted, &bytes) {
                    Ok(object) => return Found::Entry(Box::new(object)),
                    Err(reason) => {
                        self.reject(&key, &reason);
                        worst = Found::Rejected(reason);
                    }
                },
                Ok(None) => {}
                Err(Trouble(_)) => {
                    if matches!(worst, Found::Nothing) {
                        worst = Found::Failed;
                    }
                }
            }
        }
        worst
    }

    /// As [`Remote::ask`]; what stands in its entry whole is kept at once, while others are still
    /// waited for, and `local` answers for it: `None`.
    async fn ask_and_keep(self: Arc<Self>, wanted: Wanted) -> Option<Found> {
        match self.ask(&wanted).await {
            Found::Entry(object) => {
                let keep = move || {
                    let is_kept = self.keep_whole(&wanted, &object);
                    (!is_kept).then_some(Found::Entry(object))
                };
                tokio::task::spawn_blocking(keep).await.unwrap_or(Some(Found::Failed))
            }
            other => Some(other),
        }
    }

    fn keep_whole(&self, wanted: &Wanted, object: &Object) -> bool {
        let contents = self.local.contents();
        let result = &object.stored.result;
        let all = result.artifacts.iter().map(|artifact| artifact.content).chain([result.log]);
        let is_inline = |content| object.inline.iter().any(|(inline, _)| *inline == content);
        if !all.into_iter().all(is_inline) {
            return false;
        }
        let is_put = |(content, bytes): &(Content, Vec<u8>)| {
            contents.has(content) || contents.put(bytes.clone()).is_ok()
        };
        object.inline.iter().all(is_put) && self.keep(wanted, object)
    }

    /// What an object says, if it is whole, belongs where it was found, and is vouched for.
    fn judge(&self, scope: &str, wanted: &Wanted, bytes: &[u8]) -> Result<Object, MissReason> {
        let object = wire::decode(bytes).ok_or(MissReason::Damaged)?;
        let (stored, result) = (&object.stored, &object.stored.result);
        if result.fingerprint != wanted.0 || object.platform != wanted.1 {
            return Err(MissReason::Untrusted("it belongs to another key".into()));
        }
        let origin = stored.origin.as_ref().ok_or(MissReason::Damaged)?;
        let header = wire::header(stored, &object.platform).ok_or(MissReason::Damaged)?;
        let signing = &self.client.settings.signing;
        signing
            .check(&header, origin.signature.as_ref())
            .map_err(|why| MissReason::Untrusted(why.to_string()))?;
        let is_in_place = origin.cache == *self.client.settings.name && origin.scope == scope;
        if signing.asks() && !is_in_place {
            return Err(MissReason::Untrusted("it was signed for another place".into()));
        }
        let files = result.artifacts.iter().map(|artifact| &artifact.path);
        for path in files.chain(&result.folders) {
            decode_path(path).ok_or_else(|| MissReason::UnsafePath(path.clone()))?;
        }
        Ok(object)
    }

    fn reject(&self, key: &str, reason: &MissReason) {
        let (code, why) = match reason {
            MissReason::Damaged => (warnings::DAMAGED, "it is torn, or not qik's".to_owned()),
            MissReason::Untrusted(why) => (warnings::UNTRUSTED, why.clone()),
            other => (warnings::REFUSED, other.to_string()),
        };
        let name = &self.client.settings.name;
        let text = format!("entry `{key}` of cache `{name}` is not used: {why}");
        let help = "what it was for runs again, and its result takes the entry's place";
        self.client.warnings().add(Diagnostic::warning(code, text).help(help));
    }

    /// Keeps what stood in the entry; whether all that it takes to replay it is here now.
    fn take_in(
        &self,
        wanted: &Wanted,
        object: &Object,
        files: &dyn ArtifactFiles,
    ) -> Result<bool, MissReason> {
        let contents = self.local.contents();
        for (content, bytes) in &object.inline {
            if !contents.has(content) {
                let unkept =
                    |error: crate::StorageError| MissReason::Unreachable(error.to_string());
                contents.put(bytes.clone()).map_err(unkept)?;
            }
        }
        let missing = self.missing(&object.stored.result, files);
        let there = missing.iter().map(|content| self.is_there(content));
        let there = runtime().block_on(async { futures_util::future::join_all(there).await });
        if let Some(at) = there.iter().position(|is_there| !is_there) {
            return Err(self.missing_reason(&object.stored.result, &missing[at]));
        }
        if missing.is_empty() {
            self.keep(wanted, object);
        }
        Ok(missing.is_empty())
    }

    /// What has to be fetched to replay a result.
    fn missing(&self, result: &ActionResult, files: &dyn ArtifactFiles) -> Vec<Content> {
        let artifacts = result.artifacts.iter().filter(|artifact| {
            let path = decode_path(&artifact.path);
            path.and_then(|path| files.state(&path)) != Some((artifact.kind, artifact.id))
        });
        let mut seen = FxHashSet::default();
        let wanted = artifacts.map(|artifact| artifact.content).chain([result.log]);
        let wanted: Vec<Content> = wanted.filter(|content| seen.insert(content.digest)).collect();
        self.local.contents().missing(&wanted)
    }

    fn missing_reason(&self, result: &ActionResult, content: &Content) -> MissReason {
        let artifact = result.artifacts.iter().find(|artifact| artifact.content == *content);
        match artifact.and_then(|artifact| decode_path(&artifact.path)) {
            Some(path) => MissReason::ContentMissing(path),
            None => MissReason::LogMissing,
        }
    }

    async fn is_there(&self, content: &Content) -> bool {
        for scope in self.client.settings.scopes() {
            if matches!(self.client.size(&content_key(scope, content)).await, Ok(Some(_))) {
                return true;
            }
        }
        false
    }

    /// All of it is here: from now on `local` answers for it.
    fn keep(&self, wanted: &Wanted, object: &Object) -> bool {
        let log = object.stored.result.log;
        let log = object.inline.iter().find(|(content, _)| *content == log);
        let log = log.map(|(_, bytes)| &bytes[..]);
        self.shared.add(self.client.system(), wanted.0);
        // Where that fails it is asked for again the next time.
        self.local.keep_entry(&wanted.1, &object.stored, log).is_ok()
    }
}

impl ActionCache for RemoteCache {
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
        self.remote.local.recent(runnable)
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
