//! A real system that tells what was read of it, with stamps as fine or as coarse as a test wants them.

use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use super::*;
use crate::{DirItem, Env, Exit, Git, LockGuard, Look, Outside, ProcessSpec, Remembered, Stop};

/// How finely folders are stamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tick {
    OfTheDisk,
    /// As on a file system that counts in seconds.
    Second,
    /// A planted defect: the same, and each stamp looks as if it were old.
    SecondTakenForOld,
}

impl Tick {
    fn apply(self, stamp: Stat) -> Stat {
        let coarse = |(seconds, _): (i64, u32), ago| (seconds - ago, 0);
        match self {
            Self::OfTheDisk => stamp,
            Self::Second => {
                Stat { mtime: coarse(stamp.mtime, 0), ctime: coarse(stamp.ctime, 0), ..stamp }
            }
            Self::SecondTakenForOld => {
                Stat { mtime: coarse(stamp.mtime, 9), ctime: coarse(stamp.ctime, 9), ..stamp }
            }
        }
    }
}

/// A system that remembers which files were read, and which folders were listed.
#[derive(Debug)]
pub(super) struct Watched {
    tick: Tick,
    inner: OsSystem,
    reads: Mutex<Vec<RelPath>>,
    lists: Mutex<Vec<RelPath>>,
}

impl Watched {
    pub(super) fn new(inner: OsSystem) -> Self {
        Self::with_tick(inner, Tick::OfTheDisk)
    }

    pub(super) fn with_tick(inner: OsSystem, tick: Tick) -> Self {
        Self { inner, tick, reads: Mutex::default(), lists: Mutex::default() }
    }

    /// The folders that were listed, sorted.
    pub(super) fn listed(&self) -> Vec<String> {
        let mut lists = std::mem::take(&mut *self.lists.lock().unwrap());
        lists.sort();
        lists.iter().map(ToString::to_string).collect()
    }

    pub(super) fn take(&self) -> Vec<String> {
        let mut reads = std::mem::take(&mut *self.reads.lock().unwrap());
        reads.sort();
        reads
            .iter()
            .map(ToString::to_string)
            .filter(|path| !path.contains(".git") && !path.starts_with("._qik"))
            .collect()
    }
}

impl System for Watched {
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
        self.reads.lock().unwrap().push(path.clone());
        self.inner.read(path)
    }
    fn stat(&self, path: &RelPath) -> io::Result<Stat> {
        self.inner.stat(path)
    }
    fn read_link(&self, path: &RelPath) -> io::Result<Vec<u8>> {
        self.reads.lock().unwrap().push(path.clone());
        self.inner.read_link(path)
    }
    fn list(&self, folder: &RelPath) -> io::Result<Vec<DirItem>> {
        self.inner.list(folder)
    }
    fn read_into(&self, path: &RelPath, buffer: &mut Vec<u8>) -> io::Result<Stat> {
        self.reads.lock().unwrap().push(path.clone());
        self.inner.read_into(path, buffer)
    }
    fn look(&self, folder: &RelPath) -> io::Result<Look> {
        self.lists.lock().unwrap().push(folder.clone());
        let look = self.inner.look(folder)?;
        Ok(Look { stamp: look.stamp.map(|stamp| self.tick.apply(stamp)), ..look })
    }
    fn recall(
        &self,
        folder: &RelPath,
        stamp: &Stat,
        members: &[Remembered<'_>],
    ) -> Option<Vec<DirItem>> {
        let now = self.inner.stat(folder).ok()?;
        self.tick.apply(now).same_state(stamp).then_some(())?;
        self.inner.recall(folder, &now, members)
    }
    fn write_atomic(&self, path: &RelPath, bytes: &[u8], kind: FileKind) -> io::Result<()> {
        self.inner.write_atomic(path, bytes, kind)
    }
    fn create_link(&self, path: &RelPath, target: &[u8]) -> io::Result<()> {
        self.inner.create_link(path, target)
    }
    fn rename(&self, from: &RelPath, to: &RelPath) -> io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove_file(&self, path: &RelPath) -> io::Result<()> {
        self.inner.remove_file(path)
    }
    fn remove_empty_folders_up(&self, folder: &RelPath) -> io::Result<()> {
        self.inner.remove_empty_folders_up(folder)
    }
    fn create_dir_all(&self, folder: &RelPath) -> io::Result<()> {
        self.inner.create_dir_all(folder)
    }
    fn append(&self, path: &RelPath, bytes: &[u8]) -> io::Result<()> {
        self.inner.append(path, bytes)
    }
    fn set_kind(&self, path: &RelPath, kind: FileKind) -> io::Result<()> {
        self.inner.set_kind(path, kind)
    }
    fn lock(&self, path: &RelPath) -> io::Result<LockGuard> {
        self.inner.lock(path)
    }
    fn try_lock(&self, path: &RelPath) -> io::Result<Option<LockGuard>> {
        self.inner.try_lock(path)
    }
    fn run(
        &self,
        spec: &ProcessSpec,
        stop: &Stop,
        output: &mut dyn FnMut(&[u8]),
    ) -> io::Result<Exit> {
        self.inner.run(spec, stop, output)
    }
}
