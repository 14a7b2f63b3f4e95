//! The one door to the world: files, the git index, the environment, clocks and processes.
//!
//! Every other room reaches the outside through a [`System`]: [`OsSystem`] is the real one,
//! [`MemorySystem`] lives in memory for tests, [`CommitSystem`] is the project as a commit holds it.
//! [`WorkTree`] says what the project's files are right
//! now. This room does not know what a command, a fingerprint or a cache entry is.
//!
//! ```
//! use qik_system::{MemorySystem, System, TreeOptions, WorkTree};
//! use std::sync::Arc;
//!
//! let system = Arc::new(MemorySystem::new().with_file("app/main.py", "import os\n"));
//! let mut tree = WorkTree::open(system.clone(), TreeOptions::default());
//! assert_eq!(tree.scan().folders.len(), 2);
//!
//! system.write("app/main.py", "import sys\n");
//! let delta = tree.refresh(&["app/main.py".into()]);
//! assert_eq!(delta.touched, ["app/main.py".into()]);
//! ```
#![allow(clippy::disallowed_methods, reason = "this room is the door that the others are kept to")]

mod blob;
mod commit;
mod env;
mod exec;
mod git;
mod keys;
mod machine;
mod memory;
mod os;
mod outside;
mod process;
mod stat;
mod stop;
mod trace;
mod watch;
mod worktree;

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use qik_model::{FileKind, RelPath};

pub use blob::is_content_of_file;
pub use commit::CommitSystem;
pub use env::Env;
pub use exec::exec;
pub use git::{CommitId, Git, NoCommit};
pub use keys::Keys;
pub use machine::{Stream, cpu_count, is_terminal, terminal_width, unix_seconds};
pub use memory::MemorySystem;
pub use os::OsSystem;
pub use outside::{
    Outside, OutsideItem, OutsideStamp, ancestors_to_git_root, append_file, canonical,
    current_binary, current_dir, file_size, find_program, is_file, read_file, write_file,
};
pub use process::{Exit, ProcessSpec};
pub use stat::{DirItem, Look, Remembered, Stat, StatKind};
pub use stop::{Stop, signals};
pub use trace::{NotedPhase, Phase, Trace, phase, phase_on, start_trace, trace};
pub use watch::{Stirred, Watcher};
pub use worktree::{
    Delta, Revision, TreeEntry, TreeNode, TreeOptions, WorkTree, blob_id, is_content_of,
};

/// The folder in the project that is qik's own: state, logs, the local cache.
pub const STATE_FOLDER: &str = "._qik";

/// What qik can ask of the world. Paths are relative to [`System::root`].
///
/// No write follows a symbolic link in a parent of its path: such a path is refused, since what it
/// names lies outside what its text says.
pub trait System: Debug + Send + Sync {
    /// The project folder, absolute.
    fn root(&self) -> &Path;

    /// The environment as it was when the system was made.
    fn env(&self) -> &Env;

    /// The git repository that the project lies in, if any.
    fn git(&self) -> Option<&Git>;

    /// What lies outside of the project.
    fn outside(&self) -> &dyn Outside;

    /// The time of day, as file stamps know it.
    fn now(&self) -> SystemTime;

    /// Time since the system was made; never goes back.
    fn elapsed(&self) -> Duration;

    /// The bytes of a file. A link is followed.
    fn read(&self, path: &RelPath) -> io::Result<Vec<u8>>;

    /// The bytes of a file in place of what `buffer` held, and what the file was after it was read.
    /// A link is followed.
    fn read_into(&self, path: &RelPath, buffer: &mut Vec<u8>) -> io::Result<Stat> {
        *buffer = self.read(path)?;
        self.stat(path)
    }

    /// Hands the bytes of a file over piece by piece.
    fn read_chunks(&self, path: &RelPath, sink: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        sink(&self.read(path)?);
        Ok(())
    }

    /// What is there. A link is not followed.
    fn stat(&self, path: &RelPath) -> io::Result<Stat>;

    /// The text that a link points to.
    fn read_link(&self, path: &RelPath) -> io::Result<Vec<u8>>;

