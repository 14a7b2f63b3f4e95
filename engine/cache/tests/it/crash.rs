//! Stopped at any point: by a system that stops working after each number of changes in turn, and
//! by SIGKILL at random moments.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use qik_cache::{CacheSet, Finished, Lookup, Restore};
use qik_model::{ActionResult, FileKind, RelPath};
use qik_system::System;

use crate::dying::Dying;
use crate::project::{Project, key, log};
use crate::restore::entry;

fn open(system: Arc<dyn System>) -> CacheSet {
    CacheSet::open(system, &Default::default(), "linux-64")
}

/// A work tree with files that are in the way in every manner, and an entry that changes it.
fn messy(project: &Project) -> (ActionResult, Vec<RelPath>) {
    let caches = project.caches();
    entry(
        &caches,
        &[("dist/known", FileKind::File, "old"), ("dist/stale/x", FileKind::File, "st")],
    );
    let wanted = [
        ("dist/known", FileKind::File, "new"),
        ("dist/run", FileKind::Executable, "run"),
        ("dist/sub/link", FileKind::Link, "../known"),
        ("dist/mine", FileKind::File, "theirs"),
        ("dist/was-file/in", FileKind::File, "in"),
        ("dist/was-folder", FileKind::File, "file"),
    ];
    let result = entry(&caches, &wanted);
    project.write("dist/known", "old");
    project.write("dist/stale/x", "st");
    project.write("dist/mine", "mine");
    project.write("dist/hand", "hand");
    project.write("dist/was-file", "was");
    project.write("dist/was-folder/y", "y");
    (
        result,
        ["dist/known", "dist/stale/x", "dist/hand", "dist/was-folder/y"].map(RelPath::from).into(),
    )
}

#[test]
fn a_restore_cut_short_anywhere_is_finished_by_the_next_process() {
    let whole = {
        let project = Project::new();
        let (result, present) = messy(&project);
        let outcome = project.caches().restore("local", &result, &project.files(), &present);
        assert!(matches!(outcome, Restore::Done(_)), "{outcome:?}");
        project.listing("dist")
    };
    let mut cut_short = 0;
    for left in 0.. {
        let project = Project::new();
        let (result, present) = messy(&project);
        let before = project.listing("dist");
        let dying = Dying::new(project.system(), left, false);
        open(dying.clone()).restore("local", &result, &project.files(), &present);

        let recovered = project.caches().recover();
        let after = project.listing("dist");
        assert!(
            after == whole || (after == before && recovered.restores == 0),
            "{left}: {after:?}"
        );
        cut_short += recovered.restores;
        // Nothing that was made by hand is lost.
        let trash: Vec<_> = project.listing("._qik/trash").into_values().collect();
        for text in ["mine", "hand", "was", "y"] {
            let is_there = trash.iter().chain(after.values()).any(|found| found == text);
            assert!(is_there, "{left}: `{text}` is lost");
        }
        assert_no_plan_is_left(&project);
        if !dying.has_failed() {
            break;
        }
    }
    assert!(cut_short > 10, "{cut_short}");
}

#[test]
fn a_restore_that_fails_anywhere_leaves_the_tree_as_it_was() {
    for left in 0.. {
        let project = Project::new();
        let (result, present) = messy(&project);
        let before = project.listing("dist");
        let dying = Dying::new(project.system(), left, true);
        let outcome = open(dying.clone()).restore("local", &result, &project.files(), &present);
        match outcome {
            Restore::Miss(_) => assert_eq!(project.listing("dist"), before, "{left}"),
            Restore::Done(_) => {
                let now = project.caches().restore("local", &result, &project.files(), &[]);
                assert_eq!(now, Restore::Done(Default::default()), "{left}");
            }
        }
        if !dying.has_failed() {
            break;
        }
    }
}

#[test]
fn a_recovery_leaves_alone_what_somebody_changed_meanwhile() {
    let project = Project::new();
    let (result, present) = messy(&project);
    let dying = Dying::new(project.system(), 4, false);
    open(dying).restore("local", &result, &project.files(), &present);
    project.write("dist/run", "edited since");
    assert_eq!(project.caches().recover().restores, 1);
    assert_eq!(project.read("dist/run").as_deref(), Some("edited since"));
}

#[test]
fn a_store_cut_short_anywhere_leaves_no_half_entry() {
    for cache in ["local", "repo"] {
        for left in 0.. {
            let project = Project::new();
            project.caches().store(cache, &key(1, "a"), log("old"));
            let dying = Dying::new(project.system(), left, false);
            open(dying.clone()).store(cache, &key(2, "a"), log("new"));
            for (number, text) in [(1, "old"), (2, "new")] {
                check_replay(&project, cache, number, text);
            }
            if !dying.has_failed() {
                break;
            }
        }
    }
}

fn check_replay(project: &Project, cache: &str, number: u8, text: &str) -> bool {
    let caches = project.caches();
    let found = caches.lookup(cache, &key(number, "a"), &project.files());
    assert!(caches.warnings().is_empty());
    let Lookup::Hit(result) = found else { return false };
    assert_eq!(caches.log(cache, &result).unwrap(), text.as_bytes());
    true
}

