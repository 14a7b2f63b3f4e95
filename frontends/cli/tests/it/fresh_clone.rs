//! In a fresh clone, what is listed as cold is what a run then executes, and listing restores
//! nothing. Artifacts are ignored by git, so a clone has none of them.

use crate::project::Project;

/// Three chained commands, each with the cache that it is given.
fn chain(caches: [&str; 3]) -> Project {
    let [a, b, c] = caches;
    let project = Project::new(&format!(
        r#"
[commands.a]
exec = "note; sed s/^/a/ src.txt > out-a.txt"
deps = ["src.txt"]
artifacts = ["out-a.txt"]
cache = "{a}"

[commands.b]
exec = "note; sed s/^/b/ out-a.txt > out-b.txt"
deps = ["out-a.txt", {{ type = "command", name = "a" }}]
artifacts = ["out-b.txt"]
cache = "{b}"

[commands.c]
exec = "note; sed s/^/c/ out-b.txt > out-c.txt"
deps = [{{ type = "command", name = "b" }}]
artifacts = ["out-c.txt"]
cache = "{c}"
"#
    ));
    project.write("src.txt", "1\n").write(".gitignore", "out-*\n");
    project
}

/// A clone of the project after everything ran in it and was committed.
fn fresh_clone(caches: [&str; 3]) -> Project {
    let project = chain(caches);
    project.qik("").exits(0);
    project.commit();
    let clone = project.clone_to("fresh");
    project.executed();
    clone
}

/// Lists, then runs, and compares.
fn check(caches: [&str; 3], cold: &[&str]) {
    let clone = fresh_clone(caches);
    let before = clone.files();
    let listed = clone.ls("--cache-status cold");
    assert_eq!(clone.files(), before, "listing made no file");
    assert_eq!(clone.ls("--cache-status cold"), listed, "listing changed nothing that it lists");
    clone.qik("").exits(0);
    assert_eq!(listed, clone.executed(), "what was listed is what was executed");
    assert_eq!(listed, cold);
    assert_eq!(clone.read("out-c.txt"), "cba1\n");
    assert!(clone.ls("--cache-status cold").is_empty());
}

#[test]
fn with_local_caches_all_is_cold() {
    check(["local"; 3], &["a", "b", "c"]);
}

#[test]
fn with_the_repo_cache_what_lost_its_artifacts_is_cold() {
    check(["repo"; 3], &["a", "b", "c"]);
}

#[test]
fn with_mixed_caches_the_listing_is_as_exact() {
    check(["repo", "local", "repo"], &["a", "b", "c"]);
    check(["local", "repo", "local"], &["a", "b", "c"]);
}

#[test]
fn with_artifacts_in_git_the_repo_cache_is_warm_through_the_chain() {
    let project = chain(["repo"; 3]);
    project.write(".gitignore", "");
    project.qik("").exits(0);
    project.commit();
    project.executed();
    let clone = project.clone_to("fresh");
    assert!(clone.ls("--cache-status cold").is_empty());
    assert_eq!(clone.qik("").exits(0).summary(), "0 ran, 3 cached");
    assert!(clone.executed().is_empty());
}

#[test]
fn artifacts_in_the_local_cache_count_though_none_lies_on_disk() {
    let project = chain(["local"; 3]);
    project.qik("").exits(0);
    project.executed();
    project.remove("out-a.txt").remove("out-b.txt").remove("out-c.txt");
    assert!(project.ls("--cache-status cold").is_empty());
    assert_eq!(project.ls("--cache-status warm"), ["a", "b", "c"]);
    assert!(!project.exists("out-a.txt"), "listing restores nothing");
    assert_eq!(project.qik("").exits(0).summary(), "0 ran, 3 cached");
    assert!(project.executed().is_empty());
    assert_eq!(project.read("out-c.txt"), "cba1\n");
}

#[test]
fn artifacts_on_disk_that_are_not_those_of_the_entry_do_not_count() {
    let project = chain(["local"; 3]);
    project.qik("").exits(0);
    project.executed();
    project.write("out-a.txt", "overwritten\n").write("out-b.txt", "overwritten\n");
    assert!(project.ls("--cache-status cold").is_empty());
    assert_eq!(project.read("out-a.txt"), "overwritten\n");
    project.qik("").exits(0);
    assert!(project.executed().is_empty());
    assert_eq!(project.read("out-b.txt"), "ba1\n");
}

#[test]
fn a_cold_upstream_is_the_reason_that_is_given() {
    let clone = fresh_clone(["local"; 3]);
    let told = clone.qik("--ls --format json --cache-status cold");
    let all: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let reasons: Vec<&str> = (0..3).map(|i| all[i]["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["no entry yet", "upstream a is cold", "upstream b is cold"]);
}

#[test]
fn running_only_what_is_cold_makes_everything_warm() {
    let clone = fresh_clone(["repo", "local", "repo"]);
    clone.qik("--cache-status cold").exits(0);
    assert_eq!(clone.executed(), ["a", "b", "c"]);
    assert_eq!(clone.ls("--cache-status warm"), ["a", "b", "c"]);
}

#[test]
fn an_edit_at_the_top_is_cold_to_the_bottom_and_undoing_it_warm_again() {
    let project = chain(["local"; 3]);
    project.qik("").exits(0);
    project.write("src.txt", "2\n");
    assert_eq!(project.ls("--cache-status cold"), ["a", "b", "c"]);
    project.write("src.txt", "1\n");
    assert!(project.ls("--cache-status cold").is_empty());
}

#[test]
fn what_is_cold_is_passed_on_through_what_is_never_cached() {
    let project = chain(["local", "none", "local"]);
    project.qik("").exits(0);
    assert!(project.ls("--cache-status cold").is_empty());
    project.write("src.txt", "2\n");
    assert_eq!(project.ls("--cache-status cold"), ["a", "c"]);
    project.executed();
    project.qik("").exits(0);
    assert_eq!(project.executed(), ["a", "b", "c"]);
}

#[test]
fn a_listing_of_one_cache_asks_nothing_of_others() {
    let clone = fresh_clone(["local", "repo", "repo"]);
    assert_eq!(clone.ls("--cache local --cache-status cold"), ["a"]);
    assert_eq!(clone.ls("--cache repo --cache-status cold"), ["b", "c"]);
}
