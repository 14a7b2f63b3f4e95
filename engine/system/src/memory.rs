//! A world in memory, for tests: files, an environment, a clock that ticks when it is looked at,
//! and processes that are functions. Knows no git, and follows no links.

mod outside;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use qik_model::{FileKind, RelPath};

use crate::env::Env;
use crate::git::Git;
use crate::outside::Outside;
use crate::process::{Exit, ProcessSpec};
use crate::stat::{DirItem, Stat, StatKind};
use crate::stop::Stop;
use crate::{LockGuard, System};

use outside::OutsideFiles;

/// What stands in for running a shell line.
type Runner =
    dyn Fn(&MemorySystem, &ProcessSpec, &mut dyn FnMut(&[u8])) -> io::Result<Exit> + Send + Sync;

/// A [`System`] without a disk.
pub struct MemorySystem {
    root: PathBuf,
    env: Env,
    state: Mutex<State>,
    locks: Arc<Locks>,
    outside: OutsideFiles,
    runner: Option<Box<Runner>>,
}

#[derive(Debug, Default)]
struct State {
    nodes: BTreeMap<RelPath, Node>,
    ticks: u64,
    reads: Vec<RelPath>,
}

#[derive(Clone, Debug)]
struct Node {
    kind: StatKind,
    bytes: Arc<[u8]>,
    mtime: u64,
    ctime: u64,
    ino: u64,
}

#[derive(Debug, Default)]
struct Locks {
    held: Mutex<BTreeSet<RelPath>>,
    freed: Condvar,
}

impl MemorySystem {
    /// An empty project at `/project`.
    pub fn new() -> Self {
        Self {
            root: PathBuf::from("/project"),
            env: Env::default(),
            state: Mutex::default(),
            locks: Arc::default(),
            outside: OutsideFiles::default(),
            runner: None,
        }
    }

    /// With a file.
    #[must_use]
    pub fn with_file(self, path: impl Into<RelPath>, bytes: impl AsRef<[u8]>) -> Self {
        self.write(path, bytes);
        self
    }

    /// With a variable.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env = self.env.with(name, value);
        self
    }

    /// With a function that stands in for every process.
    #[must_use]
    pub fn with_runner(
        mut self,
        runner: impl Fn(&Self, &ProcessSpec, &mut dyn FnMut(&[u8])) -> io::Result<Exit>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.runner = Some(Box::new(runner));
        self
    }

    /// Writes a plain file, as an editor would.
    ///
    /// # Panics
    ///
    /// Where a file stands in the way of a folder, or a folder in the way of the file.
    pub fn write(&self, path: impl Into<RelPath>, bytes: impl AsRef<[u8]>) {
        let path = path.into();
        self.write_atomic(&path, bytes.as_ref(), FileKind::File).expect("nothing in the way");
    }

    /// Removes a file, or a folder with all that it holds.
    pub fn remove(&self, path: impl Into<RelPath>) {
        let path = path.into();
        self.state().nodes.retain(|known, _| !known.is_within(&path));
    }

    /// With a file outside of the project, at an absolute path.
    #[must_use]
    pub fn with_outside_file(self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Self {
        self.write_outside(path, bytes);
        self
    }

    /// Writes a file outside of the project; the folders above it are there with it.
    pub fn write_outside(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        self.outside.write(path.as_ref(), bytes.as_ref());
    }

    /// Removes a file outside of the project, or a folder with all that it holds.
    pub fn remove_outside(&self, path: impl AsRef<Path>) {
        self.outside.remove(path.as_ref());
    }

    /// All files and links, sorted.
    pub fn files(&self) -> Vec<RelPath> {
        let state = self.state();
        let files = state.nodes.iter().filter(|(_, node)| node.kind != StatKind::Folder);
        files.map(|(path, _)| path.clone()).collect()
    }

    /// The files read since this was last asked, in order.
    pub fn take_reads(&self) -> Vec<RelPath> {
        std::mem::take(&mut self.state().reads)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn node(&self, path: &RelPath) -> io::Result<&Node> {
        self.nodes.get(path).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The time, which goes on by being asked for.
    fn tick(&mut self) -> u64 {
        self.ticks += TICK;
        self.ticks
    }

    fn folders(&mut self, folder: &RelPath) -> io::Result<()> {
        if folder.is_root() {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            self.folders(&parent)?;
        }
        match self.nodes.get(folder) {
            Some(node) if node.kind == StatKind::Folder => Ok(()),
            Some(node) => {
                let what = match node.kind {
                    StatKind::Link => {
                        format!("`{folder}` is a link; qik does not write through links to folders")
                    }
                    _ => format!("`{folder}` is no folder"),
                };
                Err(io::Error::new(io::ErrorKind::NotADirectory, what))
            }
            None => {
                self.insert(folder.clone(), StatKind::Folder, Arc::from([]));
                Ok(())
            }
        }
    }

    fn put(&mut self, path: &RelPath, kind: StatKind, bytes: Arc<[u8]>) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            self.folders(&parent)?;
        }
        if path.is_root() || self.nodes.get(path).is_some_and(|n| n.kind == StatKind::Folder) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        self.insert(path.clone(), kind, bytes);
        Ok(())
    }

    fn insert(&mut self, path: RelPath, kind: StatKind, bytes: Arc<[u8]>) {
        let now = self.tick();
        self.nodes.insert(path, Node { kind, bytes, mtime: now, ctime: now, ino: now });
    }

    fn is_empty(&self, folder: &RelPath) -> bool {
        !self.nodes.keys().any(|path| path != folder && path.is_within(folder))
    }
}

