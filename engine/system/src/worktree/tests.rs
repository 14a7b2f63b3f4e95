//! What the work tree promises, held against real git.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use super::*;
use crate::{
    DirItem, Env, Exit, Git, LockGuard, Look, MemorySystem, OsSystem, Outside, ProcessSpec,
    Remembered, Stop,
};

mod changes;
mod listings;
mod property;

type Files = BTreeMap<RelPath, (FileKind, BlobId)>;

struct Repo {
    _temp: tempfile::TempDir,
    /// The git root.
    root: PathBuf,
    /// The project folder.
    project: PathBuf,
}

impl Repo {
    fn plain() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap().join("repo");
        std::fs::create_dir(&root).unwrap();
        Self { _temp: temp, project: root.clone(), root }
    }

    fn new() -> Self {
        let repo = Self::plain();
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    fn git(&self, args: &[&str]) -> Vec<u8> {
        git_in(&self.root, args, b"")
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.project.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.project.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    fn remove(&self, path: &str) {
        std::fs::remove_file(self.project.join(path)).unwrap();
    }

    fn set_mode(&self, path: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;

        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.project.join(path), permissions).unwrap();
    }

    /// Adds everything, long enough after it was written to be settled.
    fn add(&self) {
        settle();
        self.git(&["add", "-A"]);
    }

    fn commit(&self) {
        self.add();
        self.git(&["commit", "-q", "-m", "x", "--allow-empty"]);
    }

    fn open(&self, options: TreeOptions) -> (WorkTree, Arc<Watched>) {
        let system = Arc::new(Watched::new(OsSystem::new(&self.project)));
        (WorkTree::open(system.clone(), options), system)
    }

    /// What git stores of a file: unlike `hash-object`, an add heeds what the index holds.
    fn added(&self, path: &str) -> BlobId {
        self.git(&["-c", "core.safecrlf=false", "add", path]);
        let id = String::from_utf8(self.git(&["rev-parse", &format!(":{path}")])).unwrap();
        id.trim().parse().unwrap()
    }

    fn scan(&self) -> Files {
        self.scan_with(TreeOptions::default()).0
    }

    /// The files, and those that were read to know them.
    fn scan_with(&self, options: TreeOptions) -> (Files, Vec<String>) {
        let (mut tree, system) = self.open(options);
        let delta = tree.scan();
        assert_eq!(delta.notes, []);
        assert_eq!(delta.touched, []);
        (files_of(&tree), system.take())
    }

    fn names(&self) -> Vec<String> {
        self.scan().keys().map(ToString::to_string).collect()
    }

    /// What git says that there is, and what it would store of it.
    fn oracle(&self) -> Files {
        let listed = git_in(&self.project, &["ls-files", "-zco", "--exclude-standard"], b"");
        let paths: Vec<RelPath> = listed
            .split(|byte| *byte == 0)
            .filter(|path| !path.is_empty())
            .filter_map(RelPath::new)
            .collect();
        let mut files = Files::new();
        for path in paths {
            let full = path.to_path(&self.project);
            let Ok(meta) = std::fs::symlink_metadata(&full) else { continue };
            if meta.is_dir() {
                // Tracked as a file, and a folder by now: git lists what lies in it beside.
                continue;
            }
            let entry = if meta.is_symlink() {
                let target = std::fs::read_link(&full).unwrap();
                let id = git_in(
                    &self.project,
                    &["hash-object", "--stdin", "--no-filters"],
                    target.as_os_str().as_bytes(),
                );
                (FileKind::Link, id)
            } else {
                use std::os::unix::fs::PermissionsExt;

                let kind = match meta.permissions().mode() & 0o100 {
                    0 => FileKind::File,
                    _ => FileKind::Executable,
                };
                (kind, hash_object(&self.project, &path))
            };
            let id = String::from_utf8(entry.1).unwrap().trim().parse().unwrap();
            files.insert(path, (entry.0, id));
        }
        files
    }

    #[track_caller]
    fn check(&self) {
        assert_eq!(self.scan(), self.oracle());
    }
}

fn settle() {
    std::thread::sleep(Duration::from_millis(40));
}

