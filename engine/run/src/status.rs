//! Which runnables of a plan are warm: a run in thought.
//!
//! Upstream first: what is below something cold is cold, also where something between the two is
//! never cached or executes nothing itself. A warm upstream's artifacts count as its entry names
//! them, not as they happen to lie on disk. Nothing is restored: the database sees the artifacts for
//! a while, and is then put back to what the disk holds.

use std::sync::Arc;

use qik_cache::CacheSet;
use qik_db::{Database, FolderOverlay};
use qik_model::Fingerprint;

use crate::decide::{
    CacheStatus, ColdReason, Reasons, Telling, fingerprint_of, look_ahead, look_up, told,
};
use crate::plan::Plan;

/// The status of each runnable of `plan`, and the fingerprint that it has by that status: none where it
/// is never cached, broken, or below something cold.
pub fn examine(
    db: &mut Database,
    caches: &Arc<CacheSet>,
    plan: &Plan,
    telling: Telling,
) -> Vec<(CacheStatus, Option<Fingerprint>)> {
    let reasons = Reasons::new(caches, telling);
    let mut overlay = FolderOverlay::default();
    let mut statuses = vec![(CacheStatus::Uncached, None); plan.runnables.len()];
    // Of each, what is cold: it, or what it passes on.
    let mut colds: Vec<Option<usize>> = vec![None; plan.runnables.len()];
    for level in levels(plan) {
        let cold_above =
            |at: usize| plan.runnables[at].upstream.iter().find_map(|&upstream| colds[upstream]);
        let open = level.iter().filter(|at| cold_above(**at).is_none());
        look_ahead(db, caches, open.map(|at| &plan.runnables[*at]));
        let asks = |at: usize| !plan.runnables[at].is_cached() || cold_above(at).is_none();
        let found = db.each(&level, |db, &at| {
            asks(at).then(|| look_up(db, caches, &plan.runnables[at], false))
        });
        for (at, found) in level.into_iter().zip(found) {
            let planned = &plan.runnables[at];
            let cold = planned.upstream.iter().find_map(|&upstream| colds[upstream]);
            let status = match (found, cold) {
                (Some(found), _) => told(db, caches, planned, &reasons, found),
                (None, Some(upstream)) => {
                    CacheStatus::Cold(ColdReason::Upstream(plan.runnables[upstream].name().clone()))
                }
                (None, None) => CacheStatus::Uncached,
            };
            colds[at] = match status {
                CacheStatus::Warm(_) => None,
                CacheStatus::Cold(_) => Some(at),
                CacheStatus::Uncached => cold,
            };
            if let CacheStatus::Warm(entry) = &status
                && !planned.definition.artifact_globs.is_empty()
            {
                let files = entry.artifacts.iter().filter_map(|artifact| {
                    Some((qik_cache::decode_path(&artifact.path)?, artifact.kind, artifact.id))
                });
                overlay.replace(db, &planned.definition.artifact_globs, files.collect());
            }
            let fingerprint = match &status {
                CacheStatus::Warm(entry) => Some(entry.fingerprint),
                CacheStatus::Cold(ColdReason::Upstream(_)) | CacheStatus::Uncached => None,
                // While the artifacts of what is warm count: a query that was just answered.
                CacheStatus::Cold(_) => fingerprint_of(db, planned).ok(),
            };
            statuses[at] = (status, fingerprint);
        }
    }
    overlay.undo(db);
    statuses
}

/// Positions in the plan, each level after those that it depends on: of one level all fingerprints
/// are known at once.
fn levels(plan: &Plan) -> Vec<Vec<usize>> {
    let mut depths = vec![0; plan.runnables.len()];
    let mut levels: Vec<Vec<usize>> = Vec::new();
    for (at, planned) in plan.runnables.iter().enumerate() {
        let before = planned.after.iter().chain(&planned.servers);
        let depth = before.map(|&before| depths[before] + 1).max().unwrap_or(0);
        depths[at] = depth;
        if levels.len() <= depth {
            levels.resize(depth + 1, Vec::new());
        }
        levels[depth].push(at);
    }
    levels
}
