//! What a remote answers, and what becomes of it: is it whole, does it belong where it was found, who
//! vouches for it, and what has to be fetched besides. Does not decide what is asked for.

use std::sync::Arc;

use qik_model::{ActionResult, Content, Diagnostic, Fingerprint, Name};
use rustc_hash::FxHashSet;

use super::client::{Trouble, content_key};
use super::wire::{self, Object};
use super::{Ahead, Found, LARGEST_ENTRY, Remote, Wanted, object_key, roots};
use crate::action::{ActionCache, ArtifactFiles, MissReason};
use crate::entry::Stored;
use crate::names::decode_path;
use crate::storage::runtime;
use crate::warnings;

impl Remote {
    /// Whether an entry can be replayed without the remote, as far as can be told without the tree.
    pub(super) fn is_at_hand(&self, fingerprint: Fingerprint, platform: &str) -> bool {
        self.local.has_if(fingerprint, platform, &|stored| self.is_trusted(stored, platform))
    }

    /// Whether a local entry may stand for one of this cache: made here, or signed as it must be.
    pub(super) fn is_trusted(&self, stored: &Stored, platform: &str) -> bool {
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
    pub(super) async fn ask(&self, wanted: &Wanted) -> Found {
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

    /// Asks for an entry and, where there is none, for the last one of the runnable.
    pub(super) async fn ask_ahead(self: Arc<Self>, runnable: Name, wanted: Wanted) -> Ahead {
        let platform = wanted.1.clone();
        let found = self.clone().ask_and_keep(wanted).await;
        let asks = matches!(found, Some(Found::Nothing)) && self.local.recent(&runnable).is_empty();
        let last = if asks { self.last(&runnable, &platform).await } else { None };
        Ahead { found, last }
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
    pub(super) fn judge(
        &self,
        scope: &str,
        wanted: &Wanted,
        bytes: &[u8],
    ) -> Result<Object, MissReason> {
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
    pub(super) fn take_in(
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
    pub(super) fn missing(&self, result: &ActionResult, files: &dyn ArtifactFiles) -> Vec<Content> {
        let artifacts = result.artifacts.iter().filter(|artifact| {
            let path = decode_path(&artifact.path);
            path.and_then(|path| files.state(&path)) != Some((artifact.kind, artifact.id))
        });
        let mut seen = FxHashSet::default();
        let wanted = artifacts.map(|artifact| artifact.content).chain([result.log]);
        let wanted: Vec<Content> = wanted.filter(|content| seen.insert(content.digest)).collect();
        self.local.contents().missing(&wanted)
    }

    pub(super) fn missing_reason(&self, result: &ActionResult, content: &Content) -> MissReason {
        let artifact = result.artifacts.iter().find(|artifact| artifact.content == *content);
        match artifact.and_then(|artifact| decode_path(&artifact.path)) {
            Some(path) => MissReason::ContentMissing(path),
            None => MissReason::LogMissing,
        }
    }

    pub(super) async fn is_there(&self, content: &Content) -> bool {
        for scope in self.client.settings.scopes() {
            if matches!(self.client.size(&content_key(scope, content)).await, Ok(Some(_))) {
                return true;
            }
        }
        false
    }

    /// All of it is here: from now on `local` answers for it.
    pub(super) fn keep(&self, wanted: &Wanted, object: &Object) -> bool {
        let log = object.stored.result.log;
        let log = object.inline.iter().find(|(content, _)| *content == log);
        let log = log.map(|(_, bytes)| &bytes[..]);
        self.shared.add(self.client.system(), wanted.0);
        self.nodes.put_shared(&roots(&object.stored.result), &object.nodes);
        // Where that fails it is asked for again the next time.
        self.local.keep_entry(&wanted.1, &object.stored, log).is_ok()
    }
}
