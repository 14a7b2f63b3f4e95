//! The part of a run that hears of files that change meanwhile, where the session stays: what that affects
//! begins as soon as a worker is free, and what executes for an older state is stopped and begins anew where
//! the user wants that. What is still valid goes on.

use std::collections::BTreeSet;
use std::fmt::Debug;

use crossbeam_channel::Receiver;
use qik_config::project;
use qik_db::Database;
use qik_model::{Diagnostic, Name, OnChange, RelPath};
use qik_system::{Stirred, Stop, WorkTree};

use super::{Phase, Schedule, State};
use crate::decide::fingerprint_of;
use crate::event::{Outcome, RunEvent, RunnableReport};

/// So often may runs in a row change files for each other.
const SETTLES_WITHIN: u32 = 3;
/// So often is a command stopped for changes before it may run to its end: it may be that it makes them.
const RESTARTS: u32 = 8;

/// What goes on beside a run in a session that stays.
pub trait Beside: Debug {
    /// Tells where files may have changed.
    fn stirred(&self) -> Receiver<Stirred>;

    /// Looks there, and tells the database; the files that changed. Those for which `own` holds are left
    /// alone: somebody is about to write them, and looks at them then.
    fn absorb(
        &mut self,
        db: &mut Database,
        tree: &mut WorkTree,
        stirred: Stirred,
        own: &dyn Fn(&RelPath) -> bool,
    ) -> Vec<RelPath>;

    /// Whether the run is to come to its end, since the plan may be of yesterday.
    fn closes(&self) -> bool;

    /// The runnable at a position of the plan ended.
    fn ended(&mut self, report: &RunnableReport);

    /// Positions of what is to run for the present state and is not `busy`.
    fn affected(&mut self, db: &Database, busy: &dyn Fn(usize) -> bool) -> Vec<usize>;

    /// The runnable does not run for the present state for now, since it may never settle; what is to be told
    /// of that, if anything.
    fn refused(&mut self, db: &Database, at: usize) -> Option<Diagnostic>;
}

/// A run beside which something goes on.
#[derive(Debug)]
pub struct Live<'a> {
    /// What does.
    pub beside: &'a mut dyn Beside,
    /// What of the plan is to run in any case.
    pub wanted: &'a BTreeSet<Name>,
    /// Whether what changes for what has just run is to wait: it did not settle before.
    pub is_trial: bool,
}

impl<'a> Schedule<'a> {
    /// Of the plan only what is wanted is to be done, as long as nothing changes.
    pub(super) fn join<'l: 'a>(&mut self, live: Option<Live<'l>>) {
        let Some(live) = live else { return };
        self.ready.clear();
        for (state, planned) in self.states.iter_mut().zip(&self.plan.runnables) {
            state.phase = Phase::Idle;
            state.done = self.stage.services.is_up(planned.name());
        }
        self.stirred = live.beside.stirred();
        self.beside = Some(live.beside);
        let count = self.states.len();
        let used = |most: u32| vec![if live.is_trial { most } else { 0 }; count];
        (self.rounds, self.restarts) = (used(SETTLES_WITHIN - 1), used(RESTARTS));
        self.begun_at = vec![0; count];
        let all = self.plan.runnables.iter().enumerate();
        let wanted = all.filter(|(_, one)| live.wanted.contains(one.name()));
        self.activate(&wanted.map(|(at, _)| at).collect());
    }

    pub(super) fn begins(&mut self, at: usize) {
        self.states[at].phase = Phase::Begun;
        if let Some(begun_at) = self.begun_at.get_mut(at) {
            self.begun += 1;
            *begun_at = self.begun;
        }
    }

    /// Whether anything begins any more.
    pub(super) fn goes_on(&self) -> bool {
        !self.closing && self.stage.stop.requested().is_none()
    }

    /// Whether something may begin right now. Where files may change meanwhile nothing is decided on before a
    /// worker is free for it.
    pub(super) fn may_begin(&mut self) -> bool {
        if self.closing {
            self.ready.clear();
            self.interactive.clear();
            self.waiting.clear();
        }
        self.beside.is_none() || self.busy < self.options.workers
    }

    /// What stops the process of a runnable alone, if a change may do that.
    pub(super) fn own_stop(&self, at: usize) -> Option<Stop> {
        let is_interactive = self.plan.runnables[at].definition.settings.interactive;
        self.beside.as_ref().filter(|_| !is_interactive)?;
        (self.on_change(at) == OnChange::Restart).then(|| self.stage.stop.part().ok()).flatten()
    }

    fn on_change(&self, at: usize) -> OnChange {
        let own = self.plan.runnables[at].definition.settings.on_change;
        own.unwrap_or_else(|| project(&*self.stage.db).watch.on_change)
    }

    /// These are to be done, with the steps towards their environments.
    pub(super) fn activate(&mut self, wanted: &BTreeSet<usize>) {
        let needed = self.plan.needed(|at| wanted.contains(&at));
        for (at, state) in self.states.iter_mut().enumerate() {
            let is_step = needed[at] && self.plan.runnables[at].definition.is_venv_step();
            if (wanted.contains(&at) || is_step) && state.phase == Phase::Idle {
                *state = State::default();
            }
        }
        self.rewire();
    }

