//! What sharing costs, against an S3 server in a process of its own:
//! `cargo run --release -p qik-cache --example shared`. Named parts alone: `… shared lookups`.
//! `QIK_MIB=20 QIK_FILES=50` makes `restore` a small one, to see that it works.
#![allow(clippy::disallowed_methods, reason = "it measures")]
#![allow(clippy::print_stdout, reason = "it reports")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use qik_cache::{CacheSet, Finished, Key, Lookup, Restore};
use qik_model::{
    Artifact, BlobId, CacheConfig, FileKind, Fingerprint, Origin, Platform, RelPath, Setting,
};
use qik_system::OsSystem;

#[path = "../tests/it/server.rs"]
#[allow(dead_code, reason = "tests need more of it")]
mod server;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [serve, delay] = &wanted[..]
        && serve == "serve"
    {
        return serve_forever(delay.parse().unwrap());
    }
    let asks = |part: &str| wanted.is_empty() || wanted.iter().any(|one| one == part);
    if asks("lookups") {
        lookups();
    }
    if asks("large") {
        large();
    }
    if asks("restore") {
        restore();
    }
}

/// A thousand warm look-ups with twenty milliseconds of latency.
fn lookups() {
    let server = Server::start(20);
    let writer = tempfile::tempdir_in(".").unwrap();
    let caches = open(writer.path(), &server.url);
    let start = Instant::now();
    for number in 0..1000 {
        let log = format!("log of {number}\n").repeat(20);
        caches.store("team", &key(number), Finished { log: log.as_bytes(), ..Finished::default() });
    }
    caches.finish(&mut |_| true);
    println!("1,000 results shared with 20 ms of latency: {:?}", start.elapsed());
    for round in 0..3 {
        let reader = tempfile::tempdir_in(".").unwrap();
        let caches = open(reader.path(), &server.url);
        let start = Instant::now();
        let keys: Vec<_> = (0..1000).map(key).collect();
        caches.prefetch("team", &keys);
        let asked = start.elapsed();
        let nothing = |_: &RelPath| None;
        for number in 0..1000 {
            let found = caches.lookup("team", &key(number), &nothing);
            assert!(matches!(found, Lookup::Hit(_)));
        }
        println!(
            "1,000 warm look-ups, round {round}: {:?}, {asked:?} of it asking",
            start.elapsed()
        );
    }
    println!("a loopback request and answer in series would take at least 20 s");
}

/// Two gibibytes there and back, with the most memory that this process ever held.
fn large() {
    let server = Server::start(0);
    let (writer, reader) = (tempfile::tempdir_in(".").unwrap(), tempfile::tempdir_in(".").unwrap());
    let path = writer.path().join("large");
    let mut file = std::fs::File::create(&path).unwrap();
    let mut noise = blake3::Hasher::new().update(b"large").finalize_xof();
    let mut block = vec![0; 1 << 20];
    for _ in 0..2048 {
        noise.fill(&mut block);
        file.write_all(&block).unwrap();
    }
    drop((file, block));
    let told = Command::new("git").arg("hash-object").arg("--no-filters").arg(&path).output();
    let id: BlobId = String::from_utf8(told.unwrap().stdout).unwrap().trim().parse().unwrap();

    let caches = open(writer.path(), &server.url);
    let start = Instant::now();
    let artifacts = caches.collect("team", &[("large".into(), FileKind::File, id)]).unwrap();
    println!("2 GiB taken up: {:?}, peak {} MiB", start.elapsed(), peak_mib());
    let start = Instant::now();
    caches.store("team", &key(1), Finished { artifacts, ..Finished::default() });
    let sharing = caches.finish(&mut |_| true);
    assert_eq!(sharing.shared, 1, "{:?}", caches.warnings());
    println!("2 GiB sent: {:?}, peak {} MiB", start.elapsed(), peak_mib());

    let caches = open(reader.path(), &server.url);
    let nothing = |_: &RelPath| None;
    let start = Instant::now();
    let Lookup::Hit(found) = caches.lookup("team", &key(1), &nothing) else { panic!("a miss") };
    let restored = caches.restore("team", &found, &nothing, &[]);
    assert!(matches!(restored, Restore::Done(_)), "{restored:?}");
    println!("2 GiB fetched and restored: {:?}, peak {} MiB", start.elapsed(), peak_mib());
}

