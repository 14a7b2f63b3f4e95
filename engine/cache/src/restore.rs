//! Puts the artifacts of an entry into the work tree: all of them or none, never outside the project,
//! and never over something that cannot be had again. Does not know why an entry was chosen.

mod journal;
mod plan;
mod steps;

use std::sync::Arc;

use qik_model::{ActionResult, Diagnostic, RelPath};
use qik_system::{Facts, Stat, System};

use crate::action::{ArtifactFiles, MissReason};
use crate::content::ContentStore;
use crate::facts::FactStore;
use crate::trash;
use crate::warnings::{self, Warnings};

use journal::Journal;
use plan::Refused;

/// What became of a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restore {
    /// The work tree holds exactly the artifacts of the entry.
    Done(Restored),
    /// It does not, and is as it was before.
    Miss(MissReason),
}

/// What a restore did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Artifacts that were written. Those that were right already are not among them.
    pub written: Vec<RelPath>,
    /// Stale files that were removed. Their bytes are in the cache.
    pub removed: Vec<RelPath>,
    /// What was in the way and was put aside, with its place in `._qik/trash`.
    pub trashed: Vec<(RelPath, RelPath)>,
    /// What is known of files that were written, for whoever would read them to find it out: as long
    /// as one has this stat, it has these facts.
    pub known: Vec<(RelPath, Stat, Facts)>,
}

/// What [`crate::CacheSet::recover`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// How many restores had been cut short.
    pub restores: usize,
    /// Files that were written or removed to finish them.
    pub touched: Vec<RelPath>,
}

/// Restores artifacts from a content store.
#[derive(Debug)]
pub(crate) struct Restorer {
    pub(crate) system: Arc<dyn System>,
    pub(crate) contents: ContentStore,
    pub(crate) facts: Arc<FactStore>,
    pub(crate) warnings: Arc<Warnings>,
}

impl Restorer {
    /// `present`: the files that match the globs of the artifacts now; those that the entry does not
    /// name are taken away.
    pub(crate) fn restore(
        &self,
        result: &ActionResult,
        files: &dyn ArtifactFiles,
        present: &[RelPath],
    ) -> Restore {
        let plan = match self.plan(result, files, present) {
            Ok(plan) => plan,
            Err(refused) => return Restore::Miss(self.refuse(result, refused)),
        };
        if plan.steps.is_empty() && plan.folders.is_empty() {
            return Restore::Done(Restored::default());
        }
        // One step is whole by itself, unless something is moved out of its way.
        let count = plan.steps.len() + plan.folders.len();
        let is_whole = count == 1 && plan.steps.iter().all(|step| !step.keep);
        let journal = (!is_whole).then(|| Journal::begin(&*self.system, &plan));
        let journal = match journal.transpose() {
            Ok(journal) => journal,
            Err(error) => return Restore::Miss(MissReason::Unreachable(error.to_string())),
        };
        let outcome = self.carry_out(&plan);
        if let Some(journal) = journal {
            journal.end(&*self.system);
        }
        match outcome {
            Ok(restored) => {
                self.name_trashed(result, &restored);
                Restore::Done(restored)
            }
            Err(reason) => Restore::Miss(reason),
        }
    }

    /// Finishes what another process began and did not end.
    pub(crate) fn recover(&self) -> Recovered {
        let mut recovered = Recovered::default();
        journal::take_over(&*self.system, |plan| {
            recovered.restores += 1;
            match self.finish(plan) {
                Ok(touched) => recovered.touched.extend(touched),
                Err(reason) => {
                    let text =
                        format!("a restore that was cut short could not be finished: {reason}");
                    let help = "the artifacts come back where they are next needed";
                    let warning = Diagnostic::warning(warnings::UNFINISHED, text).help(help);
                    self.warnings.add(warning);
                }
            }
        });
        recovered
    }

    fn refuse(&self, result: &ActionResult, refused: Refused) -> MissReason {
        match refused {
            Refused::Miss(reason) => reason,
            Refused::Unsafe(path) => {
                let name = &result.runnable;
                let text =
                    format!("the entry of `{name}` would write to `{path}`, which is refused");
                let help = "artifacts stay inside the project and are not reached through links";
                self.warnings.add(Diagnostic::warning(warnings::REFUSED, text).help(help));
                MissReason::UnsafePath(path)
            }
        }
    }

    fn name_trashed(&self, result: &ActionResult, restored: &Restored) {
        for (path, place) in &restored.trashed {
            let name = &result.runnable;
            let text = format!("`{path}` was in the way of the artifacts of `{name}`");
            let help = format!("it is now `{place}`");
            self.warnings.add(Diagnostic::warning(warnings::TRASHED, text).help(help));
        }
    }

    fn new_trash(&self) -> RelPath {
        trash::new_folder(&*self.system)
    }
}
