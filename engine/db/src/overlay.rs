//! Files that count as if they lay in the work tree, for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qik_model::{BlobId, FileKind, GlobSet, RelPath};
use qik_system::{TreeEntry, TreeNode};

use crate::Db;
use crate::database::Database;

/// Remembers what the folders held before.
#[derive(Debug, Default)]
pub struct FolderOverlay {
    before: BTreeMap<RelPath, Arc<[TreeEntry]>>,
}

impl FolderOverlay {
    /// From now on, the files that `globs` mean are `files` and no others.
    pub fn replace(
        &mut self,
        db: &mut Database,
        globs: &GlobSet,
        files: Vec<(RelPath, FileKind, BlobId)>,
    ) {
        let mut wanted: BTreeMap<RelPath, Vec<TreeEntry>> = BTreeMap::new();
        for (path, kind, id) in files {
            let Some(folder) = path.parent() else { continue };
            let entry = TreeEntry { name: path.name().into(), node: TreeNode::File { kind, id } };
            wanted.entry(folder).or_default().push(entry);
        }
        let mut folders: BTreeSet<RelPath> = wanted.keys().cloned().collect();
        for base in globs.bases() {
            folders.extend(base.parent());
            known_below(db, &base, &mut folders);
        }
        for folder in folders {
            self.set(db, globs, &folder, wanted.remove(&folder).unwrap_or_default());
        }
    }

    /// Puts everything back.
    pub fn undo(self, db: &mut Database) {
        for (path, entries) in self.before {
            let folder = db.folder(&path);
            folder.tell(db, entries);
        }
    }

    fn set(&mut self, db: &mut Database, globs: &GlobSet, path: &RelPath, files: Vec<TreeEntry>) {
        let folder = db.folder(path);
        let before = folder.entries(db).clone();
        let meant = |entry: &TreeEntry| {
            matches!(entry.node, TreeNode::File { .. }) && globs.matches_in(path, &entry.name)
        };
        let mut after: Vec<TreeEntry> = before
            .iter()
            .filter(|entry| !meant(entry) && !files.iter().any(|file| file.name == entry.name))
            .cloned()
            .chain(files.iter().cloned())
            .collect();
        after.sort_by(|a, b| a.name.cmp(&b.name));
        if *after != *before {
            self.before.entry(path.clone()).or_insert(before);
            db.forget();
            folder.tell(db, after.into());
            self.add_to_parent(db, path);
        }
    }

    /// A folder that holds something is listed in the one above it.
    fn add_to_parent(&mut self, db: &mut Database, path: &RelPath) {
        let Some(parent) = path.parent() else { return };
        let folder = db.folder(&parent);
        let before = folder.entries(db).clone();
        if let Err(at) = before.binary_search_by(|entry| entry.name[..].cmp(path.name())) {
            let mut after = before.to_vec();
            after.insert(at, TreeEntry { name: path.name().into(), node: TreeNode::Folder });
            self.before.entry(parent.clone()).or_insert(before);
            folder.tell(db, after.into());
            self.add_to_parent(db, &parent);
        }
    }
}

/// The folders at and below `path` that hold anything now.
fn known_below(db: &Database, path: &RelPath, into: &mut BTreeSet<RelPath>) {
    let entries = db.folder(path).entries(db);
    if entries.is_empty() {
        return;
    }
    into.insert(path.clone());
    for entry in entries.iter().filter(|entry| entry.node == TreeNode::Folder) {
        known_below(db, &path.join(&entry.name), into);
    }
}
