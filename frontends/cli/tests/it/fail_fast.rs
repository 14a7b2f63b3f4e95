//! What a run does after the first failure: it goes on, or begins nothing more.

use crate::project::Project;
use crate::reports::report;

/// In the order of their names with one worker.
const ORDERED: &str = r#"
[commands]
a = { exec = "note", deps = ["x"] }
b = { exec = "note; exit 3", deps = ["x"] }
c = { exec = "note", deps = ["x"] }
d = { exec = "note", deps = ["x", { type = "command", name = "c" }] }
"#;

#[test]
fn after_the_first_failure_nothing_is_begun() {
    let project = Project::new(ORDERED);
    let told = project.qik("-n 1 --fail-fast");
    told.exits(3).says("skipped c, b failed first").says("skipped d, b failed first");
    assert_eq!(told.summary(), "2 ran, 0 cached, 1 failed, 2 skipped");
    assert_eq!(project.executed(), ["a", "b"]);
    let (_, by_name) = report(&project);
    assert_eq!(
        (&by_name["d"]["reason"], &by_name["d"]["because-of"]),
        (&"b failed first".into(), &"b".into())
    );

    assert_eq!(project.qik("-n 1 -f").exits(3).summary(), "4 ran, 0 cached, 1 failed");
    assert_eq!(project.executed(), ["a", "b", "c", "d"]);
}

#[test]
fn the_last_word_on_it_counts() {
    let skips = |args: &str, env: &[(&str, &str)]| {
        let project = Project::new(&format!("{ORDERED}\n[ctx.quick.qik]\nfail-fast = true\n"));
        project.qik_in(&format!("-n 1 {args}"), env).exits(3).stderr.contains("failed first")
    };
    assert!(!skips("", &[]));
    assert!(skips("--keep-going --fail-fast", &[]));
    assert!(!skips("--fail-fast --keep-going", &[]));
    assert!(skips("", &[("QIK__FAIL_FAST", "yes")]));
    assert!(!skips("--keep-going", &[("QIK__FAIL_FAST", "yes")]));
    assert!(skips("-p quick", &[]));
    assert!(!skips("-p quick run --keep-going", &[]));
}

#[test]
fn what_runs_at_the_first_failure_is_let_finish() {
    // `bad` fails once `slow` runs; `late` waits for a worker behind them.
    let config = r#"
[commands]
bad = { exec = "note; while ! test -e $RAN/slow; do sleep 0.01; done; exit 4", deps = ["x"] }
late = { exec = "note", deps = ["x"] }
slow = { exec = "note; touch $RAN/slow; sleep 0.5", deps = ["x"] }
"#;
    // Those that are ready are begun by name.
    let config = config.replace("late", "zlate");
    let project = Project::new(&config);
    let told = project.qik("-n 2 --fail-fast");
    told.exits(4).says("skipped zlate, bad failed first");
    assert_eq!(told.summary(), "2 ran, 0 cached, 1 failed, 1 skipped");
    assert_eq!(project.executed(), ["bad", "slow"]);
    assert_eq!(project.ls("--cache-status warm"), ["slow"], "its result is kept");
}

#[test]
fn a_failure_that_is_replayed_or_could_not_start_counts_too() {
    let project = Project::new(ORDERED);
    project.qik("b --cache-when finished").exits(3);
    project.executed();
    let told = project.qik("-n 1 --cache-when finished --fail-fast");
    told.exits(3).says("skipped c, b failed first");
    assert_eq!(project.executed(), [""; 0], "what was handed out before is not begun either");

    let config = "[commands]\na = { exec = \"note\", deps = [{ type = \"val\", file = \"no\", key = \"x\" }] }\nb = \"note\"\n";
    let project = Project::new(config);
    project.qik("--fail-fast").exits(1).says("skipped b, a failed first");
    assert_eq!(project.executed(), [""; 0]);
}

#[test]
fn what_wants_the_terminal_is_not_begun_after_a_failure() {
    let config = "[commands]\na = \"note; exit 3\"\nb = { exec = \"note\", interactive = true }\n";
    let project = Project::new(config);
    project.qik("--fail-fast").exits(3).says("skipped b, a failed first");
    assert_eq!(project.executed(), ["a"]);
    project.qik("").exits(3);
    assert_eq!(project.executed(), ["a", "b"]);
}

#[test]
fn what_moved_its_inputs_is_not_run_again_after_a_failure() {
    let config = r#"
[commands]
a = { exec = "note; date +%s%N > input; exit 3", deps = ["input"], cache-when = "finished" }
b = { exec = "note", deps = ["x"] }
"#;
    let project = Project::new(config);
    let told = project.qik("-n 1 --fail-fast");
    told.exits(3).says("run/inputs-changed").says("skipped b, a failed first");
    assert_eq!(project.executed(), ["a"]);
}
