//! `uv.lock`: one resolution for all platforms, with forks told apart by `resolution-markers`.

use super::super::distribution::Source;
use super::super::requirement::Requirement;
use super::table::{self, Table};
use super::{Lock, LockError, Locked};

pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let document = table::document(text)?;
    let mut lock = Lock { all_if_none: true, ..Lock::default() };
    lock.requires_python = table::text(&document, "requires-python").map(str::to_string);
    for (nth, entry) in table::tables(&document, "package").enumerate() {
        let mut distribution = table::package(text, entry, nth)?;
        distribution.source =
            table::inner(entry, "source").map(|from| source(from, entry)).unwrap_or_default();
        distribution.requires = needs(entry, "dependencies").collect();
        for (extra, _) in table::inner(entry, "optional-dependencies").into_iter().flatten() {
            let optional = table::inner(entry, "optional-dependencies");
            let needs = optional.into_iter().flat_map(|table| needs(table, extra));
            distribution.requires.extend(needs.map(|one| table::with_extra(one, extra)));
        }
        if let Some(groups) = table::inner(entry, "dev-dependencies") {
            lock.roots.extend(groups.keys().flat_map(|group| needs(groups, group)));
        }
        let markers = table::texts(entry, "resolution-markers").map(Into::into).collect();
        lock.packages.push(Locked { distribution, markers, requires_python: None });
    }
    if let Some(manifest) = table::inner(&document, "manifest") {
        lock.roots.extend(needs(manifest, "requirements"));
    }
    Ok(lock)
}

fn needs<'a>(table: &'a Table, key: &'a str) -> impl Iterator<Item = Requirement> + 'a {
    table::tables(table, key).filter_map(|one| {
        let extras = table::texts(one, "extra").chain(table::texts(one, "extras"));
        Some(table::requirement(table::text(one, "name")?, extras, table::text(one, "marker")))
    })
}

fn source(from: &Table, entry: &Table) -> Source {
    let has = |key: &str| table::text(from, key);
    if let Some(git) = has("git") {
        let commit = git.rsplit_once('#').map_or("", |(_, commit)| commit);
        return table::commit(git, commit);
    }
    if let Some(url) = has("url") {
        let sdist = table::inner(entry, "sdist").into_iter();
        let mut files = sdist.chain(table::tables(entry, "wheels"));
        return table::archive(url, files.find_map(|file| table::text(file, "hash")));
    }
    if let Some(path) = has("editable").or(has("virtual")) {
        return table::folder(path, true);
    }
    has("directory").or(has("path")).map(|path| table::folder(path, false)).unwrap_or_default()
}
