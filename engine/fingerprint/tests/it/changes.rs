//! All queries that run for each kind of change, whatever room they are of: what a session that watches
//! computes between a saved file and the decision.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_db::TestDb;
use qik_toml::TomlSyntax;

use super::of;

const CONFIG: &str = r#"
spaces.default.modules = ["app", "lib"]

[commands.lint]
exec = "lint {module.dir}"
deps = ["{module.dir}/**.py"]

[commands.test]
exec = "test {module.name}"
deps = [{ type = "pygraph", pyimport = "{module.pyimport}" }]

[commands.serve]
exec = "serve"
deps = [{ type = "pydist", name = "web" }]
"#;

/// `app` stands on `lib` and on what is installed.
const FILES: [(&str, &str); 6] = [
    ("qik.toml", CONFIG),
    ("requirements.txt", "web==1.0\n"),
    ("app/__init__.py", ""),
    ("app/api.py", "import lib.part, web\n"),
    ("lib/part.py", ""),
    ("lib/other.py", ""),
];

const ALL: [&str; 5] = ["lint@app", "lint@lib", "serve", "test@app", "test@lib"];

/// Which runnables are affected by `change`, and which queries run to find that out, each with how
/// often.
#[track_caller]
fn check(change: impl FnOnce(&mut TestDb), affected: &[&str], expected: &[(&str, usize)]) {
    let mut test = TestDb::new(vec![Arc::new(TomlSyntax)], "qik.toml", &FILES);
    let ask = |test: &TestDb| test.executed(|_| ALL.map(|name| of(test, name)));
    let (before, _) = ask(&test);
    change(&mut test);
    let (after, ran) = ask(&test);
    let differs = |at: &usize| before[*at] != after[*at];
    let found: Vec<&str> = (0..ALL.len()).filter(differs).map(|at| ALL[at]).collect();
    assert_eq!(found, affected);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    ran.iter().for_each(|query| *counts.entry(query).or_default() += 1);
    assert_eq!(counts, expected.iter().copied().collect());
    assert_eq!(ask(&test).1, Vec::<String>::new(), "nothing more to find out");
}

#[test]
fn the_body_of_a_file_is_edited() {
    check(|t| t.write("lib/part.py", "x = 1\n"), &["lint@lib", "test@app", "test@lib"], &[]);
}

#[test]
fn an_import_is_added() {
    check(
        |t| t.write("app/api.py", "import lib.part, lib.other, web\n"),
        &["lint@app", "test@app"],
        &[],
    );
}

#[test]
fn a_file_is_added() {
    check(|t| t.write("lib/new.py", ""), &["lint@lib", "test@lib"], &[]);
}

#[test]
fn a_file_is_deleted() {
    check(
        |t| {
            t.system.remove("lib/other.py");
            t.sync();
        },
        &["lint@lib", "test@lib"],
        &[],
    );
}

#[test]
fn a_command_is_edited() {
    let config = CONFIG.replace("serve\"\n", "serve -v\"\n");
    check(|t| t.write("qik.toml", &config), &["serve"], &[]);
}

#[test]
fn a_distribution_is_upgraded() {
    check(|t| t.write("requirements.txt", "web==1.1\n"), &["serve", "test@app"], &[]);
}
