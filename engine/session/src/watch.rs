//! `--watch`: the session stays. What is selected runs once; then a saved file becomes a change of the one
//! database, and whatever has another fingerprint than when it last ended runs again.
//!
//! Waves: the runnables that are affected run together, in their order. What they write may affect others,
//! which are the next wave. A wave that has nothing in it is the end, until something stirs.

mod absorb;
mod places;

use std::collections::BTreeSet;

use crossbeam_channel::{Receiver, never, select};
use qik_db::Db;
use qik_model::{Diagnostic, Fingerprint, Name, RelPath};
use qik_run::{Outcome, Plan, RunEvent, RunReport, fingerprint_of};
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

/// The state of a session that watches.
struct Watch {
    watcher: Watcher,
    plan: Plan,
    /// How each runnable ended.
    last: FxHashMap<Name, Last>,
    /// What ran in the last wave.
    recent: BTreeSet<Name>,
    /// How often each began since something stirred.
    begun: FxHashMap<Name, u32>,
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
        if watch.watcher.polls() {
            listen.tell(self, WatchEvent::Polls);
        }
        let stopped = self.stop.heard();
        let mut next = Next::run(self.affected(&watch), false);
        loop {
            next = match next {
                Next::End(code) => return Ok(code),
                Next::Wave { changed, wanted, force } if !wanted.is_empty() => {
                    self.wave(&mut watch, changed, wanted, force, listen)
                }
                _ => {
                    listen.tell(self, watch.idle());
                    self.wait(&mut watch, wishes, &stopped, listen)
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
            is_wrong: false,
            told: Vec::new(),
            head: self.head(),
        };
        // Before anything runs: what changes meanwhile is not to be missed.
        self.watch_places(&mut watch);
        self.prepare_python(&watch.plan);
        self.hold_config();
        Ok(watch)
    }

    /// Waits until something is to be done.
    fn wait(
        &mut self,
        watch: &mut Watch,
        wishes: &Receiver<Wish>,
        stopped: &Receiver<i32>,
        listen: &mut dyn WatchListener,
    ) -> Next {
        let stirred = watch.watcher.stirred().clone();
        loop {
            let next = select! {
                recv(stirred) -> stirred => match stirred {
                    Ok(stirred) => self.after(watch, stirred, listen),
                    Err(_) => Next::End(1),
                },
                recv(wishes) -> wish => match wish {
                    Ok(wish) => self.wanted(watch, wish),
                    // Nobody is left to wish for anything: files go on to be watched.
                    Err(_) => return self.wait(watch, &never(), stopped, listen),
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
        stirred: Stirred,
        listen: &mut dyn WatchListener,
    ) -> Next {
        let _phase = qik_system::phase("react");
        watch.begun.clear();
        let changed = self.absorb(watch, stirred, listen);
        Next::Wave { changed, wanted: self.affected(watch), force: false }
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
        changed: Vec<RelPath>,
        wanted: BTreeSet<Name>,
        force: bool,
        listen: &mut dyn WatchListener,
    ) -> Next {
        listen.tell(self, WatchEvent::Wave { changed, count: wanted.len() });
        let plan = watch.plan.clone().filtered(|_, planned| wanted.contains(planned.name()));
        let report = self.run_plan(&plan, force, true, &mut |event| listen.run(event));
        let stopped = report.stopped_by;
        watch.note(&report);
        watch.recent = wanted;
        listen.tell(self, WatchEvent::Ended(report));
        if let Some(signal) = stopped {
            return Next::End(128 + signal);
        }
        // Folders and environments may have come to be.
        self.watch_places(watch);
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
        let message = format!("`{name}` changes what it depends on each time that it runs");
        let note = Diagnostic::warning("watch/does-not-settle", message)
            .help("it waits until another file changes; leave what it writes out of its deps");
        listen.tell(self, WatchEvent::Note(note));
        let planned = watch.plan.runnables.iter().find(|planned| planned.name() == name);
        let fingerprint = planned.and_then(|planned| fingerprint_of(&self.db, planned).ok());
        let failed = watch.last.get(name).is_some_and(|last| last.failed);
        watch.last.insert(name.clone(), Last { fingerprint, failed });
        false
    }

    /// What has another fingerprint than when it last ended, unless something failed that it waits for.
    fn affected(&self, watch: &Watch) -> BTreeSet<Name> {
        let mut affected = BTreeSet::new();
        let mut blocked = vec![false; watch.plan.runnables.len()];
        for (at, planned) in watch.plan.runnables.iter().enumerate() {
            if planned.is_group() {
                continue;
            }
            let last = watch.last.get(planned.name());
            let now = fingerprint_of(&self.db, planned).ok();
            let is_new = last.is_none_or(|last| last.fingerprint != now);
            let waits = planned.after.iter().any(|&upstream| {
                let name = watch.plan.runnables[upstream].name();
                let failed = watch.last.get(name).is_some_and(|last| last.failed);
                blocked[upstream] || failed && !affected.contains(name)
            });
            blocked[at] = waits;
            if is_new && !waits {
                affected.insert(planned.name().clone());
            }
        }
        affected
    }

    fn head(&self) -> Option<CommitId> {
        self.db.system().git()?.resolve("HEAD").ok()
    }
}

impl Watch {
    /// How each runnable of a run ended.
    fn note(&mut self, report: &RunReport) {
        for one in &report.runnables {
            match one.outcome {
                Outcome::Stopped | Outcome::Skipped => drop(self.last.remove(&one.name)),
                Outcome::Group => {}
                _ => {
                    let last = Last { fingerprint: one.began_for, failed: one.failed() };
                    self.last.insert(one.name.clone(), last);
                }
            }
        }
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
