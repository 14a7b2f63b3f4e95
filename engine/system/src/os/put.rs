//! Puts whole files in place: made under a temporary name, then moved. Does not know what is in them.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use qik_model::{FileKind, RelPath};
use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use super::{OsSystem, READ_WRITE, READ_WRITE_EXECUTE, stat_of};
use crate::STATE_FOLDER;
use crate::stat::Stat;

impl OsSystem {
    /// Makes something under a temporary name and moves it into place: in qik's own folder, so that
    /// what a kill leaves behind is nobody's input, or beside the place where that is on another
    /// file system.
    pub(super) fn put(
        &self,
        path: &RelPath,
        make: impl Fn(&OwnedFd, &str) -> io::Result<()>,
    ) -> io::Result<()> {
        let (folder, name) = self.place(path, true)?;
        match put_by_way_of(&self.temp_folder()?, &folder, name, &make) {
            Err(error) if error.raw_os_error() == Some(Errno::XDEV.raw_os_error()) => {
                put_by_way_of(&folder, &folder, name, &make)
            }
            result => result,
        }
    }

    /// The same for a file, whose bytes may not be to be had twice: where it can be moved from is
    /// found out before. The stat by which it is known to hold just these bytes, as
    /// [`crate::System::write_with`] says.
    pub(super) fn put_once(
        &self,
        path: &RelPath,
        kind: FileKind,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<Option<Stat>> {
        let (folder, name) = self.place(path, true)?;
        let temp = self.temp_folder()?;
        let is_near = rustix::fs::fstat(&temp)?.st_dev == rustix::fs::fstat(&folder)?.st_dev;
        let temp = if is_near { &temp } else { &folder };
        let (file, stamp) = put_by_way_of(temp, &folder, name, |folder, temp| {
            let mut file = new_file(folder, temp, kind)?;
            fill(&mut file)?;
            let stamp = stamp(&file);
            Ok((file, stamp))
        })?;
        // The move changed its ctime.
        let now = rustix::fs::fstat(&file).ok().map(|stat| stat_of(&stat));
        Ok(now.filter(|now| Some(now.mtime) == stamp))
    }

    pub(super) fn temp_folder(&self) -> io::Result<OwnedFd> {
        let state = RelPath::from_clean(STATE_FOLDER.as_bytes());
        let temp = state.join("tmp");
        match self.folder(&temp, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
        let opened = self.folder(&temp, true)?;
        // The folder tells git itself that it is nobody's business.
        let state = self.folder(&state, false)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        if let Ok(file) = rustix::fs::openat(state, ".gitignore", flags, READ_WRITE) {
            File::from(file).write_all(b"*\n")?;
        }
        Ok(opened)
    }
}

/// An empty file that was not there before.
pub(super) fn new_file(folder: &OwnedFd, name: &str, kind: FileKind) -> io::Result<File> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let executable = kind == FileKind::Executable;
    let mode: Mode = if executable { READ_WRITE_EXECUTE } else { READ_WRITE };
    Ok(File::from(rustix::fs::openat(folder, name, flags, mode)?))
}

fn put_by_way_of<T>(
    temp: &OwnedFd,
    folder: &OwnedFd,
    name: &OsStr,
    make: impl FnOnce(&OwnedFd, &str) -> io::Result<T>,
) -> io::Result<T> {
    // One count for all systems of the process: two of them may see one folder.
    static TEMP_FILES: AtomicU64 = AtomicU64::new(0);
    let count = TEMP_FILES.fetch_add(1, Ordering::Relaxed);
    let temp_name = format!(".qik-{}-{count}", std::process::id());
    // Left by a process of the same number that was killed.
    let _ = rustix::fs::unlinkat(temp, &temp_name, AtFlags::empty());
    let moved = make(temp, &temp_name).and_then(|made| {
        rustix::fs::renameat(temp, &temp_name, folder, name)?;
        Ok(made)
    });
    if moved.is_err() {
        let _ = rustix::fs::unlinkat(temp, &temp_name, AtFlags::empty());
    }
    moved
}

/// Gives a file that nobody else can have seen yet an mtime that no later write gives it; `None` where
/// the file system has none so fine.
///
/// Many kernels stamp writes with the time of the last tick, so a write after ours may leave the very
/// stamp of ours, and the file would have to be read again a while later to be sure of it. The time
/// set here is one between two ticks.
fn stamp(file: &File) -> Option<(i64, u32)> {
    let of_a_tick = stat_of(&rustix::fs::fstat(file).ok()?).mtime;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let mut stamp = (i64::try_from(now.as_secs()).ok()?, now.subsec_nanos());
    if stamp == of_a_tick || stamp.1 == 0 {
        stamp.1 += 1;
    }
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: stamp.0, tv_nsec: stamp.1.into() },
    };
    rustix::fs::futimens(file, &times).ok()?;
    Some(stamp)
}
