//! Every code has a page, and every page a use.

use std::collections::BTreeSet;
use std::path::Path;

use qik_model::codes;

use crate::golden;

#[test]
fn codes_used_are_the_codes_listed() {
    let sources = sources();
    let made: BTreeSet<String> = sources.iter().flat_map(|text| codes_made(text)).collect();
    assert!(made.len() > 20, "the sources were not found");
    let without_page: Vec<&String> =
        made.iter().filter(|code| qik_model::codes::find(code).is_none()).collect();
    assert!(without_page.is_empty(), "codes without a page: {without_page:?}");
    let unused = codes::all().map(|code| format!("\"{}\"", code.code));
    let unused: Vec<String> =
        unused.filter(|code| !sources.iter().any(|text| text.contains(code.as_str()))).collect();
    assert!(unused.is_empty(), "pages of codes that nothing emits: {unused:?}");
}

#[test]
fn every_code_of_this_room_has_a_golden_report() {
    /// Said of the environment or the command line, or while a template is rendered, so no
    /// configuration file alone brings them about; unit tests do.
    const ELSEWHERE: [&str; 3] = ["config/not-found", "config/not-written", "config/two-configs"];
    let mut missing: BTreeSet<&str> = codes::all().map(|code| code.code).collect();
    missing.retain(|code| code.starts_with("config/") && !ELSEWHERE.contains(code));
    for case in golden::cases("bad") {
        let (documents, lowered) = case.lower();
        for report in golden::reports(&documents, &lowered) {
            missing.remove(report.code);
        }
    }
    assert!(missing.is_empty(), "codes without a golden: {missing:?}");
}

/// The sources of all rooms, without the list itself.
fn sources() -> Vec<String> {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = Vec::new();
    for rooms in ["engine", "frontends"] {
        for room in std::fs::read_dir(house.join(rooms)).unwrap() {
            collect(&room.unwrap().path().join("src"), &mut sources);
        }
    }
    sources
}

fn collect(folder: &Path, sources: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.ends_with("model/src/codes") {
            // The pages themselves.
        } else if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            sources.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The codes that diagnostics are made with in so many words.
fn codes_made(text: &str) -> Vec<String> {
    ["Diagnostic::error(", "Diagnostic::warning("]
        .iter()
        .flat_map(|maker| text.split(maker).skip(1))
        .filter_map(|rest| Some(rest.trim_start().strip_prefix('"')?.split_once('"')?.0.into()))
        .collect()
}
