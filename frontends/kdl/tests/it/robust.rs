//! Whatever a file holds, it is survived, reports point into it, and no text makes a front-end think
//! for long. `QIK_TEST_CASES=1000000` does it for hours; what was once found lies in
//! `testdata/fuzz`.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use qik_model::ConfigSyntax;

use crate::project::{good, is_config};
use crate::survive::{self, survive};

/// Every good configuration of `testdata` that is one file.
fn seeds(ending: &str) -> Vec<String> {
    let files = good().into_iter().flat_map(|(_, files)| files);
    let mut found: Vec<String> = files
        .filter(|(path, _)| is_config(path) && path.ends_with(ending))
        .map(|(_, text)| text)
        .collect();
    if ending == ".kdl" {
        let toml = seeds(".toml");
        let convert = |text: &String| {
            qik_config::convert(
                &"qik.toml".into(),
                text.as_bytes(),
                &qik_toml::TomlSyntax,
                &qik_kdl::KdlSyntax,
            )
        };
        found.extend(toml.iter().filter_map(|text| convert(text).ok()));
    }
    found
}

/// What texts of a format are made of.
const TOKENS: [&str; 44] = [
    "\"",
    "\"\"\"",
    "'",
    "'''",
    "#",
    "#\"",
    "\"#",
    "##",
    "//",
    "/*",
    "*/",
    "/-",
    "{",
    "}",
    "[",
    "]",
    "[[",
    "(",
    ")",
    "=",
    ";",
    "\n",
    "\\",
    "\r\n",
    " ",
    ",",
    ".",
    "-",
    "command",
    "dep",
    "commands",
    "\"a\"",
    "#true",
    "true",
    "null",
    "r\"",
    "1",
    "1e9",
    "\u{feff}",
    "\u{2028}",
    "é",
    "\0",
    "\u{1f600}",
    "x=1",
];

#[derive(Clone, Debug)]
enum Edit {
    Insert(usize, usize),
    Remove(usize, usize),
    Double(usize, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any::<usize>(), 0..TOKENS.len()).prop_map(|(at, token)| Edit::Insert(at, token)),
        (any::<usize>(), 1usize..40).prop_map(|(at, length)| Edit::Remove(at, length)),
        (any::<usize>(), 1usize..40).prop_map(|(at, length)| Edit::Double(at, length)),
    ]
}

fn edited(seed: &str, edits: &[Edit]) -> String {
    let mut text = seed.to_string();
    for edit in edits {
        let floor = |text: &str, at: usize| {
            (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
        };
        let (Edit::Insert(at, more) | Edit::Remove(at, more) | Edit::Double(at, more)) = edit;
        let start = floor(&text, at % (text.len() + 1));
        let end = floor(&text, start + more).max(start);
        match edit {
            Edit::Insert(..) => text.insert_str(start, TOKENS[*more]),
            Edit::Remove(..) => text.replace_range(start..end, ""),
            Edit::Double(..) => {
                let part = text[start..end].to_string();
                text.insert_str(start, &part);
            }
        }
    }
    text
}

fn cases() -> u32 {
    std::env::var("QIK_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn edited_toml_is_survived(seed in prop::sample::select(seeds(".toml")), edits in vec(edit(), 1..8)) {
        survive("qik.toml", &edited(&seed, &edits));
    }

    #[test]
    fn edited_kdl_is_survived(seed in prop::sample::select(seeds(".kdl")), edits in vec(edit(), 1..8)) {
        survive("qik.kdl", &edited(&seed, &edits));
    }

    #[test]
    fn heaps_of_tokens_are_survived(tokens in vec(prop::sample::select(&TOKENS[..]), 0..30)) {
        let text = tokens.concat();
        survive("qik.kdl", &text);
        survive("qik.toml", &text);
    }

    /// Where a parser calls itself, it must not do so for each of many.
    #[test]
    fn repeated_tokens_are_survived(tokens in vec(prop::sample::select(&TOKENS[..]), 1..4), times in 1usize..2_000) {
        let text = tokens.concat().repeat(times);
        qik_kdl::KdlSyntax.parse("qik.kdl".into(), &text);
        qik_toml::TomlSyntax.parse("qik.toml".into(), &text);
    }
}

#[test]
fn what_was_once_found_is_survived() {
    let seen = each_text("found", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        survive("qik.kdl", &text);
        survive("qik.toml", &text);
    });
    assert!(seen >= 5, "only {seen} texts");
}

/// What the fuzzer came upon: one input for each way through the code that it knows of.
#[test]
fn the_corpus_of_the_fuzzer_is_survived() {
    type Target = fn(&[u8]);
    let targets: [(&str, Target); 4] = [
        ("toml", survive::toml),
        ("kdl", survive::kdl),
        ("templates", survive::templates),
        ("lowering", survive::lowering),
    ];
    for (target, check) in targets {
        let seen = each_text(&format!("corpus/{target}"), check);
        assert!(seen >= 50, "only {seen} inputs of {target}");
    }
}

/// Does something with each file below a folder of `testdata/fuzz`.
fn each_text(folder: &str, mut check: impl FnMut(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fuzz").join(folder);
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|entry| check(&std::fs::read(entry.unwrap().path()).unwrap())).count()
}
