//! Why a runnable is warm or cold, whole.

use std::collections::BTreeSet;

use qik_fingerprint::{explanation, input_sets};
use qik_graph::{definition_of, runnable, select};
use qik_model::{Explanation, Fingerprint, Name};
use qik_run::{CacheStatus, ColdReason, Planned, Telling};

use crate::history::{Compared, History};
use crate::{Prepared, Selection, Session};

/// Everything that there is to say about the status of one runnable.
#[derive(Clone, Debug)]
pub struct Why {
    /// Full name.
    pub name: Name,
    /// The shell line as it may be told; empty where it only stands for others.
    pub exec: std::sync::Arc<str>,
    /// The cache that it goes to.
    pub cache: Name,
    /// Its fingerprint now; `None` where it has none.
    pub fingerprint: Option<Fingerprint>,
    /// Why it is cold; `None` where it is warm.
    pub reason: Option<ColdReason>,
    /// The commit that the reason was told by, where the entry's own explanation was not at hand.
    pub compared: Option<Compared>,
    /// What entered the fingerprint.
    pub explanation: Explanation,
    /// The sets of files among that, with how many files each holds.
    pub sets: Vec<(&'static str, String, usize)>,
    /// Exit code and milliseconds of the entry, where it is warm.
    pub entry: Option<(i32, u64)>,
}

impl Why {
    pub(crate) fn empty(planned: &Planned) -> Self {
        Self {
            name: planned.name().clone(),
            exec: planned.definition.exec.told.clone(),
            cache: planned.cache.clone(),
            fingerprint: None,
            reason: None,
            compared: None,
            explanation: Explanation::default(),
            sets: Vec::new(),
            entry: None,
        }
    }
}

impl Session {
    /// Everything that there is to say about the status of the runnables in the plan; where some
    /// were named, of those and not of what only came along.
    pub fn why(&mut self, prepared: &Prepared) -> Vec<Why> {
        let statuses = self.statuses(&prepared.plan, Telling::All);
        let selection = self.request().unwrap_or_default().selection;
        let alone = Selection { isolated: true, ..selection };
        let selected = select(&self.db, &alone).unwrap_or_default();
        let is_meant = |name: &Name| {
            if alone.names.is_empty() {
                return true;
            }
            let definition = definition_of(&self.db, name);
            definition.is_ok_and(|one| !one.is_venv_step() || selected.named.contains(&one.command))
        };
        let meant: BTreeSet<&Name> = selected.order.iter().filter(|name| is_meant(name)).collect();
        let planned = prepared.plan.runnables.iter().zip(statuses);
        let told = planned.filter(|(planned, _)| meant.contains(planned.name()));
        let mut history = History::default();
        told.map(|(planned, status)| self.why_one(planned, status, &mut history)).collect()
    }

    fn why_one(&self, planned: &Planned, status: CacheStatus, history: &mut History) -> Why {
        let db = &self.db;
        let mut why = Why::empty(planned);
        why.fingerprint = qik_run::fingerprint_of(db, planned).ok();
        why.explanation = runnable(db, planned.name())
            .and_then(|runnable| explanation(db, runnable).ok())
            .unwrap_or_default();
        why.sets = input_sets(db, &planned.definition)
            .unwrap_or_default()
            .iter()
            .map(|set| (set.kind, set.name.to_string(), set.node.count))
            .collect();
        match status {
            CacheStatus::Warm(entry) => why.entry = Some((entry.code, entry.millis)),
            CacheStatus::Cold(reason) => {
                let (reason, compared) = history.explain(self, planned, reason);
                (why.reason, why.compared) = (Some(reason), compared);
            }
            CacheStatus::Uncached => why.reason = Some(ColdReason::Uncached),
        }
        why
    }
}
