//! `restore --qik PATH --folder DIR [--mib 1024] [--files 2000] [--pairs 7] [--cold] [--most RATIO]` measures a
//! whole run of qik that puts the artifacts of a command back from the local cache against
//! `cp -r --reflink=auto` of the same files: pairs of runs, each time in the other order. Before each, what was
//! put there is removed and what the disk still has to write is waited for. The files hold noise. What is read is
//! in the page cache, or with `--cold` (which takes root) it is not. The folder must not exist and is removed at
//! the end. With `--most` it fails where the ratio of the medians is above it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program of its own")]
#![allow(
    clippy::disallowed_methods,
    reason = "benches write trees, start processes and take times"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use qik_benches::{Arguments, Cost, Random, Sample, cost, git, median};

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

/// A project with a command that makes many files, and the same files beside it.
struct Bench {
    qik: PathBuf,
    folder: PathBuf,
    cold: bool,
}

const CONFIG: &str = r#"
[commands.make]
exec = "cp -r ../made out"
deps = ["input"]
artifacts = ["out"]
"#;

fn run() -> Result<bool, String> {
    let arguments = Arguments::parse(
        std::env::args().skip(1),
        &["cold"],
        &["qik", "folder", "mib", "files", "pairs", "most"],
    )?;
    let qik = arguments.required("qik")?;
    let bench = Bench {
        qik: fs::canonicalize(qik).map_err(|error| format!("{qik}: {error}"))?,
        folder: PathBuf::from(arguments.required("folder")?),
        cold: arguments.flag("cold"),
    };
    let (mib, files) = (arguments.option("mib", 1024)?, arguments.option("files", 2000)?);
    let pairs: usize = arguments.option("pairs", 7)?;
    if pairs == 0 || files == 0 {
        return Err("there is nothing to measure".to_string());
    }
    bench.set_up(mib, files)?;
    let measured = bench.measure(pairs);
    fs::remove_dir_all(&bench.folder).map_err(told)?;
    let (qik, copy) = measured?;
    let pages = if bench.cold { "cold" } else { "warm" };
    println!("{mib} MiB in {files} files, page cache {pages}, {pairs} pairs");
    Ok(report(&qik, &copy) <= arguments.option("most", f64::INFINITY)?)
}

impl Bench {
    fn set_up(&self, mib: usize, files: usize) -> Result<(), String> {
        fs::create_dir(&self.folder)
            .map_err(|error| format!("{}: {error}", self.folder.display()))?;
        let mut random = Random::new(1);
        let size = (mib << 20) / files;
        for number in 0..files {
            let folder = self.made().join(format!("{}", number % 50));
            fs::create_dir_all(&folder).map_err(told)?;
            let noise = std::iter::repeat_with(|| (random.below(1 << 32) as u32).to_le_bytes());
            let bytes: Vec<u8> = noise.take(size.div_ceil(4)).flatten().collect();
            fs::write(folder.join(format!("{number}")), &bytes[..size]).map_err(told)?;
        }
        let project = self.project();
        fs::create_dir(&project).map_err(told)?;
        for (name, text) in [("qik.toml", CONFIG), ("input", "1\n"), (".gitignore", "/out\n")] {
            fs::write(project.join(name), text).map_err(told)?;
        }
        git(&project, &["init", "--quiet"]).map_err(told)?;
        git(&project, &["add", "--all"]).map_err(told)?;
        let first = cost(&mut self.qik())?;
        println!("first run of qik {:18.1} ms", first.wall.as_secs_f64() * 1_000.0);
        Ok(())
    }

    fn made(&self) -> PathBuf {
        self.folder.join("made")
    }

    fn project(&self) -> PathBuf {
        self.folder.join("project")
    }

    fn measure(&self, pairs: usize) -> Result<(Vec<Cost>, Vec<Cost>), String> {
        let (out, copy) = (self.project().join("out"), self.folder.join("copy"));
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for pair in 0..=pairs {
            for turn in 0..2 {
                let is_ours = (pair + turn) % 2 == 0;
                let place = if is_ours { &out } else { &copy };
                self.settle(place)?;
                let mut command = if is_ours { self.qik() } else { self.copy() };
                let cost = cost(&mut command)?;
                self.expect_same(place)?;
                fs::remove_dir_all(place).map_err(told)?;
                // The first pair brings everything into the page cache.
                if pair > 0 {
                    if is_ours { ours.push(cost) } else { theirs.push(cost) }
                }
            }
        }
        Ok((ours, theirs))
    }

    /// Removes what is to be made, and waits until nobody's writes are in the way of the next.
    fn settle(&self, place: &Path) -> Result<(), String> {
        let _ = fs::remove_dir_all(place);
        cost(&mut Command::new("sync"))?;
        if self.cold {
            fs::write("/proc/sys/vm/drop_caches", "1").map_err(told)?;
        }
        std::thread::sleep(Duration::from_millis(300));
        Ok(())
    }

    /// That the same files are there, by name and size: their bytes were checked when they were made,
    /// and reading them here would warm what is to be cold.
    fn expect_same(&self, place: &Path) -> Result<(), String> {
        let (expected, found) = (sizes(&self.made())?, sizes(place)?);
        if expected == found { Ok(()) } else { Err(format!("{}: other files", place.display())) }
    }

    fn qik(&self) -> Command {
        let mut command = Command::new(&self.qik);
        command.arg("make").current_dir(self.project());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn copy(&self) -> Command {
        let mut command = Command::new("cp");
        command.args(["-r", "--reflink=auto", "made", "copy"]).current_dir(&self.folder);
        command
    }
}

fn sizes(folder: &Path) -> Result<Vec<(PathBuf, u64)>, String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for item in fs::read_dir(&next).map_err(told)? {
            let item = item.map_err(told)?;
            let meta = item.metadata().map_err(told)?;
            let path = item.path();
            match meta.is_dir() {
                true => open.push(path),
                false => {
                    let path = path.strip_prefix(folder).map_err(told)?.to_path_buf();
                    found.push((path, meta.len()));
                }
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Prints the figures and returns the ratio of the medians.
fn report(qik: &[Cost], copy: &[Cost]) -> f64 {
    let wall = |costs: &[Cost]| Sample::new(costs.iter().map(|cost| cost.wall).collect());
    let cpu = |costs: &[Cost]| Sample::new(costs.iter().map(|cost| cost.cpu).collect());
    let ratios =
        qik.iter().zip(copy).map(|(qik, copy)| qik.wall.as_secs_f64() / copy.wall.as_secs_f64());
    let ratio = wall(qik).median().as_secs_f64() / wall(copy).median().as_secs_f64();
    println!("qik, all cached  {}", wall(qik));
    println!("cp -r            {}", wall(copy));
    println!("qik, CPU         {}", cpu(qik));
    println!("cp -r, CPU       {}", cpu(copy));
    println!(
        "ratio of the medians {ratio:.2}, median of the ratios {:.2}",
        median(ratios.collect())
    );
    ratio
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
