//! Another state of the project, asked about in the database of this one.

use std::collections::BTreeSet;
use std::sync::Arc;

use qik_db::{Database, TestDb};
use qik_fingerprint::{Inputs, fingerprint};
use qik_graph::runnable;
use qik_model::{Fingerprint, RelPath};
use qik_python::facts_store;
use qik_system::{System, TreeEntry, WorkTree};
use qik_toml::TomlSyntax;

const CONFIG: &str = r#"
spaces.default.modules = ["app", "lib"]

[commands.lint]
exec = "lint {module.dir}"
deps = ["{module.dir}/**.py"]

[commands.test]
exec = "test {module.name}"
deps = [{ type = "pygraph", pyimport = "{module.pyimport}" }]

[commands.version]
exec = "echo"
deps = [{ type = "val", key = "v", file = "meta.toml" }]
"#;

const ALL: [&str; 5] = ["lint@app", "lint@lib", "test@app", "test@lib", "version"];

fn state(config: &str, files: &[(&str, &str)]) -> TestDb {
    let files: Vec<_> = [("qik.toml", config)].into_iter().chain(files.iter().copied()).collect();
    TestDb::new(vec![Arc::new(TomlSyntax)], "qik.toml", &files)
}

fn fingerprints(db: &Database) -> Vec<Option<Fingerprint>> {
    let of = |name: &&str| fingerprint(db, runnable(db, name)?).clone().ok();
    ALL.iter().map(of).collect()
}

fn folders(of: &TestDb) -> Vec<(RelPath, Arc<[TreeEntry]>)> {
    let door: Arc<dyn System> = of.system.clone();
    let delta = WorkTree::open(door, Default::default()).scan();
    delta.folders.into_iter().filter_map(|(path, entries)| Some((path, entries?))).collect()
}

/// What is asked of another state is what a database of its own says of it, and nothing of it is left.
#[track_caller]
fn check(now: (&str, &[(&str, &str)]), then: (&str, &[(&str, &str)])) {
    let (mut now, then) = (state(now.0, now.1), state(then.0, then.1));
    let (before, expected) = (fingerprints(&now.db), fingerprints(&then.db));
    assert_ne!(before, expected, "the states are two");
    for _ in 0..2 {
        let found = now.db.as_of(then.system.clone(), folders(&then), fingerprints);
        assert_eq!(found, expected);
        assert_eq!(fingerprints(&now.db), before);
    }
    now.write("lib/part.py", "import app.api, nothing\n");
    let fresh = now.reopened();
    assert_eq!(fingerprints(&now.db), fingerprints(&fresh.db), "a session goes on");
}

const FILES: [(&str, &str); 4] = [
    ("app/api.py", "import lib.part\n"),
    ("lib/part.py", ""),
    ("lib/other.py", ""),
    ("meta.toml", "v = 1\n"),
];

#[test]
fn another_state_is_told_as_by_a_database_of_its_own() {
    let body = [FILES[0], ("lib/part.py", "x = 1\n"), FILES[2], FILES[3]];
    check((CONFIG, &FILES), (CONFIG, &body));
    let import = [("app/api.py", "import lib.other\n"), FILES[1], FILES[2], FILES[3]];
    check((CONFIG, &FILES), (CONFIG, &import));
    check((CONFIG, &FILES[..2]), (CONFIG, &FILES));
    check((CONFIG, &FILES), (CONFIG, &FILES[1..3]));
    let value = [FILES[0], FILES[1], FILES[2], ("meta.toml", "v = 2\n")];
    check((CONFIG, &FILES), (CONFIG, &value));
    check((CONFIG, &FILES), (&CONFIG.replace("lint {", "ruff {"), &FILES));
    check((CONFIG, &FILES), ("commands.version.exec = 'x'", &FILES));
    let broken = [("app/api.py", "import (\n"), FILES[1], FILES[2], FILES[3]];
    check((CONFIG, &FILES), (CONFIG, &broken));
}

#[test]
fn a_file_that_only_the_other_state_asks_for_is_that_of_each_state() {
    // Not beside the configuration: what lies there is read anew with it.
    let other = CONFIG.replace("meta.toml", "apart/other.toml");
    let file = |text| [FILES[0], FILES[1], FILES[2], FILES[3], ("apart/other.toml", text)];
    let (mut now, then) = (state(CONFIG, &file("v = 5\n")), state(&other, &file("v = 6\n")));
    fingerprints(&now.db);
    now.db.as_of(then.system.clone(), folders(&then), fingerprints);
    now.write("qik.toml", &other);
    let fresh = now.reopened();
    assert_eq!(fingerprints(&now.db), fingerprints(&fresh.db));
}

#[test]
fn what_is_the_same_in_both_is_not_computed_again() {
    let (mut now, then) = (state(CONFIG, &FILES), {
        let body = [FILES[0], ("lib/part.py", "x = 1\n"), FILES[2], FILES[3]];
        state(CONFIG, &body)
    });
    let inputs = |db: &Database| ALL.map(|name| Inputs::of(db, name).unwrap());
    let before = inputs(&now.db);
    let (after, ran) =
        now.executed_by(|db| db.as_of(then.system.clone(), folders(&then), |db| inputs(db)));
    let differ: Vec<&str> = ALL
        .into_iter()
        .zip(before.iter().zip(&after))
        .filter(|(_, (one, other))| one.differ(other, &|_| true))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(differ, ["lint@lib", "test@app", "test@lib"]);
    let expected = ["closure_digest", "contents", "digests", "files", "folder_facts", "graph_id"];
    let ran: BTreeSet<&str> = ran.iter().map(|query| &**query).collect();
    assert_eq!(ran, BTreeSet::from(expected));
}

#[test]
fn the_next_process_resolves_neither_state_again() {
    let (mut now, then) = (state(CONFIG, &FILES), state(CONFIG, &FILES[..2]));
    let look = |now: &mut TestDb| {
        let store = facts_store(&now.db);
        let (_, ran) = now.executed_by(|db| {
            fingerprints(db);
            db.as_of(then.system.clone(), folders(&then), fingerprints);
        });
        store.save().unwrap();
        ran.iter().filter(|query| *query == "folder_facts").count()
    };
    assert_ne!(look(&mut now), 0);
    assert_eq!(look(&mut now.reopened()), 0);
    // A commit later the graph of then is that of the process before.
    now.write("app/new.py", "import lib\n");
    let then = state(CONFIG, &FILES);
    let mut next = now.reopened();
    fingerprints(&next.db);
    let (_, ran) = next.executed_by(|db| {
        db.as_of(then.system.clone(), folders(&then), fingerprints);
    });
    assert!(!ran.iter().any(|query| query == "folder_facts"), "{ran:?}");
}
