//! Inputs that change while a command runs: the result belongs to no single state of the tree.
//!
//! The commands of these tests wait until the test has changed something: `meet` leaves a trace and
//! goes on once the test has left another.

use std::fs;

use crate::project::{Project, Told, until};

/// One command that reads `src`, meets the test, and prints what it read.
fn project(policy: &str) -> Project {
    let project = Project::new(&format!(
        r#"
[commands.slow]
exec = "note; cat src/*; sh meet.sh"
deps = ["src"]
{policy}
"#
    ));
    // Only the first run waits.
    let meet = "[ -e \"$RAN/met\" ] && exit 0\n: > \"$RAN/met\"\nwhile [ ! -e \"$RAN/go\" ]; do sleep 0.01; done\n";
    project.write("meet.sh", meet).write("src/a.txt", "1\n").write("src/b.txt", "b\n");
    project.commit();
    project
}

/// Runs qik and calls `change` while the command runs for the first time.
fn run_and(project: &Project, change: impl Fn(&Project)) -> Told {
    let started = project.start("slow");
    until("the command runs", || project.trace("met").exists());
    change(project);
    fs::write(project.trace("go"), "").unwrap();
    started.ends()
}

const ACCEPT: &str = "on-input-change = \"accept\"";
const SKIP: &str = "on-input-change = \"skip\"";

#[test]
fn by_default_it_runs_once_more_and_that_result_is_kept() {
    let project = project("");
    let told = run_and(&project, |project| {
        project.write("src/a.txt", "2\n");
    });
    told.exits(0).says("src/a.txt changed while it ran").prints("2\n");
    assert_eq!(project.executed(), ["slow", "slow"]);
    let told = project.qik("slow");
    assert_eq!(told.exits(0).summary(), "0 ran, 1 cached");
    assert_eq!(told.out(), "2\nb\n", "the state that the second run read");
}

#[test]
fn the_state_before_the_change_has_no_result() {
    let project = project("");
    run_and(&project, |project| {
        project.write("src/a.txt", "2\n");
    });
    project.executed();
    project.write("src/a.txt", "1\n");
    let told = project.qik("slow");
    assert_eq!(told.exits(0).out(), "1\nb\n");
    assert_eq!(project.executed(), ["slow"]);
}

#[test]
fn with_accept_it_runs_once_and_is_kept_for_the_new_state() {
    let project = project(ACCEPT);
    let told = run_and(&project, |project| {
        project.write("src/a.txt", "2\n");
    });
    told.exits(0).says("src/a.txt changed while it ran").says("kept for the new state");
    assert_eq!(project.executed(), ["slow"]);
    assert_eq!(project.qik("slow").exits(0).summary(), "0 ran, 1 cached");
}

#[test]
fn with_skip_it_runs_once_and_nothing_is_kept() {
    let project = project(SKIP);
    let told = run_and(&project, |project| {
        project.write("src/a.txt", "2\n");
    });
    told.exits(0).says("src/a.txt changed while it ran").says("not kept");
    assert_eq!(project.executed(), ["slow"]);
    assert_eq!(project.qik("slow").exits(0).summary(), "1 ran, 0 cached");
}

#[test]
fn an_edit_that_was_undone_again_is_seen_too() {
    for policy in ["", SKIP] {
        let project = project(policy);
        let told = run_and(&project, |project| {
            project.write("src/a.txt", "2\n").write("src/a.txt", "1\n");
        });
        told.exits(0).says("src/a.txt changed while it ran");
        let runs = if policy.is_empty() { 2 } else { 1 };
        assert_eq!(project.executed().len(), runs);
    }
}

#[test]
fn an_edit_that_was_undone_by_git_is_seen_too() {
    let project = project(SKIP);
    let told = run_and(&project, |project| {
        project.write("src/a.txt", "2\n");
        project.git("checkout -q src/a.txt");
    });
    told.exits(0).says("not kept");
    assert_eq!(project.qik("slow").exits(0).summary(), "1 ran, 0 cached");
}

