//! `--shard I/N`: the part of a selection for one of several machines, each of which comes to the same
//! division by itself: else something would be run by none. Where a shared cache lets them agree, the
//! first machine divides what is cold by the last times, and the others take that over. Where none
//! does, the division is made from what the commit holds, which all see alike.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use qik_cache::{Agreed, CacheKind};
use qik_db::Db;
use qik_model::{Diagnostic, Name};
use qik_run::{CacheStatus, Plan, Telling};

use crate::caches::Opened;
use crate::ci::{last_time, usual};
use crate::commit::open;
use crate::shards::{Order, Work, divide};
use crate::since::with_upstream;
use crate::{Part, Session};

/// What a replay is taken to last.
const REPLAY: Duration = Duration::from_millis(20);

/// Positions in a plan, machine by machine, each position once.
type Division = Vec<Vec<usize>>;

impl Session {
    /// The part of `plan` for one machine, with what it needs of the rest unless that is left out.
    pub(crate) fn part_of(&mut self, plan: Plan, part: Part, isolated: bool) -> Plan {
        let plan = plan.cut(|_, planned| !planned.is_group());
        // Each machine makes the environments that it needs by itself.
        let work = plan.clone().without_steps();
        let Some(division) = self.division(&work, part.of) else { return plan };
        let own = division.get(part.at - 1).into_iter().flatten();
        let own: BTreeSet<Name> = own.map(|at| work.runnables[*at].name().clone()).collect();
        let own = with_upstream(&plan, own, isolated);
        plan.filtered(|_, planned| own.contains(planned.name()))
    }

    /// `None` where others may have agreed on something that is not to be had.
    fn division(&mut self, plan: &Plan, machines: usize) -> Option<Division> {
        let caches = self.caches();
        let remotes: BTreeSet<&Name> =
            plan.runnables.iter().map(|planned| &planned.cache).collect();
        let topic = self.topic(plan, machines);
        for cache in remotes {
            if caches.kind(cache) != Some(CacheKind::Remote) {
                continue;
            }
            let own = self.divided_by_status(plan, machines);
            let told = match caches.agree(cache, &topic, write(plan, &own)) {
                Agreed::Impossible => continue,
                Agreed::On(told) => read(plan, machines, &told),
                Agreed::Unknown => None,
            };
            if told.is_none() {
                self.notes.push(not_agreed(cache));
            }
            return told;
        }
        Some(self.divided_by_commit(plan, machines))
    }

    /// What all machines of a pipeline have in common, and no others.
    fn topic(&self, plan: &Plan, machines: usize) -> String {
        let head = self.db.system().git().and_then(|git| git.resolve("HEAD").ok());
        let head = head.map(|head| head.to_string()).unwrap_or_default();
        let names = plan.runnables.iter().map(|planned| format!("\n{}", planned.name()));
        format!("shard 1 {head} {machines}{}", names.collect::<String>())
    }

    /// Divides what is cold as `qik ci` does, and deals the rest out.
    fn divided_by_status(&mut self, plan: &Plan, machines: usize) -> Division {
        let statuses = self.statuses(plan, Telling::Nothing);
        let caches = self.caches();
        let is_warm = |at: usize| matches!(statuses[at], CacheStatus::Warm(_));
        let known: Vec<Option<Duration>> =
            plan.runnables.iter().map(|planned| last_time(&caches, planned)).collect();
        let cold_times = known.iter().enumerate().filter(|(at, _)| !is_warm(*at));
        let usual = usual(cold_times.filter_map(|(_, time)| *time));
        let work = plan.runnables.iter().enumerate().map(|(at, planned)| match is_warm(at) {
            true => Work { time: REPLAY, after: Vec::new() },
            false => {
                let after = planned.after.iter().copied().filter(|before| !is_warm(*before));
                Work { time: known[at].unwrap_or(usual), after: after.collect() }
            }
        });
        divided(&work.collect::<Vec<_>>(), machines)
    }

    /// Divides by the times in committed results.
    fn divided_by_commit(&self, plan: &Plan, machines: usize) -> Division {
        let known = self.committed_times(plan);
        let usual = usual(known.iter().flatten().copied());
        let work = plan.runnables.iter().zip(known).map(|(planned, time)| Work {
            time: time.unwrap_or(usual),
            after: planned.after.clone(),
        });
        divided(&work.collect::<Vec<_>>(), machines)
    }

    fn committed_times(&self, plan: &Plan) -> Vec<Option<Duration>> {
        let git = self.db.system().git();
        let head = git.and_then(|git| git.resolve("HEAD").ok());
        let caches = head.and_then(|head| Some(Opened::open(&open(self, head).ok()?).caches));
        let time = |planned| {
            let caches = caches.as_ref()?;
            last_time(caches, planned)
                .filter(|_| caches.kind(&planned.cache) == Some(CacheKind::Repo))
        };
        plan.runnables.iter().map(time).collect()
    }
}

fn divided(work: &[Work], machines: usize) -> Division {
    divide(work, machines, Order::WithinShards).into_iter().map(|shard| shard.work).collect()
}

fn write(plan: &Plan, division: &Division) -> Vec<u8> {
    let names = |part: &Vec<usize>| -> Vec<&str> {
        part.iter().map(|at| &**plan.runnables[*at].name()).collect()
    };
    let parts: Vec<Vec<&str>> = division.iter().map(names).collect();
    serde_json::to_vec(&parts).unwrap_or_default()
}

/// What another machine said, if each runnable of the plan is in just one part.
fn read(plan: &Plan, machines: usize, told: &[u8]) -> Option<Division> {
    let parts: Vec<Vec<String>> = serde_json::from_slice(told).ok()?;
    let mut left: BTreeMap<&str, usize> =
        plan.runnables.iter().enumerate().map(|(at, planned)| (&**planned.name(), at)).collect();
    let mut division = Vec::with_capacity(parts.len());
    for part in &parts {
        let positions = part.iter().map(|name| left.remove(&**name));
        division.push(positions.collect::<Option<Vec<usize>>>()?);
    }
    (left.is_empty() && division.len() <= machines).then_some(division)
}

fn not_agreed(cache: &Name) -> Diagnostic {
    let message = format!("the machines can't agree by cache `{cache}` on who runs what");
    Diagnostic::warning("shard/not-agreed", message)
        .help("so that nothing is left out, everything that is selected runs here")
}
