//! The part of a run that waits for other processes: what they execute or restore is decided on anew
//! once they are done, and mostly found warm. Workers do not wait; they go on with what is left.

use std::time::Duration;

use crossbeam_channel::{after, never, select};
use qik_system::Stirred;

use super::Schedule;
use crate::event::RunEvent;
use crate::execute::Message;
use crate::services::ServiceEvent;
use crate::turns::{self, Turn};

/// How often it is looked whether others are done.
const TICK: Duration = Duration::from_millis(20);

/// What a run hears of.
pub(super) enum News {
    /// A worker says something.
    Answer(Message),
    /// A persistent command does.
    Service(ServiceEvent),
    /// Files may have changed.
    Stirred(Stirred),
}

/// Positions in the plan.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    all: Vec<usize>,
    told: Vec<usize>,
    /// When they were looked at last.
    tried: Duration,
}

impl Waiting {
    /// Nothing waits any more: what did will be decided on by another run.
    pub(super) fn clear(&mut self) {
        self.all.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

impl Schedule<'_> {
    /// Puts a runnable back, for another process works on it; that is told once.
    pub(super) fn wait(&mut self, at: usize) {
        self.waiting.all.push(at);
        if !self.waiting.told.contains(&at) {
            self.waiting.told.push(at);
            let name = self.plan.runnables[at].name().clone();
            (self.listen)(RunEvent::Waits { name });
        }
    }

    /// Decides anew on what another process has worked on, which may have written anywhere.
    pub(super) fn start_anew(&mut self, at: usize) {
        self.looked_at = Some(Default::default());
        self.start(at);
    }

    /// What happens next; nothing where it is time to look at what waits or ended.
    pub(super) fn next_news(&mut self) -> Option<News> {
        let others = (!self.waiting.is_empty()).then_some(TICK);
        let look = self.unsettled.due().map(|due| due.saturating_sub(self.system.elapsed()));
        let tick = others.into_iter().chain(look).min().map_or_else(never, after);
        select! {
            // There are workers as long as this schedule has a way to start them.
            recv(self.channels.answers) -> answer => answer.ok().map(News::Answer),
            recv(self.stage.services.heard()) -> event => event.ok().map(News::Service),
            recv(self.stirred) -> stirred => match stirred {
                Ok(stirred) => Some(News::Stirred(stirred)),
                Err(_) => {
                    self.stirred = never();
                    None
                }
            },
            recv(tick) -> _ => None,
        }
    }

    /// Decides anew on what no other process works on any more.
    pub(super) fn try_waiting(&mut self) {
        let now = self.system.elapsed();
        if self.waiting.is_empty() || now < self.waiting.tried + TICK {
            return;
        }
        self.waiting.tried = now;
        for at in std::mem::take(&mut self.waiting.all) {
            let name = self.plan.runnables[at].name();
            let is_stopped = self.stage.stop.requested().is_some();
            if is_stopped || matches!(turns::take(&*self.system, name), Turn::Ours(_)) {
                self.start_anew(at);
            } else {
                self.waiting.all.push(at);
            }
        }
    }
}
