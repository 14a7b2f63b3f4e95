//! What the folders of a layout hold, in its order, and what follows from it folder by folder. Who asks does
//! so of all folders, and to see that thousands of answers still hold takes longer than to look which listing
//! is another: what was made of one is made anew only then.

use std::sync::{Arc, Mutex, PoisonError};

use qik_db::{Database, Db, Folder, TreeEntry, TreeNode};
use qik_model::{BlobId, Digest, FileKind};
use rustc_hash::FxHashMap;

use crate::layout::{GraphKey, layout_of};
use crate::modules::{counts, facts_store, is_python};

/// What each folder of a layout holds.
#[derive(Clone, Debug)]
pub(crate) struct Contents(pub Arc<[Arc<[TreeEntry]>]>);

impl PartialEq for Contents {
    fn eq(&self, other: &Self) -> bool {
        let same = |(one, two): (&Arc<_>, &Arc<_>)| Arc::ptr_eq(one, two) || one == two;
        self.0.len() == other.0.len() && self.0.iter().zip(&*other.0).all(same)
    }
}

impl Eq for Contents {}

/// The folders of a graph, as inputs: found once for each layout, as there are thousands.
#[salsa::tracked(returns(ref))]
fn folders_of<'db>(db: &'db dyn Db, key: GraphKey<'db>) -> Arc<[Folder]> {
    layout_of(db, key).folders.iter().map(|(path, _)| db.folder(path)).collect()
}

/// What the folders of a graph hold.
#[salsa::tracked(returns(ref))]
pub(crate) fn contents<'db>(db: &'db dyn Db, key: GraphKey<'db>) -> Contents {
    Contents(folders_of(db, key).iter().map(|folder| folder.entries(db).clone()).collect())
}

/// The identities of the files that [`crate::folder_listing`] lists of a folder, in its order.
pub(crate) fn identities(entries: &[TreeEntry]) -> impl Iterator<Item = (FileKind, BlobId)> {
    entries.iter().filter(|entry| counts(&entry.name)).filter_map(|entry| match entry.node {
        TreeNode::File { kind, id } => Some((kind, id)),
        TreeNode::Folder => None,
    })
}

/// The digest of the names in each folder and of what its files import. It takes no facts of contents of
/// which the last process knew what they import.
pub(crate) fn imports<'db>(db: &'db dyn Db, key: GraphKey<'db>) -> Arc<[Digest]> {
    let (folders, contents) = (folders_of(db, key), contents(db, key));
    let store = facts_store(db);
    let before = store.latest_imports().of(folders);
    let all = folders.iter().zip(&*contents.0).enumerate();
    let digests = all.map(|(at, (folder, entries))| {
        before.at(at, *folder, entries).unwrap_or_else(|| imports_in(db, *folder, entries))
    });
    let digests = digests.collect();
    store.latest_imports().keep(folders, contents, &digests);
    digests
}

/// Makes known what [`imports`] takes, on all processors.
pub(crate) fn prepare_imports(db: &Database, key: GraphKey<'_>) {
    let (folders, contents) = (folders_of(db, key), contents(db, key));
    let store = facts_store(db);
    let before = store.latest_imports().of(folders);
    let all: Vec<_> = folders.iter().zip(&*contents.0).enumerate().collect();
    let digests = db.each(&all, |db, (at, (folder, entries))| {
        before.at(*at, **folder, entries).unwrap_or_else(|| imports_in(db, **folder, entries))
    });
    store.latest_imports().keep(folders, contents, &digests.into());
}

fn imports_in(db: &dyn Db, folder: Folder, entries: &[TreeEntry]) -> Digest {
    let (store, path) = (facts_store(db), folder.path(db));
    let mut hasher = blake3::Hasher::new();
    for entry in entries.iter().filter(|entry| counts(&entry.name)) {
        let TreeNode::File { id, .. } = entry.node else { continue };
        hasher.update(&(entry.name.len() as u32).to_le_bytes()).update(&entry.name);
        if is_python(&entry.name) {
            hasher.update(&store.imports(&**db.system(), &path.join(&entry.name), &id));
        }
    }
    Digest(*hasher.finalize().as_bytes())
}

/// What was made last of the listings of these folders: what is asked is the same with or without.
#[derive(Debug, Default)]
pub(crate) struct LatestImports(Mutex<Option<Latest>>);

type Latest = (Arc<[Folder]>, Contents, Arc<[Digest]>);

/// What was made last, seen from folders that may be others.
pub(crate) struct Before {
    latest: Option<Latest>,
    /// The places of the folders, unless these are the same ones.
    places: Option<FxHashMap<Folder, usize>>,
}

impl Before {
    /// The digest of the folder, now at that place, if it held just these entries.
    fn at(&self, at: usize, folder: Folder, entries: &Arc<[TreeEntry]>) -> Option<Digest> {
        match &self.places {
            Some(_) => self.of(folder, entries),
            None => self.held(at, entries),
        }
    }

    /// The digest of the folder, wherever it stood, if it held just these entries.
    pub fn of(&self, folder: Folder, entries: &Arc<[TreeEntry]>) -> Option<Digest> {
        self.held(*self.places.as_ref()?.get(&folder)?, entries)
    }

    fn held(&self, at: usize, entries: &Arc<[TreeEntry]>) -> Option<Digest> {
        let (_, held, digests) = self.latest.as_ref()?;
        Arc::ptr_eq(&held.0[at], entries).then(|| digests[at])
    }
}

impl LatestImports {
    /// What was made last, of whichever folders.
    pub fn known(&self) -> Before {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let folders = latest.iter().flat_map(|(known, ..)| known.iter().copied());
        let places = Some(folders.zip(0..).collect());
        Before { latest, places }
    }

    fn of(&self, folders: &Arc<[Folder]>) -> Before {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match latest {
            Some((known, ..)) if !Arc::ptr_eq(&known, folders) => self.known(),
            latest => Before { latest, places: None },
        }
    }

    fn keep(&self, folders: &Arc<[Folder]>, contents: &Contents, digests: &Arc<[Digest]>) {
        let latest = Some((folders.clone(), contents.clone(), digests.clone()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = latest;
    }
}
