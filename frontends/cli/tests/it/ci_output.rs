//! Logs as services that run pipelines fold them, and what failed where they show it. The runner that
//! reads what qik prints is played here: it does what a line says that it takes for a command.

use std::collections::BTreeSet;

use crate::project::{Project, Told};

const GITHUB: (&str, &str) = ("GITHUB_ACTIONS", "true");
const GITLAB: (&str, &str) = ("GITLAB_CI", "true");

/// What GitHub's runner understands of a log: commands in order, as `NAME PROPERTIES|DATA`.
#[track_caller]
fn commands(told: &Told) -> Vec<String> {
    assert_eq!(told.stderr, "", "what belongs together goes one way");
    let (mut found, mut stopped_by, mut tokens) = (Vec::new(), None, BTreeSet::new());
    for line in told.out().lines() {
        let line = line.trim_start();
        let command = line.strip_prefix("::").and_then(|line| line.split_once("::"));
        let Some((command, data)) = command else { continue };
        if let Some(token) = &stopped_by {
            if command == token {
                stopped_by = None;
            }
        } else if command == "stop-commands" {
            assert!(data.len() >= 32 && tokens.insert(data.to_string()), "a new long word: {data}");
            stopped_by = Some(data.to_string());
        } else {
            found.push(format!("{command}|{data}"));
        }
    }
    assert_eq!(stopped_by, None, "commands are understood again in the end");
    found
}

/// Prints what would do harm, without an end of line.
const HARM: &str = r#"
[spaces.default]
modules = ["a", "b"]
[commands]
fine = { exec = "echo '::add-mask::{module.name}'; echo; printf '::error::y'", deps = ["{module.dir}"] }
bad = { exec = "echo '::add-path::/tmp'; echo '##[add-mask]z'; printf '::endgroup::'; exit 3", deps = ["a"] }
"#;

#[test]
fn logs_are_groups_in_which_nothing_is_a_command() {
    let project = Project::new(HARM);
    for (args, folded) in
        [("-n 2", false), ("-n 2 -v 2", true), ("-n 1", true), ("-n 1 -v 2", true)]
    {
        let found = commands(project.qik_in(&format!("{args} -f"), &[GITHUB]).exits(3));
        assert_eq!(found.len() % 2, 1, "{found:?}");
        let (groups, last) = found.split_at(found.len() - 1);
        assert_eq!(last, ["error title=bad failed|exit code 3: ::endgroup::"]);
        for pair in groups.chunks(2) {
            assert!(pair[0].starts_with("group|") && pair[1] == "endgroup|", "{args}: {found:?}");
        }
        let mut names: Vec<&str> =
            groups.iter().filter_map(|g| g.strip_prefix("group|")?.split(' ').next()).collect();
        names.sort_unstable();
        let all = ["bad", "fine@a", "fine@b"];
        assert_eq!(names, if folded { &all[..] } else { &all[..1] }, "{args}");
    }
    // Replays too.
    let found = commands(project.qik_in("fine -n 1", &[GITHUB]).exits(0));
    assert_eq!(found, ["group|fine@a (cached)", "endgroup|", "group|fine@b (cached)", "endgroup|"]);
    let found = commands(project.qik_in("fine -v 0", &[GITHUB]).exits(0));
    assert_eq!(found, [""; 0]);
}

#[test]
fn names_and_reasons_are_no_commands_either() {
    let config = "[commands.x]\nexec = \"\"\"\n::add-mask::line\nfalse\"\"\"\ndeps = [\"*\"]\n";
    let project = Project::new(config);
    project.write("new\n::add-mask::y", "1");
    project.qik("x").exits(1);
    project.qik("x --cache-when finished -v 0").exits(1);
    project.write("new\n::add-mask::y", "2");
    for args in ["-n 2 x", "x --cache-when finished -f", "x -v 0"] {
        let found = commands(&project.qik_in(args, &[GITHUB]));
        let harm = found.iter().any(|command| command.starts_with("add-mask"));
        assert!(!harm, "{args}: {found:?}");
    }
}

