//! What goes on beside a run: files that change become changes of the database at once. Changes that may make
//! another plan, of the configuration above all, wait for the end of the run and hasten it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crossbeam_channel::Receiver;
use qik_db::{Database, Db};
use qik_model::{Diagnostic, RelPath};
use qik_run::{Beside, RunnableReport};
use qik_system::{Stirred, WorkTree};

use super::Watch;
use super::absorb::{Scope, look, texts};
use crate::Session;

/// See the module.
#[derive(Debug)]
pub(super) struct Company<'a> {
    watch: &'a mut Watch,
    /// Whether the selection depends on which files changed.
    follows: bool,
    closes: bool,
    /// Where something stirred meanwhile; `None` for anywhere.
    stirred: Option<BTreeSet<PathBuf>>,
    /// What is to be told after the run.
    pub notes: Vec<Diagnostic>,
}

impl<'a> Company<'a> {
    pub(super) fn new(session: &Session, watch: &'a mut Watch) -> Self {
        let follows = session.text("since").ok().flatten().is_some();
        Self { watch, follows, closes: false, stirred: Some(BTreeSet::new()), notes: Vec::new() }
    }

    /// Where to look once more now that the run is over.
    pub(super) fn later(&mut self) -> Option<Stirred> {
        let stirred = self.stirred.take().map_or(Stirred::Anywhere, Stirred::Paths);
        self.closes.then_some(stirred)
    }

    /// Whether a configuration file, which counts as it was, is not so any more.
    fn is_edited(&self, db: &Database, scope: &Scope) -> bool {
        let stirred = |path: &RelPath| scope.paths.iter().any(|one| one.is_root() || one == path);
        let texts = texts(db).into_iter().filter(|(path, _)| stirred(path));
        texts.into_iter().any(|(path, held)| {
            let now = db.system().read(&path).ok();
            now.as_deref() != held.as_deref()
        })
    }
}

impl Beside for Company<'_> {
    fn stirred(&self) -> Receiver<Stirred> {
        self.watch.watcher.stirred().clone()
    }

    fn absorb(
        &mut self,
        db: &mut Database,
        tree: &mut WorkTree,
        stirred: Stirred,
        own: &dyn Fn(&RelPath) -> bool,
    ) -> Vec<RelPath> {
        match (&stirred, &mut self.stirred) {
            (Stirred::Paths(new), Some(all)) => all.extend(new.iter().cloned()),
            _ => self.stirred = None,
        }
        let mut scope = Scope::of(db, stirred);
        self.closes |= self.is_edited(db, &scope);
        scope.paths.retain(|path| !own(path));
        let changed = look(db, tree, &mut self.watch.watcher, &scope, Vec::new());
        self.closes |= self.follows && !changed.is_empty();
        changed
    }

    fn closes(&self) -> bool {
        self.closes
    }

    fn ended(&mut self, report: &RunnableReport) {
        self.watch.note(report);
    }

    fn affected(&mut self, db: &Database, busy: &dyn Fn(usize) -> bool) -> Vec<usize> {
        let found = self.watch.affected(db, busy);
        let names = found.iter().map(|at| self.watch.plan.runnables[*at].name().clone());
        let (calm, wild) = self.watch.calm(names.collect(), db.system().elapsed());
        for name in wild {
            self.notes.extend(self.watch.refuse(db, &name));
        }
        let is_calm = |at: &usize| calm.contains(self.watch.plan.runnables[*at].name());
        found.into_iter().filter(is_calm).collect()
    }

    fn refused(&mut self, db: &Database, at: usize) -> Option<Diagnostic> {
        let name = self.watch.plan.runnables[at].name().clone();
        self.watch.refuse(db, &name)
    }
}
