//! What people ask of caches by hand: how large they are, what is in them, whether it is whole, and
//! to carry it from one to another. A run needs none of it.

use qik_model::{Digest, Fingerprint};
use rustc_hash::FxHashSet;

use crate::entry::Stored;
use crate::local::Freed;
use crate::remote::{Pulled, RemoteCache, Sharing};
use crate::set::CacheSet;
use crate::storage::StorageError;

/// One entry, as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// `linux-64`, say; empty for any.
    pub platform: String,
    /// The entry.
    pub stored: Stored,
    /// When it was last of use, in seconds of Unix time; `None` where nobody noted it.
    pub used: Option<u64>,
}

/// How a cache is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheState {
    /// Its name.
    pub name: String,
    /// What it is and where.
    pub what: String,
    /// How many entries it has, where that is known.
    pub entries: Option<usize>,
    /// Of a remote: why it cannot be used now.
    pub trouble: Option<String>,
    /// Of a remote: results of this project that it is not known to hold.
    pub unshared: Option<usize>,
}

/// What was found by reading everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Entries that are whole.
    pub entries: usize,
    /// Contents that are whole.
    pub contents: usize,
    /// What is not, and why.
    pub damaged: Vec<String>,
}

impl CacheSet {
    /// How each cache is. Remotes are asked.
    pub fn states(&self) -> Vec<CacheState> {
        let entries = self.local().entries();
        let bytes = total(&entries);
        let most = self.local().most_bytes();
        let mut states = vec![CacheState {
            name: "local".into(),
            what: format!("._qik/cache ({} of at most {})", told(bytes), told(most)),
            entries: Some(entries.len()),
            ..CacheState::default()
        }];
        for (name, remote) in self.named_remotes() {
            let trouble = remote.probe().err();
            let unshared = remote.unshared(&entries);
            states.push(CacheState {
                name: name.to_string(),
                what: remote.describe(),
                entries: None,
                trouble,
                unshared: Some(unshared),
            });
        }
        states
    }

    /// Every entry of the local cache, by runnable and then the newest first.
    pub fn list(&self) -> Vec<Listed> {
        let last_use = self.local().last_uses();
        let entries = self.local().entries().into_iter();
        let mut listed: Vec<Listed> = entries
            .map(|(platform, stored)| Listed {
                used: last_use(stored.result.fingerprint, &platform),
                platform,
                stored,
            })
            .collect();
        listed.sort_by(|a, b| {
            let key = |one: &Listed| {
                (one.stored.result.runnable.clone(), std::cmp::Reverse(one.stored.about.written))
            };
            key(a).cmp(&key(b))
        });
        listed
    }

    /// Evicts what is too much or too old in the local cache.
    pub fn gc(&self) -> Freed {
        self.local().gc()
    }

    /// Reads every entry and content of the local cache. What is damaged is put aside.
    pub fn verify(&self) -> Verified {
        let mut verified = Verified::default();
        let mut seen: FxHashSet<Digest> = FxHashSet::default();
        for (platform, stored) in self.local().entries() {
            let result = &stored.result;
            let artifacts = result.artifacts.iter();
            let artifacts = artifacts.map(|artifact| (&*artifact.path, artifact.content));
            let mut whole = true;
            for (what, content) in artifacts.chain([("its log", result.log)]) {
                let is_new = seen.insert(content.digest);
                match self.contents().check(&content) {
                    Ok(true) => verified.contents += usize::from(is_new),
                    Ok(false) => {
                        whole = false;
                        let name = &result.runnable;
                        let print = result.fingerprint.short();
                        let text = format!("{name} {print} {platform}: {what} is gone or damaged");
                        verified.damaged.push(text);
                    }
                    Err(error) => verified.damaged.push(error.to_string()),
                }
            }
            verified.entries += usize::from(whole);
        }
        verified
    }

    /// Reads every entry of a remote that this project may read.
    ///
    /// # Errors
    /// Where the remote does not answer or cannot list.
    pub fn verify_remote(&self, cache: &str) -> Result<Verified, String> {
        self.remote(cache)?.verify()
    }

    /// Sends every result of the local cache that a remote is not known to hold.
    ///
    /// # Errors
    /// Where there is no such remote, or it is not written to.
    pub fn push(
        &self,
        cache: &str,
        goes_on: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Sharing, String> {
        self.remote(cache)?.push(self.local().entries(), goes_on)
    }

    /// Fetches every result of a remote that the local cache lacks.
    ///
    /// # Errors
    /// Where there is no such remote, or it does not answer or cannot list.
    pub fn pull(
        &self,
        cache: &str,
        goes_on: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Pulled, String> {
        self.remote(cache)?.pull(goes_on)
    }

    /// Forgets everything in the part of a remote that this project writes to.
    ///
    /// # Errors
    /// Where the remote does not answer or cannot list.
    pub fn clear_remote(&self, cache: &str) -> Result<usize, String> {
        self.remote(cache)?.clear()
    }

    /// Forgets everything in the local cache; how many entries that were.
    ///
    /// # Errors
    /// Where something cannot be removed.
    pub fn clear_local(&self) -> Result<usize, StorageError> {
        let count = self.local().entries().len();
        self.clear().map(|()| count)
    }

    /// The names of caches that others share.
    pub fn remote_names(&self) -> Vec<String> {
        self.named_remotes().map(|(name, _)| name.to_string()).collect()
    }

    fn remote(&self, cache: &str) -> Result<&RemoteCache, String> {
        let mut remotes = self.named_remotes();
        let found = remotes.find(|(name, _)| &***name == cache).map(|(_, remote)| remote);
        found.ok_or_else(|| format!("`{cache}` is no cache that others share"))
    }
}

/// `1.5 GiB`.
pub fn told(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            let digits = usize::from(value < 10.0 && unit != "B");
            return format!("{value:.digits$} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// The bytes of all contents that entries name, each once.
fn total(entries: &[(String, Stored)]) -> u64 {
    let mut seen: FxHashSet<Digest> = FxHashSet::default();
    let mut bytes = 0;
    for (_, stored) in entries {
        let artifacts = stored.result.artifacts.iter().map(|artifact| artifact.content);
        for content in artifacts.chain([stored.result.log]) {
            if seen.insert(content.digest) {
                bytes += content.size;
            }
        }
    }
    bytes
}

/// The fingerprint and platform in a key below `v1/ac/`.
pub(crate) fn wanted_of(key: &str) -> Option<(Fingerprint, String)> {
    let (platform, print) = match key.rsplit_once('/') {
        Some((platform, print)) => (platform, print),
        None => ("", key),
    };
    Some((print.parse().ok()?, platform.to_owned()))
}
