//! The local cache.

use std::sync::Arc;

use qik_cache::{CacheKind, CacheSet, Finished, Key, MissReason};
use qik_model::{FileKind, Platform, RelPath};
use qik_system::MemorySystem;

use crate::project::{Project, artifact, hit, key, log, miss};

const NO_FILES: fn(&RelPath) -> Option<(FileKind, qik_model::BlobId)> = |_| None;
const V1: &str = "._qik/cache/v1";

fn object(bytes: &[u8]) -> String {
    let digest = qik_cache::content_of(bytes).digest.to_string();
    format!("{V1}/cas/{}/{digest}", &digest[..2])
}

#[test]
fn a_fresh_process_finds_what_was_stored() {
    let project = Project::new();
    let stored = project.caches().store(
        "local",
        &key(1, "lint@api"),
        Finished { code: 3, ..log("three\n") },
    );
    let caches = project.caches();
    let found = hit(caches.lookup("local", &key(1, "lint@api"), &NO_FILES));
    assert_eq!(found, stored);
    assert_eq!((found.code, found.runnable.as_str()), (3, "lint@api"));
    assert_eq!(caches.log("local", &found).unwrap(), b"three\n");
    assert_eq!(miss(caches.lookup("local", &key(2, "lint@api"), &NO_FILES)), MissReason::NoEntry);
    assert_eq!(project.read("._qik/.gitignore").as_deref(), Some("*\n"));
    assert_eq!(caches.warnings(), []);
}

#[test]
fn an_entry_that_another_process_made_is_there() {
    let project = Project::new();
    let caches = project.caches();
    assert!(!caches.has_entry("local", &key(1, "lint@api")));
    project.caches().store("local", &key(1, "lint@api"), log("done\n"));
    assert!(caches.has_entry("local", &key(1, "lint@api")));
    assert!(!caches.has_entry("local", &key(2, "lint@api")));
}

#[test]
fn the_names_and_kinds_are_fixed() {
    let caches = Project::new().caches();
    assert_eq!(caches.names(), ["local", "none", "repo"]);
    assert_eq!(caches.kind("none"), Some(CacheKind::None));
    assert_eq!(caches.kind("elsewhere"), None);
    caches.store("none", &key(1, "a"), log("x"));
    assert_eq!(miss(caches.lookup("none", &key(1, "a"), &NO_FILES)), MissReason::NotCached);
}

#[test]
fn results_hold_for_their_platform_unless_for_any() {
    let project = Project::new();
    let any = Key { platform: Platform::Any, ..key(2, "b") };
    project.caches_on("linux-64").store("local", &key(1, "a"), log("a"));
    project.caches_on("linux-64").store("local", &any, log("b"));
    let other = project.caches_on("osx-arm64");
    assert_eq!(miss(other.lookup("local", &key(1, "a"), &NO_FILES)), MissReason::NoEntry);
    assert_eq!(hit(other.lookup("local", &any, &NO_FILES)).runnable, "b");
    assert!(project.path(V1).join("ac/linux-64").join("01".repeat(32)).is_file());
    assert!(project.path(V1).join("ac").join("02".repeat(32)).is_file());
}

#[test]
fn a_warm_run_reads_the_index_and_nothing_else() {
    let system = Arc::new(MemorySystem::new());
    let open = || CacheSet::open(system.clone(), &Default::default(), "linux-64");
    let caches = open();
    let names: Vec<_> = (0..100).map(|number| format!("lint@{number}")).collect();
    for (number, name) in (0..).zip(&names) {
        caches.store("local", &key(number, name), log(name));
    }
    system.take_reads();
    let caches = open();
    for (number, name) in (0..).zip(&names) {
        let found = hit(caches.lookup("local", &key(number, name), &NO_FILES));
        assert_eq!(caches.log("local", &found).unwrap(), name.as_bytes());
    }
    let reads = system.take_reads();
    assert_eq!((reads.len(), &reads[0]), (1, &RelPath::from("._qik/cache/v1/index")));
}

#[test]
fn without_its_index_nothing_is_lost() {
    let project = Project::new();
    project.caches().store("local", &key(1, "a"), log("kept"));
    for index in [None, Some("rubbish"), Some("")] {
        match index {
            None => project.remove(&format!("{V1}/index")),
            Some(text) => project.write(&format!("{V1}/index"), text),
        }
        let caches = project.caches();
        let found = hit(caches.lookup("local", &key(1, "a"), &NO_FILES));
        assert_eq!(caches.log("local", &found).unwrap(), b"kept");
    }
}

#[test]
fn a_torn_or_foreign_entry_is_a_miss_with_a_warning_and_heals() {
    let project = Project::new();
    project.caches().store("local", &key(1, "a"), log("a"));
    project.caches().store("local", &key(2, "b"), log("b"));
    let path = |number: u8| format!("{V1}/ac/linux-64/{}", format!("{number:02x}").repeat(32));
    let whole = project.read(&path(1)).unwrap();
    let foreign = project.read(&path(2)).unwrap();
    for bad in [&whole[..whole.len() / 2], "", "{}", &foreign, &whole.replace("\"a\"", "\"c\"")] {
        project.remove(&format!("{V1}/index"));
        project.write(&path(1), bad);
        let caches = project.caches();
        assert_eq!(miss(caches.lookup("local", &key(1, "a"), &NO_FILES)), MissReason::Damaged);
        assert_eq!(caches.warnings().len(), 1);
        caches.store("local", &key(1, "a"), log("a"));
        hit(project.caches().lookup("local", &key(1, "a"), &NO_FILES));
    }
}

