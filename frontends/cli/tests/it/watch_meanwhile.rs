//! `--watch` while commands run: what a change affects begins at once where a worker is free, what runs for
//! an older state goes on or begins anew as the user wants it, and what is still valid is left alone.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::project::{Project, is_alive, until};
use crate::watching::Watching;

/// `slow` runs until the test lets it go on.
const SLOW: &str = "note; cat slow.txt >> $RAN/began; until test -e $RAN/go; do sleep 0.01; done; \
                    cat slow.txt >> $RAN/ended";

fn project(watch: &str, of_slow: &str) -> Project {
    let project = Project::new(&format!(
        "{watch}\n[commands.slow]\nexec = \"{SLOW}\"\ndeps = [\"slow.txt\"]\n{of_slow}\n\
         [commands.quick]\nexec = \"note; cat quick.txt\"\ndeps = [\"quick.txt\"]\n"
    ));
    project.write("slow.txt", "1\n").write("quick.txt", "1\n").commit();
    project
}

fn trace(project: &Project, name: &str) -> String {
    std::fs::read_to_string(project.trace(name)).unwrap_or_default()
}

/// Waits until these have executed since the last look, in whatever order.
#[track_caller]
fn executes(project: &Project, expected: &[&str]) {
    let mut executed = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    while executed != expected {
        assert!(Instant::now() < deadline, "{executed:?} executed, not {expected:?}");
        std::thread::sleep(Duration::from_millis(5));
        executed.extend(project.executed());
        executed.sort();
    }
}

fn let_go(project: &Project) {
    std::fs::write(project.trace("go"), "").unwrap();
}

#[test]
fn what_a_change_affects_begins_while_others_go_on() {
    let project = project("", "");
    let watching = Watching::begin(&project, "-n 2");
    executes(&project, &["quick", "slow"]);
    for text in ["2\n", "3\n"] {
        project.write("quick.txt", text);
        watching.says("quick.txt changed");
        executes(&project, &["quick"]);
    }
    assert_eq!(watching.rests(), 0, "it was never idle: {}", watching.told());
    let_go(&project);
    watching.says("qik watching 2 runnables");
    assert_eq!(trace(&project, "began"), "1\n", "what is valid is not begun anew");
    assert_eq!(trace(&project, "ended"), "1\n", "nor stopped");
    assert_eq!(project.executed(), [""; 0]);
    // Each state has its result.
    assert_eq!(project.ls("--cache-status cold"), [""; 0]);
}

#[test]
fn with_one_worker_it_waits_for_its_turn() {
    let project = project("", "");
    let watching = Watching::begin(&project, "-n 1");
    executes(&project, &["quick", "slow"]);
    project.write("quick.txt", "2\n");
    watching.says("quick.txt changed");
    assert_eq!(project.executed(), [""; 0]);
    let_go(&project);
    watching.says("qik watching 2 runnables");
    assert_eq!(project.executed(), ["quick"]);
}

#[test]
fn what_runs_for_an_older_state_goes_on_and_runs_again() {
    let project = project("", "");
    let watching = Watching::begin(&project, "-n 2");
    executes(&project, &["quick", "slow"]);
    until("it has begun", || trace(&project, "began") == "1\n");
    project.write("slow.txt", "2\n").write("quick.txt", "2\n");
    // The change has been seen by then.
    executes(&project, &["quick"]);
    let_go(&project);
    watching.says("qik watching 2 runnables");
    assert_eq!(project.executed(), ["slow"]);
    assert_eq!(trace(&project, "began"), "1\n2\n");
    assert_eq!(trace(&project, "ended"), "2\n2\n", "it came to its end");
}

#[test]
fn what_runs_for_an_older_state_is_stopped_whole_where_the_user_wants_that() {
    let hang = "note; sh -c 'echo $$ > $RAN/child.$(cat slow.txt); exec sleep 300' & wait";
    let project = Project::new(&format!(
        "[watch]\non-change = \"restart\"\n\
         [commands.hang]\nexec = \"{hang}\"\ndeps = [\"slow.txt\"]\n\
         [commands.valid]\nexec = \"note; until test -e $RAN/go; do sleep 0.01; done\"\ndeps = [\"quick.txt\"]\n"
    ));
    project.write("slow.txt", "1").write("quick.txt", "").commit();
    let watching = Watching::begin(&project, "-n 2");
    let child = |at: &str| {
        let name = format!("child.{at}");
        until(&name, || trace(&project, &name).ends_with('\n'));
        trace(&project, &name)
    };
    let first = child("1");
    executes(&project, &["hang", "valid"]);
    project.write("slow.txt", "2");
    let second = child("2");
    watching.says("slow.txt changed; stopped and started anew");
    assert!(!is_alive(&first) && is_alive(&second));
    assert_eq!(project.executed(), ["hang"], "what is valid goes on");
    let_go(&project);
    assert_eq!(watching.ends_by(Signal::TERM), 143);
    assert!(!is_alive(&second));
}

#[test]
fn a_command_may_want_it_otherwise_than_the_others() {
    let project = project("[watch]\non-change = \"restart\"", "on-change = \"queue\"");
    let watching = Watching::begin(&project, "-n 2");
    executes(&project, &["quick", "slow"]);
    project.write("slow.txt", "2\n").write("quick.txt", "2\n");
    executes(&project, &["quick"]);
    let_go(&project);
    watching.says("qik watching 2 runnables");
    assert_eq!(trace(&project, "ended"), "2\n2\n", "it came to its end");
}

