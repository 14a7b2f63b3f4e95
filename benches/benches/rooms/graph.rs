//! The import graph: names resolved and condensed, and digests over it, cold and after an edit.

use std::sync::Arc;

use divan::Bencher;
use qik_db::TestDb;
use qik_python::{ModuleName, closure_digest, digests, graph_key, graph_of, prepare};

use crate::world::{SIZES, in_memory, shape};

/// A project whose files were read, and nothing more.
fn with_facts(files: usize) -> TestDb {
    let test = in_memory(files);
    prepare(&test.db, &|_| None);
    test
}

fn edges(test: &TestDb) -> usize {
    graph_of(&test.db, graph_key(&test.db, &[])).structure.edges.edges()
}

/// Digests of what all packages reach.
fn closures(test: &TestDb, packages: usize) -> usize {
    let db = &test.db;
    let key = graph_key(db, &[]);
    let names = (0..packages).map(|n| ModuleName::new(db, Arc::<str>::from(format!("pkg_{n:04}"))));
    names.filter(|name| closure_digest(db, key, *name).is_some()).count()
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn resolve(bencher: Bencher<'_, '_>, files: usize) {
    let expected = edges(&with_facts(files));
    assert!(expected > files);
    // A database for each time: what was made is also kept beside it.
    bencher.with_inputs(|| with_facts(files)).bench_local_refs(|test| {
        assert_eq!(edges(test), expected);
    });
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn closure_digests(bencher: Bencher<'_, '_>, files: usize) {
    let packages = shape(files).packages;
    let ready = || {
        let test = with_facts(files);
        edges(&test);
        test
    };
    bencher.with_inputs(ready).bench_local_refs(|test| {
        assert_eq!(closures(test, packages), packages);
    });
}

/// The look at the files that finds the edit is part of it.
#[divan::bench(args = SIZES, sample_count = 10)]
fn closure_digests_after_an_edit(bencher: Bencher<'_, '_>, files: usize) {
    let packages = shape(files).packages;
    let mut test = with_facts(files);
    let (path, mut number) = ("pkg_0000/__init__.py", 0);
    let mut edit = |test: &mut TestDb| {
        number += 1;
        test.write(path, &format!("EDITED = {number}\n"));
    };
    // The first edit takes imports away; those that follow change what the file holds alone.
    edit(&mut test);
    assert_eq!(closures(&test, packages), packages);
    edit(&mut test);
    let (_, ran) = test.executed(|db| digests(db, graph_key(db, &[])).clone());
    assert!(!ran.contains(&"graph_of".to_string()), "a structure is made again: {ran:?}");
    bencher.bench_local(|| {
        edit(&mut test);
        assert_eq!(closures(&test, packages), packages);
    });
}

#[divan::bench(args = SIZES)]
fn closure_digests_again(bencher: Bencher<'_, '_>, files: usize) {
    let packages = shape(files).packages;
    let test = with_facts(files);
    closures(&test, packages);
    bencher.bench_local(|| assert_eq!(closures(&test, packages), packages));
}
