//! `corpus [--folder DIR] [--no-python] [--fast-only] [--show 20] [--rounds 5]
//! [--python python3]` reads the imports of
//! a large corpus in each way there is, compares them, and says how fast each was. It fails where the
//! fast way and the full parse disagree on an import. The folder is $QIK_CORPUS if not given.
#![allow(clippy::print_stdout, reason = "it is a program of its own")]
#![allow(clippy::disallowed_methods, reason = "benches read trees and start processes")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use qik_benches::{Arguments, Corpus, program};
use qik_python::scan::{FileFacts, Import, ImportKind, Imported, facts, judged};
use rustix::time::{ClockId, clock_gettime};

fn main() -> ExitCode {
    program(&["no-python", "fast-only"], &["folder", "show", "rounds", "python"], run)
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let folder = std::env::var("QIK_CORPUS").unwrap_or_default();
    let folder: String = arguments.option("folder", folder)?;
    if folder.is_empty() {
        return Err("name a folder with `--folder` or $QIK_CORPUS".to_string());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus.py");
    let corpus = Corpus::new(
        PathBuf::from(folder),
        script,
        arguments.option("python", "python3".to_string())?,
    );
    for package in corpus.fill()? {
        println!("MISSING: {package}");
    }
    let show = arguments.option("show", 20)?;
    let files = read(corpus.files()?);
    let total: usize = files.iter().map(|file| file.bytes.len()).sum();
    println!("{} files, {:.1} MB", files.len(), total as f64 / 1e6);

    let fast = timed("fast way", total, arguments.option("rounds", 5)?, || {
        files.iter().map(|file| facts(&file.bytes)).collect::<Vec<_>>()
    });
    encoding(&fast);
    if arguments.flag("fast-only") {
        return Ok(true);
    }
    let full = timed("full parse", total, 1, || {
        files.iter().map(|file| judged(&file.bytes)).collect::<Vec<_>>()
    });
    let agreed = compare_ways(&files, &fast, &full, show);
    if !arguments.flag("no-python") {
        compare_python(&corpus, &files, &fast, show)?;
    }
    Ok(agreed)
}

struct Source {
    path: PathBuf,
    bytes: Vec<u8>,
}

fn read(paths: Vec<PathBuf>) -> Vec<Source> {
    let source = |path: PathBuf| Some(Source { bytes: std::fs::read(&path).ok()?, path });
    paths.into_iter().filter_map(source).collect()
}

/// The time that this thread computed, whatever else the machine does.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Runs `work` a few times and prints the best.
fn timed<T>(name: &str, bytes: usize, rounds: usize, work: impl Fn() -> T) -> T {
    let round = || {
        let start = cpu();
        let done = work();
        (done, cpu() - start)
    };
    let (mut done, mut best) = round();
    for _ in 1..rounds {
        let (again, time) = round();
        (done, best) = (again, best.min(time));
    }
    let speed = bytes as f64 / 1e6 / best.as_secs_f64();
    println!("{name}: {:.0} ms of CPU, {speed:.1} MB per CPU-second", best.as_secs_f64() * 1e3);
    done
}

fn encoding(all: &[FileFacts]) {
    let encoded: Vec<&[u8]> = all.iter().map(FileFacts::encode).collect();
    let bytes = encoded.iter().map(|bytes| bytes.len()).sum();
    let decode = || encoded.iter().filter_map(|bytes| FileFacts::decode(bytes)).collect::<Vec<_>>();
    let decoded = timed("decoding", bytes, 5, decode);
    assert_eq!(decoded, all, "what is decoded is what was encoded");
    let imports: usize = all.iter().map(|facts| facts.imports().count()).sum();
    println!("{imports} imports in {:.1} MB of facts", bytes as f64 / 1e6);
    let whole = all.iter().filter(|facts| facts.whole_package().is_some()).count();
    let dynamic = all.iter().flat_map(FileFacts::imports);
    let dynamic = dynamic.filter(|import| import.kind == ImportKind::Dynamic).count();
    let dotted: usize = all.iter().map(|facts| facts.dotted_strings().count()).sum();
    let plugins: usize = all.iter().map(|facts| facts.plugins().count()).sum();
    println!(
        "{whole} files by computed names, {dynamic} literal calls, {dotted} dotted strings, {plugins} plugins"
    );
}

/// How the two ways differ, by class; imports must not.
fn compare_ways(files: &[Source], fast: &[FileFacts], full: &[FileFacts], show: usize) -> bool {
    let mut differences = Differences::new("fast way against full parse", show);
    for ((file, fast), full) in files.iter().zip(fast).zip(full) {
        let (a, b): (Vec<_>, Vec<_>) = (fast.imports().collect(), full.imports().collect());
        if a != b {
            let first = a.iter().zip(&b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
            let detail = format!("{:?} against {:?}", a.get(first), b.get(first));
            differences.note("imports", &file.path, detail);
        }
        let rest = |facts: &FileFacts| {
            let strings = |(text, line): (&str, u32)| (text.to_string(), line);
            let plugins: Vec<_> = facts.plugins().map(strings).collect();
            let dotted: Vec<_> = facts.dotted_strings().map(strings).collect();
            (facts.whole_package(), plugins, dotted)
        };
        let (a, b) = (rest(fast), rest(full));
        if a != b {
            let detail = format!("{:?} against {:?}", a.0, b.0);
            differences.note("whole package, plugins or dotted strings", &file.path, detail);
        }
        match (fast.error(), full.error()) {
            (Some(error), None) => {
                differences.note(
                    "error seen by the fast way alone",
                    &file.path,
                    format!("{error:?}"),
                );
            }
            (None, Some(error)) => {
                differences.note(
                    "error seen by the full parse alone",
                    &file.path,
                    format!("{error:?}"),
                );
            }
            (Some(error), Some(_)) => {
                differences.note("error seen by both", &file.path, format!("{error:?}"));
            }
            (None, None) => {}
        }
    }
    differences.print();
    !differences.classes.contains_key("imports")
}

fn compare_python(
    corpus: &Corpus,
    files: &[Source],
    fast: &[FileFacts],
    show: usize,
) -> Result<(), String> {
    let paths: Vec<_> = files.iter().map(|file| file.path.clone()).collect();
    let lines = corpus.ask_python(&paths)?;
    if lines.len() != files.len() {
        return Err(format!("python3 spoke of {} files of {}", lines.len(), files.len()));
    }
    let mut differences = Differences::new("fast way against CPython's `ast`", show);
    let mut equal = 0_usize;
    for ((file, facts), line) in files.iter().zip(fast).zip(&lines) {
        let statements = facts.imports().filter(|import| import.kind == ImportKind::Static);
        let mut ours: Vec<_> = statements.map(|import| describe(&import)).collect();
        let mut theirs: Vec<_> = line.split_whitespace().map(str::to_string).collect();
        ours.sort();
        theirs.sort();
        let class = match (line == "error", facts.error().is_some()) {
            (true, true) => "syntax error by both",
            (true, false) => "syntax error by CPython alone",
            (false, true) => "syntax error by qik alone",
            _ if ours == theirs => {
                equal += 1;
                continue;
            }
            _ => "imports",
        };
        let first = ours.iter().zip(&theirs).find(|(a, b)| a != b);
        differences.note(class, &file.path, format!("{first:?}"));
    }
    println!("{equal} files equal to CPython's `ast`");
    differences.print();
    Ok(())
}

fn describe(import: &Import<'_>) -> String {
    let name = match import.imported {
        Imported::Module => "",
        Imported::Star => "*",
        Imported::Name(name) => name,
    };
    let Import { line, column, level, module, .. } = import;
    format!(
        "{line}:{column}:{level}:{module}:{name}:{}{}",
        if import.type_checking { "T" } else { "" },
        if import.conditional { "C" } else { "" },
    )
}

struct Differences {
    title: &'static str,
    show: usize,
    classes: BTreeMap<&'static str, Vec<String>>,
}

impl Differences {
    fn new(title: &'static str, show: usize) -> Self {
        Self { title, show, classes: BTreeMap::new() }
    }

    fn note(&mut self, class: &'static str, path: &Path, detail: String) {
        self.classes.entry(class).or_default().push(format!("{}: {detail}", path.display()));
    }

    fn print(&self) {
        println!(
            "{}: {} differing in imports",
            self.title,
            self.classes.get("imports").map_or(0, Vec::len)
        );
        for (class, files) in &self.classes {
            println!("  {class}: {}", files.len());
            files.iter().take(self.show).for_each(|file| println!("    {file}"));
        }
    }
}
