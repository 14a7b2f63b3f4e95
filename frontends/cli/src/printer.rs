//! What a run tells while it goes on: logs to stdout, everything about them to stderr.
//!
//! One runnable alone, or one worker, streams its log as it comes. Several show a line each when
//! they end, the logs of what failed at the end, and on a terminal what is running right now.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use qik_session::model::{Diagnostic, Name};
use qik_session::{Outcome, RunEvent, RunReport, RunnableReport, Session};

use crate::diagnostics;
use crate::style::{Style, duration};

/// See the module.
pub(crate) struct Printer {
    style: Style,
    verbosity: i64,
    /// Whether logs are printed as they come.
    streams: bool,
    live: Option<Live>,
    notes: Vec<Diagnostic>,
}

/// What runs now, at the foot of the terminal.
struct Live {
    bars: MultiProgress,
    total: ProgressBar,
    running: BTreeMap<Name, ProgressBar>,
}

impl Printer {
    pub fn new(style: Style, verbosity: i64, streams: bool, live: bool) -> Self {
        let live = live.then(Live::new);
        Self { style, verbosity, streams, live, notes: Vec::new() }
    }

    pub fn hear(&mut self, event: RunEvent) {
        match event {
            RunEvent::Planned { count } => {
                if let Some(live) = &self.live {
                    live.total.set_length(count as u64);
                }
            }
            RunEvent::Started { name, reason, told } => {
                if self.streams {
                    let line = format!(
                        "{} {}",
                        self.style.strong(&name),
                        self.style.faint(&format!("({reason})"))
                    );
                    self.say(&line);
                    self.say(&self.style.faint(&format!("$ {told}")));
                } else if let Some(live) = &mut self.live {
                    live.start(name);
                }
            }
            RunEvent::Output { chunk, .. } => {
                if self.streams && self.verbosity > 0 {
                    write_log(&chunk);
                }
            }
            RunEvent::Again { name, why } => {
                self.say(&format!("{} {name}, {why}", self.style.odd(&mark("again"))));
            }
            RunEvent::Waits { name } => {
                let why = "another qik is at it";
                self.say(&format!("{} {name}, {why}", self.style.odd(&mark("waits"))));
            }
            RunEvent::Finished(report) => self.finished(&report),
            RunEvent::Sharing { left } => self.sharing(left),
            RunEvent::Note(note) => self.add_note(note),
        }
    }

    /// Where something moves on the terminal it says what the run waits for.
    fn sharing(&mut self, left: usize) {
        if let Some(live) = &mut self.live {
            let what = if left == 1 { "result" } else { "results" };
            live.wait(format!("sharing {left} {what}"));
        }
    }

    fn finished(&mut self, report: &RunnableReport) {
        if let Some(live) = &mut self.live {
            live.end(&report.name);
        }
        if self.streams && report.outcome == Outcome::Cached {
            let told = match saving(report.time) {
                Some(saved) => format!("(cached, {saved})"),
                None => "(cached)".to_string(),
            };
            let line = format!("{} {}", self.style.strong(&report.name), self.style.faint(&told));
            self.say(&line);
            if self.verbosity > 0 {
                write_log(&report.log);
            }
        } else if let Some(line) = self.line(report) {
            self.say(&line);
        }
        if !self.streams && self.verbosity >= 2 {
            self.log(report);
        }
        report.diagnostics.iter().cloned().for_each(|note| self.add_note(note));
    }

    /// What several commands have to say is said once, with the first few of the places.
    fn add_note(&mut self, note: Diagnostic) {
        const PLACES: usize = 3;
        match self
            .notes
            .iter_mut()
            .find(|known| known.code == note.code && known.message == note.message)
        {
            Some(known) => {
                for label in note.labels {
                    if known.labels.len() < PLACES && !known.labels.contains(&label) {
                        known.labels.push(label);
                    }
                }
            }
            None => self.notes.push(note),
        }
    }

