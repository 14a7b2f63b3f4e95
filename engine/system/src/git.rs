//! Where the git repository around the project keeps its things, and the real `git` for what is
//! off the hot path. Does not read the index: that is the work tree's business.

mod revision;

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use bstr::ByteSlice;

pub use revision::{CommitId, NoCommit};

/// A git repository with a work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Git {
    root: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
}

impl Git {
    /// The repository that `path` lies in: the nearest folder above it with a `.git` that leads to
    /// a git directory.
    pub fn discover(path: &Path) -> Option<Self> {
        path.ancestors().find_map(Self::at)
    }

    /// The top folder of the work tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// This work tree's own git directory: `HEAD` and `index` are there.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The git directory that linked work trees share: `config`, `info` and objects are there.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The index file.
    pub fn index_path(&self) -> PathBuf {
        self.git_dir.join("index")
    }

    /// What is another one where `HEAD` may name another commit: what git keeps of it on disk, without asking
    /// git.
    pub fn head_mark(&self) -> Vec<u8> {
        let head = std::fs::read(self.git_dir.join("HEAD")).unwrap_or_default();
        let named =
            head.strip_prefix(b"ref:").map(|name| Path::new(OsStr::from_bytes(name.trim())));
        let loose = named.and_then(|name| std::fs::read(self.common_dir.join(name)).ok());
        let tables = std::fs::read(self.common_dir.join("reftable/tables.list")).ok();
        let packed = std::fs::metadata(self.common_dir.join("packed-refs")).ok();
        let packed = packed.map(|meta| (meta.modified().ok(), meta.len(), meta.ino()));
        let mark = [head, loose.unwrap_or_default(), tables.unwrap_or_default()].join(&b'\n');
        [mark, format!("{packed:?}").into_bytes()].concat()
    }

    /// Runs `git` at the root with these arguments, to its end.
    ///
    /// The variables that hooks set (`GIT_DIR`, `GIT_INDEX_FILE`) are passed on, so that in a hook
    /// git acts on the index that the commit is made from.
    pub fn git<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> io::Result<Output> {
        Command::new("git").current_dir(&self.root).args(args).stdin(Stdio::null()).output()
    }

    fn at(root: &Path) -> Option<Self> {
        let dot_git = root.join(".git");
        let git_dir = match std::fs::metadata(&dot_git).ok()? {
            meta if meta.is_dir() => dot_git,
            _ => follow(root, &dot_git, b"gitdir:")?,
        };
        std::fs::symlink_metadata(git_dir.join("HEAD")).ok()?;
        let common_dir =
            follow(&git_dir, &git_dir.join("commondir"), b"").unwrap_or_else(|| git_dir.clone());
        Some(Self { root: root.to_path_buf(), git_dir, common_dir })
    }
}

/// The path that `file` holds after `label`, relative to `base`.
fn follow(base: &Path, file: &Path, label: &[u8]) -> Option<PathBuf> {
    let text = std::fs::read(file).ok()?;
    let path = text.strip_prefix(label)?.trim();
    let joined = base.join(OsStr::from_bytes(path));
    Some(std::fs::canonicalize(&joined).unwrap_or(joined))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linked_work_tree_shares_its_common_directory() {
        let temp = tempfile::tempdir().unwrap();
        let main = temp.path().canonicalize().unwrap().join("main");
        std::fs::create_dir_all(main.join("sub")).unwrap();
        let git = |args: &[&str]| {
            let mut command = Command::new("git");
            command.args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(args);
            assert!(command.current_dir(&main).output().unwrap().status.success());
        };
        git(&["init", "-q"]);
        git(&["commit", "-q", "--allow-empty", "-m", "x"]);
        git(&["worktree", "add", "-q", "../linked"]);

        let found = Git::discover(&main.join("sub")).unwrap();
        assert_eq!(found.root(), main);
        assert_eq!(found.common_dir(), main.join(".git"));
        let linked = Git::discover(&main.join("../linked").canonicalize().unwrap()).unwrap();
        assert_eq!(linked.git_dir(), main.join(".git/worktrees/linked"));
        assert_eq!(linked.common_dir(), main.join(".git"));
        assert!(linked.git(["status", "--short"]).unwrap().status.success());
    }

    #[test]
    fn a_git_file_that_leads_nowhere_is_no_repository() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join(".git"), "gitdir: nowhere\n").unwrap();
        assert_eq!(Git::at(temp.path()), None);
    }

    #[test]
    fn the_mark_of_head_is_another_whenever_head_names_another_commit() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let run = |args: &[&str]| {
            let mut command = Command::new("git");
            command.args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(args);
            assert!(command.current_dir(&root).output().unwrap().status.success(), "{args:?}");
        };
        run(&["init", "-q", "-b", "main"]);
        let git = Git::discover(&root).unwrap();
        let mut before = git.head_mark();
        let commit = ["commit", "-q", "--allow-empty", "-m", "x"];
        let moves: [&[&[&str]]; 6] = [
            &[&commit],
            &[&commit],
            &[&["pack-refs", "--all"], &["reset", "-q", "--soft", "HEAD~1"]],
            &[&["switch", "-q", "-c", "other"], &commit],
            &[&["switch", "-q", "--detach", "HEAD~1"]],
            &[&commit],
        ];
        for steps in moves {
            steps.iter().for_each(|step| run(step));
            let after = git.head_mark();
            assert_ne!(after, before, "{steps:?}");
            assert_eq!(git.head_mark(), after, "nothing moved");
            before = after;
        }
    }
}
