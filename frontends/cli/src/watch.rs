//! `--watch`: what a session that stays tells, and the keys by which it is asked for more.

use std::io::Write;

use crossbeam_channel::{Receiver, Sender, unbounded};
use qik_session::model::{Diagnostic, Name, RelPath};
use qik_session::system::{Keys, Stop, Stream, is_terminal};
use qik_session::{
    Prepared, RunEvent, RunReport, RunnableReport, Session, WatchEvent, WatchListener, Wish,
    any_error,
};

use crate::printer::Printer;
use crate::served::Served;
use crate::style::Style;
use crate::{diagnostics, refuse};

/// What the user wants of the printer, or of the session.
enum Pressed {
    Wish(Wish),
    /// Show the logs of the last wave.
    Logs,
}

/// Runs what is prepared, and stays; the exit code.
pub(crate) fn stay(
    session: &mut Session,
    prepared: Prepared,
    style: &Style,
    verbosity: i64,
    live: bool,
    json: bool,
) -> i32 {
    let (wish, wishes) = unbounded();
    let logs = unbounded();
    let interactive =
        prepared.plan.runnables.iter().any(|planned| planned.definition.settings.interactive);
    // A command that asks the user has the keys for itself.
    let stop = session.stop().clone();
    let keys = (live && !interactive && is_terminal(Stream::Stdin))
        .then(|| Keys::listen(listen_to(wish.clone(), logs.0, stop)))
        .flatten();
    let mut teller = Teller {
        style: style.clone(),
        verbosity,
        live,
        json,
        keys: keys.is_some(),
        printer: None,
        last: Vec::new(),
        rests: None,
        status: None,
        logs: logs.1,
        served: Served::new(style.clone(), false),
    };
    let code = match session.watch(prepared, &wishes, &mut teller) {
        Ok(code) => code,
        Err(error) => refuse(style, Some(session), &[error]),
    };
    teller.clear_status();
    drop((keys, wish));
    code
}

/// `None` of a key that means nothing.
fn meant(key: u8) -> Option<Pressed> {
    Some(match key {
        b'r' => Pressed::Wish(Wish::All),
        b'f' => Pressed::Wish(Wish::Failed),
        b'\n' | b'\r' => Pressed::Wish(Wish::Again),
        b'q' => Pressed::Wish(Wish::Quit),
        b'o' => Pressed::Logs,
        _ => return None,
    })
}

fn listen_to(wish: Sender<Wish>, logs: Sender<()>, stop: Stop) -> impl FnMut(u8) -> bool + Send {
    move |key| match meant(key) {
        Some(Pressed::Wish(Wish::Quit)) => {
            let heard = wish.send(Wish::Quit).is_ok();
            // Whatever runs does not keep who wants to leave.
            stop.request(15);
            heard
        }
        Some(Pressed::Wish(wanted)) => wish.send(wanted).is_ok(),
        Some(Pressed::Logs) => logs.send(()).is_ok() && wish.send(Wish::Nothing).is_ok(),
        None => true,
    }
}

/// What is said of files that changed.
pub(crate) fn what_changed(changed: &[RelPath]) -> Option<String> {
    Some(match changed {
        [] => return None,
        [one] => format!("{one} changed"),
        [first, more @ ..] => format!("{first} and {} more changed", more.len()),
    })
}