#[test]
fn an_added_file_is_a_change() {
    let project = project("");
    let told = run_and(&project, |project| {
        project.write("src/c.txt", "c\n");
    });
    told.exits(0).says("src/c.txt");
    assert_eq!(project.executed(), ["slow", "slow"]);
    assert_eq!(project.qik("slow").exits(0).out(), "1\nb\nc\n");
}

#[test]
fn a_removed_file_is_a_change() {
    let project = project("");
    let told = run_and(&project, |project| {
        project.remove("src/b.txt");
    });
    told.exits(0).says("src/b.txt");
    assert_eq!(project.executed(), ["slow", "slow"]);
    assert_eq!(project.qik("slow").exits(0).out(), "1\n");
}

#[test]
fn a_file_added_and_removed_again_does_not_store_a_result_that_saw_it() {
    let project = project(SKIP);
    run_and(&project, |project| {
        project.write("src/c.txt", "c\n");
        project.remove("src/c.txt");
    });
    let told = project.qik("slow");
    assert_eq!(told.exits(0).out(), "1\nb\n");
}

#[test]
fn a_mode_that_changed_is_a_change() {
    let project = project(SKIP);
    let told = run_and(&project, |project| {
        project.make_executable("src/a.txt");
    });
    told.exits(0).says("not kept");
}

#[test]
fn what_is_no_input_may_change() {
    let project = project(SKIP);
    let told = run_and(&project, |project| {
        project.write("readme.txt", "x").write("src/__pycache__/a.pyc", "x");
    });
    told.exits(0).is_silent_on("while it ran");
    assert_eq!(project.qik("slow").exits(0).summary(), "0 ran, 1 cached");
}

#[test]
fn the_last_word_is_had_by_inputs_that_never_hold_still() {
    let project = Project::new(
        "[commands.count]\nexec = \"note; echo x >> src.txt\"\ndeps = [\"src.txt\"]\n",
    );
    project.write("src.txt", "").commit();
    let told = project.qik("count");
    told.exits(0).says("once more").says("not kept");
    assert_eq!(project.executed().len(), 2, "it is tried once more, not for ever");
    project.qik("count").exits(0);
    assert_eq!(project.executed().len(), 2);
}

#[test]
fn with_a_cache_of_none_nobody_minds() {
    let project = project("cache = \"none\"");
    let told = run_and(&project, |project| {
        project.write("src/a.txt", "2\n");
    });
    told.exits(0).is_silent_on("while it ran");
    assert_eq!(project.executed(), ["slow"]);
}

#[test]
fn a_failure_that_is_not_kept_is_not_run_again() {
    let project = project("");
    project.write(
        "meet.sh",
        format!("{}\nexit 4\n", project.read("meet.sh").replace("&& exit 0", "&& exit 4")),
    );
    let told = run_and(&project, |project| {
        project.write("src/a.txt", "2\n");
    });
    told.exits(4);
    assert_eq!(project.executed(), ["slow"]);
}

/// A command that writes a file which it declares nowhere, and one that reads it.
const UNDECLARED: &str = r#"
[commands.gen]
exec = "note; cat src.txt > made.txt"
deps = ["src.txt"]

[commands.use]
exec = "note; cat made.txt"
deps = ["made.txt", { type = "command", name = "gen" }]
"#;

#[test]
fn what_reads_a_file_that_upstream_wrote_undeclared_never_replays_a_stale_result() {
    let project = Project::new(UNDECLARED);
    for content in ["1\n", "2\n", "3\n", "1\n", "2\n"] {
        project.write("src.txt", content);
        let told = project.qik("use gen -v 2 -n 1");
        told.exits(0);
        assert_eq!(told.out(), project.read("made.txt"));
        if project.executed().contains(&"gen".to_string()) {
            assert_eq!(told.out(), content);
        }
    }
}

#[test]
fn what_reads_such_a_file_without_being_downstream_never_keeps_a_mixed_result() {
    let config = UNDECLARED.replace(", { type = \"command\", name = \"gen\" }", "");
    let project = Project::new(&config);
    for content in ["1\n", "2\n", "3\n"] {
        project.write("src.txt", content);
        project.qik("-n 2");
        let told = project.qik("use");
        assert_eq!(told.exits(0).out(), project.read("made.txt"));
    }
}

