//! `--watch`: the session stays. What is selected runs once; then a saved file becomes a change of the one
//! database, and whatever has another fingerprint than when it last ended runs again.
//!
//! Waves: the runnables that are affected run together, in their order. What files that change meanwhile
//! affect joins the wave. A wave that has nothing in it is the end, until something stirs.

mod absorb;
mod company;
mod places;

use std::collections::BTreeSet;
use std::time::Duration;

use crossbeam_channel::{Receiver, never, select};
use company::Company;
use qik_config::project;
use qik_db::{Database, Db};
use qik_model::{Diagnostic, Fingerprint, Name, RelPath};
use qik_run::{
    Live, Outcome, Plan, RunEvent, RunReport, RunnableReport, ServiceEvent, Services, Told,
    fingerprint_of,
};
use qik_system::{CommitId, Stirred, Watcher};
use rustc_hash::FxHashMap;

use crate::{Prepared, Session};

/// What a user may want of a session that watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Run everything that is selected.
    All,
    /// Run what failed last.
    Failed,
    /// Run once more what ran last, whatever is cached.
    Again,
    /// Nothing of the session: it tells once more where it stands.
    Nothing,
    /// End the session.
    Quit,
}

/// What a session that watches has to tell.
#[derive(Debug)]
pub enum WatchEvent {
    /// Some runnables begin, since these files changed; none where the user wants it.
    Wave {
        /// Paths, sorted.
        changed: Vec<RelPath>,
        /// How many runnables.
        count: usize,
    },
    /// The run of a wave is over.
    Ended(RunReport),
    /// The configuration, or what is selected, was read anew: what is wrong with it. Where that is an error the
    /// session goes on by the last one that was right.
    Config(Vec<Diagnostic>),
    /// Something that the user should know.
    Note(Diagnostic),
    /// There is nothing left to do.
    Idle {
        /// How many runnables are watched.
        watched: usize,
        /// Those whose last run failed.
        failed: Vec<Name>,
    },
    /// Files are looked at every so often, since the system can't tell of changes here.
    Polls,
}

/// Whoever is told what a session that watches does.
pub trait WatchListener {
    /// Something happens in a run.
    fn run(&mut self, event: RunEvent);

    /// Something else happens.
    fn tell(&mut self, session: &Session, event: WatchEvent);
}

/// So many waves in a row may begin a runnable without anything but runs having changed files.
const SETTLES_WITHIN: u32 = 3;
/// A persistent command that begins anew this soon may have changed files itself as it began; so often.
const SOON: Duration = Duration::from_secs(2);
const LAUNCHES: u32 = 5;

/// The state of a session that watches.
#[derive(Debug)]
struct Watch {
    watcher: Watcher,
    plan: Plan,
    /// How each runnable ended.
    last: FxHashMap<Name, Last>,
    /// What ran in the last wave.
    recent: BTreeSet<Name>,
    /// How often each began since something stirred.
    begun: FxHashMap<Name, u32>,
    /// When each persistent command began anew last, and how often that was soon after it had before.
    launched: FxHashMap<Name, (Duration, u32)>,
    /// Whether the configuration is wrong as it is, and counts as it was.
    is_wrong: bool,
    /// What was last told of the configuration.
    told: Vec<Diagnostic>,
    head: Option<CommitId>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    /// What it ran or was replayed for.
    fingerprint: Option<Fingerprint>,
    failed: bool,
}

/// What is to be done next.
enum Next {
    /// These run, whatever is cached if `force`.
    Wave {
        changed: Vec<RelPath>,
        wanted: BTreeSet<Name>,
        force: bool,
    },
    Wait,
    End(i32),
}

impl Next {
    fn run(wanted: BTreeSet<Name>, force: bool) -> Self {
        Self::Wave { changed: Vec::new(), wanted, force }
    }
}

impl Session {
    /// Runs `prepared`, then what changes affect, until the user stops it; the exit code.
    ///
    /// # Errors
    /// Where nothing can be watched at all.
    pub fn watch(
        &mut self,
        prepared: Prepared,
        wishes: &Receiver<Wish>,
        listen: &mut dyn WatchListener,
    ) -> Result<i32, Diagnostic> {
        self.scan();
        let mut watch = self.start_watch(prepared.plan)?;
        let mut services = self.services();
        if watch.watcher.polls() {
            listen.tell(self, WatchEvent::Polls);
        }
        let stopped = self.stop.heard();
        let mut next = Next::run(self.affected(&watch), false);
        loop {
            next = match next {
                Next::End(code) => {
                    services.end();
                    // Who quits may have stopped what ran, too.
                    let quits = wishes.try_iter().any(|wish| wish == Wish::Quit);
                    return Ok(if quits { 0 } else { code });
                }
                Next::Wave { changed, wanted, force } if !wanted.is_empty() => {
                    self.wave(&mut watch, &mut services, changed, wanted, force, listen)
                }
                _ => {
                    listen.tell(self, watch.idle());
                    self.wait(&mut watch, &mut services, wishes, &stopped, listen)
                }
            };
        }
    }

