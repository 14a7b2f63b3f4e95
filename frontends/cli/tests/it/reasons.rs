//! Why something is cold, in one line, and the whole of it by `qik why`.

use crate::project::Project;

const CONFIG: &str = r#"
vars = ["mode"]

[ctx.default.project]
mode = "fast"

[commands.a]
exec = "note; cat src/*; echo {ctx.mode}"
deps = [
    "src",
    { type = "env", name = "FOO" },
    { type = "val", file = "release.toml", key = "release.version" },
    { type = "exec", run = "cat tool.txt" },
    { type = "load", path = "uses.json" },
]
"#;

fn project() -> Project {
    let project = Project::new(CONFIG);
    project.write("src/a.txt", "1\n").write("src/b.txt", "1\n").write("tool.txt", "tool 1\n");
    project.write("release.toml", "other = 1\n[release]\nversion = \"1.0\"\n");
    project.write("uses.json", "{\"globs\": [\"lib\"]}").write("lib/l.txt", "1\n");
    project
}

fn reason_in(project: &Project, env: &[(&str, &str)]) -> Option<String> {
    let told = project.qik_in("a --ls --format json", env);
    let all: serde_json::Value = serde_json::from_slice(&told.exits(0).stdout).unwrap();
    all[0]["reason"].as_str().map(str::to_owned)
}

/// Runs once, changes something, and asks why it is cold.
#[track_caller]
fn check(change: impl Fn(&Project), reason: &str) {
    let project = project();
    project.qik("a").exits(0);
    assert_eq!(reason_in(&project, &[]), None, "it is warm");
    change(&project);
    assert_eq!(reason_in(&project, &[]).as_deref(), Some(reason));
    project.qik("a").exits(0).says(reason);
    assert_eq!(reason_in(&project, &[]), None, "it is warm");
}

fn edit_config(project: &Project, from: &str, to: &str) {
    let config = project.read("qik.toml");
    assert!(config.contains(from));
    project.write("qik.toml", config.replace(from, to));
}

#[test]
fn nothing_ever_ran() {
    let project = project();
    assert_eq!(reason_in(&project, &[]).as_deref(), Some("no entry yet"));
    project.qik("a").exits(0).says("no entry yet");
}

#[test]
fn a_file_changed() {
    check(
        |p| {
            p.write("src/a.txt", "2\n");
        },
        "src/a.txt changed",
    );
}

#[test]
fn a_file_was_added() {
    check(
        |p| {
            p.write("src/c.txt", "2\n");
        },
        "src/c.txt added",
    );
    check(
        |p| {
            p.write("src/deep/er/c.txt", "2\n");
        },
        "src/deep/er/c.txt added",
    );
}

#[test]
fn a_file_was_removed() {
    check(
        |p| {
            p.remove("src/a.txt");
        },
        "src/a.txt removed",
    );
}

#[test]
fn a_mode_changed() {
    check(
        |p| {
            p.make_executable("src/a.txt");
        },
        "src/a.txt changed",
    );
}

#[test]
fn several_things_changed() {
    check(
        |p| {
            p.write("src/a.txt", "2\n").remove("src/b.txt");
        },
        "src/a.txt changed (and 1 more)",
    );
}

#[test]
fn the_command_was_edited() {
    check(|p| edit_config(p, "note; cat", "note; echo; cat"), "command edited");
}

#[test]
fn a_dep_was_edited() {
    check(|p| edit_config(p, "\"src\",", "\"src\", \"more\","), "dep `more` edited");
    check(
        |p| edit_config(p, "\"src\",", "\"src\", { type = \"const\", val = \"7\" },"),
        "dep `7` edited",
    );
}

#[test]
fn a_variable_of_the_project_changed() {
    let project = Project::new(
        "vars = [\"mode\"]\n[commands.a]\nexec = \"note {ctx.mode}\"\ndeps = [\"x\"]\n",
    );
    project.qik_in("a", &[("MODE", "fast")]).exits(0);
    assert_eq!(reason_in(&project, &[("MODE", "slow")]).as_deref(), Some("ctx.mode changed"));
}

#[test]
fn which_of_several_variables_changed_is_not_known_as_their_values_are_not_kept() {
    check(|p| edit_config(p, "fast", "slow"), "ctx.mode or env FOO changed");
}

#[test]
fn a_value_in_a_file_changed_and_other_values_of_it_do_not_count() {
    check(
        |p| {
            p.write("release.toml", "[release]\nversion = \"1.1\"\n");
        },
        "value release.toml:release.version changed",
    );
    let project = project();
    project.qik("a").exits(0);
    project.write("release.toml", "other = 2\n[release]\nversion = \"1.0\"\n");
    assert_eq!(reason_in(&project, &[]), None);
}

