//! Requirements files as pip reads them, and the comments in which `uv pip compile` and `pip-compile`
//! say what needs what. Knows the text; includes are read through the caller.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::super::distribution::{Distribution, Source};
use super::super::metadata::file_path;
use super::super::requirement::{Requirement, Wanted, normalise};
use super::{Lock, LockError, Locked, table};

/// A requirements file with all that it includes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Pinned lines as packages, all others as roots.
    pub lock: Lock,
    /// The files that were read, in the order of reading; absent ones too.
    pub files: Vec<PathBuf>,
    /// Lines that no pip would take: `FILE:LINE: …`.
    pub errors: Vec<(PathBuf, LockError)>,
}

/// Reads the requirements file `file`; `read` gives the text of a file, by a path relative to the
/// same folder that `file` is relative to.
pub fn requirements(file: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Requirements {
    let mut reader = Reader { read, found: Requirements::default(), needs: BTreeMap::new() };
    reader.file(file, None);
    let Reader { mut found, needs, .. } = reader;
    for package in &mut found.lock.packages {
        let needs = needs.get(&package.distribution.name).into_iter().flatten();
        package.distribution.requires =
            needs.map(|name| table::requirement(name, std::iter::empty(), None)).collect();
    }
    found
}

/// No project has as many; includes are followed recursively.
const MOST_FILES: usize = 100;

struct Reader<'a> {
    read: &'a dyn Fn(&Path) -> Option<String>,
    found: Requirements,
    /// By the comments: who needs what.
    needs: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
}

/// One line, with those that it continues on.
struct Line {
    number: usize,
    text: String,
    /// The comment on it and the indented ones below.
    comment: String,
}

impl Reader<'_> {
    fn file(&mut self, file: &Path, included_from: Option<(&Path, usize)>) {
        let file = clean(file);
        if self.found.files.contains(&file) {
            return;
        }
        if self.found.files.len() == MOST_FILES {
            return; // links to folders can make one file many
        }
        self.found.files.push(file.clone());
        let Some(text) = (self.read)(&file) else {
            let (at, line) = included_from.map_or((&*file, None), |(at, line)| (at, Some(line)));
            let message = format!("requirements file `{}` does not exist", file.display());
            self.found.errors.push((at.to_path_buf(), LockError { message, span: None, line }));
            return;
        };
        for line in logical_lines(&text) {
            self.line(&file, &line);
        }
    }

    fn line(&mut self, file: &Path, line: &Line) {
        let text = line.text.as_str();
        let folder = file.parent().unwrap_or(Path::new(""));
        if let Some(path) = option(text, &["-r", "--requirement", "-c", "--constraint"]) {
            self.file(&folder.join(path), Some((file, line.number)));
        } else if let Some(place) = option(text, &["-e", "--editable"]) {
            self.direct(folder, place, true);
        } else if text.starts_with('-') {
            // Where to look and how to install is not for us.
        } else if is_place(text) {
            self.direct(folder, text, false);
        } else if !self.requirement(text, &line.comment) {
            let message = format!("`{text}` is no requirement");
            let error = LockError { message, span: None, line: Some(line.number) };
            self.found.errors.push((file.to_path_buf(), error));
        }
    }

    fn requirement(&mut self, text: &str, comment: &str) -> bool {
        let bare = text.split(" --").next().unwrap_or_default();
        let Some((requirement, wanted)) = Requirement::split(bare) else { return false };
        for parent in parents(comment) {
            self.needs.entry(parent).or_default().insert(requirement.name.clone());
        }
        let version = match wanted {
            Wanted::Versions(versions) => pin(versions),
            Wanted::Url(_) => Some(""),
            Wanted::Any => None,
        };
        let Some(version) = version else {
            self.found.lock.roots.push(requirement);
            return true;
        };
        let source = match wanted {
            Wanted::Url(url) => source(url, Path::new(""), false),
            _ => Source::Index,
        };
        if !requirement.extras.is_empty() {
            self.found.lock.roots.push(requirement.clone());
        }
        self.push(requirement, version, source);
        true
    }

    /// A line that is only a place; its name, where the line says one.
    fn direct(&mut self, folder: &Path, text: &str, editable: bool) {
        let text = text.trim();
        let bare = text.split(" --").next().unwrap_or_default();
        let (place, marker) = bare.split_once(" ;").unwrap_or((bare, ""));
        let (place, name) = match Requirement::split(place) {
            Some((requirement, Wanted::Url(url))) => (url, Some(requirement.name)),
            _ => (place.trim(), egg(place).or_else(|| file_name(place))),
        };
        let place = place.trim().trim_matches('"');
        let path = place.split(['[', '#']).next().unwrap_or_default();
        let name = name.unwrap_or_else(|| {
            normalise(path.trim_end_matches('/').rsplit('/').next().unwrap_or_default())
        });
        let marker = Some(marker.trim()).filter(|marker| !marker.is_empty()).map(Arc::from);
        let version = wheel_version(path).unwrap_or_default();
        let source = source(place, folder, editable);
        self.push(Requirement { name, extras: Vec::new(), marker }, &version, source);
    }

    fn push(&mut self, requirement: Requirement, version: &str, source: Source) {
        let distribution = Distribution {
            name: requirement.name,
            version: version.into(),
            imports: Vec::new(),
            requires: Vec::new(),
            source,
        };
        let markers: Vec<Arc<str>> = requirement.marker.into_iter().collect();
        let same = |old: &Locked| old.distribution == distribution && old.markers == markers;
        if !self.found.lock.packages.iter().any(same) {
            self.found.lock.packages.push(Locked { distribution, markers, requires_python: None });
        }
    }
}

