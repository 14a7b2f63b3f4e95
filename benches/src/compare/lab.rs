//! What cases work with: the binary, trees of each size for each tool, and the tools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Row;
use super::peers::{Peer, Peers};
use super::race::{Runner, race};
use crate::plan::Plan;
use crate::size::Size;
use crate::tools::{Generated, Tool};
use crate::write::{commit, write};

/// Another one, other trees.
const TREES: &str = "trees-1";

/// What is to be measured with what.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The binary.
    pub qik: PathBuf,
    /// Where trees and tools are kept.
    pub folder: PathBuf,
    /// The sizes that cases are about which are about one, but for those that ask for others.
    pub sizes: Vec<Size>,
    /// How often each command runs.
    pub rounds: usize,
    /// The longest that anything may take.
    pub limit: Duration,
    /// Whether nobody but git and ruff takes part.
    pub alone: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Lab {
    /// What was asked for.
    pub settings: Settings,
    /// The tools.
    pub peers: Peers,
}

impl Lab {
    /// Gets the tools.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn open(settings: Settings) -> Result<Self, String> {
        let needed = |peer| matches!(peer, Peer::Git | Peer::Ruff);
        let wanted = |peer| !settings.alone || needed(peer);
        let peers = Peers::get(&settings.folder.join("peers"), wanted)?;
        Ok(Self { settings, peers })
    }

    /// The tree of a size with `lint` and `test` for a tool, generated on the first request. `test` looks at
    /// what packages import.
    pub(super) fn tree(&self, size: Size, tool: Tool) -> Result<PathBuf, String> {
        let commands = ["lint", "test:graph"].map(Generated::parse);
        self.tree_with(size, tool, "", &commands)
    }

    /// The same with other commands; `name` tells it from others.
    pub(super) fn tree_with(
        &self,
        size: Size,
        tool: Tool,
        name: &str,
        commands: &[Generated],
    ) -> Result<PathBuf, String> {
        let folder = self.settings.folder.join(TREES);
        let tree = folder.join(format!("{size}-{tool}{name}"));
        if tree.exists() {
            return Ok(tree);
        }
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        // Whole or not at all: what was interrupted has another name.
        let draft = folder.join(format!("{size}-{tool}{name}.draft"));
        let _ = fs::remove_dir_all(&draft);
        let shape = size.shape();
        let plan = Plan::new(&shape);
        let made = write(&shape, &plan, tool, commands, &draft)
            .and_then(|_| commit(&plan, &draft, 4))
            .and_then(|()| fs::rename(&draft, &tree));
        made.map_err(|error| format!("{}: {error}", tree.display()))?;
        if tool == Tool::Nx {
            let link =
                std::os::unix::fs::symlink(self.peers.node_modules(), tree.join("node_modules"));
            link.map_err(|error| format!("{}: {error}", tree.display()))?;
        }
        // The rename gave it another ctime.
        self.git(&tree, &["status", "--porcelain"]).output().map_err(|error| error.to_string())?;
        Ok(tree)
    }

    /// qik in a tree.
    pub(super) fn qik(&self, tree: &Path, arguments: &[&str]) -> Command {
        command(&self.settings.qik, tree, arguments)
    }

    /// git in a tree.
    pub(super) fn git(&self, tree: &Path, arguments: &[&str]) -> Command {
        command(Path::new("git"), tree, arguments)
    }

    /// `git status`, which much is held against.
    pub(super) fn git_status<'a>(&'a self, tree: &'a Path) -> Runner<'a> {
        Runner::new("git status", || self.git(tree, &["status", "--porcelain"]))
    }

    /// A runner of another tool in its own tree, or why there is none.
    pub(super) fn peer<'a>(
        &'a self,
        peer: Peer,
        tree: Result<PathBuf, String>,
        who: &str,
        arguments: &'a [&'a str],
    ) -> Result<Runner<'a>, Row> {
        let program = self.peers.program(peer).map_err(|why| Row::absent(who, why))?;
        let tree = tree.map_err(|why| Row::absent(who, why))?;
        Ok(Runner::new(who, move || {
            let mut command = command(program, &tree, arguments);
            command.envs(QUIET);
            command
        }))
    }

    /// Runs those that can, and adds those that can't behind them.
    pub(super) fn race(&self, runners: Vec<Result<Runner<'_>, Row>>) -> Vec<Row> {
        let (mut able, mut absent) = (Vec::new(), Vec::new());
        for runner in runners {
            match runner {
                Ok(runner) => able.push(runner),
                Err(row) => absent.push(row),
            }
        }
        let mut rows = race(self.settings.rounds, self.settings.limit, &able);
        if !self.settings.alone {
            rows.extend(absent);
        }
        rows
    }

    /// Runs a command that is not measured.
    pub(super) fn once(&self, mut command: Command) -> Result<(), String> {
        crate::children::cost_within(&mut command, self.settings.limit).and_then(|cost| {
            let what = || format!("{} failed: {}", crate::children::name(&command), cost.code);
            (cost.code == 0).then_some(()).ok_or_else(what)
        })
    }

    /// How many lines qik prints.
    pub(super) fn count(&self, tree: &Path, arguments: &[&str]) -> Result<usize, String> {
        let output = self.qik(tree, arguments).stdout(std::process::Stdio::piped()).output();
        let output = output.map_err(|error| error.to_string())?;
        Ok(output.stdout.iter().filter(|byte| **byte == b'\n').count())
    }

    /// That a run of qik would do nothing, and that there is something to do nothing about.
    pub(super) fn expect_all_warm(&self, tree: &Path) -> Result<usize, String> {
        let listed = |status| self.count(tree, &["--cache-status", status, "--ls"]);
        match (listed("warm")?, listed("cold")?) {
            (0, _) => Err("no runnable is warm: there is nothing to measure".into()),
            (warm, 0) => Ok(warm),
            (_, cold) => Err(format!("{cold} runnables are cold: this is no no-op")),
        }
    }
}

/// That tools say little, ask nobody, and do all of their work in the process that is measured.
const QUIET: [(&str, &str); 12] = [
    ("CI", "1"),
    ("DO_NOT_TRACK", "1"),
    ("NO_COLOR", "1"),
    ("MOON_LOG", "off"),
    ("MOON_TOOLCHAIN_FORCE_GLOBALS", "true"),
    ("NX_DAEMON", "false"),
    ("NX_NO_CLOUD", "true"),
    ("NX_TUI", "false"),
    ("PROTO_OFFLINE", "true"),
    ("TURBO_NO_UPDATE_NOTIFIER", "1"),
    ("TURBO_SCM_BASE", "HEAD~1"),
    ("TURBO_TELEMETRY_DISABLED", "1"),
];

pub(super) fn command(program: &Path, tree: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(tree);
    // Environments that happen to be active are no part of the trees.
    command.env_remove("VIRTUAL_ENV").env_remove("CONDA_PREFIX");
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    command.stderr(std::process::Stdio::null());
    command
}