#[test]
fn nothing_of_it_is_shown_elsewhere_or_where_it_is_not_wanted() {
    let project = Project::new(HARM);
    let plain = |args: &str, env: &[(&str, &str)]| {
        let told = project.qik_in(&format!("bad -f {args}"), env);
        assert_eq!(told.out(), "::add-path::/tmp\n##[add-mask]z\n::endgroup::", "{args} {env:?}");
        assert_eq!(told.summary(), "1 ran, 0 cached, 1 failed");
    };
    plain("", &[]);
    plain("", &[("GITHUB_ACTIONS", "false"), ("CI", "true")]);
    plain("--ci-format none", &[GITHUB]);
    plain("--ci-format none", &[GITLAB]);
    plain("", &[GITHUB, ("QIK__CI_FORMAT", "none")]);
    assert!(!commands(&project.qik_in("bad --ci-format auto", &[GITHUB])).is_empty());
    assert!(!commands(&project.qik("bad --ci-format github")).is_empty());
    project.qik("bad --ci-format circle").exits(2);
    project.qik_in("bad", &[("QIK__CI_FORMAT", "circle")]).exits(2).says("QIK__CI_FORMAT=circle");
}

#[test]
fn places_that_a_log_names_are_annotated() {
    let script = r#"#!/bin/sh
echo 'src/a.py:3:8: F401 `os` is unused, 100%'
echo '12:30:45: a time is no place'
echo 'src/none.py:1: there is no such file'
echo "  $PWD/src/a.py:7: error: an absolute path"
echo 'src/a.py:8: note: an aside'
printf '\033[31msrc/a.py:9: in colours\033[0m\n'
exit 1
"#;
    let project = Project::new("[commands.lint]\nexec = \"./lint\"\n");
    project.write("lint", script).make_executable("lint").write("src/a.py", "");
    let found = commands(project.qik_in("", &[GITHUB]).exits(1));
    let expected = [
        "error file=src/a.py,line=3,col=8,title=lint failed|F401 `os` is unused, 100%25",
        "error file=src/a.py,line=7,title=lint failed|error: an absolute path",
        "error file=src/a.py,line=9,title=lint failed|in colours",
    ];
    assert_eq!(found[2..], expected);
    // The service counts from its checkout, which may lie above the project.
    let above = project.root.parent().unwrap().to_str().unwrap();
    let found = commands(&project.qik_in("", &[GITHUB, ("GITHUB_WORKSPACE", above)]));
    assert!(found[2].starts_with("error file=project/src/a.py,line=3,"), "{found:?}");

    project.write("lint", "for i in $(seq 30); do echo \"src/a.py:$i: bad\"; done; exit 1");
    let found = commands(&project.qik_in("", &[GITHUB]));
    assert_eq!(found.len(), 2 + 10, "ten at most");
}

#[test]
fn what_could_not_start_is_annotated_with_its_reason() {
    let config = "[commands.x]\nexec = \"true\"\ndeps = [{ type = \"val\", file = \"no.toml\", key = \"x\" }]\n";
    let found = commands(Project::new(config).qik_in("", &[GITHUB]).exits(1));
    assert_eq!(found, ["error title=x failed|`no.toml` cannot be read"]);
}

#[test]
fn gitlab_gets_sections_that_are_opened_and_closed() {
    let project = Project::new(HARM);
    for (args, count) in [("-n 2", 1), ("-n 2 -v 2", 3), ("-n 1", 3)] {
        let told = project.qik_in(&format!("{args} -f"), &[GITLAB]);
        assert_eq!(told.exits(3).stderr, "");
        let (mut open, mut names) = (None, BTreeSet::new());
        for line in told.out().lines() {
            let Some(mark) = line.strip_prefix("\x1b[0Ksection_") else {
                assert!(!line.contains("section_"), "{line}");
                continue;
            };
            let (mark, rest) = mark.split_once("\r\x1b[0K").unwrap();
            let parts: Vec<&str> = mark.split(':').collect();
            assert!(parts[1].parse::<u64>().unwrap() > 1_700_000_000);
            let name = parts[2].trim_end_matches("[collapsed=true]").to_string();
            if parts[0] == "start" {
                assert_eq!(open.replace(name.clone()), None, "sections do not nest");
                let is_bad = rest.starts_with("bad ");
                assert_eq!(parts[2].ends_with(']'), !is_bad && args != "-n 1", "{line}");
                assert!(names.insert(name), "each section has a name of its own");
            } else {
                assert_eq!((parts[0], open.take(), rest), ("end", Some(name), ""));
            }
        }
        assert_eq!((open, names.len()), (None, count), "{args}");
    }
}
