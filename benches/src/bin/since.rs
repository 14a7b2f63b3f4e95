//! `since --qik PATH --tree DIR [--commits 200] [--changes 30] [--seed N] [--most RATIO]` makes commits at
//! random in a generated tree and asks after each which runnables changed, by `--isolated --since HEAD~1 --ls`.
//! What is told has to be just the runnables whose fingerprints differ, taken anew from clones of both commits
//! in which nothing was kept. Each question is measured against `git status --porcelain`. With `--most` it fails
//! where the ratio of the medians is above it.
#![allow(clippy::print_stdout, reason = "it is a program of its own")]
#![allow(
    clippy::disallowed_methods,
    reason = "benches write trees, start processes and take times"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use qik_benches::{Arguments, Random, Sample, cost, git, program};

fn main() -> ExitCode {
    program(&[], &["qik", "tree", "commits", "changes", "seed", "most"], run)
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let absolute = |name| -> Result<PathBuf, String> {
        let path = arguments.required(name)?;
        fs::canonicalize(path).map_err(|error| format!("{path}: {error}"))
    };
    let (qik, tree) = (absolute("qik")?, absolute("tree")?);
    let commits: usize = arguments.option("commits", 200)?;
    let changes: usize = arguments.option("changes", 30)?;
    let mut random = Random::new(arguments.option("seed", 1)?);
    let clone = tree.with_extension("clone");
    let _ = fs::remove_dir_all(&clone);
    let paths = [&tree, &clone].map(|path| path.to_string_lossy().into_owned());
    told(git(&tree, &["clone", "--quiet", &paths[0], &paths[1]]))?;

    let mut before = fingerprints(&qik, &clone)?;
    let (mut asked, mut status) = (Vec::new(), Vec::new());
    let mut selected = 0;
    for number in 1..=commits {
        change(&tree, &mut random, changes)?;
        told(git(&tree, &["add", "--all"]))?;
        told(git(
            &tree,
            &[
                "-c",
                "maintenance.auto=false",
                "commit",
                "--quiet",
                "--no-gpg-sign",
                "--no-verify",
                "--message=change",
            ],
        ))?;
        let (names, time) = ask(&qik, &tree)?;
        asked.push(time);
        status.push(ask_status(&tree)?);
        let now = after(&qik, &tree, &clone)?;
        let expected: BTreeSet<&String> = now
            .iter()
            .filter(|(name, print)| before.get(*name) != Some(*print))
            .map(|one| one.0)
            .collect();
        let found: BTreeSet<&String> = names.iter().collect();
        if found != expected {
            let missing: Vec<_> = expected.difference(&found).collect();
            let extra: Vec<_> = found.difference(&expected).collect();
            return Err(format!("commit {number}: missing {missing:?}, too many {extra:?}"));
        }
        selected += found.len();
        before = now;
    }
    println!(
        "{commits} commits of {changes} changes: each selection is right, {selected} runnables in all"
    );
    Ok(report(asked, status) <= arguments.option("most", f64::INFINITY)?)
}

fn told<T>(result: std::io::Result<T>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

/// The names that `--since` tells, and how long that took.
fn ask(qik: &Path, tree: &Path) -> Result<(Vec<String>, Duration), String> {
    let arguments = ["--isolated", "--since", "HEAD~1", "--ls"];
    let file = tree.with_extension("listed");
    let out = told(fs::File::create(&file))?;
    let mut command = Command::new(qik);
    command.args(arguments).current_dir(tree).stdin(Stdio::null()).stdout(out);
    let cost = cost(&mut command)?;
    let names = told(fs::read_to_string(&file))?;
    Ok((names.lines().map(str::to_owned).collect(), cost.wall))
}

fn ask_status(tree: &Path) -> Result<Duration, String> {
    let mut command = Command::new("git");
    command.args(["status", "--porcelain"]).current_dir(tree).stdout(Stdio::null());
    Ok(cost(&mut command)?.wall)
}

/// The fingerprints of the newest commit of `tree`, in a clone that knows nothing of it.
fn after(qik: &Path, tree: &Path, clone: &Path) -> Result<BTreeMap<String, String>, String> {
    let origin = tree.to_string_lossy();
    told(git(clone, &["fetch", "--quiet", &origin, "main"]))?;
    told(git(clone, &["checkout", "--quiet", "--detach", "FETCH_HEAD"]))?;
    fingerprints(qik, clone)
}

fn fingerprints(qik: &Path, clone: &Path) -> Result<BTreeMap<String, String>, String> {
    let _ = fs::remove_dir_all(clone.join("._qik"));
    let mut command = Command::new(qik);
    command.args(["--ls", "--format", "json"]).current_dir(clone).stdin(Stdio::null());
    let output = told(command.output())?;
    let listed: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let listed = listed.as_array().ok_or("`--ls` printed no array")?;
    let text = |one: &serde_json::Value, key: &str| one[key].as_str().map(str::to_owned);
    let prints = listed.iter().map(|one| Some((text(one, "name")?, text(one, "fingerprint")?)));
    prints.collect::<Option<_>>().ok_or_else(|| "a runnable has no fingerprint".into())
}

/// Edits, adds, removes and renames files, as people do.
fn change(tree: &Path, random: &mut Random, changes: usize) -> Result<(), String> {
    let files = sources(tree)?;
    for number in 0..changes {
        let path = tree.join(&files[random.below(files.len())]);
        // What an earlier change of this commit took away stays away.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let other = &files[random.below(files.len())];
        let is_package = path.ends_with("__init__.py");
        told(match random.below(10) {
            0..5 => fs::write(&path, format!("{text}\n\nEDITED = {number}\n")),
            5 => fs::write(&path, format!("import {}\n{text}", dotted(other))),
            6 => fs::write(&path, without_an_import(&text)),
            7 if !is_package => fs::remove_file(&path),
            8 if !is_package => fs::rename(
                &path,
                path.with_file_name(format!("moved_{}.py", random.below(1 << 30))),
            ),
            _ => fs::write(
                path.with_file_name(format!("new_{}.py", random.below(1 << 30))),
                "NEW = 1\n",
            ),
        })?;
    }
    Ok(())
}

fn sources(tree: &Path) -> Result<Vec<String>, String> {
    let mut command = Command::new("git");
    command.args(["ls-files", "-z", "*.py"]).current_dir(tree);
    let output = told(command.output())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.split_terminator('\0').map(str::to_owned).collect())
}

fn dotted(path: &str) -> String {
    let path = path.trim_end_matches(".py").trim_end_matches("/__init__");
    path.replace('/', ".")
}

fn without_an_import(text: &str) -> String {
    let is_import = |line: &&str| line.starts_with("import ") || line.starts_with("from ");
    let last = text.lines().rfind(is_import);
    text.lines().filter(|line| Some(*line) != last).map(|line| format!("{line}\n")).collect()
}

/// Prints the figures and returns the ratio of the medians.
fn report(asked: Vec<Duration>, status: Vec<Duration>) -> f64 {
    let (asked, status) = (Sample::new(asked), Sample::new(status));
    let ratio = asked.median().as_secs_f64() / status.median().as_secs_f64();
    println!("qik --since HEAD~1 --ls  {asked}");
    println!("git status               {status}");
    println!("ratio of the medians {ratio:.2}");
    ratio
}
