//! What one process finds out of the fingerprints, and the next one need not where nothing changed.

use std::io;

use qik_db::remembered;
use qik_model::{Fingerprint, Name};
use qik_python::facts_store;
use qik_run::{Plan, Planned};

use crate::{Session, plan};

/// What an earlier process had done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recalled {
    /// It wrote all that goes with its results, and not fingerprints alone.
    is_whole: bool,
}

impl Session {
    /// Takes in what an earlier process found out, once: to be called before fingerprints are asked
    /// for, not before anything else, since it runs the commands of `exec` deps. A session that
    /// watches wants the queries themselves: they tell what the next change is about.
    pub(crate) fn recall(&mut self) {
        if self.recalled.is_none() && !plan::flag(&self.db, "watch").unwrap_or_default() {
            self.recalled = Some(Recalled { is_whole: self.db.recall() });
        }
    }

    /// Whether the fingerprint of a runnable is known of an earlier process.
    pub(crate) fn is_recalled(&self, planned: &Planned) -> bool {
        remembered(&self.db, planned.name()).is_some()
    }

    /// Whether an earlier process wrote all that goes with results, and nothing changed.
    pub(crate) fn has_all_written(&self) -> bool {
        self.recalled.is_some_and(|recalled| recalled.is_whole) && self.db.recalls()
    }

    /// Keeps the fingerprints of a plan for the next process; `is_whole`: as those of a run that has
    /// written all that goes with them.
    ///
    /// # Errors
    /// Where they can't be written.
    pub(crate) fn keep_fingerprints(&mut self, plan: &Plan, is_whole: bool) -> io::Result<()> {
        // What there is to warn of is found on the way to fingerprints, and is to be told each time.
        if !self.told.is_empty() || facts_store(&self.db).has_guessed() {
            return Ok(());
        }
        let told = |planned: &Planned| {
            let fingerprint = qik_run::fingerprint_of(&self.db, planned).ok()?;
            Some((planned.name().clone(), fingerprint))
        };
        let all: Vec<(Name, Fingerprint)> = plan.runnables.iter().filter_map(told).collect();
        let is_known = |(name, _): &(Name, Fingerprint)| remembered(&self.db, name).is_some();
        let is_news = is_whole && !self.has_all_written() || !all.iter().all(is_known);
        if is_news { self.db.keep_fingerprints(all, is_whole) } else { Ok(()) }
    }
}
