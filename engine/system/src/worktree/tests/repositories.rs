//! Every shape of repository: projects below its root, linked trees, submodules, indexes of all layouts, none at
//! all.

use super::*;

#[test]
fn a_project_below_the_git_root_keeps_to_the_rules_above() {
    let mut repo = Repo::new();
    repo.write(".gitignore", "*.log\n/proj/build/\n");
    repo.write(".gitattributes", "*.txt text\n");
    repo.write("proj/a.txt", "x\r\n");
    repo.write("proj/deep/b.log", "");
    repo.write("proj/build/c", "");
    repo.write("project/sibling", "");
    repo.write("outside", "");
    repo.add();
    repo.write("proj/new.txt", "y\r\n");
    repo.project = repo.root.join("proj");
    assert_eq!(repo.names(), ["a.txt", "new.txt"]);
    repo.check();
}

#[test]
fn a_project_that_the_repository_ignores_is_its_own_master() {
    let mut repo = Repo::new();
    repo.write(".gitignore", "tmp/\n");
    repo.write("tmp/proj/a", "");
    repo.write("tmp/proj/.gitignore", "b\n");
    repo.write("tmp/proj/b", "");
    repo.project = repo.root.join("tmp/proj");
    assert_eq!(repo.names(), [".gitignore", "a"]);
}

#[test]
fn a_linked_work_tree_has_an_index_of_its_own() {
    let mut repo = Repo::new();
    repo.write("a", "1");
    repo.write(".git/info/exclude", "*.no\n");
    repo.commit();
    repo.git(&["worktree", "add", "-q", "../linked"]);
    repo.root = repo.root.parent().unwrap().join("linked");
    repo.project = repo.root.clone();
    repo.write("b", "2");
    repo.write("c.no", "");
    repo.add();
    let (files, reads) = repo.scan_with(TreeOptions::default());
    assert_eq!(files, repo.oracle());
    assert_eq!(files.len(), 2);
    // The checkout wrote file and index within a tick.
    assert!(!reads.contains(&"b".to_string()));
}

#[test]
fn nested_repositories_and_submodules_count_file_by_file() {
    let repo = Repo::new();
    repo.write("nested/a", "1");
    repo.write("nested/.gitignore", "no\n");
    repo.write("nested/no", "");
    git_in(&repo.root.join("nested"), &["init", "-q"], b"");
    let other = Repo::new();
    other.write("inner/b", "2");
    other.commit();
    repo.git(&["submodule", "--quiet", "add", other.root.to_str().unwrap(), "module"]);
    repo.git(&["commit", "-qm", "x"]);
    let names = [".gitmodules", "module/inner/b", "nested/.gitignore", "nested/a"];
    assert_eq!(repo.names(), names);
    repo.write("module/inner/b", "3");
    assert_eq!(repo.scan()[&"module/inner/b".into()].1, blob_id(b"3"));
}

#[test]
fn a_submodule_is_a_project_like_any_other() {
    let mut repo = Repo::new();
    let other = Repo::new();
    other.write("b", "2");
    other.commit();
    repo.git(&["submodule", "--quiet", "add", other.root.to_str().unwrap(), "module"]);
    repo.root = repo.root.join("module");
    repo.project = repo.root.clone();
    repo.write("c", "");
    repo.check();
    assert_eq!(repo.names(), ["b", "c"]);
}

#[test]
fn without_git_ignore_files_are_heeded_all_the_same() {
    let repo = Repo::plain();
    repo.write(".gitignore", "a\n/d/no/\n");
    repo.write(".ignore", "b\n!a2\n");
    for name in ["a", "b", "c", "d/a", "d/no/x", "d/yes/x"] {
        repo.write(name, "");
    }
    assert_eq!(repo.names(), [".gitignore", ".ignore", "c", "d/yes/x"]);
}

#[test]
fn a_repository_without_an_index_is_all_untracked() {
    let repo = Repo::new();
    repo.write("a", "1");
    repo.check();
    assert_eq!(repo.names(), ["a"]);
}

#[test]
fn a_broken_index_is_a_note_and_everything_is_read() {
    let repo = Repo::new();
    repo.write("a", "1");
    repo.add();
    std::fs::write(repo.root.join(".git/index"), "rubbish").unwrap();
    let (mut tree, _) = repo.open(TreeOptions::default());
    let delta = tree.scan();
    let codes: Vec<&str> = delta.notes.iter().map(|note| note.code).collect();
    assert_eq!(codes, ["tree/git-unusable"]);
    assert_eq!(files_of(&tree)[&"a".into()].1, blob_id(b"1"));
}

#[test]
fn a_repository_of_longer_ids_is_a_note_and_its_tracked_files_count() {
    let repo = Repo::plain();
    repo.git(&["init", "-q", "--object-format=sha256"]);
    repo.write(".gitignore", "*.no\n");
    repo.write("a.no", "1");
    repo.write("b.no", "");
    settle();
    repo.git(&["add", "-f", "a.no"]);
    let (mut tree, _) = repo.open(TreeOptions::default());
    let codes: Vec<&str> = tree.scan().notes.iter().map(|note| note.code).collect();
    assert_eq!(codes, ["tree/git-unusable"]);
    let names: Vec<String> = files_of(&tree).keys().map(ToString::to_string).collect();
    assert_eq!(names, [".gitignore", "a.no"]);
    assert_eq!(files_of(&tree)[&"a.no".into()].1, blob_id(b"1"));
}

#[test]
fn every_layout_of_the_index_is_read() {
    for setting in
        [["index.version", "4"], ["core.splitIndex", "true"], ["core.untrackedCache", "true"]]
    {
        let repo = Repo::new();
        repo.git(&["config", setting[0], setting[1]]);
        for name in ["a", "d/b", "d/e/c", "d-x", "d.y"] {
            repo.write(name, name);
        }
        repo.add();
        repo.write("late", "");
        repo.add();
        let (files, reads) = repo.scan_with(TreeOptions::default());
        assert_eq!((files, reads), (repo.oracle(), vec![]), "{setting:?}");
    }
}

#[test]
fn a_sparse_checkout_is_what_lies_on_disk() {
    let repo = Repo::new();
    repo.write("in/a", "1");
    repo.write("out/b", "2");
    repo.commit();
    repo.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    assert_eq!(repo.names(), ["in/a"]);
    repo.write("out/c", "3");
    assert_eq!(repo.names(), ["in/a", "out/c"]);
}
