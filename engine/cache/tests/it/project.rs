//! A project in a temporary folder, and everything that the tests do to it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use qik_cache::{ArtifactFiles, CacheSet, Finished, Key, Lookup, MissReason, content_of};
use qik_model::{
    ActionResult, Artifact, BlobId, CacheConfig, FileKind, Fingerprint, Name, Origin, Platform,
    RelPath, Setting,
};
use qik_system::{Env, OsSystem, System, blob_id};

pub struct Project {
    pub root: PathBuf,
    _temp: Option<tempfile::TempDir>,
}

impl Project {
    pub fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap().join("project");
        std::fs::create_dir(&root).unwrap();
        Self { root, _temp: Some(temp) }
    }

    pub fn in_git() -> Self {
        let project = Self::new();
        project.git(&["init", "-q", "-b", "main"]);
        project
    }

    pub fn at(root: PathBuf) -> Self {
        Self { root, _temp: None }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, path: &str) -> Option<String> {
        std::fs::read(self.path(path)).ok().map(|bytes| String::from_utf8(bytes).unwrap())
    }

    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.path(path)).unwrap();
    }

    /// What a new process would open.
    pub fn caches(&self) -> CacheSet {
        self.caches_on("linux-64")
    }

    pub fn caches_on(&self, platform: &str) -> CacheSet {
        CacheSet::open(self.system(), &BTreeMap::new(), platform)
    }

    pub fn caches_with(&self, git_add: bool) -> CacheSet {
        let config = CacheConfig {
            name: "repo".into(),
            origin: Origin::top("qik.toml"),
            kind: "repo".into(),
            settings: BTreeMap::from([(Name::from("git-add"), Setting::Bool(git_add))]),
        };
        let configured = BTreeMap::from([(Name::from("repo"), Arc::new(config))]);
        CacheSet::open(self.system(), &configured, "linux-64")
    }

    pub fn system(&self) -> Arc<dyn System> {
        let known = VARIABLES.lock().unwrap();
        let all = known.iter().enumerate();
        let env = all.fold(Env::of_process(), |env, (at, value)| env.with(name(at), value));
        Arc::new(OsSystem::with_env(&self.root, env))
    }

    pub fn files(&self) -> Disk {
        Disk { root: self.root.clone(), tracked: Vec::new() }
    }

    /// Every path below a folder, with what is there.
    pub fn listing(&self, folder: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        gather(&self.path(folder), folder, &mut found);
        found
    }

    /// Every file below a folder.
    pub fn listing_paths(&self, folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.path(folder)];
        while let Some(folder) = open.pop() {
            for item in std::fs::read_dir(folder).into_iter().flatten() {
                let path = item.unwrap().path();
                if path.is_dir() { open.push(path) } else { found.push(path) }
            }
        }
        found
    }

    /// The same with bytes that need not be text.
    pub fn listing_bytes(&self, folder: &str) -> BTreeMap<String, (FileKind, Vec<u8>)> {
        let mut found = BTreeMap::new();
        for path in self.listing(folder).into_keys() {
            let kind = self.files().state(&RelPath::from(path.as_str())).unwrap().0;
            let bytes = match kind {
                FileKind::Link => self.system().read_link(&path.as_str().into()).unwrap(),
                _ => std::fs::read(self.path(&path)).unwrap(),
            };
            found.insert(path, (kind, bytes));
        }
        found
    }

    pub fn try_git(&self, args: &[&str]) -> Output {
        let mut command = Command::new("git");
        command.current_dir(&self.root).args(args);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "someone");
            command.env(format!("GIT_{role}_EMAIL"), "someone@example.org");
        }
        command.env("GIT_EDITOR", "true").output().unwrap()
    }

    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let output = self.try_git(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    pub fn commit_all(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }
}

static VARIABLES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn name(at: usize) -> String {
    format!("QIK_TEST_VALUE_{at}")
}

/// The name of a variable with this value, which every project sees that is opened from now on.
pub fn variable(value: &str) -> String {
    let mut known = VARIABLES.lock().unwrap();
    known.push(value.to_owned());
    name(known.len() - 1)
}

/// The work tree as it is at this moment.
pub struct Disk {
    root: PathBuf,
    pub tracked: Vec<RelPath>,
}

impl ArtifactFiles for Disk {
    fn state(&self, path: &RelPath) -> Option<(FileKind, BlobId)> {
        let path = path.to_path(&self.root);
        let meta = std::fs::symlink_metadata(&path).ok()?;
        if meta.is_symlink() {
            let target = std::fs::read_link(&path).unwrap();
            return Some((FileKind::Link, blob_id(target.as_os_str().as_encoded_bytes())));
        }
        let executable = meta.permissions().mode() & 0o100 != 0;
        let kind = if executable { FileKind::Executable } else { FileKind::File };
        Some((kind, blob_id(&std::fs::read(&path).ok()?)))
    }

    fn is_tracked(&self, path: &RelPath) -> bool {
        self.tracked.contains(path)
    }
}

pub fn key(number: u8, runnable: &str) -> Key<'_> {
    Key { fingerprint: Fingerprint([number; 32]), runnable, platform: Platform::Same }
}

pub fn log(text: &str) -> Finished<'_> {
    Finished { log: text.as_bytes(), millis: 7, ..Default::default() }
}

pub fn artifact(path: &str, kind: FileKind, bytes: &[u8]) -> Artifact {
    Artifact { path: path.into(), kind, id: blob_id(bytes), content: content_of(bytes) }
}

#[track_caller]
pub fn hit(lookup: Lookup) -> ActionResult {
    match lookup {
        Lookup::Hit(result) => *result,
        Lookup::Miss(reason) => panic!("a miss: {reason}"),
    }
}

#[track_caller]
pub fn miss(lookup: Lookup) -> MissReason {
    match lookup {
        Lookup::Hit(result) => panic!("a hit: {result:?}"),
        Lookup::Miss(reason) => reason,
    }
}

fn gather(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    let Ok(items) = std::fs::read_dir(folder) else { return };
    for item in items {
        let item = item.unwrap();
        let name = format!("{prefix}/{}", item.file_name().to_string_lossy());
        let meta = item.metadata().unwrap();
        if meta.is_dir() {
            gather(&item.path(), &name, found);
        } else if meta.is_symlink() {
            let target = std::fs::read_link(item.path()).unwrap();
            found.insert(name, format!("-> {}", target.display()));
        } else {
            let mark = if meta.permissions().mode() & 0o100 != 0 { "x " } else { "" };
            let bytes = std::fs::read(item.path()).unwrap();
            found.insert(name, format!("{mark}{}", String::from_utf8_lossy(&bytes)));
        }
    }
}
