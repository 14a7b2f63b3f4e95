//! Why a runnable is warm or cold, whole.

use qik_model::{Explanation, Fingerprint, Name};
use qik_run::{ColdReason, Planned};

use crate::history::Compared;

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
