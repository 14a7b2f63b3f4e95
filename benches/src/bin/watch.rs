//! `watch --qik PATH --tree DIR [--edits 100] [--seed N] [--imports] [--memory] [--most MILLIS]` measures in a
//! generated tree with a command called `lint` how long it takes from a saved file to the start of that command over
//! its package, in a session that watches, and how much of that the queries take. The command tells the time at which
//! it starts; the shell that does so is part of what is measured. The pause after which a burst of events counts as
//! over is taken off. About half of the edits reach half of all commands, and all that start are waited for: at
//! 100,000 files ten seconds an edit. With `--imports` each edit adds an import. With `--most` it fails where the
//! median is above that. With `--memory` it tells the memory ten times on the way, and nothing of the queries: to
//! note down what they take needs memory, too.
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
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

fn main() -> ExitCode {
    program(&["imports", "memory"], &["qik", "tree", "edits", "seed", "most"], run)
}

/// How long files hold still before a burst of events is over.
const DEBOUNCE: Duration = Duration::from_millis(10);

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
    let watching =
        Watching::start(&absolute("qik")?, &absolute("tree")?, !arguments.flag("memory"))?;
    let files = sources(&watching.tree)?;
    println!("memory when all is read: {}", watching.memory()?);
    let mut times = Vec::with_capacity(edits);
    for number in 0..edits {
        if arguments.flag("memory") && number % edits.div_ceil(10) == 0 {
            println!("memory after {number} edits: {}", watching.memory()?);
        }
        let file = &files[random.below(files.len())];
        times.push(watching.edit(file, number, arguments.flag("imports"))?);
    }
    println!("memory after {edits} edits: {}", watching.memory()?);
    let idle = watching.idle()?;
    println!("CPU time of ten idle seconds: {idle:.1?}");
    let queries = if arguments.flag("memory") { None } else { Some(watching.end()?) };
    let sample = Sample::new(times);
    let (median, late) = (sample.median(), sample.percentile(95));
    println!(
        "from the save to the start of the command, past {DEBOUNCE:?}: median {median:.1?}, p95 {late:.1?}, {edits} edits"
    );
    if let Some(queries) = queries {
        let (of, late) = (queries.median(), queries.percentile(95));
        println!("of which queries: median {of:.1?}, p95 {late:.1?}");
    }
    let most: f64 = arguments.option("most", f64::INFINITY)?;
    Ok(median.as_secs_f64() * 1e3 <= most)
}

impl Watching {
    fn start(qik: &Path, tree: &Path, traces_itself: bool) -> Result<Self, String> {
        let traces = tree.with_extension("traces");
        let _ = fs::remove_dir_all(&traces);
        // What is cached would not start.
        let _ = fs::remove_dir_all(tree.join("._qik"));
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
        let pause = format!("\n[watch]\ndebounce = \"{}ms\"\n", DEBOUNCE.as_millis());
        // The tree may have been measured in before.
        let config = (config.join("\n") + "\n").replace(&pause, "") + &pause;
        told(fs::write(tree.join("qik.toml"), config))?;
        let out = told(fs::File::create(traces.join("out")))?;
        let mut command = Command::new(qik);
        if traces_itself {
            command.arg("--trace").arg(traces.join("trace.json"));
        }
        let child = command
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
        Ok(Duration::from_nanos(began).saturating_sub(start + DEBOUNCE))
    }

    /// The CPU time of the session over ten seconds in which nothing happens.
    fn idle(&self) -> Result<Duration, String> {
        let before = self.cpu()?;
        std::thread::sleep(Duration::from_secs(10));
        Ok(self.cpu()? - before)
    }

    fn cpu(&self) -> Result<Duration, String> {
        // In nanoseconds, of each thread that lives.
        let threads = told(fs::read_dir(format!("/proc/{}/task", self.child.id())))?;
        let mut all = Duration::ZERO;
        for thread in threads {
            let text = told(fs::read_to_string(told(thread)?.path().join("schedstat")))?;
            let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
            all += Duration::from_nanos(nanos.unwrap_or_default());
        }
        Ok(all)
    }

    /// Ends the session; what the first queries after each save took.
    fn end(&self) -> Result<Sample, String> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or("a process without a number")?;
        kill_process(pid, Signal::INT).map_err(|error| error.to_string())?;
        let path = self.traces.join("trace.json");
        let deadline = Instant::now() + Duration::from_secs(30);
        while !path.exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(500));
        let text = told(fs::read_to_string(&path))?;
        let trace: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let events = trace["traceEvents"].as_array().ok_or("a trace without events")?;
        let all = |name: &'static str| events.iter().filter(move |event| event["name"] == name);
        let span = |event: &Value| {
            let start = event["ts"].as_f64().unwrap_or_default();
            (start, start + event["dur"].as_f64().unwrap_or_default())
        };
        let first = |(start, end): (f64, f64)| {
            let within = all("affected").map(span).find(|(from, to)| *from >= start && *to <= end);
            within.map(|(from, to)| Duration::from_secs_f64((to - from) / 1e6))
        };
        Ok(Sample::new(all("react").map(span).filter_map(first).collect()))
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
