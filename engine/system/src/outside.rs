//! What lies outside of the project, by absolute path: where to look around before there is a
//! project, and [`Outside`], the door that a [`crate::System`] has for the time after. Does not know
//! what is looked for; writes only what the user names a file for.

use std::ffi::{OsStr, OsString};
use std::fmt::Debug;
use std::fs::Metadata;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Files and folders outside of the project: interpreters, environments, other checkouts. Paths are
/// absolute, and links are followed.
pub trait Outside: Debug + Send + Sync {
    /// The bytes of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// What a folder holds, in no order. What vanishes meanwhile is left out.
    fn list(&self, folder: &Path) -> io::Result<Vec<OutsideItem>>;

    /// What tells one state of a file or folder from another.
    fn stamp(&self, path: &Path) -> io::Result<OutsideStamp>;

    /// The same place by its one path without links.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;
}

/// A member of a folder outside of the project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutsideItem {
    /// Its last segment.
    pub name: OsString,
    /// Whether it is a folder or a link to one.
    pub is_folder: bool,
}

/// The facts that tell one state of a file or folder outside of the project from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutsideStamp {
    /// Last change of the bytes, since 1970.
    pub mtime_ns: i128,
    /// Last change of bytes or attributes; unlike `mtime_ns` nobody can set it.
    pub ctime_ns: i128,
    /// Bytes.
    pub size: u64,
    /// Number within the device.
    pub inode: u64,
}

/// The file system itself.
#[derive(Debug)]
pub(crate) struct Disk;

impl Outside for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OutsideItem>> {
        let mut items = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(kind) = entry.file_type() else { continue };
            let is_folder = if kind.is_symlink() {
                std::fs::metadata(entry.path()).is_ok_and(|target| target.is_dir())
            } else {
                kind.is_dir()
            };
            items.push(OutsideItem { name: entry.file_name(), is_folder });
        }
        Ok(items)
    }

    fn stamp(&self, path: &Path) -> io::Result<OutsideStamp> {
        Ok(stamp_of(&std::fs::metadata(path)?))
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }
}

fn stamp_of(meta: &Metadata) -> OutsideStamp {
    let nanos = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    OutsideStamp {
        mtime_ns: nanos(meta.mtime(), meta.mtime_nsec()),
        ctime_ns: nanos(meta.ctime(), meta.ctime_nsec()),
        size: meta.len(),
        inode: meta.ino(),
    }
}

/// The working directory.
pub fn current_dir() -> io::Result<PathBuf> {
    std::env::current_dir()
}

/// The running binary, without links.
pub fn current_binary() -> io::Result<PathBuf> {
    std::fs::canonicalize(std::env::current_exe()?)
}

/// The bytes of a file, by absolute path.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
}

/// Writes a file, by absolute path, as a whole: nobody sees it half written. Folders that lack are
/// made. What is no plain file (a pipe, `/dev/stdout`) is written to.
///
/// # Errors
/// Where it can't be written.
pub fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut beside = path.as_os_str().to_os_string();
    beside.push(format!(".{}.tmp", std::process::id()));
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // What is left of it is of no use to anybody.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

/// Appends to a file, by absolute path.
///
/// # Errors
/// Where it can't be written.
pub fn append_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(bytes)
}

/// Whether there is a file, by absolute path; links are followed.
pub fn is_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file())
}

/// How many bytes a file has, by absolute path; 0 where there is none.
pub fn file_size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

/// The file that would be started as `name` with this `PATH`.
pub fn find_program(name: &str, path: &OsStr) -> Option<PathBuf> {
    let is_program = |file: &PathBuf| {
        std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0)
    };
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(is_program)
}

/// `folder` and those above it, nearest first, up to the first that holds `.git` (a folder, or a
/// file as in worktrees and submodules); that one, last in the list, is the git root. Without one
/// the list goes up to `/`.
pub fn ancestors_to_git_root(folder: &Path) -> (Vec<PathBuf>, Option<PathBuf>) {
    let mut folders = Vec::new();
    for folder in folder.ancestors() {
        folders.push(folder.to_path_buf());
        if std::fs::symlink_metadata(folder.join(".git")).is_ok() {
            return (folders, Some(folder.to_path_buf()));
        }
    }
    (folders, None)
}

/// The folder `path` as the file system knows it: absolute, without links.
///
/// # Errors
/// Where there is none such.
pub fn canonical(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_up_ends_at_the_git_root() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("repo");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join(".git"), "gitdir: elsewhere\n").unwrap();
        let (folders, git_root) = ancestors_to_git_root(&root.join("a/b"));
        assert_eq!(folders, [root.join("a/b"), root.join("a"), root.clone()]);
        assert_eq!(git_root, Some(root));
    }

    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("new/folder/report.xml");
        write_file(&path, b"one").unwrap();
        write_file(&path, b"two").unwrap();
        append_file(&path, b" and three").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two and three");
        assert_eq!((file_size(&path), file_size(&temp.path().join("none"))), (13, 0));
        assert!(is_file(&path) && !is_file(temp.path()));
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "nothing is left"
        );
        assert!(write_file(&temp.path().join("new/folder"), b"a folder").is_err());
        write_file(Path::new("/dev/null"), b"no plain file").unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file(), "it still is none");
    }

    #[test]
    fn links_outside_are_followed() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("folder")).unwrap();
        std::fs::write(root.join("folder/file"), "1").unwrap();
        for (target, link) in
            [("folder", "to-folder"), ("folder/file", "to-file"), ("none", "broken")]
        {
            std::os::unix::fs::symlink(target, root.join(link)).unwrap();
        }

        let mut items = Disk.list(&root).unwrap();
        items.sort();
        let names: Vec<_> =
            items.iter().map(|item| (item.name.to_str().unwrap(), item.is_folder)).collect();
        let expected =
            [("broken", false), ("folder", true), ("to-file", false), ("to-folder", true)];
        assert_eq!(names, expected);
        assert_eq!(Disk.read(&root.join("to-folder/file")).unwrap(), b"1");
        assert_eq!(Disk.canonical(&root.join("to-file")).unwrap(), root.join("folder/file"));
        let stamp = |path: &str| Disk.stamp(&root.join(path)).unwrap();
        assert_eq!(stamp("to-file"), stamp("folder/file"));
        assert_eq!(Disk.stamp(&root.join("broken")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_stamp_tells_a_file_written_over_from_the_one_before() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("file");
        std::fs::write(&path, "1").unwrap();
        let before = Disk.stamp(&path).unwrap();
        assert_eq!(Disk.stamp(&path).unwrap(), before);
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::write(&path, "2").unwrap();
        assert_ne!(Disk.stamp(&path).unwrap(), before);
    }
}
