//! The report of a run, as other programs read it: `._qik/out/report.json`, whose schema is
//! `schemas/report.schema.json`. What is written about fields here is what the schema says of them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use qik_model::{Fingerprint, Name};
use qik_run::{Outcome, Plan, Planned, RunReport, RunnableReport, log_path};
use rustc_hash::FxHashMap;
use serde::Serialize;

#[cfg(test)]
mod tests;

/// What a run of qik came to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Report {
    /// The version of this form. It changes where a field goes or gets another meaning; new fields
    /// may come without.
    pub version: u32,
    /// The version of qik.
    pub qik: String,
    /// When the run began (RFC 3339, in UTC).
    pub started: String,
    /// How long it took.
    pub seconds: f64,
    /// How much execution was saved by replaying results.
    pub saved_seconds: f64,
    /// The exit code of the run.
    pub code: i32,
    /// The signal by which the user stopped it.
    pub stopped_by: Option<i32>,
    /// How many there are of each kind.
    pub counts: Counts,
    /// All that was selected, sorted by name.
    pub runnables: Vec<ReportedRunnable>,
}

/// How many runnables there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Counts {
    /// All of them, those without an execution of their own excepted.
    pub selected: usize,
    /// Executed in this run, whether they passed or not.
    pub ran: usize,
    /// Replayed.
    pub cached: usize,
    /// Failed, also where the failure was replayed.
    pub failed: usize,
    /// Not executed since something else failed.
    pub skipped: usize,
    /// Stopped by the user, or not begun when the user stopped the run.
    pub stopped: usize,
    /// Passed, and failed before with the same inputs.
    pub flaky: usize,
}

/// How a runnable ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Ending {
    /// It was executed, and passed.
    Passed,
    /// It was executed, or a failure was replayed, and its exit code is not 0.
    Failed,
    /// A result that passed was replayed.
    Cached,
    /// It could not start: something that it needs is missing.
    Broken,
    /// It was not executed since something else failed.
    Skipped,
    /// The user stopped it, or it had not begun when the user stopped the run.
    Stopped,
    /// It executes nothing itself, and what it stands for is done.
    Group,
}

/// What became of one runnable.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ReportedRunnable {
    /// Its full name, as the command line takes it.
    pub name: Name,
    /// Its command.
    pub command: Name,
    /// The module that it runs over.
    pub module: Option<Name>,
    /// The space that it runs in.
    pub space: Name,
    /// The cache that its result goes to; `none` where it is never kept.
    pub cache: Name,
    /// How it ended.
    pub outcome: Ending,
    /// Whether its result was replayed.
    pub cached: bool,
    /// Whether it passed, and failed before with the same inputs: in this run, or in one before on
    /// this machine.
    pub flaky: bool,
    /// Its exit code; of what did not execute 0.
    pub code: i32,
    /// How long it executed; for a replay, how long it had executed when the result was made.
    pub seconds: f64,
    /// How often it was tried in this run.
    pub attempts: u32,
    /// The digest of all that its result depends on; none where it is never cached.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub fingerprint: Option<Fingerprint>,
    /// Why it was executed, could not start, or was skipped.
    pub reason: Option<String>,
    /// What failed, where it was skipped.
    pub because_of: Option<Name>,
    /// What else there is to say, such as why its result is not kept.
    pub notes: Vec<String>,
    /// The file with what it printed, relative to the project.
    pub log: Option<String>,
    /// What it printed.
    #[serde(skip)]
    pub output: Arc<[u8]>,
}

impl Report {
    pub(crate) fn new(plan: &Plan, run: &RunReport, began: SystemTime) -> Self {
        let planned: FxHashMap<&Name, &Planned> =
            plan.runnables.iter().map(|planned| (planned.name(), planned)).collect();
        let told = run.runnables.iter();
        let mut runnables: Vec<ReportedRunnable> = told
            .filter_map(|report| Some(ReportedRunnable::new(planned.get(&report.name)?, report)))
            .collect();
        runnables.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            version: 1,
            qik: env!("CARGO_PKG_VERSION").into(),
            started: timestamp(began),
            seconds: seconds(run.time),
            saved_seconds: seconds(run.saved()),
            code: run.code(),
            stopped_by: run.stopped_by,
            counts: Counts::of(&runnables),
            runnables,
        }
    }

    /// The report as it is written to a file.
    pub fn json(&self) -> String {
        // Texts and numbers alone: nothing of it can fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

impl ReportedRunnable {
    fn new(planned: &Planned, report: &RunnableReport) -> Self {
        let definition = &planned.definition;
        let outcome = Ending::of(report);
        let reason = match (&report.because_of, outcome) {
            (Some(cause), Ending::Skipped) => Some(cause.to_string()),
            (_, Ending::Group | Ending::Stopped | Ending::Skipped) => None,
            _ => report.reason.as_ref().map(ToString::to_string),
        };
        let has_log = matches!(report.outcome, Outcome::Ran | Outcome::Cached);
        Self {
            name: definition.name.clone(),
            command: definition.command.clone(),
            module: definition.module.as_ref().map(|module| module.name.clone()),
            space: definition.space.clone(),
            cache: planned.cache.clone(),
            outcome,
            cached: report.outcome == Outcome::Cached,
            flaky: report.flaky,
            code: report.code,
            seconds: seconds(report.time),
            attempts: report.attempts,
            fingerprint: report.fingerprint,
            reason,
            because_of: report.because_of.as_ref().map(|cause| cause.failed().clone()),
            notes: report.diagnostics.iter().map(|note| note.message.clone()).collect(),
            log: has_log.then(|| log_path(&report.name).to_string()),
            output: report.log.clone(),
        }
    }

    /// Whether it failed, by its own code or because it could not start.
    pub fn failed(&self) -> bool {
        matches!(self.outcome, Ending::Failed | Ending::Broken)
    }
}

impl Ending {
    pub(crate) fn of(report: &RunnableReport) -> Self {
        match report.outcome {
            Outcome::Ran | Outcome::Cached if report.code != 0 => Self::Failed,
            Outcome::Ran | Outcome::Served => Self::Passed,
            Outcome::Cached => Self::Cached,
            Outcome::Broken => Self::Broken,
            Outcome::Skipped => Self::Skipped,
            Outcome::Stopped => Self::Stopped,
            Outcome::Group => Self::Group,
        }
    }
}

impl Counts {
    fn of(runnables: &[ReportedRunnable]) -> Self {
        let count = |wanted: &dyn Fn(&ReportedRunnable) -> bool| {
            runnables.iter().filter(|one| wanted(one)).count()
        };
        let ended = |ending: Ending| count(&|one| one.outcome == ending);
        Self {
            selected: runnables.len() - ended(Ending::Group),
            ran: count(&|one| {
                !one.cached && matches!(one.outcome, Ending::Passed | Ending::Failed)
            }),
            cached: count(&|one| one.cached),
            failed: count(&ReportedRunnable::failed),
            skipped: ended(Ending::Skipped),
            stopped: ended(Ending::Stopped),
            flaky: count(&|one| one.flaky),
        }
    }
}

/// In thousandths.
pub(crate) fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}

fn timestamp(time: SystemTime) -> String {
    let time = jiff::Timestamp::try_from(time).unwrap_or_default();
    format!("{time:.0}")
}
