//! A third format is a front-end of a page: it is handed to the session, and all that knows
//! configurations knows it.

#![allow(clippy::disallowed_methods, reason = "tests look at the files behind the door")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use qik_session::model::document::{ConfigDocument, Entry, Node, Notation, Table, Value};
use qik_session::model::{ConfigSyntax, Diagnostic, Parsed, Place, Span};
use qik_session::{OpenOptions, Session, Telling, any_error, convert};
use serde_json::Value as Json;
use tempfile::TempDir;

/// A project in a folder of its own.
struct Project {
    _folder: TempDir,
    root: PathBuf,
}

impl Project {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let root = folder.path().to_path_buf();
        let git = Command::new("git").args(["init", "-q"]).arg(&root).status();
        assert!(git.unwrap().success());
        Self { _folder: folder, root }
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }
}

/// `qik.json`, without places: a toy.
#[derive(Debug)]
struct JsonSyntax;

impl ConfigSyntax for JsonSyntax {
    fn name(&self) -> &'static str {
        "json"
    }

    fn file_names(&self) -> &'static [&'static str] {
        &["qik.json"]
    }

    fn is_config(&self, file_name: &str, _text: &str) -> bool {
        file_name == "qik.json"
    }

    fn parse(&self, file: Arc<str>, text: &str) -> Parsed<ConfigDocument> {
        let span = Span { file, start: 0, end: text.len() };
        let document = |root| ConfigDocument { root, span: span.clone(), notation: Notation::Keys };
        match serde_json::from_str(text) {
            Ok(Json::Object(map)) => {
                Parsed { value: document(table(&map, &span)), diagnostics: vec![] }
            }
            other => {
                let report = Diagnostic::error("config/syntax", "the file is not valid JSON").at(
                    Place::Span(span.clone()),
                    other.err().map_or("no object".into(), |e| e.to_string()),
                );
                Parsed { value: document(Table::default()), diagnostics: vec![report] }
            }
        }
    }
}

fn table(map: &serde_json::Map<String, Json>, span: &Span) -> Table {
    let entry = |(key, value): (&String, &Json)| Entry {
        key: key.clone(),
        key_span: span.clone(),
        value: node(value, span),
    };
    Table { entries: map.iter().map(entry).collect() }
}

fn node(json: &Json, span: &Span) -> Node {
    let value = match json {
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number.as_i64().map_or(Value::Float(f64::NAN), Value::Int),
        Json::String(text) => Value::Str(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(|item| node(item, span)).collect()),
        Json::Object(map) => Value::Table(table(map, span)),
        Json::Null => Value::Str(String::new()),
    };
    Node { value, span: span.clone() }
}

/// A session with all three formats.
fn open(project: &Project, flags: &[(&str, &str)]) -> Result<Session, Diagnostic> {
    Session::open(OpenOptions {
        cwd: Some(project.root.clone()),
        config: None,
        flags: flags.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        syntaxes: vec![
            Arc::new(qik_toml::TomlSyntax),
            Arc::new(qik_kdl::KdlSyntax),
            Arc::new(JsonSyntax),
        ],
    })
}

const JSON: &str = r#"{
    "include": ["more.kdl"],
    "spaces": { "default": { "modules": ["api"] } },
    "commands": { "lint": { "exec": "echo linted", "deps": ["src.txt"] } }
}"#;

#[test]
fn a_third_format_runs_includes_and_is_included() {
    let project = Project::new();
    project.write("qik.json", JSON).write("src.txt", "1\n");
    project.write("more.kdl", "include \"last.toml\"\ncommand \"b\" \"echo b\"\n");
    project.write("last.toml", "[commands]\nc = \"echo c\"\n");
    project.write("api/qik.json", r#"{ "commands": { "test": "echo api" } }"#);
    let mut session = open(&project, &[]).unwrap();
    assert_eq!(session.diagnostics(), []);
    let prepared = session.prepare(Telling::Nothing).unwrap();
    let names: Vec<&str> = prepared.plan.runnables.iter().map(|one| &**one.name()).collect();
    assert_eq!(names, ["api/test", "b", "c", "lint"]);
    let report = session.run(&prepared, &mut |event| drop(event));
    assert_eq!(report.code(), 0);
}

#[test]
fn its_slips_are_told_like_those_of_the_others() {
    let project = Project::new();
    project.write("qik.json", r#"{ "commands": { "lint": { "exce": "x" } } }"#);
    let found = open(&project, &[]).unwrap().diagnostics();
    assert!(any_error(&found));
    assert!(found.iter().any(|one| one.code == "config/unknown-key"), "{found:?}");
    project.write("qik.kdl", "command \"a\" \"x\"\n");
    assert_eq!(open(&project, &[]).unwrap_err().code, "config/two-configs");
}

#[test]
fn it_is_converted_to_the_others_and_says_that_it_is_not_written() {
    let file: Arc<str> = "qik.json".into();
    let kdl = convert(&file, JSON.as_bytes(), &JsonSyntax, &qik_kdl::KdlSyntax).unwrap();
    assert!(
        kdl.contains("command \"lint\" {\n    exec \"echo linted\"\n    dep \"src.txt\"\n}"),
        "{kdl}"
    );
    let found =
        convert(&"qik.kdl".into(), kdl.as_bytes(), &qik_kdl::KdlSyntax, &JsonSyntax).unwrap_err();
    assert_eq!(found[0].code, "config/not-written");
}
