//! SIGKILL at random moments while results are on their way to an S3 server: whoever finds an entry
//! finds all of it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use qik_cache::{Lookup, Restore};
use qik_model::FileKind;

use crate::contract::{Settings, make, open, s3, text, with};
use crate::project::{Project, key};
use crate::server::Server;

/// How often a writer is killed; more by `QIK_KILLS`.
const KILLS: u32 = 12;
const URL_VARIABLE: &str = "QIK_TEST_SHARING_WRITER";
const ROUNDS: u8 = 40;

/// Some of them stand in the entry, some do not.
fn files_of(number: u8) -> Vec<(String, FileKind, Vec<u8>)> {
    let file = |at: usize| {
        let mut bytes = vec![0; [10, 3_000, 90_000, 400_000][at]];
        blake3::Hasher::new().update(&[number, at as u8]).finalize_xof().fill(&mut bytes);
        (format!("out/{number}/{at}"), FileKind::File, bytes)
    };
    (0..4).map(file).collect()
}

fn settings(url: &str) -> Settings {
    // Where the server is does not matter to the rest.
    let server = Server::start();
    let settings = with(&s3(&server), "endpoint-url", text(url));
    drop(server);
    settings
}

/// Not a test of its own: what the killed process does.
#[test]
fn the_sharing_writer_that_is_killed() {
    let Ok(url) = std::env::var(URL_VARIABLE) else { return };
    let settings = settings(&url);
    let mut out = std::io::stdout().lock();
    let seed = std::process::id();
    for round in 0u32.. {
        let project = Project::new();
        let caches = open(&project, &settings);
        for step in 0..6 {
            let number = ((seed + round * 7 + step * 5) % u32::from(ROUNDS)) as u8;
            let files = files_of(number);
            let files: Vec<_> = files
                .iter()
                .map(|(path, kind, bytes)| (path.as_str(), *kind, bytes.clone()))
                .collect();
            writeln!(out, "\nbegin {number}").unwrap();
            make(&project, &caches, number, &files);
        }
        caches.finish(&mut |_| true);
        writeln!(out, "\ncommit").unwrap();
    }
}

#[test]
fn killed_at_random_moments_nobody_finds_half_a_result() {
    let kills = std::env::var("QIK_KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let server = Server::start();
    let settings = s3(&server);
    let (mut within, mut hits) = (0, 0);
    for kill in 0..kills {
        let after = Duration::from_millis(50 + u64::from(kill) * 79 % 900);
        let last = run_and_kill(&server.url, after);
        within += u32::from(last.is_some_and(|line| line.starts_with("begin")));
        hits += check_all(&settings);
        if kill % 10 == 9 {
            // Otherwise everything is there before long, and nothing is written any more.
            for object in server.objects("/v1/") {
                std::fs::remove_file(object).unwrap();
            }
        }
    }
    eprintln!("{kills} kills, {within} of them while sharing, {hits} hits");
    assert!(within > 0 && hits > 0);
}

fn run_and_kill(url: &str, after: Duration) -> Option<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash_shared::the_sharing_writer_that_is_killed", "--exact", "--nocapture"])
        .env(URL_VARIABLE, url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    let mut lines = lines.lines().map_while(Result::ok);
    let is_telling = |line: &String| line.starts_with("begin ") || line == "commit";
    let first = lines.by_ref().find(is_telling);
    let killer = std::thread::spawn(move || {
        let start = Instant::now();
        while start.elapsed() < after {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    });
    let last = lines.filter(is_telling).last().or(first);
    killer.join().unwrap();
    last
}

/// Every entry that is found is replayed whole.
fn check_all(settings: &Settings) -> u32 {
    let project = Project::new();
    let caches = open(&project, settings);
    let keys: Vec<_> = (0..ROUNDS).map(|number| key(number, "made")).collect();
    caches.prefetch("team", &keys);
    let mut hits = 0;
    for number in 0..ROUNDS {
        let found = caches.lookup("team", &key(number, "made"), &project.files());
        let Lookup::Hit(found) = found else { continue };
        let restored = caches.restore("team", &found, &project.files(), &[]);
        assert!(matches!(restored, Restore::Done(_)), "{restored:?}");
        assert_eq!(caches.log("team", &found).unwrap(), format!("log {number}\n").as_bytes());
        for (path, _, bytes) in files_of(number) {
            assert!(std::fs::read(project.path(&path)).unwrap() == bytes, "{path}");
        }
        hits += 1;
    }
    assert_eq!(caches.warnings(), []);
    hits
}
