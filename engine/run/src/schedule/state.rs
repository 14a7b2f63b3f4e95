//! Where each runnable of a run stands.

use qik_model::{ActionResult, Fingerprint};
use qik_system::{Revision, Stop};

use crate::decide::ColdReason;
use crate::event::SkipCause;
use crate::sweep;

/// Whether a runnable is to be done in this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// It is not, or it is done.
    Idle,
    /// It is, and has not begun.
    #[default]
    Pending,
    /// It was decided on.
    Begun,
}

/// Where a runnable stands.
#[derive(Debug, Default)]
pub(super) struct State {
    pub phase: Phase,
    /// Whether its process runs, or waits for a worker.
    pub executes: bool,
    /// What stops its process alone.
    pub stop: Option<Stop>,
    /// Whether its result was not kept, since its inputs did not hold still.
    pub unsure: bool,
    /// Whether its inputs were seen to be others while it executed, even if they are back by now.
    pub was_stale: bool,
    /// What changed so that it is being stopped, and begins anew.
    pub restart: Option<String>,
    /// Whether it is persistent and is not there for others any more.
    pub is_dead: bool,
    /// How many of its upstream are not done.
    pub waits_for: usize,
    /// What failed, so that it is skipped.
    pub because_of: Option<SkipCause>,
    /// How often it was tried, and whether it failed before.
    pub attempts: u32,
    pub flaky: bool,
    /// What it is being executed for, and when that was told.
    pub fingerprint: Option<Fingerprint>,
    /// The same for what no cache keeps.
    pub began_for: Option<Fingerprint>,
    pub revision: Revision,
    pub reason: Option<ColdReason>,
    /// Whether this is the second execution, for inputs that changed during the first.
    pub again: bool,
    /// Whether another process made its result after this one found none.
    pub was_made: bool,
    /// The folders of its inputs when it was started.
    pub stamps: Vec<sweep::FolderStamp>,
    pub entry: Option<Box<ActionResult>>,
    /// Whether something waits for this environment, or did.
    pub demanded: bool,
    pub done: bool,
    /// What waits for this environment.
    pub users: Vec<usize>,
}
