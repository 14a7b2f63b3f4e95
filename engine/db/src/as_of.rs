//! Another state of the project, for a while: queries are asked of it in the same database, so what is
//! the same in both states is not computed again.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use qik_model::RelPath;
use qik_system::{System, TreeEntry};
use rustc_hash::FxHashMap;
use salsa::Setter;

use crate::database::{Database, read};
use crate::{Db, Folder};

/// Folders by path, and what they hold.
type Folders = FxHashMap<RelPath, Arc<[TreeEntry]>>;

/// What inputs were before.
#[derive(Default)]
struct Before {
    folders: Vec<(Folder, Arc<[TreeEntry]>)>,
    sources: BTreeMap<RelPath, Option<Arc<[u8]>>>,
}

impl Database {
    /// Asks of a state whose folders are `folders`, all of them, and whose files `system` holds. What lies
    /// outside of the project, variables and outputs of tools are those of now. Afterwards everything is as
    /// it was.
    pub fn as_of<T>(
        &mut self,
        system: Arc<dyn System>,
        folders: impl IntoIterator<Item = (RelPath, Arc<[TreeEntry]>)>,
        ask: impl FnOnce(&Self) -> T,
    ) -> T {
        let recalled = self.recalled();
        self.forget();
        let own = mem::replace(&mut self.system, system);
        let mut before = Before::default();
        let folders = folders.into_iter().collect();
        before.replace_sources(self, &folders);
        before.replace_folders(self, folders);
        let answer = ask(self);
        self.system = own;
        before.put_back(self);
        self.remember(recalled);
        answer
    }
}

impl Before {
    fn replace_folders(&mut self, db: &mut Database, folders: Folders) {
        let mut known = db.known_folders();
        for (path, entries) in folders {
            let folder = known.remove(&path).unwrap_or_else(|| db.folder(&path));
            self.set_folder(db, folder, entries);
        }
        for folder in known.into_values() {
            self.set_folder(db, folder, Arc::from([]));
        }
    }

    fn set_folder(&mut self, db: &mut Database, folder: Folder, entries: Arc<[TreeEntry]>) {
        let own = folder.entries(db).clone();
        if !Arc::ptr_eq(&own, &entries) && own != entries {
            folder.tell(db, entries);
            self.folders.push((folder, own));
        }
    }

    fn replace_sources(&mut self, db: &mut Database, folders: &Folders) {
        for path in db.known_sources() {
            let source = db.source(&path);
            let own = source.bytes(db).clone();
            let bytes = if is_absent(&path, folders) { None } else { read(&*db.system, &path) };
            if own != bytes {
                source.set_bytes(db).to(bytes);
            }
            self.sources.insert(path, own);
        }
    }

    /// The database has its own system again.
    fn put_back(self, db: &mut Database) {
        for (folder, entries) in self.folders {
            folder.tell(db, entries);
        }
        for path in db.known_sources() {
            let source = db.source(&path);
            let own = match self.sources.get(&path) {
                Some(own) => own.clone(),
                // The other state asked for it first.
                None => read(&*db.system, &path),
            };
            if *source.bytes(db) != own {
                source.set_bytes(db).to(own);
            }
        }
    }
}

/// Whether the folder of a file is there and the file is not: of most files that are asked for, such as the
/// configuration that each module may have, this tells without a look at the state.
fn is_absent(path: &RelPath, folders: &Folders) -> bool {
    let entries = path.parent().and_then(|folder| folders.get(&folder));
    let name = path.name();
    entries.is_some_and(|all| all.binary_search_by(|one| one.name[..].cmp(name)).is_err())
}
