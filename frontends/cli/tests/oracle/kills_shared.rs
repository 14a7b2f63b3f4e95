//! `kill -9` at random moments of runs whose results go to an S3 server. After each kill somebody
//! else, who has nothing but the server, finds whole results or none, and replays or makes the
//! same; and a plain run of whoever was killed puts everything right.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::kills::expected;
use crate::number;
use crate::processes::{Ended, git, kill_group, qik, run, start};
use crate::project::line;
use crate::random::Random;
use crate::reader::Made;
use crate::server::{BUCKET, KEY, SECRET, Server};
use crate::tree::{self, Node, difference};

/// As many files as this of each maker, some of them too large to stand in an entry.
const FILES: usize = 12;
const MAKERS: [&str; 3] = ["m1", "m2", "m3"];

/// Where kills fell.
#[derive(Debug, Default)]
struct Falls {
    kills: u64,
    /// Runs that had ended before.
    too_late: u64,
    /// Some results of the run were with the server, and some were not.
    while_sharing: u64,
    /// Contents lay on the server that no entry names yet.
    before_an_entry: u64,
    entries_checked: u64,
    replays: u64,
}

/// A project of one machine.
struct Machine {
    home: PathBuf,
    root: PathBuf,
    url: String,
}

#[test]
fn killed_at_any_moment_nobody_finds_half_a_shared_result() {
    let kills = number("QIK_KILLS", 15);
    let random = &mut Random(number("QIK_ORACLE_SEED", 1) ^ 0x53);
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().canonicalize().expect("a folder");
    let server = Server::start();
    let writer = Machine::new(&home.join("writer"), &server, "readwrite");
    let reader = Machine::new(&home.join("reader"), &server, "read");
    let mut falls = Falls::default();
    writer.set_round(0);
    let begun = Instant::now();
    writer.run_whole();
    let usual = begun.elapsed();
    while falls.kills < kills || falls.while_sharing == 0 && falls.kills < 4 * kills {
        falls.kills += 1;
        for machine in [&writer, &reader] {
            machine.set_round(falls.kills);
        }
        let before = server.objects("/v1/").len();
        let mut child = start(writer.qik().args(["-n", "2"]), &writer.home);
        if random.once_in(3) {
            std::thread::sleep(Duration::from_micros(random.next() % usual.as_micros() as u64));
        } else {
            while matches!(child.try_wait(), Ok(None)) && server.objects("/v1/").len() == before {
                std::thread::sleep(Duration::from_micros(200));
            }
            std::thread::sleep(Duration::from_micros(
                random.next() % (usual.as_micros() as u64 / 2),
            ));
        }
        falls.too_late += u64::from(matches!(child.try_wait(), Ok(Some(_))));
        kill_group(&mut child, &writer.root, random.once_in(2));
        reader.check(&mut falls);
        if random.once_in(2) {
            writer.run_whole();
        } else {
            // What the killed run left half done is not put right before the next.
            writer.wait_for_nothing();
        }
        if falls.kills.is_multiple_of(25) {
            writer.forget();
            server.objects("/v1/").iter().for_each(|path| drop(std::fs::remove_file(path)));
        }
    }
    let requests = server.mood.requests.load(std::sync::atomic::Ordering::Relaxed);
    println!("{falls:?}, {requests} requests");
    assert!(falls.while_sharing > 0 && falls.replays > 0, "no kill fell while results were sent");
}

impl Machine {
    fn new(home: &Path, server: &Server, mode: &str) -> Self {
        let root = home.join("project");
        std::fs::create_dir_all(&root).expect("a folder");
        for maker in MAKERS {
            for number in 0..FILES {
                let size = [10, 3_000, 90_000, 30_000][number % 4];
                let mut bytes = vec![0; size];
                let seed = format!("{maker} {number}");
                blake3::Hasher::new().update(seed.as_bytes()).finalize_xof().fill(&mut bytes);
                let kind = if number % 5 == 1 { b'x' } else { b'f' };
                let path = format!("in/{maker}/d{}/{number}", number % 3);
                tree::put(&root, path.as_bytes(), &Node { kind, bytes }).expect("a file");
            }
        }
        std::fs::write(root.join("qik.toml"), config(mode)).expect("a configuration");
        std::fs::write(root.join(".gitignore"), "/out/\n").expect("a file");
        let machine = Self { home: home.to_path_buf(), root, url: server.url.clone() };
        machine.set_round(0);
        for args in [&["init", "-q"][..], &["add", "-A"], &["commit", "-q", "-m", "first"]] {
            assert!(git(&machine.root, &machine.home, args));
        }
        machine
    }

