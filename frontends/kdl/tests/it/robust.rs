//! Whatever a file holds, it is survived, reports point into it, and no text makes a front-end think
//! for long. `QIK_TEST_CASES=1000000` does it for hours; what was once found lies in
//! `testdata/fuzz`.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use qik_config::lower;
use qik_model::{ConfigSyntax, Place};

use crate::project::{Files, good, is_config, meaning, syntaxes};

/// Parses, lowers, and converts; checks each span on the way.
#[track_caller]
fn survive(file: &str, text: &str) {
    let (syntax, other) = syntaxes(file);
    let parsed = syntax.parse(file.into(), text);
    for (place, _) in parsed.diagnostics.iter().flat_map(|report| &report.labels) {
        let Place::Span(span) = place else { panic!("{place:?} is no span") };
        assert!(text.get(span.start..span.end).is_some(), "{span:?} is outside of {text:?}");
    }
    for comment in syntax.comments(file, text) {
        assert!(text.get(comment.start..comment.end).is_some(), "{comment:?} in {text:?}");
    }
    let found = meaning(&Files::from([(file.to_string(), text.to_string())]));
    if parsed.diagnostics.is_empty() {
        let written = qik_config::convert(&file.into(), text.as_bytes(), syntax, other).unwrap();
        let again = if file.ends_with(".kdl") { "qik.toml" } else { "qik.kdl" };
        let parsed = other.parse(again.into(), &written);
        // A key that is spelt in two ways is one in KDL, which is told earlier there.
        let twice = found.codes.contains(&"config/duplicate-key");
        assert!(
            twice || parsed.diagnostics.is_empty(),
            "{text}\n{written}\n{:?}",
            parsed.diagnostics
        );
    }
    let upgraded = syntax.upgraded(text);
    assert!(
        upgraded.is_none_or(|text| syntax.parse(file.into(), &text).value.span.end == text.len())
    );
    let bytes = [text.as_bytes(), b"\xff"].concat();
    assert!(!lower::read(syntax, file.into(), &bytes).diagnostics.is_empty());
}

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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fuzz");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        survive("qik.kdl", &text);
        survive("qik.toml", &text);
        seen += 1;
    }
    assert!(seen >= 5, "only {seen} texts");
}
