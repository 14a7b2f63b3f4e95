//! What holds of any bytes: they are read without a panic, reports point into them, and what is in
//! order can be written in the other format. Tests, and the fuzz targets of `testdata/fuzz`, call it.

use qik_config::lower;
use qik_config::template::{self, ContextName, Lookup, ModuleField};
use qik_model::{ContextValue, Diagnostic, GlobSet, Place, RelPath};

use crate::project::{Files, meaning, syntaxes};

/// Between the files of a project that are one text: the root, one that it may include, and one in a
/// folder that may be a module.
const BETWEEN: &str = "\n---\n";

/// As a `qik.toml`.
pub fn toml(bytes: &[u8]) {
    bytes_of("qik.toml", bytes);
}

/// As a `qik.kdl`.
pub fn kdl(bytes: &[u8]) {
    bytes_of("qik.kdl", bytes);
}

/// As a template, and what it is filled in to as a pattern.
pub fn templates(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match template::parse(text) {
        Ok(parts) => {
            let filled = template::render(&parts, &Anything).expect("everything has a value");
            let plain = |c: char| c != '{' && c != '}';
            assert!(!text.chars().all(plain) || filled == text, "{text:?} became {filled:?}");
            assert!(parts.as_text().is_none_or(|own| own == filled), "{text:?}");
            pattern(&filled);
        }
        Err(bad) => {
            assert!(!bad.is_empty());
            for one in bad {
                assert!(text.contains(&one.reference), "{one:?} is not in {text:?}");
            }
        }
    }
}

fn pattern(text: &str) {
    let Ok(globs) = GlobSet::new([text]) else { return };
    for path in ["a", "src/a.py", "src/deep/er/b.txt", "x/y/z/{a,b}", "aaaaaaaaaaaaaaaaaaaaaaaa"] {
        let path = RelPath::from(path);
        globs.matches(&path);
        globs.may_match_below(&path);
    }
}

/// As the files of a project. What begins with `//` is KDL.
pub fn lowering(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let names = ["qik", "ci/more", "api/qik"];
    let files = names.iter().zip(text.split(BETWEEN)).map(|(name, text)| {
        let ending = if text.starts_with("//") { "kdl" } else { "toml" };
        (format!("{name}.{ending}"), text.to_string())
    });
    meaning(&files.collect());
}

fn bytes_of(file: &str, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            front_end(file, text);
        }
        Err(_) => {
            assert!(!lower::read(syntaxes(file).0, file.into(), bytes).diagnostics.is_empty())
        }
    }
}

/// Everything.
#[track_caller]
pub fn survive(file: &str, text: &str) {
    let written = front_end(file, text);
    let found = meaning(&Files::from([(file.to_string(), text.to_string())]));
    let Some(written) = written else { return };
    let other = syntaxes(file).1;
    let parsed = other.parse(renamed(file).into(), &written);
    // A key that is spelt in two ways is one in KDL, which is told earlier there.
    let twice = found.codes.contains(&"config/duplicate-key");
    assert!(twice || parsed.diagnostics.is_empty(), "{text}\n{written}\n{:?}", parsed.diagnostics);
}

/// Parses, and converts where there is nothing to report; checks each span on the way.
#[track_caller]
fn front_end(file: &str, text: &str) -> Option<String> {
    let (syntax, other) = syntaxes(file);
    let parsed = syntax.parse(file.into(), text);
    for (place, _) in parsed.diagnostics.iter().flat_map(|report| &report.labels) {
        let Place::Span(span) = place else { panic!("{place:?} is no span") };
        assert!(text.get(span.start..span.end).is_some(), "{span:?} is outside of {text:?}");
    }
    for comment in syntax.comments(file, text) {
        assert!(text.get(comment.start..comment.end).is_some(), "{comment:?} in {text:?}");
    }
    let upgraded = syntax.upgraded(text);
    assert!(
        upgraded.is_none_or(|text| syntax.parse(file.into(), &text).value.span.end == text.len())
    );
    if !parsed.diagnostics.is_empty() {
        return None;
    }
    Some(qik_config::convert(&file.into(), text.as_bytes(), syntax, other).unwrap())
}

fn renamed(file: &str) -> &'static str {
    if file.ends_with(".kdl") { "qik.toml" } else { "qik.kdl" }
}

/// A value for everything that a template may ask for.
struct Anything;

impl Lookup for Anything {
    fn context(&self, name: &ContextName) -> Result<ContextValue, Diagnostic> {
        Ok(match name {
            ContextName::Qik(_) => ContextValue::Int(4),
            ContextName::Project(name) => ContextValue::Str((&**name).into()),
        })
    }

    fn module(&self, field: ModuleField) -> Option<String> {
        Some(format!("{field:?}"))
    }
}
