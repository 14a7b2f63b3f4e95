//! Results on their way to a remote, in the background. Contents go before the entry that names
//! them, so that whoever finds an entry finds all of it. Does not wait unless it is told to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use qik_model::Content;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::client::{Trouble, content_key};
use super::{LARGEST_ENTRY, Remote, Wanted, object_key, roots, wire};
use crate::entry::{Origin, Stored};
use crate::storage::runtime;

/// So many results are on their way at once.
const AT_ONCE: usize = 16;
/// How often whoever waits hears how many are left.
const TICK: Duration = Duration::from_millis(100);

/// What became of the results that were to be shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// Results that the remote holds now.
    pub shared: usize,
    /// Results that it does not hold.
    pub unshared: usize,
    /// Why not, of the first of them.
    pub unshared_because: Option<String>,
}

/// Uploads that are under way.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    tasks: Mutex<JoinSet<()>>,
    room: OnceLock<Arc<Semaphore>>,
    tally: Arc<Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    pending: AtomicUsize,
    sharing: Mutex<Sharing>,
}

impl Uploads {
    pub(super) fn add(&self, remote: Arc<Remote>, stored: Stored, platform: String, replace: bool) {
        let room = self.room.get_or_init(|| Arc::new(Semaphore::new(AT_ONCE))).clone();
        let tally = self.tally.clone();
        tally.pending.fetch_add(1, Ordering::Relaxed);
        let task = async move {
            let _room = room.acquire().await;
            // Contents are read and compressed: not a thing to hold other tasks up with.
            let shared =
                tokio::task::spawn_blocking(move || remote.share(stored, &platform, replace)).await;
            tally.count(shared.unwrap_or_else(|error| Err(Trouble(error.to_string()))));
        };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.spawn_on(task, runtime().handle());
    }

    pub(super) fn pending(&self) -> usize {
        self.tally.pending.load(Ordering::Relaxed)
    }

    pub(super) fn finish(&self, goes_on: &mut dyn FnMut(usize) -> bool) -> Sharing {
        let mut tasks =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while !tasks.is_empty() {
            if !goes_on(self.pending()) {
                let left = self.tally.pending.swap(0, Ordering::Relaxed);
                let mut sharing = self.tally.sharing();
                sharing.unshared += left;
                sharing.unshared_because.get_or_insert_with(|| "the run was stopped".into());
                // An entry goes after its contents, so whatever is cut short is only not there.
                tasks.abort_all();
                break;
            }
            let _ = runtime().block_on(async {
                tokio::time::timeout(TICK, async { while tasks.join_next().await.is_some() {} })
                    .await
            });
        }
        std::mem::take(&mut *self.tally.sharing())
    }
}

impl Tally {
    fn count(&self, shared: Result<(), Trouble>) {
        let mut sharing = self.sharing();
        match shared {
            Ok(()) => sharing.shared += 1,
            Err(Trouble(reason)) => {
                sharing.unshared += 1;
                sharing.unshared_because.get_or_insert(reason);
            }
        }
        drop(sharing);
        self.pending.fetch_sub(1, Ordering::Relaxed);
    }

    fn sharing(&self) -> std::sync::MutexGuard<'_, Sharing> {
        self.sharing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remote {
    /// Sends a result with its contents.
    pub(super) fn share(
        &self,
        stored: Stored,
        platform: &str,
        replace: bool,
    ) -> Result<(), Trouble> {
        let system = self.client.system();
        let wanted = (stored.result.fingerprint, platform.to_owned());
        let contents = self.local.contents();
        let mut inline = Vec::new();
        let inlined = wire::inlined(&stored.result);
        for content in &inlined {
            inline.push((*content, contents.get(content).ok().flatten().ok_or_else(gone)?));
        }
        let artifacts = stored.result.artifacts.iter().map(|artifact| artifact.content);
        let mut rest: Vec<Content> = artifacts.chain([stored.result.log]).collect();
        rest.retain(|content| !inlined.contains(content));
        rest.sort_unstable();
        rest.dedup();
        for content in &rest {
            let is_suspect = || super::lock(&self.suspects).contains(&content.digest);
            if is_suspect() || !runtime().block_on(self.is_there(content)) {
                self.client.upload(content, contents)?;
            }
        }
        let code = stored.result.code;
        let nodes = self.nodes.to_share(&roots(&stored.result));
        let stored = self.signed(stored, platform);
        let bytes = wire::encode(&stored, platform, &inline, &nodes);
        self.put_entry(&wanted, bytes, code, replace)?;
        self.shared.add(system, wanted.0);
        self.note_last(&stored, platform, &nodes);
        Ok(())
    }

    fn signed(&self, stored: Stored, platform: &str) -> Stored {
        let settings = &self.client.settings;
        let origin = Origin {
            cache: settings.name.to_string(),
            scope: settings.scope.clone(),
            signature: None,
        };
        let mut stored = Stored { origin: Some(origin), ..stored };
        let header = wire::header(&stored, platform).unwrap_or_default();
        if let Some(origin) = &mut stored.origin {
            origin.signature = settings.signing.sign(&header);
        }
        stored
    }

    /// Entries are written once, but for those that no reader would take, and failures that are
    /// followed by a success.
    fn put_entry(
        &self,
        wanted: &Wanted,
        bytes: Vec<u8>,
        code: i32,
        replace: bool,
    ) -> Result<(), Trouble> {
        let key = object_key(&self.client.settings.scope, wanted);
        let put = |is_new| runtime().block_on(self.client.put(&key, bytes.clone(), is_new));
        if replace {
            return put(false).map(drop);
        }
        if self.client.knows_new()? && put(true)? {
            return Ok(());
        }
        if self.may_replace(&key, wanted, code)? { put(false).map(drop) } else { Ok(()) }
    }

    fn may_replace(&self, key: &str, wanted: &Wanted, code: i32) -> Result<bool, Trouble> {
        let there = runtime().block_on(self.client.get(key, LARGEST_ENTRY))?;
        let scope = self.client.settings.scope.clone();
        let Some(object) = there.and_then(|bytes| self.judge(&scope, wanted, &bytes).ok()) else {
            return Ok(true);
        };
        let result = &object.stored.result;
        if result.code != 0 && code == 0 {
            return Ok(true);
        }
        // One whose contents went is taken by nobody.
        let inline: Vec<Content> = object.inline.iter().map(|(content, _)| *content).collect();
        let mut rest = result.artifacts.iter().map(|artifact| artifact.content).chain([result.log]);
        Ok(rest.any(|content| {
            !inline.contains(&content)
                && !runtime().block_on(async {
                    let key = content_key(&scope, &content);
                    // Where it cannot be told it is not replaced.
                    !matches!(self.client.size(&key).await, Ok(None))
                        || self.is_there(&content).await
                })
        }))
    }
}

fn gone() -> Trouble {
    Trouble("its contents are no longer in the local cache".into())
}
