//! Requirements of a distribution, as metadata and lock files write them: a name, extras, a marker.
//! What versions they allow is for installers; qik looks at what was installed or locked.

use std::collections::HashMap;
use std::sync::Arc;

use pep508_rs::{ExtraName, MarkerEnvironment, MarkerTree, StringVersion};

use super::python::PythonVersion;

/// That one distribution needs another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Requirement {
    /// Normalised name of what is needed.
    pub name: Arc<str>,
    /// Normalised names of the extras that are needed with it.
    pub extras: Vec<Arc<str>>,
    /// Where it is needed; everywhere if there is none.
    pub marker: Option<Arc<str>>,
}

/// What stands between the name and the marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// Any version.
    Any,
    /// `>=1,<2`.
    Versions(&'a str),
    /// `name @ URL`.
    Url(&'a str),
}

impl Requirement {
    /// The requirement that `text` says, as PEP 508 and older tools write it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::split(text).map(|(requirement, _)| requirement)
    }

    /// The same, with what it says about versions.
    pub fn split(text: &str) -> Option<(Self, Wanted<'_>)> {
        let text = text.trim();
        let end = text.find(|c: char| !is_name(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let (extras, rest) = extras(rest.trim_start())?;
        let (wanted, marker) = match rest.strip_prefix('@') {
            Some(url) => {
                let (url, marker) = url.split_once(" ;").unwrap_or((url, ""));
                (Wanted::Url(url.trim()), marker)
            }
            None => {
                let (versions, marker) = rest.split_once(';').unwrap_or((rest, ""));
                let bare = versions.trim();
                let bare =
                    bare.strip_prefix('(').and_then(|bare| bare.strip_suffix(')')).unwrap_or(bare);
                (if bare.is_empty() { Wanted::Any } else { Wanted::Versions(bare.trim()) }, marker)
            }
        };
        let marker = Some(marker.trim()).filter(|marker| !marker.is_empty()).map(Arc::from);
        Some((Self { name: normalise(name), extras, marker }, wanted))
    }

    /// With one more condition.
    #[must_use]
    pub fn only_where(mut self, marker: &str) -> Self {
        self.marker = both(self.marker.as_deref(), Some(marker));
        self
    }
}

/// The name as PEP 503 compares it: lower case, runs of `-`, `_` and `.` as one `-`.
pub fn normalise(name: &str) -> Arc<str> {
    let mut normal = String::with_capacity(name.len());
    for c in name.trim().chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            other => normal.push(other.to_ascii_lowercase()),
        }
    }
    normal.into()
}

/// Where both markers hold.
pub(super) fn both(one: Option<&str>, other: Option<&str>) -> Option<Arc<str>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("({one}) and ({other})").into()),
        (one, other) => one.or(other).map(Arc::from),
    }
}

fn extras(text: &str) -> Option<(Vec<Arc<str>>, &str)> {
    let Some(rest) = text.strip_prefix('[') else { return Some((Vec::new(), text)) };
    let (inside, rest) = rest.split_once(']')?;
    let mut extras: Vec<Arc<str>> =
        inside.split(',').map(normalise).filter(|extra| !extra.is_empty()).collect();
    extras.sort_unstable();
    extras.dedup();
    Some((extras, rest.trim_start()))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// What markers are judged against: a version of Python and a platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The version that it was made for.
    pub python: PythonVersion,
    environment: MarkerEnvironment,
}

impl Target {
    /// CPython `python` on `arch`, which is named as in `{ctx.qik.arch}`: `linux-64`, `osx-arm64`.
    ///
    /// Where the patch release is not known it counts as a late one, for that is what people have.
    pub fn new(python: PythonVersion, patch: Option<u16>, arch: &str) -> Self {
        Self::of("CPython", python, patch, arch)
    }

    /// The same for PyPy.
    pub fn pypy(python: PythonVersion, patch: Option<u16>, arch: &str) -> Self {
        Self::of("PyPy", python, patch, arch)
    }

    fn of(implementation: &str, python: PythonVersion, patch: Option<u16>, arch: &str) -> Self {
        let short = python.to_string();
        let full = format!("{short}.{}", patch.unwrap_or(99));
        let (system, machine) = arch.split_once('-').unwrap_or((arch, ""));
        let (os_name, platform_system, sys_platform) = match system {
            "win" => ("nt", "Windows", "win32"),
            "osx" => ("posix", "Darwin", "darwin"),
            _ => ("posix", "Linux", "linux"),
        };
        let platform_machine = match (system, machine) {
            ("win", "64") => "AMD64",
            ("win", "arm64") => "ARM64",
            (_, "64") => "x86_64",
            (_, other) => other,
        };
        let version = |text: &str| -> StringVersion {
            text.parse().expect("two numbers and a third are a version")
        };
        let environment = MarkerEnvironment {
            implementation_name: implementation.to_ascii_lowercase(),
            implementation_version: version(&full),
            os_name: os_name.into(),
            platform_machine: platform_machine.into(),
            platform_python_implementation: implementation.into(),
            platform_release: String::new(),
            platform_system: platform_system.into(),
            platform_version: String::new(),
            python_full_version: version(&full),
            python_version: version(&short),
            sys_platform: sys_platform.into(),
        };
        Self { python, environment }
    }

