//! The local cache stays within its bounds, and what goes is what nobody used.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use qik_cache::{CacheSet, Finished, Lookup};
use qik_model::{CacheConfig, FileKind, Origin, RelPath, Setting};
use qik_system::blob_id;

use crate::project::{Project, hit, key, miss};

fn open(project: &Project, settings: &[(&'static str, &str)]) -> CacheSet {
    let config = CacheConfig {
        name: "local".into(),
        origin: Origin::top("qik.toml"),
        kind: "local".into(),
        settings: settings
            .iter()
            .map(|(key, value)| ((*key).into(), Setting::Str((*value).into())))
            .collect(),
    };
    let configured = BTreeMap::from([("local".into(), Arc::new(config))]);
    CacheSet::open(project.system(), &configured, "linux-64")
}

/// A result with an artifact of a hundred thousand bytes of its own, and one that all share.
fn make(project: &Project, caches: &CacheSet, number: u8) {
    let mut noise = blake3::Hasher::new().update(&[number]).finalize_xof();
    let mut own = vec![0; 100_000];
    noise.fill(&mut own);
    let files = [("out/own", own), ("out/shared", b"shared".repeat(1000))];
    let made = files.map(|(path, bytes)| {
        project.write(path, &bytes);
        (RelPath::from(path), FileKind::File, blob_id(&bytes))
    });
    let artifacts = caches.collect("local", &made).unwrap();
    caches.store("local", &key(number, "made"), Finished { artifacts, ..Finished::default() });
}

/// As if everything had been written that much earlier.
fn age(project: &Project, by: Duration) {
    for path in project.listing_paths("._qik/cache/v1") {
        let file = std::fs::File::options().append(true).open(path).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        file.set_modified(modified - by).unwrap();
    }
}

fn size(project: &Project) -> u64 {
    let files = project.listing_paths("._qik/cache/v1/cas");
    files.iter().map(|path| std::fs::metadata(path).unwrap().len()).sum()
}

fn is_there(project: &Project, number: u8) -> bool {
    let nothing = |_: &RelPath| None;
    matches!(project.caches().lookup("local", &key(number, "made"), &nothing), Lookup::Hit(_))
}

#[test]
fn what_was_not_used_longest_goes_first() {
    let project = Project::new();
    for number in 0..20 {
        make(&project, &open(&project, &[]), number);
        age(&project, Duration::from_secs(60));
    }
    // The oldest is of use again.
    let caches = open(&project, &[]);
    hit(caches.lookup("local", &key(0, "made"), &|_: &RelPath| None));
    caches.finish(&mut |_| true);

    let caches = open(&project, &[("max-size", "1MB")]);
    make(&project, &caches, 20);
    caches.finish(&mut |_| true);
    let there: Vec<u8> = (0..=20).filter(|number| is_there(&project, *number)).collect();
    assert_eq!(there, [0, 14, 15, 16, 17, 18, 19, 20]);
    assert!(size(&project) <= 1_000_000, "{}", size(&project));
    assert_eq!(caches.warnings(), []);
    // A process that was open all the while finds a miss, and makes it anew.
    let reason = miss(caches.lookup("local", &key(3, "made"), &|_: &RelPath| None));
    assert_eq!(reason, qik_cache::MissReason::NoEntry);
}

#[test]
fn a_process_that_knows_an_evicted_entry_finds_a_miss() {
    let project = Project::new();
    let old = open(&project, &[]);
    make(&project, &old, 1);
    let found = hit(old.lookup("local", &key(1, "made"), &|_: &RelPath| None));
    age(&project, Duration::from_secs(3600));
    assert_eq!(open(&project, &[("max-size", "50KB")]).gc().entries, 1);
    miss(old.lookup("local", &key(1, "made"), &|_: &RelPath| None));
    std::fs::remove_dir_all(project.path("out")).unwrap();
    let restored = old.restore("local", &found, &project.files(), &[]);
    assert!(matches!(restored, qik_cache::Restore::Miss(_)), "{restored:?}");
    assert!(project.listing("out").is_empty());
}

#[test]
fn what_is_too_old_goes() {
    let project = Project::new();
    make(&project, &open(&project, &[]), 1);
    age(&project, Duration::from_secs(40 * 86_400));
    let caches = open(&project, &[("max-age", "30d")]);
    make(&project, &caches, 2);
    let freed = caches.gc();
    assert_eq!((freed.entries, freed.left_entries), (1, 1));
    assert!(!is_there(&project, 1) && is_there(&project, 2));
}

#[test]
fn contents_that_no_entry_names_yet_are_left_to_whoever_writes_it() {
    let project = Project::new();
    let caches = open(&project, &[]);
    let content = caches.contents().put(b"on its way".to_vec()).unwrap();
    caches.gc();
    assert!(caches.contents().has(&content));
    age(&project, Duration::from_secs(3600));
    caches.gc();
    assert!(!caches.contents().has(&content));
}

#[test]
fn evicting_beside_writers_loses_no_run() {
    let project = Project::new();
    std::thread::scope(|scope| {
        let project = &project;
        for worker in 0..3u8 {
            scope.spawn(move || {
                for round in 0..15 {
                    let caches = open(project, &[("max-size", "500KB")]);
                    let number = worker * 50 + round;
                    let bytes = vec![number; 60_000];
                    let content = caches.contents().put(bytes).unwrap();
                    let log = format!("{number}");
                    let finished = Finished { log: log.as_bytes(), ..Finished::default() };
                    caches.store("local", &key(number, "made"), finished);
                    let lookup = caches.lookup("local", &key(number, "made"), &|_: &RelPath| None);
                    if let Lookup::Hit(found) = lookup
                        && let Some(told) = caches.log("local", &found)
                    {
                        assert_eq!(told, log.as_bytes());
                    }
                    if let Some(bytes) = caches.contents().get(&content).unwrap() {
                        assert_eq!(bytes, vec![number; 60_000]);
                    }
                    caches.gc();
                    assert_eq!(caches.warnings(), []);
                }
            });
        }
    });
}
