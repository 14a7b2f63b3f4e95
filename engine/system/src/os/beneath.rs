//! Walks below an open folder without following links. Does not know the project.

use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use qik_model::RelPath;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir};
use rustix::io::Errno;

use super::stat_of;
use crate::stat::DirItem;

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens `folder` below `root` (which may itself be reached by links), making what is missing if
/// `create`. A link on the way is an error that names it.
pub(super) fn open_folder(root: &Path, folder: &RelPath, create: bool) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut current = rustix::fs::open(root, flags, Mode::empty())?;
    let mut walked = RelPath::root();
    for segment in folder.segments() {
        let name = OsStr::from_bytes(segment);
        walked = walked.join(segment);
        let opened = match rustix::fs::openat(&current, name, FOLDER, Mode::empty()) {
            Err(Errno::NOENT) if create => {
                match rustix::fs::mkdirat(&current, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                rustix::fs::openat(&current, name, FOLDER, Mode::empty())
            }
            result => result,
        };
        current = opened.map_err(|error| match error {
            Errno::LOOP | Errno::NOTDIR => in_the_way(&current, name, &walked),
            error => error.into(),
        })?;
    }
    Ok(current)
}

fn in_the_way(folder: &OwnedFd, name: &OsStr, walked: &RelPath) -> io::Error {
    let is_link = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
    let what = if is_link {
        format!("`{walked}` is a link; qik does not write through links to folders")
    } else {
        format!("`{walked}` is no folder")
    };
    io::Error::new(io::ErrorKind::NotADirectory, what)
}

/// What is told of the folders in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folders {
    /// All, as of files.
    Asked,
    /// That they are folders, as far as the listing says so itself.
    Named,
}

/// The members of an open folder: names by getdents, each asked about by name within the folder.
pub(super) fn list(folder: &OwnedFd, folders: Folders) -> io::Result<Vec<DirItem>> {
    let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
    let mut items = Vec::new();
    let mut entries = RawDir::new(folder, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if folders == Folders::Named && entry.file_type() == FileType::Directory {
            items.push(DirItem::folder(name.to_bytes()));
            continue;
        }
        match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                items.push(DirItem { name: name.to_bytes().into(), stat: stat_of(&stat) });
            }
            // It went away between the two questions.
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(items)
}