    fn qik(&self) -> Command {
        let mut command = qik(&self.root, &self.home);
        command.envs([("URL", &*self.url), ("AWS_ACCESS_KEY_ID", KEY)]);
        command.env("AWS_SECRET_ACCESS_KEY", SECRET);
        command
    }

    fn set_round(&self, round: u64) {
        std::fs::write(self.root.join("round"), format!("r{round} ")).expect("a file");
    }

    fn forget(&self) {
        let _ = std::fs::remove_dir_all(self.root.join("._qik"));
    }

    fn wait_for_nothing(&self) {
        let _ = std::fs::remove_file(self.root.join(".git/index.lock"));
    }

    /// Runs everything, and compares what there is then with what there should be.
    fn run_and_compare(&self) -> (Ended, u64) {
        let expected = expected(&self.root, &MAKERS, &spec);
        let ended = run(self.qik().args(["-n", "2"]), &self.home);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        for word in ["cache/", "warning", "torn"] {
            assert!(!ended.stderr.contains(word), "`{word}` in {}", ended.stderr);
        }
        self.compare(&expected, &ended);
        let summary = ended.stderr.lines().find_map(|line| line.strip_prefix("qik "));
        let ran = summary.and_then(|text| text.split_once(" ran, ")).expect("a summary").0;
        let ran: u64 = ran.parse().expect("a number");
        (ended, expected.len() as u64 - ran)
    }

    fn compare(&self, expected: &BTreeMap<String, Made>, ended: &Ended) {
        for (name, made) in expected {
            let log = std::fs::read(self.root.join(format!("._qik/out/{name}.out")));
            assert!(log.expect("a log") == made.log, "the log of `{name}`; {}", ended.stderr);
        }
        let whole = expected.values().flat_map(|made| made.artifacts.clone()).collect();
        if let Some(difference) = difference(&whole, &tree::load_below(&self.root, b"out")) {
            panic!("{difference}\n{}", ended.stderr);
        }
    }

    /// Whoever was killed goes on: everything is made or replayed, and then shared.
    fn run_whole(&self) {
        self.wait_for_nothing();
        self.run_and_compare();
        let ended = run(self.qik().args(["-n", "2"]), &self.home);
        let told = ended.stderr.lines().last().unwrap_or_default();
        assert!(told.starts_with("qik 0 ran, 4 cached"), "{}", ended.stderr);
        // Rounds that were killed and not run again are here alone.
        let pushed = run(self.qik().args(["cache", "push", "team"]), &self.home);
        assert_eq!(pushed.code, Some(0), "{}", pushed.stderr);
        let told = run(self.qik().args(["cache", "status"]), &self.home);
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.contains("(read and write)\n"), "{told}");
    }

    /// Somebody who has nothing of all this but the server.
    fn check(&self, falls: &mut Falls) {
        self.forget();
        let _ = std::fs::remove_dir_all(self.root.join("out"));
        let verified = run(self.qik().args(["cache", "verify", "team"]), &self.home);
        let text = String::from_utf8_lossy(&verified.stdout).into_owned();
        assert_eq!(verified.code, Some(0), "{text}{}", verified.stderr);
        let whole = text.split(' ').next().and_then(|count| count.parse().ok());
        falls.entries_checked += whole.unwrap_or(0);
        let (_, replayed) = self.run_and_compare();
        falls.replays += replayed;
        falls.while_sharing += u64::from((1..4).contains(&replayed));
        falls.before_an_entry += u64::from(replayed == 0);
    }
}

fn config(mode: &str) -> String {
    let mut text = format!(
        "vars = [\"url\"]\n[defaults]\ncache = \"team\"\n[caches.team]\ntype = \"s3\"\n\
         bucket = {BUCKET:?}\nendpoint-url = \"{{ctx.url}}\"\nmode = {mode:?}\n"
    );
    for maker in MAKERS {
        text += &format!(
            "\n[commands.{maker}]\nexec = '''{}'''\ndeps = [\"in/{maker}\", \"round\"]\nartifacts = [\"out/{maker}\"]\n",
            line(&spec(maker)),
        );
    }
    let dep = |name: &&str| format!("{{ type = \"command\", name = {name:?} }}");
    let deps: Vec<_> = MAKERS.iter().map(dep).collect();
    let exec = line(&spec("sum"));
    text + &format!(
        "\n[commands.sum]\nexec = '''{exec}'''\ndeps = [{}]\nartifacts = [\"out/sum\"]\n",
        deps.join(", ")
    )
}

fn spec(name: &str) -> String {
    match name {
        "sum" => "in=out/m1: in=out/m2: in=out/m3: out=out/sum".into(),
        maker => format!("in=in/{maker}: copy=out/{maker} tag=round"),
    }
}
