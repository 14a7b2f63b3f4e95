//! The project on disk, and doing to it what a step says. What git refuses is refused: a history goes
//! on. Knows nothing of what is right.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::defect::Defect;
use crate::processes::{git, kill_group, qik, start, wait};
use crate::project::{self, SPECIAL, any_node, any_path, any_target, load_file, values};
use crate::random::Random;
use crate::step::{Kind, Step};
use crate::tree::{self, Node, Tree};

/// The project on disk, and what of its state is not on disk.
#[derive(Debug)]
pub struct World {
    pub home: PathBuf,
    pub root: PathBuf,
    pub variable: Option<String>,
    pub defect: Defect,
    /// Whether what was kept locally is gone since this was last asked.
    pub forgot: bool,
    saved: Option<Tree>,
    copies: usize,
    counter: u64,
}

impl World {
    pub fn new(home: PathBuf, random: &mut Random, defect: Defect) -> Self {
        let root = home.join("project");
        std::fs::create_dir(&root).expect("a folder");
        for (path, node) in project::first_files(random, defect) {
            tree::put(&root, &path, &node).expect("a file");
        }
        let world = Self {
            home,
            root,
            variable: None,
            defect,
            forgot: false,
            saved: None,
            copies: 0,
            counter: 1000,
        };
        world.git(&["init", "-q", "-b", "main"]);
        world.git(&["add", "-A"]);
        world.git(&["commit", "-q", "-m", "first"]);
        world
    }

    /// Runs git, which may refuse.
    fn attempt(&self, args: &[&str]) {
        self.git(args);
    }

    fn git(&self, args: &[&str]) -> bool {
        git(&self.root, &self.home, args)
    }

    /// Does a step; runs that are to end are the caller's.
    pub fn take(&mut self, step: Step) {
        let random = &mut Random(step.seed);
        use Kind::*;
        match step.kind {
            Run => {}
            KillRun => self.kill_run(random),
            EditDuring => self.edit_during(random),
            Edit | SameSize | Append | Replace | EditAfterAdd => self.edit(step.kind, random),
            Delete => drop(self.any_file(random).map(|path| std::fs::remove_file(self.at(&path)))),
            Add => {
                let node = any_node(random, self.count());
                self.put(&any_path(random), &node);
            }
            AddIgnored => {
                let node = any_node(random, self.count());
                self.put(b"src/deep/ignored.log", &node);
            }
            Rename => self.rename(random),
            RenameFolder => {
                let folder = *random.pick(&project::FOLDERS);
                let other = if random.once_in(2) { "src/moved" } else { "docs/moved" };
                let _ = std::fs::rename(self.at(folder.as_bytes()), self.root.join(other));
            }
            Chmod => self.chmod(random),
            Link => {
                let node = Node { kind: b'l', bytes: any_target(random) };
                let path = self.any_file(random).unwrap_or_else(|| any_path(random));
                self.put(&path, &node);
            }
            Touch => self.touch(random, Duration::ZERO),
            BackDate => self.touch(random, Duration::from_secs(3600)),
            Save => self.saved = Some(self.sources()),
            Restore => self.restore(),
            Variable => {
                self.variable =
                    [None, Some(""), Some("1"), Some("2")][random.below(4)].map(Into::into)
            }
            Configure => {
                let switches =
                    project::switches(&self.root) ^ (1 << random.below(project::SWITCHES));
                self.plain("qik.toml", project::config(switches, self.defect).into());
            }
            Status => self.plain("conf/status", format!("{}\n", random.below(3)).into()),
            Values => self.plain("conf/values.toml", values(random)),
            LoadFile if random.once_in(4) => drop(std::fs::remove_file(self.at(b"conf/load.json"))),
            LoadFile => self.plain("conf/load.json", load_file(random)),
            RemoveArtifact => {
                drop(self.any_artifact(random).map(|path| std::fs::remove_file(self.at(&path))))
            }
            SpoilArtifact => self.spoil(random),
            RemoveLogs => drop(std::fs::remove_dir_all(self.root.join("._qik/out"))),
            Clone | Copy => self.move_house(step.kind),
            NestedRepository => self.nest(random),
            _ => self.with_git(step.kind, random),
        }
    }

