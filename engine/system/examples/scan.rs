//! Times a scan of the work tree against `git status`, and a look at the whole of `HEAD`: `scan FOLDER [ROUNDS]`, where FOLDER is a
//! project, or `--generate N` makes one of N files in a temporary folder.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a tool, not the engine")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use qik_system::{CommitSystem, OsSystem, ProcessSpec, Stop, System, TreeOptions, WorkTree};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (folder, temp) = match args.first().map(String::as_str) {
        Some("--generate") => {
            let count = args.get(1).and_then(|count| count.parse().ok()).unwrap_or(20_000);
            let temp = std::env::temp_dir().join(format!("qik-scan-{}", std::process::id()));
            generate(&temp, count);
            (temp.clone(), Some(temp))
        }
        Some(folder) => (PathBuf::from(folder), None),
        None => {
            println!("usage: scan FOLDER [ROUNDS] | scan --generate FILES");
            return;
        }
    };
    let rounds = args.get(1).filter(|_| temp.is_none()).and_then(|n| n.parse().ok()).unwrap_or(15);
    measure(&folder, rounds);
    measure_head(&folder, rounds);
    processes(&folder);
    if let Some(temp) = temp {
        let _ = std::fs::remove_dir_all(temp);
    }
}

fn measure(folder: &Path, rounds: usize) {
    let folder = folder.canonicalize().expect("a folder");
    let (mut status, mut open, mut scan, mut refresh) = (vec![], vec![], vec![], vec![]);
    let mut files = 0;
    for _ in 0..rounds {
        let start = Instant::now();
        let output = Command::new("git").args(["status", "--short"]).current_dir(&folder).output();
        assert!(output.is_ok());
        status.push(start.elapsed());

        let start = Instant::now();
        let system = Arc::new(OsSystem::new(&folder));
        let mut tree = WorkTree::open(system, TreeOptions::default());
        open.push(start.elapsed());
        let delta = tree.scan();
        scan.push(start.elapsed());
        files = delta.folders.iter().filter_map(|(_, f)| f.as_ref()).map(|f| f.len()).sum();
        let one = delta.folders.last().map(|(path, _)| path.clone()).expect("a folder");
        let start = Instant::now();
        tree.refresh(&[one]);
        refresh.push(start.elapsed());
        tree.save().expect("saved");
    }
    println!("{files} members of folders, medians of {rounds}");
    println!("git status   {:>9.3?}", median(status));
    println!("open         {:>9.3?}", median(open));
    println!("open + scan  {:>9.3?}", median(scan));
    println!("refresh one  {:>9.3?}", median(refresh));
}

fn measure_head(folder: &Path, rounds: usize) {
    let folder = folder.canonicalize().expect("a folder");
    let (mut resolve, mut open, mut all, mut read) = (vec![], vec![], vec![], vec![]);
    let (mut folders, mut members) = (0, 0);
    for _ in 0..rounds {
        let system = Arc::new(OsSystem::new(&folder));
        let start = Instant::now();
        let Some(Ok(head)) = system.git().map(|git| git.resolve("HEAD")) else { return };
        resolve.push(start.elapsed());

        let start = Instant::now();
        let commit = CommitSystem::new(system, head).expect("a commit");
        open.push(start.elapsed());
        let start = Instant::now();
        let listed = commit.folders().expect("folders");
        all.push(start.elapsed());
        (folders, members) = (listed.len(), listed.iter().map(|(_, entries)| entries.len()).sum());

        let (path, entries) = listed.last().expect("a folder");
        let file = path.join(&entries.last().expect("a file").name);
        let start = Instant::now();
        commit.read(&file).expect("a file");
        read.push(start.elapsed());
    }
    println!("HEAD: {folders} folders with {members} members");
    println!("resolve      {:>9.3?}", median(resolve));
    println!("open         {:>9.3?}", median(open));
    println!("all folders  {:>9.3?}", median(all));
    println!("read one     {:>9.3?}", median(read));
}

fn processes(folder: &Path) {
    let system = OsSystem::new(folder);
    let stop = Stop::new().expect("pipes");
    let spec = ProcessSpec {
        shell_line: ":".into(),
        cwd: folder.to_path_buf(),
        env: system.env().iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        timeout: None,
        terminal: false,
    };
    let start = Instant::now();
    for _ in 0..500 {
        system.run(&spec, &stop, &mut |_| {}).expect("a run");
    }
    println!("one process  {:>9.3?}", start.elapsed() / 500);
    let start = Instant::now();
    for _ in 0..500 {
        Command::new("/bin/sh").args(["-c", ":"]).output().expect("a run");
    }
    println!("same by std  {:>9.3?}", start.elapsed() / 500);
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn generate(root: &Path, count: usize) {
    for at in 0..count {
        let folder = root.join(format!("p{}/src/m{}", at / 400, at / 20 % 20));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("f{at}.py")), format!("import m{at}\n").repeat(50))
            .expect("a file");
    }
    std::fs::write(root.join(".gitignore"), "*.log\n/build/\nnode_modules/\n*.py[co]\n")
        .expect("a file");
    std::thread::sleep(Duration::from_millis(50));
    let commit = ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "x"];
    for args in [vec!["init", "-q"], vec!["add", "-A"], commit.to_vec()] {
        assert!(Command::new("git").args(args).current_dir(root).status().expect("git").success());
    }
}
