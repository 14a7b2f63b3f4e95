//! `qik ci`: pipelines of what is cold. Each is valid by the vendor's schema, and executed here job by
//! job it runs each cold runnable once.

use std::collections::BTreeSet;

use crate::project::{Project, tell};

/// Independent tests over modules, and a report over all of them.
const CONFIG: &str = r#"
[spaces.default]
modules = ["a", "b", "c d", "e"]

[commands.test]
exec = "note; sleep 0.0; echo {module.name}"
deps = ["{module.dir}"]

[commands.report]
exec = "note"
deps = ["report", { type = "command", name = "test" }]
"#;

fn project() -> Project {
    let project = Project::new(CONFIG);
    for path in ["a/x", "b/x", "c d/x", "e/x", "report/x"] {
        project.write(path, "");
    }
    project.commit();
    project
}

/// Whether the checker of schemas is there; a check of everything fails without it.
fn have_checker() -> bool {
    let works = std::process::Command::new("check-jsonschema").arg("--version").output();
    let works = works.is_ok_and(|told| told.status.success());
    if !works {
        assert!(std::env::var_os("QIK_TEST_REQUIRE_TOOLS").is_none(), "check-jsonschema");
        eprintln!("SKIPPED: check-jsonschema");
    }
    works
}

pub fn check_schema(project: &Project, schema: &str, text: &str) {
    if !have_checker() {
        return;
    }
    project.write("pipeline.yml", text);
    let args = ["--builtin-schema", schema, "pipeline.yml"];
    let told = tell(project.command("check-jsonschema").args(args));
    assert_eq!(told.code, 0, "{}{}\n{text}", told.out(), told.stderr);
}

/// The lines that call qik, in the order of the text.
fn commands(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.trim_start_matches([' ', '-']));
    let lines = lines.map(|line| line.trim_start_matches("run: "));
    let strings = lines.filter(|line| line.starts_with("\"qik "));
    strings.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Executes the lines of jobs in order; which runnables executed.
fn execute(project: &Project, lines: &[String]) -> Vec<String> {
    for line in lines {
        let qik = env!("CARGO_BIN_EXE_qik");
        let line = line.replacen("qik", &format!("'{qik}'"), 1);
        let told = tell(project.command("sh").args(["-c", &line]));
        assert_eq!(told.code, 0, "{line}: {}", told.stderr);
    }
    project.executed()
}

const ALL: [&str; 5] = ["report", "test@a", "test@b", "test@c d", "test@e"];

#[test]
fn each_service_gets_a_valid_pipeline_that_runs_each_cold_runnable_once() {
    for (service, schema) in [
        ("github", "vendor.github-workflows"),
        ("gitlab", "vendor.gitlab-ci"),
        ("circleci", "vendor.circle-ci"),
        ("buildkite", "vendor.buildkite"),
    ] {
        let project = project();
        project.git("clean -qfd");
        let args = format!("ci {service} --shards 2 --setup true");
        let text = project.qik(&args).exits(0).out();
        check_schema(&project, schema, &text);
        let lines = commands(&text);
        assert!(lines.len() >= 3, "two shards, and one that waits: {lines:?}");
        assert_eq!(execute(&project, &lines), ALL, "{service}");
        // Everything is warm now, and still there is a pipeline.
        let text = project.qik(&args).exits(0).out();
        check_schema(&project, schema, &text);
        assert!(commands(&text).is_empty() && text.contains("nothing is cold"), "{text}");
    }
}

#[test]
fn only_what_is_cold_is_in_it_with_the_reason() {
    let project = project();
    project.qik("").exits(0);
    project.executed();
    project.write("b/x", "2");
    let text = project.qik("ci gitlab").exits(0).out();
    assert!(text.contains("# test@b: cold: b/x changed"), "{text}");
    assert_eq!(commands(&text), ["qik test@b", "qik report"]);
    // The report waits for it, and then finds that it made the same.
    assert_eq!(execute(&project, &commands(&text)), ["test@b"]);
}

#[test]
fn a_matrix_is_json_whose_jobs_need_no_order() {
    let project = project();
    let text = project.qik("ci github-matrix --shards 3 test").exits(0).out();
    let matrix: serde_json::Value = serde_json::from_str(&text).unwrap();
    let jobs = matrix["include"].as_array().unwrap();
    assert_eq!(jobs.len(), 3);
    let lines: Vec<String> =
        jobs.iter().map(|job| job["run"].as_str().unwrap().to_string()).collect();
    assert_eq!(execute(&project, &lines), ALL[1..]);
    project.qik("").exits(0);
    let text = project.qik("ci github-matrix").exits(0).out();
    assert_eq!(text, "{\"include\":[]}\n");
}

#[test]
fn shards_are_balanced_by_the_last_times() {
    let config = "[spaces.default]\nmodules = [\"a\", \"b\", \"c\", \"d\"]\n\
        [commands.t]\nexec = \"sleep 0.$(cat {module.dir}/x)\"\ndeps = [\"{module.dir}\", { type = \"const\", val = \"1\" }]\n";
    let project = Project::new(config);
    for (module, tenths) in [("a", "3"), ("b", "1"), ("c", "1"), ("d", "1")] {
        project.write(&format!("{module}/x"), tenths);
    }
    project.qik("").exits(0);
    project.write("qik.toml", config.replace("\"1\"", "\"2\""));
    let lines = commands(&project.qik("ci buildkite --shards 2").exits(0).out());
    let jobs: BTreeSet<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(jobs, BTreeSet::from(["qik t@a", "qik t@b t@c t@d"]));
}

#[test]
fn the_profile_and_the_cache_go_along() {
    let project = project();
    let lines = commands(&project.qik("-p ci ci github --cache repo test").exits(0).out());
    assert!(lines.iter().all(|line| line.starts_with("qik -p ci --cache repo ")), "{lines:?}");
    assert_eq!(lines.len(), 4);
    let told = project.qik_in("ci github --isolated --ctx x=1 report", &[("QIK__PROFILE", "ci")]);
    told.exits(2).says("context/unknown-variable");
    let told = project.qik_in("ci github --isolated report", &[("QIK__PROFILE", "ci")]);
    assert_eq!(commands(&told.exits(0).out()), ["qik -p ci --isolated report"]);
    project.qik("ci github --shards 0").exits(2);
    project.qik("ci nowhere").exits(2);
}
