//! Ctrl-C and SIGTERM: the whole group of each child ends, and nothing half done is kept.

use std::fs;
use std::time::Instant;

use rustix::process::Signal;

use crate::project::{Project, Started, is_alive, until};

/// One command that has a child of its own, and one that comes after it.
const CONFIG: &str = r#"
[commands.hang]
exec = "note; echo begun; sh -c 'echo $$ > $RAN/child; exec sleep 60' & echo $$ > $RAN/pid; wait"
deps = ["src.txt"]
artifacts = ["src.txt"]

[commands.next]
exec = "note"
deps = [{ type = "command", name = "hang" }]
"#;

fn started(config: &str, args: &str) -> (Project, Started) {
    let project = Project::new(config);
    project.write("src.txt", "1\n").commit();
    let started = project.start(args);
    let is_there =
        |name: &str| fs::read_to_string(project.trace(name)).is_ok_and(|pid| pid.ends_with('\n'));
    until("it runs", || is_there("pid") && is_there("child"));
    (project, started)
}

fn no_survivor(project: &Project) {
    for name in ["pid", "child"] {
        let pid = fs::read_to_string(project.trace(name)).unwrap();
        until("the group is gone", || !is_alive(&pid));
    }
}

fn check(signal: Signal, code: i32) {
    let (project, qik) = started(CONFIG, "next");
    qik.signal(signal);
    let told = qik.ends();
    told.exits(code).says("2 stopped");
    no_survivor(&project);
    assert_eq!(project.executed(), ["hang"], "what comes after it does not begin");
    assert_eq!(project.ls("hang --cache-status cold"), ["hang"], "nothing was kept");
    let kept = project.files_in("._qik/cache");
    assert!(!kept.iter().any(|path| path.contains("/ac/") || path.starts_with("ac/")), "{kept:?}");
}

#[test]
fn an_interrupt_ends_everything_with_130() {
    check(Signal::INT, 130);
}

#[test]
fn a_request_to_end_ends_everything_with_143() {
    check(Signal::TERM, 143);
}

#[test]
fn nothing_outlives_a_qik_that_is_killed() {
    let (project, qik) = started(CONFIG, "next");
    qik.signal(Signal::KILL);
    qik.ends().exits(-9);
    no_survivor(&project);
    assert_eq!(project.ls("hang --cache-status cold"), ["hang"], "nothing was kept");
}

#[test]
fn a_failure_that_would_be_kept_is_not_kept_when_it_was_stopped() {
    let config = CONFIG.replace("artifacts =", "cache-when = \"finished\"\nartifacts =");
    let (project, qik) = started(&config, "hang");
    qik.signal(Signal::INT);
    qik.ends().exits(130);
    assert_eq!(project.ls("hang --cache-status cold"), ["hang"]);
}

/// It hears the request and does not care.
const DEAF: &str = r#"
[commands.deaf]
exec = "trap '' INT TERM; sh -c 'echo $$ > $RAN/child; while :; do sleep 0.05; done' & echo $$ > $RAN/pid; while :; do sleep 0.05; done"
"#;

#[test]
fn what_does_not_listen_is_killed_after_a_grace() {
    let (project, qik) = started(DEAF, "deaf");
    qik.signal(Signal::TERM);
    qik.ends().exits(143);
    no_survivor(&project);
}

#[test]
fn a_second_interrupt_ends_at_once() {
    let (project, qik) = started(DEAF, "deaf");
    let begun = Instant::now();
    qik.signal(Signal::INT);
    std::thread::sleep(std::time::Duration::from_millis(100));
    qik.signal(Signal::INT);
    qik.ends().exits(130);
    assert!(begun.elapsed().as_millis() < 1_500, "{:?}", begun.elapsed());
    no_survivor(&project);
}

#[test]
fn what_ended_before_the_interrupt_is_kept() {
    let config =
        format!("{DEAF}\n[commands.early]\nexec = \"note; echo early\"\ndeps = [\"src.txt\"]\n");
    let (project, qik) = started(&config.replace("trap '' INT TERM; ", ""), "-n 2");
    until("the other ended", || project.exists("._qik/out/early.out"));
    qik.signal(Signal::INT);
    qik.ends().exits(130);
    assert_eq!(project.ls("early --cache-status warm"), ["early"]);
}

#[test]
fn an_interrupt_while_retrying_ends_the_tries() {
    let config = CONFIG.replace("artifacts = [\"src.txt\"]", "retries = 5");
    let (project, qik) = started(&config, "hang");
    qik.signal(Signal::INT);
    qik.ends().exits(130);
    assert_eq!(project.executed(), ["hang"]);
}

#[test]
fn a_run_after_an_interrupt_does_the_work() {
    let (project, qik) = started(&CONFIG.replace("sleep 60", "sleep 1"), "next");
    qik.signal(Signal::INT);
    qik.ends().exits(130);
    project.executed();
    project.qik("next").exits(0);
    assert_eq!(project.executed_in_order(), ["hang", "next"]);
}