/// One command that reads between two meetings with the test: what it reads may be gone at its end.
fn reads_between(policy: &str) -> Project {
    let project = Project::new(&format!(
        "[commands.slow]\nexec = \"note; sh meet.sh 1; cat src/*; sh meet.sh 2\"\ndeps = [\"src\"]\n{policy}\n"
    ));
    let meet = "[ -e \"$RAN/met$1\" ] && exit 0\n: > \"$RAN/met$1\"\nwhile [ ! -e \"$RAN/go$1\" ]; do sleep 0.01; done\n";
    project.write("meet.sh", meet).write("src/a.txt", "1\n").write("src/b.txt", "b\n");
    project.commit();
    project
}

/// What the command read while `change` was in force must not be what is replayed after `undo`.
#[track_caller]
fn check_undone(change: impl Fn(&Project), undo: impl Fn(&Project)) {
    for policy in ["", SKIP] {
        let project = reads_between(policy);
        let started = project.start("slow");
        until("it runs", || project.trace("met1").exists());
        change(&project);
        fs::write(project.trace("go1"), "").unwrap();
        until("it has read", || project.trace("met2").exists());
        undo(&project);
        fs::write(project.trace("go2"), "").unwrap();
        started.ends().exits(0).says("while it ran");
        assert_eq!(project.qik("slow").exits(0).out(), "1\nb\n", "policy {policy:?}");
    }
}

#[test]
fn what_was_read_of_an_edit_that_was_undone_is_not_kept() {
    check_undone(
        |project| {
            project.write("src/a.txt", "2\n");
        },
        |project| {
            project.write("src/a.txt", "1\n");
        },
    );
}

#[test]
fn what_was_read_while_a_file_was_moved_away_is_not_kept() {
    let rename = |project: &Project, from: &str, to: &str| {
        fs::rename(project.path(from), project.path(to)).unwrap();
    };
    check_undone(
        |project| rename(project, "src/b.txt", "away.txt"),
        |project| rename(project, "away.txt", "src/b.txt"),
    );
}

#[test]
fn what_was_read_in_a_folder_that_came_and_went_is_not_kept() {
    check_undone(
        |project| {
            project.write("src/new/c.txt", "c\n").remove("src/b.txt");
        },
        |project| {
            fs::remove_dir_all(project.path("src/new")).unwrap();
            project.write("src/b.txt", "b\n");
        },
    );
}

#[test]
fn what_was_read_on_another_branch_is_not_kept() {
    let switch = |project: &Project, branch: &str| {
        project.git(&format!("switch -q {branch}"));
    };
    for policy in ["", SKIP] {
        let project = reads_between(policy);
        project.git("switch -q -c other");
        project.write("src/a.txt", "other\n").commit();
        switch(&project, "main");
        let started = project.start("slow");
        until("it runs", || project.trace("met1").exists());
        switch(&project, "other");
        fs::write(project.trace("go1"), "").unwrap();
        until("it has read", || project.trace("met2").exists());
        switch(&project, "main");
        fs::write(project.trace("go2"), "").unwrap();
        started.ends().exits(0).says("while it ran");
        assert_eq!(project.qik("slow").exits(0).out(), "1\nb\n");
    }
}

#[test]
fn the_state_that_an_edit_leads_to_is_replayed_if_it_has_a_result() {
    let project = project("");
    fs::write(project.trace("met"), "").unwrap();
    project.write("src/a.txt", "2\n");
    project.qik("slow").exits(0);
    project.write("src/a.txt", "1\n");
    fs::remove_file(project.trace("met")).unwrap();
    project.executed();
    let told = run_and(&project, |project| {
        project.write("src/a.txt", "2\n");
    });
    told.exits(0).says("src/a.txt changed while it ran");
    assert_eq!(project.executed(), ["slow"]);
    assert!(told.out().ends_with("2\nb\n"), "{}", told.out());
}

#[test]
fn a_command_that_writes_its_own_inputs_is_kept_with_accept() {
    let project = Project::new(
        "[commands.fmt]\nexec = \"note; sort -o src.txt src.txt\"\ndeps = [\"src.txt\"]\non-input-change = \"accept\"\n",
    );
    project.write("src.txt", "b\na\n").commit();
    project.qik("").exits(0).says("kept for the new state");
    assert_eq!(project.qik("").exits(0).summary(), "0 ran, 1 cached");
    assert_eq!(project.executed(), ["fmt"]);
}

