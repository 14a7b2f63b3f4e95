//! `guard [--qik PATH] [--baseline FILE] [--write]` counts the instructions that five key paths take, by
//! callgrind, and fails where one takes more than the stored baseline and its tolerance allow: wall time on
//! shared machines lies, instructions hardly vary. One thread, one environment, one tree out of a seed.
//!
//! A baseline holds for one kind of processor and one compiler; for others nothing is compared, which it says.
//! `--write` stores what was counted.
#![allow(clippy::print_stdout, reason = "it is a program of its own")]
#![allow(clippy::disallowed_methods, reason = "benches start processes and read files")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use qik_benches::{Arguments, Generated, Plan, Shape, Tool, commit, program, write};
use serde_json::{Value, json};

fn main() -> ExitCode {
    program(&["write"], &["qik", "baseline"], run)
}

/// How much more than stored a path may take. What the compiler and the system decide anew from one release to
/// the next is about a hundredth.
const TOLERANCE: f64 = 0.05;
/// What is younger, qik trusts no stamp of: files of the tree are read again each time, and beside a young virtual
/// environment (2 s) no fingerprints are kept for the next process.
const GROWN: Duration = Duration::from_millis(2_200);
/// From this much less on the baseline is asked to be written anew: it would hide as much more.
const STALE: f64 = 0.10;

fn run(arguments: &Arguments) -> Result<bool, String> {
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("baseline.json");
    let path: PathBuf = arguments.option("baseline", stored)?;
    let qik = arguments.option("qik", "target/release/qik".to_string())?;
    let qik = fs::canonicalize(&qik).map_err(|error| format!("{qik}: {error}"))?;
    let text = fs::read_to_string(&path).unwrap_or_else(|_| "{}".into());
    let baseline: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let bench = Bench::new(qik)?;
    let counts = bench.counts();
    bench.remove();
    let counts = counts?;
    let machine = machine();
    if arguments.flag("write") {
        let told = json!({ "machine": machine, "tolerance": TOLERANCE, "instructions": counts });
        fs::write(&path, format!("{told:#}\n")).map_err(|error| error.to_string())?;
        println!("{}: written", path.display());
    }
    let is_comparable = baseline["machine"] == json!(machine);
    let mut within = true;
    for (name, count) in &counts {
        let known = baseline["instructions"][name].as_u64().filter(|_| is_comparable);
        let millions = *count as f64 / 1e6;
        let Some(known) = known else {
            println!("{name:12} {millions:9.2} million instructions");
            continue;
        };
        let more = *count as f64 / known as f64 - 1.0;
        let verdict = match more {
            _ if more > TOLERANCE => "TOO MANY",
            _ if more < -STALE => "far fewer: store them with --write",
            _ => "",
        };
        println!("{name:12} {millions:9.2} million instructions {:+7.2} % {verdict}", more * 100.0);
        within &= more <= TOLERANCE;
    }
    if !is_comparable {
        println!("the baseline is of {}, this is {machine}: not compared", baseline["machine"]);
    }
    Ok(within || arguments.flag("write"))
}

/// What instructions depend on, beside the code.
fn machine() -> String {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.unwrap_or_default().lines().next().unwrap_or_default().trim().to_string()
    };
    let features = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let vectors = if features.contains(" avx2 ") { "with AVX2" } else { "without AVX2" };
    let (system, rustc) = (said("uname", &["-sm"]), said("rustc", &["--version"]));
    format!("{system} {vectors}, {rustc}, {}", said("valgrind", &["--version"]))
}

/// A tree in which all is cached.
struct Bench {
    qik: PathBuf,
    folder: PathBuf,
    tree: PathBuf,
    hub: PathBuf,
}

impl Bench {
    fn new(qik: PathBuf) -> Result<Self, String> {
        // Instructions depend on the length of paths, so that is the same everywhere.
        let folder = PathBuf::from(format!("/tmp/qik-guard-{:010}", std::process::id()));
        let told = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(told)?;
        let shape = Shape { packages: 60, files: 1_200, seed: 1, tiny: true };
        let plan = Plan::new(&shape);
        let commands = ["lint", "test:graph"].map(Generated::parse);
        let tree = folder.join("tree");
        write(&shape, &plan, Tool::Qik, &commands, &tree)
            .and_then(|_| commit(&plan, &tree, 2))
            .map_err(told)?;
        let hub = tree.join(&plan.hub().path);
        let bench = Self { qik, folder, tree, hub };
        std::thread::sleep(GROWN);
        for _ in 0..3 {
            bench.qik(&[])?;
        }
        Ok(bench)
    }

    fn remove(&self) {
        // What lies there is of no use to anybody, and no harm.
        let _ = fs::remove_dir_all(&self.folder);
    }

    fn counts(&self) -> Result<BTreeMap<String, u64>, String> {
        let mut counts = BTreeMap::new();
        let mut note = |name: &str, count| counts.insert(name.to_string(), count);
        note("start-up", self.count(&["--version"], 0)?);
        note("ls", self.count(&["--ls"], 120)?);
        note("noop", self.count(&["-n", "1"], 0)?);
        note("since", self.count(&["--since", "HEAD~1", "--ls"], 1)?);
        let before = fs::read_to_string(&self.hub).map_err(|error| error.to_string())?;
        let edited = format!("{before}\n\nEDITED = 1\n");
        fs::write(&self.hub, edited).map_err(|error| error.to_string())?;
        note("edit", self.count(&["--cache-status", "cold", "--ls"], 2)?);
        fs::write(&self.hub, before).map_err(|error| error.to_string())?;
        let state = self.tree.join("._qik");
        fs::remove_dir_all(state).map_err(|error| error.to_string())?;
        note("graph", self.count(&["graph", "build"], 1)?);
        Ok(counts)
    }

    /// The instructions of a run that prints at least so many lines.
    fn count(&self, arguments: &[&str], lines: usize) -> Result<u64, String> {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(&self.qik);
        let output = self.run(command.args(arguments))?;
        let printed = output.stdout.iter().filter(|byte| **byte == b'\n').count();
        if printed < lines {
            return Err(format!("{arguments:?} printed {printed} lines"));
        }
        let told = String::from_utf8_lossy(&output.stderr);
        let collected = told.lines().find_map(|line| line.split_once("Collected : "));
        let count = collected.and_then(|(_, count)| count.trim().parse().ok());
        count.ok_or_else(|| format!("valgrind told no count:\n{told}"))
    }

    fn qik(&self, arguments: &[&str]) -> Result<(), String> {
        self.run(Command::new(&self.qik).args(["-n", "1"]).args(arguments)).map(drop)
    }

    fn run(&self, command: &mut Command) -> Result<std::process::Output, String> {
        // One thread does what many would: how often they wait for each other is no property of the code.
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &self.folder);
        command.env("RAYON_NUM_THREADS", "1").env("LC_ALL", "C");
        let output = command.current_dir(&self.tree).stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("{command:?}: {error}"))?;
        match output.status.success() {
            true => Ok(output),
            false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))),
        }
    }
}
