//! Where the configuration is found.

use crate::project::Project;

const SAYS_ROOT: &str = "[commands]\na = \"echo root\"\n";
const SAYS_INNER: &str = "[commands]\na = \"echo inner\"\n";

#[test]
fn the_outermost_configuration_up_to_the_git_root_counts() {
    let project = Project::new(SAYS_ROOT);
    project.write("inner/qik.toml", SAYS_INNER).write("inner/deep/x", "");
    assert_eq!(project.inside("inner/deep").qik("a").exits(0).out(), "root\n");
}

#[test]
fn what_lies_above_the_git_root_does_not_count() {
    let outer = Project::without_git(SAYS_ROOT);
    outer.write("repo/qik.toml", SAYS_INNER);
    let repo = outer.inside("repo");
    repo.git("init -q .");
    assert_eq!(repo.qik("a").exits(0).out(), "inner\n");
}

#[test]
fn a_project_may_lie_below_the_git_root() {
    let project = Project::empty();
    project.git("init -q .");
    project.write("sub/qik.toml", "[commands.a]\nexec = \"pwd; note\"\ndeps = [\"x.txt\"]\n");
    project.write("sub/x.txt", "1\n").write("sub/deep/y", "").write("x.txt", "1\n");
    let deep = project.inside("sub/deep");
    assert!(deep.qik("a").exits(0).out().ends_with("/project/sub\n"));
    project.write("x.txt", "2\n");
    assert_eq!(deep.qik("a").exits(0).summary(), "0 ran, 1 cached", "globs start at the project");
    project.commit();
    assert_eq!(deep.qik("a").exits(0).summary(), "0 ran, 1 cached");
    project.write("sub/x.txt", "2\n");
    assert_eq!(deep.qik("a").exits(0).summary(), "1 ran, 0 cached");
}

#[test]
fn a_pyproject_counts_where_it_has_a_table_of_qik() {
    let project = Project::empty();
    project.git("init -q .");
    project.write("pyproject.toml", "[project]\nname = \"x\"\n");
    project.write("sub/pyproject.toml", "[tool.qik.commands]\na = \"echo sub\"\n");
    project.qik("a").exits(2).says("config/not-found");
    assert_eq!(project.inside("sub").qik("a").exits(0).out(), "sub\n");
}

#[test]
fn two_side_by_side_are_an_error_that_names_both() {
    let project = Project::new(SAYS_ROOT);
    project.write("pyproject.toml", "[tool.qik.commands]\na = \"echo py\"\n");
    project.qik("a").exits(2).says("config/two-configs").says("qik.toml").says("pyproject.toml");
}

#[test]
fn a_pyproject_without_a_table_of_qik_does_not_stand_in_the_way() {
    let project = Project::new(SAYS_ROOT);
    project.write("pyproject.toml", "[tool.black]\nline-length = 100\n");
    assert_eq!(project.qik("a").exits(0).out(), "root\n");
}

#[test]
fn none_at_all_is_an_error_that_says_what_to_do() {
    let project = Project::empty();
    project.git("init -q .");
    project.qik("").exits(2).says("config/not-found").says("qik.toml");
}

#[test]
fn without_git_the_nearest_counts_and_all_else_works() {
    let project = Project::without_git(SAYS_ROOT);
    project.write(
        "inner/qik.toml",
        "[commands.a]\nexec = \"note; cat src.txt\"\ndeps = [\"src.txt\"]\n",
    );
    project.write("inner/src.txt", "inner\n");
    let inner = project.inside("inner");
    assert_eq!(inner.qik("a").exits(0).out(), "inner\n");
    assert_eq!(inner.qik("a").exits(0).summary(), "0 ran, 1 cached");
    inner.write("src.txt", "2\n");
    assert_eq!(inner.qik("a").exits(0).out(), "2\n");
    assert_eq!(inner.qik("a --cache repo").exits(0).summary(), "1 ran, 0 cached");
    assert_eq!(inner.qik("a --cache repo").exits(0).summary(), "0 ran, 1 cached");
}

/// A command whose result depends on a file, for checkouts of all kinds.
const CACHED: &str = "[commands.a]\nexec = \"note; cat src.txt\"\ndeps = [\"src.txt\"]\n";

/// It runs cold, then warm, then after an edit, then is warm for the first state again.
fn works(checkout: &Project) {
    assert_eq!(checkout.qik("a").exits(0).summary(), "1 ran, 0 cached");
    assert_eq!(checkout.qik("a").exits(0).summary(), "0 ran, 1 cached");
    let before = checkout.read("src.txt");
    checkout.write("src.txt", "edited\n");
    assert_eq!(checkout.qik("a").exits(0).out(), "edited\n");
    checkout.write("src.txt", before);
    assert_eq!(checkout.qik("a").exits(0).summary(), "0 ran, 1 cached");
}

#[test]
fn a_linked_worktree_is_a_checkout_like_any() {
    let project = Project::new(CACHED);
    project.write("src.txt", "1\n").commit();
    project.git("worktree add -q ../linked -b other");
    works(&project.inside("../linked"));
    works(&project);
}

#[test]
fn a_submodule_is_a_project_of_its_own() {
    let inner = Project::new(CACHED);
    inner.write("src.txt", "1\n").commit();
    let outer = Project::new(SAYS_ROOT);
    outer.git(&format!("submodule --quiet add {} sub", inner.root.display()));
    works(&outer.inside("sub"));
    assert_eq!(outer.qik("a").exits(0).out(), "root\n");
}

#[test]
fn a_configuration_can_be_named() {
    let project = Project::new(SAYS_ROOT);
    project.write("inner/qik.toml", SAYS_INNER);
    assert_eq!(project.qik("--config inner/qik.toml a").exits(0).out(), "inner\n");
    assert_eq!(project.inside("inner").qik("--config ../qik.toml a").exits(0).out(), "root\n");
    project.qik("--config nowhere/qik.toml a").exits(2).says("config/not-found");
}

#[test]
fn qik_can_be_started_as_if_in_another_folder() {
    let project = Project::new(SAYS_ROOT);
    let elsewhere = Project::empty();
    assert_eq!(elsewhere.qik(&format!("-C {} a", project.root.display())).exits(0).out(), "root\n");
    elsewhere.qik("-C no-such-folder a").exits(2).says("no-such-folder");
}

#[test]
fn included_files_count() {
    let project = Project::new("include = [\"ci/more.toml\"]\n[commands]\na = \"echo a\"\n");
    project.write("ci/more.toml", "[commands]\nb = \"echo b; pwd\"\n");
    assert_eq!(project.ls(""), ["a", "b"]);
    assert!(project.qik("b").exits(0).out().ends_with("/project\n"));
}

#[test]
fn an_error_shows_its_file_line_and_remedy() {
    let project = Project::new("[commands.lint]\nexec = \"x\"\nartifcats = [\"y\"]\n");
    let told = project.qik("");
    told.exits(2).says("config/unknown-key").says("qik.toml:3:1").says("artifacts");
}

#[test]
fn every_code_that_is_told_has_a_page() {
    let project = Project::new(SAYS_ROOT);
    project.qik("--explain-error config/unknown-key").exits(0).prints("config/unknown-key");
    project.qik("--explain-error no/such-code").exits(2);
    for args in ["nought", "-m x", "-s x", "-t x", "--cache x", "-p x", "--ctx x", "-C nowhere"] {
        let told = project.qik(args);
        told.exits(2);
        let code = told.stderr.split_whitespace().find(|word| word.contains('/')).unwrap();
        project.qik(&format!("--explain-error {code}")).exits(0);
    }
}
