//! The real world below one project folder. Reads follow paths as the system does; writes walk
//! them folder by folder and refuse links. Does not know which files count as inputs.

mod beneath;
mod copy;
mod lock;
mod put;
mod recall;
mod whole;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use qik_model::{FileKind, RelPath};
use rustix::fs::{AtFlags, Mode, OFlags};

use crate::env::Env;
use crate::git::Git;
use crate::outside::{Disk, Outside};
use crate::process::{self, Exit, ProcessSpec};
use crate::stat::{DirItem, Look, Remembered, Stat, StatKind};
use crate::stop::Stop;
use crate::{LockGuard, System};

/// The operating system, seen from one project folder.
#[derive(Debug)]
pub struct OsSystem {
    root: PathBuf,
    env: Env,
    git: Option<Git>,
    started: Instant,
    /// See [`OsSystem::stamped`].
    stamped: OnceLock<Option<u64>>,
    shares_blocks: OnceLock<bool>,
}

impl OsSystem {
    /// The system below `root`, an absolute path, with the environment of this process.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::with_env(root, Env::of_process())
    }

    /// The same with an environment of its own.
    pub fn with_env(root: impl Into<PathBuf>, env: Env) -> Self {
        let root = root.into();
        Self {
            git: Git::discover(&root),
            root,
            env,
            started: Instant::now(),
            stamped: OnceLock::new(),
            shares_blocks: OnceLock::new(),
        }
    }

    /// The device on which the stamp of a folder tells of its members, if it is such a one.
    fn stamped(&self) -> Option<u64> {
        *self.stamped.get_or_init(|| recall::stamped(&self.root))
    }

    fn full(&self, path: &RelPath) -> PathBuf {
        path.to_path(&self.root)
    }

    /// The open folder that holds `path`, and the last segment.
    fn place<'a>(&self, path: &'a RelPath, create: bool) -> io::Result<(OwnedFd, &'a OsStr)> {
        let parent = path.parent().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "the project folder is no file")
        })?;
        Ok((self.folder(&parent, create)?, OsStr::from_bytes(path.name())))
    }

    fn folder(&self, folder: &RelPath, create: bool) -> io::Result<OwnedFd> {
        beneath::open_folder(&self.root, folder, create)
    }
}

/// What a new file may be used for, less the process's umask.
const READ_WRITE: Mode = Mode::from_raw_mode(0o666);
const READ_WRITE_EXECUTE: Mode = Mode::from_raw_mode(0o777);

impl System for OsSystem {
    fn root(&self) -> &Path {
        &self.root
    }

    fn env(&self) -> &Env {
        &self.env
    }

    fn git(&self) -> Option<&Git> {
        self.git.as_ref()
    }

    fn outside(&self) -> &dyn Outside {
        &Disk
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn read(&self, path: &RelPath) -> io::Result<Vec<u8>> {
        std::fs::read(self.full(path))
    }

    fn read_into(&self, path: &RelPath, buffer: &mut Vec<u8>) -> io::Result<Stat> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        whole::read(&rustix::fs::open(self.full(path), flags, Mode::empty())?, buffer)
    }

    fn read_chunks(&self, path: &RelPath, sink: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        whole::read_chunks(&File::open(self.full(path))?, sink)
    }

    fn stat(&self, path: &RelPath) -> io::Result<Stat> {
        Ok(stat_of(&rustix::fs::lstat(self.full(path))?))
    }

    fn read_link(&self, path: &RelPath) -> io::Result<Vec<u8>> {
        Ok(std::fs::read_link(self.full(path))?.into_os_string().into_vec())
    }

