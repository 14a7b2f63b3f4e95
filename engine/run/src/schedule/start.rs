//! The part of a run that starts what is cold: the shell line with its environment, or the one thing
//! that qik does itself.

use std::sync::Arc;
use std::time::Duration;

use qik_model::{Builtin, Fingerprint, Name, Place, Platform};
use qik_python::{SpaceKey, fence_report};

use super::Schedule;
use crate::decide::ColdReason;
use crate::environment::variables_for;
use crate::event::{Outcome, RunEvent};
use crate::execute::{Executed, Execution, Job};
use crate::sweep;
use crate::venv::VenvJob;

impl Schedule<'_> {
    pub(super) fn execute(&mut self, at: usize, reason: ColdReason) {
        self.states[at].reason = Some(reason);
        let definition = &self.plan.runnables[at].definition;
        if self.plan.runnables[at].is_group() {
            return self.end(at, Outcome::Group, 0, Arc::from([]), Duration::ZERO, Vec::new());
        }
        if definition.builtin == Some(Builtin::FenceCheck) {
            return self.check_fence(at);
        }
        if definition.settings.interactive { self.interactive.push(at) } else { self.start_job(at) }
    }

    pub(super) fn start_job(&mut self, at: usize) {
        let planned = &self.plan.runnables[at];
        let env = match variables_for(self.stage.db, &planned.definition) {
            Ok(env) => env,
            Err(error) => {
                let place = Place::Key(planned.definition.settings.origin.clone());
                let errors = vec![error.at(place, "needed by this command")];
                self.states[at].reason = Some(ColdReason::Broken(errors.clone()));
                return self.end(at, Outcome::Broken, 1, Arc::from([]), Duration::ZERO, errors);
            }
        };
        if planned.is_cached() && !self.out.is_fleeting(planned.name()) {
            self.states[at].stamps = sweep::folder_stamps(self.stage.db, self.stage.tree, planned);
        }
        let definition = &planned.definition;
        if definition.settings.interactive {
            // Said before it has the terminal.
            self.began(at);
        }
        let execution = Execution {
            name: definition.name.clone(),
            command: definition.command.clone(),
            line: definition.exec.text.to_string(),
            cwd: self.system.root().to_path_buf(),
            env,
            timeout: definition.settings.timeout,
            retries: definition.settings.retries,
            terminal: definition.settings.interactive,
            in_turn: planned.is_cached(),
            lacks: self.lacks(at),
            venv: VenvJob::of(
                self.stage.db,
                planned,
                self.states[at].fingerprint,
                self.states[at].reason == Some(ColdReason::Forced),
            ),
        };
        self.busy += 1;
        self.give(Job::Execute(at, Box::new(execution)));
    }

    /// What an entry would hold for that was looked for and not found. It is looked for once more
    /// when the job's turn has come, once: an entry that is there and not taken stays so.
    fn lacks(&self, at: usize) -> Option<(Name, Fingerprint, Platform)> {
        let (planned, state) = (&self.plan.runnables[at], &self.states[at]);
        let was_missing = matches!(
            state.reason,
            Some(ColdReason::Untold | ColdReason::NoEntry | ColdReason::Differs(_))
        );
        let fingerprint = state.fingerprint.filter(|_| was_missing && !state.was_made)?;
        Some((planned.cache.clone(), fingerprint, planned.definition.settings.platform))
    }

    /// The one thing that qik does itself: it takes no process, only the graph.
    fn check_fence(&mut self, at: usize) {
        let definition = &self.plan.runnables[at].definition;
        let db = &*self.stage.db;
        let report = fence_report(db, SpaceKey::running(db, definition.space.clone()));
        let (code, log) = (report.code(), report.text().into_bytes());
        self.busy += 1;
        let time = Duration::ZERO;
        let executed = Executed { code, stopped: false, log, time, attempts: 1, turn: None };
        self.give(Job::Tell(at, executed));
    }

    /// It is a worker's turn, or has the terminal in a moment.
    pub(super) fn began(&mut self, at: usize) {
        let definition = &self.plan.runnables[at].definition;
        (self.listen)(RunEvent::Started {
            name: definition.name.clone(),
            reason: self.states[at].reason.clone().unwrap_or(ColdReason::Uncached),
            told: match definition.builtin {
                Some(Builtin::FenceCheck) => "(checks imports)".into(),
                _ => definition.exec.told.clone(),
            },
        });
    }
}
