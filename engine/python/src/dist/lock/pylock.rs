//! `pylock.toml` (PEP 751).

use super::super::distribution::Source;
use super::table::{self, Table};
use super::{Lock, LockError, Locked};

pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let document = table::document(text)?;
    let requires_python = table::text(&document, "requires-python").map(str::to_string);
    let mut lock = Lock { requires_python, ..Lock::default() };
    for (nth, entry) in table::tables(&document, "packages").enumerate() {
        let mut distribution = table::package(text, entry, nth)?;
        distribution.source = source(entry);
        let needs = table::tables(entry, "dependencies").filter_map(|one| table::text(one, "name"));
        distribution.requires =
            needs.map(|name| table::requirement(name, std::iter::empty(), None)).collect();
        let markers = table::texts(entry, "marker").map(Into::into).collect();
        let requires_python = table::text(entry, "requires-python").map(str::to_string);
        lock.packages.push(Locked { distribution, markers, requires_python });
    }
    Ok(lock)
}

fn source(entry: &Table) -> Source {
    let at = |table: &Table| {
        table::text(table, "url").or(table::text(table, "path")).unwrap_or_default().to_string()
    };
    if let Some(vcs) = table::inner(entry, "vcs") {
        return table::commit(&at(vcs), table::text(vcs, "commit-id").unwrap_or_default());
    }
    if let Some(directory) = table::inner(entry, "directory") {
        let editable = directory.get("editable").and_then(toml::Value::as_bool);
        return table::folder(&at(directory), editable == Some(true));
    }
    if let Some(archive) = table::inner(entry, "archive") {
        let hash = table::inner(archive, "hashes").and_then(|hashes| table::text(hashes, "sha256"));
        let hash = hash.map(|hash| format!("sha256={hash}"));
        return match table::text(archive, "url") {
            Some(url) => table::archive(url, hash.as_deref()),
            None => table::folder(&at(archive), false),
        };
    }
    Source::Index
}
