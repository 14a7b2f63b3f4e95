//! What `docs/ci` has to copy: each file is valid by the vendor's schema, and its lines do here what they
//! are for.

use crate::pipelines::check_schema;
use crate::project::{Project, tell};

const CONFIG: &str = r#"
vars = ["folder"]

[spaces.default]
modules = ["a", "b", "c"]

[commands.lint]
exec = "note; : {module.name}"
deps = ["{module.dir}"]
cache = "repo"

[commands.test]
exec = "note; : {module.name}"
deps = ["{module.dir}", { type = "command", name = "lint" }]

[caches.team]
type = "fs"
path = "{ctx.folder}"

[ctx.ci.qik]
cache = "team"
"#;

/// A project of which everything is committed, and a branch on which one module changed.
fn project() -> Project {
    let project = Project::new(CONFIG);
    for module in ["a", "b", "c"] {
        project.write(&format!("{module}/x"), "");
    }
    // Words that templates use stand for programs that are not here.
    let agent = project.trace("../bin/buildkite-agent");
    std::fs::write(&agent, "#!/bin/sh\ncat > \"$RAN/uploaded\"\n").unwrap();
    let qik = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_qik"));
    std::fs::write(project.trace("../bin/qik"), qik).unwrap();
    for program in ["buildkite-agent", "qik"] {
        project.make_executable(&format!("../bin/{program}"));
    }
    project.qik_in("lint", &[("FOLDER", "/tmp")]).exits(0);
    project.commit();
    project.git("branch base");
    project.executed();
    project
}

fn template(path: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ci/");
    std::fs::read_to_string(format!("{folder}{path}")).unwrap()
}

/// The shell lines of a template, in its order.
fn lines(text: &str) -> Vec<&str> {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("- "));
    let lines = lines.map(|line| line.strip_prefix("run: ").unwrap_or(line));
    lines.filter(|line| line.starts_with("qik ") || line.starts_with("echo ")).collect()
}

/// Runs a line as a job does; what it printed.
fn run(project: &Project, line: &str) -> String {
    let folder = project.trace("team");
    std::fs::create_dir_all(&folder).unwrap();
    let mut shell = project.command("bash");
    shell.args(["-euo", "pipefail", "-c", line]).envs([("FOLDER", &folder)]);
    shell.env("QIK__PROFILE", "ci").env("GITHUB_OUTPUT", project.trace("output"));
    let told = tell(&mut shell);
    assert_eq!(told.code, 0, "{line}: {}{}", told.out(), told.stderr);
    told.out()
}

/// The lines of a generated pipeline that call qik.
fn generated(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("- "));
    let lines = lines.map(|line| line.strip_prefix("run: ").unwrap_or(line));
    let lines = lines.filter(|line| line.starts_with("\"qik "));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

const TESTS: [&str; 3] = ["test@a", "test@b", "test@c"];

#[test]
fn templates_are_valid_by_the_schemas_of_their_services() {
    let project = Project::new("");
    for (schema, path) in [
        ("vendor.github-workflows", "github/check.yml"),
        ("vendor.github-workflows", "github/cold.yml"),
        ("vendor.github-workflows", "github/shards.yml"),
        ("vendor.github-actions", "github/action.yml"),
        ("vendor.gitlab-ci", "gitlab/qik.gitlab-ci.yml"),
        ("vendor.circle-ci", "circleci/config.yml"),
        ("vendor.buildkite", "buildkite/pipeline.yml"),
    ] {
        check_schema(&project, schema, &template(path));
    }
}

#[test]
fn the_check_of_github_replays_and_fails_where_something_is_missing() {
    let project = project();
    for line in lines(&template("github/check.yml")) {
        run(&project, line);
    }
    assert!(project.executed().is_empty());
    project.write("a/x", "2");
    let check = template("github/check.yml");
    let line = lines(&check)[0].strip_prefix("qik ").unwrap().to_owned();
    let told = project.qik_in(&line, &[("FOLDER", "/tmp")]);
    assert_eq!(told.exits(1).out(), "lint@a\n");
}

#[test]
fn the_matrix_of_github_runs_each_cold_one_once() {
    let project = project();
    let text = template("github/cold.yml");
    let found = lines(&text);
    assert_eq!(found.len(), 2, "{found:?}");
    found.iter().for_each(|line| drop(run(&project, line)));
    let output = std::fs::read_to_string(project.trace("output")).unwrap();
    let matrix = output.strip_prefix("matrix=").unwrap();
    let matrix: serde_json::Value = serde_json::from_str(matrix).unwrap();
    for job in matrix["include"].as_array().unwrap() {
        run(&project, job["run"].as_str().unwrap());
    }
    assert_eq!(project.executed(), TESTS);
    std::fs::remove_file(project.trace("output")).unwrap();
    found.iter().for_each(|line| drop(run(&project, line)));
    let output = std::fs::read_to_string(project.trace("output")).unwrap();
    let empty = output.trim().strip_prefix("matrix=").unwrap();
    assert!(text.contains(&format!("!= '{empty}'")), "no job where there is nothing to do");
}

#[test]
fn the_shards_of_github_run_together_what_the_branch_touches() {
    let project = project();
    project.write("a/x", "2").write("c/x", "2").commit();
    project.git("update-ref refs/remotes/origin/base base");
    let text = template("github/shards.yml");
    let line = lines(&text)[0].replace("$GITHUB_BASE_REF", "base");
    for shard in 1..=4 {
        run(&project, &line.replace("${{ matrix.shard }}", &shard.to_string()));
    }
    assert_eq!(project.executed(), ["lint@a", "lint@c", "test@a", "test@c"]);
}

#[test]
fn the_other_services_generate_what_is_cold() {
    for (path, file) in [
        ("gitlab/qik.gitlab-ci.yml", "qik-cold.yml"),
        ("circleci/config.yml", "qik-cold.yml"),
        ("buildkite/pipeline.yml", "uploaded"),
    ] {
        let project = project();
        lines(&template(path)).iter().for_each(|line| drop(run(&project, line)));
        assert!(project.executed().is_empty(), "{path}: nothing is cold but what is generated");
        let file = if file == "uploaded" { project.trace(file) } else { project.path(file) };
        for line in generated(&std::fs::read_to_string(file).unwrap()) {
            run(&project, &line);
        }
        assert_eq!(project.executed(), TESTS, "{path}");
    }
}
