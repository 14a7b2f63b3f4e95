//! The run itself: what is ready is decided on, executed or replayed; what ended is looked at, kept,
//! and makes others ready.
//!
//! One thread (this one) owns the database and the picture of the work tree; workers get owned jobs.

mod beside;
mod finish;
mod hands;
mod persistent;
mod replay;
mod settle;
mod start;
mod state;
mod venvs;
mod waiting;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, never, unbounded};
use qik_cache::{CacheKind, CacheSet};
use qik_db::{Database, Db};
use qik_model::{Diagnostic, Digest, Name};
use qik_system::{Stirred, Stop, System, WorkTree};
use rustc_hash::FxHashSet;

use crate::decide::{
    CacheStatus, ColdReason, Reasons, Telling, decide, fingerprint_of, look_ahead,
};
use crate::event::{Outcome, RunEvent, RunReport, RunnableReport, SkipCause};
use crate::execute::{Halt, Job, Message, Shared, work};
use crate::flakes::FlakeLedger;
use crate::out::{OutFolder, log_path};
use crate::plan::Plan;
use crate::services::Services;
use crate::sweep;

pub use beside::{Beside, Live};
use hands::{Channels, Hand};
use settle::Unsettled;
use state::{Phase, State};
use waiting::{News, Waiting};

/// How to run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// How many runnables execute at once; at least 1.
    pub workers: usize,
    /// Ignore entries, and write new ones.
    pub force: bool,
    /// Begin nothing more after the first failure. What executes then is let finish: to kill it would
    /// lose its result, and it may leave things half done.
    pub fail_fast: bool,
}

/// The world that a run takes place in.
#[derive(Debug)]
pub struct Stage<'a> {
    /// Everything up to the fingerprint.
    pub db: &'a mut Database,
    /// The picture of the files.
    pub tree: &'a mut WorkTree,
    /// Where results live.
    pub caches: Arc<CacheSet>,
    /// How the user stops it.
    pub stop: Stop,
    /// Persistent commands. In a session that watches they outlive the run.
    pub services: &'a mut Services,
}

/// Runs `plan` to its end and tells `listen` what happens. `live`: what goes on beside it, where the session
/// stays to watch files.
pub fn run(
    stage: Stage<'_>,
    plan: &Plan,
    options: &RunOptions,
    live: Option<Live<'_>>,
    listen: &mut dyn FnMut(RunEvent),
) -> RunReport {
    let system = stage.db.system().clone();
    let started = system.elapsed();
    let (jobs, for_workers) = unbounded();
    let (results, for_keepers) = unbounded();
    let (from_workers, answers) = unbounded();
    let halt = Halt::new(options.fail_fast);
    let shared = Shared {
        system: system.clone(),
        caches: stage.caches.clone(),
        stop: stage.stop.clone(),
        halt: halt.clone(),
    };
    let count = live.as_ref().map_or(plan.runnables.len(), |live| live.wanted.len());
    listen(RunEvent::Planned { count });
    let mut report = std::thread::scope(|scope| {
        let spawn = |hand: Hand| {
            let (worker, jobs) = match hand {
                Hand::Worker(number) => (number, for_workers.clone()),
                Hand::Keeper => (0, for_keepers.clone()),
            };
            let (shared, answers) = (shared.clone(), from_workers.clone());
            scope.spawn(move || work(worker, &shared, &jobs, &answers));
        };
        let channels = Channels { jobs, results, answers, halt };
        let mut schedule = Schedule::new(stage, plan, options, listen, channels, &spawn);
        schedule.join(live);
        schedule.run();
        schedule.finish()
    });
    report.time = system.elapsed() - started;
    report
}

