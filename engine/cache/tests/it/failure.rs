//! Remotes that are down, slow, deny, lie or hang: no wrong replay, no failed run, no lost local
//! result, and one warning.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use qik_cache::{CacheSet, Key, Lookup, Restore};
use qik_model::{FileKind, Fingerprint, Platform, RelPath};

use crate::contract::{Settings, end, make, open, s3, text, with};
use crate::project::{Project, hit, key, log, miss};
use crate::server::{SECRET, Server};
use crate::tools;

fn keys(count: u16) -> Vec<Key<'static>> {
    let print = |number: u16| {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&number.to_le_bytes());
        Fingerprint(bytes)
    };
    let key = |fingerprint| Key { fingerprint, runnable: "a", platform: Platform::Same };
    (0..count).map(|number| key(print(number))).collect()
}

#[track_caller]
fn codes(caches: &CacheSet) -> Vec<&'static str> {
    caches.warnings().iter().map(|warning| warning.code).collect()
}

#[test]
fn a_server_that_hangs_is_given_up_soon_with_one_warning() {
    let server = Server::start();
    server.mood.hangs.store(true, Ordering::Relaxed);
    let project = Project::new();
    let caches = open(&project, &with(&s3(&server), "timeout", text("500ms")));
    let start = Instant::now();
    caches.prefetch("team", &keys(500));
    for _ in 0..20 {
        miss(caches.lookup("team", &key(1, "a"), &project.files()));
    }
    caches.store("team", &key(1, "a"), log("kept"));
    assert_eq!(end(&caches), (0, 1));
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    assert_eq!(codes(&caches), ["cache/remote-trouble", "cache/not-shared"]);
    let found = hit(caches.lookup("team", &key(1, "a"), &project.files()));
    assert_eq!(caches.log("team", &found).unwrap(), b"kept");
}

#[test]
fn a_server_that_denies_writes_is_read_all_the_same() {
    let server = Server::start();
    let (writer, reader) = (Project::new(), Project::new());
    let caches = open(&writer, &s3(&server));
    caches.store("team", &key(1, "a"), log("one"));
    end(&caches);

    server.mood.denies_writes.store(true, Ordering::Relaxed);
    let caches = open(&reader, &s3(&server));
    for number in 2..12 {
        caches.store("team", &key(number, "a"), log("mine"));
    }
    assert_eq!(end(&caches), (0, 10));
    hit(caches.lookup("team", &key(1, "a"), &reader.files()));
    assert_eq!(codes(&caches), ["cache/remote-trouble", "cache/not-shared"]);
}

#[test]
fn settings_that_lead_nowhere_are_told_and_nothing_else() {
    let project = Project::new();
    let nowhere = vec![("type", text("redis")), ("endpoint", text("gopher://example.org"))];
    let caches = open(&project, &nowhere);
    caches.store("team", &key(1, "a"), log("one"));
    assert_eq!(end(&caches), (0, 1));
    hit(caches.lookup("team", &key(1, "a"), &project.files()));
    assert_eq!(codes(&caches), ["cache/remote-trouble", "cache/not-shared"]);
}

#[test]
fn what_redis_cannot_take_stays_here_and_is_told_with_what_could_take_it() {
    let Some(redis) = tools::redis() else { return };
    let project = Project::new();
    let caches = open(&project, &vec![("type", text("redis")), ("endpoint", text(&redis.url))]);
    let large = vec![0; (64 << 20) + 1];
    make(&project, &caches, 1, &[("out/large", FileKind::File, large)]);
    make(&project, &caches, 2, &[("out/small", FileKind::File, vec![0; 200_000])]);
    let sharing = caches.finish(&mut |_| true);
    assert_eq!((sharing.shared, sharing.unshared), (1, 1));
    let why = sharing.unshared_because.unwrap();
    for part in ["64 MiB", "`redis`", "`s3`"] {
        assert!(why.contains(part), "{why}");
    }
    assert_eq!(codes(&caches), ["cache/not-shared"]);
    hit(caches.lookup("team", &key(1, "made"), &project.files()));
}

#[test]
fn secrets_are_told_to_nobody() {
    let server = Server::start();
    server.mood.denies.store(true, Ordering::Relaxed);
    let project = Project::new();
    let settings = with(&s3(&server), "endpoint-url", text(&format!("{}/{SECRET}", server.url)));
    let caches = open(&project, &settings);
    caches.store("team", &key(1, "a"), log("one"));
    end(&caches);
    let told = format!("{caches:?} {:?}", caches.warnings());
    assert!(!told.contains(SECRET));
    for (path, bytes) in project.listing("._qik") {
        assert!(!bytes.contains(SECRET), "{path}");
    }
}

/// How many operations; more by `QIK_OPERATIONS`.
const OPERATIONS: u32 = 600;

