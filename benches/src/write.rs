//! Puts a plan on disk, with what tools are told of it, and into git with a history.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::plan::{Plan, Shape};
use crate::random::Random;
use crate::tools::{Generated, Tool};
use crate::{python, third_party};

/// What is never committed: what tools keep, what commands make, and the environment.
const IGNORED: &str =
    "._qik/\n.turbo/\n.nx/\n.moon/cache/\nnode_modules\nout/\n.venv/\n__pycache__/\n";

/// Writes all files below `out`, which must not exist yet, and `commands` over all packages for `tool`.
///
/// # Errors
/// If a file cannot be written.
pub fn write(
    shape: &Shape,
    plan: &Plan,
    tool: Tool,
    commands: &[Generated],
    out: &Path,
) -> io::Result<u64> {
    fs::create_dir(out)?;
    let mut bytes = 0;
    let mut folder = None;
    for (index, file) in plan.files().enumerate() {
        let path = out.join(&file.path);
        let parent = path.parent().map(Path::to_path_buf);
        if folder != parent {
            fs::create_dir_all(parent.as_deref().unwrap_or(out))?;
            folder = parent;
        }
        let text = python::text(shape, index, file);
        bytes += text.len() as u64;
        fs::write(path, text)?;
    }
    tool.write(plan, commands, out)?;
    third_party::write_venv(&out.join(".venv"))?;
    fs::write(out.join("requirements.txt"), third_party::requirements())?;
    fs::write(out.join(".gitignore"), IGNORED)?;
    Ok(bytes)
}

/// Commits all of `tree`, and then `edits` times an edit of some files of `plan`. The ids depend on the
/// files alone.
///
/// # Errors
/// If git is not there or does not succeed.
pub fn commit(plan: &Plan, tree: &Path, edits: usize) -> io::Result<()> {
    git(tree, &["init", "--quiet", "--initial-branch=main"])?;
    git(tree, &["config", "gc.auto", "0"])?;
    git(tree, &["add", "--all"])?;
    git(tree, &["commit", "--quiet", "--no-gpg-sign", "--no-verify", "--message=generated"])?;
    let files: Vec<&str> = plan.files().map(|file| &*file.path).collect();
    for number in 1..=edits {
        let mut random = Random::fork(edits as u64, number as u64);
        for _ in 0..1 + random.below(8) {
            let path = tree.join(files[random.below(files.len())]);
            let mut file = fs::OpenOptions::new().append(true).open(path)?;
            writeln!(file, "\n\nREVISION_{number} = {}", random.below(1_000))?;
        }
        let message = format!("--message=edit {number}");
        git(tree, &["commit", "--quiet", "--no-gpg-sign", "--no-verify", "--all", &message])?;
    }
    git(tree, &["status", "--porcelain"])
}

/// Runs git in `tree`, as somebody who is the same on every machine.
///
/// # Errors
/// If git is not there or does not succeed.
pub fn git(tree: &Path, arguments: &[&str]) -> io::Result<()> {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(tree).stdin(Stdio::null()).stdout(Stdio::null());
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "bench");
        command.env(format!("GIT_{role}_EMAIL"), "bench@example.invalid");
        command.env(format!("GIT_{role}_DATE"), "2020-01-01T00:00:00Z");
    }
    let status = command.status()?;
    let failed = || io::Error::other(format!("`git {}` failed: {status}", arguments.join(" ")));
    status.success().then_some(()).ok_or_else(failed)
}