    fn with_git(&mut self, kind: Kind, random: &mut Random) {
        use Kind::*;
        let branch = format!("b{}", random.below(3));
        match kind {
            CheckoutFile => {
                self.attempt(&["checkout", "-q", "--", random.pick::<&str>(&project::FOLDERS)])
            }
            ResetHard => self.attempt(&["reset", "-q", "--hard"]),
            Stage => self.attempt(&["add", "-A"]),
            Commit => {
                self.git(&["add", "-A"]);
                self.git(&["commit", "-q", "-m", "more"]);
            }
            Branch => self.attempt(&["switch", "-q", "-c", &branch]),
            Switch => {
                let to = if random.once_in(3) { "main" } else { &branch };
                let force = if random.once_in(2) { "-f" } else { "-q" };
                self.git(&["switch", "-q", force, to]);
            }
            Merge => {
                let merged = self.git(&["merge", "-q", "--no-edit", &branch]);
                if !merged && random.once_in(2) {
                    self.git(&["merge", "--abort"]);
                }
            }
            Stash => {
                let untracked = if random.once_in(2) { "-u" } else { "-q" };
                self.git(&["stash", "push", "-q", untracked]);
            }
            Pop => self.attempt(&["stash", "pop", "-q"]),
            Gc => self.attempt(&["gc", "-q", "--prune=now"]),
            CleanUntracked => self.attempt(&["clean", "-q", "-fd"]),
            CleanAll => {
                self.git(&["clean", "-q", "-ffdx"]);
                self.forgot = true;
            }
            AssumeUnchanged => {
                let how = if random.once_in(2) { "--assume-unchanged" } else { "--skip-worktree" };
                if let Some(path) =
                    self.any_file(random).and_then(|path| String::from_utf8(path).ok())
                {
                    self.git(&["update-index", how, &path]);
                }
            }
            _ => {}
        }
        self.settle_conflicts();
    }

    /// Files that must be readable take a side; their entries in the index stay in conflict.
    fn settle_conflicts(&self) {
        for path in SPECIAL {
            let text = std::fs::read(self.root.join(path)).unwrap_or_default();
            if text.windows(7).any(|window| window == b"<<<<<<<") {
                self.git(&["checkout", "-q", "--ours", "--", path]);
            }
        }
    }

    fn edit(&mut self, kind: Kind, random: &mut Random) {
        let Some(path) = self.any_file(random) else { return };
        let Some(mut node) = tree::node_at(&self.root, &path).filter(|node| node.kind != b'l')
        else {
            return;
        };
        if kind == Kind::EditAfterAdd {
            self.git(&["add", "-A"]);
        }
        let fresh = format!("edit {}\n", self.count()).into_bytes();
        match kind {
            Kind::SameSize | Kind::EditAfterAdd => {
                let digit = b'0' + random.below(10) as u8;
                node.bytes
                    .iter_mut()
                    .for_each(|byte| *byte = if *byte == digit { b'z' } else { digit });
            }
            Kind::Append => node.bytes.extend(fresh),
            _ => node.bytes = fresh,
        }
        let at = self.at(&path);
        let before = std::fs::metadata(&at).and_then(|meta| meta.modified());
        if kind == Kind::Replace {
            self.put(&path, &node);
        } else {
            std::fs::write(&at, &node.bytes).expect("a file");
        }
        if let (Ok(before), true) = (before, random.once_in(3)) {
            set_time(&at, before);
        }
    }

    fn rename(&self, random: &mut Random) {
        let Some(path) = self.any_file(random) else { return };
        let to = self.at(&any_path(random));
        std::fs::create_dir_all(to.parent().expect("a folder above")).expect("a folder");
        let _ = std::fs::rename(self.at(&path), to);
    }

    fn chmod(&self, random: &mut Random) {
        use std::os::unix::fs::PermissionsExt;
        let Some(path) = self.any_file(random) else { return };
        let at = self.at(&path);
        if !at.is_symlink() {
            let mode = *random.pick(&[0o644, 0o755, 0o700, 0o655, 0o600]);
            std::fs::set_permissions(at, PermissionsExt::from_mode(mode)).expect("a mode");
        }
    }

    fn touch(&self, random: &mut Random, ago: Duration) {
        if let Some(path) = self.any_file(random) {
            set_time(&self.at(&path), SystemTime::now() - ago);
        }
    }

    /// All files that are sources, back to what was saved.
    fn restore(&mut self) {
        let Some(saved) = self.saved.clone() else { return };
        let now = self.sources();
        for path in now.keys().filter(|path| !saved.contains_key(*path)) {
            let _ = std::fs::remove_file(self.at(path));
        }
        for (path, node) in saved.iter().filter(|(path, node)| now.get(*path) != Some(*node)) {
            self.put(path, node);
        }
    }

    fn spoil(&mut self, random: &mut Random) {
        let fresh = format!("spoilt {}", self.count()).into_bytes();
        match (random.below(3), self.any_artifact(random)) {
            (0, _) => self.put(b"out/b/junk", &Node { kind: b'f', bytes: fresh }),
            (1, Some(path)) => self.put(&path, &Node { kind: b'x', bytes: fresh }),
            (_, Some(path)) => {
                let Some(mut node) = tree::node_at(&self.root, &path) else { return };
                if let Some(last) = node.bytes.last_mut().filter(|_| node.kind != b'l') {
                    *last ^= 1;
                    let at = self.at(&path);
                    let before =
                        std::fs::metadata(&at).and_then(|meta| meta.modified()).expect("a time");
                    std::fs::write(&at, &node.bytes).expect("an artifact");
                    set_time(&at, before);
                }
            }
            _ => {}
        }
    }

