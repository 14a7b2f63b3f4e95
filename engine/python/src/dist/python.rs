//! Versions of Python, and where they stand when no interpreter is there to ask. Knows no folders.

use std::fmt;
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

/// `X.Y`: what decides which modules there are and which markers hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PythonVersion {
    /// 3, for all that qik knows.
    pub major: u8,
    /// The one that counts.
    pub minor: u8,
}

impl PythonVersion {
    /// `X.Y` and the patch release, if there is one, at the start of a text such as `3.11.7`,
    /// `3.13.0rc1`, `3.11.7.final.0`, `cpython-3.12`, `pypy3.10` or `python3.13t`.
    pub fn find(text: &str) -> Option<(Self, Option<u16>)> {
        let text = text.trim();
        let digits = text.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-');
        let mut parts = digits.split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = leading_number(parts.next()?)?.try_into().ok()?;
        Some((Self { major, minor }, parts.next().and_then(leading_number)))
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for PythonVersion {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        Self::find(text).map(|(version, _)| version).ok_or(NoVersion)
    }
}

/// A text that names no version of Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version of Python, such as `3.12`")]
pub struct NoVersion;

/// The version that a `.python-version` asks for: its first line that says something.
pub fn from_dot_file(text: &str) -> Option<PythonVersion> {
    let mut lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.find(|line| !line.is_empty())?.parse().ok()
}

/// The lowest version that a `requires-python` allows: of all that do, it is the one that does not
/// change when a newer Python comes out.
pub fn from_requires(specifiers: &str) -> Option<PythonVersion> {
    let specifiers = VersionSpecifiers::from_str(specifiers).ok()?;
    let allowed = |version: &PythonVersion| {
        let (major, minor) = (u64::from(version.major), u64::from(version.minor));
        (0..=40).chain([99]).any(|patch| specifiers.contains(&Version::new([major, minor, patch])))
    };
    if specifiers.is_empty() {
        return None;
    }
    (6..=30).map(|minor| PythonVersion { major: 3, minor }).find(allowed)
}

/// `requires-python` of a `pyproject.toml`, or poetry's `python` dependency as a specifier.
pub fn requires_of_pyproject(text: &str) -> Option<String> {
    let table: toml::Table = toml::from_str(text).ok()?;
    let at = |path: &[&str]| {
        let mut value = table.get(path[0])?;
        for key in &path[1..] {
            value = value.get(key)?;
        }
        value.as_str().map(str::to_string)
    };
    at(&["project", "requires-python"])
        .or_else(|| at(&["tool", "poetry", "dependencies", "python"]).map(|text| caret(&text)))
}

/// Poetry's `^3.9`, `~3.9` and `3.9` in the words of PEP 440; of alternatives (`||`) the first.
pub(super) fn caret(text: &str) -> String {
    caret_range(text.split("||").next().unwrap_or_default())
}

/// As [`caret`], for a text without alternatives.
pub(super) fn caret_range(text: &str) -> String {
    let specifier = |part: &str| {
        let part = part.trim();
        let compatible = part.strip_prefix('~').filter(|rest| !rest.starts_with('='));
        match (part.strip_prefix('^'), compatible) {
            (Some(rest), _) => {
                let next =
                    rest.trim().split('.').next().and_then(|major| major.parse::<u16>().ok());
                format!(">={},<{}", rest.trim(), next.map_or(0, u32::from) + 1)
            }
            (None, Some(rest)) => {
                let minor: Vec<&str> = rest.trim().split('.').take(2).collect();
                format!(">={},=={}.*", rest.trim(), minor.join("."))
            }
            (None, None) if part.starts_with(|c: char| c.is_ascii_digit()) => {
                match part.ends_with(".*") {
                    true => format!("=={part}"),
                    false => format!("=={part}.*"),
                }
            }
            (None, None) => part.to_string(),
        }
    };
    text.split(',').map(specifier).collect::<Vec<_>>().join(",")
}

fn leading_number(text: &str) -> Option<u16> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(version: Option<PythonVersion>) -> String {
        version.map_or("-".into(), |version| version.to_string())
    }

    #[test]
    fn a_version_is_found_in_the_spellings_of_all_tools() {
        let check = |text: &str, version: &str, patch: Option<u16>| {
            let found = PythonVersion::find(text);
            assert_eq!(shown(found.map(|found| found.0)), version, "{text}");
            assert_eq!(found.and_then(|found| found.1), patch, "{text}");
        };
        check("3.11", "3.11", None);
        check(" 3.11.7\n", "3.11", Some(7));
        check("3.13.0rc1", "3.13", Some(0));
        check("3.11.7.final.0", "3.11", Some(7));
        check("cpython-3.12.1-linux-x86_64-gnu", "3.12", Some(1));
        check("pypy3.10", "3.10", None);
        check("python3.13t", "3.13", None);
        for none in ["", "3", "three", "system", "300.1", "3.", "3.x"] {
            check(none, "-", None);
        }
    }

    #[test]
    fn a_dot_file_may_hold_comments_and_several_lines() {
        assert_eq!(shown(from_dot_file("# ours\n\n3.12.4 # newest\n3.11\n")), "3.12");
        assert_eq!(shown(from_dot_file("system\n")), "-");
    }

    #[test]
    fn the_lowest_allowed_version_stands_for_a_requirement() {
        let check = |text: &str, expected: &str| {
            assert_eq!(shown(from_requires(text)), expected, "{text}");
        };
        check(">=3.9", "3.9");
        check(">=3.9.2,<3.13", "3.9");
        check(">3.10", "3.10");
        check("~=3.11", "3.11");
        check("==3.12.*", "3.12");
        check("==3.12.4", "3.12");
        check("!=3.9.*,>=3.9", "3.10");
        check("", "-");
        check("rubbish", "-");
    }

    #[test]
    fn a_pyproject_says_what_it_requires() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(requires_of_pyproject(text).as_deref(), expected, "{text}");
        };
        check("[project]\nrequires-python = '>=3.9'", Some(">=3.9"));
        check("[tool.poetry.dependencies]\npython = '^3.9'", Some(">=3.9,<4"));
        check("[tool.poetry.dependencies]\npython = '3.9'", Some("==3.9.*"));
        check("[tool.poetry.dependencies]\npython = '~3.9,!=3.9.1'", Some(">=3.9,==3.9.*,!=3.9.1"));
        check("[project]\nname = 'x'", None);
        check("no toml", None);
    }
}
