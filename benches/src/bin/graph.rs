//! `graph --qik PATH --ruff PATH --tree DIR --edit FILE [--rounds 9]` measures `qik graph build` on any clone of a
//! Python project: the CPU time of a graph with nothing kept against `ruff analyze graph`, and after an import was
//! added to FILE against that with nothing kept. Beside them stand the floors: what each step alone takes in this very
//! process, on one thread, with paths known and memory at hand: to list every folder, to `stat` every path, to read
//! every Python file, and to scan what was read.
#![allow(clippy::print_stdout, reason = "it is a program of its own")]
#![allow(
    clippy::disallowed_methods,
    reason = "benches write trees, start processes and take times"
)]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::Duration;

use qik_benches::{Arguments, Cost, Sample, cost, median, program};
use qik_python::scan::facts;
use rustix::time::{ClockId, clock_gettime};

fn main() -> ExitCode {
    program(&[], &["qik", "ruff", "tree", "edit", "rounds"], run)
}

/// What one round measured, as CPU time.
struct Round {
    cold: Duration,
    edited: Duration,
    ruff: Duration,
    status: Duration,
    floors: Floors,
}

/// What the steps of a graph take where nothing else is done.
struct Floors {
    list: Duration,
    stat: Duration,
    read: Duration,
    scan: Duration,
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let absolute = |name| -> Result<PathBuf, String> {
        let path = arguments.required(name)?;
        fs::canonicalize(path).map_err(|error| format!("{path}: {error}"))
    };
    let (qik, ruff, tree) = (absolute("qik")?, absolute("ruff")?, absolute("tree")?);
    let edited = tree.join(arguments.required("edit")?);
    let before = told(&edited, fs::read(&edited))?;
    // Relative paths, as they cost the kernel least.
    told(&tree, std::env::set_current_dir(&tree))?;
    let mut paths = Vec::new();
    told(&tree, list(Path::new("."), &mut paths))?;
    let rounds = (0..arguments.option("rounds", 9)?)
        .map(|number| {
            let round = round(&qik, &ruff, &tree, (&edited, &before), number, &paths);
            told(&edited, fs::write(&edited, &before))?;
            round
        })
        .collect::<Result<Vec<_>, _>>()?;
    if rounds.is_empty() {
        return Err("`--rounds 0` measures nothing".to_string());
    }
    report(&rounds, &paths);
    Ok(true)
}

fn round(
    qik: &Path,
    ruff: &Path,
    tree: &Path,
    (file, before): (&Path, &[u8]),
    number: usize,
    paths: &[PathBuf],
) -> Result<Round, String> {
    let of = |program: &Path, arguments: &[&str]| -> Result<Duration, String> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(tree).stdout(Stdio::null());
        cost(&mut command).map(|Cost { cpu, .. }| cpu)
    };
    let _ = fs::remove_dir_all(tree.join("._qik"));
    let cold = of(qik, &["graph", "build"])?;
    // Once more, so that what the first one keeps of the folder that it makes is kept too.
    of(qik, &["graph", "build"])?;
    let import = format!("\nimport json as added_{number}\n");
    told(file, fs::write(file, [before, import.as_bytes()].concat()))?;
    // A file that was written just now may change within the same tick of the clock.
    sleep(Duration::from_millis(100));
    Ok(Round {
        cold,
        edited: of(qik, &["graph", "build"])?,
        ruff: of(ruff, &["analyze", "graph", "--isolated"])?,
        status: of(Path::new("git"), &["status", "--porcelain"])?,
        floors: floors(paths)?,
    })
}

fn floors(paths: &[PathBuf]) -> Result<Floors, String> {
    let mut folders: Vec<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
    folders.sort();
    folders.dedup();
    let python: Vec<&PathBuf> = paths.iter().filter(|path| is_python(path)).collect();
    let mut texts = vec![Vec::new(); python.len()];
    // Once without looking at the time, so that memory is there.
    read(&python, &mut texts).map_err(|error| error.to_string())?;
    Ok(Floors {
        list: cpu(|| {
            folders.iter().try_for_each(|folder| {
                let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
                fs::read_dir(folder)?.try_for_each(|entry| entry.map(drop))
            })
        })?,
        stat: cpu(|| paths.iter().try_for_each(|path| path.symlink_metadata().map(drop)))?,
        read: cpu(|| read(&python, &mut texts))?,
        scan: cpu(|| {
            texts.iter().for_each(|text| drop(black_box(facts(text))));
            Ok(())
        })?,
    })
}

fn read(paths: &[&PathBuf], texts: &mut [Vec<u8>]) -> std::io::Result<()> {
    paths.iter().zip(texts).try_for_each(|(path, text)| {
        text.clear();
        File::open(path)?.read_to_end(text).map(drop)
    })
}

/// What something takes of the processor that it runs on, for itself and in the kernel.
fn cpu(run: impl FnOnce() -> std::io::Result<()>) -> Result<Duration, String> {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        let whole = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or_default());
        whole + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default())
    };
    let start = now();
    run().map_err(|error| error.to_string())?;
    Ok(now().saturating_sub(start))
}

/// Every file and folder that git or qik would look at.
fn list(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if [".git", "._qik"].iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let path = entry.path();
        let path = path.strip_prefix(".").unwrap_or(&path).to_path_buf();
        if entry.file_type()?.is_dir() {
            list(&path, paths)?;
        }
        paths.push(path);
    }
    Ok(())
}

fn is_python(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "py" || extension == "pyi")
}

fn told<T>(path: &Path, result: std::io::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("{}: {error}", path.display()))
}

fn report(rounds: &[Round], paths: &[PathBuf]) {
    let row = |name: &str, of: fn(&Round) -> Duration| {
        println!("{name:32} {}", Sample::new(rounds.iter().map(of).collect()));
    };
    let ratio = |name: &str, of: fn(&Round) -> (Duration, Duration)| {
        let ratios =
            rounds.iter().map(of).map(|(one, other)| one.as_secs_f64() / other.as_secs_f64());
        println!("{name:48} {:.3}", median(ratios.collect()));
    };
    let python = paths.iter().filter(|path| is_python(path)).count();
    println!("CPU time of {} rounds, {} paths, {python} of them Python", rounds.len(), paths.len());
    row("qik, nothing kept", |round| round.cold);
    row("qik, after an import was added", |round| round.edited);
    row("ruff analyze graph", |round| round.ruff);
    row("git status", |round| round.status);
    row("floor: list every folder", |round| round.floors.list);
    row("floor: `stat` every path", |round| round.floors.stat);
    row("floor: read every Python file", |round| round.floors.read);
    row("floor: scan what was read", |round| round.floors.scan);
    ratio("nothing kept / ruff", |round| (round.cold, round.ruff));
    ratio("floors of that / ruff", |round| {
        let Floors { list, stat, read, scan } = round.floors;
        (list + stat + read + scan, round.ruff)
    });
    ratio("after an import / nothing kept", |round| (round.edited, round.cold));
    ratio("floor of that, `stat` / nothing kept", |round| (round.floors.stat, round.cold));
}