struct Schedule<'a> {
    stage: Stage<'a>,
    system: Arc<dyn System>,
    plan: &'a Plan,
    options: &'a RunOptions,
    listen: &'a mut dyn FnMut(RunEvent),
    spawn: &'a dyn Fn(Hand),
    channels: Channels,
    reasons: Reasons,
    out: OutFolder,
    flakes: FlakeLedger,
    /// The first failure, where the run ends with it.
    ended_by: Option<Name>,
    states: Vec<State>,
    downstream: Vec<Vec<usize>>,
    ready: BTreeSet<usize>,
    report: RunReport,
    workers: usize,
    keepers: usize,
    /// Jobs that are handed out once all that is ready is decided on.
    held: Option<Vec<Job>>,
    /// Executing or restoring.
    busy: usize,
    /// Results on their way into a cache.
    storing: usize,
    /// What was looked at since a command last ended; `None` before any has. What is ready is looked
    /// at anew before it is decided on, as a command may have written anywhere.
    looked_at: Option<BTreeSet<usize>>,
    /// Ended, and not settled yet.
    unsettled: Unsettled,
    /// Nodes that are on their way into a cache.
    kept_nodes: FxHashSet<Digest>,
    /// Waits until nothing else runs, to have the terminal for itself.
    interactive: Vec<usize>,
    /// Waits for another process.
    waiting: Waiting,
    /// Persistent commands that are not ready yet.
    launching: BTreeSet<usize>,
    /// What goes on beside the run, where the session stays.
    beside: Option<&'a mut dyn Beside>,
    stirred: Receiver<Stirred>,
    /// Whether something ended since it was looked what that affects.
    has_ended: bool,
    /// How often each began anew without anybody else having been there to change files for it.
    rounds: Vec<u32>,
    /// How often each was stopped to begin anew.
    restarts: Vec<u32>,
    /// When each began last, by count.
    begun_at: Vec<u64>,
    begun: u64,
    /// Whether nothing more is begun, since the session has to look at its configuration.
    closing: bool,
}

impl<'a> Schedule<'a> {
    fn new(
        stage: Stage<'a>,
        plan: &'a Plan,
        options: &'a RunOptions,
        listen: &'a mut dyn FnMut(RunEvent),
        channels: Channels,
        spawn: &'a dyn Fn(Hand),
    ) -> Self {
        let states = plan
            .runnables
            .iter()
            .map(|planned| State { waits_for: planned.after.len(), ..State::default() });
        let states: Vec<State> = states.collect();
        let is_ready = |&at: &usize| states[at].waits_for == 0 && !plan.runnables[at].on_demand;
        let ready = (0..states.len()).filter(is_ready).collect();
        let system = stage.db.system().clone();
        Self {
            out: OutFolder::open(system.clone()),
            flakes: FlakeLedger::open(&*system),
            system,
            reasons: Reasons::new(&stage.caches, Telling::First),
            ended_by: None,
            downstream: plan.downstream(),
            stage,
            plan,
            options,
            listen,
            spawn,
            channels,
            states,
            ready,
            report: RunReport::default(),
            workers: 0,
            keepers: 0,
            held: None,
            busy: 0,
            storing: 0,
            looked_at: None,
            unsettled: Unsettled::default(),
            kept_nodes: FxHashSet::default(),
            interactive: Vec::new(),
            waiting: Waiting::default(),
            launching: BTreeSet::new(),
            beside: None,
            stirred: never(),
            has_ended: false,
            rounds: Vec::new(),
            restarts: Vec::new(),
            begun_at: Vec::new(),
            begun: 0,
            closing: false,
        }
    }

    fn run(&mut self) {
        loop {
            self.start_ready();
            if self.busy == 0 && self.storing == 0 && self.waiting.is_empty() {
                match self.interactive.pop() {
                    None if self.goes_on_for_services() => {}
                    // It is not begun, so nothing will tell of its end.
                    Some(at) if self.ended_by.is_some() => {
                        self.start(at);
                        continue;
                    }
                    Some(at) => self.start_job(at),
                    None => return,
                }
            }
            match self.next_news() {
                Some(News::Answer(first)) => self.take(first),
                Some(News::Service(event)) => self.serviced(event),
                Some(News::Stirred(stirred)) => self.stirs(stirred),
                None => {}
            }
            // One worker ends one thing after the other, and its log streams: what began after it is
            // told after its end.
            while (self.options.workers > 1 || self.unsettled.is_empty())
                && let Ok(message) = self.channels.answers.try_recv()
            {
                self.take(message);
            }
            if self.may_settle() {
                self.settle();
            }
            self.look_beside();
            self.try_waiting();
        }
    }

