//! The threads of a run: those that execute and restore, and those that keep results.

use crossbeam_channel::{Receiver, Sender};

use super::Schedule;
use crate::execute::{Halt, Job, Message};

/// A thread that works.
pub(super) enum Hand {
    /// Executes and restores; it counts from 1.
    Worker(usize),
    /// Keeps results, so that none waits for a command to end, and its turn with it.
    Keeper,
}

/// What goes to threads, and what comes back.
pub(super) struct Channels {
    pub(super) jobs: Sender<Job>,
    pub(super) results: Sender<Job>,
    pub(super) answers: Receiver<Message>,
    pub(super) halt: Halt,
}

impl Schedule<'_> {
    /// Hands a job to the workers; they are started as they are needed.
    pub(super) fn give(&mut self, job: Job) {
        if let Some(held) = &mut self.held {
            held.push(job);
            return;
        }
        let most = self.options.workers.max(1);
        // The receivers live as long as this schedule.
        if matches!(job, Job::Store(_)) {
            if self.keepers < most && self.keepers <= self.storing {
                self.keepers += 1;
                (self.spawn)(Hand::Keeper);
            }
            let _ = self.channels.results.send(job);
            return;
        }
        if self.workers < most && self.workers <= self.busy {
            self.workers += 1;
            (self.spawn)(Hand::Worker(self.workers));
        }
        let _ = self.channels.jobs.send(job);
    }
}
