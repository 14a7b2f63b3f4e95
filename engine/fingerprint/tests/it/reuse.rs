//! What is computed again after a change, and what is not.

use super::{CONFIG, edit, of, project};
use qik_db::TestDb;

const ALL: [&str; 4] = ["lint@app", "lint@lib", "pack", "ship"];

/// The queries of this room and the graph's that run after `change`, counted by name.
fn ran(change: impl FnOnce(&mut TestDb)) -> Vec<(String, usize)> {
    let mut test = project(CONFIG);
    for name in ALL {
        of(&test, name);
    }
    change(&mut test);
    let (_, queries) = test.executed(|_| ALL.map(|name| of(&test, name)));
    let mut counts = std::collections::BTreeMap::new();
    for query in queries {
        *counts.entry(query).or_insert(0) += 1;
    }
    let ours = ["files", "files_in", "fingerprint", "definition", "runnables"];
    counts.into_iter().filter(|(name, _)| ours.contains(&name.as_str())).collect()
}

#[track_caller]
fn check(change: impl FnOnce(&mut TestDb), expected: &[(&str, usize)]) {
    let ran = ran(change);
    let ran: Vec<(&str, usize)> = ran.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(ran, expected);
}

#[test]
fn nothing_is_computed_again_where_nothing_changed() {
    check(|_| {}, &[]);
    check(|t| t.write("app/a.py", "import lib\n"), &[]);
}

#[test]
fn an_edit_reaches_the_folders_above_it_and_what_depends_on_them() {
    // For lint and pack; neither lib nor ship.
    check(|t| t.write("app/sub/b.py", "b = 2\n"), &[("files", 2), ("fingerprint", 2)]);
}

#[test]
fn a_file_of_no_concern_stops_at_its_folder() {
    // The folder's listing is looked at again, for each set of globs; the set is the same.
    check(|t| t.write("app/notes.txt", "other"), &[("files", 2)]);
}

#[test]
fn of_a_large_tree_only_a_part_is_looked_at_again() {
    let mut test = project("[commands.all]\nexec = \"all\"\ndeps = [\"wide/**.py\"]\n");
    for folder in 0..200 {
        test.write(&format!("wide/f{folder:03}/a.py"), "");
    }
    let before = of(&test, "all");
    test.write("wide/f150/a.py", "a = 1\n");
    let (after, ran) = test.executed(|_| of(&test, "all"));
    assert_ne!(after, before);
    // The one folder, and the set, whose query looks into the first folders.
    let looks = ran.iter().filter(|query| query.starts_with("files"));
    assert_eq!(looks.collect::<Vec<_>>(), ["files_in", "files"]);
}

#[test]
fn an_edited_command_leaves_the_others_alone() {
    // `files`: the configuration lies in the project folder, which `**.py` of pack looks into.
    check(
        edit("exec = \"ship\"", "exec = \"ship it\""),
        &[("definition", 1), ("files", 1), ("fingerprint", 1), ("runnables", 1)],
    );
}

#[test]
fn a_remark_in_the_configuration_changes_no_definition() {
    check(edit("[commands.ship]", "# a remark\n\n[commands.ship]"), &[("files", 1)]);
}

#[test]
fn a_change_of_imports_makes_no_fingerprint_again_but_of_what_reaches_it() {
    let mut test = project(
        "[commands.a]\nexec = \"a\"\ndeps = [{ type = \"pygraph\", pyimport = \"app\" }]\n\
         [commands.b]\nexec = \"b\"\ndeps = [{ type = \"pygraph\", pyimport = \"lib\" }]\n",
    );
    let ask = |test: &TestDb| {
        let (_, ran) = test.executed(|_| (of(test, "a"), of(test, "b")));
        ran.iter().filter(|query| *query == "fingerprint").count()
    };
    assert_eq!(ask(&test), 2);
    assert_eq!(ask(&test), 0);
    test.write("app/a.py", "import elsewhere\n");
    assert_eq!(ask(&test), 1);
    test.write("lib/c.py", "");
    assert_eq!(ask(&test), 1);
    test.write("app/a.py", "import lib.c\n");
    assert_eq!(ask(&test), 1);
    test.write("lib/c.py", "x = 1\n");
    assert_eq!(ask(&test), 2);
    test.write("notes.txt", "x = 1\n");
    assert_eq!(ask(&test), 0);
}
