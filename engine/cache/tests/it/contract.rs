//! What holds for every cache that others share, whatever stands behind it: one suite over memory, a
//! folder, an S3 server and Redis.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use qik_cache::{Agreed, CacheSet, Finished, MissReason, Restore};
use qik_model::{CacheConfig, FileKind, Origin, Platform, RelPath, Setting};
use qik_system::blob_id;

use crate::project::{Project, hit, key, log, miss};
use crate::server::{BUCKET, KEY, SECRET, Server};
use crate::tools;

/// Settings of a cache called `team`.
pub type Settings = Vec<(&'static str, Setting)>;

pub fn text(text: &str) -> Setting {
    Setting::Str(text.into())
}

pub fn s3(server: &Server) -> Settings {
    vec![
        ("type", text("s3")),
        ("bucket", text(BUCKET)),
        ("endpoint-url", text(&server.url)),
        ("aws-access-key-id", text(KEY)),
        ("aws-secret-access-key", text(SECRET)),
        ("timeout", text("2s")),
    ]
}

/// The caches of a project with one that others share.
pub fn open(project: &Project, settings: &Settings) -> CacheSet {
    open_on(project, settings, "linux-64")
}

pub fn open_on(project: &Project, settings: &Settings, platform: &str) -> CacheSet {
    let kind = settings.iter().find(|(key, _)| *key == "type").unwrap();
    let Setting::Str(kind) = &kind.1 else { panic!("a type is a text") };
    let config = CacheConfig {
        name: "team".into(),
        origin: Origin::top("qik.toml"),
        kind: kind.to_string().into(),
        settings: settings
            .iter()
            .filter(|(key, _)| *key != "type")
            .map(|(key, value)| ((*key).into(), value.clone()))
            .collect(),
    };
    let configured = BTreeMap::from([("team".into(), Arc::new(config))]);
    CacheSet::open(project.system(), &configured, platform)
}

/// The same settings but for one.
pub fn with(settings: &Settings, key: &'static str, value: Setting) -> Settings {
    let mut settings: Settings =
        settings.iter().filter(|(known, _)| *known != key).cloned().collect();
    settings.push((key, value));
    settings
}

/// Ends a run: all that is to be shared is shared.
#[track_caller]
pub fn end(caches: &CacheSet) -> (usize, usize) {
    let sharing = caches.finish(&mut |_| true);
    (sharing.shared, sharing.unshared)
}

/// Makes files, and stores a result that they are the artifacts of.
pub fn make(
    project: &Project,
    caches: &CacheSet,
    number: u8,
    files: &[(&str, FileKind, Vec<u8>)],
) -> qik_model::ActionResult {
    let mut made = Vec::new();
    for (path, kind, bytes) in files {
        let path = RelPath::from(*path);
        match kind {
            FileKind::Link => project.system().create_link(&path, bytes).unwrap(),
            kind => project.system().write_atomic(&path, bytes, *kind).unwrap(),
        }
        made.push((path, *kind, blob_id(bytes)));
    }
    let artifacts = caches.collect("team", &made).unwrap();
    let text = format!("log {number}\n");
    let folders = vec!["dist/none at all".into()];
    let log = text.as_bytes();
    let finished = Finished { log, artifacts, folders, millis: 7, ..Finished::default() };
    caches.store("team", &key(number, "made"), finished)
}

/// Small, large, not compressible, executable, a link, odd names.
fn all_kinds() -> Vec<(&'static str, FileKind, Vec<u8>)> {
    let mut noise = blake3::Hasher::new().update(b"noise").finalize_xof();
    let mut large = vec![0; 3 << 20];
    noise.fill(&mut large);
    vec![
        ("dist/empty", FileKind::File, Vec::new()),
        ("dist/small", FileKind::File, b"small".to_vec()),
        ("dist/middle", FileKind::File, b"middle ".repeat(20_000)),
        ("dist/large", FileKind::File, large),
        ("dist/run", FileKind::Executable, b"#!/bin/sh\n".to_vec()),
        ("dist/link", FileKind::Link, b"small".to_vec()),
        ("dist/\u{fc}n\u{ef}/a b", FileKind::File, b"name".to_vec()),
    ]
}

fn each_remote(check: impl Fn(Settings)) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    for prefix in ["", "some/where"] {
        let own = format!("memory-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        check(vec![("type", text("memory")), ("prefix", text(&own))]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        check(vec![("type", text("fs")), ("path", text(path)), ("prefix", text(prefix))]);
        let server = Server::start();
        check(with(&s3(&server), "prefix", text(prefix)));
        if let Some(redis) = tools::redis() {
            check(vec![
                ("type", text("redis")),
                ("endpoint", text(&redis.url)),
                ("prefix", text(prefix)),
            ]);
        }
    }
}

#[test]
fn a_second_project_replays_and_restores_what_the_first_made() {
    each_remote(|settings| {
        let (first, second) = (Project::new(), Project::new());
        let caches = open(&first, &settings);
        let stored = make(&first, &caches, 1, &all_kinds());
        assert_eq!(end(&caches), (1, 0), "{:?}", caches.warnings());

        let caches = open(&second, &settings);
        let found = hit(caches.lookup("team", &key(1, "made"), &second.files()));
        assert_eq!(found, stored);
        let restored = caches.restore("team", &found, &second.files(), &[]);
        let Restore::Done(restored) = restored else { panic!("{restored:?}") };
        assert_eq!(restored.written.len(), all_kinds().len());
        assert_eq!(second.listing_bytes("dist"), first.listing_bytes("dist"));
        assert!(second.path("dist/none at all").is_dir());
        assert_eq!(caches.log("team", &found).unwrap(), b"log 1\n");
        assert_eq!(caches.warnings(), []);
        assert!(caches.is_at_hand("team", &found));

        // From now on the remote is not needed for it.
        let local = second.caches();
        hit(local.lookup("local", &key(1, "made"), &second.files()));
    });
}

#[test]
fn what_nobody_made_is_a_miss() {
    each_remote(|settings| {
        let project = Project::new();
        let caches = open(&project, &settings);
        let reason = miss(caches.lookup("team", &key(9, "made"), &project.files()));
        assert_eq!(reason, MissReason::NoEntry);
        caches.prefetch("team", &[key(9, "made")]);
        miss(caches.lookup("team", &key(9, "made"), &project.files()));
        assert_eq!(caches.warnings(), []);
    });
}

#[test]
fn the_last_result_of_a_runnable_is_told_to_machines_that_have_none() {
    each_remote(|settings| {
        let (first, second) = (Project::new(), Project::new());
        let caches = open(&first, &settings);
        make(&first, &caches, 1, &[]);
        make(&first, &caches, 2, &[]);
        end(&caches);
        let caches = open(&second, &settings);
        assert_eq!(caches.recent("team", "made"), [], "nobody was asked yet");
        caches.prefetch("team", &[key(9, "made"), key(9, "other")]);
        let told = caches.recent("team", "made");
        assert!(matches!(told[0].fingerprint.0[0], 1 | 2) && told[0].millis == 7, "{told:?}");
        assert_eq!(caches.recent("team", "other"), []);
        miss(caches.lookup("team", &key(9, "made"), &second.files()));
    });
}

#[test]
fn machines_agree_on_what_the_first_says() {
    each_remote(|settings| {
        let (first, second) = (Project::new(), Project::new());
        let said = open(&first, &settings).agree("team", "a topic", b"first".to_vec());
        // A folder can't tell who is first, and opendal does not ask Redis to.
        let can = ["memory", "s3"].map(text);
        let can = settings.iter().any(|(key, value)| *key == "type" && can.contains(value));
        let expected = |bytes: &[u8]| match can {
            true => Agreed::On(bytes.to_vec()),
            false => Agreed::Impossible,
        };
        assert_eq!(said, expected(b"first"));
        let caches = open(&second, &settings);
        assert_eq!(caches.agree("team", "a topic", b"second".to_vec()), expected(b"first"));
        assert_eq!(caches.agree("team", "another", b"second".to_vec()), expected(b"second"));
        assert_eq!(caches.agree("local", "a topic", b"x".to_vec()), Agreed::Impossible);
        let readers = open(&second, &with(&settings, "mode", text("read")));
        assert_eq!(readers.agree("team", "a topic", b"x".to_vec()), Agreed::Impossible);
    });
}

#[test]
fn results_of_one_platform_are_not_those_of_another() {
    each_remote(|settings| {
        let (first, second) = (Project::new(), Project::new());
        let caches = open(&first, &settings);
        caches.store("team", &key(1, "a"), log("here"));
        let any = qik_cache::Key { platform: Platform::Any, ..key(2, "a") };
        caches.store("team", &any, log("anywhere"));
        assert_eq!(end(&caches), (2, 0));

        let caches = open_on(&second, &settings, "win-64");
        miss(caches.lookup("team", &key(1, "a"), &second.files()));
        let found = hit(caches.lookup("team", &any, &second.files()));
        assert_eq!(caches.log("team", &found).unwrap(), b"anywhere");
    });
}

#[test]
fn modes_are_kept() {
    each_remote(|settings| {
        let (first, second) = (Project::new(), Project::new());
        let reader = open(&first, &with(&settings, "mode", text("read")));
        reader.store("team", &key(1, "a"), log("one"));
        assert_eq!(end(&reader), (0, 0));
        let other = open(&second, &settings);
        miss(other.lookup("team", &key(1, "a"), &second.files()));

        other.store("team", &key(2, "a"), log("two"));
        assert_eq!(end(&other), (1, 0));
        let writer = open(&first, &with(&settings, "mode", text("write")));
        miss(writer.lookup("team", &key(2, "a"), &first.files()));
        let reader = open(&first, &with(&settings, "mode", text("read")));
        hit(reader.lookup("team", &key(2, "a"), &first.files()));
    });
}

#[test]
fn an_entry_whose_contents_were_evicted_is_a_miss_and_is_replaced() {
    let server = Server::start();
    let settings = s3(&server);
    let (first, second) = (Project::new(), Project::new());
    let caches = open(&first, &settings);
    make(&first, &caches, 1, &all_kinds());
    end(&caches);
    for object in server.objects("/v1/cas/") {
        std::fs::remove_file(object).unwrap();
    }
    let caches = open(&second, &settings);
    let reason = miss(caches.lookup("team", &key(1, "made"), &second.files()));
    assert!(matches!(reason, MissReason::ContentMissing(_)), "{reason}");
    make(&second, &caches, 1, &all_kinds());
    assert_eq!(end(&caches), (1, 0));

    let third = Project::new();
    let caches = open(&third, &settings);
    let found = hit(caches.lookup("team", &key(1, "made"), &third.files()));
    assert!(matches!(caches.restore("team", &found, &third.files(), &[]), Restore::Done(_)));
}

#[test]
fn entries_are_written_once_but_a_success_replaces_a_failure() {
    each_remote(|settings| {
        let store = |code, text: &str, replace| {
            let project = Project::new();
            let caches = open(&project, &settings);
            let finished = Finished { code, log: text.as_bytes(), replace, ..Finished::default() };
            caches.store("team", &key(1, "a"), finished);
            assert_eq!(end(&caches), (1, 0));
        };
        let found = || {
            let project = Project::new();
            let caches = open(&project, &settings);
            let found = hit(caches.lookup("team", &key(1, "a"), &project.files()));
            String::from_utf8(caches.log("team", &found).unwrap()).unwrap()
        };
        store(1, "failed", false);
        store(2, "failed again", false);
        assert_eq!(found(), "failed");
        store(0, "fine", false);
        assert_eq!(found(), "fine");
        store(0, "fine again", false);
        store(1, "failed once more", false);
        assert_eq!(found(), "fine");
        store(0, "made anew", true);
        assert_eq!(found(), "made anew");
    });
}

#[test]
fn a_typical_hit_is_one_request() {
    let server = Server::start();
    let (first, second) = (Project::new(), Project::new());
    let caches = open(&first, &s3(&server));
    let files: Vec<_> = all_kinds().into_iter().filter(|file| file.2.len() < 10_000).collect();
    make(&first, &caches, 1, &files);
    end(&caches);

    let before = server.mood.requests.load(Ordering::Relaxed);
    let caches = open(&second, &s3(&server));
    let found = hit(caches.lookup("team", &key(1, "made"), &second.files()));
    assert!(matches!(caches.restore("team", &found, &second.files(), &[]), Restore::Done(_)));
    caches.log("team", &found).unwrap();
    assert_eq!(server.mood.requests.load(Ordering::Relaxed) - before, 1);
}
