//! Fingerprints over an in-memory project: what enters, what does not, what is computed again.

#![allow(clippy::disallowed_methods, reason = "a golden lies in a file")]

use std::sync::Arc;

use qik_db::TestDb;
use qik_fingerprint::{
    Difference, FileChange, Now, StoredNodes, differences, explanation, fingerprint, nodes,
};
use qik_graph::{definition_of, runnable};
use qik_model::{Explanation, Fingerprint};
use qik_toml::TomlSyntax;

mod as_of;
mod changes;
mod golden;
mod remembered;
mod reuse;

const CONFIG: &str = r#"
vars = [{ name = "level", default = "1" }]

[spaces.default]
modules = ["app", "lib"]

[commands.lint]
exec = "lint {module.dir}"
deps = ["{module.dir}/**.py"]

[commands.pack]
exec = "pack --level {ctx.level}"
deps = ["**.py", { type = "val", file = "meta.toml", key = "project.version" }]
artifacts = ["dist"]

[commands.ship]
exec = "ship"
deps = [{ type = "command", name = "pack" }, { type = "const", val = "1" }]
"#;

const FILES: [(&str, &str); 6] = [
    ("app/a.py", "import lib\n"),
    ("app/sub/b.py", "b = 1\n"),
    ("app/notes.txt", "notes\n"),
    ("lib/c.py", "c = 1\n"),
    ("meta.toml", "[project]\nversion = \"1.0\"\nname = \"x\"\n"),
    ("dist/x.tar", "bytes\n"),
];

fn project(config: &str) -> TestDb {
    let mut files = vec![("qik.toml", config)];
    files.extend(FILES);
    TestDb::new(vec![Arc::new(TomlSyntax)], "qik.toml", &files)
}

fn of(test: &TestDb, name: &str) -> Fingerprint {
    let db = &test.db;
    let runnable = runnable(db, name).unwrap_or_else(|| panic!("no {name}"));
    fingerprint(db, runnable).clone().unwrap()
}

fn told(test: &TestDb, name: &str) -> Explanation {
    let db = &test.db;
    explanation(db, runnable(db, name).unwrap()).unwrap()
}

/// Which of these runnables have another fingerprint after `change`.
#[track_caller]
fn check_changes(change: impl FnOnce(&mut TestDb), expected: &[&str]) {
    let all = ["lint@app", "lint@lib", "pack", "ship"];
    let mut test = project(CONFIG);
    let before = all.map(|name| of(&test, name));
    change(&mut test);
    let after = all.map(|name| of(&test, name));
    let changed: Vec<&str> = all
        .into_iter()
        .enumerate()
        .filter(|(i, _)| before[*i] != after[*i])
        .map(|(_, n)| n)
        .collect();
    assert_eq!(changed, expected);
}

fn edit(from: &str, to: &str) -> impl FnOnce(&mut TestDb) {
    assert!(CONFIG.contains(from), "nothing to edit: {from}");
    let config = CONFIG.replace(from, to);
    move |test| test.write("qik.toml", &config)
}

#[test]
fn a_file_counts_for_what_its_globs_mean() {
    check_changes(|t| t.write("app/sub/b.py", "b = 2\n"), &["lint@app", "pack"]);
    check_changes(|t| t.write("app/new.py", ""), &["lint@app", "pack"]);
    check_changes(|t| t.write("app/notes.txt", "other"), &[]);
    check_changes(|t| t.write("app/a.py", "import lib\n"), &[]);
    check_changes(
        |t| {
            t.system.remove("lib/c.py");
            t.sync();
        },
        &["lint@lib", "pack"],
    );
}

#[test]
fn a_moved_file_counts_even_if_its_bytes_are_the_same() {
    check_changes(
        |t| {
            t.system.remove("app/sub/b.py");
            t.write("app/b.py", "b = 1\n");
        },
        &["lint@app", "pack"],
    );
}

#[test]
fn an_exec_bit_counts() {
    use qik_model::FileKind;
    use qik_system::System;
    check_changes(
        |t| {
            t.system.set_kind(&"lib/c.py".into(), FileKind::Executable).unwrap();
            t.sync();
        },
        &["lint@lib", "pack"],
    );
}

#[test]
fn a_value_counts_and_the_rest_of_its_file_does_not() {
    let write = |text: &'static str| move |t: &mut TestDb| t.write("meta.toml", text);
    check_changes(write("[project]\nversion = \"1.1\"\n"), &["pack"]);
    check_changes(write("# moved\n[project]\nversion = \"1.0\"\nname = \"y\"\n"), &[]);
}

