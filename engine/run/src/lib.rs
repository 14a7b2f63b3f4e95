//! Deciding, executing, replaying: what happens after the fingerprint.
//!
//! Tells all that happens as [`RunEvent`]s and prints nothing. The database is written only through
//! [`qik_db::Change`], after commands wrote files.

mod decide;
mod environment;
mod event;
mod execute;
mod flakes;
mod folders;
mod out;
mod plan;
mod schedule;
mod status;
mod sweep;
mod transfer;
mod turns;
mod venv;

pub use decide::{CacheStatus, ColdReason, Reasons, Telling, against, decide, fingerprint_of};
pub use environment::{space_variables, variables_for};
pub use event::{Outcome, RunEvent, RunReport, RunnableReport, SkipCause};
pub use out::{OutFolder, log_path};
pub use plan::{Plan, Planned};
pub use schedule::{RunOptions, Stage, run};
pub use status::examine;
