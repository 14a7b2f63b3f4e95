//! The look at the files: git's index, and every folder and file, with nothing kept and with what the last
//! process kept.

use std::sync::Arc;

use divan::Bencher;
use qik_system::{OsSystem, TreeOptions, WorkTree};

use crate::world::{OnDisk, on_disk};

/// Larger ones are measured as whole processes.
const FILES: [usize; 2] = [100, 2_000];

fn look(world: &OnDisk) -> (WorkTree, usize) {
    let system = Arc::new(OsSystem::new(&world.tree));
    let mut tree = WorkTree::open(system, TreeOptions::default());
    let delta = tree.scan();
    let members = delta.folders.iter().filter_map(|(_, entries)| entries.as_ref());
    let count = members.map(|entries| entries.len()).sum();
    (tree, count)
}

#[divan::bench(args = FILES, sample_count = 20)]
fn index_and_stat(bencher: Bencher<'_, '_>, files: usize) {
    let world = on_disk(files);
    let (_, expected) = look(&world);
    assert!(expected > files);
    bencher.bench_local(|| assert_eq!(look(&world).1, expected));
}

#[divan::bench(args = FILES, sample_count = 20)]
fn index_and_stat_with_what_was_kept(bencher: Bencher<'_, '_>, files: usize) {
    let world = on_disk(files);
    let (mut tree, expected) = look(&world);
    // What is young is not remembered.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    tree.scan();
    tree.save().expect("it is written");
    bencher.bench_local(|| assert_eq!(look(&world).1, expected));
}
