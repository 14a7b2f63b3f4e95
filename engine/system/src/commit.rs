//! A commit as a world of its own: the project's files as they were, read from git's object
//! database. Does not know the work tree, nor what git would make of a file at a checkout.

mod folders;
mod objects;
mod place;

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gix::ObjectId;
use gix::objs::tree::EntryKind;
use qik_model::{FileKind, RelPath};

use crate::env::Env;
use crate::git::{CommitId, Git};
use crate::outside::Outside;
use crate::process::{Exit, ProcessSpec};
use crate::stat::{DirItem, Stat, StatKind};
use crate::stop::Stop;
use crate::worktree::{TreeEntry, WorkTree};
use crate::{LockGuard, STATE_FOLDER, System};

use folders::Reading;
use objects::Objects;
use place::{Last, Node, Place, Trees};

/// The project as a commit holds it. Environment, clocks and what lies outside are those of the
/// system that it is made from, and so is `._qik`, to which alone one can write.
///
/// Files have the bytes that git stores. Those of a checkout may differ, where git converts ends of
/// line or runs a filter. Links are followed within the commit; one that leads out of the repository
/// is read from the disk, and has no stat. A submodule is a folder that holds nothing. Nothing tells
/// two states of a path apart but its kind and its bytes: all stamps are zero, and the number of a
/// file in a [`Stat`] is made from its id.
#[derive(Debug)]
pub struct CommitSystem {
    inner: Arc<dyn System>,
    commit: CommitId,
    trees: Trees,
    /// From the git root to the project folder.
    prefix: Box<[u8]>,
}

impl CommitSystem {
    /// The world of `commit`, in the repository that the project of `inner` lies in.
    ///
    /// # Errors
    /// Where there is no repository, or the commit cannot be read.
    pub fn new(inner: Arc<dyn System>, commit: CommitId) -> io::Result<Self> {
        let git = inner.git().ok_or_else(|| {
            io::Error::new(io::ErrorKind::Unsupported, "the project is in no git repository")
        })?;
        let objects = Objects::open(git)?;
        let root = objects.root_of(commit)?;
        let below = inner.root().strip_prefix(git.root()).unwrap_or(Path::new(""));
        let prefix = below.as_os_str().as_bytes().into();
        let trees = Trees::new(objects, git.root().to_path_buf(), root);
        Ok(Self { inner, commit, trees, prefix })
    }

    /// The commit.
    pub fn commit(&self) -> CommitId {
        self.commit
    }

    /// All folders, sorted by path, as [`crate::WorkTree::scan`] lists them in a clean checkout: without
    /// `.git`, `._qik` and `.qik/cache`, and without folders that hold no file.
    ///
    /// The ids are those of the blobs. They are what the work tree says of the same files, with
    /// two exceptions: where a `filter`, `ident` or `working-tree-encoding` attribute applies (the
    /// work tree goes by the bytes of the checkout there), and where a file was committed with ends of
    /// line that its attributes would have converted. Submodules that are checked out are listed with
    /// the files of the commit that is named.
    pub fn folders(&self) -> io::Result<Vec<(RelPath, Arc<[TreeEntry]>)>> {
        self.folders_by(&|_, _| None)
    }

    /// The same, without reading trees that the index of `now` holds. Folders that are the same there
    /// share their listings with it.
    pub fn folders_beside(&self, now: &WorkTree) -> io::Result<Vec<(RelPath, Arc<[TreeEntry]>)>> {
        self.folders_by(&|path, tree| now.folders_of_tree(path, tree))
    }

    fn folders_by(
        &self,
        known: &(dyn Fn(&RelPath, ObjectId) -> Option<folders::Folders> + Sync),
    ) -> io::Result<folders::Folders> {
        let top = match self.find(&RelPath::root(), Last::Keep) {
            Ok(Place::Inside(node)) if node.kind == EntryKind::Tree => Some(node.id),
            Ok(_) => None,
            Err(error) if is_absent(&error) => None,
            Err(error) => return Err(error),
        };
        let is_checked_out = |path: &RelPath| self.inner.stat(&path.join(".git")).is_ok();
        let objects = self.trees.objects();
        folders::all(&Reading { objects, is_checked_out: &is_checked_out, known }, top)
    }

    fn find(&self, path: &RelPath, last: Last) -> io::Result<Place> {
        let path = [&*self.prefix, b"/", path.as_bytes()].concat();
        self.trees.find(&path, last)
    }

