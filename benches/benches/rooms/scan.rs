//! Reading imports of files: by the scanner, and by the full parse that judges it.

use divan::Bencher;
use divan::counter::BytesCount;
use qik_benches::{Plan, Shape, file_text};
use qik_python::scan::{FileFacts, facts, judged};

/// Bodies of a realistic length, and how many imports they hold.
fn sources() -> (Vec<String>, usize) {
    let shape = Shape { packages: 5, files: 200, seed: 1, tiny: false };
    let plan = Plan::new(&shape);
    let texts: Vec<String> =
        plan.files().enumerate().map(|(at, file)| file_text(&shape, at, file)).collect();
    let count = texts.iter().map(|text| judged(text.as_bytes()).imports().count()).sum();
    (texts, count)
}

fn bench(bencher: Bencher<'_, '_>, read: fn(&[u8]) -> FileFacts) {
    let (texts, imports) = sources();
    let bytes: usize = texts.iter().map(String::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        let found: usize = texts.iter().map(|text| read(text.as_bytes()).imports().count()).sum();
        assert_eq!(found, imports);
    });
}

#[divan::bench]
fn imports_by_scanner(bencher: Bencher<'_, '_>) {
    bench(bencher, facts);
}

#[divan::bench(sample_count = 10)]
fn imports_by_full_parse(bencher: Bencher<'_, '_>) {
    bench(bencher, judged);
}

#[divan::bench]
fn facts_from_disk(bencher: Bencher<'_, '_>) {
    let (texts, imports) = sources();
    let encoded: Vec<Vec<u8>> =
        texts.iter().map(|text| facts(text.as_bytes()).encode().to_vec()).collect();
    bencher.bench_local(|| {
        let decoded = encoded.iter().filter_map(|bytes| FileFacts::decode(bytes));
        let found: usize = decoded.map(|facts| facts.imports().count()).sum();
        assert_eq!(found, imports);
    });
}
