//! Each case is read both ways, and both are held to what is expected.

mod brackets;
mod cases;
mod encoding;
mod mutations;

use super::{FileFacts, Import, ImportKind, Imported, facts, judged};

/// Reads `source` both ways; an expected import reads `LINE:COLUMN MODULE[:NAME]`, with its dots,
/// and with ` T` where only a type checker comes, ` C` where it is conditional and ` D` where it is a
/// call, which always is.
#[track_caller]
fn check(source: impl AsRef<[u8]>, expected: &[&str]) -> FileFacts {
    let source = source.as_ref();
    let (fast, full) = (facts(source), judged(source));
    let shown = String::from_utf8_lossy(source);
    assert_eq!(described(&fast), expected, "the fast way, of {shown:?}");
    assert_eq!(described(&full), expected, "the full parse, of {shown:?}");
    assert_eq!(fast.whole_package(), full.whole_package(), "of {shown:?}");
    assert_eq!(strings(fast.plugins()), strings(full.plugins()), "of {shown:?}");
    assert_eq!(strings(fast.dotted_strings()), strings(full.dotted_strings()), "of {shown:?}");
    fast
}

/// That the file is said to have a syntax error, and where.
#[track_caller]
fn check_error(source: &str, line: u32, column: u32, message: &str) {
    let facts = facts(source.as_bytes());
    let error = facts.error().expect("an error");
    assert_eq!((error.line, error.column), (line, column), "{error:?} of {source:?}");
    assert!(error.message.contains(message), "{error:?} of {source:?}");
}

fn described(facts: &FileFacts) -> Vec<String> {
    facts.imports().map(describe).collect()
}

fn describe(import: Import<'_>) -> String {
    let dots = ".".repeat(usize::from(import.level));
    let name = match import.imported {
        Imported::Module => String::new(),
        Imported::Star => ":*".to_string(),
        Imported::Name(name) => format!(":{name}"),
    };
    let checking = if import.type_checking { " T" } else { "" };
    assert!(import.conditional || import.kind == ImportKind::Static, "a call is conditional");
    let conditional = import.conditional && import.kind == ImportKind::Static;
    let conditional = if conditional { " C" } else { "" };
    let dynamic = if import.kind == ImportKind::Dynamic { " D" } else { "" };
    let Import { line, column, module, .. } = import;
    format!("{line}:{column} {dots}{module}{name}{checking}{conditional}{dynamic}")
}

fn strings<'f>(found: impl Iterator<Item = (&'f str, u32)>) -> Vec<(String, u32)> {
    found.map(|(text, line)| (text.to_string(), line)).collect()
}
