//! What runs when, what is skipped, and the exit code of it all.

use std::fs;

use crate::project::{Project, is_alive, until};

#[test]
fn commands_run_after_what_they_depend_on() {
    let project = Project::new(
        r#"
[commands]
a = { exec = "note", deps = [{ type = "command", name = "b" }] }
b = { exec = "note; sleep 0.1", deps = [{ type = "command", name = "c" }] }
c = { exec = "note; sleep 0.1" }
"#,
    );
    project.qik("-n 3").exits(0);
    assert_eq!(project.executed_in_order(), ["c", "b", "a"]);
}

#[test]
fn the_order_holds_across_what_a_tag_left_out() {
    let project = Project::new(
        r#"
[commands]
a = { exec = "note", tags = ["x"], deps = [{ type = "command", name = "b" }] }
b = { exec = "note", deps = [{ type = "command", name = "c" }] }
c = { exec = "sleep 0.2; note", tags = ["x"] }
"#,
    );
    project.qik("-n 3 -t x").exits(0);
    assert_eq!(project.executed_in_order(), ["c", "a"]);
}

#[test]
fn the_order_holds_across_what_a_cache_filter_left_out() {
    let project = Project::new(
        r#"
[commands]
a = { exec = "note", cache = "local", deps = ["x", { type = "command", name = "b" }] }
b = { exec = "note", cache = "none", deps = ["x", { type = "command", name = "c" }] }
c = { exec = "sleep 0.2; note", cache = "local", deps = ["x"] }
"#,
    );
    project.qik("-n 3 --cache local").exits(0);
    assert_eq!(project.executed_in_order(), ["c", "a"]);
}

const FAILING: &str = r#"
[commands]
bad = "note; echo it broke; exit 3"
worse = "note; sleep 0.1; exit 7"
after = { exec = "note", deps = [{ type = "command", name = "bad" }] }
last = { exec = "note", deps = [{ type = "command", name = "after" }] }
other = "note"
"#;

#[test]
fn a_failure_skips_everything_downstream_and_lets_the_rest_go_on() {
    let project = Project::new(FAILING);
    let told = project.qik("bad after last other");
    told.exits(3).says("skipped after, bad failed").says("skipped last, bad failed");
    assert_eq!(told.summary(), "2 ran, 0 cached, 1 failed, 2 skipped");
    assert_eq!(project.executed(), ["bad", "other"]);
}

#[test]
fn the_highest_exit_code_is_that_of_the_run() {
    let project = Project::new(FAILING);
    project.qik("").exits(7);
    project.qik("-n 1").exits(7);
    project.qik("other").exits(0);
}

#[test]
fn a_child_killed_by_a_signal_counts_as_128_and_the_signal() {
    let project = Project::new(
        "[commands]\ndie = \"kill -9 $$\"\nhang-up = \"kill -HUP $$\"\nbad = \"exit 3\"\n",
    );
    project.qik("die").exits(137).says("exit code 137");
    project.qik("hang-up").exits(129);
    project.qik("").exits(137);
}

#[test]
fn a_timeout_stops_the_whole_group_and_counts_as_124() {
    let project = Project::new(
        "[commands.hang]\nexec = \"sh -c 'echo $$ > $RAN/child; sleep 60' & wait\"\ntimeout = \"300ms\"\n",
    );
    let told = project.qik("hang");
    told.exits(124).prints("timeout");
    let child = fs::read_to_string(project.trace("child")).unwrap();
    until("the child is gone", || !is_alive(&child));
}

#[test]
fn a_timeout_reaches_what_does_not_listen() {
    let project = Project::new(
        "[commands.deaf]\nexec = \"trap '' TERM; echo $$ > $RAN/pid; while :; do sleep 0.05; done\"\ntimeout = \"200ms\"\n",
    );
    project.qik("deaf").exits(124);
    let pid = fs::read_to_string(project.trace("pid")).unwrap();
    until("it is gone", || !is_alive(&pid));
}

#[test]
fn a_command_within_its_timeout_is_not_disturbed() {
    let project = Project::new("[commands.quick]\nexec = \"echo done\"\ntimeout = \"10s\"\n");
    project.qik("quick").exits(0).prints("done\n");
}

#[test]
fn retries_go_on_until_one_succeeds() {
    let config = |retries: u32| {
        format!(
            "[commands.flaky]\nexec = \"note; echo try; test $(wc -l < $RAN/all) -ge 3\"\nretries = {retries}\ndeps = [\"x\"]\n"
        )
    };
    let project = Project::new(&config(2));
    let told = project.qik("flaky");
    told.exits(0).says("again flaky, exit code 1; 2 more tries are left");
    assert_eq!(project.executed().len(), 3);
    assert_eq!(project.qik("flaky").exits(0).out(), "try\n", "the log is that of the last try");

    let project = Project::new(&config(1));
    project.qik("flaky").exits(1);
    assert_eq!(project.executed().len(), 2);
}

#[test]
fn workers_limit_how_many_run_at_once() {
    let names = ["a", "b", "c", "d"];
    let exec = "mkdir $RAN/on.$QIK__RUNNABLE; ls -d $RAN/on.* | wc -l >> $RAN/counts; sleep 0.1; rmdir $RAN/on.$QIK__RUNNABLE";
    let config: String = names.iter().map(|name| format!("{name} = \"{exec}\"\n")).collect();
    let most = |workers: u32| {
        let project = Project::new(&format!("[commands]\n{config}"));
        project.qik(&format!("-n {workers}")).exits(0);
        let counts = fs::read_to_string(project.trace("counts")).unwrap();
        counts.lines().map(|line| line.trim().parse::<u32>().unwrap()).max().unwrap()
    };
    assert_eq!(most(1), 1);
    assert_eq!(most(4), 4);
    assert!(most(2) <= 2);
}

