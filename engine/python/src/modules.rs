//! What each folder holds for Python, in three narrow views: the names that can stand in an import,
//! what its files import, and what they are. An edit that leaves the imports of a file as they were
//! reaches the last view alone.

use std::sync::Arc;

use qik_db::{Database, Db, Folder, TreeNode};
use qik_model::RelPath;
use salsa::Durability;

use crate::contents::prepare_imports;
use crate::layout::layout_of;
use crate::scan::FileFacts;
use crate::settings::graph_key;
use crate::store::{FactsStore, Proof};
use crate::structure::{is_over_other_files, prepare_structure};

/// The store of facts, as an input: set once, and what it answers depends on the question alone.
#[salsa::input(singleton)]
struct Store {
    handle: Handle,
}

#[derive(Clone, Debug)]
struct Handle(Arc<FactsStore>);

/// The store of facts of this database.
pub fn facts_store(db: &dyn Db) -> Arc<FactsStore> {
    let made = || {
        let store = Handle(Arc::new(FactsStore::new(db.system().clone())));
        Store::builder(store).durability(Durability::NEVER_CHANGE).new(db)
    };
    let store = Store::try_get(db).unwrap_or_else(made);
    store.handle(db).0.clone()
}

/// The names in a folder, each list sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderListing {
    /// Folders whose names can stand in an import.
    pub folders: Box<[Box<[u8]>]>,
    /// Python files: modules, stubs, extension modules, and `py.typed`.
    pub files: Box<[Box<[u8]>]>,
}

/// What the files of a [`FolderListing`] import, in its order; nothing for what is no source.
///
/// Two are equal where the same is imported, wherever it stands: lines may be those of an earlier
/// state.
#[derive(Clone, Debug)]
pub struct FolderFacts(pub Box<[Option<FileFacts>]>);

impl PartialEq for FolderFacts {
    fn eq(&self, other: &Self) -> bool {
        let same = |pair: (&Option<FileFacts>, &Option<FileFacts>)| match pair {
            (Some(one), Some(two)) => one.placeless() == two.placeless(),
            (None, None) => true,
            _ => false,
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}

impl Eq for FolderFacts {}

/// What `folder` holds for Python.
#[salsa::tracked(returns(ref))]
pub fn folder_listing(db: &dyn Db, folder: Folder) -> FolderListing {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for (name, is_folder) in folder.names(db).iter() {
        match is_folder {
            true if may_be_package(name) => folders.push(name.into()),
            false if counts(name) => files.push(name.into()),
            _ => {}
        }
    }
    FolderListing { folders: folders.into(), files: files.into() }
}

/// What the files in `folder` import.
#[salsa::tracked(returns(ref))]
pub fn folder_facts(db: &dyn Db, folder: Folder) -> FolderFacts {
    let store = facts_store(db);
    let path = folder.path(db);
    let facts = folder.entries(db).iter().filter_map(|entry| match entry.node {
        TreeNode::File { id, .. } if is_python(&entry.name) => {
            Some(Some(store.get(&**db.system(), &path.join(&entry.name), &id)))
        }
        TreeNode::File { .. } if counts(&entry.name) => Some(None),
        _ => None,
    });
    FolderFacts(facts.collect())
}

/// Makes known what queries would otherwise ask for file by file: the facts of every Python file below the
/// roots of imports, what each folder imports, the names, and who needs whom. `proof` tells the stat by which
/// a file that was read is known to be the one that was looked at, where there is one.
pub fn prepare(db: &Database, proof: &Proof<'_>) {
    let store = facts_store(db);
    let key = graph_key(db, &[]);
    std::thread::scope(|scope| {
        if rayon::current_num_threads() > 1 {
            let (db, store) = (db.clone(), store.clone());
            scope.spawn(move || {
                layout_of(&db, graph_key(&db, &[]));
                store.load_graphs(db.system());
            });
        }
        for root in key.roots(db) {
            read_below(db, &store, root, proof);
        }
    });
    std::thread::scope(|scope| {
        if is_over_other_files(db, key) {
            // The files beside those that came are asked for next.
            scope.spawn(|| store.load_facts());
        }
        prepare_imports(db, key);
    });
    prepare_structure(db, key);
}

/// Reads the files below a root of which nothing is known.
fn read_below(db: &Database, store: &FactsStore, root: &RelPath, proof: &Proof<'_>) {
    let mut folders = vec![db.folder(root)];
    let mut looked = 0;
    while let Some(folder) = folders.get(looked).copied() {
        looked += 1;
        let (path, entries) = (folder.path(db), folder.entries(db).iter());
        let packages = entries.filter(|entry| entry.node == TreeNode::Folder);
        let packages = packages.filter(|entry| may_be_package(&entry.name));
        folders.extend(packages.map(|entry| db.folder(&path.join(&entry.name))));
    }
    let known = store.latest_imports().known();
    folders.retain(|folder| known.of(*folder, folder.entries(db)).is_none());
    let lacking = db.each(&folders, |db, folder| {
        // The names are asked for next.
        folder_listing(db, *folder);
        let lacks = store.lacks();
        let (path, entries) = (folder.path(db), folder.entries(db).iter());
        let lacking = entries.filter_map(|entry| match entry.node {
            TreeNode::File { id, .. } if is_python(&entry.name) && lacks(&id) => {
                Some((path.join(&entry.name), id))
            }
            _ => None,
        });
        lacking.collect::<Vec<_>>()
    });
    store.prepare(&**db.system(), lacking.concat(), proof);
}

/// Whether a folder with a file of that name lists it: what can stand in an import, and `py.typed`.
pub(crate) fn counts(name: &[u8]) -> bool {
    is_python(name) || is_extension(name) || name == b"py.typed"
}

/// Whether a file of that name is a compiled module: `_speed.cpython-311-x86_64-linux-gnu.so`.
fn is_extension(name: &[u8]) -> bool {
    name.ends_with(b".so") || name.ends_with(b".pyd")
}

/// Whether a file of that name is Python source or a stub.
pub(crate) fn is_python(name: &[u8]) -> bool {
    name.ends_with(b".py") || name.ends_with(b".pyi")
}

/// Names in imports hold no dots; what else is an identifier is Python's business, and a name that
/// is none is never asked for.
pub(crate) fn may_be_package(name: &[u8]) -> bool {
    !name.contains(&b'.')
}