    fn list(&self, folder: &RelPath) -> io::Result<Vec<DirItem>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::open(self.full(folder), flags, Mode::empty())?;
        beneath::list(&fd, beneath::Folders::Asked)
    }

    fn look(&self, folder: &RelPath) -> io::Result<Look> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::open(self.full(folder), flags, Mode::empty())?;
        let stamp = match self.stamped() {
            Some(device) => Some(stat_of(&rustix::fs::fstat(&fd)?)).filter(|s| s.dev == device),
            None => None,
        };
        Ok(Look { stamp, items: beneath::list(&fd, beneath::Folders::Named)? })
    }

    fn recall(
        &self,
        folder: &RelPath,
        stamp: &Stat,
        members: &[Remembered<'_>],
    ) -> Option<Vec<DirItem>> {
        recall::recall(&self.full(folder), self.stamped()?, stamp, members)
    }

    fn write_atomic(&self, path: &RelPath, bytes: &[u8], kind: FileKind) -> io::Result<()> {
        if kind == FileKind::Link {
            return self.create_link(path, bytes);
        }
        self.put(path, |folder, name| put::new_file(folder, name, kind)?.write_all(bytes))
    }

    fn write_with(
        &self,
        path: &RelPath,
        kind: FileKind,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<Option<Stat>> {
        self.put_once(path, kind, |file| {
            let mut out = io::BufWriter::with_capacity(128 * 1024, file);
            fill(&mut out)?;
            out.flush()
        })
    }

    fn copy_file(&self, from: &RelPath, to: &RelPath, kind: FileKind) -> io::Result<Option<Stat>> {
        let source = File::open(self.full(from))?;
        self.put_once(to, kind, |file| copy::contents(&source, file))
    }

    fn shares_blocks(&self) -> bool {
        *self.shares_blocks.get_or_init(|| {
            let temp = self.temp_folder().ok();
            temp.and_then(|temp| copy::tries_to_share(&temp).ok()).unwrap_or_default()
        })
    }

    fn disk_space(&self) -> Option<(u64, u64)> {
        let stat = rustix::fs::statvfs(&self.root).ok()?;
        Some((stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize))
    }

    fn create_link(&self, path: &RelPath, target: &[u8]) -> io::Result<()> {
        self.put(path, |folder, name| Ok(rustix::fs::symlinkat(target, folder, name)?))
    }

    fn rename(&self, from: &RelPath, to: &RelPath) -> io::Result<()> {
        let (old_folder, old_name) = self.place(from, false)?;
        let (new_folder, new_name) = self.place(to, true)?;
        Ok(rustix::fs::renameat(old_folder, old_name, new_folder, new_name)?)
    }

    fn remove_file(&self, path: &RelPath) -> io::Result<()> {
        let (folder, name) = self.place(path, false)?;
        Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?)
    }

    fn remove_empty_folders_up(&self, folder: &RelPath) -> io::Result<()> {
        let mut next = Some(folder.clone());
        while let Some(folder) = next.filter(|folder| !folder.is_root()) {
            let removed = self.place(&folder, false).and_then(|(above, name)| {
                Ok(rustix::fs::unlinkat(above, name, AtFlags::REMOVEDIR)?)
            });
            match removed {
                Ok(()) => {}
                Err(error) => match error.kind() {
                    io::ErrorKind::NotFound => {}
                    io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => break,
                    _ => return Err(error),
                },
            }
            next = folder.parent();
        }
        Ok(())
    }

    fn create_dir_all(&self, folder: &RelPath) -> io::Result<()> {
        self.folder(folder, true).map(drop)
    }

    fn append(&self, path: &RelPath, bytes: &[u8]) -> io::Result<()> {
        let (folder, name) = self.place(path, true)?;
        let flags =
            OFlags::CREATE | OFlags::APPEND | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        File::from(rustix::fs::openat(folder, name, flags, READ_WRITE)?).write_all(bytes)
    }

    fn set_kind(&self, path: &RelPath, kind: FileKind) -> io::Result<()> {
        let (folder, name) = self.place(path, false)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(folder, name, flags, Mode::empty())?;
        let mode = Mode::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
        let execute = Mode::from_raw_mode(0o111);
        let wanted = match kind {
            FileKind::File => mode - execute,
            // Whoever may read it may execute it, as git does at a checkout.
            FileKind::Executable => mode | Mode::from_raw_mode((mode.as_raw_mode() & 0o444) >> 2),
            FileKind::Link => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "a file is not made a link by its mode",
                ));
            }
        };
        if wanted != mode {
            rustix::fs::fchmod(&file, wanted)?;
        }
        Ok(())
    }

    fn lock(&self, path: &RelPath) -> io::Result<LockGuard> {
        lock::wait(lock::open(self, path)?)
    }

    fn try_lock(&self, path: &RelPath) -> io::Result<Option<LockGuard>> {
        lock::try_now(lock::open(self, path)?)
    }

    fn run(
        &self,
        spec: &ProcessSpec,
        stop: &Stop,
        output: &mut dyn FnMut(&[u8]),
    ) -> io::Result<Exit> {
        process::run(spec, stop, output)
    }
}

#[allow(clippy::unnecessary_cast, reason = "the fields' types differ from system to system")]
fn stat_of(stat: &rustix::fs::Stat) -> Stat {
    use rustix::fs::FileType;

    let mode = stat.st_mode;
    Stat {
        kind: match FileType::from_raw_mode(mode) {
            FileType::RegularFile if mode & 0o100 != 0 => StatKind::Executable,
            FileType::RegularFile => StatKind::File,
            FileType::Symlink => StatKind::Link,
            FileType::Directory => StatKind::Folder,
            _ => StatKind::Other,
        },
        size: stat.st_size as u64,
        mtime: (stat.st_mtime as i64, stat.st_mtime_nsec as u32),
        ctime: (stat.st_ctime as i64, stat.st_ctime_nsec as u32),
        ino: stat.st_ino as u64,
        dev: stat.st_dev as u64,
    }
}

#[cfg(test)]
mod tests;
