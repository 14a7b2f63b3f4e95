//! A project in a folder of its own, and qik and git run in it with a pinned environment.
//!
//! Commands of test projects begin with `note`, a script that writes down which runnable executes;
//! [`Project::executed`] tells what was written down since it was asked last.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::twins;

/// See the module.
#[derive(Clone, Debug)]
pub struct Project {
    /// Everything of this test: the project, its clones, HOME, scripts.
    world: Arc<TempDir>,
    /// Where qik and git are started.
    pub root: PathBuf,
}

/// What a process told.
#[derive(Clone, Debug)]
pub struct Told {
    pub stdout: Vec<u8>,
    pub stderr: String,
    pub code: i32,
}

impl Project {
    /// A git repository with nothing but this `qik.toml`, not yet committed.
    pub fn new(config: &str) -> Self {
        let project = Self::without_git(config);
        project.git("init -q -b main .");
        project
    }

    /// A folder with nothing but this `qik.toml`.
    pub fn without_git(config: &str) -> Self {
        let project = Self::empty();
        project.write("qik.toml", config);
        project
    }

    /// An empty folder.
    pub fn empty() -> Self {
        let world = TempDir::new().unwrap();
        let root = world.path().join("project");
        for folder in ["project", "home", "bin", "ran"] {
            fs::create_dir(world.path().join(folder)).unwrap();
        }
        fs::write(
            world.path().join("home/.gitconfig"),
            "[user]\nname = A\nemail = a@example.org\n[init]\ndefaultBranch = main\n[protocol \"file\"]\nallow = always\n",
        )
        .unwrap();
        let note = world.path().join("bin/note");
        // One line is appended whole, so no two of them mix.
        fs::write(&note, "#!/bin/sh\necho \"$QIK__RUNNABLE\" >> \"$RAN/all\"\n").unwrap();
        fs::set_permissions(&note, fs::Permissions::from_mode(0o755)).unwrap();
        Self { world: Arc::new(world), root }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn remove(&self, path: &str) -> &Self {
        fs::remove_file(self.path(path)).unwrap();
        self
    }

    pub fn make_executable(&self, path: &str) -> &Self {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn exists(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    /// Every file of the project but those of git and of qik's own folder.
    pub fn files(&self) -> Vec<String> {
        let all = files_below(&self.root);
        all.into_iter().filter(|path| !path.starts_with("._qik/")).collect()
    }

    /// Every file below `folder`, that of git excepted.
    pub fn files_in(&self, folder: &str) -> Vec<String> {
        files_below(&self.path(folder))
    }

    /// A clone of what is committed, in another folder.
    pub fn clone_to(&self, name: &str) -> Self {
        let root = self.world.path().join(name);
        self.git(&format!("clone -q . {}", root.display()));
        Self { world: self.world.clone(), root }
    }

    /// The same project, moved to another folder.
    pub fn moved_to(&self, name: &str) -> Self {
        let root = self.world.path().join(name);
        fs::rename(&self.root, &root).unwrap();
        Self { world: self.world.clone(), root }
    }

    /// Where the environment of a space has its distributions.
    pub fn site(&self, space: &str) -> PathBuf {
        let lib = self.path(&format!("._qik/venv/{space}/lib"));
        let homes = fs::read_dir(&lib).unwrap().map(|item| item.unwrap().path());
        homes.into_iter().next().unwrap().join("site-packages")
    }

    /// The same project, entered in another folder.
    pub fn inside(&self, folder: &str) -> Self {
        Self { world: self.world.clone(), root: self.path(folder) }
    }

    pub fn git(&self, args: &str) -> String {
        self.git_args(&args.split_whitespace().collect::<Vec<_>>())
    }

    pub fn git_args(&self, args: &[&str]) -> String {
        let told = tell(self.command("git").args(args));
        assert_eq!(told.code, 0, "git {args:?}: {}{}", told.out(), told.stderr);
        told.out()
    }

    pub fn commit(&self) -> &Self {
        self.git("add -A");
        self.git("commit -q -m change");
        self
    }

    /// Runs qik to its end; arguments are split at spaces.
    pub fn qik(&self, args: &str) -> Told {
        self.qik_in(args, &[])
    }

    /// As [`Project::qik`], with further environment variables.
    pub fn qik_in(&self, args: &str, env: &[(&str, &str)]) -> Told {
        tell(self.qik_command(args).envs(env.iter().copied()))
    }

    /// qik, not yet started.
    pub fn qik_command(&self, args: &str) -> Command {
        twins::compare(self, self.world.path());
        let mut command = self.command(env!("CARGO_BIN_EXE_qik"));
        command.args(args.split_whitespace());
        command
    }

    /// qik, started and left to itself.
    pub fn start(&self, args: &str) -> Started {
        let mut command = self.qik_command(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Started(command.spawn().unwrap())
    }

    /// Names that `--ls` prints, after it succeeded.
    pub fn ls(&self, args: &str) -> Vec<String> {
        let told = self.qik(&format!("--ls {args}"));
        assert_eq!(told.code, 0, "{}", told.stderr);
        told.out().lines().map(str::to_owned).collect()
    }

    /// Which runnables executed since this was asked last, sorted.
    pub fn executed(&self) -> Vec<String> {
        let mut names = self.executed_in_order();
        names.sort();
        names
    }

    /// Which runnables executed since this was asked last, in the order in which they began.
    pub fn executed_in_order(&self) -> Vec<String> {
        // The file only grows: to take away what was read would take what is noted just then, too.
        let (notes, seen) = (self.trace("all"), self.trace("seen"));
        let text = fs::read_to_string(notes).unwrap_or_default();
        let from = fs::read_to_string(&seen).ok().and_then(|seen| seen.parse().ok()).unwrap_or(0);
        let to = text.rfind('\n').map_or(0, |end| end + 1);
        fs::write(seen, to.to_string()).unwrap();
        let text = &text[from..to];
        text.lines().map(str::to_owned).collect()
    }

    /// A path outside of the project, for commands to leave traces at: `$RAN/NAME`.
    pub fn trace(&self, name: &str) -> PathBuf {
        self.world.path().join("ran").join(name)
    }

    /// Any program, in this project's folder and environment.
    pub fn command(&self, program: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env_clear()
            .env("PATH", format!("{}:{path}", self.world.path().join("bin").display()))
            .env("HOME", self.world.path().join("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("RAN", self.world.path().join("ran"));
        command
    }
}

/// Runs a process to its end.
pub fn tell(command: &mut Command) -> Told {
    let output = command.stdin(Stdio::null()).output().unwrap();
    told(output)
}

fn told(output: std::process::Output) -> Told {
    use std::os::unix::process::ExitStatusExt;
    let signal = || output.status.signal().map_or(-1, |signal| -signal);
    Told {
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap_or_else(signal),
        stdout: output.stdout,
    }
}

impl Told {
    /// What went to stdout.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The last line of stderr without its time: `2 ran, 1 cached`.
    pub fn summary(&self) -> &str {
        let last = self.stderr.lines().last().unwrap_or_default();
        let last = last.strip_prefix("qik ").unwrap_or(last);
        last.split(" in ").next().unwrap_or_default()
    }

    /// Asserts the exit code, showing everything where it is another.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "--- stdout\n{}--- stderr\n{}", self.out(), self.stderr);
        self
    }

    /// Asserts that stderr holds a text.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "no `{text}` in\n{}", self.stderr);
        self
    }

    /// Asserts that stderr does not hold a text.
    #[track_caller]
    pub fn is_silent_on(&self, text: &str) -> &Self {
        assert!(!self.stderr.contains(text), "`{text}` in\n{}", self.stderr);
        self
    }

    /// Asserts that stdout holds a text.
    #[track_caller]
    pub fn prints(&self, text: &str) -> &Self {
        assert!(self.out().contains(text), "no `{text}` in\n{}", self.out());
        self
    }
}

/// qik while it runs. Killed if the test ends before it does.
#[derive(Debug)]
pub struct Started(Child);

impl Started {
    /// Sends a signal to qik alone.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the end, for half a minute at most.
    pub fn ends(mut self) -> Told {
        let deadline = Instant::now() + Duration::from_secs(30);
        let streams = (self.0.stdout.take(), self.0.stderr.take());
        let read = |stream: Option<Box<dyn std::io::Read + Send>>| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                if let Some(mut stream) = stream {
                    let _ = stream.read_to_end(&mut bytes);
                }
                bytes
            })
        };
        let stdout = read(streams.0.map(|stream| Box::new(stream) as _));
        let stderr = read(streams.1.map(|stream| Box::new(stream) as _));
        let status = loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "qik did not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
        told(std::process::Output { status, stdout, stderr })
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something holds, for a minute at most.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process with this number still runs (and is not only waited for).
pub fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    match stat {
        Ok(stat) => !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'),
        Err(_) if Path::new("/proc/self").exists() => false,
        Err(_) => tell(Command::new("kill").args(["-0", pid.trim()])).code == 0,
    }
}

fn files_below(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for item in fs::read_dir(&folder).into_iter().flatten() {
            let path = item.unwrap().path();
            if path.ends_with(".git") {
                continue;
            }
            if path.symlink_metadata().unwrap().is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}
