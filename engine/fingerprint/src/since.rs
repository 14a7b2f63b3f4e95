//! Whether what a runnable depends on differs between two states of the project: the work tree and a
//! commit, say. Whatever a query can tell of one it can tell of the other; an import that was there
//! before alone counts as well.
//!
//! What upstream commands make does not count: a commit does not hold it. Distributions are those that
//! the project's files name, since both states share the environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_db::Db;
use qik_graph::definition_of;
use qik_model::{BlobId, FileKind, RelPath};
use qik_python::PackagesView;

use crate::file_set::FilesNode;
use crate::manifest::Hasher;
use crate::walk::{input_sets, walk_beside_files};

/// What a runnable depends on in one state of the project.
#[derive(Debug)]
pub struct Inputs {
    beside_files: [u8; 32],
    /// By kind and name.
    sets: BTreeMap<(&'static str, Arc<str>), Arc<FilesNode>>,
}

impl Inputs {
    /// Those of the runnable of that name; `None` where there is none, or it can't be told.
    pub fn of(db: &dyn Db, name: &str) -> Option<Self> {
        let _phase = qik_db::phase("compare");
        let definition = definition_of(db, name).ok()?;
        let mut hasher = Hasher::default();
        walk_beside_files(db, definition, PackagesView::Declared, &mut hasher).ok()?;
        let sets = input_sets(db, definition).ok()?.into_iter();
        let sets = sets.filter(|set| set.kind != "upstream");
        let sets = sets.map(|set| ((set.kind, set.name), set.node)).collect();
        Some(Self { beside_files: hasher.finish().0, sets })
    }

    /// Whether anything is not the same in both. Of files, those count for which `counts` holds.
    pub fn differ(&self, other: &Self, counts: &dyn Fn(&RelPath) -> bool) -> bool {
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