#[test]
fn a_worker_number_is_unique_among_those_running() {
    let exec = "mkdir $RAN/worker.$QIK__WORKER || exit 9; sleep 0.05; rmdir $RAN/worker.$QIK__WORKER; echo $QIK__WORKER >> $RAN/workers";
    let config: String = (0..9).map(|i| format!("c{i} = \"{exec}\"\n")).collect();
    let project = Project::new(&format!("[commands]\n{config}"));
    project.qik("-n 3").exits(0);
    let seen = fs::read_to_string(project.trace("workers")).unwrap();
    assert_eq!(seen.lines().count(), 9);
    for worker in seen.lines() {
        assert!(["1", "2", "3"].contains(&worker), "{worker}");
    }
}

#[test]
fn a_command_without_exec_groups_others() {
    let project = Project::new(
        r#"
[commands]
all = { deps = [{ type = "command", name = "a" }, { type = "command", name = "b" }] }
a = { exec = "note", hidden = true }
b = { exec = "note", hidden = true }
"#,
    );
    project.qik("all").exits(0);
    assert_eq!(project.executed(), ["a", "b"]);
}

#[test]
fn interactive_commands_have_the_terminal_for_themselves_and_are_never_cached() {
    let project = Project::new(
        r#"
[commands]
ask = { exec = "note; ls $RAN/on 2>&1; echo asked", interactive = true, deps = ["x"] }
busy = "note; : > $RAN/on; sleep 0.2; rm $RAN/on"
"#,
    );
    let told = project.qik("-n 4");
    told.exits(0).prints("asked\n").prints("No such file");
    project.qik("ask").exits(0);
    assert_eq!(project.executed(), ["ask", "ask", "busy"]);
}

#[test]
fn a_module_waits_for_its_own_upstream_alone() {
    let project = Project::new(
        r#"
[spaces.default]
modules = ["x", "y"]

[commands.gen]
exec = "note; test {module.name} = x || exit 5"

[commands.use]
exec = "note; echo {module.name}"
deps = [{ type = "command", name = "gen" }]

[commands.all]
exec = "note"
deps = [{ type = "command", name = "gen" }]
"#,
    );
    let told = project.qik("");
    told.exits(5).says("skipped use@y, gen@y failed").says("skipped all, gen@y failed");
    assert_eq!(project.executed(), ["gen@x", "gen@y", "use@x"]);
    assert_eq!(project.ls("use@x"), ["gen@x", "use@x"]);
    assert_eq!(project.ls("all"), ["all", "gen@x", "gen@y"]);
}

#[test]
fn what_a_command_left_running_does_not_hold_up_qik() {
    let project =
        Project::new("[commands]\nleave = \"sleep 20 & echo $! > $RAN/left; echo done\"\n");
    let begun = std::time::Instant::now();
    project.qik("leave").exits(0).prints("done\n");
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    let left = fs::read_to_string(project.trace("left")).unwrap();
    crate::project::tell(project.command("kill").arg(left.trim()));
}

/// A dep of each kind that cannot be told, and a command that needs none of them.
const BROKEN: &str = r#"
[commands]
tool = { exec = "note", deps = [{ type = "exec", run = "echo no such tool; exit 3" }] }
value = { exec = "note", deps = [{ type = "val", file = "none.toml", key = "a.b" }] }
load = { exec = "note", deps = [{ type = "load", path = "bad.json" }] }
below = { exec = "note", deps = [{ type = "command", name = "tool" }] }
free = { exec = "note", deps = ["x"] }
"#;

#[test]
fn a_dep_that_cannot_be_told_fails_only_what_needs_it() {
    let project = Project::new(BROKEN);
    project.write("bad.json", "{");
    let told = project.qik("");
    told.exits(1).says("no such tool").says("none.toml").says("bad.json");
    told.says("skipped below, tool failed");
    assert_eq!(told.summary(), "1 ran, 0 cached, 3 failed, 1 skipped");
    assert_eq!(project.executed(), ["free"]);
    project.qik("free").exits(0);
}

#[test]
fn what_cannot_be_told_is_cold() {
    let project = Project::new(BROKEN);
    project.write("bad.json", "{");
    project.qik("free").exits(0);
    assert_eq!(project.ls("--cache-status cold"), ["below", "load", "tool", "value"]);
    project.qik("why value").exits(0).prints("none.toml");
}

/// The commands themselves replace what they make in one step; qik has to do the same.
#[test]
fn two_qiks_at_once_do_not_disturb_each_other() {
    let project = Project::new(
        "[spaces.default]\nmodules = [\"a\", \"b\", \"c\", \"d\"]\n[commands.x]\nexec = \"note; mkdir -p out; cat {module.dir}/* | tee tmp.$$; mv tmp.$$ out/{module.name}\"\ndeps = [\"{module.dir}\"]\nartifacts = [\"out/{module.name}\"]\n",
    );
    for round in ["1", "2", "3"] {
        for module in ["a", "b", "c", "d"] {
            project.write(&format!("{module}/in.txt"), format!("{module}{round}\n"));
        }
        let running = [project.start("x -v 2"), project.start("x -v 2"), project.start("x -v 2")];
        for qik in running {
            let told = qik.ends();
            let mut lines: Vec<String> = told.exits(0).out().lines().map(str::to_owned).collect();
            lines.sort();
            assert_eq!(lines, ["a", "b", "c", "d"].map(|module| format!("{module}{round}")));
        }
        let told = project.qik("x");
        assert_eq!(told.exits(0).summary(), "0 ran, 4 cached", "{}", told.stderr);
    }
}