// ---- SIGKILL ----

/// How often a writer is killed; more by `QIK_KILLS`.
const KILLS: u32 = 40;
const FOLDER_VARIABLE: &str = "QIK_TEST_WRITER";

/// Not a test of its own: what the killed process does.
#[test]
fn the_writer_that_is_killed() {
    let Some(root) = std::env::var_os(FOLDER_VARIABLE) else { return };
    let project = Project::at(root.into());
    let caches = project.caches();
    caches.recover();
    let mut out = std::io::stdout().lock();
    for round in 0u32.. {
        let files = write_round(&project, round);
        writeln!(out, "\nbegin {round}").unwrap();
        for cache in ["local", "repo"] {
            let artifacts = caches.collect(cache, &files).unwrap();
            let log = text_of(round);
            let finished = Finished { log: log.as_bytes(), artifacts, ..Default::default() };
            caches.store(cache, &key(round as u8, "made"), finished);
        }
        writeln!(out, "\ncommit {round}").unwrap();
        if round > 0 {
            // Back to the round before and forth again: restores over known files.
            for number in [round - 1, round, round - 1, round] {
                let number = key(number as u8, "made");
                let Lookup::Hit(result) = caches.lookup("local", &number, &project.files()) else {
                    panic!("a miss")
                };
                let present: Vec<_> = files.iter().map(|(path, ..)| path.clone()).collect();
                writeln!(out, "\nbegin restore").unwrap();
                let outcome = caches.restore("local", &result, &project.files(), &present);
                assert!(matches!(outcome, Restore::Done(_)), "{outcome:?}");
                writeln!(out, "\ncommit restore").unwrap();
            }
        }
    }
}

fn text_of(round: u32) -> String {
    format!("{} ", round % 256).repeat(3000)
}

/// Five artifacts whose bytes tell the round.
fn write_round(project: &Project, round: u32) -> Vec<(RelPath, FileKind, qik_model::BlobId)> {
    let files = (0..5).map(|number| {
        let text = format!("{number} {}", text_of(round));
        project.write(&format!("out/{number}"), &text);
        let path = RelPath::from(format!("out/{number}").as_str());
        (path, FileKind::File, qik_system::blob_id(text.as_bytes()))
    });
    files.collect()
}

#[test]
fn killed_at_random_moments_no_entry_is_torn_and_no_restore_half_done() {
    let kills = std::env::var("QIK_KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let project = Project::new();
    let (mut within_entry, mut within_restore, mut hits) = (0, 0, 0);
    for number in 0..kills {
        let last = run_and_kill(
            &project,
            Duration::from_micros(3_000 + u64::from(number * 7919 % 40_000)),
        );
        match last.as_deref() {
            Some("begin restore") => within_restore += 1,
            Some(line) if line.starts_with("begin ") => within_entry += 1,
            _ => {}
        }
        let caches = project.caches();
        caches.recover();
        if last.as_deref() == Some("begin restore") {
            check_one_round(&project);
        }
        hits += check_entries(&project, &caches);
        assert_eq!(caches.warnings(), [], "kill {number}");
        assert_no_plan_is_left(&project);
    }
    eprintln!(
        "{kills} kills: {within_entry} within an entry, {within_restore} within a restore, {hits} hits"
    );
    assert!(within_entry + within_restore > 0 && hits > 0);
}

/// Starts a writer, kills it that long after it began to write, and gives the last whole line that
/// tells what it was at.
fn run_and_kill(project: &Project, after: Duration) -> Option<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::the_writer_that_is_killed", "--exact", "--nocapture"])
        .env(FOLDER_VARIABLE, &project.root)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    let mut lines = lines.lines().map_while(Result::ok);
    let is_telling = |line: &String| line.starts_with("begin ") || line.starts_with("commit ");
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

fn assert_no_plan_is_left(project: &Project) {
    let left: Vec<_> = project.listing("._qik/restore").into_keys().collect();
    assert!(left.iter().all(|path| path == "._qik/restore/lock"), "{left:?}");
}

fn check_one_round(project: &Project) {
    let first = project.read("out/0").unwrap();
    let text = first.strip_prefix("0 ").unwrap();
    for number in 1..5 {
        let found = project.read(&format!("out/{number}")).unwrap();
        assert!(found == format!("{number} {text}"), "half a restore: out/{number}");
    }
}

/// Every entry that is found is whole, and of the round that it is looked up for.
fn check_entries(project: &Project, caches: &CacheSet) -> u32 {
    let mut hits = 0;
    for round in 0..40u32 {
        for cache in ["local", "repo"] {
            let found = caches.lookup(cache, &key(round as u8, "made"), &project.files());
            let Lookup::Hit(result) = found else { continue };
            assert_eq!(caches.log(cache, &result).unwrap(), text_of(round).as_bytes());
            for (number, artifact) in result.artifacts.iter().enumerate() {
                let bytes = format!("{number} {}", text_of(round)).into_bytes();
                assert_eq!(artifact.content, qik_cache::content_of(&bytes));
                if cache == "local" {
                    assert_eq!(caches.contents().get(&artifact.content).unwrap(), Some(bytes));
                }
            }
            hits += 1;
        }
    }
    hits
}
