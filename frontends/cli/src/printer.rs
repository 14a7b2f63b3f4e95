//! What a run tells while it goes on: logs to stdout, everything about them to stderr.
//!
//! One runnable alone, or one worker, streams its log as it comes. Several show a line each when
//! they end, the logs of what failed at the end, and on a terminal what is running right now.

mod live;

use std::io::Write;
use std::time::Duration;

use live::Live;
use qik_session::model::{Diagnostic, RelPath};
use qik_session::system::{Stream, is_terminal};
use qik_session::{EventLine, Outcome, Report, RunEvent, RunReport, RunnableReport, Session};

use crate::ci_log::CiLog;
use crate::diagnostics;
use crate::served::Served;
use crate::style::{Style, duration};

/// See the module.
pub(crate) struct Printer {
    style: Style,
    verbosity: i64,
    /// Whether logs are printed as they come.
    streams: bool,
    live: Option<Live>,
    /// Whether the terminal may show what moves.
    animates: bool,
    /// Where a service reads along, everything goes to stdout, in its form.
    ci: Option<CiLog>,
    /// Where a program reads along, each event is an object on a line of stdout, and nothing else is.
    json: bool,
    /// Whether the log that streams is at the beginning of a line.
    at_line_start: bool,
    notes: Vec<Diagnostic>,
    served: Served,
}

impl Printer {
    pub fn new(
        style: Style,
        verbosity: i64,
        streams: bool,
        animates: bool,
        ci: Option<CiLog>,
    ) -> Self {
        let live = (animates && !streams).then(Live::new);
        let served = Served::new(style.clone(), false);
        let (json, at_line_start, notes) = (false, true, Vec::new());
        Self { style, verbosity, streams, live, animates, ci, json, at_line_start, notes, served }
    }

    /// The same for a program that reads along.
    pub fn with_json(self, json: bool) -> Self {
        Self { json, ..self }
    }

    /// A persistent command that is all there is prints what it prints.
    pub fn with_nothing_beside(&mut self) {
        self.served.alone = true;
    }

