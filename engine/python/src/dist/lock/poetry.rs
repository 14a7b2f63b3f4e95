//! `poetry.lock`.

use super::super::distribution::Source;
use super::super::python::caret;
use super::super::requirement::Requirement;
use super::table::{self, Table};
use super::{Lock, LockError, Locked};

pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let document = table::document(text)?;
    let requires_python = table::inner(&document, "metadata")
        .and_then(|metadata| table::text(metadata, "python-versions"))
        .filter(|versions| *versions != "*")
        .map(caret);
    let mut lock = Lock { requires_python, ..Lock::default() };
    for (nth, entry) in table::tables(&document, "package").enumerate() {
        let mut distribution = table::package(text, entry, nth)?;
        distribution.source = table::inner(entry, "source").map(source).unwrap_or_default();
        for (name, value) in table::inner(entry, "dependencies").into_iter().flatten() {
            let one = value.as_table().into_iter();
            let all =
                one.chain(value.as_array().into_iter().flatten().filter_map(toml::Value::as_table));
            distribution
                .requires
                .extend(all.filter(|one| !is_optional(one)).map(|one| need(name, one)));
            if value.is_str() {
                distribution.requires.push(table::requirement(name, std::iter::empty(), None));
            }
        }
        let extras = table::inner(entry, "extras");
        for (extra, _) in extras.into_iter().flatten() {
            let needs = extras.into_iter().flat_map(|extras| table::texts(extras, extra));
            let needs = needs.filter_map(Requirement::parse);
            distribution.requires.extend(needs.map(|one| table::with_extra(one, extra)));
        }
        let markers = match table::inner(entry, "markers") {
            Some(by_group) => {
                by_group.values().filter_map(toml::Value::as_str).map(Into::into).collect()
            }
            None => table::texts(entry, "markers").map(Into::into).collect(),
        };
        let requires_python =
            table::text(entry, "python-versions").filter(|versions| *versions != "*");
        let requires_python = requires_python.map(str::to_string);
        lock.packages.push(Locked { distribution, markers, requires_python });
    }
    Ok(lock)
}

/// Optional ones are named again under their extra.
fn is_optional(need: &Table) -> bool {
    need.get("optional").and_then(toml::Value::as_bool) == Some(true)
}

fn need(name: &str, table: &Table) -> Requirement {
    table::requirement(name, table::texts(table, "extras"), table::text(table, "markers"))
}

fn source(from: &Table) -> Source {
    let url = table::text(from, "url").unwrap_or_default();
    match table::text(from, "type") {
        Some("git") => {
            let commit = table::text(from, "resolved_reference").or(table::text(from, "reference"));
            table::commit(url, commit.unwrap_or_default())
        }
        Some("url") => table::archive(url, None),
        // Whether `develop = true` is only said in `pyproject.toml`; its content counts either way.
        Some("directory") => table::folder(url, true),
        Some("file") => table::folder(url, false),
        _ => Source::Index,
    }
}
