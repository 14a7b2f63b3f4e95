//! Stored objects that somebody tampered with: a miss with a named reason, and the good writer's
//! result takes their place.

use std::path::{Path, PathBuf};

use qik_cache::{MissReason, Restore, new_key};
use qik_model::{FileKind, Setting};

use crate::contract::{Settings, end, make, open, s3, text, with};
use crate::project::{Project, hit, key, miss};
use crate::server::Server;

const MARK: &str = "qik-remote-1 ";

/// Two artifacts, one of which does not stand in the entry.
fn files() -> [(&'static str, FileKind, Vec<u8>); 2] {
    let mut noise = blake3::Hasher::new().update(b"noise").finalize_xof();
    let mut large = vec![0; 100_000];
    noise.fill(&mut large);
    [("out/small", FileKind::File, b"small".to_vec()), ("out/large", FileKind::File, large)]
}

fn make_one(project: &Project, settings: &Settings, number: u8) {
    let caches = open(project, settings);
    make(project, &caches, number, &files());
    assert_eq!(end(&caches), (1, 0), "{:?}", caches.warnings());
}

#[track_caller]
fn replays(settings: &Settings, number: u8) {
    let project = Project::new();
    let caches = open(&project, settings);
    let found = hit(caches.lookup("team", &key(number, "made"), &project.files()));
    let restored = caches.restore("team", &found, &project.files(), &[]);
    assert!(matches!(restored, Restore::Done(_)), "{restored:?}");
    assert_eq!(project.read("out/small").as_deref(), Some("small"));
    assert_eq!(caches.warnings(), []);
}

/// Why a reader does not replay it, and that a good writer mends it.
#[track_caller]
fn rejected(settings: &Settings, writer: &Settings, number: u8) -> MissReason {
    let project = Project::new();
    let caches = open(&project, settings);
    let reason = match caches.lookup("team", &key(number, "made"), &project.files()) {
        qik_cache::Lookup::Miss(reason) => reason,
        qik_cache::Lookup::Hit(found) => {
            match caches.restore("team", &found, &project.files(), &[]) {
                Restore::Miss(reason) => reason,
                Restore::Done(_) => panic!("it was replayed"),
            }
        }
    };
    let listing = project.listing("out");
    assert!(listing.is_empty(), "{listing:?}");
    assert!(!caches.warnings().is_empty(), "the user hears nothing: {reason}");
    mend(writer, number);
    replays(settings, number);
    reason
}

/// Somebody who may write comes by: looks, finds nothing of use, and runs the command.
fn mend(writer: &Settings, number: u8) {
    let project = Project::new();
    let caches = open(&project, writer);
    let found = caches.lookup("team", &key(number, "made"), &project.files());
    if let qik_cache::Lookup::Hit(found) = found {
        let restored = caches.restore("team", &found, &project.files(), &[]);
        assert!(matches!(restored, Restore::Miss(_)), "{restored:?}");
    }
    make(&project, &caches, number, &files());
    assert_eq!(end(&caches), (1, 0), "{:?}", caches.warnings());
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = at.min(bytes.len() - 1);
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

fn only(mut paths: Vec<PathBuf>) -> PathBuf {
    assert_eq!(paths.len(), 1, "{paths:?}");
    paths.remove(0)
}

/// Changes what an entry says, with a checksum that fits again.
fn edit(path: &Path, change: impl Fn(Vec<u8>) -> Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let body = &bytes[MARK.len() + 65..];
    let frame = change(zstd::bulk::decompress(body, 1 << 22).unwrap());
    let body = zstd::bulk::compress(&frame, 3).unwrap();
    let head = format!("{MARK}{}\n", blake3::hash(&body).to_hex());
    std::fs::write(path, [head.as_bytes(), &body].concat()).unwrap();
}

fn replace(frame: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = frame.windows(from.len()).position(|window| window == from.as_bytes());
    let mut frame = frame.to_vec();
    frame[at.unwrap()..][..to.len()].copy_from_slice(to.as_bytes());
    frame
}

struct Keys {
    secret: String,
    public: String,
}

impl Keys {
    fn new() -> Self {
        let (secret, public) = new_key().unwrap();
        Self { secret, public }
    }

    /// Settings of somebody who signs with this key, and trusts it.
    fn writer(&self, settings: &Settings) -> Settings {
        // Tests may not set variables, so the key is in one that only the project's system sees.
        let signed = with(settings, "sign-key", text(&crate::project::variable(&self.secret)));
        with(&signed, "trusted-keys", Setting::List(vec![self.public.as_str().into()]))
    }

    fn reader(&self, settings: &Settings) -> Settings {
        with(settings, "trusted-keys", Setting::List(vec![self.public.as_str().into()]))
    }
}

#[test]
fn a_flipped_byte_anywhere_is_a_miss() {
    let server = Server::start();
    let settings = s3(&server);
    make_one(&Project::new(), &settings, 1);
    replays(&settings, 1);
    let size = std::fs::metadata(only(server.objects("/v1/ac/"))).unwrap().len() as usize;
    for at in [0, 5, 20, MARK.len() + 64, MARK.len() + 70, size / 2, size - 1] {
        flip(&only(server.objects("/v1/ac/")), at);
        assert_eq!(rejected(&settings, &settings, 1), MissReason::Damaged, "byte {at}");
    }
    for at in [0, 6, 1_000, 90_000, usize::MAX] {
        flip(&only(server.objects("/v1/cas/")), at);
        let reason = rejected(&settings, &settings, 1);
        assert!(matches!(reason, MissReason::ContentMissing(_)), "byte {at}: {reason}");
    }
    // Cut off.
    let content = only(server.objects("/v1/cas/"));
    let bytes = std::fs::read(&content).unwrap();
    std::fs::write(&content, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(rejected(&settings, &settings, 1), MissReason::ContentMissing(_)));
}

#[test]
fn an_entry_moved_to_another_key_is_a_miss_even_unsigned() {
    let server = Server::start();
    let settings = s3(&server);
    make_one(&Project::new(), &settings, 1);
    let one = only(server.objects("/v1/ac/"));
    let two = one.with_file_name(one.file_name().unwrap().to_str().unwrap().replace("01", "02"));
    std::fs::copy(&one, &two).unwrap();
    assert!(matches!(rejected(&settings, &settings, 2), MissReason::Untrusted(_)));

    // A result for one platform is none for another.
    let other = one.parent().unwrap().with_file_name("win-64");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::copy(&one, other.join(one.file_name().unwrap())).unwrap();
    let project = Project::new();
    let caches = crate::contract::open_on(&project, &settings, "win-64");
    let reason = miss(caches.lookup("team", &key(1, "made"), &project.files()));
    assert!(matches!(reason, MissReason::Untrusted(_)), "{reason}");
}

#[test]
fn signed_entries_are_replayed_by_whoever_trusts_the_key() {
    let server = Server::start();
    let keys = Keys::new();
    make_one(&Project::new(), &keys.writer(&s3(&server)), 1);
    replays(&keys.reader(&s3(&server)), 1);
    // Without trusted keys a signature is nobody's business.
    replays(&s3(&server), 1);
}

#[test]
fn entries_that_nobody_trusted_signed_are_misses_with_the_reason() {
    let server = Server::start();
    let (keys, foreign) = (Keys::new(), Keys::new());
    let (reader, writer) = (keys.reader(&s3(&server)), keys.writer(&s3(&server)));

    make_one(&Project::new(), &s3(&server), 1);
    let reason = rejected(&reader, &writer, 1).to_string();
    assert!(reason.contains("not signed"), "{reason}");

    make_one(&Project::new(), &foreign.writer(&s3(&server)), 2);
    let reason = rejected(&reader, &writer, 2).to_string();
    assert!(reason.contains(&foreign.public), "{reason}");
}

#[test]
fn a_signature_holds_for_one_entry_in_one_place() {
    let server = Server::start();
    let keys = Keys::new();
    let (reader, writer) = (keys.reader(&s3(&server)), keys.writer(&s3(&server)));
    make_one(&Project::new(), &writer, 1);
    let entry = || only(server.objects("/v1/ac/linux-64/01"));
    let whole = std::fs::read(entry()).unwrap();

    // The result, what is told of it, and the signature itself.
    for (from, to) in [("\"code\":0", "\"code\":1"), ("\"qik\":\"0", "\"qik\":\"9")] {
        edit(&entry(), |frame| replace(&frame, from, to));
        assert!(matches!(rejected(&reader, &writer, 1), MissReason::Untrusted(_)), "{from}");
    }
    std::fs::write(entry(), &whole).unwrap();
    edit(&entry(), |frame| {
        let text = String::from_utf8_lossy(&frame).into_owned();
        let at = text.find("\"bytes\":\"").unwrap() + 9;
        let digit = &text[at..=at];
        let other = if digit == "0" { "1" } else { "0" };
        replace(&frame, &format!("\"bytes\":\"{digit}"), &format!("\"bytes\":\"{other}"))
    });
    assert!(matches!(rejected(&reader, &writer, 1), MissReason::Untrusted(_)));

    // Another cache of the same bucket, by the same key.
    let second = only(server.objects("/v1/ac/linux-64/01"));
    let pull_request = with(&writer, "scope", text("pr/7"));
    make_one(&Project::new(), &pull_request, 3);
    let scoped = only(server.objects("/pr/7/v1/ac/linux-64/03"));
    replays(&with(&reader, "scope", text("pr/7")), 3);
    std::fs::copy(&scoped, second.with_file_name(scoped.file_name().unwrap())).unwrap();
    let reason = rejected(&reader, &writer, 3).to_string();
    assert!(reason.contains("another place"), "{reason}");
}

#[test]
fn the_local_tier_checks_signatures_again() {
    let server = Server::start();
    let (keys, foreign) = (Keys::new(), Keys::new());
    make_one(&Project::new(), &foreign.writer(&s3(&server)), 1);
    let project = Project::new();
    let caches = open(&project, &s3(&server));
    let found = hit(caches.lookup("team", &key(1, "made"), &project.files()));
    assert!(matches!(caches.restore("team", &found, &project.files(), &[]), Restore::Done(_)));

    // It is in `local` now, by way of somebody who trusted everybody.
    let caches = open(&project, &keys.reader(&s3(&server)));
    let reason = miss(caches.lookup("team", &key(1, "made"), &project.files()));
    assert!(matches!(reason, MissReason::Untrusted(_)), "{reason}");
    // What a trusted key signed is answered by `local` alone.
    let reader = foreign.reader(&s3(&server));
    drop(server);
    let caches = open(&project, &reader);
    hit(caches.lookup("team", &key(1, "made"), &project.files()));
    assert_eq!(caches.warnings(), []);
}

#[test]
fn pull_requests_write_apart_and_read_the_base() {
    let server = Server::start();
    let settings = s3(&server);
    let pull_request = with(&settings, "scope", text("pr/12"));
    make_one(&Project::new(), &settings, 1);
    make_one(&Project::new(), &pull_request, 2);
    assert_eq!(server.objects("pr/12/v1/ac/").len(), 1);
    // What the base holds is not sent again.
    assert_eq!(server.objects("/v1/cas/").len(), 1);

    replays(&pull_request, 1);
    replays(&pull_request, 2);
    for other in [settings.clone(), with(&settings, "scope", text("pr/13"))] {
        let project = Project::new();
        let caches = open(&project, &other);
        miss(caches.lookup("team", &key(2, "made"), &project.files()));
    }
}
