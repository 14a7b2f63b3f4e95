//! The run itself: what is ready is decided on, executed or replayed; what ended is looked at, kept,
//! and makes others ready.
//!
//! One thread (this one) owns the database and the picture of the work tree; workers get owned jobs.

mod replay;
mod settle;
mod venvs;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use qik_cache::{CacheKind, CacheSet};
use qik_db::{Database, Db};
use qik_model::{ActionResult, Builtin, Diagnostic, Digest, Fingerprint, Name, Place, Severity};
use qik_python::{SpaceKey, fence_report};
use qik_system::{Revision, Stop, System, WorkTree};
use rustc_hash::FxHashSet;

use crate::decide::{CacheStatus, ColdReason, decide, fingerprint_of, look_ahead};
use crate::environment::variables_for;
use crate::event::{Outcome, RunEvent, RunReport, RunnableReport};
use crate::execute::{Executed, Execution, Job, Message, Shared, work};
use crate::out::OutFolder;
use crate::plan::Plan;
use crate::sweep;
use crate::venv::VenvJob;

/// How to run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// How many runnables execute at once; at least 1.
    pub workers: usize,
    /// Ignore entries, and write new ones.
    pub force: bool,
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
}

/// Runs `plan` to its end and tells `listen` what happens.
pub fn run(
    stage: Stage<'_>,
    plan: &Plan,
    options: &RunOptions,
    listen: &mut dyn FnMut(RunEvent),
) -> RunReport {
    let system = stage.db.system().clone();
    let started = system.elapsed();
    let (jobs, for_workers) = unbounded();
    let (from_workers, answers) = unbounded();
    let shared =
        Shared { system: system.clone(), caches: stage.caches.clone(), stop: stage.stop.clone() };
    listen(RunEvent::Planned { count: plan.runnables.len() });
    let mut report = std::thread::scope(|scope| {
        let spawn = |worker: usize| {
            let (shared, jobs, answers) =
                (shared.clone(), for_workers.clone(), from_workers.clone());
            scope.spawn(move || work(worker, &shared, &jobs, &answers));
        };
        let mut schedule = Schedule::new(stage, plan, options, listen, jobs, answers, &spawn);
        schedule.run();
        schedule.finish()
    });
    report.time = system.elapsed() - started;
    report
}

/// Where a runnable stands.
#[derive(Debug, Default)]
struct State {
    /// How many of its upstream are not done.
    waits_for: usize,
    /// What failed upstream.
    because_of: Option<Name>,
    /// What it is being executed for, and when that was told.
    fingerprint: Option<Fingerprint>,
    revision: Revision,
    reason: Option<ColdReason>,
    /// Whether this is the second execution, for inputs that changed during the first.
    again: bool,
    /// The folders of its inputs when it was started.
    stamps: Vec<sweep::FolderStamp>,
    entry: Option<Box<ActionResult>>,
    /// Whether something waits for this environment, or did.
    demanded: bool,
    done: bool,
    /// What waits for this environment.
    users: Vec<usize>,
}

struct Schedule<'a> {
    stage: Stage<'a>,
    system: Arc<dyn System>,
    plan: &'a Plan,
    options: &'a RunOptions,
    listen: &'a mut dyn FnMut(RunEvent),
    spawn: &'a dyn Fn(usize),
    jobs: Sender<Job>,
    answers: Receiver<Message>,
    out: OutFolder,
    states: Vec<State>,
    downstream: Vec<Vec<usize>>,
    ready: BTreeSet<usize>,
    report: RunReport,
    workers: usize,
    /// Executing or restoring.
    busy: usize,
    /// Results on their way into a cache.
    storing: usize,
    /// What was looked at since a command last ended; `None` before any has. What is ready is looked
    /// at anew before it is decided on, as a command may have written anywhere.
    looked_at: Option<BTreeSet<usize>>,
    /// Nodes that are on their way into a cache.
    kept_nodes: FxHashSet<Digest>,
    /// Waits until nothing else runs, to have the terminal for itself.
    interactive: Vec<usize>,
}

