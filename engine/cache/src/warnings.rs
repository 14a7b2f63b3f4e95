//! What the caches have to say, until somebody asks. Does not print.

use std::sync::{Mutex, PoisonError};

use qik_model::Diagnostic;

/// An entry or a stored object was not what it should be.
pub(crate) const DAMAGED: &str = "cache/damaged";
/// Something could not be read or written.
pub(crate) const UNREACHABLE: &str = "cache/unreachable";
/// An entry names a path that is not written to.
pub(crate) const REFUSED: &str = "cache/refused-path";
/// A remote does not do as it should.
pub(crate) const REMOTE: &str = "cache/remote-trouble";
/// An entry of a remote is not vouched for.
pub(crate) const UNTRUSTED: &str = "cache/untrusted";
/// Results could not be shared.
pub(crate) const UNSHARED: &str = "cache/not-shared";
/// Settings of a cache cannot be used.
pub(crate) const BAD_SETTING: &str = "cache/bad-setting";
/// New entries could not be staged.
pub(crate) const NOT_STAGED: &str = "cache/not-staged";
/// The merge driver could not be set up.
pub(crate) const NO_DRIVER: &str = "cache/no-merge-driver";
/// Files were put aside.
pub(crate) const TRASHED: &str = "cache/put-aside";
/// A restore that was cut short could not be finished.
pub(crate) const UNFINISHED: &str = "cache/unfinished-restore";

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page() {
        let remote = [REMOTE, UNTRUSTED, UNSHARED, BAD_SETTING];
        let local = [DAMAGED, UNREACHABLE, REFUSED, NOT_STAGED, NO_DRIVER, TRASHED, UNFINISHED];
        for code in remote.into_iter().chain(local) {
            assert!(qik_model::codes::find(code).is_some(), "{code}");
        }
    }
}
