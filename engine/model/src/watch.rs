//! How a session that watches behaves, and commands that do not end by themselves.

use std::sync::Arc;
use std::time::Duration;

/// How `--watch` behaves.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct WatchConfig {
    /// What a change does to commands that run, where they themselves say nothing.
    pub on_change: OnChange,
    /// How long files have to hold still before a change counts; `None` leaves it to qik.
    pub debounce: Option<Duration>,
}

/// What a change of its inputs does to a command that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum OnChange {
    /// It goes on to its end, and runs again after that.
    #[default]
    Queue,
    /// It is stopped, and begins anew at once.
    Restart,
}

impl OnChange {
    /// The spellings.
    pub const NAMES: [&'static str; 2] = ["queue", "restart"];

    /// The one spelt so.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "queue" => Self::Queue,
            "restart" => Self::Restart,
            _ => return None,
        })
    }
}

/// When a persistent command is ready for what depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// By what it is told.
    pub check: ReadyCheck,
    /// After which it has failed.
    pub timeout: Duration,
}

impl Ready {
    /// How long a command may take to become ready where it says nothing.
    pub const TIMEOUT: Duration = Duration::from_secs(60);
}

/// By what it is told that a persistent command is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadyCheck {
    /// A line of its output matches this regular expression.
    Output(Arc<str>),
    /// It takes connections at this port of this machine.
    Port(u16),
    /// This address answers with a status of success.
    Http(Arc<str>),
}
