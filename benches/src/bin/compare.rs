//! `compare [--qik PATH] [--cases noop,ls] [--sizes S,M] [--rounds 11] [--limit 240] [--folder DIR] [--alone]
//! [--join] [--write] [--strict]` measures qik against git and against what people would use instead, as whole
//! processes on generated monorepos. Trees and tools are made and fetched on the first run and kept in the folder
//! ($QIK_BENCH_CACHE, or `qik-benches` below the user's cache folder).
//!
//! It prints a table. With `--write` it also writes `benches/results/latest.json` and `latest.svg`, the table into
//! README.md and the phases into docs/performance.md; with `--join` it keeps what `latest.json` has of other cases. `--alone` leaves out all tools
//! but git and ruff. With `--strict` it fails where a target is missed. `--render` measures nothing and writes
//! anew what `latest.json` holds.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program of its own")]
#![allow(
    clippy::disallowed_methods,
    reason = "benches read and write files, and their environment"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use qik_benches::compare::{
    CASES, Case, Check, Figures, Finding, Lab, Machine, Settings, chart, into_page, phases, table,
};
use qik_benches::{Arguments, Size, program};

fn main() -> ExitCode {
    let options = ["qik", "cases", "sizes", "rounds", "limit", "folder"];
    program(&["alone", "join", "write", "strict", "render"], &options, run)
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let kept = results().join("latest.json");
    let figures = match arguments.flag("render") {
        true => read(&kept)?,
        false => {
            let new = measure(arguments)?;
            match arguments.flag("join") && kept.exists() {
                true => read(&kept)?.joined(new),
                false => new,
            }
        }
    };
    println!("{}\n{}", table(&figures), phases(&figures));
    if arguments.flag("write") || arguments.flag("render") {
        write(&figures, &kept)?;
    }
    let mut checks = figures.findings.iter().flat_map(|finding| &finding.checks);
    Ok(!arguments.flag("strict") || checks.all(Check::holds))
}

fn measure(arguments: &Arguments) -> Result<Figures, String> {
    let home = std::env::var("HOME").unwrap_or_default();
    let folder = match std::env::var_os("QIK_BENCH_CACHE") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(&home).join(".cache/qik-benches"),
    };
    let qik = arguments.option("qik", "target/release/qik".to_string())?;
    let settings = Settings {
        qik: fs::canonicalize(&qik).map_err(|error| format!("{qik}: {error}"))?,
        folder: arguments.option("folder", folder)?,
        sizes: list(arguments, "sizes", |size| size.parse())?,
        rounds: arguments.option("rounds", 11)?,
        limit: Duration::from_secs(arguments.option("limit", 240)?),
        alone: arguments.flag("alone"),
    };
    if settings.rounds == 0 {
        return Err("`--rounds 0` measures nothing".to_string());
    }
    let cases = match list(arguments, "cases", Case::named)? {
        none if none.is_empty() => CASES.to_vec(),
        cases => cases,
    };
    let (rounds, sizes) = (settings.rounds, settings.sizes.clone());
    let qik = said(&settings.qik);
    let lab = Lab::open(settings)?;
    let mut findings: Vec<Finding> = Vec::new();
    for case in cases {
        // What is about no size, or finds its sizes itself, is asked once.
        let own = if case.sizes.is_empty() { &[Size::S][..] } else { case.sizes };
        let asked = if case.sizes.is_empty() || sizes.is_empty() { own } else { &sizes };
        for size in asked {
            eprintln!(
                "{} {}",
                case.name,
                if case.sizes.is_empty() { String::new() } else { size.to_string() }
            );
            findings.push((case.run)(&lab, *size).map_err(|why| format!("{}: {why}", case.name))?);
        }
    }
    Ok(Figures { machine: Machine::this(), qik, peers: lab.peers.told(), rounds, findings })
}

fn list<T>(
    arguments: &Arguments,
    name: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let text = arguments.option(name, String::new())?;
    text.split(',').filter(|part| !part.is_empty()).map(parse).collect()
}

fn said(qik: &Path) -> String {
    let output = Command::new(qik).arg("--version").output();
    output.map_or_else(
        |_| "qik".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_string(),
    )
}

fn results() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results")
}

fn read(path: &Path) -> Result<Figures, String> {
    let named = |error: String| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    let value = serde_json::from_str(&text).map_err(|error| named(error.to_string()))?;
    Figures::parse(&value).ok_or_else(|| named("it holds no figures".into()))
}

fn write(figures: &Figures, kept: &Path) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let told = |error: std::io::Error| error.to_string();
    fs::create_dir_all(results()).map_err(told)?;
    fs::write(kept, format!("{:#}\n", figures.json())).map_err(told)?;
    fs::write(results().join("latest.svg"), chart(figures)).map_err(told)?;
    let links = "![How long each takes](benches/results/latest.svg)\n\n\
                 [All figures, round by round](benches/results/latest.json)";
    let of_readme = format!("{}\n{links}\n", table(figures));
    let pages = [("README.md", of_readme), ("docs/performance.md", phases(figures))];
    for (page, figures) in pages.into_iter().filter(|(_, figures)| !figures.is_empty()) {
        let page = root.join(page);
        let text = fs::read_to_string(&page).map_err(told)?;
        fs::write(&page, into_page(&text, &figures)?).map_err(told)?;
    }
    Ok(())
}
