//! What failed and passes with nothing changed is luck, and is told as that.

use crate::project::Project;
use crate::reports::report;

/// Fails until `$RAN/luck` is there, which is no input.
const LUCK: &str = "[commands.test]\nexec = \"note; test -e $RAN/luck\"\ndeps = [\"x\"]\n";

fn lucky(project: &Project) {
    std::fs::write(project.trace("luck"), "").unwrap();
}

fn is_flaky(project: &Project) -> bool {
    let (whole, by_name) = report(project);
    let flaky = by_name["test"]["flaky"].as_bool().unwrap();
    assert_eq!(whole["counts"]["flaky"], u64::from(flaky));
    flaky
}

#[test]
fn what_failed_in_a_run_before_and_passes_for_the_same_is_flaky() {
    let project = Project::new(LUCK);
    project.write("x", "1");
    project.qik("").exits(1);
    assert!(!is_flaky(&project), "a failure alone is none");
    lucky(&project);
    let path = project.trace("summary");
    let env = [("GITHUB_STEP_SUMMARY", path.to_str().unwrap())];
    let told = project.qik_in("--report junit=._qik/j.xml", &env);
    told.exits(0).says("  flaky test 0.").says("failed before with the same inputs");
    assert_eq!(told.summary(), "1 ran, 0 cached, 1 flaky");
    assert!(is_flaky(&project));
    assert!(project.read("._qik/j.xml").contains("<property name=\"flaky\" value=\"true\"/>"));
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page.starts_with("### qik: 1 flaky, 1 ran in "), "{page}");
    assert!(page.contains("| flaky | `test` |"), "{page}");

    // So is its replay, until anything changes.
    assert_eq!(project.qik("").exits(0).summary(), "0 ran, 1 cached, 1 flaky");
    project.write("x", "2");
    assert_eq!(project.qik("").exits(0).summary(), "1 ran, 0 cached");
    assert!(!is_flaky(&project));
}

#[test]
fn what_passes_when_tried_again_is_flaky() {
    let once = "note; test -e $RAN/luck || { touch $RAN/luck; exit 3; }";
    for deps in ["deps = [\"x\"]", "cache = \"none\""] {
        let config = format!("[commands.test]\nexec = \"{once}\"\nretries = 2\n{deps}\n");
        let project = Project::new(&config);
        project.qik("-n 2").exits(0).says("  flaky test 0.").says("passed at try 2");
        assert!(is_flaky(&project), "{deps}");
        let (_, by_name) = report(&project);
        assert_eq!(by_name["test"]["attempts"], 2);
        assert_eq!(project.executed().len(), 2);
    }
}

#[test]
fn what_passes_after_a_change_is_not() {
    let project = Project::new("[commands.test]\nexec = \"grep -q good x\"\ndeps = [\"x\"]\n");
    project.write("x", "bad");
    project.qik("").exits(1);
    project.write("x", "good");
    project.qik("").exits(0);
    assert!(!is_flaky(&project));
}

#[test]
fn what_changes_its_own_inputs_and_fails_is_not() {
    let exec = "grep -q good x || { echo good > x; exit 1; }";
    let project = Project::new(&format!("[commands.test]\nexec = \"{exec}\"\ndeps = [\"x\"]\n"));
    project.write("x", "bad");
    project.qik("").exits(1);
    project.qik("").exits(0);
    assert!(!is_flaky(&project));
    project.write("x", "bad");
    project.qik("").exits(1);
    assert!(!is_flaky(&project), "the state before never passed");
}

#[test]
fn a_damaged_ledger_is_no_trouble() {
    let project = Project::new(LUCK);
    project.qik("").exits(1);
    for damage in ["", "{", "[1]", "{\"zz\":{}}", "\u{0}"] {
        project.write("._qik/out/flakes.json", damage);
        project.qik("").exits(1).is_silent_on("flakes");
        assert!(project.read("._qik/out/flakes.json").contains("\"name\": \"test\""));
    }
    project.remove("._qik/out/flakes.json").write("._qik/out/flakes.json/in-the-way", "");
    project.qik("").exits(1).is_silent_on("flakes");
    lucky(&project);
    project.qik("").exits(0);
    assert!(!is_flaky(&project), "what can't be remembered is not told");
}
