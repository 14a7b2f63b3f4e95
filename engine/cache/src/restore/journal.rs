//! The plan of a restore on disk, so that the next process can finish what this one did not. Does
//! not carry anything out.

use std::io;

use qik_model::{FileKind, RelPath};
use qik_system::{LockGuard, System};

use super::plan::Plan;
use crate::entry::{seal, unseal};
use crate::trash;

const FOLDER: &str = "._qik/restore";
/// Held by whoever carries a plan out, so that nobody takes it for one left behind.
const LOCK: &str = "._qik/restore/lock";
const MARK: &str = "qik-restore-1 ";

/// A plan that is being carried out.
#[derive(Debug)]
pub(super) struct Journal {
    file: RelPath,
    _lock: LockGuard,
}

impl Journal {
    /// Writes the plan down.
    pub(super) fn begin(system: &dyn System, plan: &Plan) -> io::Result<Self> {
        let body = serde_json::to_vec(plan).map_err(io::Error::other)?;
        let file = RelPath::from(FOLDER).join(format!("{}.json", trash::unique(system)));
        let lock = system.lock(&LOCK.into())?;
        system.write_atomic(&file, &seal(MARK, &body), FileKind::File)?;
        Ok(Self { file, _lock: lock })
    }

    /// Strikes the plan out.
    pub(super) fn end(self, system: &dyn System) {
        // One that stays is found to be done by the next process.
        let _ = system.remove_file(&self.file);
    }
}

/// Hands over each plan that was left behind, oldest first, and strikes it out. Waits for those at
/// work.
pub(super) fn take_over(system: &dyn System, mut finish: impl FnMut(&Plan)) {
    if written_plans(system).is_empty() {
        return;
    }
    let Ok(_lock) = system.lock(&LOCK.into()) else { return };
    for file in written_plans(system) {
        let bytes = system.read(&file).unwrap_or_default();
        if let Some(plan) = unseal(MARK, &bytes).and_then(|body| serde_json::from_slice(body).ok())
        {
            finish(&plan);
        }
        let _ = system.remove_file(&file);
    }
}

fn written_plans(system: &dyn System) -> Vec<RelPath> {
    let folder = RelPath::from(FOLDER);
    let items = system.list(&folder).unwrap_or_default();
    let plans = items.iter().filter(|item| item.name.ends_with(b".json"));
    let mut plans: Vec<_> = plans.map(|item| folder.join(&item.name)).collect();
    plans.sort_unstable();
    plans
}
