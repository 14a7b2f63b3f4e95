//! The part of a run that looks at what ended: did its inputs hold still, is its result kept, or must
//! it run once more?

use std::collections::BTreeSet;
use std::time::Duration;

use qik_cache::CacheKind;
use qik_fingerprint::single_files;
use qik_fingerprint::{explanation, nodes};
use qik_graph::{definition_of, runnable};
use qik_model::{
    BlobId, Diagnostic, Digest, FileKind, Fingerprint, GlobSet, Name, OnInputChange, Place, RelPath,
};

use super::Schedule;
use crate::decide::fingerprint_of;
use crate::event::{Outcome, RunEvent};
use crate::execute::{Executed, Job};
use crate::folders::{empty_folders, takes_all_of};
use crate::plan::Planned;
use crate::sweep;
use crate::transfer::StoreRequest;

/// So many times as long as a look took is the pause after it.
const PAUSE: u32 = 4;

/// What ended, and the look that it waits for.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    ended: Vec<(usize, Executed)>,
    /// When the next look may be where there is no haste, in the system's time.
    not_before: Duration,
}

impl Unsettled {
    pub(super) fn add(&mut self, at: usize, executed: Executed) {
        self.ended.push((at, executed));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ended.is_empty()
    }

    /// When the next look is due, if something waits for it.
    pub(super) fn due(&self) -> Option<Duration> {
        (!self.is_empty()).then_some(self.not_before)
    }
}

