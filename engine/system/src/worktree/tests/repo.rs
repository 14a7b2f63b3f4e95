//! A repository made for a test, and what real git says of it.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;

pub(super) type Files = BTreeMap<RelPath, (FileKind, BlobId)>;

pub(super) struct Repo {
    _temp: tempfile::TempDir,
    /// The git root.
    pub(super) root: PathBuf,
    /// The project folder.
    pub(super) project: PathBuf,
}

impl Repo {
    pub(super) fn plain() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap().join("repo");
        std::fs::create_dir(&root).unwrap();
        Self { _temp: temp, project: root.clone(), root }
    }

    pub(super) fn new() -> Self {
        let repo = Self::plain();
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    pub(super) fn git(&self, args: &[&str]) -> Vec<u8> {
        git_in(&self.root, args, b"")
    }

    pub(super) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.project.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(super) fn link(&self, path: &str, target: &str) {
        let path = self.project.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    pub(super) fn remove(&self, path: &str) {
        std::fs::remove_file(self.project.join(path)).unwrap();
    }

    pub(super) fn set_mode(&self, path: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;

        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.project.join(path), permissions).unwrap();
    }

    /// Adds everything, long enough after it was written to be settled.
    pub(super) fn add(&self) {
        settle();
        self.git(&["add", "-A"]);
    }

    pub(super) fn commit(&self) {
        self.add();
        self.git(&["commit", "-q", "-m", "x", "--allow-empty"]);
    }

    pub(super) fn open(&self, options: TreeOptions) -> (WorkTree, Arc<Watched>) {
        let system = Arc::new(Watched::new(OsSystem::new(&self.project)));
        (WorkTree::open(system.clone(), options), system)
    }

    /// What git stores of a file: unlike `hash-object`, an add heeds what the index holds.
    pub(super) fn added(&self, path: &str) -> BlobId {
        self.git(&["-c", "core.safecrlf=false", "add", path]);
        let id = String::from_utf8(self.git(&["rev-parse", &format!(":{path}")])).unwrap();
        id.trim().parse().unwrap()
    }

    pub(super) fn scan(&self) -> Files {
        self.scan_with(TreeOptions::default()).0
    }

    /// The files, and those that were read to know them.
    pub(super) fn scan_with(&self, options: TreeOptions) -> (Files, Vec<String>) {
        let (mut tree, system) = self.open(options);
        let delta = tree.scan();
        assert_eq!(delta.notes, []);
        assert_eq!(delta.touched, []);
        (files_of(&tree), system.take())
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.scan().keys().map(ToString::to_string).collect()
    }

    /// What git says that there is, and what it would store of it.
    pub(super) fn oracle(&self) -> Files {
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
    pub(super) fn check(&self) {
        assert_eq!(self.scan(), self.oracle());
    }
}

pub(super) fn settle() {
    std::thread::sleep(Duration::from_millis(40));
}

pub(super) fn git_in(folder: &Path, args: &[&str], stdin: &[u8]) -> Vec<u8> {
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

pub(super) fn hash_object(folder: &Path, path: &RelPath) -> Vec<u8> {
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

pub(super) fn files_of(tree: &WorkTree) -> Files {
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