    pub fn hear(&mut self, event: RunEvent) {
        if self.json {
            return write_log(EventLine::new(&event).json().as_bytes());
        }
        match event {
            RunEvent::Planned { count } => {
                if let Some(live) = &self.live {
                    live.total.set_length(count as u64);
                }
            }
            RunEvent::Closes => {
                self.say(&self.style.faint(
                    "what is to run may change: nothing more begins until what runs has ended",
                ))
            }
            RunEvent::Joined { changed, count } => self.joined(&changed, count),
            RunEvent::Served { name, chunk } => {
                let lines = self.served.take(&name, &chunk);
                self.say_served(&lines);
            }
            RunEvent::Died { name, code } => {
                self.say(&format!("{} {name}, {}", self.style.bad(&mark("ended")), code_of(code)));
            }
            RunEvent::Started { name, reason, told } => {
                if self.streams {
                    self.open(&name, &format!("({reason})"), false, Duration::ZERO);
                    let line = self.style.faint(&format!("$ {told}"));
                    self.say_all(&format!("{line}\n"));
                } else if let Some(live) = &mut self.live {
                    live.start(name);
                }
            }
            RunEvent::Output { chunk, .. } => {
                if self.streams && self.verbosity > 0 {
                    write_log(&chunk);
                    self.at_line_start =
                        chunk.last().map_or(self.at_line_start, |last| *last == b'\n');
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

    /// More is to be done than there was at first.
    fn joined(&mut self, changed: &[RelPath], count: usize) {
        if let Some(live) = &self.live {
            live.total.inc_length(count as u64);
        }
        if let Some(what) = crate::watch::what_changed(changed) {
            self.say(&self.style.faint(&what));
        }
    }

    /// Lines of persistent commands, which are logs and not about logs.
    fn say_served(&mut self, lines: &[u8]) {
        if lines.is_empty() || self.verbosity == 0 {
            return;
        }
        match &self.live {
            Some(live) => live.bars.suspend(|| write_log(lines)),
            None => write_log(lines),
        }
    }

    /// Where something moves on the terminal it says what the run waits for.
    fn sharing(&mut self, left: usize) {
        if self.animates {
            // A log that streamed is over by now.
            self.live.get_or_insert_with(Live::new);
        }
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
                _ if report.code != 0 => ending(report),
                Some(saved) => format!("(cached, {saved})"),
                None => "(cached)".to_string(),
            };
            self.open(&report.name, &told, report.code == 0, report.time);
            if self.verbosity > 0 {
                write_log(&report.log);
                self.at_line_start = report.log.last().is_none_or(|last| *last == b'\n');
            }
            self.close();
        } else {
            if self.streams {
                self.close();
            }
            if let Some(line) = self.line(report) {
                self.say(&line);
            }
        }
        if !self.streams && self.verbosity >= 2 {
            self.log(report);
        }
        report.diagnostics.iter().cloned().for_each(|note| self.add_note(note));
    }

    /// What several commands have to say is said once, with the first few of the places.
    pub fn add_note(&mut self, note: Diagnostic) {
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
        let code = code_of(report.code);
        // Where logs stream, the line above the log has told it.
        let reason = report.reason.as_ref().filter(|_| !self.streams);
        let reason = reason.map(|reason| style.faint(&format!("  ({reason})"))).unwrap_or_default();
        Some(match report.outcome {
            Outcome::Ran if report.code == 0 && report.flaky => {
                let luck = luck(report);
                format!("{} {name} {time}, {luck}{reason}", style.odd(&mark("flaky")))
            }
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
                let because = report.because_of.as_ref().map(|cause| format!(", {cause}"));
                format!("{} {name}{}", style.odd(&mark("skipped")), because.unwrap_or_default())
            }
            Outcome::Served => format!("{} {name} {time}", style.good(&mark("ready"))),
            Outcome::Group | Outcome::Stopped => return None,
        })
    }

    /// The logs of what failed, the notes, and the summary.
    pub fn finish(&mut self, session: &Session, run: &RunReport, report: Option<&Report>) {
        let rest = self.served.rest();
        self.say_served(&rest);
        if let Some(live) = self.live.take() {
            live.total.finish_and_clear();
        }
        if self.json {
            return write_log(EventLine::ended(run).json().as_bytes());
        }
        if !self.streams && self.verbosity == 1 {
            for failed in run.runnables.iter().filter(|report| report.failed()) {
                self.log(failed);
            }
        }
        for note in std::mem::take(&mut self.notes) {
            self.say_all(&diagnostics::render(&self.style, Some(session), &note));
        }
        if let (Some(ci), Some(report)) = (&self.ci, report) {
            write_log(ci.annotations(session, report).as_bytes());
        }
        self.say(&self.summary(run));
    }

    /// What comes before a log.
    fn open(&mut self, name: &str, told: &str, folded: bool, took: Duration) {
        match &mut self.ci {
            Some(ci) => {
                let text = ci.open(name, format!("{name} {told}").trim_end(), folded, took);
                write_log(text.as_bytes());
            }
            None if self.streams => {
                self.say(&format!("{} {}", self.style.strong(name), self.style.faint(told)));
            }
            None => self.say(&self.style.strong(&format!("--- {name}"))),
        }
        self.at_line_start = true;
    }

    /// What comes after it. A log that streams is left as it is, but where a service must find the
    /// beginning of a line; on a terminal the line is ended beside the log.
    fn close(&mut self) {
        let is_open = self.ci.as_ref().is_some_and(CiLog::is_open);
        if !self.at_line_start && (is_open || !self.streams) {
            write_log(b"\n");
        } else if !self.at_line_start && is_terminal(Stream::Stdout) {
            self.say("");
        }
        self.at_line_start = true;
        if let Some(ci) = &mut self.ci {
            write_log(ci.close().as_bytes());
        }
    }

    fn log(&mut self, report: &RunnableReport) {
        if report.log.is_empty() || self.served.knows(&report.name) {
            return;
        }
        let told = if self.ci.is_some() { ending(report) } else { String::new() };
        self.open(&report.name, &told, !report.failed(), report.time);
        write_log(&report.log);
        self.at_line_start = report.log.ends_with(b"\n");
        self.close();
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
        if count(Outcome::Served) > 0 {
            parts.insert(0, format!("{} served", count(Outcome::Served)));
        }
        for (outcome, word) in [(Outcome::Skipped, "skipped"), (Outcome::Stopped, "stopped")] {
            if count(outcome) > 0 {
                parts.push(style.odd(&format!("{} {word}", count(outcome))));
            }
        }
        let flaky = report.count(|r| r.flaky);
        if flaky > 0 {
            parts.push(style.odd(&format!("{flaky} flaky")));
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

    /// Lines in which nothing is to be read as a command, such as a shell line or an excerpt.
    fn say_all(&mut self, text: &str) {
        match &mut self.ci {
            // The log that is open is guarded already.
            Some(ci) if ci.is_open() => write_log(text.as_bytes()),
            Some(ci) => {
                let (guard, unguard) = ci.guard();
                write_log(format!("{guard}{text}{unguard}").as_bytes());
            }
            None => self.say(text.trim_end_matches('\n')),
        }
    }

    /// One line to stderr, above what moves.
    fn say(&self, line: &str) {
        match &self.live {
            // A name or a reason may hold a line end, and what follows might be read as a command.
            _ if self.ci.is_some() => {
                write_log(format!("{}\n", line.replace(['\n', '\r'], " ")).as_bytes());
            }
            Some(live) => {
                let _ = live.bars.println(line);
            }
            None => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }
}

fn code_of(code: i32) -> String {
    format!("exit code {code}")
}

/// How it ended, for the title of its log.
fn ending(report: &RunnableReport) -> String {
    match (report.outcome, report.code) {
        (Outcome::Cached, 0) => "(cached)".into(),
        (Outcome::Cached, code) => format!("(exit code {code}, cached)"),
        (_, 0) => format!("({})", duration(report.time)),
        (_, code) => format!("(exit code {code}, {})", duration(report.time)),
    }
}

/// By what it is known to be flaky.
fn luck(report: &RunnableReport) -> String {
    match report.attempts {
        0 | 1 => "failed before with the same inputs".into(),
        tries => format!("passed at try {tries}"),
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
