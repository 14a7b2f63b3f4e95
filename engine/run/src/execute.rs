//! What workers do: execute a shell line, restore artifacts, keep a result. Each gets an owned job
//! and answers with a message; none sees the database.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::transfer::{RestoreRequest, StoreRequest, restore, store};
use crate::turns::{self, Turn};
use crate::venv::VenvJob;
use crossbeam_channel::{Receiver, Sender};
use qik_cache::{CacheSet, Key, Restore};
use qik_model::{Diagnostic, Fingerprint, Name, Platform};
use qik_system::{Exit, LockGuard, ProcessSpec, Stop, System, phase_on};

/// Something for a worker to do, for the runnable at a position of the plan.
#[derive(Debug)]
pub(crate) enum Job {
    /// Run its shell line.
    Execute(usize, Box<Execution>),
    /// Say what qik itself found.
    Tell(usize, Executed),
    /// Restore its artifacts.
    Restore(usize, Box<RestoreRequest>),
    /// Keep its result.
    Store(Box<StoreRequest>),
}

/// A shell line with all that it takes to run it.
#[derive(Debug)]
pub(crate) struct Execution {
    pub name: Name,
    pub command: Name,
    pub line: String,
    pub cwd: PathBuf,
    pub env: Vec<(OsString, OsString)>,
    pub timeout: Option<Duration>,
    pub retries: u32,
    pub terminal: bool,
    /// Whether its result is kept, so that it has to be one process at a time that makes it.
    pub in_turn: bool,
    /// Where there was no entry when it was decided on: what an entry would hold for.
    pub lacks: Option<(Name, Fingerprint, Platform)>,
    /// The environment that it makes.
    pub venv: Option<VenvJob>,
}

/// What workers answer.
#[derive(Debug)]
pub(crate) enum Message {
    /// It is not worked on, as another process executes or restores the same runnable.
    Taken(usize),
    /// It is not executed, as another process has made its result meanwhile.
    Made(usize),
    /// It starts to execute.
    Began(usize),
    /// It was not begun: the run ends with its first failure.
    Halted(usize),
    /// Some output.
    Output(usize, Vec<u8>),
    /// It failed and is tried again; so many tries are left.
    Retry(usize, i32, u32),
    /// It ended.
    Executed(usize, Executed),
    /// Its artifacts are in place, or they can't be.
    Restored(usize, Restore),
    /// A result was kept, or can't be.
    Stored(Vec<Diagnostic>),
}

/// How a shell line ended.
#[derive(Debug)]
pub(crate) struct Executed {
    pub code: i32,
    pub stopped: bool,
    pub log: Vec<u8>,
    pub time: Duration,
    /// How often it was tried.
    pub attempts: u32,
    /// Its turn: held until its result is kept.
    pub turn: Option<LockGuard>,
}

impl Executed {
    /// Whether it failed of itself.
    pub fn failed(&self) -> bool {
        self.code != 0 && !self.stopped
    }
}

/// What all workers share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub system: Arc<dyn System>,
    pub caches: Arc<CacheSet>,
    pub stop: Stop,
    pub halt: Halt,
}

/// Whether nothing more is to be begun. It never is where the run goes on after a failure.
#[derive(Clone, Debug)]
pub(crate) struct Halt {
    fail_fast: bool,
    halted: Arc<AtomicBool>,
}

impl Halt {
    pub fn new(fail_fast: bool) -> Self {
        Self { fail_fast, halted: Arc::default() }
    }

    /// Something failed.
    pub fn failed(&self) {
        self.halted.fetch_or(self.fail_fast, Ordering::SeqCst);
    }

    pub fn is_halted(&self) -> bool {
        self.halted.load(Ordering::SeqCst)
    }
}

