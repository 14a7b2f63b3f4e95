//! The part of a run that ends it: what is on its way arrives, what was learnt is written down.

use qik_model::{Diagnostic, Severity};

use super::Schedule;
use crate::event::{RunEvent, RunReport};

impl Schedule<'_> {
    /// Ends the run: what is left was not reached because the user stopped it.
    pub(super) fn finish(mut self) -> RunReport {
        let _phase = qik_system::phase("finish");
        self.report.stopped_by = self.stage.stop.requested();
        self.stage.caches.stage();
        self.share();
        let notes = self.stage.caches.warnings();
        self.report.broken = notes.iter().any(|note| note.severity == Severity::Error);
        // What it would tell are hints; no run is worse for their lack.
        let _ = self.flakes.save(&*self.system);
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
}
