//! Entries, written and read in the local cache on disk.

use std::cell::Cell;
use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use qik_cache::{CacheSet, Finished, Key, Lookup};
use qik_model::{Digest, ExplainedItem, Explanation, Fingerprint, Platform, RelPath};
use qik_system::OsSystem;

const ENTRIES: usize = 500;

fn open(folder: &tempfile::TempDir) -> CacheSet {
    CacheSet::open(Arc::new(OsSystem::new(folder.path())), &Default::default(), "linux-64")
}

fn key(number: usize, runnable: &str) -> Key<'_> {
    let mut fingerprint = [0; 32];
    fingerprint[..8].copy_from_slice(&number.to_le_bytes());
    Key { fingerprint: Fingerprint(fingerprint), runnable, platform: Platform::Same }
}

fn store(caches: &CacheSet, number: usize) {
    let items = (0..12).map(|item| ExplainedItem {
        kind: "files".into(),
        name: format!("services/module-{number}/**.py {item}"),
        digest: Some(Digest([item; 32])),
    });
    let explanation = Explanation { items: items.collect() };
    let log = format!("module {number}: all checks passed\n");
    let runnable = format!("lint@module-{}", number % ENTRIES);
    let finished = Finished { log: log.as_bytes(), explanation, millis: 12, ..Default::default() };
    caches.store("local", &key(number, &runnable), finished);
}

/// How many of the entries have a log to replay.
fn replayed(caches: &CacheSet) -> usize {
    let is_there = |number: &usize| {
        let runnable = format!("lint@module-{number}");
        let found = caches.lookup("local", &key(*number, &runnable), &|_: &RelPath| None);
        matches!(found, Lookup::Hit(result) if caches.log("local", &result).is_some())
    };
    (0..ENTRIES).filter(is_there).count()
}

#[divan::bench(sample_count = 200, sample_size = 1)]
fn entry_write(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let caches = open(&folder);
    let number = Cell::new(0);
    bencher.bench_local(|| {
        number.set(number.get() + 1);
        store(&caches, number.get());
    });
    let last = format!("lint@module-{}", number.get() % ENTRIES);
    let found = caches.lookup("local", &key(number.get(), &last), &|_: &RelPath| None);
    assert!(matches!(found, Lookup::Hit(_)));
}

#[divan::bench(sample_count = 20)]
fn entry_read_by_a_new_process(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let caches = open(&folder);
    (0..ENTRIES).for_each(|number| store(&caches, number));
    drop(caches);
    bencher
        .counter(ItemsCount::new(ENTRIES))
        .with_inputs(|| open(&folder))
        .bench_local_refs(|caches| assert_eq!(replayed(caches), ENTRIES));
}

#[divan::bench(sample_count = 20)]
fn entry_missed(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let caches = open(&folder);
    (0..ENTRIES).for_each(|number| store(&caches, number));
    bencher.counter(ItemsCount::new(ENTRIES)).bench_local(|| {
        let missed = (0..ENTRIES).filter(|number| {
            let runnable = format!("lint@module-{number}");
            let key = key(number + ENTRIES, &runnable);
            let found = caches.lookup("local", &key, &|_: &RelPath| None);
            matches!(found, Lookup::Miss(_)) && caches.recent("local", &runnable).len() == 1
        });
        assert_eq!(missed.count(), ENTRIES);
    });
}