impl<'a> Schedule<'a> {
    fn new(
        stage: Stage<'a>,
        plan: &'a Plan,
        options: &'a RunOptions,
        listen: &'a mut dyn FnMut(RunEvent),
        jobs: Sender<Job>,
        answers: Receiver<Message>,
        spawn: &'a dyn Fn(usize),
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
            system,
            downstream: plan.downstream(),
            stage,
            plan,
            options,
            listen,
            spawn,
            jobs,
            answers,
            states,
            ready,
            report: RunReport::default(),
            workers: 0,
            busy: 0,
            storing: 0,
            looked_at: None,
            kept_nodes: FxHashSet::default(),
            interactive: Vec::new(),
        }
    }

    fn run(&mut self) {
        loop {
            self.start_ready();
            if self.busy == 0 && self.storing == 0 {
                match self.interactive.pop() {
                    Some(at) => self.start_job(at),
                    None => return,
                }
            }
            let Ok(first) = self.answers.recv() else { return };
            let mut ended = Vec::new();
            self.take(first, &mut ended);
            while let Ok(message) = self.answers.try_recv() {
                self.take(message, &mut ended);
            }
            self.settle(ended);
        }
    }

    /// Ends the run: what is left was not reached because the user stopped it.
    fn finish(mut self) -> RunReport {
        self.report.stopped_by = self.stage.stop.requested();
        self.stage.caches.stage();
        self.share();
        let notes = self.stage.caches.warnings();
        self.report.broken = notes.iter().any(|note| note.severity == Severity::Error);
        if let Err(error) = self.out.save() {
            self.note(Diagnostic::warning(
                "run/out-not-written",
                format!("`._qik/out/manifest.json` can't be written: {error}"),
            ));
        }
        for note in notes {
            self.note(note);
        }
        self.report
    }

    /// Waits for what is on its way to others. A user who stops the run does not wait for it.
    fn share(&mut self) {
        let (stop, caches) = (self.stage.stop.clone(), self.stage.caches.clone());
        let mut told = 0;
        let sharing = caches.finish(&mut |left| {
            if left != std::mem::replace(&mut told, left) {
                (self.listen)(RunEvent::Sharing { left });
            }
            stop.requested().is_none()
        });
        (self.report.shared, self.report.unshared) = (sharing.shared, sharing.unshared);
    }

    fn note(&mut self, note: Diagnostic) {
        (self.listen)(RunEvent::Note(note));
    }

    fn start_ready(&mut self) {
        self.look_ahead();
        while let Some(at) = self.ready.pop_first() {
            self.start(at);
        }
    }

    /// Caches that take their time are asked for all that is ready at once.
    fn look_ahead(&mut self) {
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
        if self.stage.stop.requested().is_some() {
            return self.end(at, Outcome::Stopped, 0, Arc::from([]), Duration::ZERO, Vec::new());
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
        let status = decide(self.stage.db, &self.stage.caches, planned, forced);
        self.states[at].fingerprint =
            planned.is_cached().then(|| fingerprint_of(self.stage.db, planned).ok()).flatten();
        let needs = planned.venv.filter(|venv| !self.states[*venv].done);
        match status {
            CacheStatus::Warm(_) if planned.makes_venv() => self.venv_is_there(at),
            CacheStatus::Warm(entry) => self.replay(at, entry),
            // Also where something is missing: it may come with the environment.
            _ if needs.is_some() && !planned.is_group() => self.wait_for_venv(at, needs),
            CacheStatus::Cold(ColdReason::Broken(errors)) => {
                self.states[at].reason = Some(ColdReason::Broken(errors.clone()));
                self.end(at, Outcome::Broken, 1, Arc::from([]), Duration::ZERO, errors);
            }
            CacheStatus::Cold(reason) => self.execute(at, reason),
            CacheStatus::Uncached => self.execute(at, ColdReason::Uncached),
        }
    }

    /// Looks anew at the inputs of `at` and of all else that is ready, in one sweep.
    fn look_at_ready(&mut self, at: usize) {
        let Some(looked_at) = self.looked_at.as_mut().filter(|looked| !looked.contains(&at)) else {
            return;
        };
        let mut scope = Vec::new();
        for at in self.ready.iter().copied().chain([at]) {
            looked_at.insert(at);
            sweep::scope(self.stage.db, &self.plan.runnables[at], &mut scope);
        }
        sweep::refresh(self.stage.db, self.stage.tree, scope);
    }

    fn write_log(&mut self, name: &Name, log: &[u8]) {
        if let Err(error) = self.out.write_log(name, log) {
            let path = self.out.log_path(name);
            let what = format!("the log of `{name}` can't be written to `{path}`: {error}");
            self.note(Diagnostic::warning("run/out-not-written", what));
        }
    }

    fn execute(&mut self, at: usize, reason: ColdReason) {
        self.states[at].reason = Some(reason);
        let definition = &self.plan.runnables[at].definition;
        if self.plan.runnables[at].is_group() {
            return self.end(at, Outcome::Group, 0, Arc::from([]), Duration::ZERO, Vec::new());
        }
        if definition.builtin == Some(Builtin::FenceCheck) {
            return self.check_fence(at);
        }
        if definition.settings.interactive { self.interactive.push(at) } else { self.start_job(at) }
    }

    fn start_job(&mut self, at: usize) {
        let planned = &self.plan.runnables[at];
        let env = match variables_for(self.stage.db, &planned.definition) {
            Ok(env) => env,
            Err(error) => {
                let place = Place::Key(planned.definition.settings.origin.clone());
                let errors = vec![error.at(place, "needed by this command")];
                self.states[at].reason = Some(ColdReason::Broken(errors.clone()));
                return self.end(at, Outcome::Broken, 1, Arc::from([]), Duration::ZERO, errors);
            }
        };
        if planned.is_cached() && !self.out.is_fleeting(planned.name()) {
            self.states[at].stamps = sweep::folder_stamps(self.stage.db, self.stage.tree, planned);
        }
        let definition = &planned.definition;
        (self.listen)(RunEvent::Started {
            name: definition.name.clone(),
            reason: self.states[at].reason.clone().unwrap_or(ColdReason::Uncached),
            told: definition.exec.told.clone(),
        });
        let execution = Execution {
            name: definition.name.clone(),
            command: definition.command.clone(),
            line: definition.exec.text.to_string(),
            cwd: self.system.root().to_path_buf(),
            env,
            timeout: definition.settings.timeout,
            retries: definition.settings.retries,
            terminal: definition.settings.interactive,
            venv: VenvJob::of(
                self.stage.db,
                planned,
                self.states[at].fingerprint,
                self.states[at].reason == Some(ColdReason::Forced),
            ),
        };
        self.busy += 1;
        self.give(Job::Execute(at, Box::new(execution)));
    }

    /// The one thing that qik does itself: it takes no process, only the graph.
    fn check_fence(&mut self, at: usize) {
        let definition = &self.plan.runnables[at].definition;
        let db = &*self.stage.db;
        let report = fence_report(db, SpaceKey::running(db, definition.space.clone()));
        let (code, log) = (report.code(), report.text().into_bytes());
        (self.listen)(RunEvent::Started {
            name: definition.name.clone(),
            reason: self.states[at].reason.clone().unwrap_or(ColdReason::Uncached),
            told: "(checks imports)".into(),
        });
        self.busy += 1;
        self.give(Job::Tell(at, Executed { code, stopped: false, log, time: Duration::ZERO }));
    }

    /// Hands a job to the workers; they are started as they are needed.
    fn give(&mut self, job: Job) {
        if self.workers < self.options.workers.max(1) && self.workers <= self.busy + self.storing {
            self.workers += 1;
            (self.spawn)(self.workers);
        }
        // The receivers live as long as this schedule.
        let _ = self.jobs.send(job);
    }

    fn take(&mut self, message: Message, ended: &mut Vec<(usize, Executed)>) {
        match message {
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
                self.looked_at = Some(BTreeSet::new());
                ended.push((at, executed));
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
            reason: state.reason.clone(),
            because_of: state.because_of.clone(),
            diagnostics,
        };
        let blocks = report.failed() || matches!(outcome, Outcome::Skipped | Outcome::Stopped);
        let because_of = state.because_of.clone().unwrap_or(name);
        (self.listen)(RunEvent::Finished(report.clone()));
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
