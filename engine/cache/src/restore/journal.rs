//! The plan of a restore on disk, so that the next process can finish what this one did not. Does
//! not carry anything out.

use std::io;

use qik_model::{FileKind, RelPath};
use qik_system::{LockGuard, System};

use super::plan::Plan;
use crate::entry::{seal, unseal};
use crate::trash;

const FOLDER: &str = "._qik/restore";
const MARK: &str = "qik-restore-1 ";

/// A plan that is being carried out. Whoever holds it holds its lock, so that nobody else takes it
/// for one left behind.
#[derive(Debug)]
pub(super) struct Journal {
    file: RelPath,
    lock_file: RelPath,
    _lock: LockGuard,
}

impl Journal {
    /// Writes the plan down.
    pub(super) fn begin(system: &dyn System, plan: &Plan) -> io::Result<Self> {
        let journal = Self::locked(system, &trash::unique(system))?;
        let body = serde_json::to_vec(plan).map_err(io::Error::other)?;
        system.write_atomic(&journal.file, &seal(MARK, &body), FileKind::File)?;
        Ok(journal)
    }

    /// The names of all plans that are on disk, at work or left behind.
    pub(super) fn left_behind(system: &dyn System) -> Vec<String> {
        let items = system.list(&FOLDER.into()).unwrap_or_default();
        let names = items.iter().filter_map(|item| std::str::from_utf8(&item.name).ok());
        let mut names: Vec<_> =
            names.filter_map(|name| name.strip_suffix(".json")).map(str::to_owned).collect();
        names.sort_unstable();
        names
    }

    /// The plan of that name, once nobody else is at work on it; `None` where it was ended by then.
    pub(super) fn take_over(system: &dyn System, name: &str) -> Option<(Self, Plan)> {
        let journal = Self::locked(system, name).ok()?;
        let bytes = system.read(&journal.file);
        let plan = bytes.ok().and_then(|bytes| serde_json::from_slice(unseal(MARK, &bytes)?).ok());
        match plan {
            Some(plan) => Some((journal, plan)),
            None => {
                journal.end(system);
                None
            }
        }
    }

    /// Strikes the plan out.
    pub(super) fn end(self, system: &dyn System) {
        // One that stays is found to be done by the next process.
        let _ = system.remove_file(&self.file);
        let _ = system.remove_file(&self.lock_file);
    }

    fn locked(system: &dyn System, name: &str) -> io::Result<Self> {
        let folder = RelPath::from(FOLDER);
        let lock_file = folder.join(format!("{name}.lock"));
        let lock = system.lock(&lock_file)?;
        Ok(Self { file: folder.join(format!("{name}.json")), lock_file, _lock: lock })
    }
}
