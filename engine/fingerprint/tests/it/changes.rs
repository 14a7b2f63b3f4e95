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
    check(
        |t| t.write("lib/part.py", "x = 1\n"),
        &["lint@lib", "test@app", "test@lib"],
        &[
            ("closure_digest", 2),
            ("contents", 1),
            ("digests", 1),
            ("files", 1),
            ("fingerprint", 3),
            ("folder_facts", 1),
            ("graph_id", 1),
        ],
    );
}

#[test]
fn an_import_is_added() {
    check(
        |t| t.write("app/api.py", "import lib.part, lib.other, web\n"),
        &["lint@app", "test@app"],
        &[
            ("closure_digest", 2),
            ("closure_of", 2),
            ("contents", 1),
            ("digests", 1),
            ("files", 1),
            ("fingerprint", 2),
            ("folder_facts", 1),
            ("graph_id", 1),
            ("graph_of", 1),
            ("owners_of", 1),
        ],
    );
}

/// A file that came or went may be what any import means.
const LAYOUT: [(&str, usize); 16] = [
    ("closure_digest", 2),
    ("closure_of", 2),
    ("contents", 1),
    ("digests", 1),
    ("files", 1),
    ("fingerprint", 3),
    ("folder_facts", 1),
    ("folder_listing", 1),
    ("folders_of", 1),
    ("graph_id", 1),
    ("graph_of", 1),
    ("layout_id", 1),
    ("layout_of", 1),
    ("links_of", 1),
    ("outside_needs", 2),
    ("owners_of", 1),
];

#[test]
fn a_file_is_added() {
    check(|t| t.write("lib/new.py", ""), &["lint@lib", "test@lib"], &LAYOUT);
}

#[test]
fn a_file_is_deleted() {
    check(
        |t| {
            t.system.remove("lib/other.py");
            t.sync();
        },
        &["lint@lib", "test@lib"],
        &LAYOUT,
    );
}

#[test]
fn a_command_is_edited() {
    let config = CONFIG.replace("serve\"\n", "serve -v\"\n");
    check(
        |t| t.write("qik.toml", &config),
        &["serve"],
        &[
            ("base", 1),
            ("command_named", 3),
            ("definition", 1),
            ("contents", 1),
            ("digests", 1),
            ("fingerprint", 3),
            ("folder_facts", 1),
            ("graph_id", 1),
            ("lowered", 1),
            ("module_places", 1),
            ("place", 5),
            ("profile", 1),
            ("project", 1),
            ("pydist_config", 1),
            ("runnables", 1),
            ("settings", 1),
            ("source_document", 1),
            ("space_named", 1),
            ("variable_value", 1),
        ],
    );
}

#[test]
fn a_distribution_is_upgraded() {
    check(
        |t| t.write("requirements.txt", "web==1.1\n"),
        &["serve", "test@app"],
        &[
            ("contents", 1),
            ("digests", 1),
            ("distribution_needs", 1),
            ("fingerprint", 3),
            ("folder_facts", 1),
            ("graph_id", 1),
            ("lines_of", 1),
            ("outside_needs", 2),
            ("owners_of", 1),
            ("packages_of", 1),
        ],
    );
}