fn git_in(folder: &Path, args: &[&str], stdin: &[u8]) -> Vec<u8> {
    use std::io::Write;

    let mut child = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"])
        .args(["-c", "commit.gpgSign=false", "-c", "advice.addEmbeddedRepo=false"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    let output = child.wait_with_output().unwrap();
    let expected_to_fail = args.first() == Some(&"merge");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || expected_to_fail, "git {args:?}: {message}");
    output.stdout
}

fn hash_object(folder: &Path, path: &RelPath) -> Vec<u8> {
    let output = Command::new("git")
        .arg("hash-object")
        .arg("--")
        .arg(std::ffi::OsStr::from_bytes(path.as_bytes()))
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn files_of(tree: &WorkTree) -> Files {
    let mut files = Files::new();
    for (folder, entries) in tree.folders() {
        assert!(entries.is_sorted_by(|one, two| one.name < two.name));
        assert!(folder.is_root() || !entries.is_empty(), "{folder} is empty");
        for entry in entries.iter() {
            let path = folder.join(&entry.name);
            match entry.node {
                TreeNode::Folder => assert!(tree.folder(&path).is_some(), "{path} is not listed"),
                TreeNode::File { kind, id } => {
                    files.insert(path, (kind, id));
                }
            }
        }
        if let (Some(parent), false) = (folder.parent(), folder.is_root()) {
            let above = tree.folder(&parent).expect("a listed parent");
            let listed =
                |entry: &TreeEntry| &*entry.name == folder.name() && entry.node == TreeNode::Folder;
            assert!(above.iter().any(listed), "{folder} is not in its parent");
        }
    }
    files
}

/// How finely folders are stamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tick {
    OfTheDisk,
    /// As on a file system that counts in seconds.
    Second,
    /// A planted defect: the same, and each stamp looks as if it were old.
    SecondTakenForOld,
}

impl Tick {
    fn apply(self, stamp: Stat) -> Stat {
        let coarse = |(seconds, _): (i64, u32), ago| (seconds - ago, 0);
        match self {
            Self::OfTheDisk => stamp,
            Self::Second => {
                Stat { mtime: coarse(stamp.mtime, 0), ctime: coarse(stamp.ctime, 0), ..stamp }
            }
            Self::SecondTakenForOld => {
                Stat { mtime: coarse(stamp.mtime, 9), ctime: coarse(stamp.ctime, 9), ..stamp }
            }
        }
    }
}

/// A system that remembers which files were read, and which folders were listed.
#[derive(Debug)]
struct Watched {
    tick: Tick,
    inner: OsSystem,
    reads: Mutex<Vec<RelPath>>,
    lists: Mutex<Vec<RelPath>>,
}

impl Watched {
    fn new(inner: OsSystem) -> Self {
        Self::with_tick(inner, Tick::OfTheDisk)
    }

    fn with_tick(inner: OsSystem, tick: Tick) -> Self {
        Self { inner, tick, reads: Mutex::default(), lists: Mutex::default() }
    }

    /// The folders that were listed, sorted.
    fn listed(&self) -> Vec<String> {
        let mut lists = std::mem::take(&mut *self.lists.lock().unwrap());
        lists.sort();
        lists.iter().map(ToString::to_string).collect()
    }

    fn take(&self) -> Vec<String> {
        let mut reads = std::mem::take(&mut *self.reads.lock().unwrap());
        reads.sort();
        reads
            .iter()
            .map(ToString::to_string)
            .filter(|path| !path.contains(".git") && !path.starts_with("._qik"))
            .collect()
    }
}

impl System for Watched {
    fn root(&self) -> &Path {
        self.inner.root()
    }
    fn env(&self) -> &Env {
        self.inner.env()
    }
    fn git(&self) -> Option<&Git> {
        self.inner.git()
    }
    fn outside(&self) -> &dyn Outside {
        self.inner.outside()
    }
    fn now(&self) -> SystemTime {
        self.inner.now()
    }
    fn elapsed(&self) -> Duration {
        self.inner.elapsed()
    }
    fn read(&self, path: &RelPath) -> io::Result<Vec<u8>> {
        self.reads.lock().unwrap().push(path.clone());
        self.inner.read(path)
    }
    fn stat(&self, path: &RelPath) -> io::Result<Stat> {
        self.inner.stat(path)
    }
    fn read_link(&self, path: &RelPath) -> io::Result<Vec<u8>> {
        self.reads.lock().unwrap().push(path.clone());
        self.inner.read_link(path)
    }
    fn list(&self, folder: &RelPath) -> io::Result<Vec<DirItem>> {
        self.inner.list(folder)
    }
    fn read_into(&self, path: &RelPath, buffer: &mut Vec<u8>) -> io::Result<Stat> {
        self.reads.lock().unwrap().push(path.clone());
        self.inner.read_into(path, buffer)
    }
    fn look(&self, folder: &RelPath) -> io::Result<Look> {
        self.lists.lock().unwrap().push(folder.clone());
        let look = self.inner.look(folder)?;
        Ok(Look { stamp: look.stamp.map(|stamp| self.tick.apply(stamp)), ..look })
    }
    fn recall(
        &self,
        folder: &RelPath,
        stamp: &Stat,
        members: &[Remembered<'_>],
    ) -> Option<Vec<DirItem>> {
        let now = self.inner.stat(folder).ok()?;
        self.tick.apply(now).same_state(stamp).then_some(())?;
        self.inner.recall(folder, &now, members)
    }
    fn write_atomic(&self, path: &RelPath, bytes: &[u8], kind: FileKind) -> io::Result<()> {
        self.inner.write_atomic(path, bytes, kind)
    }
    fn create_link(&self, path: &RelPath, target: &[u8]) -> io::Result<()> {
        self.inner.create_link(path, target)
    }
    fn rename(&self, from: &RelPath, to: &RelPath) -> io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove_file(&self, path: &RelPath) -> io::Result<()> {
        self.inner.remove_file(path)
    }
    fn remove_empty_folders_up(&self, folder: &RelPath) -> io::Result<()> {
        self.inner.remove_empty_folders_up(folder)
    }
    fn create_dir_all(&self, folder: &RelPath) -> io::Result<()> {
        self.inner.create_dir_all(folder)
    }
    fn append(&self, path: &RelPath, bytes: &[u8]) -> io::Result<()> {
        self.inner.append(path, bytes)
    }
    fn set_kind(&self, path: &RelPath, kind: FileKind) -> io::Result<()> {
        self.inner.set_kind(path, kind)
    }
    fn lock(&self, path: &RelPath) -> io::Result<LockGuard> {
        self.inner.lock(path)
    }
    fn try_lock(&self, path: &RelPath) -> io::Result<Option<LockGuard>> {
        self.inner.try_lock(path)
    }
    fn run(
        &self,
        spec: &ProcessSpec,
        stop: &Stop,
        output: &mut dyn FnMut(&[u8]),
    ) -> io::Result<Exit> {
        self.inner.run(spec, stop, output)
    }
}

fn globs(patterns: &[&str]) -> GlobSet {
    GlobSet::new(patterns).unwrap()
}

#[test]
fn clean_files_are_known_without_reading_them() {
    let repo = Repo::new();
    repo.write("a.py", "1");
    repo.write("d/b.py", "2");
    repo.write("d/empty", "");
    repo.link("d/link", "b.py");
    repo.add();
    let (files, reads) = repo.scan_with(TreeOptions::default());
    assert_eq!(files, repo.oracle());
    assert_eq!(reads, Vec::<String>::new());
}

#[test]
fn dirty_untracked_deleted_and_renamed_files_are_what_they_are_now() {
    let repo = Repo::new();
    for name in ["clean", "dirty", "gone", "old", "d/x", "d/y"] {
        repo.write(name, name);
    }
    repo.add();
    repo.write("dirty", "changed");
    repo.write("new/untracked", "u");
    repo.remove("gone");
    std::fs::rename(repo.root.join("old"), repo.root.join("renamed")).unwrap();
    std::fs::rename(repo.root.join("d"), repo.root.join("e")).unwrap();
    assert_eq!(repo.names(), ["clean", "dirty", "e/x", "e/y", "new/untracked", "renamed"]);
    repo.check();
}

#[test]
fn ids_are_the_same_before_and_after_a_commit() {
    let repo = Repo::new();
    repo.write("a", "1");
    repo.write("b c", "2");
    let before = repo.scan();
    repo.commit();
    assert_eq!(repo.scan(), before);
}

#[test]
fn ignored_files_do_not_count_unless_they_are_tracked() {
    let repo = Repo::new();
    repo.write(".gitignore", "*.log\n/build/\n!keep.log\n");
    for name in ["a.log", "keep.log", "build/x", "sub/build/y", "t.log", "build/deep/tracked"] {
        repo.write(name, "");
    }
    repo.git(&["add", "-f", "t.log", "build/deep/tracked"]);
    repo.write("build/deep/untracked", "");
    assert_eq!(
        repo.names(),
        [".gitignore", "build/deep/tracked", "keep.log", "sub/build/y", "t.log"]
    );
    repo.check();
}

#[test]
fn every_kind_of_ignore_file_counts() {
    let repo = Repo::new();
    repo.write("sub/.gitignore", "x\n!y\n");
    repo.write(".gitignore", "y\n");
    repo.write(".git/info/exclude", "z\n");
    repo.write(".git/excludes", "w\n");
    repo.git(&["config", "core.excludesFile", repo.root.join(".git/excludes").to_str().unwrap()]);
    for name in ["x", "y", "z", "w", "sub/x", "sub/y", "sub/z", "sub/w", "sub/deep/x"] {
        repo.write(name, "");
    }
    assert_eq!(repo.names(), [".gitignore", "sub/.gitignore", "sub/y", "x"]);
    repo.check();
}

#[test]
fn artifacts_count_even_where_git_ignores_them() {
    let repo = Repo::new();
    repo.write(".gitignore", "/dist/\n*.out\n");
    for name in ["dist/a/b.js", "dist/c.map", "x.out", "d/y.out", "d/__pycache__/z.pyc"] {
        repo.write(name, "");
    }
    let artifacts = globs(&["dist/**.js", "d/*.out", "d/__pycache__"]);
    let options = TreeOptions { artifacts, ..TreeOptions::default() };
    let files = repo.scan_with(options).0;
    let names: Vec<String> = files.keys().map(ToString::to_string).collect();
    assert_eq!(names, [".gitignore", "d/__pycache__/z.pyc", "d/y.out", "dist/a/b.js"]);
}

#[test]
fn droppings_of_tools_count_only_once_they_are_tracked() {
    let repo = Repo::new();
    for name in [
        "__pycache__/a.pyc",
        "d/b.pyc",
        ".coverage",
        ".coverage.host.1",
        ".ruff_cache/x",
        ".DS_Store",
        ".coveragerc",
        "d/__pycache__/kept.txt",
        "mine/x",
        "other/y",
    ] {
        repo.write(name, "");
    }
    repo.git(&["add", "-f", "d/__pycache__/kept.txt"]);
    let ignore = globs(&["mine", "oth*/**"]);
    let files = repo.scan_with(TreeOptions { ignore, ..TreeOptions::default() }).0;
    let names: Vec<String> = files.keys().map(ToString::to_string).collect();
    assert_eq!(names, [".coveragerc", "d/__pycache__/kept.txt"]);
}

#[test]
fn an_exclusion_among_user_patterns_keeps_what_it_names() {
    let repo = Repo::new();
    repo.write("mine/x", "");
    repo.write("mine/keep", "");
    let ignore = globs(&["mine", "!mine/keep"]);
    let files = repo.scan_with(TreeOptions { ignore, ..TreeOptions::default() }).0;
    assert_eq!(files.keys().collect::<Vec<_>>(), [&RelPath::from("mine/keep")]);
}

#[test]
fn what_is_gits_and_qiks_own_is_no_file() {
    let repo = Repo::new();
    for name in ["._qik/x", "sub/._qik/x", ".qik/cache/x", ".qik/artifacts/y", "sub/.qik/cache/z"] {
        repo.write(name, "");
    }
    repo.write("sub/.git", "gitdir: nowhere\n");
    assert_eq!(repo.names(), [".qik/artifacts/y", "sub/.qik/cache/z"]);
}

#[test]
fn the_exec_bit_counts_where_git_says_that_it_does() {
    let repo = Repo::new();
    repo.write("a", "");
    repo.write("b", "");
    repo.write("c", "");
    repo.set_mode("a", 0o755);
    repo.add();
    repo.write("untracked", "");
    repo.set_mode("b", 0o755);
    repo.check();
    assert_eq!(repo.scan()[&"b".into()].0, FileKind::Executable);

    repo.git(&["config", "core.fileMode", "false"]);
    repo.set_mode("a", 0o644);
    repo.set_mode("untracked", 0o755);
    let kinds: Vec<FileKind> = repo.scan().values().map(|(kind, _)| *kind).collect();
    use FileKind::{Executable, File};
    assert_eq!(kinds, [Executable, File, File, File]);
}

#[test]
fn links_are_their_text_and_are_never_followed() {
    let repo = Repo::new();
    repo.write("d/file", "x");
    for (path, target) in
        [("to_file", "d/file"), ("to_folder", "d"), ("dangling", "no where"), ("up", "../..")]
    {
        repo.link(path, target);
    }
    repo.check();
    repo.add();
    repo.check();
    assert_eq!(repo.scan().len(), 5);
    assert_eq!(repo.scan()[&"dangling".into()], (FileKind::Link, blob_id(b"no where")));
}

#[test]
fn names_of_any_bytes_are_names() {
    let repo = Repo::new();
    for name in ["a b", "new\nline", "ünïcödé/ß", "quote\"d", "tab\t", "-dash", "[x]", "*"] {
        repo.write(name, name);
    }
    let latin = std::ffi::OsStr::from_bytes(b"latin-\xe9\xff");
    std::fs::write(repo.root.join(latin), "bytes").unwrap();
    repo.check();
    assert_eq!(repo.scan().len(), 9);
    repo.add();
    repo.check();
}

#[test]
fn an_edit_of_the_same_size_right_after_an_add_is_seen() {
    for _ in 0..20 {
        let repo = Repo::new();
        repo.write("a", "one");
        repo.git(&["add", "a"]);
        repo.write("a", "two");
        assert_eq!(repo.scan()[&"a".into()].1, blob_id(b"two"));
    }
}

#[test]
fn an_edit_whose_mtime_was_put_back_is_seen() {
    let repo = Repo::new();
    repo.write("a", "one");
    repo.add();
    let path = repo.root.join("a");
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    settle();
    std::fs::write(&path, "two").unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    repo.git(&["config", "core.trustctime", "false"]);
    assert_eq!(repo.scan()[&"a".into()].1, blob_id(b"two"));
}

#[test]
fn edits_that_git_was_told_to_overlook_are_seen() {
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        let repo = Repo::new();
        repo.write("a", "one");
        repo.add();
        repo.git(&["update-index", flag, "a"]);
        settle();
        let (files, reads) = repo.scan_with(TreeOptions::default());
        assert_eq!((files[&"a".into()].1, reads), (blob_id(b"one"), vec!["a".to_string()]));
        repo.write("a", "two");
        assert_eq!(repo.scan()[&"a".into()].1, blob_id(b"two"));
    }
}

#[test]
fn intent_to_add_is_no_content() {
    let repo = Repo::new();
    repo.write("a", "one");
    settle();
    repo.git(&["add", "-N", "a"]);
    assert_eq!(repo.scan()[&"a".into()].1, blob_id(b"one"));
}

#[test]
fn a_file_truncated_to_nothing_is_seen_under_a_racy_entry() {
    let repo = Repo::new();
    repo.write("a", "one");
    repo.git(&["add", "a"]);
    repo.write("a", "");
    repo.write("b", "");
    settle();
    // Git marks the racy entry by a size of nothing.
    repo.git(&["add", "b"]);
    assert_eq!(repo.scan()[&"a".into()].1, blob_id(b""));
}

#[test]
fn files_in_conflict_are_what_lies_on_disk() {
    let repo = Repo::new();
    repo.write("a", "base\n");
    repo.write("z", "");
    repo.commit();
    repo.git(&["switch", "-qc", "other"]);
    repo.write("a", "theirs\n");
    repo.commit();
    repo.git(&["switch", "-q", "main"]);
    repo.write("a", "ours\n");
    repo.commit();
    repo.git(&["merge", "other"]);
    let on_disk = std::fs::read(repo.root.join("a")).unwrap();
    assert!(on_disk.starts_with(b"<<<<<<<"));
    settle();
    assert_eq!(repo.scan()[&"a".into()].1, blob_id(&on_disk));
    assert_eq!(repo.names(), ["a", "z"]);
}

#[test]
fn line_ends_are_converted_as_git_would() {
    let attributes = "*.txt text\n*.auto text=auto\n*.raw -text\n*.bat eol=crlf\n*.lf eol=lf\n\
                      *.bin binary\n[attr]mine text\n*.mine mine\n";
    for autocrlf in ["false", "true", "input"] {
        let repo = Repo::new();
        repo.git(&["config", "core.autocrlf", autocrlf]);
        repo.git(&["config", "core.safecrlf", "false"]);
        repo.write(".gitattributes", attributes);
        repo.write("sub/.gitattributes", "*.txt -text\n*.raw text\n");
        for folder in ["", "sub/"] {
            for suffix in ["txt", "auto", "raw", "bat", "lf", "bin", "mine", "none"] {
                repo.write(&format!("{folder}crlf.{suffix}"), "a\r\nb\r\n");
                repo.write(&format!("{folder}mixed.{suffix}"), "a\r\nb\nc\r");
                repo.write(&format!("{folder}nul.{suffix}"), "a\r\n\0");
            }
        }
        let untracked = repo.scan();
        repo.check();
        repo.add();
        let (added, reads) = repo.scan_with(TreeOptions::default());
        assert_eq!(added, untracked, "autocrlf={autocrlf}");
        assert_eq!(reads, Vec::<String>::new());
    }
}

#[test]
fn a_guess_leaves_alone_what_has_its_line_ends_in_the_index() {
    let repo = Repo::new();
    repo.write("a", "a\r\nb\r\n");
    repo.add();
    repo.git(&["config", "core.autocrlf", "true"]);
    repo.write("a", "a\r\nchanged\r\n");
    let before = repo.scan();
    assert_eq!(before[&"a".into()].1, blob_id(b"a\r\nchanged\r\n"));
    assert_eq!(repo.added("a"), before[&"a".into()].1);
}

#[test]
fn attributes_deleted_from_disk_are_taken_from_the_index() {
    let repo = Repo::new();
    repo.write(".gitattributes", "* text\n");
    repo.write("a", "x\r\n");
    repo.add();
    repo.remove(".gitattributes");
    repo.write("a", "y\r\n");
    let before = repo.scan();
    assert_eq!(before[&"a".into()].1, blob_id(b"y\n"));
    assert_eq!(repo.added("a"), before[&"a".into()].1);
}

#[test]
fn filtered_files_are_their_raw_bytes_and_no_filter_runs() {
    let repo = Repo::new();
    repo.git(&["config", "filter.up.clean", "touch RAN; tr a-z A-Z"]);
    repo.write(
        ".gitattributes",
        "*.up filter=up\n*.id ident\n*.u16 working-tree-encoding=UTF-16\n",
    );
    repo.write("x.up", "lower");
    repo.write("x.id", "$Id$ \r\n");
    repo.write("x.u16", b"\xff\xfea\0\n\0");
    repo.write("plain", "p");
    let check = || {
        let (files, reads) = repo.scan_with(TreeOptions::default());
        assert_eq!(files[&"x.up".into()].1, blob_id(b"lower"));
        assert_eq!(files[&"x.id".into()].1, blob_id(b"$Id$ \r\n"));
        assert_eq!(files[&"x.u16".into()].1, blob_id(b"\xff\xfea\0\n\0"));
        reads
    };
    check();
    assert!(!repo.root.join("RAN").exists());
    repo.add();
    std::fs::remove_file(repo.root.join("RAN")).unwrap();
    assert_eq!(check(), ["x.id", "x.u16", "x.up"]);
    assert!(!repo.root.join("RAN").exists());
}

#[test]
fn a_project_below_the_git_root_keeps_to_the_rules_above() {
    let mut repo = Repo::new();
    repo.write(".gitignore", "*.log\n/proj/build/\n");
    repo.write(".gitattributes", "*.txt text\n");
    repo.write("proj/a.txt", "x\r\n");
    repo.write("proj/deep/b.log", "");
    repo.write("proj/build/c", "");
    repo.write("project/sibling", "");
    repo.write("outside", "");
    repo.add();
    repo.write("proj/new.txt", "y\r\n");
    repo.project = repo.root.join("proj");
    assert_eq!(repo.names(), ["a.txt", "new.txt"]);
    repo.check();
}

#[test]
fn a_project_that_the_repository_ignores_is_its_own_master() {
    let mut repo = Repo::new();
    repo.write(".gitignore", "tmp/\n");
    repo.write("tmp/proj/a", "");
    repo.write("tmp/proj/.gitignore", "b\n");
    repo.write("tmp/proj/b", "");
    repo.project = repo.root.join("tmp/proj");
    assert_eq!(repo.names(), [".gitignore", "a"]);
}

#[test]
fn a_linked_work_tree_has_an_index_of_its_own() {
    let mut repo = Repo::new();
    repo.write("a", "1");
    repo.write(".git/info/exclude", "*.no\n");
    repo.commit();
    repo.git(&["worktree", "add", "-q", "../linked"]);
    repo.root = repo.root.parent().unwrap().join("linked");
    repo.project = repo.root.clone();
    repo.write("b", "2");
    repo.write("c.no", "");
    repo.add();
    let (files, reads) = repo.scan_with(TreeOptions::default());
    assert_eq!(files, repo.oracle());
    assert_eq!(files.len(), 2);
    // The checkout wrote file and index within a tick.
    assert!(!reads.contains(&"b".to_string()));
}

#[test]
fn nested_repositories_and_submodules_count_file_by_file() {
    let repo = Repo::new();
    repo.write("nested/a", "1");
    repo.write("nested/.gitignore", "no\n");
    repo.write("nested/no", "");
    git_in(&repo.root.join("nested"), &["init", "-q"], b"");
    let other = Repo::new();
    other.write("inner/b", "2");
    other.commit();
    repo.git(&["submodule", "--quiet", "add", other.root.to_str().unwrap(), "module"]);
    repo.git(&["commit", "-qm", "x"]);
    let names = [".gitmodules", "module/inner/b", "nested/.gitignore", "nested/a"];
    assert_eq!(repo.names(), names);
    repo.write("module/inner/b", "3");
    assert_eq!(repo.scan()[&"module/inner/b".into()].1, blob_id(b"3"));
}

#[test]
fn a_submodule_is_a_project_like_any_other() {
    let mut repo = Repo::new();
    let other = Repo::new();
    other.write("b", "2");
    other.commit();
    repo.git(&["submodule", "--quiet", "add", other.root.to_str().unwrap(), "module"]);
    repo.root = repo.root.join("module");
    repo.project = repo.root.clone();
    repo.write("c", "");
    repo.check();
    assert_eq!(repo.names(), ["b", "c"]);
}

#[test]
fn without_git_ignore_files_are_heeded_all_the_same() {
    let repo = Repo::plain();
    repo.write(".gitignore", "a\n/d/no/\n");
    repo.write(".ignore", "b\n!a2\n");
    for name in ["a", "b", "c", "d/a", "d/no/x", "d/yes/x"] {
        repo.write(name, "");
    }
    assert_eq!(repo.names(), [".gitignore", ".ignore", "c", "d/yes/x"]);
}

#[test]
fn a_repository_without_an_index_is_all_untracked() {
    let repo = Repo::new();
    repo.write("a", "1");
    repo.check();
    assert_eq!(repo.names(), ["a"]);
}

#[test]
fn a_broken_index_is_a_note_and_everything_is_read() {
    let repo = Repo::new();
    repo.write("a", "1");
    repo.add();
    std::fs::write(repo.root.join(".git/index"), "rubbish").unwrap();
    let (mut tree, _) = repo.open(TreeOptions::default());
    let delta = tree.scan();
    let codes: Vec<&str> = delta.notes.iter().map(|note| note.code).collect();
    assert_eq!(codes, ["tree/git-unusable"]);
    assert_eq!(files_of(&tree)[&"a".into()].1, blob_id(b"1"));
}

#[test]
fn a_repository_of_longer_ids_is_a_note_and_its_tracked_files_count() {
    let repo = Repo::plain();
    repo.git(&["init", "-q", "--object-format=sha256"]);
    repo.write(".gitignore", "*.no\n");
    repo.write("a.no", "1");
    repo.write("b.no", "");
    settle();
    repo.git(&["add", "-f", "a.no"]);
    let (mut tree, _) = repo.open(TreeOptions::default());
    let codes: Vec<&str> = tree.scan().notes.iter().map(|note| note.code).collect();
    assert_eq!(codes, ["tree/git-unusable"]);
    let names: Vec<String> = files_of(&tree).keys().map(ToString::to_string).collect();
    assert_eq!(names, [".gitignore", "a.no"]);
    assert_eq!(files_of(&tree)[&"a.no".into()].1, blob_id(b"1"));
}

#[test]
fn every_layout_of_the_index_is_read() {
    for setting in
        [["index.version", "4"], ["core.splitIndex", "true"], ["core.untrackedCache", "true"]]
    {
        let repo = Repo::new();
        repo.git(&["config", setting[0], setting[1]]);
        for name in ["a", "d/b", "d/e/c", "d-x", "d.y"] {
            repo.write(name, name);
        }
        repo.add();
        repo.write("late", "");
        repo.add();
        let (files, reads) = repo.scan_with(TreeOptions::default());
        assert_eq!((files, reads), (repo.oracle(), vec![]), "{setting:?}");
    }
}

#[test]
fn a_sparse_checkout_is_what_lies_on_disk() {
    let repo = Repo::new();
    repo.write("in/a", "1");
    repo.write("out/b", "2");
    repo.commit();
    repo.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    assert_eq!(repo.names(), ["in/a"]);
    repo.write("out/c", "3");
    assert_eq!(repo.names(), ["in/a", "out/c"]);
}

#[test]
fn large_files_are_hashed_piece_by_piece() {
    let repo = Repo::new();
    let mut bytes = b"line\r\n".repeat(3 << 20);
    repo.write("big.bin", &bytes);
    repo.check();
    repo.write(".gitattributes", "*.bin text\n");
    repo.check();
    bytes.retain(|byte| *byte != b'\r');
    assert_eq!(repo.scan()[&"big.bin".into()].1, blob_id(&bytes));
}

#[test]
fn the_whole_tree_can_live_in_memory() {
    let system = Arc::new(
        MemorySystem::new().with_file("a/b", "1").with_file(".gitignore", "x\n").with_file("x", ""),
    );
    let mut tree = WorkTree::open(system.clone(), TreeOptions::default());
    tree.scan();
    assert_eq!(files_of(&tree).len(), 2);
    system.take_reads();
    tree.scan();
    assert_eq!(system.take_reads(), [RelPath::from(".gitignore")]);
}

#[test]
fn folders_may_nest_as_deep_as_paths_may_be_long() {
    let repo = Repo::new();
    let mut folder = RelPath::root();
    let system = OsSystem::new(&repo.project);
    while repo.root.as_os_str().len() + folder.as_bytes().len() < 4000 {
        folder = folder.join("d");
    }
    system.write_atomic(&folder.join("file"), b"x", FileKind::File).unwrap();
    let files = repo.scan();
    assert_eq!(files[&folder.join("file")].1, blob_id(b"x"));
    assert_eq!(files.len(), 1);

    let (mut tree, _) = repo.open(TreeOptions::default());
    tree.scan();
    system.write_atomic(&folder.join("file"), b"y", FileKind::File).unwrap();
    assert_eq!(tree.refresh(&[folder.join("file")]).touched, [folder.join("file")]);
    std::fs::remove_dir_all(repo.root.join("d")).unwrap();
    assert_eq!(tree.refresh(&[folder.clone()]).touched, [folder.join("file")]);
    assert_eq!(files_of(&tree), repo.scan());
}

#[test]
fn every_code_has_its_page() {
    for code in [
        codes::FOLDER_UNREADABLE,
        codes::FILE_UNREADABLE,
        codes::FILE_UNSTEADY,
        codes::GIT_UNUSABLE,
    ] {
        assert!(qik_model::codes::find(code).is_some(), "{code}");
    }
}
