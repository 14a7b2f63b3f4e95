//! `pdm.lock`.

use super::super::distribution::Source;
use super::super::requirement::{Requirement, normalise};
use super::table::{self, Table};
use super::{Lock, LockError, Locked};

pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let document = table::document(text)?;
    let mut lock = Lock::default();
    let metadata = table::inner(&document, "metadata");
    let target = metadata.and_then(|metadata| table::tables(metadata, "targets").next());
    lock.requires_python =
        target.and_then(|target| table::text(target, "requires_python")).map(str::to_string);
    for (nth, entry) in table::tables(&document, "package").enumerate() {
        let mut distribution = table::package(text, entry, nth)?;
        distribution.source = source(entry);
        // An entry with extras stands beside the one without, and needs that one too.
        let extras: Vec<&str> = table::texts(entry, "extras").collect();
        let needs = table::texts(entry, "dependencies").filter_map(Requirement::parse);
        for need in needs.filter(|need| extras.is_empty() || need.name != distribution.name) {
            match extras.as_slice() {
                [] => distribution.requires.push(need),
                extras => {
                    let asked: Vec<_> = extras
                        .iter()
                        .map(|extra| format!("extra == '{}'", normalise(extra)))
                        .collect();
                    distribution.requires.push(need.only_where(&asked.join(" or ")));
                }
            }
        }
        let markers = table::texts(entry, "marker").map(Into::into).collect();
        let requires_python = table::text(entry, "requires_python").map(str::to_string);
        lock.packages.push(Locked { distribution, markers, requires_python });
    }
    Ok(lock)
}

fn source(entry: &Table) -> Source {
    if let Some(git) = table::text(entry, "git") {
        let commit = table::text(entry, "revision").or(table::text(entry, "ref"));
        return table::commit(git, commit.unwrap_or_default());
    }
    if let Some(url) = table::text(entry, "url") {
        return table::archive(
            url,
            table::tables(entry, "files").find_map(|file| table::text(file, "hash")),
        );
    }
    let editable = entry.get("editable").and_then(toml::Value::as_bool) == Some(true);
    table::text(entry, "path").map(|path| table::folder(path, editable)).unwrap_or_default()
}
