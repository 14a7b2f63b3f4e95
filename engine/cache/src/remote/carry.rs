//! Whole caches on their way: all that is here to the remote, all that is there to here, and what
//! else is asked of a remote by hand.

use qik_model::{Content, RelPath};

use super::client::Trouble;
use super::share::Sharing;
use super::{AT_ONCE, Found, RemoteCache, Wanted, runtime};
use crate::entry::Stored;
use crate::verbs::{Verified, wanted_of};

/// What fetching all of a remote came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Results that are here now and were not before.
    pub fetched: usize,
    /// Results that were here already.
    pub known: usize,
    /// Results that could not be had, or are not trusted.
    pub refused: usize,
}

impl RemoteCache {
    /// # Errors
    /// Why nothing can be had of it.
    pub(crate) fn probe(&self) -> Result<(), String> {
        let client = &self.remote.client;
        let key = format!("{}v1/probe", client.settings.scope);
        runtime().block_on(client.size(&key)).map(drop).map_err(|Trouble(why)| why)
    }

    /// How many of these entries, made here, it is not known to hold.
    pub(crate) fn unshared(&self, entries: &[(String, Stored)]) -> usize {
        let system = self.remote.client.system();
        let is_new = |stored: &Stored| {
            stored.origin.is_none() && !self.remote.shared.holds(system, &stored.result.fingerprint)
        };
        entries.iter().filter(|(_, stored)| is_new(stored)).count()
    }

    pub(crate) fn push(
        &self,
        entries: Vec<(String, Stored)>,
        goes_on: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Sharing, String> {
        if !self.remote.client.settings.writes {
            return Err(
                "it is not written to from here: by its `mode`, or for want of a key".into()
            );
        }
        let system = self.remote.client.system();
        for (platform, stored) in entries {
            // What came from elsewhere is not ours to vouch for.
            let is_ours = stored.origin.is_none();
            if is_ours && !self.remote.shared.holds(system, &stored.result.fingerprint) {
                self.share(stored, &platform, false);
            }
        }
        Ok(self.finish(goes_on))
    }

    pub(crate) fn pull(&self, goes_on: &mut dyn FnMut(usize) -> bool) -> Result<Pulled, String> {
        let wanted = self.all()?;
        let local = &self.remote.local;
        let (known, wanted): (Vec<Wanted>, Vec<Wanted>) = wanted
            .into_iter()
            .filter(|(_, platform)| local.is_of_use(platform))
            .partition(|(print, platform)| self.remote.is_at_hand(*print, platform));
        let mut pulled = Pulled { known: known.len(), ..Pulled::default() };
        let mut left = wanted.len();
        for group in wanted.chunks(AT_ONCE) {
            if !goes_on(left) {
                break;
            }
            for (wanted, found) in self.ask_all(group.to_vec()) {
                let fetched = match found {
                    Found::Entry(object) => self.fetch_whole(&wanted, &object),
                    _ => false,
                };
                pulled.fetched += usize::from(fetched);
                pulled.refused += usize::from(!fetched);
            }
            left -= group.len();
        }
        Ok(pulled)
    }

    pub(crate) fn verify(&self) -> Result<Verified, String> {
        let mut verified = Verified::default();
        for group in self.all()?.chunks(AT_ONCE) {
            for (wanted, found) in self.ask_all(group.to_vec()) {
                let name = format!("{} {}", wanted.0.short(), wanted.1);
                match found {
                    Found::Entry(object) => {
                        let missing = self.gone(&object);
                        if missing == 0 {
                            verified.entries += 1;
                        } else {
                            let name = format!("{} {name}", object.stored.result.runnable);
                            let text = format!("{name}: {missing} of its contents are gone");
                            verified.damaged.push(text);
                        }
                    }
                    Found::Rejected(why) => verified.damaged.push(format!("{name}: {why}")),
                    Found::Nothing => {}
                    Found::Failed => verified.damaged.push(format!("{name}: it cannot be read")),
                }
            }
        }
        Ok(verified)
    }

    pub(crate) fn clear(&self) -> Result<usize, String> {
        let client = &self.remote.client;
        if !client.settings.writes {
            return Err("it is not written to from here".into());
        }
        let mut removed = 0;
        // Entries go before the contents that they name.
        for part in ["ac", "cas", "last", "agreed"] {
            let prefix = format!("{}v1/{part}/", client.settings.scope);
            for key in self.keys(&prefix)? {
                runtime().block_on(client.remove(&key)).map_err(|Trouble(why)| why)?;
                removed += usize::from(part == "ac");
            }
        }
        Ok(removed)
    }

    /// Every entry that is read from here, in all scopes.
    fn all(&self) -> Result<Vec<Wanted>, String> {
        let mut all = std::collections::BTreeSet::new();
        for scope in self.remote.client.settings.scopes() {
            let prefix = format!("{scope}v1/ac/");
            let keys = self.keys(&prefix)?;
            all.extend(keys.iter().filter_map(|key| wanted_of(key.strip_prefix(&*prefix)?)));
        }
        Ok(all.into_iter().collect())
    }

    fn keys(&self, prefix: &str) -> Result<Vec<String>, String> {
        let client = &self.remote.client;
        let keys = runtime().block_on(client.keys(prefix)).map_err(|Trouble(why)| why)?;
        let kind = &client.settings.place.kind;
        keys.ok_or_else(|| format!("a `{kind}` cache cannot tell what it holds"))
    }

    fn fetch_whole(&self, wanted: &Wanted, object: &super::Object) -> bool {
        let nowhere = |_: &RelPath| None;
        match self.remote.take_in(wanted, object, &nowhere) {
            Ok(true) => true,
            Ok(false) => {
                let missing = self.remote.missing(&object.stored.result, &nowhere);
                self.remote.download(&missing);
                let is_whole = self.remote.local.contents().missing(&missing).is_empty();
                if is_whole {
                    self.remote.keep(wanted, object);
                }
                is_whole
            }
            Err(_) => false,
        }
    }

    /// How many contents of an entry are not there.
    fn gone(&self, object: &super::Object) -> usize {
        let inline: Vec<Content> = object.inline.iter().map(|(content, _)| *content).collect();
        let result = &object.stored.result;
        let all = result.artifacts.iter().map(|artifact| artifact.content).chain([result.log]);
        let rest: Vec<Content> = all.filter(|content| !inline.contains(content)).collect();
        let there = rest.iter().map(|content| self.remote.is_there(content));
        let there = runtime().block_on(async { futures_util::future::join_all(there).await });
        there.iter().filter(|is_there| !**is_there).count()
    }
}