impl Schedule<'_> {
    /// Whether it is time to look at what ended. Inputs may be the whole tree, and commands quick: looks
    /// that take a fifth of the time serve all that ended meanwhile. Nothing waits for them: where a worker
    /// has nothing to do it is time.
    pub(super) fn may_settle(&self) -> bool {
        let has_room = self.ready.is_empty() && self.busy < self.options.workers;
        // One worker's log streams, so what comes next is told after what ended.
        let is_time = has_room || self.options.workers == 1;
        !self.unsettled.is_empty()
            && (is_time || self.system.elapsed() >= self.unsettled.not_before)
    }

    /// Looks at what ended, and in the same sweep at what begins next.
    pub(super) fn settle(&mut self) {
        let began = self.system.elapsed();
        let ended = std::mem::take(&mut self.unsettled.ended);
        let mut scope = Vec::new();
        for (at, _) in &ended {
            let planned = &self.plan.runnables[*at];
            if planned.is_cached() || self.beside.is_some() {
                sweep::scope(self.stage.db, planned, &mut scope);
            } else {
                scope.extend(planned.definition.artifact_globs.bases());
            }
        }
        let mut next: BTreeSet<usize> = self.ready.clone();
        next.extend(ended.iter().flat_map(|(at, _)| &self.downstream[*at]));
        for at in &next {
            sweep::scope(self.stage.db, &self.plan.runnables[*at], &mut scope);
        }
        if !scope.is_empty() {
            sweep::refresh(self.stage.db, self.stage.tree, scope);
        }
        next.extend(ended.iter().map(|(at, _)| *at));
        self.looked_at = Some(next);
        let now = self.system.elapsed();
        self.unsettled.not_before = now + PAUSE * (now - began);
        for (at, executed) in ended {
            self.settle_one(at, executed);
        }
    }

    fn settle_one(&mut self, at: usize, mut executed: Executed) {
        let _phase = qik_system::phase("settle");
        let planned = &self.plan.runnables[at];
        let name = planned.name().clone();
        self.states[at].attempts = executed.attempts;
        (self.states[at].stop, self.states[at].executes) = (None, false);
        let restarts = self.states[at].restart.take().filter(|_| self.goes_on());
        if executed.stopped {
            if let Some(what) = restarts {
                // It takes its turn anew.
                drop(executed);
                return self.restart(at, &what);
            }
            let log = executed.log.into();
            return self.end(at, Outcome::Stopped, executed.code, log, executed.time, Vec::new());
        }
        if planned.makes_venv() {
            return self.made_venv(at, executed);
        }
        let kept = planned.is_cached() && planned.cache_when.keeps(executed.code);
        let mut diagnostics = Vec::new();
        let held = planned.is_cached().then(|| self.held_still(at));
        let state = held.as_ref().and_then(|held| match held {
            Ok(fingerprint) => Some(*fingerprint),
            Err(moved) => moved.now.filter(|_| moved.fleeting),
        });
        if let Some(held) = held.filter(|_| kept) {
            match held {
                Ok(fingerprint) => {
                    diagnostics.extend(self.keep(at, fingerprint, &mut executed));
                }
                // It does so each time: it is the command itself, not somebody beside it.
                Err(Moved { now: Some(now), fleeting: true, .. }) if self.states[at].again => {
                    self.out.set_fleeting(&name);
                    diagnostics.extend(self.keep(at, now, &mut executed));
                }
                Err(Moved { what, now, lost, .. }) => {
                    match planned.definition.settings.on_input_change {
                        // Where the run ends with a failure nothing more is begun.
                        OnInputChange::Rerun
                            if !lost && !self.states[at].again && self.ended_by.is_none() =>
                        {
                            // It takes its turn anew.
                            drop(executed);
                            return self.rerun(at, &what);
                        }
                        OnInputChange::Accept if now.is_some() => {
                            let note =
                                format!("`{name}`: {what} while it ran; kept for the new state");
                            diagnostics.push(Diagnostic::warning("run/inputs-changed", note));
                            diagnostics
                                .extend(now.and_then(|now| self.keep(at, now, &mut executed)));
                        }
                        _ => {
                            (self.states[at].fingerprint, self.states[at].unsure) = (None, true);
                            diagnostics.push(not_kept(&name, &what));
                        }
                    }
                }
            }
        }
        self.look_for_luck(at, state, &executed);
        self.write_log(&name, &executed.log);
        let fingerprint = self.states[at].fingerprint.filter(|_| kept);
        self.out.note(&name, executed.code, false, fingerprint, millis(executed.time));
        if self.states[at].was_stale && fingerprint.is_none() {
            // What it read is of no one state, even if its inputs are by now what they were at first.
            (self.states[at].fingerprint, self.states[at].began_for) = (None, None);
        }
        self.end(at, Outcome::Ran, executed.code, executed.log.into(), executed.time, diagnostics);
    }

    /// Remembers a failure, and notices where the same passes with nothing changed.
    fn look_for_luck(&mut self, at: usize, state: Option<Fingerprint>, executed: &Executed) {
        let name = self.plan.runnables[at].name();
        let tried_again = executed.attempts > 1;
        if let Some(state) = state.filter(|_| executed.failed() || tried_again) {
            self.flakes.failed(state, name);
        }
        if !executed.failed() {
            let failed_before = state.is_some_and(|state| self.flakes.passed(&state));
            self.states[at].flaky = failed_before || tried_again;
        }
    }

    /// The fingerprint that a result belongs to, if its inputs held still while it was made.
    fn held_still(&self, at: usize) -> Result<Fingerprint, Moved> {
        let planned = &self.plan.runnables[at];
        let state = &self.states[at];
        if let Some(what) = self.edited(at) {
            return Err(Moved { what, now: None, fleeting: false, lost: true });
        }
        let now = fingerprint_of(self.stage.db, planned).ok();
        let touched =
            sweep::touched_inputs(self.stage.db, self.stage.tree, planned, state.revision);
        let what = match (now, &touched[..]) {
            (_, [first, ..]) => format!("{first} changed"),
            (Some(now), []) if state.fingerprint == Some(now) => {
                return match sweep::came_and_went(&*self.system, &state.stamps) {
                    None => Ok(now),
                    Some(folder) => {
                        let what = format!("something came and went in {folder}");
                        Err(Moved { what, now: Some(now), fleeting: true, lost: false })
                    }
                };
            }
            _ => "its inputs changed".into(),
        };
        Err(Moved { what, now, fleeting: false, lost: false })
    }

    /// What of the configuration was edited since the run began, if this goes by it: then the plan is not what
    /// the fingerprint would be about, and neither would another execution be.
    fn edited(&self, at: usize) -> Option<String> {
        let planned = &self.plan.runnables[at];
        let db = &*self.stage.db;
        let now = definition_of(db, planned.name()).ok();
        if now.is_none_or(|now| *now != planned.definition) {
            return Some("its configuration changed".into());
        }
        let files = single_files(&planned.definition);
        let since = self.states[at].revision;
        let touched = self.stage.tree.touched_since(since, &|path| files.contains(path));
        let held = touched.into_iter().find(|path| db.is_held(path));
        held.map(|path| format!("{path} changed"))
    }

    /// Inputs changed under it: once more, for the state that they are in now.
    fn rerun(&mut self, at: usize, what: &str) {
        let name = self.plan.runnables[at].name().clone();
        let why = format!("{what} while it ran; once more");
        (self.listen)(RunEvent::Again { name, why });
        self.states[at].again = true;
        self.start(at);
    }

    /// Sends a result to its cache; says why where it can't be kept.
    fn keep(
        &mut self,
        at: usize,
        fingerprint: Fingerprint,
        executed: &mut Executed,
    ) -> Option<Diagnostic> {
        let planned = &self.plan.runnables[at];
        let db = &*self.stage.db;
        let artifacts = self.present_artifacts(at);
        let facts =
            |(path, ..): &(RelPath, _, _)| Some((path.clone(), self.stage.tree.facts(path)?));
        let facts = artifacts.iter().filter_map(facts).collect();
        let folders = empty_folders(&*self.system, &planned.definition.artifact_globs);
        if executed.code == 0
            && let Some(missing) = missing_artifact(planned, &artifacts, &folders)
        {
            self.states[at].fingerprint = None;
            return Some(missing);
        }
        if planned.definition.is_venv_step()
            && self.stage.caches.kind(&planned.cache) == Some(CacheKind::Repo)
        {
            // A committed entry is of no use without the lock that it speaks of.
            let locks = artifacts.iter().map(|(path, ..)| path);
            let ours = locks.filter(|path| path.is_within(&RelPath::from(".qik")));
            ours.for_each(|path| self.stage.caches.stage_with(path.clone()));
        }
        let unmatched =
            (executed.code == 0).then(|| unmatched_glob(planned, &artifacts, &folders)).flatten();
        let explanation = explanation(db, runnable(db, planned.name())?).ok()?;
        let caches = &self.stage.caches;
        let known = |digest: &Digest| self.kept_nodes.contains(digest) || caches.has_node(digest);
        let nodes = nodes(db, &planned.definition, &known).ok()?;
        self.kept_nodes.extend(nodes.iter().map(|(digest, _)| *digest));
        self.states[at].fingerprint = Some(fingerprint);
        let request = StoreRequest {
            cache: planned.cache.clone(),
            runnable: planned.name().clone(),
            platform: planned.definition.settings.platform,
            fingerprint,
            code: executed.code,
            log: executed.log.clone(),
            artifacts,
            facts,
            folders,
            millis: millis(executed.time),
            explanation,
            command: planned.definition.exec.told.clone(),
            replace: self.options.force,
            nodes,
            turn: executed.turn.take(),
        };
        self.give(Job::Store(Box::new(request)));
        self.storing += 1;
        unmatched
    }
}