    fn start_watch(&mut self, plan: Plan) -> Result<Watch, Diagnostic> {
        let system = self.db.system();
        let lock = system.git().map(|git| git.git_dir().join("index.lock"));
        let watcher = Watcher::start(system.root(), lock).map_err(|error| {
            Diagnostic::error("watch/cannot-watch", format!("files can't be watched: {error}"))
                .help("run without `--watch`")
        })?;
        let mut watch = Watch {
            watcher,
            plan,
            last: FxHashMap::default(),
            recent: BTreeSet::new(),
            begun: FxHashMap::default(),
            launched: FxHashMap::default(),
            is_wrong: false,
            told: Vec::new(),
            head: self.head(),
        };
        // Before anything runs: what changes meanwhile is not to be missed.
        watch.watcher.set_pause(project(&self.db).watch.debounce);
        self.watch_places(&mut watch);
        self.prepare_python(&watch.plan);
        self.hold_config();
        Ok(watch)
    }

    /// Waits until something is to be done.
    fn wait(
        &mut self,
        watch: &mut Watch,
        services: &mut Services,
        wishes: &Receiver<Wish>,
        stopped: &Receiver<i32>,
        listen: &mut dyn WatchListener,
    ) -> Next {
        let stirred = watch.watcher.stirred().clone();
        loop {
            let next = select! {
                recv(stirred) -> stirred => match stirred {
                    Ok(stirred) => self.after(watch, services, stirred, listen),
                    Err(_) => Next::End(1),
                },
                recv(wishes) -> wish => match wish {
                    Ok(wish) => self.wanted(watch, wish),
                    // Nobody is left to wish for anything: files go on to be watched.
                    Err(_) => return self.wait(watch, services, &never(), stopped, listen),
                },
                recv(services.heard()) -> event => match event {
                    Ok(event) => self.served(watch, services, event, listen),
                    Err(_) => Next::End(1),
                },
                recv(stopped) -> signal => Next::End(128 + signal.unwrap_or(2)),
            };
            match next {
                Next::Wave { wanted, .. } if wanted.is_empty() => {}
                next => return next,
            }
        }
    }

    /// What is to be done where something stirred.
    fn after(
        &mut self,
        watch: &mut Watch,
        services: &mut Services,
        stirred: Stirred,
        listen: &mut dyn WatchListener,
    ) -> Next {
        watch.begun.clear();
        let changed = self.absorb(watch, stirred, listen);
        services.keep(|name| watch.serves(name));
        let mut wanted = self.affected(watch);
        let (calm, wild) = watch.calm(wanted.iter().cloned().collect(), self.db.system().elapsed());
        wanted.retain(|name| calm.contains(name));
        for name in wild {
            listen.tell(self, WatchEvent::Note(watch.refuse(&self.db, &name)));
        }
        Next::Wave { changed, wanted, force: false }
    }

    /// What a persistent command has to say while nothing else runs.
    fn served(
        &self,
        watch: &mut Watch,
        services: &mut Services,
        event: ServiceEvent,
        listen: &mut dyn WatchListener,
    ) -> Next {
        match services.take(event) {
            Some(Told::Output(name, chunk)) => {
                listen.run(RunEvent::Served { name, chunk });
                Next::run(BTreeSet::new(), false)
            }
            Some(Told::Ended(name, end)) if !end.stopped => {
                let last = watch.last.get(&name).copied();
                let fingerprint = last.map_or_else(
                    || watch.present(&self.db, &name),
                    |last| last.fingerprint,
                );
                let failed = end.code != 0;
                watch.last.insert(name.clone(), Last { fingerprint, failed });
                listen.run(RunEvent::Died { name, code: end.code });
                Next::Wait
            }
            Some(Told::Ready(..)) => Next::run(self.affected(watch), false),
            _ => Next::run(BTreeSet::new(), false),
        }
    }

    fn wanted(&mut self, watch: &mut Watch, wish: Wish) -> Next {
        watch.begun.clear();
        match wish {
            Wish::All => {
                watch.last.clear();
                Next::run(self.affected(watch), false)
            }
            Wish::Failed => Next::run(watch.failed().into_iter().collect(), true),
            Wish::Again => Next::run(watch.recent.clone(), true),
            Wish::Nothing => Next::Wait,
            Wish::Quit => Next::End(0),
        }
    }

    /// Runs what is affected; what that affects in turn is next.
    fn wave(
        &mut self,
        watch: &mut Watch,
        services: &mut Services,
        changed: Vec<RelPath>,
        wanted: BTreeSet<Name>,
        force: bool,
        listen: &mut dyn WatchListener,
    ) -> Next {
        listen.tell(self, WatchEvent::Wave { changed, count: wanted.len() });
        let plan = watch.plan.clone();
        let mut company = Company::new(self, watch);
        let live = Live { beside: &mut company, wanted: &wanted };
        let report =
            self.run_plan(&plan, force, Some(live), services, &mut |event| listen.run(event));
        let later = company.later();
        let stopped = report.stopped_by;
        let ran = report.runnables.iter().map(|one| one.name.clone());
        watch.recent = wanted.into_iter().chain(ran).collect();
        listen.tell(self, WatchEvent::Ended(report));
        if let Some(signal) = stopped {
            return Next::End(128 + signal);
        }
        // Folders and environments may have come to be.
        self.watch_places(watch);
        if let Some(stirred) = later {
            return self.after(watch, services, stirred, listen);
        }
        let mut wanted = self.affected(watch);
        wanted.retain(|name| self.settles(watch, name, listen));
        if wanted.is_empty() { Next::Wait } else { Next::run(wanted, false) }
    }