    /// One line on how a runnable ended; none for what is as it should be and cost nothing.
    fn line(&self, report: &RunnableReport) -> Option<String> {
        let style = &self.style;
        let name = &report.name;
        let time = duration(report.time);
        let code = format!("exit code {}", report.code);
        // Where logs stream, the line above the log has told it.
        let reason = report.reason.as_ref().filter(|_| !self.streams);
        let reason = reason.map(|reason| style.faint(&format!("  ({reason})"))).unwrap_or_default();
        Some(match report.outcome {
            Outcome::Ran if report.code == 0 && self.streams => return None,
            Outcome::Ran if report.code == 0 => {
                format!("{} {name} {time}{reason}", style.good(&mark("ran")))
            }
            Outcome::Ran => {
                format!("{} {name} {time}, {code}{reason}", style.bad(&mark("failed")))
            }
            Outcome::Cached if report.code == 0 => return None,
            Outcome::Cached => format!("{} {name}, {code} (cached)", style.bad(&mark("failed"))),
            Outcome::Broken => {
                let reason = report.reason.as_ref().map(|reason| format!(", {reason}"));
                format!("{} {name}{}", style.bad(&mark("failed")), reason.unwrap_or_default())
            }
            Outcome::Skipped => {
                let because = report.because_of.as_deref().unwrap_or("upstream");
                format!("{} {name}, {because} failed", style.odd(&mark("skipped")))
            }
            Outcome::Group | Outcome::Stopped => return None,
        })
    }

    /// The logs of what failed, the notes, and the summary.
    pub fn finish(&mut self, session: &Session, report: &RunReport) {
        if let Some(live) = self.live.take() {
            live.total.finish_and_clear();
        }
        if !self.streams && self.verbosity == 1 {
            for failed in report.runnables.iter().filter(|report| report.failed()) {
                self.log(failed);
            }
        }
        let notes = std::mem::take(&mut self.notes);
        diagnostics::print(&self.style, Some(session), &notes);
        self.say(&self.summary(report));
    }

    fn log(&self, report: &RunnableReport) {
        if report.log.is_empty() {
            return;
        }
        self.say(&self.style.strong(&format!("--- {}", report.name)));
        write_log(&report.log);
        if !report.log.ends_with(b"\n") {
            write_log(b"\n");
        }
        if report.failed() {
            self.say(&self.style.faint(&format!("--- in {}", crate::log_hint(&report.name))));
        }
    }

    fn summary(&self, report: &RunReport) -> String {
        let style = &self.style;
        if report.runnables.is_empty() {
            return format!("{} nothing is selected", style.good("qik"));
        }
        let count = |outcome: Outcome| report.count(|r| r.outcome == outcome && !r.failed());
        let failed = report.count(RunnableReport::failed);
        let ran = report.count(|r| r.outcome == Outcome::Ran);
        let mut parts = vec![
            format!("{ran} ran"),
            format!("{} cached", report.count(|r| r.outcome == Outcome::Cached)),
        ];
        if failed > 0 {
            parts.push(style.bad(&format!("{failed} failed")));
        }
        for (outcome, word) in [(Outcome::Skipped, "skipped"), (Outcome::Stopped, "stopped")] {
            if count(outcome) > 0 {
                parts.push(style.odd(&format!("{} {word}", count(outcome))));
            }
        }
        if report.shared > 0 {
            parts.push(format!("{} shared", report.shared));
        }
        if report.unshared > 0 {
            parts.push(style.odd(&format!("{} not shared", report.unshared)));
        }
        let saved = saving(report.saved()).map_or_else(String::new, |saved| format!(", {saved}"));
        let mark = if failed > 0 || report.stopped_by.is_some() {
            style.bad("qik")
        } else {
            style.good("qik")
        };
        format!("{mark} {} in {}{saved}", parts.join(", "), duration(report.time))
    }

    /// One line to stderr, above what moves.
    fn say(&self, line: &str) {
        match &self.live {
            Some(live) => {
                let _ = live.bars.println(line);
            }
            None => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }
}

/// The word that a line begins with; padded here, as colours have a length too.
fn mark(word: &str) -> String {
    format!("{word:>7}")
}

/// How much a replay saved, where it is worth a word.
fn saving(time: Duration) -> Option<String> {
    (time >= Duration::from_millis(100)).then(|| format!("{} saved", duration(time)))
}

/// Logs are bytes: nothing in them is markup, and they need not be UTF-8.
fn write_log(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    // Where the reader went away the run goes on: its results are worth keeping.
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

impl Live {
    fn new() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(12));
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed}");
        let total = bars.add(ProgressBar::new(0));
        if let Ok(style) = style {
            total.set_style(style);
        }
        total.enable_steady_tick(Duration::from_millis(250));
        Self { bars, total, running: BTreeMap::new() }
    }

    fn start(&mut self, name: Name) {
        let bar = self.bars.insert_before(&self.total, ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(name.to_string());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.running.insert(name, bar);
    }

    fn wait(&mut self, what: String) {
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            self.total.set_style(style);
        }
        self.total.set_message(what);
    }

    fn end(&mut self, name: &Name) {
        if let Some(bar) = self.running.remove(name) {
            bar.finish_and_clear();
        }
        self.total.inc(1);
    }
}
