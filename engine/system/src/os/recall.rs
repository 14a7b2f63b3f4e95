//! Looks at the members of a folder that were listed earlier, if the folder's stamp says that they
//! are the same. Does not know where they were noted down.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::stat_of;
use crate::stat::{DirItem, Remembered, Stat, StatKind};

/// From how many files on it pays to open the folder instead of asking for each by its whole path.
const MANY: usize = 8;

/// How a folder is opened whose listing is not asked for.
#[cfg(target_os = "linux")]
const UNREAD: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const UNREAD: OFlags = OFlags::RDONLY;

/// The device of `root`, if folders there get another stamp with each member that comes, goes or is
/// renamed, seen from this machine alone: so it is on the file systems named here, while those of a
/// network may show stamps of a while ago, and others stamp folders once.
pub(super) fn stamped(root: &Path) -> Option<u64> {
    is_known(root).then_some(())?;
    Some(stat_of(&rustix::fs::stat(root).ok()?).dev)
}

#[cfg(target_os = "linux")]
#[allow(clippy::unnecessary_cast, reason = "the field's type differs from machine to machine")]
fn is_known(root: &Path) -> bool {
    const EXT: u64 = 0xef53;
    const XFS: u64 = 0x5846_5342;
    const BTRFS: u64 = 0x9123_683e;
    const F2FS: u64 = 0xf2f5_2010;
    const BCACHEFS: u64 = 0xca45_1a4e;
    const TMPFS: u64 = 0x0102_1994;
    const OVERLAY: u64 = 0x794c_7630;

    let kind = rustix::fs::statfs(root).map(|found| found.f_type as u64 & 0xffff_ffff);
    kind.is_ok_and(|kind| [EXT, XFS, BTRFS, F2FS, BCACHEFS, TMPFS, OVERLAY].contains(&kind))
}

#[cfg(not(target_os = "linux"))]
fn is_known(_: &Path) -> bool {
    false
}

/// See [`crate::System::recall`]. The folder is asked first: what comes to it after that is for the
/// next look, and gives the folder another stamp.
pub(super) fn recall(
    folder: &Path,
    device: u64,
    stamp: &Stat,
    members: &[Remembered<'_>],
) -> Option<Vec<DirItem>> {
    let now = stat_of(&rustix::fs::lstat(folder).ok()?);
    if now.dev != device || now.kind != StatKind::Folder || !now.same_state(stamp) {
        return None;
    }
    if members.iter().filter(|member| !member.is_folder).count() < MANY {
        let mut path = folder.as_os_str().as_bytes().to_vec();
        path.push(b'/');
        let skip = path.len();
        return all(members, |name| {
            path.truncate(skip);
            path.extend_from_slice(name);
            let path = Path::new(OsStr::from_bytes(&path));
            rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)
        });
    }
    let flags = UNREAD | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = rustix::fs::open(folder, flags, Mode::empty()).ok()?;
    all(members, |name| {
        rustix::fs::statat(&open, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW)
    })
}

fn all(
    members: &[Remembered<'_>],
    mut ask: impl FnMut(&[u8]) -> rustix::io::Result<rustix::fs::Stat>,
) -> Option<Vec<DirItem>> {
    let mut items = Vec::with_capacity(members.len());
    for member in members {
        if member.is_folder {
            items.push(DirItem::folder(member.name));
            continue;
        }
        match ask(member.name) {
            Ok(stat) => items.push(DirItem { name: member.name.into(), stat: stat_of(&stat) }),
            // It went away between the two questions.
            Err(Errno::NOENT) => {}
            Err(_) => return None,
        }
    }
    Some(items)
}