#[test]
fn artifacts_of_upstream_count_downstream() {
    check_changes(|t| t.write("dist/x.tar", "other bytes\n"), &["ship"]);
}

#[test]
fn the_definition_counts_and_its_settings_do_not() {
    check_changes(edit("exec = \"pack", "exec = \"pack -v"), &["pack"]);
    check_changes(edit("artifacts = [\"dist\"]", "artifacts = [\"dist\", \"log\"]"), &["pack"]);
    check_changes(edit("val = \"1\"", "val = \"2\""), &["ship"]);
    check_changes(edit("default = \"1\"", "default = \"2\""), &["pack"]);
    check_changes(
        edit(
            "exec = \"ship\"",
            "exec = \"ship\"\ntags = [\"x\"]\ncache = \"repo\"\ntimeout = 5\nretries = 2\nhidden = true\ndescription = \"d\"",
        ),
        &[],
    );
    check_changes(edit("[commands.ship]", "# a remark\n\n[commands.ship]"), &[]);
    check_changes(edit("modules = [\"app\", \"lib\"]", "modules = [\"lib\", \"app\"]"), &[]);
}

#[test]
fn the_order_of_deps_means_nothing() {
    let [one, two] = ["\"a\", \"b\", \"a\"", "\"b\", \"a\""]
        .map(|deps| project(&format!("[commands.x]\nexec = \"x\"\ndeps = [{deps}]\n")));
    assert_eq!(of(&one, "x"), of(&two, "x"));
}

#[track_caller]
fn check_difference(change: impl FnOnce(&mut TestDb), name: &str, expected: &[Difference]) {
    let mut test = project(CONFIG);
    let then = told(&test, name);
    let definition = |test: &TestDb| definition_of(&test.db, name).unwrap().clone();
    let kept = nodes(&test.db, &definition(&test), &|_| false).unwrap();
    let kept: std::collections::BTreeMap<_, _> = kept.into_iter().collect();
    change(&mut test);
    let now = Now::new(&test.db, &definition(&test)).unwrap();
    let found = differences(
        &test.db,
        &now,
        &then,
        &StoredNodes::new(|digest| kept.get(digest).cloned()),
        1,
    );
    assert_eq!(found, expected);
}

#[test]
fn a_difference_names_files_deps_and_variables() {
    use Difference::{Edited, File, Upstream, Value, Variable};
    use FileChange::{Added, Changed, Removed};
    let file = |path: &str, change| File(path.into(), change);
    check_difference(
        |t| t.write("app/sub/b.py", "x"),
        "lint@app",
        &[file("app/sub/b.py", Changed)],
    );
    check_difference(|t| t.write("app/n/n.py", ""), "lint@app", &[file("app/n/n.py", Added)]);
    check_difference(
        |t| {
            t.system.remove("app/sub");
            t.write("app/a.py", "");
        },
        "lint@app",
        &[file("app/a.py", Changed), file("app/sub/b.py", Removed)],
    );
    check_difference(edit("exec = \"ship\"", "exec = \"ship it\""), "ship", &[Edited]);
    check_difference(
        edit("val = \"1\"", "val = \"2\""),
        "ship",
        &[Difference::Deps("1".into()), Difference::Deps("2".into())],
    );
    check_difference(
        |t| t.write("dist/x.tar", ""),
        "ship",
        &[Upstream("pack".into(), Some(("dist/x.tar".into(), Changed)))],
    );
    check_difference(
        |t| t.write("meta.toml", "[project]\nversion = \"2\"\n"),
        "pack",
        &[Value("value", "meta.toml:project.version".into())],
    );
    check_difference(
        edit("default = \"1\"", "default = \"2\""),
        "pack",
        &[Variable(vec!["ctx.level".into()])],
    );
}

#[test]
fn without_the_old_tree_the_set_is_named() {
    let mut test = project(CONFIG);
    let then = told(&test, "lint@lib");
    test.write("lib/c.py", "");
    let now = Now::new(&test.db, definition_of(&test.db, "lint@lib").unwrap()).unwrap();
    let found = differences(&test.db, &now, &then, &StoredNodes::new(|_| None), 1);
    assert_eq!(found, [Difference::SomeFile("lib/**.py".into())]);
}

#[test]
fn what_cannot_be_told_is_an_error_and_no_fingerprint() {
    let mut test = project(CONFIG);
    test.write("meta.toml", "[project]\n");
    let db = &test.db;
    let errors = fingerprint(db, runnable(db, "pack").unwrap()).clone().unwrap_err();
    assert_eq!(errors[0].code, "deps/no-such-key");
    assert!(fingerprint(db, runnable(db, "ship").unwrap()).is_ok());
}
