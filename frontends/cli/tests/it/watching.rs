//! Sessions that watch, to be driven by tests: without a terminal, and in one of tmux.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::project::{Project, tell, until};

/// A session that watches; killed if the test ends before it does.
pub struct Watching<'a> {
    project: &'a Project,
    child: Child,
}

impl<'a> Watching<'a> {
    /// Starts it, and waits until it is idle.
    pub fn start(project: &'a Project, args: &str) -> Self {
        let watching = Self::begin(project, args);
        watching.says("qik watching");
        watching
    }

    /// Starts it.
    pub fn begin(project: &'a Project, args: &str) -> Self {
        let out = File::create(project.trace("watch")).unwrap();
        let mut command = project.qik_command(&format!("--watch {args}"));
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        Self { project, child: command.spawn().unwrap() }
    }

    pub fn told(&self) -> String {
        std::fs::read_to_string(self.project.trace("watch")).unwrap()
    }

    /// Waits until it said this.
    #[track_caller]
    pub fn says(&self, text: &str) {
        until(text, || self.told().contains(text));
    }

    /// How often it was idle.
    pub fn rests(&self) -> usize {
        self.told().matches("qik watching").count()
    }

    /// Changes something, and waits until what that affects is done: just these executed.
    #[track_caller]
    pub fn change(&self, change: impl FnOnce(&Project), expected: &[&str]) {
        self.project.executed();
        let before = self.rests();
        change(self.project);
        if expected.is_empty() {
            // There is nothing to wait for: it had its time.
            std::thread::sleep(std::time::Duration::from_millis(400));
        } else {
            until("it is idle again", || self.rests() > before);
        }
        let executed = self.project.executed();
        assert_eq!(executed, expected, "{}", self.told());
    }

    pub fn ends_by(mut self, signal: Signal) -> i32 {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A terminal of its own, by tmux; gone with the test.
pub struct Terminal<'a> {
    project: &'a Project,
    socket: String,
}

impl<'a> Terminal<'a> {
    /// A session in a terminal; none where tmux is lacking, and need not be there.
    pub fn start(project: &'a Project, name: &str, args: &str) -> Option<Self> {
        if tell(Command::new("sh").args(["-c", "command -v tmux"])).code != 0 {
            assert!(std::env::var_os("QIK_TEST_REQUIRE_TOOLS").is_none(), "tmux");
            eprintln!("SKIPPED: tmux");
            return None;
        }
        let socket = format!("qik-{name}-{}", std::process::id());
        let terminal = Self { project, socket };
        let shell = project.command("env");
        let env: Vec<String> = shell
            .get_envs()
            .filter_map(|(name, value)| Some(format!("{}={}", name.to_str()?, value?.to_str()?)))
            .collect();
        let qik = env!("CARGO_BIN_EXE_qik");
        let line = format!("'{qik}' --watch {args}; echo ended with $?; sleep 60");
        let folder = project.path("").display().to_string();
        let size = ["-x", "120", "-y", "40"];
        let mut args = vec!["new-session", "-d"];
        args.extend(size);
        args.extend(["-c", &folder, "env", "-i"]);
        args.extend(env.iter().map(String::as_str));
        args.extend(["sh", "-c", &line]);
        terminal.tmux(&args);
        Some(terminal)
    }

    fn tmux(&self, args: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.args(["-L", &self.socket]).args(args).env_remove("TMUX");
        tell(&mut command).out()
    }

    #[track_caller]
    pub fn shows(&self, text: &str) {
        until(text, || self.tmux(&["capture-pane", "-p"]).contains(text));
    }

    /// Presses a key until just these execute: a terminal under load may lose one.
    #[track_caller]
    pub fn asks(&self, key: &str, expected: &[&str]) {
        let mut waited = 0;
        let mut executed: Vec<String> = Vec::new();
        until(key, || {
            if waited % 800 == 0 {
                executed.clear();
                self.press(key);
            }
            waited += 1;
            executed.extend(self.project.executed());
            executed.sort();
            executed == expected
        });
    }

    pub fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}
