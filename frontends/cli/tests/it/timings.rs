//! `--timings` and `--trace`: what qik tells about its own work, and that it is silent unasked.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::project::Project;

const PAIR: &str = r#"
[spaces.default]
modules = ["a", "b"]
[commands]
fine = { exec = "note; echo {module.name}", deps = ["{module.dir}"] }
"#;

fn project() -> Project {
    let project = Project::new(PAIR);
    project.write("a/x", "").write("b/x", "").write(".gitignore", "trace.json\n._qik\n");
    project
}

/// The names of the phases in the trace that lies there, and what they worked on.
#[track_caller]
fn phases(project: &Project) -> (BTreeSet<String>, BTreeSet<String>) {
    let trace: Value = serde_json::from_str(&project.read("trace.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let whole: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
    for event in &whole {
        assert!(event["ts"].is_number() && event["dur"].is_number(), "{event}");
        assert!(event["pid"].is_u64() && event["tid"].is_u64(), "{event}");
    }
    let texts = |texts: Vec<&Value>| {
        texts.into_iter().filter_map(|text| Some(text.as_str()?.to_string())).collect()
    };
    (
        texts(whole.iter().map(|event| &event["name"]).collect()),
        texts(whole.iter().map(|event| &event["args"]["on"]).collect()),
    )
}

#[test]
fn a_trace_holds_the_phases_of_a_run_and_what_was_executed() {
    let project = project();
    project.qik("--trace trace.json").exits(0).is_silent_on("fingerprint");
    let (names, on) = phases(&project);
    for name in ["all", "open", "configuration", "select", "files", "index", "walk", "run"] {
        assert!(names.contains(name), "{name}: {names:?}");
    }
    for name in ["fingerprint", "look-up", "execute", "settle", "store", "report", "print"] {
        assert!(names.contains(name), "{name}: {names:?}");
    }
    assert_eq!(on, ["fine@a", "fine@b"].map(String::from).into());

    project.qik("--trace trace.json").exits(0);
    let (names, on) = phases(&project);
    assert!(names.contains("replay") && !names.contains("execute"), "{names:?}");
    assert!(on.is_empty(), "{on:?}");
}

#[test]
fn timings_are_told_where_they_are_asked_for() {
    let project = project();
    project.qik("").exits(0).is_silent_on("CPU time");
    project.qik("--timings").exits(0).says("fingerprint").says("look-up").says("CPU time");
    let listed = project.qik("--ls --timings");
    listed.exits(0).says("open").is_silent_on("fingerprint");
    assert_eq!(listed.out(), "fine@a\nfine@b\n", "stdout stays a list of names");
    project.qik("--timings graph build").exits(0).says("digests");
}

#[test]
fn a_trace_that_cannot_be_written_is_an_error() {
    let project = project();
    project.qik("--trace a/x/y").exits(1).says("report/not-written");
}