#[test]
fn an_entry_without_its_log_is_a_miss() {
    let project = Project::new();
    let long = "x".repeat(10_000);
    project.caches().store("local", &key(1, "a"), log(&long));
    project.remove(&object(long.as_bytes()));
    let caches = project.caches();
    assert_eq!(miss(caches.lookup("local", &key(1, "a"), &NO_FILES)), MissReason::LogMissing);
}

#[test]
fn a_changed_log_is_never_replayed() {
    let project = Project::new();
    let long = "x".repeat(10_000);
    project.caches().store("local", &key(1, "a"), log(&long));
    project.write(&object(long.as_bytes()), "y".repeat(10_000));
    let caches = project.caches();
    let found = hit(caches.lookup("local", &key(1, "a"), &NO_FILES));
    assert_eq!(caches.log("local", &found), None);
    assert_eq!(caches.warnings().len(), 1);
    assert_eq!(miss(caches.lookup("local", &key(1, "a"), &NO_FILES)), MissReason::LogMissing);
    caches.store("local", &key(1, "a"), log(&long));
    assert_eq!(caches.log("local", &found).unwrap(), long.as_bytes());
}

#[test]
fn an_artifact_must_be_in_the_tree_or_in_the_store() {
    let project = Project::new();
    let caches = project.caches();
    project.write("out.txt", "made");
    let made = artifact("out.txt", FileKind::File, b"made");
    let files = [("out.txt".into(), FileKind::File, made.id)];
    let artifacts = caches.collect("local", &files).unwrap();
    assert_eq!(artifacts, [made]);
    caches.store("local", &key(1, "a"), Finished { artifacts, ..log("") });

    project.remove("out.txt");
    hit(caches.lookup("local", &key(1, "a"), &project.files()));
    project.remove(&object(b"made"));
    let gone = MissReason::ContentMissing("out.txt".into());
    assert_eq!(miss(caches.lookup("local", &key(1, "a"), &project.files())), gone);
    project.write("out.txt", "made");
    hit(caches.lookup("local", &key(1, "a"), &project.files()));
}

#[test]
fn recent_entries_come_newest_first() {
    let project = Project::new();
    let caches = project.caches();
    for number in 0..12 {
        caches.store("local", &key(number, "a"), log("x"));
        caches.store("local", &key(100 + number, "b"), log("x"));
    }
    caches.store("local", &key(5, "a"), log("x"));
    for caches in [caches, project.caches()] {
        let recent = caches.recent("local", "a");
        let numbers: Vec<_> = recent.iter().map(|result| result.fingerprint.0[0]).collect();
        assert_eq!(numbers, [5, 11, 10, 9, 8, 7, 6, 4]);
        assert_eq!(caches.recent("local", "c"), []);
    }
}

#[test]
fn the_index_stays_bounded() {
    let project = Project::new();
    let caches = project.caches();
    for round in 0..2000 {
        caches.store("local", &key((round % 50) as u8, "a"), log("x"));
    }
    let size = std::fs::metadata(project.path(V1).join("index")).unwrap().len();
    assert!(size < 100_000, "{size}");
    for number in 0..50 {
        hit(project.caches().lookup("local", &key(number, "a"), &NO_FILES));
    }
}

#[test]
fn threads_and_processes_share_it() {
    let project = Project::new();
    let caches = [project.caches(), project.caches()];
    std::thread::scope(|scope| {
        for caches in &caches {
            for thread in 0..4u8 {
                scope.spawn(move || {
                    for number in 0..50 {
                        let name = format!("r{}", number % 10);
                        caches.store("local", &key(number, &name), log(&format!("log {number}")));
                        let other = key(number.wrapping_mul(thread), "any");
                        caches.lookup("local", &other, &NO_FILES);
                    }
                });
            }
        }
    });
    let fresh = project.caches();
    for number in 0..50 {
        let found = hit(fresh.lookup("local", &key(number, "any"), &NO_FILES));
        assert_eq!(fresh.log("local", &found).unwrap(), format!("log {number}").as_bytes());
    }
    assert_eq!(fresh.warnings(), []);
}

#[test]
fn clearing_forgets_everything() {
    let project = Project::new();
    let caches = project.caches();
    caches.store("local", &key(1, "a"), log("x"));
    caches.clear().unwrap();
    for caches in [caches, project.caches()] {
        assert_eq!(miss(caches.lookup("local", &key(1, "a"), &NO_FILES)), MissReason::NoEntry);
        assert_eq!(caches.recent("local", "a"), []);
    }
    assert_eq!(project.listing(&format!("{V1}/ac")).len(), 0);
    assert_eq!(project.listing(&format!("{V1}/cas")).len(), 0);
}

#[test]
fn a_cache_that_cannot_be_written_is_a_warning() {
    let project = Project::new();
    project.write("._qik/cache", "a file where a folder belongs");
    let caches = project.caches();
    caches.store("local", &key(1, "a"), log("x"));
    let warnings = caches.warnings();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].message.contains("the result of `a` could not be stored"), "{warnings:?}");
    let missed = miss(caches.lookup("local", &key(1, "a"), &NO_FILES));
    assert!(matches!(missed, MissReason::NoEntry | MissReason::Unreachable(_)), "{missed:?}");
}
