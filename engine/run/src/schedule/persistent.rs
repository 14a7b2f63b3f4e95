//! The part of a run that starts persistent commands, and hears from them. One is not waited for once it is
//! ready; it is stopped with the run, or with the session where that stays.

use std::sync::Arc;
use std::time::Duration;

use qik_model::Diagnostic;

use super::Schedule;
use crate::decide::ColdReason;
use crate::event::{Outcome, RunEvent, SkipCause};
use crate::services::{Launch, ServiceEnd, ServiceEvent, Standing, Told};

impl Schedule<'_> {
    /// What a runnable needs and is not ready.
    pub(super) fn lacking_server(&self, at: usize) -> Option<usize> {
        let servers = self.plan.runnables[at].servers.iter().copied();
        servers.into_iter().find(|server| !self.states[*server].done)
    }

    /// What a runnable needs and has failed.
    pub(super) fn dead_server(&self, at: usize) -> Option<SkipCause> {
        let mut servers = self.plan.runnables[at].servers.iter();
        let dead = servers.find(|server| self.states[**server].is_dead)?;
        Some(SkipCause::Upstream(self.plan.runnables[*dead].name().clone()))
    }

    /// Whether a run that ends is there for a persistent command that was asked for by itself.
    pub(super) fn goes_on_for_services(&self) -> bool {
        if self.closing {
            return false;
        }
        let lasts = |planned: &crate::Planned| {
            planned.is_persistent()
                && !planned.on_demand
                && self.stage.services.is_up(planned.name())
        };
        let is_kept = self.beside.is_none()
            && self.ended_by.is_none()
            && self.plan.runnables.iter().any(lasts);
        is_kept || !self.launching.is_empty()
    }

    /// A run that ends leaves nothing running.
    pub(super) fn end_services(&mut self) {
        self.stage.services.end();
        while let Ok(event) = self.stage.services.heard().try_recv() {
            if let Some((name, chunk)) = event.output() {
                (self.listen)(RunEvent::Served { name, chunk });
            }
        }
    }

    /// Starts it, or finds that it is there for the present state.
    pub(super) fn serve(&mut self, at: usize) {
        let planned = &self.plan.runnables[at];
        let (name, fingerprint) = (planned.name().clone(), self.states[at].began_for);
        match self.stage.services.standing(&name) {
            Some((Standing::Up, then)) if then == fingerprint && !self.options.force => {
                return self.served(at, Duration::ZERO);
            }
            Some((Standing::Starting, then)) if then == fingerprint => {}
            _ => {
                self.states[at].reason = Some(ColdReason::Uncached);
                let Some(execution) = self.execution(at) else { return };
                self.write_log(&name, b"");
                let process = execution.process(None, self.system.env());
                let ready = self.plan.runnables[at].definition.settings.ready.clone();
                let launch = Launch { name, fingerprint, process, ready };
                if let Err(error) = self.stage.services.launch(launch) {
                    let log = format!("qik: it could not be started: {error}\n").into_bytes();
                    return self.died(at, ServiceEnd::not_started(log));
                }
                self.began(at);
            }
        }
        self.launching.insert(at);
    }

    /// A persistent command says something.
    pub(super) fn serviced(&mut self, event: ServiceEvent) {
        let Some(told) = self.stage.services.take(event) else { return };
        let place = |name: &_| self.plan.runnables.iter().position(|one| one.name() == name);
        match told {
            Told::Output(name, chunk) => (self.listen)(RunEvent::Served { name, chunk }),
            Told::Ready(name, time) => {
                if let Some(at) = place(&name).filter(|at| self.launching.contains(at)) {
                    self.served(at, time);
                }
            }
            Told::Ended(name, end) => match place(&name) {
                Some(at) if self.launching.contains(&at) || !end.stopped => self.died(at, end),
                _ => {}
            },
        }
    }

    /// It is ready.
    fn served(&mut self, at: usize, time: Duration) {
        self.launching.remove(&at);
        self.end(at, Outcome::Served, 0, Arc::from([]), time, Vec::new());
    }

    /// It is not there any more, or never was. What executes by now goes on; what has not begun is skipped.
    fn died(&mut self, at: usize, end: ServiceEnd) {
        let name = self.plan.runnables[at].name().clone();
        let millis = u64::try_from(end.time.as_millis()).unwrap_or(u64::MAX);
        self.out.note(&name, end.code, false, None, millis);
        let was_waited_for = self.launching.remove(&at);
        self.states[at].is_dead = end.code != 0;
        if was_waited_for || !end.was_up {
            let outcome = if end.stopped { Outcome::Stopped } else { Outcome::Ran };
            return self.end(at, outcome, end.code, end.log.into(), end.time, Vec::new());
        }
        (self.listen)(RunEvent::Died { name: name.clone(), code: end.code });
        if end.code != 0 {
            self.failed(at);
        }
        // It was told of as served: that is not all that is to say.
        let log: Arc<[u8]> = end.log.into();
        let mut told = self.report.runnables.iter_mut().rev();
        if let Some(report) = told.find(|report| report.name == name) {
            (report.outcome, report.code) = (Outcome::Ran, end.code);
            (report.log, report.time) = (log, end.time);
            let report = report.clone();
            self.ended(at, &report);
        } else {
            let message = format!("`{name}` ended with exit code {}", end.code);
            self.note(
                Diagnostic::warning("run/service-ended", message)
                    .help("it starts again when a file changes that it depends on"),
            );
        }
    }
}