/// The version of `==1.2` or `===1.2`; `==1.*` is no pin, nor is anything with more than one part.
fn pin(versions: &str) -> Option<&str> {
    let version = versions.strip_prefix("===").or_else(|| versions.strip_prefix("=="))?.trim();
    (!version.ends_with('*') && !version.contains(',')).then_some(version)
}

/// What follows one of these options: after a blank, `=`, or (short ones) at once.
fn option<'a>(text: &'a str, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| {
        let rest = text.strip_prefix(name)?;
        let short = !name.starts_with("--");
        let value = rest.strip_prefix(['=', ' ', '\t']).or(short.then_some(rest))?.trim();
        (!value.is_empty()).then_some(value)
    })
}

fn is_place(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let named = text.split_once('@').is_some_and(|(name, _)| {
        let name = name.split('[').next().unwrap_or_default().trim();
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    });
    let url = first.contains("://") && !named;
    let path =
        first.starts_with(['.', '/']) || first.ends_with(".whl") || first.ends_with(".tar.gz");
    url || (path && !named)
}

fn source(place: &str, folder: &Path, editable: bool) -> Source {
    if let Some((_, url)) =
        place.split_once('+').filter(|(vcs, _)| matches!(*vcs, "git" | "hg" | "svn" | "bzr"))
    {
        let url = url.split('#').next().unwrap_or_default();
        let path = url.find("://").map_or(0, |at| at + 3);
        let path = url[path..].find('/').map_or(url.len(), |at| path + at);
        return match url[path..].rsplit_once('@') {
            Some((rest, commit)) => table::commit(&format!("{}{rest}", &url[..path]), commit),
            None => table::commit(url, ""),
        };
    }
    if let Some(path) = file_path(place) {
        return table::folder(&path.to_string_lossy(), editable);
    }
    if place.contains("://") {
        return table::archive(place, None);
    }
    let path = place.split(['[', '#']).next().unwrap_or_default();
    table::folder(&clean(&folder.join(path)).to_string_lossy(), editable)
}

/// `…#egg=NAME`.
fn egg(place: &str) -> Option<Arc<str>> {
    let (_, name) = place.split_once("egg=")?;
    let name = name.split(['&', '[']).next()?.trim();
    (!name.is_empty()).then(|| normalise(name))
}

/// The name in `NAME-VERSION-….whl`, `NAME-VERSION.tar.gz`.
fn file_name(place: &str) -> Option<Arc<str>> {
    let file = place.split(['#', '?']).next()?.rsplit('/').next()?;
    let is_archive = [".whl", ".tar.gz", ".zip"].iter().any(|suffix| file.ends_with(suffix));
    is_archive.then(|| file.split('-').next().map(normalise))?
}

fn wheel_version(place: &str) -> Option<String> {
    let file = place.split(['#', '?']).next()?.rsplit('/').next()?;
    let stem = file.strip_suffix(".whl")?;
    stem.split('-').nth(1).map(|version| version.replace('_', "-"))
}

/// Who needs a package: `# via a, b` and the indented list form; other lines name files.
fn parents(comment: &str) -> impl Iterator<Item = Arc<str>> {
    let mut after_via = false;
    let words = comment.split(['\n', ',']).flat_map(move |part| {
        let part = part.trim();
        let rest = part.strip_prefix("via").filter(|rest| rest.is_empty() || rest.starts_with(' '));
        after_via |= rest.is_some();
        let name = rest.unwrap_or(part).trim();
        let name = name.split(['[', ' ', '(']).next().unwrap_or_default();
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        let is_name = is_name && name.starts_with(|c: char| c.is_ascii_alphanumeric());
        (after_via && is_name).then(|| normalise(name))
    });
    words.collect::<Vec<_>>().into_iter()
}

fn logical_lines(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut goes_on = false;
    for (number, raw) in (1..).zip(text.lines()) {
        let raw = raw.trim_start_matches('\u{feff}').trim_end();
        let (code, comment) =
            match raw.find('#').filter(|at| *at == 0 || raw[..*at].ends_with([' ', '\t'])) {
                Some(at) => (&raw[..at], raw[at + 1..].trim()),
                None => (raw, ""),
            };
        let (code, continues) = match code.strip_suffix('\\') {
            Some(code) if comment.is_empty() => (code, true),
            _ => (code, false),
        };
        let indented = raw.starts_with([' ', '\t']);
        match lines.last_mut() {
            Some(last) if goes_on || (indented && code.trim().is_empty()) => {
                if goes_on && !code.trim().is_empty() {
                    last.text.push(' ');
                    last.text.push_str(code.trim());
                }
                if !comment.is_empty() {
                    last.comment.push('\n');
                    last.comment.push_str(comment);
                }
            }
            _ if code.trim().is_empty() => {}
            _ => lines.push(Line { number, text: code.trim().into(), comment: comment.into() }),
        }
        goes_on = continues;
    }
    lines
}

/// Without `.` and, where a name stands before it, `..`.
fn clean(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(parts.last(), Some(Component::Normal(_))) => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    if parts.is_empty() { PathBuf::from(".") } else { parts.iter().collect() }
}
