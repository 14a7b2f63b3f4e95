//! What workers do: execute a shell line, restore artifacts, keep a result. Each gets an owned job
//! and answers with a message; none sees the database.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::transfer::{RestoreRequest, StoreRequest, restore, store};
use crate::venv::VenvJob;
use crossbeam_channel::{Receiver, Sender};
use qik_cache::{CacheSet, Restore};
use qik_model::{Diagnostic, Name};
use qik_system::{Exit, ProcessSpec, Stop, System};

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
    /// The environment that it makes.
    pub venv: Option<VenvJob>,
}

/// What workers answer.
#[derive(Debug)]
pub(crate) enum Message {
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
}

/// What all workers share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub system: Arc<dyn System>,
    pub caches: Arc<CacheSet>,
    pub stop: Stop,
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
            Job::Execute(at, execution) => {
                let run = || execute(worker, shared, at, &execution, answers);
                let executed = match &execution.venv {
                    Some(venv) => venv.make(&*shared.system, run),
                    None => run(),
                };
                Message::Executed(at, executed)
            }
            Job::Tell(at, executed) => {
                let _ = answers.send(Message::Output(at, executed.log.clone()));
                Message::Executed(at, executed)
            }
            Job::Restore(at, request) => Message::Restored(at, restore(&shared.caches, &request)),
            Job::Store(request) => Message::Stored(store(&shared.caches, *request)),
        };
        if answers.send(answer).is_err() {
            return;
        }
    }
}

fn execute(
    worker: usize,
    shared: &Shared,
    at: usize,
    execution: &Execution,
    answers: &Sender<Message>,
) -> Executed {
    let started = shared.system.elapsed();
    let mut log = Vec::new();
    let mut tries = execution.retries;
    loop {
        let exit = attempt(worker, shared, at, execution, answers, &mut log);
        let stopped = matches!(exit, Exit::Stopped(_));
        let code = exit.code();
        if code == 0 || stopped || tries == 0 {
            return Executed { code, stopped, log, time: shared.system.elapsed() - started };
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
