//! The part of a run that replays: artifacts put in place, logs told again.

use std::time::Duration;

use qik_cache::{MissReason, Restore};
use qik_fingerprint::{Globs, files};
use qik_model::{ActionResult, BlobId, FileKind, RelPath};

use super::Schedule;
use crate::decide::{ColdReason, key};
use crate::event::Outcome;
use crate::execute::Job;
use crate::sweep;
use crate::transfer::RestoreRequest;

impl Schedule<'_> {
    /// Puts the artifacts of an entry in place, if they are not.
    pub(super) fn replay(&mut self, at: usize, entry: Box<ActionResult>) {
        let planned = &self.plan.runnables[at];
        let present = self.present_artifacts(at);
        let (name, cache, tree) = (planned.name(), &planned.cache, &*self.stage.tree);
        let request = RestoreRequest::new(name, cache, &entry, present, tree, &*self.system);
        let at_hand = self.stage.caches.is_at_hand(&planned.cache, &entry);
        self.states[at].entry = Some(entry);
        if at_hand && request.is_done() {
            return self.replayed(at);
        }
        self.give(Job::Restore(at, Box::new(request)));
        self.busy += 1;
    }

    /// What lies in the work tree where the runnable's artifacts go.
    pub(super) fn present_artifacts(&self, at: usize) -> Vec<(RelPath, FileKind, BlobId)> {
        let globs = &self.plan.runnables[at].definition.artifact_globs;
        let mut present = Vec::new();
        if !globs.is_empty() {
            let db = &*self.stage.db;
            files(db, Globs::new(db, globs.clone()))
                .each_file(&mut |path, kind, id| present.push((path, kind, id)));
        }
        present
    }

    /// Its artifacts are in place: only its log is left to tell.
    fn replayed(&mut self, at: usize) {
        let _phase = qik_system::phase("replay");
        let planned = &self.plan.runnables[at];
        let Some(entry) = self.states[at].entry.take() else { return };
        match self.stage.caches.log(&planned.cache, &entry) {
            Some(log) => {
                self.stage.caches.replayed(&planned.cache, &key(planned, entry.fingerprint));
                let name = planned.name().clone();
                if !self.out.holds(&name, &entry.fingerprint, entry.code) {
                    self.write_log(&name, &log);
                }
                self.out.note(&name, entry.code, true, Some(entry.fingerprint), entry.millis);
                self.states[at].flaky = entry.code == 0 && self.flakes.is_flaky(&entry.fingerprint);
                let time = Duration::from_millis(entry.millis);
                self.end(at, Outcome::Cached, entry.code, log.into(), time, Vec::new());
            }
            None => self.execute(at, ColdReason::Rejected(MissReason::LogMissing.to_string())),
        }
    }

    pub(super) fn restored(&mut self, at: usize, restored: Restore) {
        let scope = self.plan.runnables[at].definition.artifact_globs.bases();
        sweep::refresh(self.stage.db, self.stage.tree, scope);
        match restored {
            Restore::Done(_) => self.replayed(at),
            Restore::Miss(reason) => self.execute(at, ColdReason::Rejected(reason.to_string())),
        }
    }
}
