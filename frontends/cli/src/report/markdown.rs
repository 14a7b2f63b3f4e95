//! A report as Markdown, for the summary of a job: what wants attention first, with the end of its log.

use std::fmt::Write;
use std::time::Duration;

use qik_session::{Ending, Report, ReportedRunnable};

use super::text::{plain, tail};
use crate::style::duration;

/// What is shown of a log where something failed.
const LINES: usize = 40;
const BYTES: usize = 8 * 1024;
/// What is kept free for saying that something is left out.
const ROOM: usize = 200;

/// The page, of so many bytes at most; empty where not even its heading fits.
pub(crate) fn text(report: &Report, limit: usize) -> String {
    let mut page = Page { text: String::new(), limit, left_out: 0 };
    if !page.add(&format!("### {}\n", heading(report))) {
        return String::new();
    }
    let calls = |one: &&ReportedRunnable| one.flaky || attention(one) < 5;
    let mut urgent: Vec<&ReportedRunnable> = report.runnables.iter().filter(calls).collect();
    urgent.sort_by_key(|one| attention(one));
    page.table("", &urgent);
    urgent.iter().filter(|one| one.failed()).for_each(|one| page.log(one));
    let calm = |cached: bool| -> Vec<&ReportedRunnable> {
        let rest =
            report.runnables.iter().filter(|one| !calls(one) && one.outcome != Ending::Group);
        rest.filter(|one| one.cached == cached).collect()
    };
    let (ran, cached) = (calm(false), calm(true));
    page.table(&format!("{} ran and passed", ran.len()), &ran);
    page.table(&format!("{} cached", cached.len()), &cached);
    page.end()
}

/// What is looked at first.
fn attention(one: &ReportedRunnable) -> u8 {
    match one.outcome {
        Ending::Failed => 0,
        Ending::Broken => 1,
        Ending::Stopped => 2,
        Ending::Skipped => 3,
        Ending::Passed | Ending::Cached | Ending::Group => 5,
    }
}

fn heading(report: &Report) -> String {
    let counts = report.counts;
    if counts.selected == 0 {
        return "qik: nothing is selected".into();
    }
    let parts = [
        (counts.failed, "failed"),
        (counts.skipped, "skipped"),
        (counts.stopped, "stopped"),
        (counts.flaky, "flaky"),
        (counts.ran, "ran"),
        (counts.cached, "cached"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, word)| format!("{count} {word}")).collect();
    let saved = match report.saved_seconds {
        saved if saved >= 0.1 => format!(", {} saved", time(saved)),
        _ => String::new(),
    };
    format!("qik: {} in {}{saved}", parts.join(", "), time(report.seconds))
}

struct Page {
    text: String,
    limit: usize,
    left_out: usize,
}

impl Page {
    /// Adds all of a piece or nothing.
    fn add(&mut self, piece: &str) -> bool {
        let fits = self.text.len() + piece.len() + ROOM <= self.limit;
        if fits {
            self.text.push_str(piece);
        }
        fits
    }

    /// A table; folded where it has a title.
    fn table(&mut self, title: &str, rows: &[&ReportedRunnable]) {
        if rows.is_empty() {
            return;
        }
        let (open, close) = match title {
            "" => (String::new(), ""),
            _ => (format!("\n<details><summary>{title}</summary>\n"), "\n</details>\n"),
        };
        let head = format!("{open}\n| | | time | why |\n| --- | --- | ---: | --- |\n");
        if !self.add(&head) {
            self.left_out += rows.len();
            return;
        }
        for one in rows {
            if !self.add(&row(one)) {
                self.left_out += 1;
            }
        }
        // Short, and there is room for it.
        self.text.push_str(close);
    }

    /// The end of the log of what failed, folded.
    fn log(&mut self, one: &ReportedRunnable) {
        let log = plain(&one.output);
        let tail = tail(&log, LINES, BYTES);
        if tail.text.is_empty() {
            return;
        }
        let fence = fence(tail.text);
        let what = if tail.cut { "the end of its log" } else { "its log" };
        let name = html(&one.name);
        let piece = format!(
            "\n<details open><summary><code>{name}</code>: {what}</summary>\n\n{fence}text\n{}\n{fence}\n\n</details>\n",
            tail.text
        );
        if !self.add(&piece) {
            let _ =
                self.add(&format!("\nThe log of {} is too long for this page.\n", code(&one.name)));
        }
    }

    fn end(mut self) -> String {
        if self.left_out > 0 {
            let _ = writeln!(self.text, "\n{} more are left out here.", self.left_out);
        }
        self.text.push('\n');
        self.text
    }
}

fn row(one: &ReportedRunnable) -> String {
    let reason = one.reason.as_deref().unwrap_or_default();
    let (what, why) = match one.outcome {
        Ending::Failed if one.cached => ("**failed**", format!("exit code {}, cached", one.code)),
        Ending::Failed => ("**failed**", joined(&format!("exit code {}", one.code), reason)),
        Ending::Broken => ("**failed**", reason.to_string()),
        Ending::Skipped => ("skipped", reason.to_string()),
        Ending::Stopped => ("stopped", String::new()),
        Ending::Passed if one.flaky => {
            ("flaky", joined("failed before with the same inputs", reason))
        }
        Ending::Cached if one.flaky => {
            ("flaky", "failed before with the same inputs; cached".into())
        }
        Ending::Passed => ("ran", reason.to_string()),
        Ending::Cached => ("cached", String::new()),
        Ending::Group => ("", String::new()),
    };
    let started = !matches!(one.outcome, Ending::Broken | Ending::Skipped | Ending::Stopped);
    let time = if started { time(one.seconds) } else { String::new() };
    format!("| {what} | {} | {time} | {} |\n", cell(&code(&one.name)), cell(&escaped(&why)))
}

fn joined(first: &str, second: &str) -> String {
    if second.is_empty() { first.into() } else { format!("{first}; {second}") }
}

fn time(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// A fence that nothing in the text closes.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

/// A name as code: in it nothing is markup, and nobody is mentioned.
fn code(name: &str) -> String {
    let fence = "`".repeat(name.split(|c| c != '`').map(str::len).max().unwrap_or(0) + 1);
    let pad = if name.contains('`') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", name.replace(['\n', '\r'], " "))
}

/// In a table a bar ends the cell, even in code.
fn cell(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('|', "\\|")
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', " ")
}

/// Text in which nothing is markup; bars are the cell's business.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_{}[]<>#~".contains(c) {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}