/// Takes jobs until there are no more. `worker` counts from 1.
pub(crate) fn work(
    worker: usize,
    shared: &Shared,
    jobs: &Receiver<Job>,
    answers: &Sender<Message>,
) {
    for job in jobs {
        let answer = match job {
            Job::Execute(at, _) | Job::Tell(at, _) if shared.halt.is_halted() => {
                Message::Halted(at)
            }
            Job::Execute(at, execution) => match turn(shared, &execution.name, execution.in_turn) {
                Turn::Ours(_) if is_made(shared, &execution) => Message::Made(at),
                Turn::Ours(held) => {
                    if !execution.terminal {
                        let _ = answers.send(Message::Began(at));
                    }
                    let run = || execute(worker, shared, at, &execution, answers);
                    let executed = match &execution.venv {
                        Some(venv) => venv.make(&*shared.system, run),
                        None => run(),
                    };
                    Message::Executed(at, Executed { turn: held, ..executed })
                }
                Turn::Taken => Message::Taken(at),
            },
            Job::Tell(at, executed) => {
                let _ = answers.send(Message::Began(at));
                let _ = answers.send(Message::Output(at, executed.log.clone()));
                Message::Executed(at, executed)
            }
            Job::Restore(at, request) => match turn(shared, &request.name, true) {
                Turn::Ours(_held) => Message::Restored(at, restore(&shared.caches, &request)),
                Turn::Taken => Message::Taken(at),
            },
            Job::Store(request) => Message::Stored(store(&shared.caches, *request)),
        };
        let failed = matches!(&answer, Message::Executed(_, executed) if executed.failed());
        if answers.send(answer).is_err() {
            return;
        }
        // After the message: whoever is told that something was not begun knows by then why.
        if failed {
            shared.halt.failed();
        }
    }
}

fn turn(shared: &Shared, name: &Name, is_needed: bool) -> Turn {
    if is_needed { turns::take(&*shared.system, name) } else { Turn::Ours(None) }
}

fn is_made(shared: &Shared, execution: &Execution) -> bool {
    let Some((cache, fingerprint, platform)) = &execution.lacks else { return false };
    let (fingerprint, platform) = (*fingerprint, *platform);
    let key = Key { fingerprint, runnable: &execution.name, platform };
    shared.caches.has_entry(cache, &key)
}

fn execute(
    worker: usize,
    shared: &Shared,
    at: usize,
    execution: &Execution,
    answers: &Sender<Message>,
) -> Executed {
    let _phase = phase_on("execute", || execution.name.to_string());
    let started = shared.system.elapsed();
    let mut log = Vec::new();
    let mut tries = execution.retries;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let exit = attempt(worker, shared, at, execution, answers, &mut log);
        let stopped = matches!(exit, Exit::Stopped(_));
        let code = exit.code();
        if code == 0 || stopped || tries == 0 {
            let time = shared.system.elapsed() - started;
            return Executed { code, stopped, log, time, attempts, turn: None };
        }
        // The receiver is there as long as any runnable is not done.
        let _ = answers.send(Message::Retry(at, code, tries));
        tries -= 1;
        log.clear();
    }
}

fn attempt(
    worker: usize,
    shared: &Shared,
    at: usize,
    execution: &Execution,
    answers: &Sender<Message>,
    log: &mut Vec<u8>,
) -> Exit {
    let mut env = execution.env.clone();
    env.extend([
        ("QIK__CMD".into(), execution.command.to_string().into()),
        ("QIK__RUNNABLE".into(), execution.name.to_string().into()),
        ("QIK__WORKER".into(), worker.to_string().into()),
        (turns::WITHIN.into(), turns::within(shared.system.env(), &execution.name)),
    ]);
    let spec = ProcessSpec {
        shell_line: execution.line.clone(),
        cwd: execution.cwd.clone(),
        env,
        timeout: execution.timeout,
        terminal: execution.terminal,
    };
    let mut hear = |chunk: &[u8]| {
        log.extend_from_slice(chunk);
        let _ = answers.send(Message::Output(at, chunk.to_vec()));
    };
    let outcome = shared.system.run(&spec, &shared.stop, &mut hear);
    match outcome {
        Ok(Exit::TimedOut) => {
            let limit = execution.timeout.unwrap_or_default();
            hear(format!("qik: stopped after its timeout of {limit:?}\n").as_bytes());
            Exit::TimedOut
        }
        Ok(exit) => exit,
        Err(error) => {
            hear(format!("qik: the shell could not be started: {error}\n").as_bytes());
            Exit::Code(127)
        }
    }
}
