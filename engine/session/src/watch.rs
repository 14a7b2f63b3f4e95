//! `--watch`: the session stays. What is selected runs once; then a saved file becomes a change of the one
//! database, and whatever has another fingerprint than when it last ended runs again.
//!
//! Waves: the runnables that are affected run together, in their order. What files that change meanwhile
//! affect joins the wave. A wave that has nothing in it is the end, until something stirs.

mod absorb;
mod company;
mod places;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use company::Company;
use crossbeam_channel::{Receiver, after, never, select};
use qik_config::project;
use qik_db::Db;
use qik_model::{Diagnostic, Name, RelPath};
use qik_run::{Live, Plan, RunEvent, RunReport, ServiceEvent, Services, Told};
use qik_system::{Git, Stirred, Watcher};
use rustc_hash::FxHashMap;
use standing::{Last, Watch};

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
/// What may not settle is tried again once nothing stirred for so long.
const STILL: Duration = Duration::from_secs(1);
/// What is to be done next.
enum Next {
    /// These run, whatever is cached if `force`.
    Wave {
        changed: Vec<RelPath>,
        wanted: BTreeSet<Name>,
        force: bool,
    },
    /// What did not settle is tried again.
    Trial(BTreeSet<Name>),
    Wait,
    End(i32),
}

/// A run of some runnables.
struct Wave {
    changed: Vec<RelPath>,
    wanted: BTreeSet<Name>,
    force: bool,
    /// Whether these did not settle before.
    is_trial: bool,
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
                    let wave = Wave { changed, wanted, force, is_trial: false };
                    self.wave(&mut watch, &mut services, wave, listen)
                }
                Next::Trial(wanted) if !wanted.is_empty() => {
                    let wave = Wave { changed: Vec::new(), wanted, force: false, is_trial: true };
                    self.wave(&mut watch, &mut services, wave, listen)
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
            held_back: BTreeMap::new(),
            trials: FxHashMap::default(),
            is_trial: false,
            moves: BTreeSet::new(),
            is_wrong: false,
            is_reloaded: false,
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
        let holds_back = |watch: &Watch| !watch.held_back.is_empty();
        let mut still = if holds_back(watch) { after(STILL) } else { never() };
        loop {
            let next = select! {
                recv(still) -> _ => {
                    watch.try_again();
                    still = never();
                    Next::Trial(self.affected(watch))
                }
                recv(stirred) -> stirred => match stirred {
                    Ok(stirred) => {
                        let next = self.after(watch, services, stirred, listen);
                        still = if holds_back(watch) { after(STILL) } else { never() };
                        next
                    }
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
                Next::Wave { wanted, .. } | Next::Trial(wanted) if wanted.is_empty() => {}
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
        let _phase = qik_system::phase("react");
        watch.begun.clear();
        let changed = self.absorb(watch, stirred, listen);
        services.keep(|name| watch.serves(name));
        let mut wanted = self.affected(watch);
        let (calm, wild) = watch.calm(wanted.iter().cloned().collect(), self.db.system().elapsed());
        wanted.retain(|name| calm.contains(name));
        if !changed.is_empty() {
            // Nothing runs: it was somebody else. A persistent command may be it.
            let plan = &watch.plan;
            watch.trials.retain(|name, _| standing::serves(plan, name));
        }
        for name in wild {
            if let Some(note) = watch.refuse(&self.db, &name) {
                listen.tell(self, WatchEvent::Note(note));
            }
        }
        if std::mem::take(&mut watch.is_reloaded) && wanted.is_empty() {
            // How much is watched may be another number now.
            return Next::Wait;
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
                let fingerprint =
                    last.map_or_else(|| watch.present(&self.db, &name), |last| last.fingerprint);
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
        wave: Wave,
        listen: &mut dyn WatchListener,
    ) -> Next {
        let Wave { changed, wanted, force, is_trial } = wave;
        listen.tell(self, WatchEvent::Wave { changed, count: wanted.len() });
        watch.is_trial = is_trial;
        let plan = watch.plan.clone();
        let mut company = Company::new(self, watch);
        let live = Live { beside: &mut company, wanted: &wanted, is_trial };
        let report =
            self.run_plan(&plan, force, Some(live), services, &mut |event| listen.run(event));
        let (later, notes) = (company.later(), std::mem::take(&mut company.notes));
        let stopped = report.stopped_by;
        let ran = report.runnables.iter().map(|one| one.name.clone());
        watch.recent = wanted.into_iter().chain(ran).collect();
        listen.tell(self, WatchEvent::Ended(report));
        notes.into_iter().for_each(|note| listen.tell(self, WatchEvent::Note(note)));
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
        if let Some(note) = watch.refuse(&self.db, name) {
            listen.tell(self, WatchEvent::Note(note));
        }
        false
    }

    fn affected(&self, watch: &Watch) -> BTreeSet<Name> {
        let affected = watch.affected(&self.db, &|_| false).into_iter();
        affected.map(|at| watch.plan.runnables[at].name().clone()).collect()
    }

    fn head(&self) -> Option<Vec<u8>> {
        self.db.system().git().map(Git::head_mark)
    }
}
