//! What a session that watches knows of its runnables: how each ended last, for which state, and what is to run
//! for the present one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use qik_db::Database;
use qik_model::{Diagnostic, Fingerprint, Name};
use qik_run::{Outcome, Plan, RunnableReport, fingerprint_of};
use qik_system::Watcher;
use rustc_hash::FxHashMap;

use super::WatchEvent;

/// A persistent command that begins anew this soon may have changed files itself as it began; so often.
const SOON: Duration = Duration::from_secs(2);
const LAUNCHES: u32 = 5;
/// So often is tried what did not settle.
const TRIALS: u32 = 3;

/// The state of a session that watches.
#[derive(Debug)]
pub(super) struct Watch {
    pub watcher: Watcher,
    pub plan: Plan,
    /// How each runnable ended.
    pub last: FxHashMap<Name, Last>,
    /// What ran in the last wave.
    pub recent: BTreeSet<Name>,
    /// How often each began since something stirred.
    pub begun: FxHashMap<Name, u32>,
    /// When each persistent command began anew last, and how often that was soon after it had before.
    pub launched: FxHashMap<Name, (Duration, u32)>,
    /// What does not run for the present state for now, and what it ran for last.
    pub held_back: BTreeMap<Name, Option<Fingerprint>>,
    /// Whether what was held back runs.
    pub is_trial: bool,
    /// What moves its own inputs each time that it runs.
    pub moves: BTreeSet<Name>,
    /// How often each ran again for having been held back.
    pub trials: FxHashMap<Name, u32>,
    /// Whether the configuration is wrong as it is, and counts as it was.
    pub is_wrong: bool,
    /// Whether the configuration was read anew since it was told what is watched.
    pub is_reloaded: bool,
    /// What was last told of the configuration.
    pub told: Vec<Diagnostic>,
    pub head: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Last {
    /// What it ran or was replayed for.
    pub fingerprint: Option<Fingerprint>,
    pub failed: bool,
}

impl Watch {
    /// How a runnable ended.
    pub fn note(&mut self, one: &RunnableReport) {
        match one.outcome {
            Outcome::Stopped | Outcome::Skipped => drop(self.last.remove(&one.name)),
            Outcome::Group => {}
            _ => {
                self.held_back.remove(&one.name);
                self.doubt(one);
                let last = Last { fingerprint: one.began_for, failed: one.failed() };
                self.last.insert(one.name.clone(), last);
            }
        }
    }

    /// What was not kept runs once more when files hold still, even if they are as they were when it began: it may
    /// have read something else. What moves its own inputs then too does so each time.
    fn doubt(&mut self, one: &RunnableReport) {
        let name = &one.name;
        if !one.unsure {
            self.moves.remove(name);
        } else if self.is_trial {
            self.moves.insert(name.clone());
        } else if !self.moves.contains(name) {
            self.held_back.insert(name.clone(), None);
        }
    }

    /// Positions of what has another fingerprint than when it last ended and is not `busy`, unless something
    /// failed that it waits for.
    pub fn affected(&self, db: &Database, busy: &dyn Fn(usize) -> bool) -> Vec<usize> {
        let _phase = qik_system::phase("affected");
        let fingerprints = db.each(&self.plan.runnables, |db, one| fingerprint_of(db, one).ok());
        let mut affected = Vec::new();
        let mut is_affected = vec![false; self.plan.runnables.len()];
        let mut blocked = is_affected.clone();
        for (at, planned) in self.plan.runnables.iter().enumerate() {
            if planned.is_group() {
                continue;
            }
            let waits = planned.after.iter().chain(&planned.servers).any(|&upstream| {
                let last = self.last.get(self.plan.runnables[upstream].name());
                let failed = last.is_some_and(|last| last.failed);
                blocked[upstream] || failed && !is_affected[upstream] && !busy(upstream)
            });
            blocked[at] = waits;
            if waits || busy(at) {
                continue;
            }
            let last = self.last.get(planned.name());
            if last.is_none_or(|last| last.fingerprint != fingerprints[at]) {
                is_affected[at] = true;
                affected.push(at);
            }
        }
        affected
    }

    /// A runnable does not run for the present state for now, since it may go on for ever: who changed files,
    /// it or a person, can't be told. It is tried again once files hold still, and given up after some trials.
    pub fn refuse(&mut self, db: &Database, name: &Name) -> Option<Diagnostic> {
        let last = self.last.get(name).copied();
        let failed = last.is_some_and(|last| last.failed);
        let fingerprint = self.present(db, name);
        self.last.insert(name.clone(), Last { fingerprint, failed });
        if self.trials.get(name).is_none_or(|trials| *trials < TRIALS) {
            let ran_for = last.and_then(|last| last.fingerprint);
            self.held_back.entry(name.clone()).or_insert(ran_for);
            return None;
        }
        let message = format!("`{name}` changes what it depends on each time that it runs");
        let note = Diagnostic::warning("watch/does-not-settle", message)
            .help("it waits until another file changes; leave what it writes out of its deps");
        Some(note)
    }

    /// Files hold still: what was held back is to run for the present state.
    pub fn try_again(&mut self) {
        for (name, fingerprint) in std::mem::take(&mut self.held_back) {
            let failed = self.last.get(&name).is_some_and(|last| last.failed);
            *self.trials.entry(name.clone()).or_default() += 1;
            self.last.insert(name, Last { fingerprint, failed });
        }
    }

    pub fn present(&self, db: &Database, name: &Name) -> Option<Fingerprint> {
        let planned = self.plan.runnables.iter().find(|planned| planned.name() == name)?;
        fingerprint_of(db, planned).ok()
    }

    /// Whether a persistent command of that name is watched.
    pub fn serves(&self, name: &Name) -> bool {
        serves(&self.plan, name)
    }

    /// Those that may begin, and persistent commands that begin anew again and again: such a one may write
    /// what it depends on whenever it does.
    pub fn calm(&mut self, names: Vec<Name>, now: Duration) -> (Vec<Name>, Vec<Name>) {
        names.into_iter().partition(|name| {
            if !self.last.contains_key(name) || !self.serves(name) {
                return true;
            }
            let (last, soon) = self.launched.entry(name.clone()).or_insert((now, 0));
            *soon = if now.saturating_sub(*last) < SOON { *soon + 1 } else { 0 };
            if *soon == 0 {
                self.trials.remove(name);
            }
            *last = now;
            *soon <= LAUNCHES
        })
    }

    pub fn failed(&self) -> Vec<Name> {
        let planned = self.plan.runnables.iter().map(qik_run::Planned::name);
        let failed = |name: &&Name| self.last.get(*name).is_some_and(|last| last.failed);
        planned.filter(failed).cloned().collect()
    }

    pub fn idle(&self) -> WatchEvent {
        let runnables = self.plan.runnables.iter().filter(|planned| !planned.is_group());
        WatchEvent::Idle { watched: runnables.count(), failed: self.failed() }
    }
}

/// Whether a plan has a persistent command of that name.
pub(super) fn serves(plan: &Plan, name: &Name) -> bool {
    let mut all = plan.runnables.iter();
    all.any(|planned| planned.name() == name && planned.is_persistent())
}
