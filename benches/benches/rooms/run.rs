//! Scheduling: a session that is open runs a plan in which all is cached, and one in which nothing is.

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use qik_session::{OpenOptions, Outcome, Prepared, Session, Telling};
use qik_toml::TomlSyntax;

use crate::world::on_disk;

fn open(tree: &std::path::Path, force: bool) -> (Session, Prepared) {
    let flags = force.then(|| ("qik.force".to_string(), "true".to_string()));
    let options = OpenOptions {
        cwd: Some(tree.into()),
        flags: flags.into_iter().collect(),
        syntaxes: vec![Arc::new(TomlSyntax)],
        ..OpenOptions::default()
    };
    let mut session = Session::open(options).expect("a project");
    let prepared = session.prepare(Telling::Nothing).expect("a plan");
    (session, prepared)
}

fn ended(session: &mut Session, prepared: &Prepared, outcome: Outcome) -> usize {
    let report = session.run(prepared, &mut |event| drop(event));
    report.runnables.iter().filter(|one| one.outcome == outcome).count()
}

#[divan::bench(args = [400, 4_000], sample_count = 10)]
fn schedule_what_is_cached(bencher: Bencher<'_, '_>, files: usize) {
    let world = on_disk(files);
    let (mut session, prepared) = open(&world.tree, false);
    let count = world.packages * 2;
    assert_eq!(ended(&mut session, &prepared, Outcome::Ran), count);
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        assert_eq!(ended(&mut session, &prepared, Outcome::Cached), count);
    });
}

#[divan::bench(args = [400], sample_count = 5, sample_size = 1)]
fn schedule_and_execute(bencher: Bencher<'_, '_>, files: usize) {
    let world = on_disk(files);
    let (mut session, prepared) = open(&world.tree, true);
    let count = world.packages * 2;
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        assert_eq!(ended(&mut session, &prepared, Outcome::Ran), count);
    });
}
