//! Merges and rebases with real git, where both sides wrote entries: what comes out is one side's
//! entry or none, never a mixture.

use qik_cache::{Finished, Lookup};

use crate::project::{Project, key, log};

const RUNNABLES: [&str; 3] = ["both@old", "both@new", "json@only"];

/// What each side says of a runnable. Of `json@only` the logs agree, so that only the entry is in
/// conflict.
fn output(runnable: &str, number: u8) -> String {
    match runnable {
        "json@only" => "the same log\n".to_owned(),
        _ => format!("start\nresult {number}\nend\n"),
    }
}

fn store(project: &Project, runnable: &str, number: u8) {
    let caches = project.caches();
    let text = output(runnable, number);
    let finished = Finished { code: i32::from(number), ..log(&text) };
    caches.store("repo", &key(number, runnable), finished);
    caches.stage();
    assert_eq!(caches.warnings(), []);
}

/// A repository whose branches `main` and `side` changed an entry that was there before, and both
/// added one. The driver is as a clone finds it: not set up until qik has run there.
fn diverged(project: &Project) {
    project.write("code", "0\n");
    store(project, "both@old", 1);
    store(project, "json@only", 1);
    project.commit_all("base");
    project.git(&["branch", "side"]);
    for (branch, number) in [("main", 2), ("side", 3)] {
        project.git(&["switch", "-q", branch]);
        project.write(&format!("code-{branch}"), format!("{number}\n"));
        RUNNABLES.iter().for_each(|runnable| store(project, runnable, number));
        project.commit_all(branch);
    }
    project.git(&["switch", "-q", "main"]);
}

/// For every fingerprint that was ever stored: a clean miss, or the very result. Gives the numbers
/// that hit.
#[track_caller]
fn check(project: &Project) -> Vec<u8> {
    let caches = project.caches();
    let mut hits = Vec::new();
    for runnable in RUNNABLES {
        for number in 1..=3 {
            let found = caches.lookup("repo", &key(number, runnable), &project.files());
            let Lookup::Hit(result) = found else { continue };
            assert_eq!(result.code, i32::from(number));
            assert_eq!(result.runnable, runnable);
            let text = output(runnable, number);
            assert_eq!(caches.log("repo", &result).unwrap(), text.as_bytes());
            hits.push(number);
        }
    }
    hits
}

#[test]
fn a_merge_keeps_our_entries() {
    let project = Project::in_git();
    diverged(&project);
    project.git(&["merge", "-q", "--no-edit", "side"]);
    assert_eq!(project.git(&["status", "--short"]), "");
    assert_eq!(project.read("code-side").as_deref(), Some("3\n"));
    assert_eq!(check(&project), [2, 2, 2]);
    assert_eq!(project.caches().warnings(), []);
}

#[test]
fn a_rebase_goes_through_and_keeps_one_side() {
    let project = Project::in_git();
    diverged(&project);
    project.git(&["switch", "-q", "side"]);
    project.git(&["rebase", "-q", "main"]);
    assert_eq!(project.git(&["status", "--short"]), "");
    // In a rebase, ours is what it is rebased onto.
    assert_eq!(check(&project), [2, 2, 2]);
}

#[test]
fn a_rebase_of_several_commits_with_an_autostash_goes_through() {
    let project = Project::in_git();
    diverged(&project);
    project.git(&["switch", "-q", "side"]);
    for round in 0..3 {
        project.write("code-side", format!("more {round}\n"));
        store(&project, "both@old", 1);
        project.commit_all("again");
        store(&project, "both@old", 3);
        project.commit_all("and back");
    }
    store(&project, "stashed", 1);
    project.write("code", "local edit\n");
    project.git(&["rebase", "-q", "--autostash", "main"]);
    assert_eq!(project.read("code").as_deref(), Some("local edit\n"));
    assert_eq!(check(&project).len(), 3);
    project.git(&["stash", "list"]);
}

#[test]
fn a_linked_work_tree_merges_and_rebases_alike() {
    let project = Project::in_git();
    diverged(&project);
    project.git(&["config", "--remove-section", "merge.qik"]);
    let linked = |name: &str, branch: &str, at: &str| {
        let place = project.root.parent().unwrap().join(name);
        project.git(&["worktree", "add", "-q", "-b", branch, place.to_str().unwrap(), at]);
        Project::at(place)
    };
    let merging = linked("merging", "merging", "side");
    // Reading entries is enough to set the driver up.
    assert_eq!(check(&merging), [3, 3, 3]);
    merging.git(&["merge", "-q", "--no-edit", "main"]);
    assert_eq!(check(&merging), [3, 3, 3]);

    let rebasing = linked("rebasing", "rebasing", "side");
    rebasing.git(&["rebase", "-q", "main"]);
    assert_eq!(rebasing.git(&["status", "--short"]), "");
    assert_eq!(check(&rebasing), [2, 2, 2]);
    store(&rebasing, "from@linked", 1);
    assert!(rebasing.git(&["status", "--short"]).contains("A  .qik/cache/from/from@linked.json"));
    assert!(!project.git(&["status", "--short"]).contains("linked"));
}

#[test]
fn where_qik_never_ran_a_conflict_is_never_a_wrong_replay() {
    for strategy in [&[][..], &["-X", "ours"], &["-X", "theirs"]] {
        let project = Project::in_git();
        diverged(&project);
        project.git(&["config", "--remove-section", "merge.qik"]);
        let args = [&["merge", "-q", "--no-edit"], strategy, &["side"]].concat();
        let clean = project.try_git(&args).status.success();
        assert_eq!(clean, !strategy.is_empty());
        let hits = check(&project);
        assert!(clean || !hits.contains(&1), "{hits:?}");
    }
}

#[test]
fn a_union_of_both_sides_is_never_a_wrong_replay() {
    let project = Project::in_git();
    diverged(&project);
    project.git(&["config", "--remove-section", "merge.qik"]);
    project.write(".git/info/attributes", "*.json merge=union\n*.log merge=union\n");
    project.git(&["merge", "-q", "--no-edit", "side"]);
    assert_eq!(check(&project), [0; 0]);
}

#[test]
fn taking_one_half_of_each_side_by_hand_is_a_miss() {
    let project = Project::in_git();
    diverged(&project);
    for (json, log) in [("main", "side"), ("side", "main")] {
        for runnable in ["old", "new"] {
            let path = format!(".qik/cache/both/both@{runnable}");
            project.git(&["checkout", "-q", json, "--", &format!("{path}.json")]);
            project.git(&["checkout", "-q", log, "--", &format!("{path}.log")]);
        }
        project.git(&["checkout", "-q", "main", "--", ".qik/cache/json"]);
        assert_eq!(check(&project), [2]);
    }
}

#[test]
fn conversion_of_line_ends_leaves_entries_alone() {
    let project = Project::in_git();
    project.write(".gitattributes", "* text=auto eol=crlf\n");
    project.git(&["config", "core.autocrlf", "true"]);
    store(&project, "both@old", 1);
    project.commit_all("base");
    let place = project.root.parent().unwrap().join("clone");
    project.git(&["clone", "-q", "-c", "core.autocrlf=true", ".", place.to_str().unwrap()]);
    assert_eq!(check(&Project::at(place)), [1]);
}
