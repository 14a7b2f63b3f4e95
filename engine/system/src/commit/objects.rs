//! Git's object database: packs, loose objects and alternates, read by many threads at once; those of
//! submodules too. Does not know paths in commits.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::objs::FindExt;
use gix::objs::tree::EntryRef;
use gix::odb::{Handle, HeaderExt};

use crate::git::{CommitId, Git};

/// The objects of a repository.
pub(super) struct Objects {
    /// What others are made from; it reads nothing itself.
    first: Mutex<Handle>,
    /// Readers that nobody uses right now. A reader knows which packs there are, so that a new one
    /// for each object would be slow.
    idle: Mutex<Vec<Reader>>,
    /// Those of submodules, which have databases of their own.
    submodules: Vec<Objects>,
}

struct Reader {
    handle: Handle,
    buffer: Vec<u8>,
}

impl Objects {
    pub fn open(git: &Git) -> io::Result<Self> {
        let mut all = Self::at(git.root())?;
        // One that can't be read is as one that is not there.
        all.submodules =
            modules(git.git_dir()).iter().filter_map(|folder| Self::at(folder).ok()).collect();
        Ok(all)
    }

    /// Those of the repository at a work tree or a git directory.
    fn at(folder: &Path) -> io::Result<Self> {
        // Without the user's configuration: it says nothing about objects. Whose the repository is
        // does not matter either, since nothing that it names is run.
        let options = gix::open::Options::isolated().with(gix::sec::Trust::Full);
        let repo = gix::open_opts(folder, options).map_err(|error| {
            io::Error::other(format!("the git repository cannot be read: {error}"))
        })?;
        let first = Mutex::new(repo.objects.clone().into_inner());
        Ok(Self { first, idle: Mutex::default(), submodules: Vec::new() })
    }

    /// The tree of a submodule's commit; `None` where its objects are not here.
    pub fn root_of_submodule(&self, commit: ObjectId) -> Option<ObjectId> {
        if self.submodules.is_empty() {
            return None;
        }
        self.root_of(CommitId(commit)).ok()
    }

    /// The tree of a commit.
    pub fn root_of(&self, commit: CommitId) -> io::Result<ObjectId> {
        self.read(commit.0, |reader| {
            Ok(reader.handle.find_commit(&commit.0, &mut reader.buffer)?.tree())
        })
    }

    /// What `take` makes of the members of a tree. Names that no folder can hold are passed over,
    /// as git does not check them out.
    pub fn tree<T>(
        &self,
        id: ObjectId,
        mut take: impl FnMut(&EntryRef<'_>) -> Option<T>,
    ) -> io::Result<Vec<T>> {
        self.read(id, |reader| {
            if id.is_empty_tree() {
                return Ok(Vec::new());
            }
            let mut taken = Vec::new();
            for entry in reader.handle.find_tree_iter(&id, &mut reader.buffer)? {
                let entry = entry?;
                if is_name(entry.filename) {
                    taken.extend(take(&entry));
                }
            }
            Ok(taken)
        })
    }

    /// What `take` makes of the bytes of a file or link.
    pub fn blob<T>(&self, id: ObjectId, take: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
        self.read(id, |reader| Ok(take(reader.handle.find_blob(&id, &mut reader.buffer)?.data)))
    }

    /// How many bytes a file or link has.
    pub fn size(&self, id: ObjectId) -> io::Result<u64> {
        self.read(id, |reader| match id.is_empty_blob() {
            true => Ok(0),
            false => Ok(reader.handle.header(id)?.size()),
        })
    }

    /// The database that an object is in.
    fn holder(&self, id: ObjectId) -> &Self {
        let holds = |one: &Self| {
            let first = one.first.lock().unwrap_or_else(PoisonError::into_inner);
            gix::objs::Exists::exists(&*first, &id)
        };
        match self.submodules.is_empty() || holds(self) {
            true => self,
            false => self.submodules.iter().find(|one| holds(one)).unwrap_or(self),
        }
    }

    fn read<T>(
        &self,
        id: ObjectId,
        read: impl FnOnce(&mut Reader) -> gix::Result<T>,
    ) -> io::Result<T> {
        let at = self.holder(id);
        if !std::ptr::eq(at, self) {
            return at.read(id, read);
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut reader = idle.unwrap_or_else(|| {
            let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            Reader { handle: first.clone(), buffer: Vec::new() }
        });
        // Never `NotFound`: that an object is missing does not mean that a file is.
        let result = read(&mut reader).map_err(|error| {
            io::Error::other(format!("the git object {id} cannot be read: {error}"))
        });
        if reader.buffer.capacity() > KEPT_BYTES {
            reader.buffer = Vec::new();
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        result
    }
}

/// The git directories of submodules, and of those in them.
fn modules(git_dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![git_dir.join("modules")];
    while let Some(folder) = open.pop() {
        for item in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = item.path();
            // A name may be a path itself.
            match path.join("objects").is_dir() {
                true => {
                    open.push(path.join("modules"));
                    found.push(path);
                }
                false if item.file_type().is_ok_and(|kind| kind.is_dir()) => open.push(path),
                false => {}
            }
        }
    }
    found
}

/// Up to which size a reader's buffer is kept for the next object.
const KEPT_BYTES: usize = 4 << 20;

fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/')
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}
