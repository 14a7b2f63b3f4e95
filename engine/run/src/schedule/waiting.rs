//! The part of a run that waits for other processes: what they execute or restore is decided on anew
//! once they are done, and mostly found warm. Workers do not wait; they go on with what is left.

use std::time::Duration;

use super::Schedule;
use crate::event::RunEvent;
use crate::execute::Message;
use crate::turns::{self, Turn};

/// How often it is looked whether others are done.
const TICK: Duration = Duration::from_millis(20);

/// Positions in the plan.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    all: Vec<usize>,
    told: Vec<usize>,
    /// When they were looked at last.
    tried: Duration,
}

impl Waiting {
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

    /// What a worker says next; `None` where it is time to look at what waits.
    pub(super) fn next_answer(&self) -> Option<Message> {
        if self.waiting.is_empty() {
            // There are workers as long as this schedule has a way to start them.
            return self.channels.answers.recv().ok();
        }
        self.channels.answers.recv_timeout(TICK).ok()
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