/// Long enough for a stamp to be settled by the time that the clock is next looked at.
const TICK: u64 = 50_000_001;

fn stat_of(node: &Node) -> Stat {
    let time = |nanos: u64| ((nanos / 1_000_000_000) as i64, (nanos % 1_000_000_000) as u32);
    Stat {
        kind: node.kind,
        size: node.bytes.len() as u64,
        mtime: time(node.mtime),
        ctime: time(node.ctime),
        ino: node.ino,
        dev: 1,
    }
}

impl System for MemorySystem {
    fn root(&self) -> &Path {
        &self.root
    }

    fn env(&self) -> &Env {
        &self.env
    }

    fn git(&self) -> Option<&Git> {
        None
    }

    fn outside(&self) -> &dyn Outside {
        &self.outside
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.state().tick())
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.state().tick())
    }

    fn read(&self, path: &RelPath) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        state.reads.push(path.clone());
        match state.node(path)? {
            node if node.kind == StatKind::Folder => Err(io::ErrorKind::IsADirectory.into()),
            node => Ok(node.bytes.to_vec()),
        }
    }

    fn stat(&self, path: &RelPath) -> io::Result<Stat> {
        if path.is_root() {
            let root =
                Node { kind: StatKind::Folder, bytes: Arc::from([]), mtime: 0, ctime: 0, ino: 0 };
            return Ok(stat_of(&root));
        }
        self.state().node(path).map(stat_of)
    }

    fn read_link(&self, path: &RelPath) -> io::Result<Vec<u8>> {
        match self.state().node(path)? {
            node if node.kind == StatKind::Link => Ok(node.bytes.to_vec()),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn list(&self, folder: &RelPath) -> io::Result<Vec<DirItem>> {
        if self.stat(folder)?.kind != StatKind::Folder {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let state = self.state();
        let members = state.nodes.iter().filter(|(path, _)| path.parent().as_ref() == Some(folder));
        Ok(members
            .map(|(path, node)| DirItem { name: path.name().into(), stat: stat_of(node) })
            .collect())
    }

    fn write_atomic(&self, path: &RelPath, bytes: &[u8], kind: FileKind) -> io::Result<()> {
        let kind = match kind {
            FileKind::File => StatKind::File,
            FileKind::Executable => StatKind::Executable,
            FileKind::Link => StatKind::Link,
        };
        self.state().put(path, kind, bytes.into())
    }

    fn create_link(&self, path: &RelPath, target: &[u8]) -> io::Result<()> {
        self.state().put(path, StatKind::Link, target.into())
    }

    fn rename(&self, from: &RelPath, to: &RelPath) -> io::Result<()> {
        let mut state = self.state();
        state.node(from)?;
        if let Some(parent) = to.parent() {
            state.folders(&parent)?;
        }
        let moved: Vec<RelPath> =
            state.nodes.keys().filter(|path| path.is_within(from)).cloned().collect();
        for path in moved {
            let Some(mut node) = state.nodes.remove(&path) else { continue };
            node.ctime = state.tick();
            let rest = &path.as_bytes()[from.as_bytes().len()..];
            let rest = rest.strip_prefix(b"/").unwrap_or(rest);
            state.nodes.insert(to.join(rest), node);
        }
        Ok(())
    }

    fn remove_file(&self, path: &RelPath) -> io::Result<()> {
        let mut state = self.state();
        if state.node(path)?.kind == StatKind::Folder {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        state.nodes.remove(path);
        Ok(())
    }

    fn remove_empty_folders_up(&self, folder: &RelPath) -> io::Result<()> {
        let mut state = self.state();
        let mut next = Some(folder.clone());
        while let Some(folder) = next.filter(|folder| !folder.is_root()) {
            if !state.is_empty(&folder) {
                break;
            }
            state.nodes.remove(&folder);
            next = folder.parent();
        }
        Ok(())
    }

    fn create_dir_all(&self, folder: &RelPath) -> io::Result<()> {
        self.state().folders(folder)
    }

    fn append(&self, path: &RelPath, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let (kind, mut whole) = match state.nodes.get(path) {
            Some(node) => (node.kind, node.bytes.to_vec()),
            None => (StatKind::File, Vec::new()),
        };
        whole.extend_from_slice(bytes);
        state.put(path, kind, whole.into())
    }

    fn set_kind(&self, path: &RelPath, kind: FileKind) -> io::Result<()> {
        let mut state = self.state();
        let now = state.tick();
        let node = state.nodes.get_mut(path).ok_or(io::ErrorKind::NotFound)?;
        node.kind = match kind {
            FileKind::File => StatKind::File,
            FileKind::Executable => StatKind::Executable,
            FileKind::Link => return Err(io::ErrorKind::InvalidInput.into()),
        };
        node.ctime = now;
        Ok(())
    }

    fn lock(&self, path: &RelPath) -> io::Result<LockGuard> {
        let mut held = self.locks.held.lock().unwrap_or_else(PoisonError::into_inner);
        while !held.insert(path.clone()) {
            held = self.locks.freed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(LockGuard::new(Held { locks: self.locks.clone(), path: path.clone() }))
    }

    fn try_lock(&self, path: &RelPath) -> io::Result<Option<LockGuard>> {
        let mut held = self.locks.held.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = held.insert(path.clone());
        let guard = || LockGuard::new(Held { locks: self.locks.clone(), path: path.clone() });
        Ok(is_free.then(guard))
    }

    fn run(
        &self,
        spec: &ProcessSpec,
        stop: &Stop,
        output: &mut dyn FnMut(&[u8]),
    ) -> io::Result<Exit> {
        if let Some(signal) = stop.requested() {
            return Ok(Exit::Stopped(signal));
        }
        match &self.runner {
            Some(runner) => runner(self, spec, output),
            None => Err(io::Error::new(io::ErrorKind::Unsupported, "no processes in memory")),
        }
    }
}

struct Held {
    locks: Arc<Locks>,
    path: RelPath,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.locks.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.path);
        self.locks.freed.notify_all();
    }
}

impl Default for MemorySystem {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemorySystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySystem").field("files", &self.files()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_and_go_with_files() {
        let system = MemorySystem::new().with_file("a/b/c", "1").with_file("a/d", "2");
        let names = |folder: &str| -> Vec<String> {
            let items = system.list(&folder.into()).unwrap();
            items.iter().map(|item| String::from_utf8_lossy(&item.name).into()).collect()
        };
        assert_eq!((names(""), names("a")), (vec!["a".into()], vec!["b".into(), "d".into()]));
        system.rename(&"a/b".into(), &"x/y".into()).unwrap();
        assert_eq!(system.files(), ["a/d".into(), "x/y/c".into()]);
        system.remove_file(&"a/d".into()).unwrap();
        system.remove_empty_folders_up(&"a".into()).unwrap();
        assert_eq!(names(""), ["x"]);
    }

    #[test]
    fn a_write_changes_the_stamp_and_a_read_does_not() {
        let system = MemorySystem::new().with_file("a", "1");
        let path: RelPath = "a".into();
        let before = system.stat(&path).unwrap();
        system.read(&path).unwrap();
        assert!(before.same_state(&system.stat(&path).unwrap()));
        system.write("a", "1");
        assert!(!before.same_state(&system.stat(&path).unwrap()));
    }

    #[test]
    fn what_lies_outside_is_apart_from_the_project() {
        let system = MemorySystem::new().with_outside_file("/venv/a.py", "1").with_file("b", "2");
        let outside = system.outside();
        let path = Path::new("/venv/a.py");
        let before = outside.stamp(path).unwrap();
        system.write_outside(path, "1");
        assert_ne!(outside.stamp(path).unwrap(), before);
        assert_eq!(system.files(), ["b".into()]);
        system.remove_outside("/venv");
        assert_eq!(outside.read(path).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_function_stands_in_for_a_process() {
        let system = MemorySystem::new().with_runner(|system, spec, output| {
            system.write("out", &spec.shell_line);
            output(b"done\n");
            Ok(Exit::Code(3))
        });
        let spec = ProcessSpec {
            shell_line: "build".into(),
            cwd: system.root().into(),
            env: Vec::new(),
            timeout: None,
            terminal: false,
        };
        let mut log = Vec::new();
        let stop = Stop::new().unwrap();
        let exit = system.run(&spec, &stop, &mut |bytes| log.extend_from_slice(bytes)).unwrap();
        assert_eq!((exit, log.as_slice()), (Exit::Code(3), b"done\n".as_slice()));
        assert_eq!(system.read(&"out".into()).unwrap(), b"build");
    }
}
