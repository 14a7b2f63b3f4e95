//! Whether what a runnable depends on differs between two states of the project: the work tree and a
//! commit, say. Both are databases of their own, so whatever a query can tell of one it can tell of
//! the other; an import that was there before alone counts as well.
//!
//! What upstream commands make does not count: a commit does not hold it. Distributions are those that
//! the project's files name, since both states share the environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_db::Db;
use qik_graph::{Definition, definition_of};
use qik_model::{BlobId, FileKind, RelPath};
use qik_python::PackagesView;

use crate::file_set::FilesNode;
use crate::manifest::Hasher;
use crate::walk::{input_sets, walk_beside_files};

/// Whether the runnable of that name depends on anything that is not the same in both; also where it
/// is in one of them alone, or where either can't tell. Of files, those for which `counts` holds.
pub fn differs(now: &dyn Db, then: &dyn Db, name: &str, counts: &dyn Fn(&RelPath) -> bool) -> bool {
    let _phase = qik_db::phase("compare");
    let (Ok(one), Ok(other)) = (definition_of(now, name), definition_of(then, name)) else {
        return true;
    };
    match (State::of(now, one), State::of(then, other)) {
        (Some(one), Some(other)) => one.differs(&other, counts),
        _ => true,
    }
}

/// What a runnable depends on in one of the two.
struct State {
    beside_files: [u8; 32],
    /// By kind and name.
    sets: BTreeMap<(&'static str, Arc<str>), Arc<FilesNode>>,
}

impl State {
    fn of(db: &dyn Db, definition: &Definition) -> Option<Self> {
        let mut hasher = Hasher::default();
        walk_beside_files(db, definition, PackagesView::Declared, &mut hasher).ok()?;
        let sets = input_sets(db, definition).ok()?.into_iter();
        let sets = sets.filter(|set| set.kind != "upstream");
        let sets = sets.map(|set| ((set.kind, set.name), set.node)).collect();
        Some(Self { beside_files: hasher.finish().0, sets })
    }

    fn differs(&self, other: &Self, counts: &dyn Fn(&RelPath) -> bool) -> bool {
        self.beside_files != other.beside_files
            || self.sets.len() != other.sets.len()
            || self.sets.iter().any(|(key, node)| {
                other.sets.get(key).is_none_or(|old| files_differ(node, old, counts))
            })
    }
}

fn files_differ(one: &FilesNode, other: &FilesNode, counts: &dyn Fn(&RelPath) -> bool) -> bool {
    if one.digest == other.digest {
        return false;
    }
    let files = |node: &FilesNode| {
        let mut files: BTreeMap<RelPath, (FileKind, BlobId)> = BTreeMap::new();
        node.each_file(&mut |path, kind, id| {
            files.insert(path, (kind, id));
        });
        files.retain(|path, _| counts(path));
        files
    };
    files(one) != files(other)
}