/// What the command with that key makes: the same on each machine.
fn files_of(number: u8) -> Vec<(String, Vec<u8>)> {
    let size = if number.is_multiple_of(3) { 200_000 } else { 300 };
    let mut noise = blake3::Hasher::new().update(&[number]).finalize_xof();
    let file = |at: usize| {
        let mut bytes = vec![0; size * (at + 1)];
        noise.fill(&mut bytes);
        (format!("out/{number}/{at}"), bytes)
    };
    (0..2).map(file).collect()
}

fn run_one(project: &Project, caches: &CacheSet, number: u8) -> bool {
    let files = files_of(number);
    let present: Vec<RelPath> = files
        .iter()
        .map(|(path, _)| RelPath::from(path.as_str()))
        .filter(|path| project.path(&path.to_string()).exists())
        .collect();
    if let Lookup::Hit(found) = caches.lookup("team", &key(number, "made"), &project.files())
        && let Restore::Done(_) = caches.restore("team", &found, &project.files(), &present)
        && let Some(told) = caches.log("team", &found)
    {
        assert_eq!(told, format!("log {number}\n").as_bytes());
        for (path, bytes) in &files {
            assert!(std::fs::read(project.path(path)).unwrap() == *bytes, "a wrong replay: {path}");
        }
        return true;
    }
    let made: Vec<_> =
        files.iter().map(|(path, bytes)| (path.as_str(), FileKind::File, bytes.clone())).collect();
    make(project, caches, number, &made);
    false
}

/// Runs operations on four machines at once, with `between` after each; checks that nothing wrong is
/// replayed, and that no machine loses what it has seen. How often something was replayed.
fn play(operations: u32, settings: &Settings, between: &(dyn Fn(u32) + Sync)) -> u32 {
    let hits = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for worker in 0..4u32 {
            let hits = &hits;
            scope.spawn(move || {
                let mut random = u64::from(worker) + 1;
                let mut next = move || {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (random >> 33) as u32
                };
                let mut project = Project::new();
                let mut made = Vec::new();
                let mut caches = open(&project, settings);
                for step in 0..operations / 4 {
                    match next() % 20 {
                        // Another machine, or another process on this one.
                        0 => {
                            end(&caches);
                            project = Project::new();
                            made.clear();
                            caches = open(&project, settings);
                        }
                        1 => {
                            end(&caches);
                            caches = open(&project, settings);
                        }
                        _ => {
                            let number = ((step / 40) % 50 * 5 + next() % 5) as u8;
                            let is_hit = run_one(&project, &caches, number);
                            hits.fetch_add(is_hit.into(), Ordering::Relaxed);
                            made.push(number);
                        }
                    }
                    between(next());
                    // Nothing that this machine has seen is lost to it.
                    if let Some(number) = made.last() {
                        let local = project.caches();
                        let found = local.lookup("local", &key(*number, "made"), &project.files());
                        assert!(matches!(found, Lookup::Hit(_)), "a local result was lost");
                    }
                }
                end(&caches);
            });
        }
    });
    hits.into_inner()
}

fn operations() -> u32 {
    std::env::var("QIK_OPERATIONS").map_or(OPERATIONS, |text| text.parse().unwrap())
}

#[test]
fn with_a_tenth_of_all_requests_failing_nothing_wrong_is_replayed_and_nothing_lost() {
    let (operations, server) = (operations(), Server::start());
    server.mood.faults.store(100, Ordering::Relaxed);
    let hits = play(operations, &s3(&server), &|_| {});
    let requests = server.mood.requests.load(Ordering::Relaxed);
    eprintln!("{operations} operations, {requests} requests, {hits} hits");
    assert!(hits > operations / 10);
}

/// Does something to one of the files below a folder that no qik would.
fn spoil(folder: &Path, random: u32) {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for item in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = item.path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let Some(path) = files.get(random as usize % files.len().max(1)) else { return };
    // Somebody else may have moved it meanwhile.
    let Ok(mut bytes) = std::fs::read(path) else { return };
    let at = random as usize / 7 % bytes.len().max(1);
    match random / 3 % 5 {
        0 => bytes.truncate(at),
        1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 4),
        2 => bytes.clear(),
        3 => {
            let _ = std::fs::remove_file(path);
            // Now it cannot be read, and not be written either.
            let _ = std::fs::create_dir(path);
            return;
        }
        _ => {
            let _ = std::fs::remove_file(path);
            return;
        }
    }
    let _ = std::fs::write(path, bytes);
}

#[test]
fn with_a_shared_folder_that_is_spoiled_all_the_time_nothing_wrong_is_replayed_and_nothing_lost() {
    let (operations, folder) = (operations(), tempfile::tempdir().unwrap());
    let settings = vec![("type", text("fs")), ("path", text(folder.path().to_str().unwrap()))];
    let spoiled = AtomicU32::new(0);
    let hits = play(operations, &settings, &|random| {
        if random.is_multiple_of(10) {
            spoil(folder.path(), random / 10);
            spoiled.fetch_add(1, Ordering::Relaxed);
        }
    });
    let spoiled = spoiled.into_inner();
    eprintln!("{operations} operations, {spoiled} files spoiled, {hits} hits");
    assert!(hits > operations / 10 && spoiled > operations / 20);
}
