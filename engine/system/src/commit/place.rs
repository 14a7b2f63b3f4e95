//! What lies at a path in a commit, links followed as a file system follows them. Does not read
//! files.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bstr::ByteSlice;
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use rustc_hash::FxHashMap;
use rustix::io::Errno;

use super::objects::Objects;

/// The trees of a commit, from the git root.
#[derive(Debug)]
pub(super) struct Trees {
    objects: Objects,
    git_root: PathBuf,
    root: ObjectId,
    /// Those that were read.
    read: Mutex<FxHashMap<ObjectId, Arc<[Item]>>>,
}

/// A member of a tree; they are sorted by name.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub name: Box<[u8]>,
    pub node: Node,
}

/// What is somewhere in a commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub kind: EntryKind,
    pub id: ObjectId,
}

/// Where a path leads.
#[derive(Debug)]
pub(super) enum Place {
    Inside(Node),
    /// Out of the repository, through a link.
    Outside(PathBuf),
}

/// What is done with a link that a path ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    Follow,
    Keep,
}

/// How many links a path may lead through, as for Linux.
const MOST_LINKS: usize = 40;

impl Trees {
    pub fn new(objects: Objects, git_root: PathBuf, root: ObjectId) -> Self {
        Self { objects, git_root, root, read: Mutex::default() }
    }

    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// What lies at `path`, from the git root.
    pub fn find(&self, path: &[u8], last: Last) -> io::Result<Place> {
        let mut way = vec![Node { kind: EntryKind::Tree, id: self.root }];
        let mut rest = Rest::default();
        rest.push(path);
        let mut links = 0;
        loop {
            let Some(here) = way.last().copied() else {
                let above = self.git_root.parent().unwrap_or(Path::new("/"));
                return Ok(Place::Outside(rest.below(above)));
            };
            let Some(name) = rest.next() else { return Ok(Place::Inside(here)) };
            if *name == *b".." {
                way.pop();
                continue;
            }
            let node = self.member(here, &name)?;
            if node.kind != EntryKind::Link || (rest.is_empty() && last == Last::Keep) {
                way.push(node);
                continue;
            }
            links += 1;
            if links > MOST_LINKS {
                return Err(Errno::LOOP.into());
            }
            let target = self.objects.blob(node.id, <[u8]>::to_vec)?;
            let target = PathBuf::from(OsString::from_vec(target));
            if target.is_relative() {
                rest.push(target.as_os_str().as_bytes());
            } else if let Ok(inner) = target.strip_prefix(&self.git_root) {
                way.truncate(1);
                rest.push(inner.as_os_str().as_bytes());
            } else {
                return Ok(Place::Outside(rest.below(&target)));
            }
        }
    }

    /// The members of a tree, or of a submodule: it has none where its objects are not here.
    pub fn members(&self, node: Node) -> io::Result<Arc<[Item]>> {
        let id = match node.kind {
            EntryKind::Tree => node.id,
            EntryKind::Commit => match self.objects.root_of_submodule(node.id) {
                Some(tree) => tree,
                None => return Ok(Arc::from([])),
            },
            _ => return Err(io::ErrorKind::NotADirectory.into()),
        };
        let read = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read().get(&id) {
            return Ok(known.clone());
        }
        let mut items = self.objects.tree(id, |entry| {
            let node = Node { kind: entry.mode.kind(), id: entry.oid.to_owned() };
            Some(Item { name: Box::from(&**entry.filename), node })
        })?;
        items.sort_unstable_by(|one, two| one.name.cmp(&two.name));
        let items: Arc<[Item]> = items.into();
        read().insert(id, items.clone());
        Ok(items)
    }

    fn member(&self, folder: Node, name: &[u8]) -> io::Result<Node> {
        let members = self.members(folder)?;
        let at = members.binary_search_by(|item| (*item.name).cmp(name));
        at.map(|at| members[at].node).map_err(|_| io::ErrorKind::NotFound.into())
    }
}

/// The segments that are still to go, the next one last.
#[derive(Default)]
struct Rest(Vec<Box<[u8]>>);

impl Rest {
    /// Puts a path before what is there.
    fn push(&mut self, path: &[u8]) {
        let segments = path.split_str("/").filter(|name| !matches!(*name, b"" | b"."));
        let at = self.0.len();
        self.0.extend(segments.map(Box::from));
        self.0[at..].reverse();
    }

    fn next(&mut self) -> Option<Box<[u8]>> {
        self.0.pop()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn below(&self, folder: &Path) -> PathBuf {
        let mut path = folder.to_path_buf();
        path.extend(self.0.iter().rev().map(|name| OsStr::from_bytes(name)));
        path
    }
}
