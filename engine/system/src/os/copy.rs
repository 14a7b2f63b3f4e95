//! Copies bytes from file to file with as little work as the file systems allow. Does not know what
//! the files are.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, OFlags};

use super::READ_WRITE;

/// Makes `to`, which is empty, hold what `from` holds: sharing its blocks where the file system can
/// do that, else copied by the kernel where it can, else read and written.
pub(super) fn contents(from: &File, to: &mut File) -> io::Result<()> {
    if clone(from, to) {
        return Ok(());
    }
    // std asks the kernel for `copy_file_range` first, and falls back by itself.
    let mut from = from;
    io::copy(&mut from, to).map(drop)
}

/// Lets two files share their blocks; `false` where the file system cannot do that.
fn clone(from: &File, to: &File) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::fs::ioctl_ficlone(to, from).is_ok();
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (from, to);
        false
    }
}

/// Whether two files in this folder can share their blocks. Both are gone afterwards.
pub(super) fn tries_to_share(temp: &OwnedFd) -> io::Result<bool> {
    let names = ["one", "two"].map(|name| format!(".qik-{}-share-{name}", std::process::id()));
    let make = |name: &String| {
        let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::RDWR | OFlags::CLOEXEC;
        io::Result::Ok(File::from(rustix::fs::openat(temp, name, flags, READ_WRITE)?))
    };
    let shared = (|| {
        let (mut one, two) = (make(&names[0])?, make(&names[1])?);
        one.write_all(&[1; 4096])?;
        Ok(clone(&one, &two))
    })();
    for name in &names {
        let _ = rustix::fs::unlinkat(temp, name, AtFlags::empty());
    }
    shared
}
