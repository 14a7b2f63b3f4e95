//! Copies bytes from file to file with as little work as the file systems allow. Does not know what
//! the files are.

use std::fs::File;
use std::io;

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
pub(super) fn clone(from: &File, to: &File) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::fs::ioctl_ficlone(to, from).is_ok();
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (from, to);
        false
    }
}
