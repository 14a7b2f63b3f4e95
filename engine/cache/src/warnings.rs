//! What the caches have to say, until somebody asks. Does not print.

use std::sync::{Mutex, PoisonError};

use qik_model::Diagnostic;

/// An entry or a stored object was not what it should be.
pub(crate) const DAMAGED: &str = "cache01";
/// Something could not be read or written.
pub(crate) const UNREACHABLE: &str = "cache02";
/// An entry names a path that is not written to.
pub(crate) const REFUSED: &str = "cache03";
/// New entries could not be staged.
pub(crate) const NOT_STAGED: &str = "cache04";
/// The merge driver could not be set up.
pub(crate) const NO_DRIVER: &str = "cache05";
/// Files were put aside.
pub(crate) const TRASHED: &str = "cache06";
/// A restore that was cut short could not be finished.
pub(crate) const UNFINISHED: &str = "cache07";

/// A place where findings are gathered, each of them once.
#[derive(Debug, Default)]
pub struct Warnings(Mutex<Vec<Diagnostic>>);

impl Warnings {
    /// Takes what was gathered since the last call.
    pub fn drain(&self) -> Vec<Diagnostic> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn add(&self, warning: Diagnostic) {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !gathered.contains(&warning) {
            gathered.push(warning);
        }
    }
}
