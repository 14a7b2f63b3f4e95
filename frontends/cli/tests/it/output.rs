//! What commands print comes through as it is, to the screen, to the files, and in replays.

use std::process::Stdio;

use crate::project::{Project, tell};

#[test]
fn stdout_and_stderr_come_in_the_order_in_which_they_were_written() {
    let exec = "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done";
    let project = Project::new(&format!("[commands.mix]\nexec = \"{exec}\"\ndeps = [\"x\"]\n"));
    let expected: String = (1..=5).map(|i| format!("out {i}\nerr {i}\n")).collect();
    assert_eq!(project.qik("mix").exits(0).out(), expected);
    assert_eq!(project.qik("mix").exits(0).out(), expected, "so does the replay");
    assert_eq!(project.read("._qik/out/mix.out"), expected);
}

#[test]
fn logs_come_through_byte_for_byte() {
    let bytes = b"\xff\xfe no UTF-8 \x00\x1b[31mred\x1b[0m [i]markup[/i] {braces} %s\r\n   indented \n\nno end";
    let project = Project::new("[commands.say]\nexec = \"cat log.bin\"\ndeps = [\"log.bin\"]\n");
    project.write("log.bin", bytes);
    assert_eq!(project.qik("say").exits(0).stdout, bytes);
    assert_eq!(project.qik("say").exits(0).stdout, bytes, "so does the replay");
    assert_eq!(std::fs::read(project.path("._qik/out/say.out")).unwrap(), bytes);
}

#[test]
fn long_logs_are_whole() {
    let project = Project::new("[commands.long]\nexec = \"seq 1 200000\"\ndeps = [\"x\"]\n");
    let first = project.qik("long").exits(0).out();
    assert_eq!(first.lines().count(), 200_000);
    assert_eq!(project.qik("long").exits(0).out(), first);
}

const TWO: &str = r#"
[commands]
good = { exec = "echo all is well", deps = ["x"] }
bad = { exec = "echo it broke; exit 3", deps = ["x"] }
"#;

#[test]
fn several_commands_show_the_logs_of_what_failed_alone() {
    let told = Project::new(TWO).qik("-n 2");
    told.exits(3).prints("it broke\n").says("failed bad");
    assert!(!told.out().contains("all is well"));
}

#[test]
fn verbosity_0_shows_no_logs_and_2_all() {
    let project = Project::new(TWO);
    assert_eq!(project.qik("-n 2 -v 0").exits(3).out(), "");
    let told = project.qik("-n 2 -v 2");
    told.prints("it broke\n").prints("all is well\n");
    assert_eq!(told.out().matches("it broke").count(), 1, "each log once");
    let told = project.qik("-n 2 -v good bad");
    told.prints("all is well\n").prints("it broke\n");
    assert_eq!(project.qik("good -v 0").exits(0).out(), "", "alone too");
}

#[test]
fn one_runnable_or_one_worker_streams_its_log() {
    let project = Project::new(TWO);
    assert_eq!(project.qik("good").exits(0).out(), "all is well\n");
    let told = project.qik("-n 1 -f");
    assert_eq!(told.exits(3).out(), "it broke\nall is well\n");
}

#[test]
fn with_one_worker_each_log_stands_behind_its_own_line() {
    let config =
        "[commands]\na = \"echo from a\"\nb = \"echo from b; exit 4\"\nc = \"echo from c\"\n";
    let project = Project::new(config);
    let line = format!("{} -n 1 2>&1", env!("CARGO_BIN_EXE_qik"));
    let told = tell(project.command("sh").args(["-c", &line])).out();
    let told: Vec<&str> = told.lines().map(|line| line.split(" 0.").next().unwrap()).collect();
    let expected = [
        "a (never cached)",
        "$ echo from a",
        "from a",
        "b (never cached)",
        "$ echo from b; exit 4",
        "from b",
        " failed b",
        "c (never cached)",
        "$ echo from c",
        "from c",
        "qik 3 ran, 0 cached, 1 failed in",
    ];
    assert_eq!(told, expected);
}

#[test]
fn the_summary_tells_what_ran_was_cached_failed_and_was_skipped() {
    let project = Project::new(TWO);
    assert_eq!(project.qik("").summary(), "2 ran, 0 cached, 1 failed");
    let told = project.qik("");
    assert_eq!(told.summary(), "1 ran, 1 cached, 1 failed");
    assert!(told.stderr.lines().last().unwrap().contains(" in 0."), "{}", told.stderr);
}

#[test]
fn time_saved_is_told() {
    let project = Project::new("[commands.slow]\nexec = \"sleep 0.3\"\ndeps = [\"x\"]\n");
    project.qik("slow").exits(0);
    let told = project.qik("slow");
    assert!(told.stderr.lines().last().unwrap().ends_with("s saved"), "{}", told.stderr);
}

