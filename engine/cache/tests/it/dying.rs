//! A system that stops working: after so many changes nothing is written any more, as where the
//! process was killed; or one change fails and the rest go on, as where the disk was full.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::{Duration, SystemTime};

use qik_model::{FileKind, RelPath};
use qik_system::{DirItem, Env, Exit, Git, LockGuard, Outside, ProcessSpec, Stat, Stop, System};

#[derive(Debug)]
pub struct Dying {
    pub inner: Arc<dyn System>,
    pub left: AtomicIsize,
    /// Whether only one change fails.
    pub once: bool,
}

impl Dying {
    pub fn new(inner: Arc<dyn System>, left: isize, once: bool) -> Arc<Self> {
        Arc::new(Self { inner, left: AtomicIsize::new(left), once })
    }

    pub fn has_failed(&self) -> bool {
        self.left.load(Ordering::Relaxed) < 0
    }

    fn spend(&self) -> io::Result<()> {
        match self.left.fetch_sub(1, Ordering::Relaxed) {
            left if left > 0 => Ok(()),
            0 => Err(io::Error::other("no more")),
            _ if self.once => Ok(()),
            _ => Err(io::Error::other("no more")),
        }
    }
}

impl System for Dying {
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
        self.inner.read(path)
    }
    fn stat(&self, path: &RelPath) -> io::Result<Stat> {
        self.inner.stat(path)
    }
    fn read_link(&self, path: &RelPath) -> io::Result<Vec<u8>> {
        self.inner.read_link(path)
    }
    fn list(&self, folder: &RelPath) -> io::Result<Vec<DirItem>> {
        self.inner.list(folder)
    }
    fn write_atomic(&self, path: &RelPath, bytes: &[u8], kind: FileKind) -> io::Result<()> {
        self.spend()?;
        self.inner.write_atomic(path, bytes, kind)
    }
    fn create_link(&self, path: &RelPath, target: &[u8]) -> io::Result<()> {
        self.spend()?;
        self.inner.create_link(path, target)
    }
    fn rename(&self, from: &RelPath, to: &RelPath) -> io::Result<()> {
        self.spend()?;
        self.inner.rename(from, to)
    }
    fn remove_file(&self, path: &RelPath) -> io::Result<()> {
        self.spend()?;
        self.inner.remove_file(path)
    }
    fn remove_empty_folders_up(&self, folder: &RelPath) -> io::Result<()> {
        self.spend()?;
        self.inner.remove_empty_folders_up(folder)
    }
    fn create_dir_all(&self, folder: &RelPath) -> io::Result<()> {
        self.spend()?;
        self.inner.create_dir_all(folder)
    }
    fn append(&self, path: &RelPath, bytes: &[u8]) -> io::Result<()> {
        self.spend()?;
        self.inner.append(path, bytes)
    }
    fn set_kind(&self, path: &RelPath, kind: FileKind) -> io::Result<()> {
        self.spend()?;
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
