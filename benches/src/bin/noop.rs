//! `noop --qik PATH --tree DIR [--pairs 21] [--name lint] [--most RATIO]` measures a run of qik in
//! which everything is cached against `git status --porcelain` on the same tree: pairs of runs, each
//! time in the other order. With `--most` it fails where the ratio of the medians is above it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program of its own")]
#![allow(clippy::disallowed_methods, reason = "benches start processes and take times")]

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use qik_benches::{Arguments, Sample, median};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// What is measured on what.
struct Bench {
    qik: PathBuf,
    tree: PathBuf,
    names: Vec<String>,
}

fn run() -> Result<bool, String> {
    let arguments =
        Arguments::parse(std::env::args().skip(1), &[], &["qik", "tree", "pairs", "name", "most"])?;
    let absolute = |name| -> Result<PathBuf, String> {
        let path = arguments.required(name)?;
        std::fs::canonicalize(path).map_err(|error| format!("{path}: {error}"))
    };
    let name = arguments.option("name", String::new())?;
    let bench = Bench {
        qik: absolute("qik")?,
        tree: absolute("tree")?,
        names: (!name.is_empty()).then_some(name).into_iter().collect(),
    };
    let pairs: usize = arguments.option("pairs", 21)?;
    if pairs == 0 {
        return Err("`--pairs 0` measures nothing".to_string());
    }

    bench.warm_up()?;
    let (qik, git) = bench.measure(pairs)?;
    bench.expect_all_warm()?;
    let ratio = report(qik, git);
    Ok(ratio <= arguments.option("most", f64::INFINITY)?)
}

impl Bench {
    /// Fills the cache, and lets both programs see the tree once more.
    fn warm_up(&self) -> Result<(), String> {
        let cold = time(&mut self.qik(&[]))?;
        println!("first run of qik {:18.1} ms", cold.as_secs_f64() * 1_000.0);
        self.expect_all_warm()?;
        for _ in 0..2 {
            time(&mut self.qik(&[]))?;
            time(&mut self.git())?;
        }
        Ok(())
    }

    /// That a run would do nothing, and that there is something to do nothing about.
    fn expect_all_warm(&self) -> Result<(), String> {
        let listed = |status| -> Result<usize, String> {
            let mut command = self.qik(&["--cache-status", status, "--ls"]);
            let output = command.stdout(Stdio::piped()).output().map_err(|e| e.to_string())?;
            Ok(String::from_utf8_lossy(&output.stdout).lines().count())
        };
        match (listed("warm")?, listed("cold")?) {
            (0, _) => Err("no runnable is warm: there is nothing to measure".to_string()),
            (_, 0) => Ok(()),
            (_, cold) => Err(format!("{cold} runnables are cold: this is no no-op")),
        }
    }

    fn measure(&self, pairs: usize) -> Result<(Vec<Duration>, Vec<Duration>), String> {
        let (mut qik, mut git) = (Vec::new(), Vec::new());
        for pair in 0..pairs {
            if pair % 2 == 0 {
                qik.push(time(&mut self.qik(&[]))?);
                git.push(time(&mut self.git())?);
            } else {
                git.push(time(&mut self.git())?);
                qik.push(time(&mut self.qik(&[]))?);
            }
        }
        Ok((qik, git))
    }

    fn qik(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.qik);
        command.args(&self.names).args(arguments);
        self.quiet(command)
    }

    fn git(&self) -> Command {
        let mut command = Command::new("git");
        command.args(["status", "--porcelain"]);
        self.quiet(command)
    }

    fn quiet(&self, mut command: Command) -> Command {
        command.current_dir(&self.tree).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

fn time(command: &mut Command) -> Result<Duration, String> {
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    let time = start.elapsed();
    if status.success() { Ok(time) } else { Err(format!("{command:?} failed: {status}")) }
}

/// Prints the figures and returns the ratio of the medians.
fn report(qik: Vec<Duration>, git: Vec<Duration>) -> f64 {
    let pairs = qik.len();
    let each: Vec<f64> =
        qik.iter().zip(&git).map(|(qik, git)| qik.as_secs_f64() / git.as_secs_f64()).collect();
    let (qik, git) = (Sample::new(qik), Sample::new(git));
    let ratio = qik.median().as_secs_f64() / git.median().as_secs_f64();
    println!("qik, all cached  {qik}");
    println!("git status       {git}");
    println!(
        "ratio of the medians {ratio:.2}, median of the ratios {:.2}, {pairs} pairs",
        median(each)
    );
    ratio
}