    /// On to another path: by a clone, or by a copy with all that git does not know.
    fn move_house(&mut self, kind: Kind) {
        self.copies += 1;
        let to = self.home.join(format!("other {}", self.copies));
        let (from, to_text) = (self.root.to_str().expect("text"), to.to_str().expect("text"));
        let moved = match kind {
            Kind::Clone => git(&self.home, &self.home, &["clone", "-q", from, to_text]),
            _ => std::process::Command::new("cp")
                .args(["-a", from, to_text])
                .status()
                .is_ok_and(|s| s.success()),
        };
        // What is in conflict, or was never committed, is not in a clone.
        if moved && to.join("qik.toml").exists() {
            std::fs::remove_dir_all(&self.root).expect("the old one goes");
            self.root = to;
            self.forgot |= kind == Kind::Clone;
        }
    }

    fn nest(&mut self, random: &mut Random) {
        let folder = format!("{}/nested", random.pick(&["src", "mods/m1", "lib"]));
        let node = Node { kind: b'f', bytes: format!("nested {}\n", self.count()).into() };
        self.put(format!("{folder}/in.txt").as_bytes(), &node);
        let at = self.root.join(folder);
        git(&at, &self.home, &["init", "-q"]);
        git(&at, &self.home, &["add", "-A"]);
        git(&at, &self.home, &["commit", "-q", "-m", "nested"]);
    }

    fn kill_run(&mut self, random: &mut Random) {
        let mut command = self.qik();
        let mut child = start(command.args(["-n", "2"]), &self.home);
        std::thread::sleep(Duration::from_micros(random.next() % 90_000));
        kill_group(&mut child, &self.root, random.once_in(2));
        // As the user does whom git tells so.
        let _ = std::fs::remove_file(self.root.join(".git/index.lock"));
    }

    /// A run during which a file is edited, and sometimes put back; however it ends, what comes after
    /// must be right.
    fn edit_during(&mut self, random: &mut Random) {
        let mut command = self.qik();
        command.args(["-n", "3"]).env("ORACLE_WAIT", "15");
        let mut child = start(&mut command, &self.home);
        std::thread::sleep(Duration::from_micros(random.next() % 100_000));
        if let Some(path) = self.any_file(random)
            && let Some(before) = tree::node_at(&self.root, &path)
        {
            let same_size = |byte: &u8| if *byte == b'q' { b'k' } else { b'q' };
            let bytes = before.bytes.iter().map(same_size).collect();
            self.put(&path, &Node { kind: before.kind, bytes });
            if random.once_in(2) {
                std::thread::sleep(Duration::from_millis(30));
                self.put(&path, &before);
            }
        }
        wait(&mut child);
    }

    pub fn qik(&self) -> std::process::Command {
        let mut command = qik(&self.root, &self.home);
        command.envs(self.variable.as_ref().map(|value| ("ORACLE_VAR", value)));
        command
    }

    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    fn at(&self, path: &[u8]) -> PathBuf {
        tree::place(&self.root, path)
    }

    fn put(&self, path: &[u8], node: &Node) {
        // Where a folder is in the way, or a file stands for a folder, nothing happens.
        let _ = tree::put(&self.root, path, node);
    }

    fn plain(&self, path: &str, bytes: Vec<u8>) {
        self.put(path.as_bytes(), &Node { kind: b'f', bytes });
    }

    /// Everything but artifacts.
    fn sources(&self) -> Tree {
        let mut tree = tree::load(&self.root);
        tree.retain(|path, _| !tree::is_within(path, b"out"));
        tree
    }

    fn any_file(&self, random: &mut Random) -> Option<Vec<u8>> {
        let is_special = |path: &[u8]| SPECIAL.iter().any(|special| special.as_bytes() == path);
        let files =
            self.sources().into_keys().filter(|path| !is_special(path) && path.contains(&b'/'));
        let files: Vec<_> = files.collect();
        (!files.is_empty()).then(|| random.pick(&files).clone())
    }

    fn any_artifact(&self, random: &mut Random) -> Option<Vec<u8>> {
        let files: Vec<_> = tree::load_below(&self.root, b"out").into_keys().collect();
        (!files.is_empty()).then(|| random.pick(&files).clone())
    }
}

fn set_time(path: &Path, time: SystemTime) {
    // A link, or a file that may not be written, keeps its time.
    if !path.is_symlink()
        && let Ok(file) = std::fs::File::options().append(true).open(path)
    {
        let _ = file.set_modified(time);
    }
}
