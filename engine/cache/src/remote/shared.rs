//! Which results a remote is known to hold, so that what could not be shared is shared later, and
//! what is there is not offered again by every run. What is lost of it costs a question.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use qik_model::{Fingerprint, RelPath};
use qik_system::System;
use rustc_hash::FxHashSet;

const FOLDER: &str = "._qik/cache/v1/shared";

/// The fingerprints that one remote is known to hold.
#[derive(Debug)]
pub(super) struct Shared {
    file: RelPath,
    known: OnceLock<Mutex<FxHashSet<Fingerprint>>>,
}

impl Shared {
    pub(super) fn new(identity: &str) -> Self {
        Self { file: RelPath::from(FOLDER).join(identity), known: OnceLock::new() }
    }

    pub(super) fn holds(&self, system: &dyn System, fingerprint: &Fingerprint) -> bool {
        self.known(system).contains(fingerprint)
    }

    pub(super) fn add(&self, system: &dyn System, fingerprint: Fingerprint) {
        if self.known(system).insert(fingerprint) {
            let _ = system.append(&self.file, fingerprint.as_bytes());
        }
    }

    /// It turned out that the remote does not hold it, or holds it damaged.
    pub(super) fn forget(&self, system: &dyn System, fingerprint: &Fingerprint) {
        let mut known = self.known(system);
        if known.remove(fingerprint) {
            let bytes: Vec<u8> = known.iter().flat_map(|known| known.0).collect();
            let _ = system.write_atomic(&self.file, &bytes, qik_model::FileKind::File);
        }
    }

    fn known(&self, system: &dyn System) -> MutexGuard<'_, FxHashSet<Fingerprint>> {
        let known = self.known.get_or_init(|| {
            let bytes = system.read(&self.file).unwrap_or_default();
            let (records, _) = bytes.as_chunks();
            Mutex::new(records.iter().map(|record| Fingerprint(*record)).collect())
        });
        known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
