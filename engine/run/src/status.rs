//! Which runnables of a plan are warm: a run in thought.
//!
//! Upstream first: what is below something cold is cold, also where something between the two is
//! never cached or executes nothing itself. A warm upstream's artifacts count as its entry names
//! them, not as they happen to lie on disk. Nothing is restored: the database sees the artifacts for
//! a while, and is then put back to what the disk holds.

use qik_cache::CacheSet;
use qik_db::{Database, FolderOverlay};

use crate::decide::{CacheStatus, ColdReason, decide};
use crate::plan::Plan;

/// The status of each runnable of `plan`, in its order.
pub fn statuses(db: &mut Database, caches: &CacheSet, plan: &Plan) -> Vec<CacheStatus> {
    let mut overlay = FolderOverlay::default();
    let mut statuses: Vec<CacheStatus> = Vec::with_capacity(plan.runnables.len());
    // Of each, what is cold: it, or what it passes on.
    let mut colds: Vec<Option<usize>> = Vec::with_capacity(plan.runnables.len());
    for (at, planned) in plan.runnables.iter().enumerate() {
        let cold = planned.upstream.iter().find_map(|&upstream| colds[upstream]);
        let status = match cold {
            Some(upstream) if planned.is_cached() => {
                CacheStatus::Cold(ColdReason::Upstream(plan.runnables[upstream].name().clone()))
            }
            _ => decide(db, caches, planned, false),
        };
        colds.push(match status {
            CacheStatus::Warm(_) => None,
            CacheStatus::Cold(_) => Some(at),
            CacheStatus::Uncached => cold,
        });
        if let CacheStatus::Warm(entry) = &status
            && !planned.definition.artifact_globs.is_empty()
        {
            let files = entry.artifacts.iter().filter_map(|artifact| {
                Some((qik_cache::decode_path(&artifact.path)?, artifact.kind, artifact.id))
            });
            overlay.replace(db, &planned.definition.artifact_globs, files.collect());
        }
        statuses.push(status);
    }
    overlay.undo(db);
    statuses
}
