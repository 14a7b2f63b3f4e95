//! What a run tells while it goes on, and what it comes to. Printing is a front-end's business.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use qik_model::{Diagnostic, Fingerprint, Name, RelPath};

use crate::decide::ColdReason;
use crate::plan::Plan;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// So many runnables are going to be looked at.
    Planned {
        /// Their number.
        count: usize,
    },
    /// A runnable starts to execute.
    Started {
        /// Which.
        name: Name,
        /// Why it is not replayed.
        reason: ColdReason,
        /// The shell line as it may be told.
        told: Arc<str>,
    },
    /// Another process executes or restores the same runnable, and this one waits for it.
    Waits {
        /// Which.
        name: Name,
    },
    /// Output of a runnable that executes, as it comes.
    Output {
        /// Which.
        name: Name,
        /// Some bytes of stdout and stderr.
        chunk: Vec<u8>,
    },
    /// Output of a persistent command, as it comes: it goes on beside all else.
    Served {
        /// Which.
        name: Name,
        /// Some bytes of stdout and stderr.
        chunk: Vec<u8>,
    },
    /// A persistent command ended by itself, after it was ready.
    Died {
        /// Which.
        name: Name,
        /// Its exit code.
        code: i32,
    },
    /// Files changed while the run goes on, and more is to be run for that.
    Joined {
        /// Which, sorted; none where the run itself wrote them.
        changed: Vec<RelPath>,
        /// How many runnables.
        count: usize,
    },
    /// What is to run may change, by an edited configuration say: nothing more begins, and once what runs has
    /// ended the session looks.
    Closes,
    /// A runnable is tried again, or runs once more since its inputs changed.
    Again {
        /// Which.
        name: Name,
        /// Why.
        why: String,
    },
    /// A runnable is done.
    Finished(RunnableReport),
    /// Results are on their way to others, and the run waits for them.
    Sharing {
        /// How many are left.
        left: usize,
    },
    /// Something that the user should know.
    Note(Diagnostic),
}

/// How a runnable ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was executed.
    Ran,
    /// Its result was replayed.
    Cached,
    /// It does not end by itself, and became ready.
    Served,
    /// It executes nothing itself, and what it stands for is done.
    Group,
    /// It could not start: something that it needs is missing.
    Broken,
    /// Something else failed.
    Skipped,
    /// The user stopped it, or it had not begun when the user stopped the run.
    Stopped,
}

/// Why a runnable was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipCause {
    /// It needs this one, which failed.
    Upstream(Name),
    /// The run was to end with the first failure, which was this one.
    FailFast(Name),
}

impl SkipCause {
    /// What failed.
    pub fn failed(&self) -> &Name {
        match self {
            Self::Upstream(name) | Self::FailFast(name) => name,
        }
    }
}

impl fmt::Display for SkipCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upstream(name) => write!(f, "{name} failed"),
            Self::FailFast(name) => write!(f, "{name} failed first"),
        }
    }
}

/// What became of one runnable.
#[derive(Clone, Debug)]
pub struct RunnableReport {
    /// Full name.
    pub name: Name,
    /// How it ended.
    pub outcome: Outcome,
    /// Exit code: of a signal N 128+N, of what was skipped 0.
    pub code: i32,
    /// What it printed.
    pub log: Arc<[u8]>,
    /// How long it executed, or had executed when its entry was made.
    pub time: Duration,
    /// Its fingerprint, where it was asked for.
    pub fingerprint: Option<Fingerprint>,
    /// What its fingerprint was when it began, or when it was replayed.
    pub began_for: Option<Fingerprint>,
    /// Why it was executed.
    pub reason: Option<ColdReason>,
    /// What failed, for what was skipped.
    pub because_of: Option<SkipCause>,
    /// How often it was tried; 0 where it did not execute.
    pub attempts: u32,
    /// Whether it passed, and failed before with the same inputs.
    pub flaky: bool,
    /// Whether its inputs did not hold still, so that its result is of no one state and was not kept.
    pub unsure: bool,
    /// Why it is broken, or not kept.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct RunReport {
    /// In the order in which they ended.
    pub runnables: Vec<RunnableReport>,
    /// How long the whole run took.
    pub time: Duration,
    /// The signal by which the user stopped it.
    pub stopped_by: Option<i32>,
    /// Results that others have now.
    pub shared: usize,
    /// Results that were to be shared and are not.
    pub unshared: usize,
    /// Whether something went wrong that the user wants to be an error.
    pub broken: bool,
}

impl RunnableReport {
    /// Whether it failed, by its own code or because it could not start.
    pub fn failed(&self) -> bool {
        self.code != 0 && matches!(self.outcome, Outcome::Ran | Outcome::Cached | Outcome::Broken)
    }
}

impl RunnableReport {
    /// Whether it made an environment.
    pub fn made_venv(&self, plan: &Plan) -> bool {
        let made = plan.runnables.iter().find(|planned| *planned.name() == self.name);
        self.outcome == Outcome::Ran && made.is_some_and(|one| one.definition.is_venv_step())
    }
}

impl RunReport {
    /// The exit code of the run: 130 or 143 where it was stopped, else the highest of all.
    pub fn code(&self) -> i32 {
        match self.stopped_by {
            Some(signal) => 128 + signal,
            None => {
                let highest = self.runnables.iter().map(|report| report.code).max();
                highest.unwrap_or(0).max(i32::from(self.broken))
            }
        }
    }

    /// How much execution replaying saved.
    pub fn saved(&self) -> Duration {
        let cached = self.runnables.iter().filter(|report| report.outcome == Outcome::Cached);
        cached.map(|report| report.time).sum()
    }

    /// How many ended so.
    pub fn count(&self, wanted: impl Fn(&RunnableReport) -> bool) -> usize {
        self.runnables.iter().filter(|report| wanted(report)).count()
    }
}
