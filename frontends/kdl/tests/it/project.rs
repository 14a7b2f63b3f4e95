//! Small projects in memory, and what there is to compare of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use qik_config::lower::Lowered;
use qik_db::TestDb;
use qik_kdl::KdlSyntax;
use qik_model::document::{ConfigDocument, Node, Value};
use qik_model::{ConfigSyntax, Severity};
use qik_toml::TomlSyntax;

use crate::snapshot;

/// Files by path.
pub type Files = BTreeMap<String, String>;

/// What a project comes to: its model, its runnables with their fingerprints, its findings.
#[derive(Debug, PartialEq)]
pub struct Meaning {
    pub model: String,
    pub runnables: Vec<(String, String)>,
    pub codes: Vec<&'static str>,
}

/// What `files` mean; names of configurations are told as if all were TOML.
pub fn meaning(files: &Files) -> Meaning {
    let config = ["qik.toml", "qik.kdl", "pyproject.toml"]
        .into_iter()
        .find(|name| files.contains_key(*name))
        .expect("a configuration");
    let listed: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    let test = TestDb::new(vec![Arc::new(TomlSyntax), Arc::new(KdlSyntax)], config, &listed);
    let db = &test.db;
    let lowered = Lowered {
        project: qik_config::project(db).clone(),
        diagnostics: Vec::new(),
        files: qik_config::config_files(db).clone(),
    };
    let mut codes: Vec<&str> = qik_config::diagnostics(db).iter().map(|found| found.code).collect();
    codes.sort_unstable();
    // A path that is none may stand for the folder of the configuration, which counts by its name then.
    let is_right = !codes.contains(&"config/bad-path");
    let runnables = qik_graph::runnables(db).by_name.keys().map(|name| {
        let fingerprint = qik_graph::runnable(db, name).filter(|_| is_right).map(|runnable| {
            let found = qik_fingerprint::fingerprint(db, runnable);
            found.as_ref().map_or_else(|_| "none".to_string(), |found| format!("{found:?}"))
        });
        (name.to_string(), fingerprint.unwrap_or_default())
    });
    let model = snapshot::project(&lowered);
    let model = model.replace("pyproject.toml", "qik.toml").replace(".kdl", ".toml");
    Meaning { model, runnables: runnables.collect(), codes }
}

/// The text of a file in the other format.
pub fn converted(file: &str, text: &str) -> String {
    let (from, to) = syntaxes(file);
    qik_config::convert(&file.into(), text.as_bytes(), from, to)
        .unwrap_or_else(|found| panic!("{file}: {found:?}"))
}

/// The format of a file and the other one.
pub fn syntaxes(file: &str) -> (&'static dyn ConfigSyntax, &'static dyn ConfigSyntax) {
    if file.ends_with(".kdl") { (&KdlSyntax, &TomlSyntax) } else { (&TomlSyntax, &KdlSyntax) }
}

/// What a file is called in the other format.
pub fn renamed(file: &str) -> String {
    match file.strip_suffix(".kdl") {
        Some(stem) => format!("{stem}.toml"),
        None => file.replace("pyproject.toml", "qik.kdl").replace(".toml", ".kdl"),
    }
}

/// A document with the names of included files as they are in the other format.
pub fn with_renamed_includes(mut document: ConfigDocument) -> ConfigDocument {
    let include = document.root.entries.iter_mut().find(|entry| entry.key == "include");
    if let Some(Node { value: Value::List(items), .. }) = include.map(|entry| &mut entry.value) {
        for item in items {
            if let Value::Str(path) = &mut item.value {
                *path = renamed(path);
            }
        }
    }
    document
}

/// Parses what must be in order.
#[track_caller]
pub fn parse(file: &str, text: &str) -> ConfigDocument {
    let parsed = syntaxes(file).0.parse(file.into(), text);
    let errors = parsed.diagnostics.iter().filter(|found| found.severity == Severity::Error);
    assert_eq!(errors.collect::<Vec<_>>(), [] as [&qik_model::Diagnostic; 0], "{text}");
    parsed.value
}

/// The good projects of `testdata`, by name: their configurations, and for the shop all files.
pub fn good() -> Vec<(String, Files)> {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    let mut projects = Vec::new();
    for entry in std::fs::read_dir(house.join("config/good")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        let mut files = Files::new();
        if path.is_dir() {
            collect(&path, "", &mut files);
        } else if let Some(format) = name.strip_suffix(".toml").map(|_| "toml") {
            files.insert(format!("qik.{format}"), std::fs::read_to_string(&path).unwrap());
        } else {
            continue;
        }
        projects.push((name, files));
    }
    let mut shop = Files::new();
    collect(&house.join("shop"), "", &mut shop);
    projects.push(("shop".into(), shop));
    projects
}

fn collect(root: &Path, folder: &str, files: &mut Files) {
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        // What a run leaves behind is no part of the project.
        if ["._qik", "dist"].contains(&path.as_str()) || path.ends_with("__pycache__") {
            continue;
        }
        if root.join(&path).is_dir() {
            collect(root, &path, files);
        } else {
            files.insert(path.clone(), std::fs::read_to_string(root.join(&path)).unwrap());
        }
    }
}

/// Whether a file of a project is a configuration of qik.
pub fn is_config(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    matches!(name, "qik.toml" | "qik.kdl" | "pyproject.toml") || path.starts_with("ci/")
}
