//! `Pipfile.lock`: flat, no word about what needs what.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::distribution::{Distribution, Source};
use super::super::requirement::{Requirement, normalise};
use super::{Lock, LockError, Locked, table};

pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let document: Map<String, Value> = serde_json::from_str(text).map_err(|error| LockError {
        message: error.to_string(),
        span: None,
        line: Some(error.line()),
    })?;
    let mut lock = Lock::default();
    let requires = document.get("_meta").and_then(|meta| meta.get("requires"));
    let python = ["python_full_version", "python_version"]
        .iter()
        .find_map(|key| requires?.get(key)?.as_str());
    lock.requires_python = python.map(|version| format!("=={version}.*"));
    if let Some(full) = python.filter(|version| version.matches('.').count() > 1) {
        lock.requires_python = Some(format!("=={full}"));
    }
    let mut seen = BTreeSet::new();
    let sections = document
        .iter()
        .filter(|(key, _)| *key != "_meta")
        .filter_map(|(_, value)| value.as_object());
    for (name, entry) in sections.flatten() {
        let Some(entry) = entry.as_object() else { continue };
        let get = |key: &str| entry.get(key).and_then(Value::as_str);
        let version = get("version").unwrap_or_default().trim_start_matches('=').to_string();
        if !seen.insert((name.clone(), version.clone())) {
            continue;
        }
        let extras = entry.get("extras").and_then(Value::as_array).into_iter().flatten();
        let extras: Vec<&str> = extras.filter_map(Value::as_str).collect();
        if !extras.is_empty() {
            let Requirement { name, extras, .. } =
                table::requirement(name, extras.into_iter(), None);
            lock.roots.push(Requirement { name, extras, marker: None });
        }
        let distribution = Distribution {
            name: normalise(name),
            version: version.into(),
            imports: Vec::new(),
            requires: Vec::new(),
            source: source(entry),
        };
        let markers = get("markers").into_iter().map(Into::into).collect();
        lock.packages.push(Locked { distribution, markers, requires_python: None });
    }
    Ok(lock)
}

fn source(entry: &Map<String, Value>) -> Source {
    let get = |key: &str| entry.get(key).and_then(Value::as_str);
    if let Some(git) = get("git") {
        return table::commit(git, get("ref").unwrap_or_default());
    }
    let editable = entry.get("editable").and_then(Value::as_bool) == Some(true);
    match (get("path"), get("file").or(get("url"))) {
        (Some(path), _) => table::folder(path, editable),
        (None, Some(url)) if url.contains("://") => table::archive(url, None),
        (None, Some(path)) => table::folder(path, editable),
        (None, None) => Source::Index,
    }
}