#[test]
fn a_command_that_rewrites_its_inputs_each_time_is_told_how_to_be_kept() {
    let project = Project::new(
        "[commands.fmt]\nexec = \"note; sort -o src.txt src.txt\"\ndeps = [\"src.txt\"]\n",
    );
    project.write("src.txt", "a\nb\n").commit();
    project.qik("").exits(0).says("not kept").says("on-input-change = \"accept\"");
}

#[test]
fn what_comes_after_a_formatter_sees_what_it_wrote() {
    let project = Project::new(
        r#"
[commands.fmt]
exec = "note; sort -c src.txt || sort -o src.txt src.txt"
deps = ["src.txt"]

[commands.lint]
exec = "note; cat src.txt"
deps = ["src.txt", { type = "command", name = "fmt" }]
"#,
    );
    project.write("src.txt", "b\na\n").commit();
    project.qik("").exits(0);
    assert_eq!(project.executed_in_order(), ["fmt", "fmt", "lint"]);
    assert_eq!(project.qik("").exits(0).summary(), "0 ran, 2 cached");
    assert_eq!(project.qik("lint --isolated").exits(0).out(), "a\nb\n");
}

#[test]
fn a_command_beside_a_formatter_never_keeps_what_it_read_half_formatted() {
    let project = Project::new(
        r#"
[commands.fmt]
exec = "note; sleep 0.15; sort -c src.txt || sort -o src.txt src.txt"
deps = ["src.txt"]

[commands.lint]
exec = "note; cat src.txt; sleep 0.3"
deps = ["src.txt"]
"#,
    );
    project.write("src.txt", "b\na\n").commit();
    project.qik("-n 2").exits(0).says("src.txt changed while it ran");
    assert_eq!(project.qik("").exits(0).summary(), "0 ran, 2 cached");
    assert_eq!(project.qik("lint").exits(0).out(), "a\nb\n");
    project.write("src.txt", "b\na\n");
    assert_eq!(project.ls("--cache-status cold"), ["fmt", "lint"]);
}

#[test]
fn what_was_read_of_a_file_that_came_and_went_is_not_kept() {
    check_undone(
        |project| {
            project.write("src/c.txt", "c\n");
        },
        |project| {
            project.remove("src/c.txt");
        },
    );
}

#[test]
fn a_command_that_makes_files_beside_its_inputs_for_a_while_is_kept_and_then_known() {
    let project = Project::new(
        "[commands.tidy]\nexec = \"note; : > src/tmp; rm src/tmp; cat src/*\"\ndeps = [\"src\"]\n",
    );
    project.write("src/a.txt", "1\n");
    project.commit();
    project.qik("tidy").exits(0).says("something came and went in src while it ran");
    assert_eq!(project.executed(), ["tidy", "tidy"]);
    assert_eq!(project.qik("tidy").exits(0).summary(), "0 ran, 1 cached");
    project.write("src/a.txt", "2\n");
    project.qik("tidy").exits(0);
    assert_eq!(project.executed(), ["tidy"], "by now it is known to do so");
}

#[test]
fn a_configuration_that_is_edited_meanwhile_gets_no_result_of_the_old_one() {
    let project = Project::new(
        "[commands.say]\nexec = \"note; sh edit; echo first\"\ndeps = [\"*.txt\", \"edit\"]\n",
    );
    project
        .write("x.txt", "")
        .write("edit", "sed -i 's/echo first/echo second/' qik.toml\n")
        .commit();
    let told = project.qik("say");
    told.exits(0).prints("first\n").says("its configuration changed while it ran; not kept");
    assert_eq!(project.executed(), ["say"], "another execution would be of yesterday too");
    let told = project.qik("say");
    told.exits(0).prints("second\n");
    assert_eq!(project.executed(), ["say"]);
    project.qik("say").exits(0).prints("second\n");
    assert!(project.executed().is_empty());
}
