//! What a configuration allows and can hardly mean: names that nothing uses, patterns that match
//! nothing, results that would be stale or lost. Each finding has a code and a remedy, and none of
//! them stops a run.

mod files;
mod names;

use qik_config::project;
use qik_model::Diagnostic;

use crate::Session;

impl Session {
    /// Looks at the configuration, and at the files that it speaks of.
    pub fn lint(&mut self) -> Vec<Diagnostic> {
        self.scan();
        let project = project(&self.db).clone();
        let mut found = names::lint(&self.db, &project);
        found.extend(files::lint(self, &project));
        found.sort_by_cached_key(|report| {
            let span = report.labels.first().and_then(|(place, _)| self.locate(place));
            (span, report.code)
        });
        found.dedup();
        found
    }
}
