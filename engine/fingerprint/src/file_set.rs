//! Input sets as Merkle trees: per folder, the files that a set of globs means, and the folders
//! below that hold some.
//!
//! A node's digest is that of its encoding, so a node can be kept as shared content: an entry names
//! the root, and to explain a difference two trees are walked where their digests part.

use std::sync::Arc;

use qik_db::{Db, Folder};
use qik_model::{BlobId, Digest, FileKind, GlobSet, RelPath};
use qik_system::TreeNode;

use crate::manifest::digest_of;

/// A set of globs as a key of queries.
#[salsa::interned(debug, revisions = usize::MAX)]
pub struct Globs<'db> {
    /// The set.
    pub set: GlobSet,
}

/// One folder of an input set.
#[derive(Clone, Debug)]
pub struct FilesNode {
    /// The identity of its encoding.
    pub digest: Digest,
    /// How many files it holds in all.
    pub count: usize,
    /// Sorted by name. A name in the root may be a whole path.
    pub members: Box<[Member]>,
}

/// A member of a node.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name in the node.
    pub name: Box<[u8]>,
    /// What it is.
    pub kind: MemberKind,
}

/// What a member is.
#[derive(Clone, Debug)]
pub enum MemberKind {
    /// A file.
    File(FileKind, BlobId),
    /// A folder that holds files of the set.
    Folder(Arc<FilesNode>),
}

impl PartialEq for FilesNode {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for FilesNode {}

/// So many folders are looked into by one query. With one for each, to see that a set is as it was would
/// take longer than to look anew into the few of a module; with one for all of them, so would a change.
const FOLDERS: usize = 16;

/// The files that `globs` mean.
#[salsa::tracked]
pub fn files<'db>(db: &'db dyn Db, globs: Globs<'db>) -> Arc<FilesNode> {
    let mut look = Look { db, globs, set: globs.set(db), left: FOLDERS };
    let mut members = Vec::new();
    for base in look.set.bases() {
        // A folder is recognised by its listing, which is there where the folder is; only where
        // it is not need the folder above be looked at, for a file of that name.
        let folder = db.folder(&base);
        let kind = if base.is_root() || !folder.entries(db).is_empty() {
            look.below(folder)
        } else {
            file_at(db, &base).filter(|_| look.set.matches(&base))
        };
        members.extend(kind.map(|kind| Member { name: base.as_bytes().into(), kind }));
    }
    Arc::new(FilesNode::new(members))
}

/// The files in `folder` that `globs` mean, and the folders below it that hold some.
#[salsa::tracked]
fn files_in<'db>(db: &'db dyn Db, globs: Globs<'db>, folder: Folder) -> Arc<FilesNode> {
    Look { db, globs, set: globs.set(db), left: FOLDERS }.node_of(folder)
}

/// A look for files, into so many folders.
struct Look<'db> {
    db: &'db dyn Db,
    globs: Globs<'db>,
    set: &'db GlobSet,
    left: usize,
}

impl<'db> Look<'db> {
    fn node_of(&mut self, folder: Folder) -> Arc<FilesNode> {
        self.left = self.left.saturating_sub(1);
        let (db, set, path) = (self.db, self.set, folder.path(self.db));
        let looks_below = set.may_match_below(path);
        let members = folder.entries(db).iter().filter_map(|entry| {
            let kind = match entry.node {
                TreeNode::File { kind, id } => {
                    set.matches_in(path, &entry.name).then_some(MemberKind::File(kind, id))
                }
                TreeNode::Folder if looks_below => {
                    let at = path.join(&entry.name);
                    set.may_match_below(&at).then(|| self.below(db.folder(&at))).flatten()
                }
                TreeNode::Folder => None,
            };
            kind.map(|kind| Member { name: entry.name.clone(), kind })
        });
        Arc::new(FilesNode::new(members.collect()))
    }

    /// What `folder` holds, as a member of what is above it; what there is no room for has a query of its
    /// own.
    fn below(&mut self, folder: Folder) -> Option<MemberKind> {
        let node = match self.left {
            0 => files_in(self.db, self.globs, folder).clone(),
            _ => self.node_of(folder),
        };
        (node.count > 0).then_some(MemberKind::Folder(node))
    }
}

fn file_at(db: &dyn Db, path: &RelPath) -> Option<MemberKind> {
    let entries = db.folder(&path.parent()?).entries(db);
    let at = entries.binary_search_by(|entry| entry.name[..].cmp(path.name())).ok()?;
    match entries[at].node {
        TreeNode::File { kind, id } => Some(MemberKind::File(kind, id)),
        TreeNode::Folder => None,
    }
}

impl FilesNode {
    /// The node of these members, sorted by name.
    pub fn new(members: Vec<Member>) -> Self {
        let count = members
            .iter()
            .map(|member| match &member.kind {
                MemberKind::File(..) => 1,
                MemberKind::Folder(node) => node.count,
            })
            .sum();
        let mut node = Self { digest: Digest([0; 32]), count, members: members.into() };
        node.digest = digest_of(&node.encode());
        node
    }

    /// The bytes of the node. For each member: its kind (`f`, `x`, `l`, `d`), the length of its
    /// name as 32 bits little endian, its name, its identity (20 bytes, of a folder 32).
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.members.len() * 48);
        for member in &self.members {
            let (tag, id): (u8, &[u8]) = match &member.kind {
                MemberKind::File(FileKind::File, id) => (b'f', id.as_bytes()),
                MemberKind::File(FileKind::Executable, id) => (b'x', id.as_bytes()),
                MemberKind::File(FileKind::Link, id) => (b'l', id.as_bytes()),
                MemberKind::Folder(node) => (b'd', node.digest.as_bytes()),
            };
            bytes.push(tag);
            bytes.extend_from_slice(&(member.name.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&member.name);
            bytes.extend_from_slice(id);
        }
        bytes
    }

    /// Each node of the tree, every one before those that name it.
    pub fn each_node(&self, visit: &mut dyn FnMut(&FilesNode)) {
        for member in &self.members {
            if let MemberKind::Folder(node) = &member.kind {
                node.each_node(visit);
            }
        }
        visit(self);
    }

    /// Each file of the tree with its path.
    pub fn each_file(&self, visit: &mut dyn FnMut(RelPath, FileKind, BlobId)) {
        self.each_file_in(&RelPath::root(), visit);
    }

    /// Each file of the tree with its path below `dir`.
    pub fn each_file_in(&self, dir: &RelPath, visit: &mut dyn FnMut(RelPath, FileKind, BlobId)) {
        for member in &self.members {
            let path = dir.join(&member.name);
            match &member.kind {
                MemberKind::File(kind, id) => visit(path, *kind, *id),
                MemberKind::Folder(node) => node.each_file_in(&path, visit),
            }
        }
    }
}
