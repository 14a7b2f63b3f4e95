//! Looking again: what a refresh tells, and what the next process remembers.

use super::*;

fn paths(paths: &[&str]) -> Vec<RelPath> {
    paths.iter().map(|path| RelPath::from(*path)).collect()
}

fn changed(delta: &Delta) -> Vec<String> {
    let sign = |there: bool| if there { '+' } else { '-' };
    delta.folders.iter().map(|(path, now)| format!("{}{path}", sign(now.is_some()))).collect()
}

/// After `change`, refreshing `scope` yields these folders and these touched files, and the tree is
/// that of a fresh scan.
#[track_caller]
fn check(
    setup: impl FnOnce(&Repo),
    change: impl FnOnce(&Repo),
    scope: &[&str],
    folders: &[&str],
    touched: &[&str],
) {
    let repo = Repo::new();
    setup(&repo);
    repo.add();
    let (mut tree, _) = repo.open(TreeOptions::default());
    tree.scan();
    settle();
    change(&repo);
    let delta = tree.refresh(&paths(scope));
    assert_eq!(changed(&delta), folders);
    assert_eq!(delta.touched, paths(touched));
    assert_eq!(files_of(&tree), repo.scan());
}

fn some_files(repo: &Repo) {
    for name in ["a", "d/b", "d/e/c", "d/f/g/h", "d-x/y"] {
        repo.write(name, name);
    }
}

#[test]
fn a_refresh_finds_edits() {
    check(some_files, |r| r.write("d/b", "2"), &["d/b"], &["+d"], &["d/b"]);
    check(some_files, |r| r.write("d/e/c", "2"), &["d"], &["+d/e"], &["d/e/c"]);
    check(some_files, |r| r.write("a", "2"), &["a", "d-x", "d/e"], &["+."], &["a"]);
}

#[test]
fn a_rewrite_with_the_same_bytes_touches_and_changes_nothing() {
    check(some_files, |r| r.write("d/b", "d/b"), &["d"], &[], &["d/b"]);
}

#[test]
fn nothing_new_is_nothing_told() {
    check(some_files, |_| {}, &["d", "a", "no/such/file"], &[], &[]);
}

/// Other facts than those of the bytes show whom the tree believes.
#[test]
fn what_was_learnt_of_a_file_holds_for_its_stat_and_is_not_read() {
    let repo = Repo::new();
    some_files(&repo);
    repo.add();
    let (mut tree, system) = repo.open(TreeOptions::default());
    tree.scan();
    let path = RelPath::from("d/new");
    let id = |tree: &WorkTree| tree.file(&path).unwrap().1;
    repo.write("d/new", "one");
    settle();
    let stat = system.stat(&path).unwrap();
    system.take();

    tree.learn(path.clone(), Stat { mtime: (1, 2), ..stat }, Facts::of(b"told"));
    tree.refresh(&paths(&["d"]));
    assert_eq!((id(&tree), system.take()), (blob_id(b"one"), vec!["d/new".to_string()]));

    repo.remove("d/new");
    tree.refresh(&paths(&["d"]));
    repo.write("d/new", "two");
    let stat = system.stat(&path).unwrap();
    tree.learn(path.clone(), stat, Facts::of(b"told"));
    tree.refresh(&paths(&["d"]));
    assert_eq!((id(&tree), system.take()), (blob_id(b"told"), vec![]));
    assert_eq!(tree.facts(&path), Some(Facts::of(b"told")));

    // It is kept for the next process, as what was read is.
    tree.save().unwrap();
    let (mut next, of_next) = repo.open(TreeOptions::default());
    next.scan();
    assert_eq!((id(&next), of_next.take()), (blob_id(b"told"), vec![]));

    settle();
    repo.write("d/new", "six");
    tree.refresh(&paths(&["d"]));
    assert_eq!((id(&tree), system.take()), (blob_id(b"six"), vec!["d/new".to_string()]));
}

#[test]
fn a_refresh_finds_new_folders() {
    let new = |r: &Repo| r.write("n/o/p", "");
    check(some_files, new, &["n/o/p"], &["+.", "+n", "+n/o"], &["n/o/p"]);
    check(some_files, new, &["n"], &["+.", "+n", "+n/o"], &["n/o/p"]);
    let deep = |r: &Repo| r.write("d/e/n/o", "");
    check(some_files, deep, &["d/e/n/o"], &["+d/e", "+d/e/n"], &["d/e/n/o"]);
}

