//! Globs, matched against paths.

use divan::Bencher;
use divan::counter::ItemsCount;
use qik_benches::Plan;
use qik_model::{GlobSet, RelPath};

use crate::world::shape;

const SETS: [(&str, &[&str]); 4] = [
    ("one-package", &["pkg_0003/**.py"]),
    ("all-python", &["**.py"]),
    ("exclusions", &["**/*.py", "!**/tests/**", "!pkg_0001"]),
    ("braces", &["pkg_*/{api,domain}/[a-m]*.py"]),
];

#[divan::bench(args = SETS.map(|(name, _)| name))]
fn glob_matching(bencher: Bencher<'_, '_>, name: &str) {
    let plan = Plan::new(&shape(2_000));
    let paths: Vec<RelPath> = plan.files().map(|file| RelPath::from(&*file.path)).collect();
    let patterns = SETS.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, all)| *all);
    let globs = GlobSet::new(patterns).expect("patterns are fine");
    let expected = match name {
        "one-package" => 40,
        "all-python" => 2_000,
        _ => paths.iter().filter(|path| globs.matches(path)).count(),
    };
    assert!(expected > 0);
    bencher.counter(ItemsCount::new(paths.len())).bench_local(|| {
        let matched = paths.iter().filter(|path| globs.matches(path)).count();
        assert_eq!(matched, expected);
    });
}

#[divan::bench]
fn glob_compiling(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| {
        let made = SETS.iter().filter(|(_, patterns)| GlobSet::new(*patterns).is_ok());
        assert_eq!(made.count(), SETS.len());
    });
}