    /// What a folder holds, in no order. What vanishes meanwhile is left out.
    fn list(&self, folder: &RelPath) -> io::Result<Vec<DirItem>>;

    /// The same for whoever wants to remember what a folder holds, with the stamp to remember it
    /// under. Of folders in it only the kind is told.
    fn look(&self, folder: &RelPath) -> io::Result<Look> {
        Ok(Look { stamp: None, items: self.list(folder)? })
    }

    /// What [`System::look`] would tell of a folder that held `members` while it had the stat
    /// `stamp`, without listing it: the members as they are now. `None` where the folder changed
    /// since, or its stamp can't be trusted.
    fn recall(
        &self,
        _folder: &RelPath,
        _stamp: &Stat,
        _members: &[Remembered<'_>],
    ) -> Option<Vec<DirItem>> {
        None
    }

    /// Puts a whole file in place at once, with the folders above it. A file or link in the way is
    /// replaced. `kind` is `File` or `Executable`; for links there is [`System::create_link`].
    fn write_atomic(&self, path: &RelPath, bytes: &[u8], kind: FileKind) -> io::Result<()>;

    /// As [`System::write_atomic`], with bytes that `fill` writes piece by piece. Nothing is put in
    /// place where `fill` fails.
    fn write_with(
        &self,
        path: &RelPath,
        kind: FileKind,
        fill: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut bytes = Vec::new();
        fill(&mut bytes)?;
        self.write_atomic(path, &bytes, kind)
    }

    /// As [`System::write_atomic`], with the bytes of another file, which is not a link. Where the
    /// file system allows it the two share their blocks until one of them is written to.
    fn copy_file(&self, from: &RelPath, to: &RelPath, kind: FileKind) -> io::Result<()> {
        self.write_atomic(to, &self.read(from)?, kind)
    }

    /// Whether a copy of a file costs next to nothing here.
    fn shares_blocks(&self) -> bool {
        false
    }

    /// Bytes that are free, and bytes that there are, where the project lies; `None` where that
    /// cannot be told.
    fn disk_space(&self) -> Option<(u64, u64)> {
        None
    }

    /// Puts a link in place at once, with the folders above it. A file or link in the way is
    /// replaced.
    fn create_link(&self, path: &RelPath, target: &[u8]) -> io::Result<()>;

    /// Moves a file, link or folder; creates the folders above its new place.
    fn rename(&self, from: &RelPath, to: &RelPath) -> io::Result<()>;

    /// Removes a file or link.
    fn remove_file(&self, path: &RelPath) -> io::Result<()>;

    /// Removes `folder` and the folders above it as long as they are empty; never the root. What
    /// is not there is no error.
    fn remove_empty_folders_up(&self, folder: &RelPath) -> io::Result<()>;

    /// Makes a folder and those above it.
    fn create_dir_all(&self, folder: &RelPath) -> io::Result<()>;

    /// Adds to the end of a file by one write; makes the file and the folders above it.
    fn append(&self, path: &RelPath, bytes: &[u8]) -> io::Result<()>;

    /// Sets or clears the exec bits of a file.
    fn set_kind(&self, path: &RelPath, kind: FileKind) -> io::Result<()>;

    /// Waits for the lock that this file stands for, and holds it until the guard is dropped.
    fn lock(&self, path: &RelPath) -> io::Result<LockGuard>;

    /// As [`System::lock`], without waiting: `None` where somebody else holds it. A process that dies
    /// lets go of it; the processes that it started do not hold it.
    fn try_lock(&self, path: &RelPath) -> io::Result<Option<LockGuard>>;

    /// Runs a shell line to its end and hands its output over as it comes.
    fn run(
        &self,
        spec: &ProcessSpec,
        stop: &Stop,
        output: &mut dyn FnMut(&[u8]),
    ) -> io::Result<Exit>;
}

/// A lock that is held until this is dropped.
pub struct LockGuard(#[expect(dead_code, reason = "held for its drop")] Box<dyn Send>);

impl LockGuard {
    pub(crate) fn new(held: impl Send + 'static) -> Self {
        Self(Box::new(held))
    }
}

impl Debug for LockGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LockGuard")
    }
}
