//! From a fingerprint to the decision: replay, execute, or execute without keeping.
//!
//! A decision is a value, so it can be shown, listed and tested without anything running.

use std::collections::BTreeMap;
use std::fmt;

use qik_cache::{CacheKind, CacheSet, Key, Lookup, MissReason};
use qik_db::{Database, Db};
use qik_fingerprint::{Difference, Now, StoredNode, differences, fingerprint};
use qik_graph::runnable;
use qik_model::{ActionResult, BlobId, Diagnostic, FileKind, Fingerprint, Name, RelPath};

use crate::plan::Planned;
use crate::venv;

/// Whether there is a result for the present state.
#[derive(Clone, Debug)]
pub enum CacheStatus {
    /// There is one.
    Warm(Box<ActionResult>),
    /// There is none, for this reason.
    Cold(ColdReason),
    /// None is ever kept.
    Uncached,
}

/// Why a runnable is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColdReason {
    /// Its results are never kept.
    Uncached,
    /// The user asked to ignore entries.
    Forced,
    /// There is no entry of it at all.
    NoEntry,
    /// The nearest entry is for another state; at least one difference.
    Differs(Vec<Difference>),
    /// What it depends on is to be executed.
    Upstream(Name),
    /// There is an entry, but it can't be used.
    Rejected(String),
    /// It can't be told what it depends on.
    Broken(Vec<Diagnostic>),
}

impl fmt::Display for ColdReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uncached => f.write_str("never cached"),
            Self::Forced => f.write_str("forced"),
            Self::NoEntry => f.write_str("no entry yet"),
            Self::Differs(differences) => match &differences[..] {
                [] => f.write_str("its inputs changed"),
                [one] => write!(f, "{one}"),
                [first, rest @ ..] => write!(f, "{first} (and {} more)", rest.len()),
            },
            Self::Upstream(name) => write!(f, "upstream {name} is cold"),
            Self::Rejected(reason) => f.write_str(reason),
            Self::Broken(diagnostics) => match diagnostics.first() {
                Some(first) => f.write_str(&first.message),
                None => f.write_str("it can't be told what it depends on"),
            },
        }
    }
}

/// The fingerprint of `planned` in the work tree.
///
/// # Errors
/// What stands in the way.
pub fn fingerprint_of(db: &dyn Db, planned: &Planned) -> Result<Fingerprint, Vec<Diagnostic>> {
    let runnable = runnable(db, planned.name()).ok_or_else(Vec::new)?;
    fingerprint(db, runnable).clone()
}

/// Whether there is a result of `planned` for the present state.
pub fn decide(db: &Database, caches: &CacheSet, planned: &Planned, forced: bool) -> CacheStatus {
    if !planned.is_cached() {
        return CacheStatus::Uncached;
    }
    let fingerprint = match fingerprint_of(db, planned) {
        Ok(fingerprint) => fingerprint,
        Err(errors) => return CacheStatus::Cold(ColdReason::Broken(errors)),
    };
    if forced {
        return CacheStatus::Cold(ColdReason::Forced);
    }
    if planned.makes_venv() {
        return venv::status(db, planned, fingerprint);
    }
    let files = |path: &RelPath| state_of(db, path);
    match caches.lookup(&planned.cache, &key(planned, fingerprint), &files) {
        Lookup::Hit(entry) if planned.cache_when.keeps(entry.code) => CacheStatus::Warm(entry),
        Lookup::Hit(entry) => {
            let reason = format!("the entry has exit code {}, which is not kept", entry.code);
            CacheStatus::Cold(ColdReason::Rejected(reason))
        }
        Lookup::Miss(MissReason::NoEntry | MissReason::OtherFingerprint) => {
            CacheStatus::Cold(reason(db, caches, planned))
        }
        Lookup::Miss(reason) => CacheStatus::Cold(ColdReason::Rejected(reason.to_string())),
    }
}

/// Asks caches that take their time for all of these at once.
pub(crate) fn look_ahead<'a>(
    db: &Database,
    caches: &CacheSet,
    planned: impl IntoIterator<Item = &'a Planned>,
) {
    let mut by_cache: BTreeMap<&Name, Vec<Key<'_>>> = BTreeMap::new();
    for one in planned {
        if caches.kind(&one.cache) == Some(CacheKind::Remote)
            && !one.makes_venv()
            && let Ok(fingerprint) = fingerprint_of(db, one)
        {
            by_cache.entry(&one.cache).or_default().push(key(one, fingerprint));
        }
    }
    for (cache, keys) in by_cache {
        caches.prefetch(cache, &keys);
    }
}

/// What an entry of `planned` goes by.
pub(crate) fn key(planned: &Planned, fingerprint: Fingerprint) -> Key<'_> {
    Key { fingerprint, runnable: planned.name(), platform: planned.definition.settings.platform }
}

/// What lies at `path` in the work tree, as far as it is an input.
pub(crate) fn state_of(db: &dyn Db, path: &RelPath) -> Option<(FileKind, BlobId)> {
    let folder = db.folder(&path.parent()?);
    let entries = folder.entries(db);
    let at = entries.binary_search_by(|entry| entry.name[..].cmp(path.name())).ok()?;
    match entries[at].node {
        qik_system::TreeNode::File { kind, id } => Some((kind, id)),
        qik_system::TreeNode::Folder => None,
    }
}

/// Why there is no entry, against the nearest that there is.
fn reason(db: &Database, caches: &CacheSet, planned: &Planned) -> ColdReason {
    let nearest = caches
        .recent(&planned.cache, planned.name())
        .iter()
        .filter_map(|entry| against(db, planned, entry, &|digest| caches.node(digest)))
        .min_by_key(Vec::len);
    nearest.map_or(ColdReason::NoEntry, ColdReason::Differs)
}

/// What differs between now and `entry`, whose nodes `stored` finds; `None` where now can't be told.
pub fn against(
    db: &Database,
    planned: &Planned,
    entry: &ActionResult,
    stored: StoredNode<'_>,
) -> Option<Vec<Difference>> {
    let now = Now::new(db, &planned.definition).ok()?;
    Some(differences(db, &now, &entry.explanation, stored))
}