    fn note(&mut self, note: Diagnostic) {
        (self.listen)(RunEvent::Note(note));
    }

    fn start_ready(&mut self) {
        self.look_ahead();
        // Where a failure ends the run, one that is replayed is known before anything is begun.
        self.held = self.options.fail_fast.then(Vec::new);
        while self.may_begin()
            && let Some(at) = self.ready.pop_first()
        {
            self.start(at);
        }
        self.held.take().into_iter().flatten().for_each(|job| self.give(job));
    }

    /// What is ready is fingerprinted on all processors, and caches that take their time are asked for all
    /// of it at once.
    fn look_ahead(&mut self) {
        // Beside a session that stays one begins at a time, and others may be others by then.
        if self.beside.is_none() && !self.stage.db.recalls() {
            let cached = |at: &usize| self.plan.runnables[*at].is_cached();
            let cached: Vec<usize> = self.ready.iter().copied().filter(cached).collect();
            if let Some(first) = cached.first() {
                self.look_at_ready(*first);
            }
            let plan = self.plan;
            self.stage.db.each(&cached, |db, at| _ = fingerprint_of(db, &plan.runnables[*at]));
        }
        let caches = self.stage.caches.clone();
        let asks = |at: &usize| {
            let planned = &self.plan.runnables[*at];
            self.states[*at].because_of.is_none()
                && caches.kind(&planned.cache) == Some(CacheKind::Remote)
        };
        let asked: Vec<usize> = self.ready.iter().copied().filter(asks).collect();
        let (Some(first), false) = (asked.first(), self.options.force) else { return };
        self.look_at_ready(*first);
        let planned = asked.iter().map(|at| &self.plan.runnables[*at]);
        look_ahead(self.stage.db, &caches, planned);
    }

    /// Decides on a runnable whose upstream is done.
    fn start(&mut self, at: usize) {
        let planned = &self.plan.runnables[at];
        self.begins(at);
        if self.stage.stop.requested().is_some() {
            return self.end(at, Outcome::Stopped, 0, Arc::from([]), Duration::ZERO, Vec::new());
        }
        if let Some(first) = &self.ended_by {
            let cause = || SkipCause::FailFast(first.clone());
            self.states[at].because_of.get_or_insert_with(cause);
        }
        if let Some(cause) = self.dead_server(at) {
            self.states[at].because_of.get_or_insert(cause);
        }
        if self.states[at].because_of.is_some() {
            return self.end(at, Outcome::Skipped, 0, Arc::from([]), Duration::ZERO, Vec::new());
        }
        if planned.is_cached() {
            self.look_at_ready(at);
        }
        self.states[at].revision = self.stage.tree.revision();
        // A new environment for each forced run would be for nothing.
        let forced = self.options.force && !planned.is_brought_along();
        let status = decide(self.stage.db, &self.stage.caches, planned, forced, &self.reasons);
        let fingerprint = fingerprint_of(self.stage.db, planned).ok();
        self.states[at].began_for = fingerprint;
        self.states[at].fingerprint = fingerprint.filter(|_| planned.is_cached());
        let venv = planned.venv.filter(|venv| !self.states[*venv].done);
        let needs = venv.or_else(|| self.lacking_server(at));
        match status {
            CacheStatus::Warm(_) if planned.makes_venv() => self.venv_is_there(at),
            CacheStatus::Warm(entry) => self.replay(at, entry),
            // Also where something is missing: it may come with the environment.
            _ if needs.is_some() && !planned.is_group() => self.wait_for(at, needs),
            CacheStatus::Cold(ColdReason::Broken(errors)) => {
                self.states[at].reason = Some(ColdReason::Broken(errors.clone()));
                self.end(at, Outcome::Broken, 1, Arc::from([]), Duration::ZERO, errors);
            }
            CacheStatus::Cold(reason) => self.execute(at, reason),
            CacheStatus::Uncached if planned.is_persistent() => self.serve(at),
            CacheStatus::Uncached => self.execute(at, ColdReason::Uncached),
        }
    }

