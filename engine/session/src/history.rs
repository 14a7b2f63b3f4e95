//! The past of the project, to explain entries that another machine committed: their Merkle nodes are
//! not at hand, so the files are read as they were at the commit that holds the entry. What is
//! found there counts only if it gives the fingerprint of the entry.

use std::collections::BTreeMap;

use qik_db::{Database, Db};
use qik_fingerprint::{Difference, StoredNodes, fingerprint, nodes};
use qik_graph::{definition_of, runnable};
use qik_model::{ActionResult, Digest};
use qik_run::{ColdReason, Planned, against};
use qik_system::CommitId;

use crate::Session;
use crate::commit::open;

/// Why an entry that is committed can't be compared file by file, or the commit by which it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// With the files of this commit.
    With(CommitId),
    /// That commit holds other files than the entry was made from, or its environment was another.
    Unlike(CommitId),
    /// No commit holds the entry.
    Uncommitted,
}

/// Databases of commits, each made once.
#[derive(Debug, Default)]
pub(crate) struct History {
    at: BTreeMap<CommitId, Option<Database>>,
}

impl History {
    /// The reason of `planned` against the committed entry, in full, where what is at hand tells
    /// only a part of it.
    pub fn explain(
        &mut self,
        session: &Session,
        planned: &Planned,
        reason: ColdReason,
    ) -> (ColdReason, Option<Compared>) {
        let ColdReason::Differs(found) = &reason else { return (reason, None) };
        let caches = session.caches_at_hand();
        let file = caches.as_ref().and_then(|c| c.committed_file(&planned.cache, planned.name()));
        let (Some(caches), Some(file), true) = (caches, file, found.iter().any(is_vague)) else {
            return (reason, None);
        };
        let entry = caches.recent(&planned.cache, planned.name()).into_iter().next();
        let (Some(entry), Some(git)) = (entry, session.db.system().git()) else {
            return (reason, None);
        };
        let Some(commit) = git.last_commit_of(&file.to_path(session.db.system().root())) else {
            return (reason, Some(Compared::Uncommitted));
        };
        let then = self.at.entry(commit).or_insert_with(|| open(session, commit).ok());
        let Some(stored) = then.as_ref().and_then(|then| stored_nodes(then, &entry)) else {
            return (reason, Some(Compared::Unlike(commit)));
        };
        let stored =
            StoredNodes::new(|digest| caches.node(digest).or_else(|| stored.get(digest).cloned()));
        match against(&session.db, planned, &entry, &stored) {
            Some(found) => (ColdReason::Differs(found), Some(Compared::With(commit))),
            None => (reason, None),
        }
    }
}

/// Whether a difference could be told better with all nodes at hand.
fn is_vague(difference: &Difference) -> bool {
    matches!(
        difference,
        Difference::SomeFile(_)
            | Difference::Upstream(_, None)
            | Difference::Distribution(_, None, None)
            | Difference::SomeDistribution(_)
    )
}

/// The nodes of the entry's runnable at that time, if they are those of the entry.
fn stored_nodes(then: &Database, entry: &ActionResult) -> Option<BTreeMap<Digest, Vec<u8>>> {
    let runnable = runnable(then, &entry.runnable)?;
    let same = fingerprint(then, runnable).as_ref().ok() == Some(&entry.fingerprint);
    let definition = definition_of(then, &entry.runnable).ok().filter(|_| same)?;
    Some(nodes(then, definition, &|_| false).ok()?.into_iter().collect())
}
