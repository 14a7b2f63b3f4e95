//! What each folder holds for Python: its modules with the facts of their imports, and the folders
//! that may be packages. The narrow view that the graph is made from: an edit that leaves the
//! imports of a file as they were stops here.

use std::sync::Arc;

use qik_db::{Db, Folder, TreeNode};
use qik_model::{BlobId, FileKind, RelPath};

use crate::scan::FileFacts;
use crate::store::FactsStore;

/// The store of facts, as an input: set once, and what it answers depends on the question alone.
#[salsa::input(singleton)]
struct Store {
    handle: Handle,
}

#[derive(Clone, Debug)]
struct Handle(Arc<FactsStore>);

/// The store of facts of this database.
pub fn facts_store(db: &dyn Db) -> Arc<FactsStore> {
    let store = Store::try_get(db)
        .unwrap_or_else(|| Store::new(db, Handle(Arc::new(FactsStore::new(db.system().clone())))));
    store.handle(db).0.clone()
}

/// A folder as Python sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderModules {
    /// Folders whose names can stand in an import, sorted.
    pub folders: Box<[Box<[u8]>]>,
    /// Python files, sorted by name.
    pub files: Box<[ModuleFile]>,
}

/// A file that counts for Python.
#[derive(Clone, Debug)]
pub struct ModuleFile {
    /// Its name in the folder.
    pub name: Box<[u8]>,
    /// What it imports; nothing for `py.typed`. Line numbers in it may be those of an earlier state.
    pub facts: Option<FileFacts>,
}

impl PartialEq for ModuleFile {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.facts, &other.facts) {
            (Some(one), Some(two)) => one.placeless() == two.placeless(),
            (None, None) => true,
            _ => false,
        };
        same && self.name == other.name
    }
}

impl Eq for ModuleFile {}

/// What `folder` holds for Python.
#[salsa::tracked(returns(ref))]
pub fn folder_modules(db: &dyn Db, folder: Folder) -> FolderModules {
    let store = facts_store(db);
    let path = folder.path(db);
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in folder.entries(db).iter() {
        match entry.node {
            TreeNode::Folder if may_be_package(&entry.name) => folders.push(entry.name.clone()),
            TreeNode::File { id, .. } if is_python(&entry.name) => {
                let facts = Some(store.get(&path.join(&entry.name), &id));
                files.push(ModuleFile { name: entry.name.clone(), facts });
            }
            TreeNode::File { .. } if &*entry.name == b"py.typed" => {
                files.push(ModuleFile { name: entry.name.clone(), facts: None });
            }
            _ => {}
        }
    }
    FolderModules { folders: folders.into(), files: files.into() }
}

/// The identities of the files that [`folder_modules`] lists, in its order.
#[salsa::tracked(returns(ref))]
pub fn folder_ids(db: &dyn Db, folder: Folder) -> Box<[(FileKind, BlobId)]> {
    let entries = folder.entries(db).iter();
    let counts = |name: &[u8]| is_python(name) || name == b"py.typed";
    entries
        .filter(|entry| counts(&entry.name))
        .filter_map(|entry| match entry.node {
            TreeNode::File { kind, id } => Some((kind, id)),
            TreeNode::Folder => None,
        })
        .collect()
}

/// Makes the facts of every Python file at or below `folder` known, in parallel: what a query would
/// otherwise read one by one.
pub fn prepare(db: &dyn Db, folder: &RelPath) {
    let mut files = Vec::new();
    let mut open = vec![folder.clone()];
    while let Some(path) = open.pop() {
        for entry in db.folder(&path).entries(db).iter() {
            match entry.node {
                TreeNode::Folder if may_be_package(&entry.name) => {
                    open.push(path.join(&entry.name));
                }
                TreeNode::File { id, .. } if is_python(&entry.name) => {
                    files.push((path.join(&entry.name), id));
                }
                _ => {}
            }
        }
    }
    facts_store(db).prepare(&files);
}

fn is_python(name: &[u8]) -> bool {
    name.ends_with(b".py") || name.ends_with(b".pyi")
}

/// Names in imports hold no dots; what else is an identifier is Python's business, and a name that
/// is none is never asked for.
fn may_be_package(name: &[u8]) -> bool {
    !name.contains(&b'.')
}