#[test]
fn nothing_is_animated_or_coloured_without_a_terminal() {
    let project = Project::new(TWO);
    let told = project.qik("");
    assert!(!told.stderr.contains('\x1b') && !told.stderr.contains('\r'), "{}", told.stderr);
    let told = project.qik_in("", &[("CLICOLOR_FORCE", "1")]);
    assert!(told.stderr.contains('\x1b'));
    let told = project.qik_in("", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
    assert!(!told.stderr.contains('\x1b'));
}

#[test]
fn a_terminal_shows_progress_and_not_where_plain_lines_are_asked_for() {
    let project = Project::new("[commands]\na = \"sleep 0.4\"\nb = \"sleep 0.4\"\n");
    let on_terminal = |args: &str, env: &[(&str, &str)]| {
        let line = format!("{} {args}", env!("CARGO_BIN_EXE_qik"));
        let mut script = project.command("script");
        script.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").envs(env.iter().copied());
        tell(&mut script).out()
    };
    if tell(project.command("sh").args(["-c", "command -v script"])).code != 0 {
        return;
    }
    let unended = Project::new("[commands]\na = \"printf 'no end'\"\n");
    let line = format!("{} a", env!("CARGO_BIN_EXE_qik"));
    let told = tell(unended.command("script").args(["-qec", &line, "/dev/null"])).out();
    assert!(told.contains("no end\r\n"), "{told}");
    // Only what is redrawn moves the cursor.
    let moves = |text: &str| text.contains("\x1b[1A") || text.contains("\x1b[2K");
    assert!(moves(&on_terminal("", &[])));
    assert!(!moves(&on_terminal("-l stdout", &[])));
    assert!(!moves(&on_terminal("", &[("CI", "true")])));
    assert!(!on_terminal("-l stdout", &[("NO_COLOR", "1")]).contains("\x1b["));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let modules: String = (0..500).map(|i| format!("\"m{i}\", ")).collect();
    let config = format!(
        "[spaces.default]\nmodules = [{modules}]\n[commands]\na-long-name-for-a-command = \"echo {{module.name}}\"\n"
    );
    let project = Project::new(&config);
    let line = format!("{} --ls | head -1; echo ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_qik"));
    let mut bash = project.command("bash");
    let told = tell(bash.args(["-c", &line]));
    assert_eq!(told.out(), "a-long-name-for-a-command@m0\n0\n");
    assert_eq!(told.stderr, "");
}

#[test]
fn a_run_whose_reader_goes_away_goes_on() {
    let project = Project::new("[commands.long]\nexec = \"seq 1 100000; note\"\ndeps = [\"x\"]\n");
    let mut command = project.qik_command("long");
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(project.executed(), ["long"]);
    assert_eq!(project.ls("--cache-status warm"), ["long"]);
}

#[test]
fn each_log_lies_in_the_out_folder_beside_a_manifest() {
    let project = Project::new(
        "[spaces.default]\nmodules = [\"svc/api\"]\n[commands.say]\nexec = \"echo {module.name}; exit 2\"\ndeps = [\"x\"]\n[commands.none]\nexec = \"true\"\n",
    );
    project.qik("").exits(2);
    assert_eq!(project.read("._qik/out/say@svc%2Fapi.out"), "svc/api\n");
    assert_eq!(project.read("._qik/out/none.out"), "");
    let manifest: serde_json::Value =
        serde_json::from_str(&project.read("._qik/out/manifest.json")).unwrap();
    let entry = &manifest["say@svc/api"];
    assert_eq!((entry["code"].as_i64(), entry["cached"].as_bool()), (Some(2), Some(false)));
    assert_eq!(entry["log"], "say@svc%2Fapi.out");
    assert_eq!(manifest["none"]["code"], 0);
}

#[test]
fn a_replay_brings_back_a_log_that_was_lost() {
    let project = Project::new(TWO);
    project.qik("good").exits(0);
    project.remove("._qik/out/good.out");
    project.qik("good").exits(0);
    assert_eq!(project.read("._qik/out/good.out"), "all is well\n");
}

#[test]
fn the_log_of_a_failure_can_be_found_again() {
    let told = Project::new(TWO).qik("-n 2");
    told.says("._qik/out/bad.out");
}

#[test]
fn state_of_qik_is_no_business_of_git() {
    let project = Project::new(TWO);
    project.commit();
    project.qik("").exits(3);
    assert_eq!(project.git("status --porcelain"), "");
}

#[test]
fn lines_are_aligned_with_colours_and_without() {
    let project = Project::new(TWO);
    let line = |env: &[(&str, &str)]| {
        let told = project.qik_in("-n 2 -f", env);
        told.stderr.lines().find(|line| line.contains("good")).unwrap().to_owned()
    };
    assert!(line(&[]).starts_with("    ran good "));
    assert!(line(&[("CLICOLOR_FORCE", "1")]).starts_with("\x1b[32m    ran\x1b[0m good "));
}

#[test]
fn what_is_said_of_a_run_goes_to_stderr_and_logs_alone_to_stdout() {
    let told = Project::new(TWO).qik("-n 2 -v 2");
    let mut lines: Vec<String> = told.out().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["all is well", "it broke"]);
}

#[test]
fn nothing_selected_is_said() {
    let project = Project::new(TWO);
    assert_eq!(project.qik("--cache repo").exits(0).summary(), "nothing is selected");
}
