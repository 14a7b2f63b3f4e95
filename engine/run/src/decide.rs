//! From a fingerprint to the decision: replay, execute, or execute without keeping.
//!
//! A decision is a value, so it can be shown, listed and tested without anything running. Why something
//! is cold is told as far as somebody wants to know: it takes longer than to find out that it is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use qik_cache::{CacheKind, CacheSet, Key, Lookup, MissReason};
use qik_db::{Database, Db};
use qik_fingerprint::{Difference, Now, StoredNodes, differences, fingerprint};
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
    /// There is no entry of it for the present state; nobody wanted to know more.
    Untold,
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
            Self::Untold => f.write_str("no entry for its inputs"),
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

/// How much is told of why there is no entry for a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// That there is none.
    Nothing,
    /// What differs from the nearest entry, and of the first of that how it is reached.
    First,
    /// What differs, and how each is reached.
    All,
}

/// What reasons are made from, for many runnables.
#[derive(Debug)]
pub struct Reasons {
    telling: Telling,
    stored: StoredNodes<'static>,
}

impl Reasons {
    /// Reasons that are told against the entries of `caches`.
    pub fn new(caches: &Arc<CacheSet>, telling: Telling) -> Self {
        let caches = caches.clone();
        Self { telling, stored: StoredNodes::new(move |digest| caches.node(digest)) }
    }
}

/// Whether there is a result of `planned` for the present state, and why there is none as far as
/// `reasons` tell.
pub fn decide(
    db: &Database,
    caches: &CacheSet,
    planned: &Planned,
    forced: bool,
    reasons: &Reasons,
) -> CacheStatus {
    told(db, caches, planned, reasons, look_up(db, caches, planned, forced))
}

/// Why there is no entry, where that is the answer.
pub(crate) fn told(
    db: &Database,
    caches: &CacheSet,
    planned: &Planned,
    reasons: &Reasons,
    status: CacheStatus,
) -> CacheStatus {
    match status {
        CacheStatus::Cold(ColdReason::Untold) => {
            CacheStatus::Cold(reason(db, caches, planned, reasons))
        }
        status => status,
    }
}

/// Whether there is a result of `planned` for the present state; if not, that there is none.
pub(crate) fn look_up(
    db: &Database,
    caches: &CacheSet,
    planned: &Planned,
    forced: bool,
) -> CacheStatus {
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
            CacheStatus::Cold(ColdReason::Untold)
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
fn reason(db: &Database, caches: &CacheSet, planned: &Planned, reasons: &Reasons) -> ColdReason {
    let told = match reasons.telling {
        Telling::Nothing => return ColdReason::Untold,
        Telling::First => 1,
        Telling::All => usize::MAX,
    };
    let Ok(now) = Now::new(db, &planned.definition) else { return ColdReason::NoEntry };
    let mut nearest: Option<Vec<Difference>> = None;
    for entry in caches.recent(&planned.cache, planned.name()) {
        let found = differences(db, &now, &entry.explanation, &reasons.stored, told);
        if nearest.as_ref().is_none_or(|nearest| found.len() < nearest.len()) {
            nearest = Some(found);
        }
        if nearest.as_ref().is_some_and(|nearest| nearest.len() == 1) {
            break;
        }
    }
    nearest.map_or(ColdReason::NoEntry, ColdReason::Differs)
}

/// All that differs between now and `entry`, whose nodes are among `stored`; `None` where now can't
/// be told.
pub fn against(
    db: &Database,
    planned: &Planned,
    entry: &ActionResult,
    stored: &StoredNodes<'_>,
) -> Option<Vec<Difference>> {
    let now = Now::new(db, &planned.definition).ok()?;
    Some(differences(db, &now, &entry.explanation, stored, usize::MAX))
}
