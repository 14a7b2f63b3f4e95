//! A commit held against a clean checkout of it, by real git.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::worktree::{TreeNode, TreeOptions, WorkTree, blob_id};
use crate::{MemorySystem, OsSystem};

mod worlds;

type Folders = Vec<(RelPath, Arc<[TreeEntry]>)>;

struct Repo {
    temp: tempfile::TempDir,
    /// The git root.
    root: PathBuf,
    /// The project folder.
    project: PathBuf,
}

impl Repo {
    fn new() -> Self {
        Self::with(&["init", "-q", "-b", "main"])
    }

    fn with(init: &[&str]) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap().join("repo");
        std::fs::create_dir(&root).unwrap();
        let repo = Self { temp, project: root.clone(), root };
        repo.git(init);
        repo
    }

    /// The same repository with the project in a subfolder.
    fn at(mut self, folder: &str) -> Self {
        self.project = self.root.join(folder);
        std::fs::create_dir_all(&self.project).unwrap();
        self
    }

    fn git(&self, args: &[&str]) -> String {
        git_in(&self.root, args)
    }

    fn path(&self, path: impl AsRef<OsStr>) -> PathBuf {
        let path = self.project.join(path.as_ref());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn write(&self, path: impl AsRef<OsStr>, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(path), bytes).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.path(path)).unwrap();
    }

    fn make_executable(&self, path: &str) {
        use std::os::unix::fs::PermissionsExt;

        std::fs::set_permissions(self.path(path), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn commit(&self) -> CommitId {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
        self.git(&["rev-parse", "HEAD"]).parse().unwrap()
    }

    fn open(&self, commit: CommitId) -> CommitSystem {
        CommitSystem::new(Arc::new(OsSystem::new(&self.project)), commit).unwrap()
    }

    fn head(&self) -> CommitSystem {
        let git = Git::discover(&self.project).unwrap();
        self.open(git.resolve("HEAD").unwrap())
    }

    fn scan(&self) -> Folders {
        let system = Arc::new(OsSystem::new(&self.project));
        let delta = WorkTree::open(system, TreeOptions::default()).scan();
        delta.folders.into_iter().map(|(path, folder)| (path, folder.unwrap())).collect()
    }

    /// A clean checkout and its commit are the same.
    #[track_caller]
    fn check(&self) {
        assert_eq!(git_in(&self.project, &["status", "--porcelain"]), "", "not clean");
        assert_eq!(self.head().folders().unwrap(), self.scan());
        self.check_beside();
    }

    fn tree(&self) -> WorkTree {
        let mut tree =
            WorkTree::open(Arc::new(OsSystem::new(&self.project)), TreeOptions::default());
        tree.scan();
        tree
    }

    /// Whatever the index and the disk hold, all commits read the same beside them.
    #[track_caller]
    fn check_beside(&self) {
        let tree = self.tree();
        for commit in git_in(&self.project, &["rev-list", "HEAD"]).lines() {
            let commit = self.open(commit.parse().unwrap());
            assert_eq!(commit.folders_beside(&tree).unwrap(), commit.folders().unwrap());
        }
    }
}

fn git_in(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"])
        .args(["-c", "commit.gpgSign=false", "-c", "advice.addEmbeddedRepo=false"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn paths(folders: &Folders) -> Vec<String> {
    folders.iter().map(|(path, _)| path.to_string()).collect()
}

fn id_of(folders: &Folders, name: &str) -> qik_model::BlobId {
    let entry = folders[0].1.iter().find(|entry| &*entry.name == name.as_bytes()).unwrap();
    match entry.node {
        TreeNode::File { id, .. } => id,
        TreeNode::Folder => panic!("{name} is a folder"),
    }
}

/// Files of every kind, with names that sort otherwise as folders.
fn fill(repo: &Repo) {
    for path in ["a", "b/c/d", "b.c", "b-c/x", "b0", "ünï/ço de", "deep/1/2/3/4/5/6/7/8/9/file"]
    {
        repo.write(path, path);
    }
    repo.write("empty", "");
    repo.write("same/empty", "");
    repo.write("run.sh", "#!/bin/sh\n");
    repo.make_executable("run.sh");
    repo.link("link", "b/c/d");
    repo.link("b/broken", "nowhere");
    use std::os::unix::ffi::OsStrExt;
    repo.write(OsStr::from_bytes(b"latin\xe9"), "1");
}

#[test]
fn a_commit_lists_what_a_clean_checkout_of_it_lists() {
    let repo = Repo::new();
    fill(&repo);
    repo.commit();
    repo.check();
    let folders = repo.head().folders().unwrap();
    assert!(folders.is_sorted_by(|one, two| one.0 < two.0));
    assert_eq!(paths(&folders)[..4], [".", "b", "b-c", "b/c"]);
}

#[test]
fn a_packed_repository_with_deltas_reads_the_same() {
    let repo = Repo::new();
    fill(&repo);
    let text: String = (0..2000).map(|at| format!("line {at}\n")).collect();
    for at in 0..20 {
        repo.write("long", format!("{text}{at}\n"));
        repo.commit();
    }
    let before = repo.head().folders().unwrap();
    repo.git(&["gc", "-q", "--aggressive", "--prune=now"]);
    let head = repo.head();
    assert_eq!(head.folders().unwrap(), before);
    assert_eq!(head.stat(&"long".into()).unwrap().size, text.len() as u64 + 3);
    assert_eq!(head.read(&"long".into()).unwrap(), format!("{text}19\n").as_bytes());
    repo.check();
}

#[test]
fn a_repository_that_is_packed_meanwhile_is_read_on() {
    let repo = Repo::new();
    fill(&repo);
    let head = repo.open(repo.commit());
    repo.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(head.folders().unwrap(), repo.scan());
    assert_eq!(head.read(&"b/c/d".into()).unwrap(), b"b/c/d");
}

#[test]
fn the_project_may_be_a_folder_of_the_repository() {
    let repo = Repo::new().at("products/one");
    fill(&repo);
    repo.write("../two/x", "2");
    repo.write("../onerous", "3");
    let commit = repo.commit();
    repo.check();
    assert_eq!(repo.open(commit).read(&"a".into()).unwrap(), b"a");
}

#[test]
fn a_project_that_was_not_there_yet_was_empty() {
    let repo = Repo::new();
    let empty = repo.commit();
    repo.check();
    let repo = repo.at("a/project");
    repo.write("file", "1");
    repo.commit();
    repo.check();
    std::fs::remove_dir_all(repo.root.join("a")).unwrap();
    std::fs::write(repo.root.join("a"), "a file in its place").unwrap();
    let file = repo.commit();
    std::fs::remove_file(repo.root.join("a")).unwrap();
    std::fs::create_dir_all(&repo.project).unwrap();
    for commit in [empty, file] {
        let system = repo.open(commit);
        assert_eq!(paths(&system.folders().unwrap()), ["."]);
        assert_eq!(system.list(&RelPath::root()).unwrap(), []);
        assert_eq!(system.stat(&RelPath::root()).unwrap().kind, StatKind::Folder);
        let absent = system.read(&"file".into()).unwrap_err();
        assert!(is_absent(&absent), "{absent:?}");
    }
}

#[test]
fn what_the_work_tree_leaves_out_by_name_is_left_out() {
    let repo = Repo::new();
    for path in ["._qik/stat", "a/._qik/x", "a/b", ".qik/cache/x", ".qik/hook", "a/.qik/cache/y"] {
        repo.write(path, path);
    }
    for path in ["__pycache__/tracked.pyc", ".mypy_cache/x", ".coverage", ".DS_Store", "ignored/x"]
    {
        repo.write(path, path);
    }
    repo.write(".gitignore", "ignored\n");
    repo.git(&["add", "-f", "ignored/x"]);
    repo.commit();
    repo.check();
    let expected =
        [".", ".mypy_cache", ".qik", "__pycache__", "a", "a/.qik", "a/.qik/cache", "ignored"];
    assert_eq!(paths(&repo.head().folders().unwrap()), expected);
}

#[test]
fn ends_of_line_that_git_converts_change_no_id() {
    let repo = Repo::new();
    repo.write(".gitattributes", "* text=auto\n*.bat text eol=crlf\n*.bin binary\n");
    repo.write("unix", "a\nb\n");
    repo.write("dos", "a\r\nb\r\n");
    repo.write("run.bat", "a\r\nb\r\n");
    repo.write("raw.bin", "a\r\nb\r\n");
    repo.commit();
    repo.git(&["-c", "core.autocrlf=false", "add", "--renormalize", "."]);
    repo.check();
    let folders = repo.head().folders().unwrap();
    assert_eq!(id_of(&folders, "dos"), blob_id(b"a\nb\n"));
    assert_eq!(id_of(&folders, "raw.bin"), blob_id(b"a\r\nb\r\n"));
    assert_eq!(repo.head().read(&"run.bat".into()).unwrap(), b"a\nb\n");
}

#[test]
fn where_a_filter_applies_the_id_is_that_of_the_blob_and_not_of_the_checkout() {
    let repo = Repo::new();
    repo.write(".gitattributes", "*.big filter=shout\n");
    repo.git(&["config", "filter.shout.clean", "tr A-Z a-z"]);
    repo.git(&["config", "filter.shout.smudge", "tr a-z A-Z"]);
    repo.write("x.big", "LARGE\n");
    repo.commit();
    let folders = repo.head().folders().unwrap();
    assert_eq!(id_of(&folders, "x.big"), blob_id(b"large\n"));
    assert_eq!(id_of(&repo.scan(), "x.big"), blob_id(b"LARGE\n"));
    assert_eq!(repo.head().read(&"x.big".into()).unwrap(), b"large\n");
}

#[test]
fn a_submodule_holds_the_files_of_the_commit_that_is_named() {
    let other = Repo::new();
    other.write("inner", "1");
    let inner = other.commit();
    let repo = Repo::new();
    repo.write("a", "1");
    repo.git(&["submodule", "add", "-q", other.root.to_str().unwrap(), "libs/sub"]);
    repo.commit();
    let head = repo.head();
    assert_eq!(paths(&head.folders().unwrap()), [".", "libs", "libs/sub"]);
    assert_eq!(head.stat(&"libs/sub".into()).unwrap().kind, StatKind::Folder);
    assert_eq!(head.read(&"libs/sub/inner".into()).unwrap(), b"1");
    repo.check();
    // Where it is not checked out it holds nothing, as in the work tree.
    repo.git(&["submodule", "deinit", "-q", "-f", "libs/sub"]);
    assert_eq!(paths(&repo.head().folders().unwrap()), ["."]);
    repo.git(&["submodule", "update", "-q", "--init"]);
    // Seen from within, it is a repository like any other.
    let sub =
        Repo { temp: repo.temp, root: repo.root.clone(), project: repo.root.join("libs/sub") };
    sub.check();
    assert_eq!(sub.head().commit(), inner);
}

#[test]
fn linked_work_trees_and_alternates_reach_the_objects_of_others() {
    let repo = Repo::new();
    fill(&repo);
    repo.commit();
    repo.git(&["worktree", "add", "-q", "../linked"]);
    repo.git(&["clone", "-q", "--shared", ".", "../shared"]);
    for folder in ["linked", "shared"] {
        let root = repo.root.parent().unwrap().join(folder);
        let temp = tempfile::tempdir().unwrap();
        Repo { temp, project: root.clone(), root }.check();
    }
}

#[test]
fn a_repository_of_sha_256_has_the_ids_that_the_work_tree_gives() {
    let repo = Repo::with(&["init", "-q", "-b", "main", "--object-format=sha256"]);
    fill(&repo);
    let commit = repo.commit();
    assert_eq!(commit.to_string().len(), 64);
    repo.check();
}

#[test]
fn a_commit_that_cannot_be_read_is_no_empty_one() {
    let memory = Arc::new(MemorySystem::new());
    let repo = Repo::new();
    repo.write("a/b", "1");
    let commit = repo.commit();
    let error = CommitSystem::new(memory, commit).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);

    let head = repo.head();
    let blob = repo.git(&["rev-parse", "HEAD:a/b"]);
    let tree = repo.git(&["rev-parse", "HEAD:a"]);
    let remove = |id: &str| {
        let path = repo.root.join(".git/objects").join(&id[..2]).join(&id[2..]);
        std::fs::remove_file(path).unwrap();
    };
    remove(&blob);
    assert!(head.folders().is_ok(), "no file is read for its id");
    assert!(!is_absent(&head.read(&"a/b".into()).unwrap_err()));
    remove(&tree);
    assert!(!is_absent(&repo.open(commit).folders().unwrap_err()));
    remove(&commit.to_string());
    let inner = Arc::new(OsSystem::new(&repo.project));
    assert!(!is_absent(&CommitSystem::new(inner, commit).unwrap_err()));
}

#[test]
fn trees_that_the_index_holds_are_taken_from_there() {
    let repo = Repo::new();
    fill(&repo);
    repo.write("b/other", "1");
    repo.commit();
    repo.write("deep/new", "1");
    repo.commit();
    let tree = repo.tree();
    let before = repo.open(repo.git(&["rev-parse", "HEAD~1"]).parse().unwrap());
    let folders = before.folders_beside(&tree).unwrap();
    let shared = |path: &str| {
        let (_, listing) = folders.iter().find(|(folder, _)| *folder == path.into()).unwrap();
        Arc::ptr_eq(listing, tree.folder(&path.into()).unwrap())
    };
    assert!(shared("b") && shared("b/c"), "told by the index");
    assert!(!shared("deep"), "another tree is read");
}

#[test]
fn what_the_index_holds_beside_commits_is_not_taken_for_theirs() {
    let repo = Repo::new();
    fill(&repo);
    repo.commit();
    for at in 0..3 {
        repo.write(format!("b/c/{at}"), "1");
        repo.write("deep/1/2/x", at.to_string());
        repo.commit();
    }
    repo.write("b/c/d", "edited");
    repo.write("b/c/untracked", "");
    std::fs::remove_file(repo.path("same/empty")).unwrap();
    repo.check_beside();
    repo.git(&["add", "-A"]);
    repo.check_beside();
    repo.write("deep/1/2/meant", "");
    repo.git(&["add", "-N", "deep/1/2/meant"]);
    repo.check_beside();
    repo.make_executable("a");
    repo.git(&["rm", "-q", "--cached", "b/c/1"]);
    repo.check_beside();
    repo.git(&["read-tree", "HEAD~2"]);
    repo.check_beside();
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    repo.check_beside();
    repo.git(&["rm", "-q", "-r", "--cached", "."]);
    repo.check_beside();
}

#[test]
fn conflicts_and_sparse_checkouts_are_not_taken_for_commits() {
    let repo = Repo::new();
    fill(&repo);
    repo.commit();
    repo.git(&["branch", "theirs"]);
    repo.write("b/c/d", "ours");
    repo.commit();
    repo.git(&["checkout", "-q", "theirs"]);
    repo.write("b/c/d", "theirs");
    repo.commit();
    let merge = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b", "merge", "-q", "@{-1}"])
        .current_dir(&repo.root)
        .output()
        .unwrap();
    assert!(!merge.status.success(), "a conflict");
    repo.check_beside();
    repo.git(&["reset", "-q", "--hard"]);
    repo.git(&["sparse-checkout", "set", "--cone", "b"]);
    repo.check_beside();
}
