//! What a run tells while it goes on, a JSON object a line, for programs that read along: `-l json`. Its
//! schema is `schemas/events.schema.json`. What is written about fields here is what the schema says.

use qik_model::{Diagnostic, Fingerprint, Name, Severity};
use qik_run::{RunEvent, RunReport, RunnableReport};
use serde::Serialize;

use crate::report::{Ending, seconds};

/// One line: something that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum EventLine {
    /// A run begins.
    Planned {
        /// How many runnables are going to be looked at.
        count: usize,
    },
    /// A runnable starts to execute.
    Started {
        /// Its full name.
        name: Name,
        /// Why it is not replayed.
        reason: String,
        /// What the shell runs.
        line: String,
    },
    /// Another process is at the same runnable, and this one waits for it.
    Waits {
        /// Its full name.
        name: Name,
    },
    /// A runnable that executes, or a persistent command that goes on, printed something.
    Output {
        /// Its full name.
        name: Name,
        /// What it printed, to stdout or stderr; what is no UTF-8 is replaced. The log holds the bytes.
        text: String,
    },
    /// A persistent command ended by itself, after it was ready.
    Died {
        /// Its full name.
        name: Name,
        /// Its exit code.
        code: i32,
    },
    /// Files changed while the run goes on, and more is to be run for that.
    Joined {
        /// Their paths; none where the run itself wrote them.
        changed: Vec<String>,
        /// How many runnables joined.
        count: usize,
    },
    /// What is to run may change, by an edited configuration say: nothing more begins in this run.
    Closes,
    /// A runnable is tried again, or runs once more since its inputs changed.
    Again {
        /// Its full name.
        name: Name,
        /// Why.
        reason: String,
    },
    /// A runnable is done.
    Finished(FinishedLine),
    /// Results are on their way to others, and the run waits for them.
    Sharing {
        /// How many are left.
        left: usize,
    },
    /// Something that the user should know.
    Note {
        /// Whether it is an error.
        error: bool,
        /// Its code, as `--explain-error` takes it.
        code: String,
        /// What is the matter.
        message: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// The run is over.
    Ended {
        /// Its exit code.
        code: i32,
        /// How long it took.
        seconds: f64,
        /// The signal by which the user stopped it.
        stopped_by: Option<i32>,
    },
}

/// What became of one runnable.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FinishedLine {
    /// Its full name, as the command line takes it.
    pub name: Name,
    /// How it ended.
    pub outcome: Ending,
    /// Its exit code; of what did not execute 0.
    pub code: i32,
    /// How long it executed; for a replay, how long it had executed when the result was made.
    pub seconds: f64,
    /// How often it was tried in this run.
    pub attempts: u32,
    /// Whether it passed, and failed before with the same inputs.
    pub flaky: bool,
    /// The digest of all that its result depends on; none where it is never cached.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub fingerprint: Option<Fingerprint>,
    /// Why it was executed, could not start, or was skipped.
    pub reason: Option<String>,
    /// What else there is to say, such as why its result is not kept.
    pub notes: Vec<String>,
}

impl EventLine {
    /// What is told of an event.
    pub fn new(event: &RunEvent) -> Self {
        match event {
            RunEvent::Planned { count } => Self::Planned { count: *count },
            RunEvent::Started { name, reason, told } => Self::Started {
                name: name.clone(),
                reason: reason.to_string(),
                line: told.to_string(),
            },
            RunEvent::Waits { name } => Self::Waits { name: name.clone() },
            RunEvent::Output { name, chunk } | RunEvent::Served { name, chunk } => Self::Output {
                name: name.clone(),
                text: String::from_utf8_lossy(chunk).into_owned(),
            },
            RunEvent::Died { name, code } => Self::Died { name: name.clone(), code: *code },
            RunEvent::Joined { changed, count } => {
                let changed = changed.iter().map(ToString::to_string).collect();
                Self::Joined { changed, count: *count }
            }
            RunEvent::Closes => Self::Closes,
            RunEvent::Again { name, why } => {
                Self::Again { name: name.clone(), reason: why.clone() }
            }
            RunEvent::Finished(report) => Self::Finished(FinishedLine::new(report)),
            RunEvent::Sharing { left } => Self::Sharing { left: *left },
            RunEvent::Note(note) => Self::note(note),
        }
    }

    /// What is told of the end.
    pub fn ended(run: &RunReport) -> Self {
        Self::Ended { code: run.code(), seconds: seconds(run.time), stopped_by: run.stopped_by }
    }

    fn note(note: &Diagnostic) -> Self {
        Self::Note {
            error: note.severity == Severity::Error,
            code: note.code.into(),
            message: note.message.clone(),
            help: note.help.clone(),
        }
    }

    /// The line, with its end.
    pub fn json(&self) -> String {
        // Texts and numbers alone: nothing of it can fail.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

impl FinishedLine {
    fn new(report: &RunnableReport) -> Self {
        let outcome = Ending::of(report);
        let because = report.because_of.as_ref().map(ToString::to_string);
        Self {
            name: report.name.clone(),
            outcome,
            code: report.code,
            seconds: seconds(report.time),
            attempts: report.attempts,
            flaky: report.flaky,
            fingerprint: report.fingerprint,
            reason: because.or_else(|| report.reason.as_ref().map(ToString::to_string)),
            notes: report.diagnostics.iter().map(|note| note.message.clone()).collect(),
        }
    }
}