#[test]
fn the_output_of_a_tool_changed() {
    check(
        |p| {
            p.write("tool.txt", "tool 2\n");
        },
        "output of `cat tool.txt` changed",
    );
}

#[test]
fn a_loaded_file_changed() {
    check(
        |p| {
            p.write("lib/l.txt", "2\n");
        },
        "lib/l.txt changed",
    );
}

#[test]
fn an_environment_variable_changed() {
    let project = Project::new(
        "[commands.a]\nexec = \"note\"\ndeps = [\"x\", { type = \"env\", name = \"FOO\" }]\n",
    );
    project.qik_in("a", &[("FOO", "1")]).exits(0);
    assert_eq!(reason_in(&project, &[("FOO", "2")]).as_deref(), Some("env FOO changed"));
    project.qik_in("a", &[("FOO", "2")]).exits(0).says("env FOO changed");
}

#[test]
fn what_cannot_change_a_result_is_no_reason() {
    for (from, to) in [
        ("[commands.a]", "[commands.a]\ntags = [\"x\"]\ntimeout = \"1m\"\nretries = 3"),
        ("[commands.a]", "[commands.a]\ndescription = \"x\"\nhidden = true"),
        ("[commands.a]", "[commands.b]\nexec = \"x\"\n[commands.a]"),
        ("[commands.a]", "[commands.a]\ncache-when = \"finished\""),
    ] {
        let project = project();
        project.qik("a").exits(0);
        edit_config(&project, from, to);
        assert_eq!(reason_in(&project, &[]), None, "{to}");
    }
}

const CHAIN: &str = r#"
[commands.gen]
exec = "note; head -c 1 src.txt > gen.txt"
deps = ["src.txt"]
artifacts = ["gen.txt"]

[commands.use]
exec = "note; cat gen.txt"
deps = ["own.txt", { type = "command", name = "gen" }]
"#;

#[test]
fn artifacts_of_upstream_changed() {
    let project = Project::new(CHAIN);
    project.write("src.txt", "1").write("own.txt", "1");
    project.qik("").exits(0);
    project.write("src.txt", "2");
    project.qik("").exits(0).says("gen.txt of gen changed");
    project.write("src.txt", "2 with the same result");
    project.executed();
    let told = project.qik("");
    assert_eq!(told.exits(0).summary(), "1 ran, 1 cached", "what upstream made is the same");
    assert_eq!(project.executed(), ["gen"]);
}

#[test]
fn a_forced_run_says_so() {
    let project = project();
    project.qik("a").exits(0);
    project.qik("a -f").exits(0).says("forced");
    assert_eq!(project.executed().len(), 2);
}

#[test]
fn why_prints_the_whole_difference() {
    let project = project();
    project.qik("a").exits(0);
    project.write("src/a.txt", "2\n").remove("src/b.txt").write("src/c.txt", "new\n");
    edit_config(&project, "note; cat", "note; echo; cat");
    let told = project.qik("why a");
    told.exits(0).prints("cold").prints("command edited");
    told.prints("src/a.txt changed").prints("src/b.txt removed").prints("src/c.txt added");
    assert_eq!(project.executed().len(), 1, "it runs nothing");
}

#[test]
fn why_tells_what_a_warm_result_depends_on() {
    let project = project();
    project.qik("a").exits(0);
    let told = project.qik("why a");
    told.exits(0).prints("a warm").prints("src (2 files)").prints("FOO").prints("release.version");
}

#[test]
fn why_names_the_upstream_that_is_cold() {
    let project = Project::new(CHAIN);
    project.write("src.txt", "1").write("own.txt", "1");
    project.qik("").exits(0);
    project.write("src.txt", "2");
    let told = project.qik("why use");
    told.exits(0).prints("upstream gen is cold");
    assert!(!told.out().contains("gen cold"), "it was not asked for: {}", told.out());
    project.qik("why").exits(0).prints("gen cold").prints("use cold");
}

#[test]
fn the_nearest_entry_is_the_one_that_is_compared_with() {
    let project = project();
    for text in ["1", "2", "3"] {
        project.write("src/a.txt", text).write("src/b.txt", text);
        project.qik("a").exits(0);
    }
    project.write("src/a.txt", "2").write("src/b.txt", "other");
    assert_eq!(reason_in(&project, &[]).as_deref(), Some("src/b.txt changed"));
}

#[test]
fn a_repo_entry_explains_too() {
    let project = project();
    project.qik("a --cache repo").exits(0);
    project.write("src/a.txt", "2\n");
    project.qik("a --cache repo").exits(0).says("src/a.txt changed");
}
