//! Starting git and qik so that nothing of this machine's settings is seen, each bounded in time, and
//! ending what they leave behind.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How a process ended, and what it printed.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

const LONGEST: Duration = Duration::from_secs(60);

/// A command that sees no settings but ours.
pub fn command(program: impl AsRef<OsStr>, folder: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("LC_ALL", "C")
        .env("NO_COLOR", "1")
        .env("ORACLE_READER", std::env::current_exe().expect("this test"))
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")])
        .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.org")])
        .envs([("GIT_COMMITTER_NAME", "c"), ("GIT_COMMITTER_EMAIL", "c@example.org")])
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_EDITOR", "true")
        .stdin(Stdio::null());
    command
}

/// Runs git; says whether it did as told. What it refuses is part of a history.
pub fn git(folder: &Path, home: &Path, args: &[&str]) -> bool {
    let settings =
        ["-c", "gc.auto=0", "-c", "core.fsync=none", "-c", "advice.addEmbeddedRepo=false"];
    let mut git = command("git", folder, home);
    let status = git.args(settings).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.expect("git starts").success()
}

/// qik as it was built with this test, or the one that `QIK_ORACLE_BINARY` names.
pub fn qik(folder: &Path, home: &Path) -> Command {
    let other = std::env::var_os("QIK_ORACLE_BINARY");
    command(other.unwrap_or_else(|| env!("CARGO_BIN_EXE_qik").into()), folder, home)
}

/// Runs `command` to its end. Its output goes through files in `home`, so that nothing waits for a
/// reader.
pub fn run(command: &mut Command, home: &Path) -> Ended {
    let mut child = start(command, home);
    Ended {
        code: wait(&mut child).code(),
        stdout: std::fs::read(home.join("stdout")).expect("its output"),
        stderr: String::from_utf8_lossy(&std::fs::read(home.join("stderr")).expect("its output"))
            .into(),
    }
}

/// Waits for a child, but not for ever.
pub fn wait(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        assert!(begun.elapsed() < LONGEST, "process {} did not end", child.id());
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// Starts `command` in a process group of its own.
pub fn start(command: &mut Command, home: &Path) -> Child {
    let file = |name: &str| File::create(home.join(name)).expect("a file for output");
    command.stdout(file("stdout")).stderr(file("stderr")).process_group(0);
    command.spawn().expect("it starts")
}

/// SIGKILL to qik's process group; then its orphans, which are those that work in `folder`, are
/// killed too or left to end by themselves. What it was at is over when this returns.
pub fn kill_group(child: &mut Child, folder: &Path, with_orphans: bool) {
    if let Some(group) = rustix::process::Pid::from_raw(child.id() as i32) {
        // It may have ended already; its id is ours until it is waited for.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    child.wait().expect("a child");
    let begun = Instant::now();
    loop {
        let orphans = working_in(folder);
        if orphans.is_empty() {
            return;
        }
        if with_orphans || begun.elapsed() > LONGEST {
            for orphan in orphans {
                let _ = rustix::process::kill_process(orphan, rustix::process::Signal::KILL);
            }
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// The processes, but zombies, whose working directory is `folder`, which is this test's alone.
fn working_in(folder: &Path) -> Vec<rustix::process::Pid> {
    let folder = folder.canonicalize().expect("a folder");
    let items = std::fs::read_dir("/proc").expect("processes").flatten();
    let ids = items.filter_map(|item| item.file_name().to_str()?.parse::<i32>().ok());
    let here = ids
        .filter(|id| std::fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|cwd| cwd == folder));
    here.filter_map(rustix::process::Pid::from_raw).collect()
}
