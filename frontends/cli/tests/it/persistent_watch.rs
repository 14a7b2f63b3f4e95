//! Persistent commands in a session that watches: kept alive, started anew when their inputs change, never
//! left behind.

use rustix::process::Signal;

use crate::project::{Project, is_alive, until};
use crate::watching::{Terminal, Watching};

const CONFIG: &str = r#"
[commands.build]
exec = "note; cat src.txt > out.txt"
deps = ["src.txt"]
artifacts = ["out.txt"]

[commands.serve]
exec = "note; echo serving $(cat out.txt) with $(cat serve.txt); sh -c 'echo $$ > $RAN/child.$(cat serve.txt); exec sleep 300' & wait"
deps = ["serve.txt", "out.txt", { type = "command", name = "build" }]
persistent = true
ready = { output = "^serving" }

[commands.check]
exec = "note; echo checked"
deps = ["check.txt", { type = "command", name = "serve" }]

[commands.probe]
exec = "note"
deps = ["probe.txt", { type = "command", name = "serve", strict = true }]
cache = "none"
"#;

fn project() -> Project {
    let project = Project::new(CONFIG);
    project.write("src.txt", "1\n").write("serve.txt", "a\n");
    project.write("check.txt", "").write("probe.txt", "").write(".gitignore", "out.txt\n").commit();
    project
}

fn child(project: &Project, name: &str) -> String {
    let trace = || std::fs::read_to_string(project.trace(&format!("child.{name}")));
    until(name, || trace().is_ok_and(|pid| pid.ends_with('\n')));
    trace().unwrap()
}

#[test]
fn it_lives_on_and_begins_anew_when_its_inputs_change() {
    let project = project();
    let watching = Watching::start(&project, "");
    assert_eq!(project.executed(), ["build", "check", "probe", "serve"]);
    watching.says("serve | serving 1 with a");
    let first = child(&project, "a");
    watching.change(
        |p| {
            p.write("check.txt", "1");
        },
        &["check"],
    );
    assert!(is_alive(&first), "it lives on");
    // What depends on its runs runs with it; what merely needs it does not.
    watching.change(
        |p| {
            p.write("serve.txt", "b\n");
        },
        &["probe", "serve"],
    );
    let second = child(&project, "b");
    assert!(!is_alive(&first) && is_alive(&second));
    // What it waits for comes first.
    watching.change(
        |p| {
            p.write("src.txt", "2\n");
        },
        &["build", "probe", "serve"],
    );
    watching.says("serve | serving 2 with b");
    let third = child(&project, "b");
    assert_eq!(watching.ends_by(Signal::INT), 130);
    for pid in [first, second, third] {
        assert!(!is_alive(&pid));
    }
}

#[test]
fn a_death_is_told_and_the_next_change_starts_it_again() {
    let project = project();
    let watching = Watching::start(&project, "");
    let pid: i32 = child(&project, "a").trim().parse().unwrap();
    project.executed();
    let before = watching.rests();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    watching.says("ended serve, exit code");
    until("it is idle again", || watching.rests() > before);
    watching.change(
        |p| {
            p.write("serve.txt", "c\n");
        },
        &["probe", "serve"],
    );
    assert!(is_alive(&child(&project, "c")));
}

#[test]
fn one_that_fails_to_start_is_waited_for() {
    let project = Project::new(
        "[commands.serve]\nexec = \"note; grep -q good serve.txt && echo up && exec sleep 300\"\n\
         deps = [\"serve.txt\"]\npersistent = true\nready = { output = 'up' }\n\
         [commands.check]\nexec = \"note\"\ndeps = [\"check.txt\", { type = \"command\", name = \"serve\" }]\n",
    );
    project.write("serve.txt", "bad").write("check.txt", "").commit();
    let watching = Watching::start(&project, "");
    watching.says("qik watching 2 runnables, serve failed");
    assert_eq!(project.executed(), ["serve"]);
    watching.change(
        |p| {
            p.write("serve.txt", "good");
        },
        &["check", "serve"],
    );
    assert_eq!(watching.ends_by(Signal::TERM), 143);
}

#[test]
fn one_that_the_configuration_loses_is_stopped() {
    let project = project();
    let watching = Watching::start(&project, "");
    let pid = child(&project, "a");
    let config = project.read("qik.toml");
    let kept = config.split("[commands.serve]").next().unwrap();
    project.write("qik.toml", kept);
    watching.says("the configuration was read anew");
    until("it is gone", || !is_alive(&pid));
    until("it is not watched", || watching.told().ends_with("qik watching 1 runnable\n"));
}

#[test]
fn one_that_writes_what_it_depends_on_is_told_of() {
    let project = Project::new(
        "[commands.serve]\nexec = \"note; echo x >> seen.txt; exec sleep 300\"\ndeps = [\"seen.txt\"]\npersistent = true\n",
    );
    project.write("seen.txt", "").commit();
    let watching = Watching::begin(&project, "");
    watching.says("watch/does-not-settle");
    let executed = project.executed().len();
    assert!(executed < 16, "{executed} times");
}

#[test]
fn on_a_terminal_whoever_leaves_leaves_nothing_behind() {
    let project = project();
    let Some(terminal) = Terminal::start(&project, "serve", "") else { return };
    terminal.shows("serve | serving 1 with a");
    terminal.shows("qik watching 4 runnables  r run all");
    let first = child(&project, "a");
    project.write("serve.txt", "b\n");
    terminal.shows("serve | serving 1 with b");
    let second = child(&project, "b");
    assert!(!is_alive(&first));
    // The configuration breaks and is mended: the server lives on.
    project.write("qik.toml", format!("{CONFIG}\noops\n"));
    terminal.shows("the last configuration that was right goes on to count");
    project.write("qik.toml", CONFIG);
    terminal.shows("the configuration was read anew");
    assert!(is_alive(&second));
    // Something runs that would not end by itself.
    let slow = CONFIG.replace("note; echo checked", "echo $$ > $RAN/slow; exec sleep 300");
    project.write("qik.toml", slow);
    let slow = project.trace("slow");
    until("it runs", || std::fs::read_to_string(&slow).is_ok_and(|pid| pid.ends_with('\n')));
    terminal.press("q");
    terminal.shows("ended with 0");
    assert!(!is_alive(&second));
    assert!(!is_alive(&std::fs::read_to_string(&slow).unwrap()));
}
