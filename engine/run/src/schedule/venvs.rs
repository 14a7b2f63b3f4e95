//! The part of a run that makes environments: one is made when something is about to execute in it, and
//! whatever waits for it is decided on anew, since what is installed may be what it asked for.

use std::sync::Arc;
use std::time::Duration;

use qik_db::Change;

use super::{Phase, Schedule};
use crate::event::{Outcome, SkipCause};
use crate::execute::Executed;

impl Schedule<'_> {
    /// Has the environment made that a runnable is to execute in, or a persistent command started.
    pub(super) fn wait_for(&mut self, at: usize, needed: Option<usize>) {
        let Some(venv) = needed else { return };
        if self.states[venv].phase == Phase::Idle {
            self.activate(&[venv].into());
        }
        let state = &mut self.states[venv];
        state.users.push(at);
        if !std::mem::replace(&mut state.demanded, true)
            && state.waits_for == 0
            && self.plan.runnables[venv].on_demand
        {
            self.ready.insert(venv);
        }
    }

    /// An environment is as it should be already.
    pub(super) fn venv_is_there(&mut self, at: usize) {
        self.end(at, Outcome::Cached, 0, Arc::from([]), Duration::ZERO, Vec::new());
    }

    /// An environment was made, or could not be. It says of itself whether it is whole, and is kept
    /// nowhere else; but others look into it now.
    pub(super) fn made_venv(&mut self, at: usize, executed: Executed) {
        Change::default().with_outside().with_tools().apply(self.stage.db);
        let name = self.plan.runnables[at].name().clone();
        self.write_log(&name, &executed.log);
        let millis = u64::try_from(executed.time.as_millis()).unwrap_or(u64::MAX);
        self.out.note(&name, executed.code, false, None, millis);
        let (code, log, time) = (executed.code, executed.log.into(), executed.time);
        self.end(at, Outcome::Ran, code, log, time, Vec::new());
    }

    /// Makes ready what waited for an environment; it is skipped where `because_of` stands in the way.
    pub(super) fn venv_ended(&mut self, at: usize, because_of: Option<&SkipCause>) {
        self.states[at].done = true;
        for user in std::mem::take(&mut self.states[at].users) {
            if let Some(because_of) = because_of {
                self.states[user].because_of.get_or_insert_with(|| because_of.clone());
            }
            self.ready.insert(user);
        }
    }
}
