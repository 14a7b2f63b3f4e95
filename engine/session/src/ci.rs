//! What a pipeline is made of: the cold runnables of a plan, divided among jobs.

use std::time::Duration;

use qik_cache::CacheSet;
use qik_model::Name;
use qik_run::{CacheStatus, ColdReason, Planned, Telling};

use crate::shards::{Order, Work, divide, median};
use crate::{Prepared, Session};

/// One job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CiJob {
    /// The runnables, by names that the command line takes.
    pub names: Vec<Name>,
    /// Why each is cold.
    pub reasons: Vec<String>,
    /// How long it is expected to take.
    pub time: Duration,
    /// Positions of the jobs that must be done before.
    pub after: Vec<usize>,
}

/// What a runnable of which nothing is known is taken to last where nothing is known of any.
const UNKNOWN: Duration = Duration::from_secs(10);

impl Session {
    /// The jobs that execute what is cold of a plan: at most `machines` at a time.
    pub fn ci_jobs(&mut self, prepared: &Prepared, machines: usize, order: Order) -> Vec<CiJob> {
        let statuses = match &prepared.statuses {
            Some(statuses) => statuses.clone(),
            None => self.statuses(&prepared.plan, Telling::First),
        };
        let is_cold = |at: usize| {
            !matches!(statuses[at], CacheStatus::Warm(_)) && !prepared.plan.runnables[at].is_group()
        };
        let needed = prepared.plan.needed(|at| is_cold(at) && !is_step(prepared, at));
        let is_work =
            |at: usize| is_cold(at) && !needed[at] && !prepared.plan.runnables[at].on_demand;
        let reasons: Vec<String> = (0..statuses.len())
            .filter(|at| is_work(*at))
            .map(|at| match &statuses[at] {
                CacheStatus::Cold(reason) => reason.to_string(),
                _ => ColdReason::Uncached.to_string(),
            })
            .collect();
        // Each job makes the environments that it needs by itself.
        let plan = prepared.plan.clone().cut(|at, _| is_work(at));
        let caches = self.caches();
        let known: Vec<Option<Duration>> =
            plan.runnables.iter().map(|planned| last_time(&caches, planned)).collect();
        let usual = usual(known.iter().flatten().copied());
        let work: Vec<Work> = plan
            .runnables
            .iter()
            .zip(known)
            .map(|(planned, time)| Work {
                time: time.unwrap_or(usual),
                after: planned.after.clone(),
            })
            .collect();
        let shards = divide(&work, machines, order).into_iter();
        shards
            .map(|shard| CiJob {
                names: shard.work.iter().map(|at| plan.runnables[*at].name().clone()).collect(),
                reasons: shard.work.iter().map(|at| reasons[*at].clone()).collect(),
                time: shard.time,
                after: shard.after,
            })
            .collect()
    }
}

fn is_step(prepared: &Prepared, at: usize) -> bool {
    prepared.plan.runnables[at].definition.is_venv_step()
}

/// How long it took the last time.
pub(crate) fn last_time(caches: &CacheSet, planned: &Planned) -> Option<Duration> {
    let last = caches.recent(&planned.cache, planned.name()).into_iter().next()?;
    Some(Duration::from_millis(last.millis))
}

/// What a runnable of which nothing is known is taken to last, by those that are known.
pub(crate) fn usual(known: impl Iterator<Item = Duration>) -> Duration {
    median(known).unwrap_or(UNKNOWN)
}