/// What moved under a runnable while it ran, and the fingerprint of the state after.
struct Moved {
    what: String,
    now: Option<Fingerprint>,
    /// Whether nothing of it is left to see.
    fleeting: bool,
    /// Whether the plan itself is of yesterday.
    lost: bool,
}

fn not_kept(name: &Name, what: &str) -> Diagnostic {
    Diagnostic::warning("run/inputs-changed", format!("`{name}`: {what} while it ran; not kept"))
        .help("run it again when its inputs hold still; a command that writes its own inputs each time can set on-input-change = \"accept\"")
}

/// A declared artifact, named by a plain path, that the command did not make.
fn missing_artifact(
    planned: &Planned,
    made: &[(RelPath, FileKind, BlobId)],
    folders: &[RelPath],
) -> Option<Diagnostic> {
    let definition = &planned.definition;
    let plain = definition
        .artifacts
        .iter()
        .filter(|pattern| !pattern.text.contains(['*', '?', '[', '{', '!', '\\']));
    let missing = plain
        .filter_map(|pattern| Some((pattern, RelPath::new(pattern.text.as_bytes())?)))
        .find(|(_, path)| {
            let mut made = made.iter().map(|(file, ..)| file).chain(folders);
            !made.any(|one| one.is_within(path))
        })?;
    let message = format!(
        "`{}` did not make its artifact `{}`; its result is not kept",
        definition.name, missing.0.told
    );
    let help = "make the command write it, or take it out of `artifacts`";
    let place = Place::Value(definition.settings.origin.key("artifacts"));
    Some(Diagnostic::warning("run/missing-artifact", message).at(place, "declared here").help(help))
}

/// That a pattern of artifacts matches nothing: the result is kept, but it may be a slip.
fn unmatched_glob(
    planned: &Planned,
    made: &[(RelPath, FileKind, BlobId)],
    folders: &[RelPath],
) -> Option<Diagnostic> {
    let definition = &planned.definition;
    let patterns = definition.artifacts.iter().filter(|one| !one.text.starts_with('!'));
    let unmatched = patterns.filter(|pattern| {
        let glob = GlobSet::new([&*pattern.text]);
        glob.is_ok_and(|glob| {
            let has_files = made.iter().any(|(file, ..)| glob.matches(file));
            !has_files && !folders.iter().any(|folder| takes_all_of(&glob, folder))
        })
    });
    let first = unmatched.into_iter().next()?;
    let message = format!("`{}` made nothing that `{}` matches", definition.name, first.told);
    let place = Place::Value(definition.settings.origin.key("artifacts"));
    Some(
        Diagnostic::warning("run/no-artifact", message)
            .at(place, "declared here")
            .help("its result is kept without; is the pattern right?"),
    )
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
