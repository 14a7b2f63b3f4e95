//! `graph --qik PATH --ruff PATH --trees DIR,DIR [--pairs 11] [--most RATIO]` measures `qik graph
//! build` against `ruff analyze graph` on each tree: without anything kept from earlier runs, and
//! after an edit of one file. Rounds of runs, each time in the other order; wall and CPU time of
//! whole processes. With `--most` it fails where the CPU of a cold run is above that part of ruff's.
//! Each tree is a git repository with a `qik.toml`; what is kept of it in `._qik` is lost.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program of its own")]
#![allow(clippy::disallowed_methods, reason = "benches start processes and write files")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use qik_benches::{Arguments, Cost, Sample, cost};

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

fn run() -> Result<bool, String> {
    let options = ["qik", "ruff", "trees", "pairs", "most"];
    let arguments = Arguments::parse(std::env::args().skip(1), &[], &options)?;
    let absolute =
        |path: &str| std::fs::canonicalize(path).map_err(|error| format!("{path}: {error}"));
    let (qik, ruff) =
        (absolute(arguments.required("qik")?)?, absolute(arguments.required("ruff")?)?);
    let pairs: usize = arguments.option("pairs", 11)?;
    let most = arguments.option("most", f64::INFINITY)?;
    if pairs == 0 {
        return Err("`--pairs 0` measures nothing".to_string());
    }
    println!("{:24} {:>9} {:>9} {:>7} {:>7}", "medians", "wall ms", "CPU ms", "/ ruff", "/ cold");
    let mut within = true;
    for tree in arguments.required("trees")?.split(',') {
        let tree = absolute(tree)?;
        let bench = Bench { qik: qik.clone(), ruff: ruff.clone(), edited: edited(&tree)?, tree };
        within &= bench.measure(pairs)? <= most;
    }
    Ok(within)
}

/// What is measured on what.
struct Bench {
    qik: PathBuf,
    ruff: PathBuf,
    tree: PathBuf,
    /// The file that is edited.
    edited: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Cold,
    Edit,
    Ruff,
}

const CASES: [Case; 3] = [Case::Cold, Case::Edit, Case::Ruff];

impl Bench {
    /// Prints the figures of this tree; yields the part of ruff's CPU time that a cold run takes.
    fn measure(&self, pairs: usize) -> Result<f64, String> {
        let before = std::fs::read(&self.edited).map_err(|error| error.to_string())?;
        let measured = self.rounds(pairs);
        std::fs::write(&self.edited, before).map_err(|error| error.to_string())?;
        let costs = measured?;
        let [cold, edit, ruff] = CASES.map(|case| {
            let of_case = || costs.iter().filter(move |(of, _)| *of == case);
            let median = |part: fn(&Cost) -> Duration| {
                let sample = Sample::new(of_case().map(|(_, cost)| part(cost)).collect());
                sample.median().as_secs_f64() * 1_000.0
            };
            (median(|cost| cost.wall), median(|cost| cost.cpu))
        });
        println!("{}", self.tree.display());
        for (name, (wall, cpu)) in [("qik, cold", cold), ("qik, one edit", edit), ("ruff", ruff)] {
            let (of_ruff, of_cold) = (cpu / ruff.1, cpu / cold.1);
            println!("  {name:22} {wall:9.1} {cpu:9.1} {of_ruff:7.2} {of_cold:7.2}");
        }
        Ok(cold.1 / ruff.1)
    }

    /// Once more than is counted: the first round lets all programs see the tree.
    fn rounds(&self, pairs: usize) -> Result<Vec<(Case, Cost)>, String> {
        let mut costs = Vec::new();
        for round in 0..=pairs {
            let mut order = CASES;
            if round % 2 == 1 {
                order.reverse();
            }
            for case in order {
                let cost = self.cost(case)?;
                if round > 0 {
                    costs.push((case, cost));
                }
            }
        }
        Ok(costs)
    }

    fn cost(&self, case: Case) -> Result<Cost, String> {
        match case {
            Case::Ruff => {
                let mut command = Command::new(&self.ruff);
                // Whatever the project's own settings for ruff are, they are not what is measured;
                // nor is what it says of files that it can't read.
                command.args(["analyze", "graph", "--isolated"]).stderr(Stdio::null());
                cost(self.quiet(&mut command))
            }
            Case::Cold => {
                let _ = std::fs::remove_dir_all(self.tree.join("._qik"));
                cost(self.quiet(&mut self.build()))
            }
            Case::Edit => {
                // Twice, so that what the first one keeps of the folder that it makes is kept too.
                for _ in 0..2 {
                    cost(self.quiet(&mut self.build()))?;
                    rest();
                }
                self.edit()?;
                rest();
                cost(self.quiet(&mut self.build()))
            }
        }
    }

    fn build(&self) -> Command {
        let mut command = Command::new(&self.qik);
        command.args(["graph", "build"]);
        command
    }

    /// Adds an import that was not there, so that the graph is another one.
    fn edit(&self) -> Result<(), String> {
        let file = std::fs::OpenOptions::new().append(true).open(&self.edited);
        let written = file.and_then(|mut file| {
            let count = file.metadata()?.len();
            write!(file, "\nimport module_{count}\n")
        });
        written.map_err(|error| format!("{}: {error}", self.edited.display()))
    }

    fn quiet<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.current_dir(&self.tree).stdin(Stdio::null()).stdout(Stdio::null())
    }
}

/// Until what was just written is no longer young.
fn rest() {
    std::thread::sleep(Duration::from_millis(50));
}

/// A Python file from the middle of those that git tracks.
fn edited(tree: &Path) -> Result<PathBuf, String> {
    let output = Command::new("git")
        .args(["ls-files", "*.py"])
        .current_dir(tree)
        .output()
        .map_err(|error| error.to_string())?;
    let names = String::from_utf8_lossy(&output.stdout);
    let names: Vec<&str> = names.lines().collect();
    match names.get(names.len() / 2) {
        Some(name) => Ok(tree.join(name)),
        None => Err(format!("git tracks no Python file in {}", tree.display())),
    }
}