    /// Finds out anew what waits for what, of all that has not begun.
    fn rewire(&mut self) {
        self.downstream.iter_mut().for_each(Vec::clear);
        for at in 0..self.states.len() {
            if self.states[at].phase != Phase::Pending {
                continue;
            }
            let before = self.plan.before(at, |at| self.states[at].phase != Phase::Idle);
            before.iter().for_each(|before| self.downstream[*before].push(at));
            self.states[at].waits_for = before.len();
            let waits = self.plan.runnables[at].on_demand && !self.states[at].demanded;
            if before.is_empty() && !waits {
                self.ready.insert(at);
            } else {
                self.ready.remove(&at);
            }
        }
    }

    /// A runnable ended: what depends on its runs, and not only on what it makes, is to run too.
    pub(super) fn ended(&mut self, at: usize, report: &RunnableReport) {
        let state = &mut self.states[at];
        state.phase = Phase::Idle;
        (state.stop, state.executes) = (None, false);
        let Some(beside) = &mut self.beside else { return };
        beside.ended(report);
        self.has_ended = true;
        if matches!(report.outcome, Outcome::Ran | Outcome::Served) && !report.failed() {
            let strict = |planned: &crate::Planned| {
                let mut upstream = planned.definition.upstream.iter();
                upstream.any(|one| one.strict && one.name == report.name)
            };
            let all = self.plan.runnables.iter().enumerate();
            let again = all.filter(|(_, planned)| strict(planned)).map(|(at, _)| at);
            let again: BTreeSet<usize> =
                again.filter(|at| self.states[*at].phase == Phase::Idle).collect();
            if !again.is_empty() {
                self.activate(&again);
            }
        }
    }

    /// Files may have changed.
    pub(super) fn stirs(&mut self, stirred: Stirred) {
        let Some(beside) = &mut self.beside else { return };
        let (plan, states) = (self.plan, &self.states);
        let own = |path: &RelPath| {
            let mut running = (0..states.len()).filter(|at| states[*at].phase == Phase::Begun);
            running.any(|at| plan.runnables[at].definition.artifact_globs.matches(path))
        };
        let changed = beside.absorb(self.stage.db, self.stage.tree, stirred, &own);
        let closes = beside.closes();
        if closes && !std::mem::replace(&mut self.closing, closes) {
            (self.listen)(RunEvent::Closes);
        }
        if changed.is_empty() {
            return;
        }
        self.stop_stale(&changed);
        self.catch_up(changed);
    }

    /// What ended may have changed files.
    pub(super) fn look_beside(&mut self) {
        if self.beside.is_none() {
            return;
        }
        if self.has_ended {
            self.stop_stale(&[]);
        }
        let has_room = self.ready.is_empty() && self.busy < self.options.workers;
        if has_room && std::mem::take(&mut self.has_ended) {
            self.catch_up(Vec::new());
        }
    }

    /// What is to run for the present state, and has no turn yet.
    fn catch_up(&mut self, changed: Vec<RelPath>) {
        if !self.goes_on() || self.ended_by.is_some() {
            return;
        }
        let Some(beside) = &mut self.beside else { return };
        let states = &self.states;
        let affected = beside.affected(self.stage.db, &|at| states[at].phase != Phase::Idle);
        let mut again = BTreeSet::new();
        for at in affected {
            if self.may_go_round(at, !changed.is_empty()) {
                again.insert(at);
            } else if let Some(beside) = &mut self.beside {
                let note = beside.refused(self.stage.db, at);
                note.into_iter().for_each(|note| self.note(note));
            }
        }
        if !again.is_empty() {
            (self.listen)(RunEvent::Joined { changed, count: again.len() });
            self.activate(&again);
        }
    }

    /// Whether a runnable may begin anew. Who changed files can't be told: a command that does so each time
    /// for itself, or two that do so for each other, would go on for ever. Where something executes that
    /// began before this did last, it may be that or a person, and there is an end to it.
    fn may_go_round(&mut self, at: usize, from_outside: bool) -> bool {
        let began = self.begun_at[at];
        let mut begun = (0..self.states.len()).filter(|at| self.states[*at].phase == Phase::Begun);
        let others = from_outside && begun.any(|other| self.begun_at[other] < began);
        if !others && began > 0 {
            self.rounds[at] += 1;
        }
        self.rounds[at] < SETTLES_WITHIN
    }

    /// Stops what executes for another state than the present one, where the user wants that.
    fn stop_stale(&mut self, changed: &[RelPath]) {
        for at in 0..self.states.len() {
            let (state, planned) = (&self.states[at], &self.plan.runnables[at]);
            let is_launching = self.launching.contains(&at);
            if !(state.executes || is_launching) {
                continue;
            }
            let now = fingerprint_of(self.stage.db, planned).ok();
            if now == state.began_for {
                continue;
            }
            let may = state.stop.is_some() && state.restart.is_none() || is_launching;
            self.states[at].was_stale = true;
            if !may || self.restarts[at] >= RESTARTS || !self.goes_on() {
                continue;
            }
            let what = match changed {
                [one] => one.to_string(),
                _ => "its inputs".into(),
            };
            if is_launching {
                self.launching.remove(&at);
                self.restart(at, &what);
                continue;
            }
            let state = &mut self.states[at];
            state.restart = Some(what);
            if let Some(stop) = &state.stop {
                stop.request(15);
            }
        }
    }

    /// What was stopped, or is to be replaced, begins anew.
    pub(super) fn restart(&mut self, at: usize, what: &str) {
        let name = self.plan.runnables[at].name().clone();
        let why = format!("{what} changed; stopped and started anew");
        (self.listen)(RunEvent::Again { name, why });
        let State { users, demanded, .. } = std::mem::take(&mut self.states[at]);
        self.states[at] = State { users, demanded, ..State::default() };
        self.restarts[at] += 1;
        self.rewire();
    }
}
