//! What `--ls --format json` tells, whose schema is `schemas/ls.schema.json`. What is written about
//! fields here is what the schema says of them.

use qik_db::Db;
use qik_model::Fingerprint;
use qik_run::{CacheStatus, OutFolder, Planned, Telling};
use serde::Serialize;

use crate::ci::last_time;
use crate::report::seconds;
use crate::{Prepared, Session};

/// What is selected, sorted by name.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Listing(pub Vec<ListedRunnable>);

/// One runnable that is selected.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ListedRunnable {
    /// Its full name, as the command line takes it.
    pub name: String,
    /// Its command.
    pub command: String,
    /// The module that it runs over.
    pub module: Option<String>,
    /// The space that it runs in.
    pub space: String,
    /// The cache that its result goes to; `none` where it is never kept.
    pub cache: String,
    /// Whether there is a result for the present state.
    pub status: ListedStatus,
    /// The digest of all that its result depends on; none where it is never cached, and where it
    /// can't be told before something else ran.
    pub fingerprint: Option<String>,
    /// Why it is cold.
    pub reason: Option<String>,
    /// How long it took the last time that is known of.
    pub estimated_seconds: Option<f64>,
    /// What the configuration says about it.
    pub description: Option<String>,
}

/// Whether there is a result for the present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ListedStatus {
    /// There is one.
    Warm,
    /// There is none.
    Cold,
    /// None is ever kept.
    None,
}

impl Session {
    /// What is selected, with its status.
    pub fn list(&mut self, prepared: &Prepared) -> Listing {
        let examined: Vec<(CacheStatus, Option<Fingerprint>)> = match &prepared.statuses {
            Some(statuses) => {
                statuses.iter().cloned().zip(prepared.fingerprints.iter().copied()).collect()
            }
            None => self.examine(&prepared.plan, Telling::First),
        };
        let out = OutFolder::open(self.db.system().clone());
        let listed = |(at, planned): (usize, &Planned)| {
            let (status, fingerprint) = examined[at].clone();
            self.listed(&out, planned, status, fingerprint)
        };
        let mut all: Vec<ListedRunnable> = prepared.listed().map(listed).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Listing(all)
    }

    fn listed(
        &self,
        out: &OutFolder,
        planned: &Planned,
        status: CacheStatus,
        fingerprint: Option<Fingerprint>,
    ) -> ListedRunnable {
        let definition = &planned.definition;
        // What is never cached has no entry that would tell, but it ran here.
        let kept = || last_time(self.caches_at_hand()?.as_ref(), planned);
        let last = || kept().or_else(|| out.last_time(planned.name()));
        let (status, reason, estimated_seconds) = match status {
            CacheStatus::Warm(entry) => {
                (ListedStatus::Warm, None, Some(entry.millis as f64 / 1000.0))
            }
            CacheStatus::Cold(reason) => {
                (ListedStatus::Cold, Some(reason.to_string()), last().map(seconds))
            }
            CacheStatus::Uncached => (ListedStatus::None, None, last().map(seconds)),
        };
        ListedRunnable {
            name: definition.name.to_string(),
            command: definition.command.to_string(),
            module: definition.module.as_ref().map(|module| module.name.to_string()),
            space: definition.space.to_string(),
            cache: planned.cache.to_string(),
            status,
            fingerprint: fingerprint.map(|fingerprint| fingerprint.to_string()),
            reason,
            estimated_seconds,
            description: definition.settings.description.clone(),
        }
    }
}