#[test]
fn a_refresh_finds_what_is_gone() {
    let gone = |r: &Repo| r.remove("d/f/g/h");
    check(some_files, gone, &["d/f/g/h"], &["+d", "-d/f", "-d/f/g"], &["d/f/g/h"]);
    check(some_files, gone, &["d/f"], &["+d", "-d/f", "-d/f/g"], &["d/f/g/h"]);
    let all = |r: &Repo| std::fs::remove_dir_all(r.root.join("d")).unwrap();
    let touched = ["d/b", "d/e/c", "d/f/g/h"];
    check(some_files, all, &["d/e"], &["+.", "-d", "-d/e", "-d/f", "-d/f/g"], &touched);
}

#[test]
fn a_file_may_become_a_folder_and_back() {
    let folder = |r: &Repo| {
        r.remove("a");
        r.write("a/b", "");
    };
    check(some_files, folder, &["a"], &["+.", "+a"], &["a", "a/b"]);
    let link = |r: &Repo| {
        std::fs::remove_dir_all(r.root.join("d/f")).unwrap();
        r.link("d/f", "e");
    };
    check(some_files, link, &["d/f/g"], &["+d", "-d/f", "-d/f/g"], &["d/f", "d/f/g/h"]);
}

#[test]
fn a_changed_ignore_file_counts_for_all_below() {
    let setup = |r: &Repo| {
        some_files(r);
        r.write(".gitignore", "");
    };
    let (mut tree, repo) = {
        let repo = Repo::new();
        setup(&repo);
        (repo.open(TreeOptions::default()).0, repo)
    };
    tree.scan();
    repo.write(".gitignore", "h\n");
    let delta = tree.refresh(&paths(&[".gitignore"]));
    assert_eq!(changed(&delta), ["+.", "+d", "-d/f", "-d/f/g"]);
    assert_eq!(files_of(&tree), repo.scan());
}

#[test]
fn an_add_or_a_setting_makes_the_next_refresh_whole() {
    let repo = Repo::new();
    repo.write(".gitignore", "*.no\n");
    repo.write("d/a.no", "x\r\n");
    let (mut tree, _) = repo.open(TreeOptions::default());
    tree.scan();
    repo.git(&["add", "-f", "d/a.no"]);
    let delta = tree.refresh(&paths(&["elsewhere"]));
    assert_eq!(changed(&delta), ["+.", "+d"]);
    repo.write("d/b", "x\r\n");
    tree.refresh(&paths(&["d"]));
    repo.git(&["config", "core.autocrlf", "input"]);
    assert_eq!(changed(&tree.refresh(&paths(&["elsewhere"]))), ["+d"]);
    assert_eq!(files_of(&tree), repo.scan());
}

#[test]
fn new_artifacts_are_looked_for_where_they_may_lie() {
    let repo = Repo::new();
    repo.write(".gitignore", "/dist/\n/out/\n");
    for name in ["dist/a", "out/b/c", "src/d"] {
        repo.write(name, "");
    }
    let (mut tree, _) = repo.open(TreeOptions::default());
    tree.scan();
    let delta = tree.set_artifacts(globs(&["dist", "nowhere/x"]));
    assert_eq!(changed(&delta), ["+.", "+dist"]);
    let delta = tree.set_artifacts(globs(&["out/*/c"]));
    assert_eq!(changed(&delta), ["+.", "-dist", "+out", "+out/b"]);
    repo.write("out/b/c", "new");
    repo.write("out/b/no", "");
    assert_eq!(changed(&tree.refresh(&paths(&["out"]))), ["+out/b"]);
    assert!(tree.set_artifacts(globs(&["out/*/c"])).folders.is_empty());
}

#[test]
fn an_edit_that_was_undone_is_remembered_as_a_touch() {
    let repo = Repo::new();
    some_files(&repo);
    repo.add();
    let (mut tree, _) = repo.open(TreeOptions::default());
    tree.scan();
    let before = tree.revision();
    let id = tree.file(&"d/b".into());
    repo.write("d/b", "other");
    tree.refresh(&paths(&["d"]));
    repo.write("d/b", "d/b");
    repo.remove("d/e/c");
    tree.refresh(&paths(&["d"]));
    assert_eq!(tree.file(&"d/b".into()), id);
    assert_eq!(tree.touched_since(before, &|_| true), paths(&["d/b", "d/e/c"]));
    assert_eq!(
        tree.touched_since(before, &|path| path.is_within(&"d/e".into())),
        paths(&["d/e/c"])
    );
    assert_eq!(tree.touched_since(tree.revision(), &|_| true), []);
    assert_eq!(tree.touched_at(&"a".into()), Some(before));
    assert_eq!(tree.touched_at(&"d/b".into()), Some(tree.revision()));
}