    /// Whether `marker` holds here with these extras.
    ///
    /// A marker that nobody understands holds: an input too many is a run too many, an input too
    /// few would be a wrong result.
    pub fn holds(&self, marker: Option<&str>, extras: &[Arc<str>]) -> bool {
        let Some(marker) = marker else { return true };
        let Some(tree) = parse_marker(marker) else { return true };
        let extras: Vec<ExtraName> =
            extras.iter().filter_map(|extra| ExtraName::new(extra.to_string()).ok()).collect();
        tree.evaluate(&self.environment, &extras)
    }
}

/// Markers repeat from one distribution to the next, so each is parsed once.
#[derive(Debug)]
pub(super) struct Markers<'a> {
    target: &'a Target,
    known: HashMap<Arc<str>, Option<MarkerTree>>,
}

impl<'a> Markers<'a> {
    pub fn new(target: &'a Target) -> Self {
        Self { target, known: HashMap::new() }
    }

    /// As [`Target::holds`].
    pub fn hold(&mut self, marker: Option<&Arc<str>>, extras: &[ExtraName]) -> bool {
        let Some(marker) = marker else { return true };
        let tree = self.known.entry(marker.clone()).or_insert_with(|| parse_marker(marker));
        tree.as_ref().is_none_or(|tree| tree.evaluate(&self.target.environment, extras))
    }
}

const LONGEST_MARKER: usize = 16 << 10;
const DEEPEST_MARKER: usize = 64;

/// `None` for what is no marker, and for what no honest file holds: the parser descends recursively.
fn parse_marker(marker: &str) -> Option<MarkerTree> {
    let deep = marker.bytes().filter(|byte| *byte == b'(').count() > DEEPEST_MARKER;
    if deep || marker.len() > LONGEST_MARKER || lists_versions(marker) {
        return None;
    }
    marker.parse().ok()
}

/// `python_version in '3.10 3.11'`: a list of versions in a text, which the parser takes for one.
fn lists_versions(marker: &str) -> bool {
    let words: Vec<&str> = marker.split_whitespace().collect();
    let is_list = |pair: &[&str]| pair[0].ends_with("_version") && matches!(pair[1], "in" | "not");
    words.windows(2).any(is_list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = Requirement::split(text).map_or("-".into(), |(requirement, wanted)| {
            let Requirement { name, extras, marker } = requirement;
            let wanted = match wanted {
                Wanted::Any => "*".into(),
                Wanted::Versions(versions) => versions.to_string(),
                Wanted::Url(url) => format!("@{url}"),
            };
            format!("{name} [{}] {wanted} {}", extras.join(","), marker.as_deref().unwrap_or("-"))
        });
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn requirements_of_all_ages_are_read() {
        check("Foo.Bar__baz", "foo-bar-baz [] * -");
        check("requests[security, Socks_5]>=2,<3", "requests [security,socks-5] >=2,<3 -");
        check("foo (>=1.0.*) ; extra == 'x'", "foo [] >=1.0.* extra == 'x'");
        check("foo>=1;python_version<'3'", "foo [] >=1 python_version<'3'");
        check(
            "foo @ https://x.org/a;b.whl ; os_name == 'nt'",
            "foo [] @https://x.org/a;b.whl os_name == 'nt'",
        );
        check("foo[a]@ file:///x", "foo [a] @file:///x -");
        check("foo ===1-2", "foo [] ===1-2 -");
        for none in ["", "  ", "-e .", "[x]", "foo[bar", "./here", "ü"] {
            check(none, "-");
        }
    }

    #[test]
    fn markers_are_judged_against_the_target() {
        let linux = Target::new(PythonVersion { major: 3, minor: 11 }, None, "linux-64");
        let check = |marker: &str, expected: bool| {
            assert_eq!(linux.holds(Some(marker), &["x".into()]), expected, "{marker}");
        };
        check("python_version < '3.11'", false);
        check("python_version >= '3.9' and sys_platform == 'linux'", true);
        check("python_full_version < '3.11.3'", false);
        check("python_full_version <= '3.11.0a6'", false);
        check("platform_machine == 'x86_64' or os_name == 'nt'", true);
        check("extra == 'x'", true);
        check("extra == 'y'", false);
        check("platform_python_implementation != 'PyPy'", true);
        check("python_version in '3.10 3.11'", true);
        assert!(linux.holds(None, &[]));
        let mac = Target::pypy(linux.python, Some(2), "osx-arm64");
        assert!(
            mac.holds(Some("python_full_version < '3.11.3' and platform_machine == 'arm64'"), &[])
        );
        assert!(mac.holds(Some("implementation_name == 'pypy' and sys_platform == 'darwin'"), &[]));
        let windows = Target::new(linux.python, None, "win-64");
        assert!(
            windows.holds(Some("sys_platform == 'win32' and platform_machine == 'AMD64'"), &[])
        );
    }

    #[test]
    fn what_is_no_marker_holds() {
        let target = Target::new(PythonVersion { major: 3, minor: 11 }, None, "linux-64");
        let deep = format!("{}os_name == 'nt'{}", "(".repeat(100_000), ")".repeat(100_000));
        for marker in ["rubbish", "'dev' in dependency_groups", "(", "os_name ==", "", &deep] {
            assert!(target.holds(Some(marker), &[]), "{:.20}", marker);
        }
    }
}