#[test]
fn a_command_that_writes_what_it_depends_on_is_not_stopped_for_ever() {
    let project = Project::new(
        "[watch]\non-change = \"restart\"\n\
         [commands.count]\nexec = \"note; echo x >> seen.txt; sleep 0.2\"\ndeps = [\"seen.txt\"]\n",
    );
    project.write("seen.txt", "").commit();
    let watching = Watching::start(&project, "");
    watching.says("watch/does-not-settle");
    let executed = project.executed().len();
    assert!(executed <= 30, "{executed} times");
}

#[test]
fn an_edited_configuration_counts_as_soon_as_what_runs_has_ended() {
    let project = project("", "");
    let watching = Watching::begin(&project, "-n 1");
    executes(&project, &["quick", "slow"]);
    let config = project.read("qik.toml");
    // It has its turn after the one that runs, for the configuration as it is by then.
    project.write("quick.txt", "2\n");
    watching.says("quick.txt changed");
    project.write(
        "qik.toml",
        config.replace("note; cat quick.txt", "note; cat quick.txt; echo more")
            + "[commands.new]\nexec = \"note\"\ndeps = [\"slow.txt\"]\n",
    );
    watching.says("nothing more begins until what runs has ended");
    let_go(&project);
    watching.says("the configuration was read anew");
    watching.says("qik watching 3 runnables");
    assert_eq!(project.executed(), ["new", "quick"], "{}", watching.told());
}

#[test]
fn what_depends_on_what_ran_waits_for_it_and_runs_with_it() {
    let project = Project::new(
        "[commands.gen]\nexec = \"note; cat in.txt > out.txt\"\ndeps = [\"in.txt\"]\nartifacts = [\"out.txt\"]\n\
         [commands.use]\nexec = \"note; cat out.txt in.txt\"\ndeps = [\"in.txt\", \"out.txt\", { type = \"command\", name = \"gen\" }]\n\
         [commands.tell]\nexec = \"note\"\ndeps = [{ type = \"command\", name = \"gen\", strict = true }]\ncache = \"none\"\n\
         [commands.slow]\nexec = \"note; until test -e $RAN/go; do sleep 0.01; done\"\ndeps = [\"slow.txt\"]\n",
    );
    project.write("in.txt", "1").write("slow.txt", "").write(".gitignore", "out.txt\n").commit();
    let watching = Watching::begin(&project, "-n 3");
    executes(&project, &["gen", "slow", "tell", "use"]);
    watching.says("ran use");
    watching.says("ran tell");
    project.write("in.txt", "2");
    // Once, after what it waits for; and what depends on runs, too.
    executes(&project, &["gen", "tell", "use"]);
    let_go(&project);
    watching.says("qik watching 4 runnables");
    assert_eq!(project.executed(), [""; 0], "{}", watching.told());
}

/// Whatever is saved while commands run, and whenever: in the end each has run for the last state, and what was
/// kept meanwhile is right. Commands tell what they read, at their beginning and at their end.
fn storm(on_change: &str, seed: u64) {
    let exec = "note; cat in/{module.name} > out.{module.name}; sleep 0.03; \
                cat in/{module.name} lib.txt >> out.{module.name}";
    let project = Project::new(&format!(
        "[watch]\non-change = \"{on_change}\"\n[spaces.default]\nmodules = [\"a\", \"b\", \"c\"]\n\
         [commands.tell]\nexec = \"{exec}\"\n\
         deps = [\"in/{{module.name}}\", \"lib.txt\"]\nartifacts = [\"out.{{module.name}}\"]\n"
    ));
    const FILES: [&str; 4] = ["in/a", "in/b", "in/c", "lib.txt"];
    for file in FILES {
        project.write(file, "0\n");
    }
    project
        .write("a/x", "")
        .write("b/x", "")
        .write("c/x", "")
        .write(".gitignore", "out.*\n")
        .commit();
    let watching = Watching::begin(&project, "-n 3");
    let mut random = seed;
    let mut next = |below: u64| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for _ in 0..60 {
        let file = FILES[next(4) as usize];
        // Few states, so that some come back while their results are made; each whole, as editors write them.
        project.write(".new", format!("{}\n", next(3)));
        std::fs::rename(project.path(".new"), project.path(file)).unwrap();
        std::thread::sleep(Duration::from_millis(next(60)));
    }
    let is_right = || {
        ["a", "b", "c"].iter().all(|name| {
            let (own, lib) = (project.read(&format!("in/{name}")), project.read("lib.txt"));
            let out = std::fs::read_to_string(project.path(&format!("out.{name}")));
            out.is_ok_and(|out| out == format!("{own}{own}{lib}"))
        })
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_right() || !project.ls("--cache-status cold").is_empty() {
        assert!(Instant::now() < deadline, "{on_change} {seed}: {}", watching.told());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(watching.ends_by(Signal::INT), 130);
    // Every result that was kept, of any state, is what a run gives.
    for state in 0..9 {
        let (own, lib) = (state % 3, state / 3);
        project.write("lib.txt", format!("{lib}\n"));
        for file in &FILES[..3] {
            project.write(file, format!("{own}\n"));
        }
        project.qik("").exits(0);
        assert!(is_right(), "seed {seed}, state {state}");
    }
}

#[test]
fn in_a_storm_of_changes_nothing_is_missed_and_nothing_wrong_is_kept() {
    // More of them: `QIK_WATCH_STORMS=30 cargo test -p qik-cli --test it storm`.
    let count = std::env::var("QIK_WATCH_STORMS").ok().and_then(|count| count.parse().ok());
    for seed in 0..count.unwrap_or(3) {
        storm("queue", seed);
        storm("restart", seed);
    }
}
