//! Fingerprints of everything: by files, and by what is reached through imports.

use divan::Bencher;
use qik_db::TestDb;
use qik_graph::{runnable, runnables};
use qik_python::{graph_key, graph_of, prepare};

use crate::world::{SIZES, in_memory, shape};

/// A project whose import graph is known.
fn ready(files: usize) -> TestDb {
    let test = in_memory(files);
    prepare(&test.db, &|_| None);
    graph_of(&test.db, graph_key(&test.db, &[]));
    test
}

fn fingerprints(test: &TestDb, command: &str) -> usize {
    let db = &test.db;
    let names = runnables(db).by_name.keys().filter(|name| name.starts_with(command));
    let one = |name: &str| qik_fingerprint::fingerprint(db, runnable(db, name)?).clone().ok();
    names.filter_map(|name| one(name)).count()
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn fingerprints_by_files(bencher: Bencher<'_, '_>, files: usize) {
    let expected = shape(files).packages;
    bencher.with_inputs(|| ready(files)).bench_local_refs(|test| {
        assert_eq!(fingerprints(test, "lint@"), expected);
    });
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn fingerprints_by_imports(bencher: Bencher<'_, '_>, files: usize) {
    let expected = shape(files).packages;
    bencher.with_inputs(|| ready(files)).bench_local_refs(|test| {
        assert_eq!(fingerprints(test, "test@"), expected);
    });
}

#[divan::bench(args = SIZES)]
fn fingerprints_again(bencher: Bencher<'_, '_>, files: usize) {
    let expected = shape(files).packages;
    let test = ready(files);
    fingerprints(&test, "");
    bencher.bench_local(|| assert_eq!(fingerprints(&test, ""), 2 * expected));
}
