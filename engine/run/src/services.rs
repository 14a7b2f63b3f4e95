//! Persistent commands: processes that run beside all else until nobody needs them any more. Each has a
//! thread that keeps its log, sees when it is ready and tells how it ended. They outlive a run where the
//! session stays.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use qik_model::{Fingerprint, Name, Ready, ReadyCheck};
use qik_system::{Exit, ProcessSpec, Stop, System, answers, takes_connections};
use regex::bytes::Regex;

use crate::out::log_path;

/// How often it is looked whether a command is ready.
const TICK: Duration = Duration::from_millis(25);
/// How much of a log is kept at hand, to be shown if the command dies.
const TAIL: usize = 64 * 1024;

/// The persistent commands of a session. All are stopped with it.
#[derive(Debug)]
pub struct Services {
    system: Arc<dyn System>,
    stop: Stop,
    known: BTreeMap<Name, Service>,
    tell: Sender<ServiceEvent>,
    heard: Receiver<ServiceEvent>,
    launched: u64,
}

#[derive(Debug)]
struct Service {
    /// Which of all that had its name.
    id: u64,
    fingerprint: Option<Fingerprint>,
    standing: Standing,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

/// Where a persistent command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It runs and is not ready.
    Starting,
    /// It is ready.
    Up,
    /// It ended.
    Ended,
}

/// Something of a persistent command, for [`Services::take`].
#[derive(Debug)]
pub struct ServiceEvent {
    name: Name,
    id: u64,
    what: What,
}

impl ServiceEvent {
    /// Some output, whoever it is of.
    pub(crate) fn output(self) -> Option<(Name, Vec<u8>)> {
        match self.what {
            What::Output(chunk) => Some((self.name, chunk)),
            _ => None,
        }
    }
}

#[derive(Debug)]
enum What {
    Output(Vec<u8>),
    Ready(Duration),
    Ended(ServiceEnd),
}

/// What an event of a persistent command says.
#[derive(Debug)]
pub enum Told {
    /// Some of its output.
    Output(Name, Vec<u8>),
    /// What depends on it may begin; so long it took.
    Ready(Name, Duration),
    /// It is over.
    Ended(Name, ServiceEnd),
}

/// How a persistent command ended.
#[derive(Debug)]
pub struct ServiceEnd {
    /// Its exit code; never 0 where it was not ready before.
    pub code: i32,
    /// Whether it was stopped by us.
    pub stopped: bool,
    /// Whether it was ready before.
    pub was_up: bool,
    /// The end of what it printed.
    pub log: Vec<u8>,
    /// How long it ran.
    pub time: Duration,
}

impl ServiceEnd {
    pub(crate) fn not_started(log: Vec<u8>) -> Self {
        Self { code: 127, stopped: false, was_up: false, log, time: Duration::ZERO }
    }
}

/// What it takes to start one.
#[derive(Debug)]
pub(crate) struct Launch {
    pub name: Name,
    pub fingerprint: Option<Fingerprint>,
    pub process: ProcessSpec,
    pub ready: Option<Ready>,
}

impl Services {
    /// None yet. All stop with `stop`.
    pub fn new(system: Arc<dyn System>, stop: Stop) -> Self {
        let (tell, heard) = unbounded();
        Self { system, stop, known: BTreeMap::new(), tell, heard, launched: 0 }
    }

    /// What they have to tell, for [`Services::take`].
    pub fn heard(&self) -> &Receiver<ServiceEvent> {
        &self.heard
    }

    /// Takes note of an event; nothing where it is of a process that another has replaced.
    pub fn take(&mut self, event: ServiceEvent) -> Option<Told> {
        let ServiceEvent { name, id, what } = event;
        let known = self.known.get_mut(&name).filter(|known| known.id == id)?;
        Some(match what {
            What::Output(chunk) => Told::Output(name, chunk),
            What::Ready(time) => {
                known.standing = Standing::Up;
                Told::Ready(name, time)
            }
            What::Ended(mut end) => {
                end.was_up = known.standing == Standing::Up;
                known.standing = Standing::Ended;
                if !end.was_up && !end.stopped && end.code == 0 {
                    end.code = 1;
                    end.log.extend_from_slice(b"qik: it ended before it was ready\n");
                }
                Told::Ended(name, end)
            }
        })
    }

    /// Where a command stands, and what it was started for.
    pub(crate) fn standing(&self, name: &Name) -> Option<(Standing, Option<Fingerprint>)> {
        self.known.get(name).map(|known| (known.standing, known.fingerprint))
    }

    /// Whether a command is ready.
    pub(crate) fn is_up(&self, name: &Name) -> bool {
        self.standing(name).is_some_and(|(standing, _)| standing == Standing::Up)
    }

    /// Starts a command. One of that name that runs is stopped first, whole, so that what it holds is free.
    pub(crate) fn launch(&mut self, launch: Launch) -> io::Result<()> {
        let stop = self.stop.part()?;
        let before = self.known.remove(&launch.name).and_then(|mut before| {
            before.stop.request(15);
            before.thread.take()
        });
        self.launched += 1;
        let (name, fingerprint, id) = (launch.name.clone(), launch.fingerprint, self.launched);
        let server = Server {
            system: self.system.clone(),
            stop: stop.clone(),
            tell: self.tell.clone(),
            id,
            launch,
        };
        let thread = std::thread::Builder::new().name("qik-serve".into()).spawn(move || {
            // What it panicked with was told by its own thread.
            before.map(JoinHandle::join);
            server.run();
        })?;
        let standing = Standing::Starting;
        let service = Service { id, fingerprint, standing, stop, thread: Some(thread) };
        self.known.insert(name, service);
        Ok(())
    }

    /// Stops those for which `wanted` does not hold.
    pub fn keep(&mut self, wanted: impl Fn(&Name) -> bool) {
        let unwanted: Vec<Name> = self.known.keys().filter(|name| !wanted(name)).cloned().collect();
        let unwanted: Vec<Service> =
            unwanted.iter().filter_map(|name| self.known.remove(name)).collect();
        end(unwanted);
    }

    /// Stops all of them; none is left when this returns.
    pub fn end(&mut self) {
        end(std::mem::take(&mut self.known).into_values().collect());
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.end();
    }
}

/// All are asked before any is waited for.
fn end(services: Vec<Service>) {
    for service in &services {
        // Who stopped the whole has asked it already; a second time would be less gentle.
        if service.stop.requested().is_none() {
            service.stop.request(15);
        }
    }
    for mut service in services {
        service.thread.take().map(JoinHandle::join);
    }
}

/// One process, on its thread.
struct Server {
    system: Arc<dyn System>,
    stop: Stop,
    tell: Sender<ServiceEvent>,
    id: u64,
    launch: Launch,
}

/// What the thread of the process and the one that waits for it to be ready know of each other.
#[derive(Default)]
struct Progress {
    ready: AtomicBool,
    ended: AtomicBool,
    late: AtomicBool,
}

impl Server {
    fn run(&self) {
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
        ReadyCheck::Http(url) => {
            answers(url).then(|| format!("something else answers at {url}"))
        }
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
