//! Locks that a file stands for: held by one process, and let go of by the kernel when it ends. Does
//! not know what they protect.

use std::io;
use std::os::fd::OwnedFd;

use qik_model::RelPath;
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

use super::{OsSystem, READ_WRITE};
use crate::LockGuard;

/// The file, closed when a process is started from this one, so that none of those holds the lock.
pub(super) fn open(system: &OsSystem, path: &RelPath) -> io::Result<OwnedFd> {
    let (folder, name) = system.place(path, true)?;
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, name, flags, READ_WRITE)?)
}

/// A file whose lock is held.
struct Held(OwnedFd);

impl Drop for Held {
    fn drop(&mut self) {
        // Closing it would not do: for a moment a process that is being started has it open too.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

/// Waits for it.
pub(super) fn wait(file: OwnedFd) -> io::Result<LockGuard> {
    loop {
        match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
            Err(Errno::INTR) => {}
            result => {
                result?;
                return Ok(LockGuard::new(Held(file)));
            }
        }
    }
}

/// `None` where somebody else holds it.
pub(super) fn try_now(file: OwnedFd) -> io::Result<Option<LockGuard>> {
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(LockGuard::new(Held(file)))),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
