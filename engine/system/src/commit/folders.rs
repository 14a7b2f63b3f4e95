//! All folders of a commit at once, in the shape that the work tree gives them. Reads trees, and no
//! files unless the repository's ids are not ours.

use std::io;
use std::sync::Arc;

use gix::ObjectId;
use gix::objs::tree::{EntryKind, EntryRef};
use qik_model::{BlobId, FileKind, RelPath};
use rayon::prelude::*;

use super::objects::Objects;
use crate::worktree::{TreeEntry, TreeNode, blob_id, is_never_listed};

/// A folder, and what it holds.
pub(super) type Folders = Vec<(RelPath, Arc<[TreeEntry]>)>;

/// A folder to read.
struct Place {
    path: RelPath,
    tree: ObjectId,
    /// The place of its parent in the level above.
    parent: usize,
}

/// A folder while what lies below it is not known yet.
struct Listing {
    path: RelPath,
    entries: Vec<TreeEntry>,
    children: Vec<Place>,
    /// Folders below it of which all is known.
    done: Folders,
    parent: usize,
}

/// A member of a folder.
enum Member {
    Folder(Box<[u8]>, ObjectId),
    Submodule(Box<[u8]>, ObjectId),
    File(Box<[u8]>, FileKind, ObjectId),
}

/// Where trees are read, and what need not be read.
pub(super) struct Reading<'a> {
    pub objects: &'a Objects,
    /// Whether a submodule is checked out.
    pub is_checked_out: &'a (dyn Fn(&RelPath) -> bool + Sync),
    /// The folders at and below a path that has this tree, if somebody knows them.
    pub known: &'a (dyn Fn(&RelPath, ObjectId) -> Option<Folders> + Sync),
}

/// The folders at and below `top`, sorted by path; of submodules those that are checked out. Level by
/// level, since a tree may be deeper than a stack.
pub(super) fn all(reading: &Reading<'_>, top: Option<ObjectId>) -> io::Result<Folders> {
    let Some(tree) = top else { return Ok(vec![(RelPath::root(), Arc::from([]))]) };
    if let Some(mut folders) = (reading.known)(&RelPath::root(), tree) {
        sort(&mut folders);
        return Ok(folders);
    }
    let mut levels: Vec<Vec<Listing>> = Vec::new();
    let mut places = vec![Place { path: RelPath::root(), tree, parent: 0 }];
    while !places.is_empty() {
        let mut level: Vec<Listing> = places
            .into_par_iter()
            .map(|place| listing(reading, place))
            .collect::<io::Result<_>>()?;
        places = level
            .iter_mut()
            .enumerate()
            .flat_map(|(parent, listing)| {
                let children = std::mem::take(&mut listing.children);
                children.into_iter().map(move |child| Place { parent, ..child })
            })
            .collect();
        levels.push(level);
    }
    let mut folders = gather(levels);
    sort(&mut folders);
    Ok(folders)
}

fn sort(folders: &mut Folders) {
    folders.sort_unstable_by(|(one, _), (two, _)| one.cmp(two));
}

/// The folders that hold a file at some depth, and the project folder.
fn gather(mut levels: Vec<Vec<Listing>>) -> Folders {
    let mut folders = Vec::with_capacity(levels.iter().map(Vec::len).sum());
    while let Some(level) = levels.pop() {
        for mut listing in level {
            folders.append(&mut listing.done);
            if listing.entries.is_empty() && !listing.path.is_root() {
                continue;
            }
            listing.entries.sort_unstable_by(|one, two| one.name.cmp(&two.name));
            listing.entries.dedup_by(|next, kept| next.name == kept.name);
            if let Some(above) = levels.last_mut() {
                let name = listing.path.name().into();
                above[listing.parent].entries.push(TreeEntry { name, node: TreeNode::Folder });
            }
            folders.push((listing.path, listing.entries.into()));
        }
    }
    folders
}

fn listing(reading: &Reading<'_>, place: Place) -> io::Result<Listing> {
    let Reading { objects, is_checked_out, known } = *reading;
    let Place { path, tree, parent } = place;
    let (entries, children, done) = (Vec::new(), Vec::new(), Vec::new());
    let mut listing = Listing { entries, children, done, path, parent };
    for member in objects.tree(tree, member)? {
        match member {
            Member::Folder(name, _) if is_never_listed(&listing.path, &name) => {}
            // What is not checked out holds nothing in the work tree either.
            Member::Submodule(name, commit) => {
                if let Some(tree) = objects.root_of_submodule(commit)
                    && is_checked_out(&listing.path.join(&name))
                {
                    let path = listing.path.join(name);
                    listing.children.push(Place { path, tree, parent: 0 });
                }
            }
            Member::Folder(name, tree) => {
                let path = listing.path.join(&name);
                match known(&path, tree) {
                    Some(folders) => {
                        listing.entries.push(TreeEntry { name, node: TreeNode::Folder });
                        listing.done.extend(folders);
                    }
                    None => listing.children.push(Place { path, tree, parent: 0 }),
                }
            }
            Member::File(name, ..) if *name == *b".git" => {}
            Member::File(name, kind, id) => {
                let node = TreeNode::File { kind, id: identify(objects, id)? };
                listing.entries.push(TreeEntry { name, node });
            }
        }
    }
    Ok(listing)
}

fn member(entry: &EntryRef<'_>) -> Option<Member> {
    let (name, id) = (|| Box::from(&**entry.filename), entry.oid.to_owned());
    match entry.mode.kind() {
        EntryKind::Tree => Some(Member::Folder(name(), id)),
        EntryKind::Commit => Some(Member::Submodule(name(), id)),
        EntryKind::Blob => Some(Member::File(name(), FileKind::File, id)),
        EntryKind::BlobExecutable => Some(Member::File(name(), FileKind::Executable, id)),
        EntryKind::Link => Some(Member::File(name(), FileKind::Link, id)),
    }
}

/// The id that the work tree gives these bytes, whatever the repository's own ids are.
fn identify(objects: &Objects, id: ObjectId) -> io::Result<BlobId> {
    match id.as_slice().try_into() {
        Ok(bytes) => Ok(BlobId(bytes)),
        Err(_) => objects.blob(id, blob_id),
    }
}
