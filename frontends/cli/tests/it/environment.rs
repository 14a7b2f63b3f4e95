//! What a command finds in its environment, and values that must not get out of it.

use crate::project::{Project, tell};

#[test]
fn a_command_knows_its_names() {
    let project = Project::new(
        "[spaces.default]\nmodules = [\"app\"]\n[commands.who]\nexec = \"echo $QIK__CMD $QIK__RUNNABLE $QIK__WORKER {module.name}\"\n",
    );
    assert_eq!(project.qik("who").exits(0).out(), "who who@app 1 app\n");
}

#[test]
fn a_command_runs_in_the_project_folder_wherever_qik_is_started() {
    let project = Project::new("[commands]\nwhere = \"pwd\"\n");
    project.write("a/b/c.txt", "");
    let expected = format!("{}\n", project.root.canonicalize().unwrap().display());
    assert_eq!(project.inside("a/b").qik("where").exits(0).out(), expected);
}

#[test]
fn stdin_of_a_command_is_empty() {
    let project = Project::new("[commands]\nread = \"cat; echo end\"\n");
    assert_eq!(project.qik("read").exits(0).out(), "end\n");
}

#[test]
fn braces_of_the_shell_stand_as_written_and_doubled_ones_are_literal() {
    let project = Project::new(
        "[commands]\na = \"echo a b | awk '{print $2}'; echo ${HOME##*/}; echo '{{ctx.x}}'\"\n",
    );
    assert_eq!(project.qik("a").exits(0).out(), "b\nhome\n{ctx.x}\n");
}

#[test]
fn what_a_tool_prints_counts_where_no_file_tells() {
    let project = Project::new(
        "[commands.x]\nexec = \"note\"\ndeps = [{ type = \"exec\", run = \"cat $RAN/version\" }]\n",
    );
    let version = project.trace("version");
    std::fs::write(&version, "1").unwrap();
    project.qik("x").exits(0);
    project.qik("x").exits(0);
    assert_eq!(project.executed(), ["x"]);
    std::fs::write(&version, "2").unwrap();
    project.qik("x").exits(0);
    assert_eq!(project.executed(), ["x"]);
}

const SECRET: &str = "sesame-f81d4fae";

/// A value enters the fingerprint in each of the ways that there are.
const CONFIG: &str = r#"
vars = ["token"]

[commands.use]
exec = "note; test -n '{ctx.token}' && test -n \"$KEY\" && test -n \"$OTHER\" && echo used"
deps = ["src.txt", { type = "env", name = "KEY" }]
env = ["OTHER"]
artifacts = ["made.txt"]
"#;

fn project(cache: &str) -> Project {
    let project = Project::new(
        &format!("{CONFIG}cache = \"{cache}\"\n").replace("echo used", "echo used | tee made.txt"),
    );
    project.write("src.txt", "1\n");
    project
}

fn env(value: &str) -> [(&str, &str); 3] {
    [("TOKEN", value), ("KEY", value), ("OTHER", value)]
}

#[test]
fn values_of_variables_are_in_no_file_of_qik() {
    for cache in ["local", "repo"] {
        let project = project(cache);
        project.qik_in("", &env(SECRET)).exits(0);
        project.qik_in("", &env("open-0f1e2d3c")).exits(0);
        project.qik_in("why", &env("open-0f1e2d3c")).exits(0);
        let mut grep = project.command("grep");
        let found = tell(grep.args(["-rlaE", &format!("{SECRET}|open-0f1e2d3c"), "."]));
        assert_eq!(found.out(), "", "with the {cache} cache");
    }
}

#[test]
fn values_of_variables_are_told_nowhere() {
    let project = project("local");
    project.qik_in("", &env("one-value")).exits(0);
    let told = project.qik_in("", &env(SECRET));
    assert!(!format!("{}{}", told.out(), told.stderr).contains(SECRET));
    let told = project.qik_in("why", &env(SECRET));
    assert!(!format!("{}{}", told.out(), told.stderr).contains(SECRET));
    let told = project.qik_in("--ls --format json", &env(SECRET));
    assert!(!told.out().contains(SECRET));
}

#[test]
fn another_value_is_another_state_and_the_first_is_warm_still() {
    let project = project("local");
    let run = |token, key, other| {
        project.qik_in("", &[("TOKEN", token), ("KEY", key), ("OTHER", other)]).exits(0);
        project.executed().len()
    };
    assert_eq!(run("1", "1", "1"), 1);
    assert_eq!(run("2", "1", "1"), 1);
    assert_eq!(run("1", "2", "1"), 1);
    assert_eq!(run("1", "1", "2"), 1);
    assert_eq!(run("1", "1", "1"), 0);
}

#[test]
fn a_variable_that_nothing_names_does_not_count() {
    let project = Project::new("[commands.a]\nexec = \"note\"\ndeps = [\"x\"]\n");
    project.qik("").exits(0);
    project.qik_in("", &[("ELSE", "1"), ("USER", "somebody")]).exits(0);
    assert_eq!(project.executed().len(), 1);
}

#[test]
fn an_empty_variable_is_not_an_absent_one() {
    let project = Project::new(
        "[commands.a]\nexec = \"note\"\ndeps = [\"x\", { type = \"env\", name = \"FOO\" }]\n",
    );
    project.qik("").exits(0);
    project.qik_in("", &[("FOO", "")]).exits(0);
    assert_eq!(project.executed().len(), 2);
}

#[test]
fn a_set_variable_reaches_the_process() {
    let project = Project::new(
        "[commands.a]\nexec = \"echo $LEVEL\"\ndeps = [\"x\"]\nenv = { LEVEL = \"3\" }\n",
    );
    assert_eq!(project.qik_in("", &[("LEVEL", "9")]).exits(0).out(), "3\n");
}

#[test]
fn variables_come_from_default_profile_environment_and_flag_last_wins() {
    let project = Project::new(
        r#"
vars = [{ name = "level", default = "default" }]
[ctx.default.project]
level = "default profile"
[ctx.ci.project]
level = "ci profile"
[commands.a]
exec = "echo {ctx.level}"
"#,
    );
    let say =
        |args: &str, env: &[(&str, &str)]| project.qik_in(&format!("a {args}"), env).exits(0).out();
    assert_eq!(say("", &[]), "default profile\n");
    assert_eq!(say("-p ci", &[]), "ci profile\n");
    assert_eq!(say("-p ci", &[("LEVEL", "env")]), "env\n");
    assert_eq!(say("-p ci", &[("LEVEL", "env"), ("PROJECT__LEVEL", "own env")]), "own env\n");
    assert_eq!(say("-p ci --ctx level=flag", &[("LEVEL", "env")]), "flag\n");
}

#[test]
fn a_required_value_is_missed_only_where_it_is_needed() {
    let project = Project::new(
        "vars = [{ name = \"token\", required = true }]\n[commands]\nneeds = \"echo {ctx.token}\"\nfree = \"echo free\"\n",
    );
    project.qik("free").exits(0);
    project.qik("needs").exits(2).says("context/missing-value").says("token");
    project.qik("--ls").exits(2);
    project.qik_in("needs", &[("TOKEN", "x")]).exits(0);
}