fn write(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    // Where the reader went away the session goes on.
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

struct Teller {
    style: Style,
    verbosity: i64,
    live: bool,
    json: bool,
    keys: bool,
    /// Of the wave that runs.
    printer: Option<Printer>,
    /// How the runnables of the last wave ended.
    last: Vec<RunnableReport>,
    /// What was said last of a session that rests, where there is no terminal; `None` while it does not.
    rests: Option<String>,
    /// What the foot of the terminal shows.
    status: Option<String>,
    logs: Receiver<()>,
    /// Of persistent commands, while nothing else runs.
    served: Served,
}

impl WatchListener for Teller {
    fn run(&mut self, event: RunEvent) {
        match (&mut self.printer, event) {
            (Some(printer), event) => printer.hear(event),
            (None, RunEvent::Served { name, chunk }) => self.serve(&name, &chunk),
            (None, RunEvent::Died { name, code }) => {
                self.clear_status();
                let rest = self.served.rest();
                write(&rest);
                self.rests = None;
                let word = self.style.bad("  ended");
                self.say(&format!("{word} {name}, exit code {code}"));
            }
            (None, _) => {}
        }
    }

    fn tell(&mut self, session: &Session, event: WatchEvent) {
        self.clear_status();
        match event {
            WatchEvent::Wave { changed, count } => self.begin(&changed, count),
            WatchEvent::Ended(report) => self.end(session, report),
            WatchEvent::Note(note) => diagnostics::print(&self.style, Some(session), &[note]),
            WatchEvent::Config(found) => self.config(session, &found),
            WatchEvent::Idle { watched, failed } => self.idle(watched, &failed),
            WatchEvent::Polls => self.say(&self.style.faint(
                "files are looked at every two seconds: the system can't tell of changes here",
            )),
        }
    }
}

impl Teller {
    fn begin(&mut self, changed: &[RelPath], count: usize) {
        self.rests = None;
        if let Some(what) = what_changed(changed) {
            self.say(&self.style.faint(&what));
        }
        let streams = count == 1;
        let printer = Printer::new(self.style.clone(), self.verbosity, streams, self.live, None);
        self.printer = Some(printer.with_json(self.json));
    }

    fn end(&mut self, session: &Session, report: RunReport) {
        if let Some(mut printer) = self.printer.take() {
            printer.finish(session, &report, None);
        }
        self.last = report.runnables;
    }

    fn config(&mut self, session: &Session, found: &[Diagnostic]) {
        diagnostics::print(&self.style, Some(session), found);
        let line = match any_error(found) {
            true => self.style.bad("the last configuration that was right goes on to count"),
            false => self.style.faint("the configuration was read anew"),
        };
        self.say(&line);
    }

    /// What is watched, and what can be asked for. Where nothing can be drawn over, said once a wave.
    fn idle(&mut self, watched: usize, failed: &[Name]) {
        if self.logs.try_recv().is_ok() {
            self.show_logs();
        }
        let what = if watched == 1 { "runnable" } else { "runnables" };
        let failures = match failed.len() {
            0 => String::new(),
            1 => format!(", {} failed", failed[0]),
            many => format!(", {many} failed"),
        };
        let state = format!("watching {watched} {what}{failures}");
        if !self.live {
            let is_told = self.rests.replace(state.clone()).as_ref() == Some(&state);
            if is_told {
                return;
            }
            return self.say(&format!("{} {state}", self.style.good("qik")));
        }
        let keys = match self.keys {
            true => "  r run all · f run failed · enter again · o logs · q quit",
            false => "  Ctrl-C ends",
        };
        let mark = if failed.is_empty() { self.style.good("qik") } else { self.style.bad("qik") };
        let line = format!("{mark} {state}{}", self.style.faint(keys));
        let _ = write!(std::io::stderr(), "{line}");
        self.status = Some(line);
    }

    /// Lines of a persistent command, above the status.
    fn serve(&mut self, name: &Name, chunk: &[u8]) {
        let lines = self.served.take(name, chunk);
        if lines.is_empty() || self.verbosity == 0 {
            return;
        }
        let status = self.status.clone();
        self.clear_status();
        write(&lines);
        if let Some(line) = status {
            let _ = write!(std::io::stderr(), "{line}");
            self.status = Some(line);
        }
    }

    fn show_logs(&mut self) {
        for report in &self.last {
            self.say(&self.style.strong(&format!("--- {}", report.name)));
            write(&report.log);
        }
    }

    fn clear_status(&mut self) {
        if self.status.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    fn say(&self, line: &str) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}
