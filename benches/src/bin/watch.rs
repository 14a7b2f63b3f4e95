//! `watch --qik PATH --tree DIR [--edits 100] [--seed N] [--imports] [--most MILLIS]` measures in a generated tree
//! with a command called `lint` how long it takes from a saved file to the start of that command over its package,
//! in a session that watches. The command tells the time at which it starts; the shell that does so is part of
//! what is measured, and so is the pause after which a burst of events counts as over. With `--imports` each edit
//! adds or takes away an import. With `--most` it fails where the median is above that.
#![allow(clippy::print_stdout, reason = "it is a program of its own")]
#![allow(
    clippy::disallowed_methods,
    reason = "benches write trees, start processes and take times"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use qik_benches::{Arguments, Random, Sample, program};

fn main() -> ExitCode {
    program(&["imports"], &["qik", "tree", "edits", "seed", "most"], run)
}

/// A session that watches a tree.
struct Watching {
    tree: PathBuf,
    /// Where commands tell when they start, and the session what it does.
    traces: PathBuf,
    child: Child,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let absolute = |name| -> Result<PathBuf, String> {
        let path = arguments.required(name)?;
        fs::canonicalize(path).map_err(|error| format!("{path}: {error}"))
    };
    let edits: usize = arguments.option("edits", 100)?;
    let mut random = Random::new(arguments.option("seed", 1)?);
    let watching = Watching::start(&absolute("qik")?, &absolute("tree")?)?;
    let files = sources(&watching.tree)?;
    println!("memory when all is read: {}", watching.memory()?);
    let mut times = Vec::with_capacity(edits);
    for number in 0..edits {
        let file = &files[random.below(files.len())];
        times.push(watching.edit(file, number, arguments.flag("imports"))?);
    }
    println!("memory after {edits} edits: {}", watching.memory()?);
    let sample = Sample::new(times);
    let (median, late) = (sample.median(), sample.percentile(95));
    println!(
        "from the save to the start of the command: median {median:.1?}, p95 {late:.1?}, {edits} edits"
    );
    let most: f64 = arguments.option("most", f64::INFINITY)?;
    Ok(median.as_secs_f64() * 1e3 <= most)
}

impl Watching {
    fn start(qik: &Path, tree: &Path) -> Result<Self, String> {
        let traces = tree.with_extension("traces");
        let _ = fs::remove_dir_all(&traces);
        told(fs::create_dir(&traces))?;
        let config = told(fs::read_to_string(tree.join("qik.toml")))?;
        let mut name = "";
        let lines = config.lines().map(|line| {
            if let Some(command) = line.strip_prefix("[commands.") {
                name = command.trim_end_matches(']');
            }
            match line.starts_with("exec = ") {
                true => format!("exec = \"date +%s%N > $TRACES/{name}-{{module.name}}\""),
                false => line.to_string(),
            }
        });
        let config: Vec<String> = lines.collect();
        told(fs::write(tree.join("qik.toml"), config.join("\n") + "\n"))?;
        let out = told(fs::File::create(traces.join("out")))?;
        let child = Command::new(qik)
            .args(["--watch", "-v=0"])
            .current_dir(tree)
            .env("TRACES", &traces)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(out)
            .spawn();
        let watching = Self { tree: tree.into(), traces, child: told(child)? };
        watching.rests_after(0)?;
        Ok(watching)
    }

    /// Changes a file; how long until the command over its package started.
    fn edit(&self, file: &str, number: usize, imports: bool) -> Result<Duration, String> {
        let package = file.split('/').next().unwrap_or_default();
        let trace = self.traces.join(format!("lint-{package}"));
        let rests = self.rests()?;
        let path = self.tree.join(file);
        let text = told(fs::read_to_string(&path))?;
        let line = match imports {
            true => format!("import pkg_{:04}\n", number % 7),
            false => format!("EDITED = {number}\n"),
        };
        let _ = fs::remove_file(&trace);
        let start =
            told(SystemTime::now().duration_since(UNIX_EPOCH).map_err(std::io::Error::other))?;
        told(fs::write(&path, format!("{text}{line}")))?;
        let began = traced(&trace)?;
        self.rests_after(rests)?;
        Ok(Duration::from_nanos(began).saturating_sub(start))
    }

    /// How often it had nothing to do.
    fn rests(&self) -> Result<usize, String> {
        Ok(told(fs::read_to_string(self.traces.join("out")))?.matches("qik watching").count())
    }

    fn rests_after(&self, before: usize) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(120);
        while self.rests()? <= before {
            if Instant::now() > deadline {
                return Err("the session does nothing more".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn memory(&self) -> Result<String, String> {
        let status = told(fs::read_to_string(format!("/proc/{}/status", self.child.id())))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Ok(line.unwrap_or("not known").trim().to_string())
    }
}

/// The time that a command tells, once it does.
fn traced(trace: &Path) -> Result<u64, String> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let told = fs::read_to_string(trace).ok().and_then(|text| text.trim().parse().ok());
        match told {
            Some(began) => return Ok(began),
            None if Instant::now() > deadline => {
                return Err(format!("{} holds no time", trace.display()));
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn sources(tree: &Path) -> Result<Vec<String>, String> {
    let mut command = Command::new("git");
    command.args(["ls-files", "-z", "*.py"]).current_dir(tree);
    let output = told(command.output())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.split_terminator('\0').map(str::to_owned).collect())
}

fn told<T>(result: std::io::Result<T>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}