    /// What lies at `path` itself.
    fn node(&self, path: &RelPath) -> io::Result<Node> {
        match self.find(path, Last::Keep)? {
            Place::Inside(node) => Ok(node),
            Place::Outside(_) => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("`{path}` lies outside of the repository, and so in no commit"),
            )),
        }
    }

    fn stat_of(&self, node: Node) -> io::Result<Stat> {
        let kind = match node.kind {
            EntryKind::Tree | EntryKind::Commit => StatKind::Folder,
            EntryKind::Blob => StatKind::File,
            EntryKind::BlobExecutable => StatKind::Executable,
            EntryKind::Link => StatKind::Link,
        };
        let size = match kind {
            StatKind::Folder => 0,
            _ => self.trees.objects().size(node.id)?,
        };
        let ino =
            node.id.as_slice().iter().take(8).fold(0, |ino, byte| ino << 8 | u64::from(*byte));
        Ok(Stat { kind, size, mtime: (0, 0), ctime: (0, 0), ino, dev: 0 })
    }

    /// The system that may be written to, for paths where one may.
    fn writable(&self, paths: &[&RelPath]) -> io::Result<&dyn System> {
        match paths.iter().find(|path| !is_shared(path)) {
            None => Ok(&*self.inner),
            Some(path) => Err(io::Error::new(
                io::ErrorKind::ReadOnlyFilesystem,
                format!("`{path}` is part of commit {} and cannot be changed", self.commit),
            )),
        }
    }
}

/// Whether a path is that of the work tree as well.
fn is_shared(path: &RelPath) -> bool {
    path.segments().next() == Some(STATE_FOLDER.as_bytes())
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

impl System for CommitSystem {
    fn root(&self) -> &Path {
        self.inner.root()
    }

    fn env(&self) -> &Env {
        self.inner.env()
    }

    fn git(&self) -> Option<&Git> {
        self.inner.git()
    }

    fn outside(&self) -> &dyn Outside {
        self.inner.outside()
    }

    fn now(&self) -> SystemTime {
        self.inner.now()
    }

    fn elapsed(&self) -> Duration {
        self.inner.elapsed()
    }

    fn read(&self, path: &RelPath) -> io::Result<Vec<u8>> {
        let mut whole = Vec::new();
        self.read_chunks(path, &mut |bytes| whole.extend_from_slice(bytes))?;
        Ok(whole)
    }

    fn read_chunks(&self, path: &RelPath, sink: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        if is_shared(path) {
            return self.inner.read_chunks(path, sink);
        }
        match self.find(path, Last::Follow)? {
            Place::Inside(node) => match node.kind {
                EntryKind::Tree | EntryKind::Commit => Err(io::ErrorKind::IsADirectory.into()),
                _ => self.trees.objects().blob(node.id, sink),
            },
            Place::Outside(path) => {
                sink(&self.outside().read(&path)?);
                Ok(())
            }
        }
    }

    fn stat(&self, path: &RelPath) -> io::Result<Stat> {
        // The project folder is there, also before it came into the repository.
        if is_shared(path) || path.is_root() {
            return self.inner.stat(path);
        }
        self.stat_of(self.node(path)?)
    }

    fn read_link(&self, path: &RelPath) -> io::Result<Vec<u8>> {
        if is_shared(path) {
            return self.inner.read_link(path);
        }
        match self.node(path)? {
            node if node.kind == EntryKind::Link => {
                self.trees.objects().blob(node.id, <[u8]>::to_vec)
            }
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn list(&self, folder: &RelPath) -> io::Result<Vec<DirItem>> {
        if is_shared(folder) {
            return self.inner.list(folder);
        }
        let members = match self.node(folder).and_then(|node| self.trees.members(node)) {
            Err(error) if folder.is_root() && is_absent(&error) => return Ok(Vec::new()),
            members => members?,
        };
        members
            .iter()
            .map(|item| Ok(DirItem { name: item.name.clone(), stat: self.stat_of(item.node)? }))
            .collect()
    }

    fn write_atomic(&self, path: &RelPath, bytes: &[u8], kind: FileKind) -> io::Result<()> {
        self.writable(&[path])?.write_atomic(path, bytes, kind)
    }

    fn create_link(&self, path: &RelPath, target: &[u8]) -> io::Result<()> {
        self.writable(&[path])?.create_link(path, target)
    }

    fn rename(&self, from: &RelPath, to: &RelPath) -> io::Result<()> {
        self.writable(&[from, to])?.rename(from, to)
    }

    fn remove_file(&self, path: &RelPath) -> io::Result<()> {
        self.writable(&[path])?.remove_file(path)
    }

    fn remove_empty_folders_up(&self, folder: &RelPath) -> io::Result<()> {
        self.writable(&[folder])?.remove_empty_folders_up(folder)
    }

    fn create_dir_all(&self, folder: &RelPath) -> io::Result<()> {
        self.writable(&[folder])?.create_dir_all(folder)
    }

    fn append(&self, path: &RelPath, bytes: &[u8]) -> io::Result<()> {
        self.writable(&[path])?.append(path, bytes)
    }

    fn set_kind(&self, path: &RelPath, kind: FileKind) -> io::Result<()> {
        self.writable(&[path])?.set_kind(path, kind)
    }

    fn lock(&self, path: &RelPath) -> io::Result<LockGuard> {
        self.writable(&[path])?.lock(path)
    }

    fn try_lock(&self, path: &RelPath) -> io::Result<Option<LockGuard>> {
        self.writable(&[path])?.try_lock(path)
    }

    fn run(&self, _: &ProcessSpec, _: &Stop, _: &mut dyn FnMut(&[u8])) -> io::Result<Exit> {
        let message = format!("nothing runs in commit {}", self.commit);
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }
}

#[cfg(test)]
mod tests;
