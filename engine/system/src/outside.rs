//! Looks around before there is a project: folders and files by absolute path. Everything after
//! that goes through a [`crate::System`].

use std::io;
use std::path::{Path, PathBuf};

/// The working directory.
pub fn current_dir() -> io::Result<PathBuf> {
    std::env::current_dir()
}

/// The bytes of a file, by absolute path.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
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
}
