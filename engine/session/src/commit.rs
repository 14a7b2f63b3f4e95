//! The project as it was at a commit, over the files of git: every query can be asked of it too. The environment, the variables and what tools print are those of now.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use qik_db::{Change, Database, Db, ToolOutput, World};
use qik_model::RelPath;
use qik_system::{CommitId, CommitSystem, Delta, System, TreeEntry, WorkTree, phase};

use crate::Session;

/// Runs the commands of `exec` deps.
pub(crate) type RunTool = Arc<dyn Fn(&str) -> ToolOutput + Send + Sync>;

/// The project at `commit`.
///
/// # Errors
/// Where git's objects can't be read.
pub(crate) fn open(session: &Session, commit: CommitId) -> io::Result<Database> {
    let db = &session.db;
    let world = World::get(db);
    let system = Arc::new(CommitSystem::new(db.system().clone(), commit)?);
    let folders = folders(&system, &session.tree)?;
    let door: Arc<dyn System> = system;
    let mut then = Database::new(
        door,
        db.syntaxes().to_vec(),
        session.tools.clone(),
        world.config(db).clone(),
        (**world.flags(db)).clone(),
    );
    if let Some(binary) = world.binary(db) {
        then.set_binary(binary.clone());
    }
    let folders = folders.into_iter().map(|(path, entries): (RelPath, _)| (path, Some(entries)));
    let delta = Delta { folders: folders.collect(), ..Delta::default() };
    Change::from_delta(delta).apply(&mut then);
    Ok(then)
}

/// The folders of a commit.
///
/// # Errors
/// Where git's objects can't be read.
pub(crate) fn folders(
    commit: &CommitSystem,
    now: &WorkTree,
) -> io::Result<Vec<(RelPath, Arc<[TreeEntry]>)>> {
    let _phase = phase("commit");
    commit.folders_beside(now)
}

/// Reads what all Python files of a state import, in parallel.
pub(crate) fn prepare_facts(db: &Database) {
    let _phase = phase("facts of the commit");
    // Nothing of a commit changes while it is read.
    qik_python::prepare(db, &|_| None);
}

/// `run`, each line once: all states of the project share what a tool prints. Not so in an environment
/// that may be made meanwhile.
pub(crate) fn once(run: RunTool) -> RunTool {
    let known: Mutex<HashMap<String, ToolOutput>> = Mutex::default();
    Arc::new(move |line| {
        if line.starts_with(qik_config::ACTIVATION) {
            return run(line);
        }
        let found = known.lock().unwrap_or_else(PoisonError::into_inner).get(line).cloned();
        found.unwrap_or_else(|| {
            let output = run(line);
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(line.to_string(), output.clone());
            output
        })
    })
}