#[test]
fn writes_within_a_tick_of_the_clock_are_seen() {
    let repo = Repo::new();
    repo.write("a", "0000");
    let (mut tree, _) = repo.open(TreeOptions::default());
    tree.scan();
    for round in 0..300 {
        let text = format!("{round:04}");
        repo.write("a", &text);
        tree.refresh(&paths(&["a"]));
        assert_eq!(tree.file(&"a".into()).unwrap().1, blob_id(text.as_bytes()));
    }
}

#[test]
fn what_was_read_is_remembered_by_the_next_process() {
    let repo = Repo::new();
    for name in ["a", "d/b"] {
        repo.write(name, "text\r\n");
    }
    settle();
    let (mut tree, system) = repo.open(TreeOptions::default());
    tree.scan();
    assert_eq!(system.take(), ["a", "d/b"]);
    assert!(tree.save().unwrap());
    assert!(!tree.save().unwrap());

    let (files, reads) = repo.scan_with(TreeOptions::default());
    assert_eq!((&files, reads), (&repo.oracle(), vec![]));
    repo.write("d/b", "other");
    settle();
    let (files, reads) = repo.scan_with(TreeOptions::default());
    assert_eq!((&files, reads), (&repo.oracle(), vec!["d/b".to_string()]));
}

#[test]
fn what_is_remembered_holds_under_other_rules() {
    let repo = Repo::new();
    repo.write("a", "text\r\n");
    settle();
    let (mut tree, _) = repo.open(TreeOptions::default());
    tree.scan();
    assert!(tree.save().unwrap());
    repo.git(&["config", "core.autocrlf", "input"]);
    let (files, reads) = repo.scan_with(TreeOptions::default());
    assert_eq!((&files, reads), (&repo.oracle(), vec![]));
    assert_eq!(files[&"a".into()].1, blob_id(b"text\n"));
}

#[test]
fn what_was_just_written_is_not_remembered() {
    let repo = Repo::new();
    for round in 0..50 {
        let text = format!("{round:04}");
        repo.write("a", &text);
        let (mut tree, _) = repo.open(TreeOptions::default());
        tree.scan();
        assert_eq!(tree.file(&"a".into()).unwrap().1, blob_id(text.as_bytes()));
        tree.save().unwrap();
    }
}

#[test]
fn a_damaged_memory_is_no_memory() {
    let repo = Repo::new();
    repo.write("a", "1");
    settle();
    let (mut tree, _) = repo.open(TreeOptions::default());
    tree.scan();
    tree.save().unwrap();
    let path = repo.root.join("._qik/stat");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    let (mut tree, system) = repo.open(TreeOptions::default());
    tree.scan();
    assert_eq!(system.take(), ["a"]);
    assert!(tree.save().unwrap());
}

#[test]
fn two_processes_keep_what_each_found() {
    let repo = Repo::new();
    repo.write(".gitignore", "/out/\n");
    repo.write("out/x", "1");
    repo.write("a", "2");
    settle();
    let artifacts = TreeOptions { artifacts: globs(&["out"]), ..TreeOptions::default() };
    let (mut one, _) = repo.open(artifacts.clone());
    let (mut two, _) = repo.open(TreeOptions::default());
    one.scan();
    two.scan();
    assert!(two.save().unwrap());
    assert!(one.save().unwrap());
    let mut three = repo.open(TreeOptions::default()).0;
    three.scan();
    repo.write("b", "3");
    settle();
    three.refresh(&paths(&["b"]));
    assert!(three.save().unwrap());
    assert_eq!(repo.scan_with(artifacts).1, Vec::<String>::new());
}

#[test]
fn a_save_leaves_no_trace_in_git() {
    let repo = Repo::new();
    repo.write("a", "1");
    repo.commit();
    repo.write("a", "2");
    settle();
    let (mut tree, _) = repo.open(TreeOptions::default());
    tree.scan();
    assert!(tree.save().unwrap());
    assert_eq!(repo.git(&["status", "--short"]), b" M a\n");
}

#[test]
fn a_file_written_to_while_it_is_read_is_right_in_the_end() {
    let repo = Repo::new();
    repo.write("a", "1");
    let path = repo.root.join("a");
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    let writer = std::thread::spawn(move || {
        let mut round = 0_u64;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            round += 1;
            std::fs::write(&path, format!("{round}").repeat(1 << (round % 12))).unwrap();
        }
    });
    let (mut tree, _) = repo.open(TreeOptions::default());
    tree.scan();
    for _ in 0..50 {
        tree.refresh(&paths(&["a"]));
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
    tree.refresh(&paths(&["a"]));
    assert_eq!(files_of(&tree), repo.oracle());
}
