//! Reading tables without a shape for each format: lock files grow keys with every release of their
//! tools, and what is not asked for must not matter. Knows TOML, and no lock file.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::distribution::{Distribution, Source};
use super::super::metadata::without_credentials;
use super::super::requirement::{Requirement, normalise};
use super::{LockError, line_of};

pub(super) type Table = toml::Table;

/// The whole document.
pub(super) fn document(text: &str) -> Result<Table, LockError> {
    toml::from_str(text).map_err(|error| {
        let span = error.span();
        let line = span.as_ref().map(|span| line_of(text, span.start));
        LockError { message: error.message().to_string(), span, line }
    })
}

/// The tables of a list under `key`; a lock of an empty project has none.
pub(super) fn tables<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a Table> {
    let items = table.get(key).and_then(toml::Value::as_array);
    items.into_iter().flatten().filter_map(toml::Value::as_table)
}

/// A text under `key`.
pub(super) fn text<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key)?.as_str()
}

/// Texts under `key`: a list, or one alone.
pub(super) fn texts<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a str> {
    let value = table.get(key);
    let list = value.and_then(toml::Value::as_array).into_iter().flatten();
    list.chain(value.filter(|value| value.is_str())).filter_map(toml::Value::as_str)
}

/// A table under `key`.
pub(super) fn inner<'a>(table: &'a Table, key: &str) -> Option<&'a Table> {
    table.get(key)?.as_table()
}

/// The package called as its entry says, with nothing known but its version.
pub(super) fn package(text: &str, entry: &Table, nth: usize) -> Result<Distribution, LockError> {
    let Some(name) = self::text(entry, "name") else {
        let span = text.match_indices("[[package").nth(nth).map(|(at, found)| at..at + found.len());
        let line = span.as_ref().map(|span| line_of(text, span.start));
        return Err(LockError { message: "a package without `name`".into(), span, line });
    };
    Ok(Distribution {
        name: normalise(name),
        version: self::text(entry, "version").unwrap_or_default().into(),
        imports: Vec::new(),
        requires: Vec::new(),
        source: Source::Index,
    })
}

/// A requirement from its parts.
pub(super) fn requirement<'a>(
    name: &str,
    extras: impl Iterator<Item = &'a str>,
    marker: Option<&str>,
) -> Requirement {
    let mut extras: Vec<Arc<str>> = extras.map(normalise).collect();
    extras.sort_unstable();
    extras.dedup();
    let marker = marker.filter(|marker| !marker.trim().is_empty()).map(Arc::from);
    Requirement { name: normalise(name), extras, marker }
}

/// A requirement that holds with the extra `extra` alone.
pub(super) fn with_extra(requirement: Requirement, extra: &str) -> Requirement {
    requirement.only_where(&format!("extra == '{}'", normalise(extra)))
}

/// A folder or file, imported in place or copied.
pub(super) fn folder(path: &str, editable: bool) -> Source {
    let path = PathBuf::from(path);
    if editable { Source::Editable { folder: path } } else { Source::Local { path, content: None } }
}

/// An archive.
pub(super) fn archive(url: &str, hash: Option<&str>) -> Source {
    let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
    let hash = hash.map(|hash| hash.replacen(':', "=", 1));
    let hash = hash.or_else(|| fragment.starts_with("sha256=").then(|| fragment.to_string()));
    Source::Archive { url: without_credentials(url).into(), hash: hash.map(Arc::from) }
}

/// A commit.
pub(super) fn commit(url: &str, commit: &str) -> Source {
    let url = url.split(['#', '?']).next().unwrap_or_default();
    Source::Commit { url: without_credentials(url).into(), commit: commit.into() }
}