/// A gibibyte in two thousand files from the local tier, and the same by `cp`.
fn restore() {
    let number = |name: &str, usual: usize| {
        std::env::var(name).map_or(usual, |text| text.parse().expect("a number"))
    };
    let (mib, count) = (number("QIK_MIB", 1024), number("QIK_FILES", 2000));
    let folder = tempfile::tempdir_in(".").unwrap();
    let system = Arc::new(OsSystem::new(folder.path()));
    let caches = CacheSet::open(system, &BTreeMap::new(), "linux-64");
    let mut noise = blake3::Hasher::new().update(b"many").finalize_xof();
    let mut block = vec![0; (mib << 20) / count];
    let mut files = Vec::new();
    for number in 0..count {
        noise.fill(&mut block);
        let path = RelPath::from(format!("out/{}/{number}", number % 50).as_str());
        let full = folder.path().join(path.to_string());
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(full, &block).unwrap();
        files.push((path, FileKind::File, qik_system::blob_id(&block)));
    }
    let start = Instant::now();
    let artifacts = caches.collect("local", &files).unwrap();
    println!("{mib} MiB in {count} files taken up: {:?}", start.elapsed());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let out = folder.path().join("out");
    for round in 0..5 {
        // Nothing is deleted in between: for a while ext4 walks around the inodes of what was.
        let copy = folder.path().join(format!("copy-{round}"));
        let artifacts = artifacts.iter().map(|one| Artifact {
            path: one.path.replacen("out", &format!("out-{round}"), 1),
            ..one.clone()
        });
        let finished = Finished { artifacts: artifacts.collect(), ..Finished::default() };
        let result = caches.store("local", &key(round), finished);
        settle();
        let start = Instant::now();
        let copied =
            Command::new("cp").args(["-r", "--reflink=auto"]).arg(&out).arg(&copy).status();
        assert!(copied.unwrap().success());
        theirs.push(start.elapsed());
        settle();
        let start = Instant::now();
        let restored = caches.restore("local", &result, &|_: &RelPath| None, &[]);
        assert!(matches!(restored, Restore::Done(_)), "{restored:?}");
        ours.push(start.elapsed());
    }
    ours.sort();
    theirs.sort();
    println!("restore {ours:?}");
    println!("cp      {theirs:?}");
    let ratio = ours[2].as_secs_f64() / theirs[2].as_secs_f64();
    println!("median restore / cp: {ratio:.2}; peak {} MiB", peak_mib());
}

/// What the disk still has to write is nobody's time.
fn settle() {
    let _ = Command::new("sync").status();
    std::thread::sleep(Duration::from_millis(300));
}

fn key(number: u32) -> Key<'static> {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    Key { fingerprint: Fingerprint(bytes), runnable: "made", platform: Platform::Same }
}

fn open(folder: &Path, url: &str) -> CacheSet {
    let settings = [
        ("bucket", server::BUCKET),
        ("endpoint-url", url),
        ("aws-access-key-id", server::KEY),
        ("aws-secret-access-key", server::SECRET),
        ("timeout", "60s"),
    ];
    let settings = settings.map(|(key, value)| (key.into(), Setting::Str(value.into())));
    let config = CacheConfig {
        name: "team".into(),
        origin: Origin::top("qik.toml"),
        kind: "s3".into(),
        settings: settings.into_iter().collect(),
    };
    let configured = BTreeMap::from([("team".into(), Arc::new(config))]);
    CacheSet::open(Arc::new(OsSystem::new(folder)), &configured, "linux-64")
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1024
}

struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(delay_millis: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["serve", &delay_millis.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve_forever(delay_millis: u64) {
    let server = server::Server::start();
    server.mood.delay_millis.store(delay_millis, std::sync::atomic::Ordering::Relaxed);
    println!("{}", server.url);
    loop {
        std::thread::park();
    }
}
