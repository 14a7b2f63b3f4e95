//! One persistent command: its process, its log, and whether it is ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::Sender;
use qik_model::{Ready, ReadyCheck};
use qik_system::{Exit, Stop, System, answers, takes_connections};
use regex::bytes::Regex;

use super::{Launch, ServiceEnd, ServiceEvent, What};
use crate::out::log_path;

/// How often it is looked whether a command is ready.
const TICK: Duration = Duration::from_millis(25);
/// How much of a log is kept at hand, to be shown if the command dies.
const TAIL: usize = 64 * 1024;

/// One process, on its thread.
pub(super) struct Server {
    pub system: Arc<dyn System>,
    pub stop: Stop,
    pub tell: Sender<ServiceEvent>,
    pub id: u64,
    pub launch: Launch,
}

/// What the thread of the process and the one that waits for it to be ready know of each other.
#[derive(Default)]
struct Progress {
    ready: AtomicBool,
    ended: AtomicBool,
    late: AtomicBool,
}

impl Server {
    pub fn run(&self) {
        let (name, ready) = (&self.launch.name, self.launch.ready.as_ref());
        let started = self.system.elapsed();
        let mut tail = Vec::new();
        let mut code = 1;
        let mut stopped = false;
        if let Some(what) = ready.and_then(|ready| taken(&ready.check)) {
            let text = format!("qik: {what} before `{name}` was started\n");
            self.hear(&mut tail, text.as_bytes());
        } else {
            let progress = Progress::default();
            let exit = std::thread::scope(|scope| {
                match ready {
                    Some(ready) => drop(scope.spawn(|| self.wait(ready, started, &progress))),
                    None => self.is_ready(started),
                }
                let exit = self.process(ready, started, &progress, &mut tail);
                progress.ended.store(true, Ordering::SeqCst);
                exit
            });
            let late = progress.late.load(Ordering::SeqCst);
            stopped = matches!(exit, Exit::Stopped(_)) && !late;
            code = if late { Exit::TimedOut.code() } else { exit.code() };
            if let Some(ready) = ready.filter(|_| late) {
                let text = format!("qik: not ready after {:?}; stopped\n", ready.timeout);
                self.hear(&mut tail, text.as_bytes());
            }
        }
        let time = self.system.elapsed() - started;
        self.say(What::Ended(ServiceEnd { code, stopped, was_up: false, log: tail, time }));
    }

    fn process(
        &self,
        ready: Option<&Ready>,
        started: Duration,
        progress: &Progress,
        tail: &mut Vec<u8>,
    ) -> Exit {
        let mut lines = ready.and_then(|ready| Lines::new(&ready.check));
        let mut hear = |chunk: &[u8]| {
            self.hear(tail, chunk);
            if lines.as_mut().is_some_and(|lines| lines.take(chunk)) {
                lines = None;
                if !progress.ready.swap(true, Ordering::SeqCst) {
                    self.is_ready(started);
                }
            }
        };
        match self.system.run(&self.launch.process, &self.stop, &mut hear) {
            Ok(exit) => exit,
            Err(error) => {
                hear(format!("qik: the shell could not be started: {error}\n").as_bytes());
                Exit::Code(127)
            }
        }
    }

    /// Looks until it is ready, has ended, or its time is up.
    fn wait(&self, ready: &Ready, started: Duration, progress: &Progress) {
        loop {
            if progress.ended.load(Ordering::SeqCst) || progress.ready.load(Ordering::SeqCst) {
                return;
            }
            let is_ready = match &ready.check {
                ReadyCheck::Output(_) => false,
                ReadyCheck::Port(port) => takes_connections(*port),
                ReadyCheck::Http(url) => answers(url),
            };
            if is_ready {
                return self.is_ready(started);
            }
            if self.system.elapsed() - started > ready.timeout {
                if !progress.ready.load(Ordering::SeqCst) {
                    progress.late.store(true, Ordering::SeqCst);
                    self.stop.request(15);
                }
                return;
            }
            if self.stop.wait(TICK) {
                return;
            }
        }
    }

    fn is_ready(&self, started: Duration) {
        self.say(What::Ready(self.system.elapsed() - started));
    }

    fn hear(&self, tail: &mut Vec<u8>, chunk: &[u8]) {
        // A log that can't be written is no reason to stop what works.
        let _ = self.system.append(&log_path(&self.launch.name), chunk);
        tail.extend_from_slice(chunk);
        if tail.len() > 2 * TAIL {
            tail.drain(..tail.len() - TAIL);
        }
        self.say(What::Output(chunk.to_vec()));
    }

    fn say(&self, what: What) {
        // Nobody listens once the session ends.
        let _ = self.tell.send(ServiceEvent { name: self.launch.name.clone(), id: self.id, what });
    }
}

/// What answers already, so that it could not be told when the command does.
fn taken(check: &ReadyCheck) -> Option<String> {
    match check {
        ReadyCheck::Output(_) => None,
        ReadyCheck::Port(port) => takes_connections(*port)
            .then(|| format!("something else takes connections at port {port}")),
        ReadyCheck::Http(url) => answers(url).then(|| format!("something else answers at {url}")),
    }
}

/// Looks for a line of output.
struct Lines {
    pattern: Regex,
    line: Vec<u8>,
}

impl Lines {
    fn new(check: &ReadyCheck) -> Option<Self> {
        let ReadyCheck::Output(pattern) = check else { return None };
        // It was checked with the configuration.
        Some(Self { pattern: Regex::new(pattern).ok()?, line: Vec::new() })
    }

    /// Whether a line matches, as far as it has come.
    fn take(&mut self, chunk: &[u8]) -> bool {
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if self.pattern.is_match(line) {
                return true;
            }
            if part.ends_with(b"\n") || self.line.len() > TAIL {
                self.line.clear();
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_wherever_it_is_cut() {
        let check = ReadyCheck::Output("^ready in [0-9]+ ms$".into());
        let found = |chunks: &[&str]| {
            let mut lines = Lines::new(&check).unwrap();
            chunks.iter().any(|chunk| lines.take(chunk.as_bytes()))
        };
        assert!(found(&["hello\nrea", "dy in 3", "0 ms\r", "\nmore"]));
        assert!(found(&["ready in 5 ms"]));
        assert!(!found(&["not ready in 5 ms\n", "ready in ", "\n5 ms"]));
    }
}