    /// Whether a runnable may begin again without anything but runs having changed files.
    fn settles(&self, watch: &mut Watch, name: &Name, listen: &mut dyn WatchListener) -> bool {
        let begun = watch.begun.entry(name.clone()).or_default();
        *begun += 1;
        if *begun < SETTLES_WITHIN {
            return true;
        }
        listen.tell(self, WatchEvent::Note(watch.refuse(&self.db, name)));
        false
    }

    fn affected(&self, watch: &Watch) -> BTreeSet<Name> {
        let affected = watch.affected(&self.db, &|_| false).into_iter();
        affected.map(|at| watch.plan.runnables[at].name().clone()).collect()
    }

    fn head(&self) -> Option<CommitId> {
        self.db.system().git()?.resolve("HEAD").ok()
    }
}

impl Watch {
    /// How a runnable ended.
    fn note(&mut self, one: &RunnableReport) {
        match one.outcome {
            Outcome::Stopped | Outcome::Skipped => drop(self.last.remove(&one.name)),
            Outcome::Group => {}
            _ => {
                let last = Last { fingerprint: one.began_for, failed: one.failed() };
                self.last.insert(one.name.clone(), last);
            }
        }
    }

    /// Positions of what has another fingerprint than when it last ended and is not `busy`, unless something
    /// failed that it waits for.
    fn affected(&self, db: &Database, busy: &dyn Fn(usize) -> bool) -> Vec<usize> {
        let mut affected = Vec::new();
        let mut is_affected = vec![false; self.plan.runnables.len()];
        let mut blocked = is_affected.clone();
        for (at, planned) in self.plan.runnables.iter().enumerate() {
            if planned.is_group() {
                continue;
            }
            let waits = planned.after.iter().chain(&planned.servers).any(|&upstream| {
                let last = self.last.get(self.plan.runnables[upstream].name());
                let failed = last.is_some_and(|last| last.failed);
                blocked[upstream] || failed && !is_affected[upstream] && !busy(upstream)
            });
            blocked[at] = waits;
            if waits || busy(at) {
                continue;
            }
            let last = self.last.get(planned.name());
            let now = fingerprint_of(db, planned).ok();
            if last.is_none_or(|last| last.fingerprint != now) {
                is_affected[at] = true;
                affected.push(at);
            }
        }
        affected
    }

    /// A runnable does not run for the present state, since it would go on for ever.
    fn refuse(&mut self, db: &Database, name: &Name) -> Diagnostic {
        let failed = self.last.get(name).is_some_and(|last| last.failed);
        let fingerprint = self.present(db, name);
        self.last.insert(name.clone(), Last { fingerprint, failed });
        let message = format!("`{name}` changes what it depends on each time that it runs");
        Diagnostic::warning("watch/does-not-settle", message)
            .help("it waits until another file changes; leave what it writes out of its deps")
    }

    fn present(&self, db: &Database, name: &Name) -> Option<Fingerprint> {
        let planned = self.plan.runnables.iter().find(|planned| planned.name() == name)?;
        fingerprint_of(db, planned).ok()
    }

    /// Whether a persistent command of that name is watched.
    fn serves(&self, name: &Name) -> bool {
        let mut all = self.plan.runnables.iter();
        all.any(|planned| planned.name() == name && planned.is_persistent())
    }

    /// Those that may begin, and persistent commands that begin anew again and again: such a one may write
    /// what it depends on whenever it does.
    fn calm(&mut self, names: Vec<Name>, now: Duration) -> (Vec<Name>, Vec<Name>) {
        names.into_iter().partition(|name| {
            if !self.last.contains_key(name) || !self.serves(name) {
                return true;
            }
            let (last, soon) = self.launched.entry(name.clone()).or_insert((now, 0));
            *soon = if now.saturating_sub(*last) < SOON { *soon + 1 } else { 0 };
            *last = now;
            *soon <= LAUNCHES
        })
    }

    fn failed(&self) -> Vec<Name> {
        let planned = self.plan.runnables.iter().map(qik_run::Planned::name);
        let failed = |name: &&Name| self.last.get(*name).is_some_and(|last| last.failed);
        planned.filter(failed).cloned().collect()
    }

    fn idle(&self) -> WatchEvent {
        let runnables = self.plan.runnables.iter().filter(|planned| !planned.is_group());
        WatchEvent::Idle { watched: runnables.count(), failed: self.failed() }
    }
}
