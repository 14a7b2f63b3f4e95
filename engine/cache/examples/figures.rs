//! What storing and looking up costs: `cargo run --release -p qik-cache --example figures`.
#![allow(clippy::disallowed_methods, reason = "it measures")]
#![allow(clippy::print_stdout, reason = "it reports")]

use std::sync::Arc;
use std::time::Instant;

use qik_cache::{CacheSet, ContentStore, Finished, Key, Lookup, Restore, Storage};
use qik_model::{
    Artifact, Digest, ExplainedItem, Explanation, FileKind, Fingerprint, Platform, RelPath,
};
use qik_system::OsSystem;

const COUNT: usize = 500;

fn main() {
    let folder = tempfile::tempdir_in(".").unwrap();
    let open = || {
        let system = Arc::new(OsSystem::new(folder.path()));
        CacheSet::open(system, &Default::default(), "linux-64")
    };
    for cache in ["local", "repo"] {
        let caches = open();
        measure(&format!("{cache}: store"), || (0..COUNT).for_each(|n| store(&caches, cache, n)));
        let caches = open();
        measure(&format!("{cache}: look up and log, fresh process"), || {
            (0..COUNT).for_each(|n| replay(&caches, cache, n));
        });
        let caches = open();
        measure(&format!("{cache}: miss and recent, fresh process"), || {
            (0..COUNT).for_each(|n| explain(&caches, cache, n));
        });
    }
    restore(&open());
    backends(folder.path());
}

fn restore(caches: &CacheSet) {
    let files: Vec<Artifact> = (0..COUNT)
        .map(|number| {
            let text = format!("artifact {number}").repeat(100).into_bytes();
            let id = qik_system::blob_id(&text);
            let content = caches.contents().put(text).unwrap();
            Artifact { path: format!("out/{number}"), kind: FileKind::File, id, content }
        })
        .collect();
    let key = key(0, "restored");
    let result = caches.store("local", &key, Finished { artifacts: files, ..Default::default() });
    measure("local: restore, by file", || {
        let outcome = caches.restore("local", &result, &|_: &RelPath| None, &[]);
        assert!(matches!(outcome, Restore::Done(_)));
    });
}

fn backends(folder: &std::path::Path) {
    let system = Arc::new(OsSystem::new(folder));
    for (name, storage) in [
        ("a folder of the project", Storage::in_project(system, "._qik/figures".into())),
        ("opendal's fs", Storage::shared_folder(&folder.join("shared")).unwrap()),
        ("memory", Storage::in_memory()),
    ] {
        let store = ContentStore::new(storage, Arc::default());
        let text = |number: usize| format!("content {number}").repeat(50).into_bytes();
        let mut contents = Vec::new();
        measure(&format!("{name}: put"), || {
            contents = (0..COUNT).map(|number| store.put(text(number)).unwrap()).collect();
        });
        measure(&format!("{name}: get"), || {
            contents.iter().for_each(|content| assert!(store.get(content).unwrap().is_some()));
        });
        measure(&format!("{name}: has"), || {
            contents.iter().for_each(|content| assert!(store.has(content)));
        });
    }
}

fn measure(what: &str, act: impl FnOnce()) {
    let start = Instant::now();
    act();
    println!("{:>9.1} us each  {what}", start.elapsed().as_secs_f64() * 1e6 / COUNT as f64);
}

fn key(number: usize, runnable: &str) -> Key<'_> {
    let fingerprint = Fingerprint(*blake3::hash(&number.to_le_bytes()).as_bytes());
    Key { fingerprint, runnable, platform: Platform::Same }
}

fn store(caches: &CacheSet, cache: &str, number: usize) {
    let items = (0..12).map(|item| ExplainedItem {
        kind: "files".into(),
        name: format!("services/module-{number}/**.py {item}"),
        digest: Some(Digest([item; 32])),
    });
    let explanation = Explanation { items: items.collect() };
    let log = format!("module {number}: all checks passed\n");
    let runnable = format!("lint@module-{number}");
    let finished = Finished { log: log.as_bytes(), explanation, millis: 12, ..Default::default() };
    caches.store(cache, &key(number, &runnable), finished);
}

fn replay(caches: &CacheSet, cache: &str, number: usize) {
    let runnable = format!("lint@module-{number}");
    let Lookup::Hit(result) = caches.lookup(cache, &key(number, &runnable), &|_: &RelPath| None)
    else {
        panic!("a miss")
    };
    assert!(caches.log(cache, &result).is_some());
}

fn explain(caches: &CacheSet, cache: &str, number: usize) {
    let runnable = format!("lint@module-{number}");
    let miss = caches.lookup(cache, &key(number + COUNT, &runnable), &|_: &RelPath| None);
    assert!(matches!(miss, Lookup::Miss(_)));
    assert_eq!(caches.recent(cache, &runnable).len(), 1);
}