    /// Looks anew at the inputs of `at` and of all else that is ready, in one sweep.
    fn look_at_ready(&mut self, at: usize) {
        let Some(looked_at) = self.looked_at.as_mut().filter(|looked| !looked.contains(&at)) else {
            return;
        };
        let mut scope = Vec::new();
        // Beside a session that stays one begins at a time: the others are looked at when they do.
        let others = self.ready.iter().copied().filter(|_| self.beside.is_none());
        for at in others.chain([at]) {
            looked_at.insert(at);
            sweep::scope(self.stage.db, &self.plan.runnables[at], &mut scope);
        }
        sweep::refresh(self.stage.db, self.stage.tree, scope);
    }

    fn write_log(&mut self, name: &Name, log: &[u8]) {
        if let Err(error) = self.out.write_log(name, log) {
            let path = log_path(name);
            let what = format!("the log of `{name}` can't be written to `{path}`: {error}");
            self.note(Diagnostic::warning("run/out-not-written", what));
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Taken(at) => {
                self.busy -= 1;
                self.wait(at);
            }
            Message::Made(at) => {
                self.busy -= 1;
                self.states[at].was_made = true;
                self.start_anew(at);
            }
            Message::Halted(at) => {
                self.busy -= 1;
                self.start(at);
            }
            Message::Began(at) => self.began(at),
            Message::Output(at, chunk) => {
                let name = self.plan.runnables[at].name().clone();
                (self.listen)(RunEvent::Output { name, chunk });
            }
            Message::Retry(at, code, left) => {
                let name = self.plan.runnables[at].name().clone();
                let tries = if left == 1 { "try is" } else { "tries are" };
                let why = format!("exit code {code}; {left} more {tries} left");
                (self.listen)(RunEvent::Again { name, why });
            }
            Message::Executed(at, executed) => {
                self.busy -= 1;
                if executed.failed() {
                    self.failed(at);
                }
                // Beside a session that stays events tell of what it wrote.
                if self.beside.is_none() {
                    self.looked_at = Some(BTreeSet::new());
                }
                self.unsettled.add(at, executed);
            }
            Message::Restored(at, restored) => {
                self.busy -= 1;
                self.restored(at, restored);
            }
            Message::Stored(notes) => {
                self.storing -= 1;
                notes.into_iter().for_each(|note| self.note(note));
            }
        }
    }

    /// Something failed: where the run is to end with that, nothing more is begun.
    fn failed(&mut self, at: usize) {
        if self.options.fail_fast {
            let name = || self.plan.runnables[at].name().clone();
            self.ended_by.get_or_insert_with(name);
            self.channels.halt.failed();
        }
    }

    /// A runnable is done: tells so, and makes ready what waited for it.
    fn end(
        &mut self,
        at: usize,
        outcome: Outcome,
        code: i32,
        log: Arc<[u8]>,
        time: Duration,
        diagnostics: Vec<Diagnostic>,
    ) {
        let name = self.plan.runnables[at].name().clone();
        let state = &mut self.states[at];
        let report = RunnableReport {
            name: name.clone(),
            outcome,
            code,
            log,
            time,
            fingerprint: state.fingerprint,
            began_for: state.fingerprint.or(state.began_for),
            reason: state.reason.clone(),
            because_of: state.because_of.clone(),
            attempts: state.attempts,
            flaky: state.flaky,
            unsure: state.unsure,
            diagnostics,
        };
        let blocks = report.failed() || matches!(outcome, Outcome::Skipped | Outcome::Stopped);
        let because_of = state.because_of.clone().unwrap_or(SkipCause::Upstream(name));
        state.is_dead = blocks
            && self.plan.runnables[at].is_persistent()
            && !self.stage.services.is_up(self.plan.runnables[at].name());
        if report.failed() {
            self.failed(at);
        }
        (self.listen)(RunEvent::Finished(report.clone()));
        self.ended(at, &report);
        self.report.runnables.push(report);
        self.venv_ended(at, blocks.then_some(&because_of));
        for next in self.downstream[at].clone() {
            let next_state = &mut self.states[next];
            if blocks && next_state.because_of.is_none() {
                next_state.because_of = Some(because_of.clone());
            }
            next_state.waits_for -= 1;
            let waits = self.plan.runnables[next].on_demand && !next_state.demanded;
            if next_state.waits_for == 0 && !waits {
                self.ready.insert(next);
            }
        }
    }
}
