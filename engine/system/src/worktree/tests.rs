//! What the work tree promises, held against real git.

use std::os::unix::ffi::OsStrExt;

use repo::{Repo, files_of, git_in, settle};
use watched::{Tick, Watched};

use super::*;
use crate::{MemorySystem, OsSystem};

mod changes;
mod edits;
mod listings;
mod property;
mod repo;
mod repositories;
mod watched;

fn globs(patterns: &[&str]) -> GlobSet {
    GlobSet::new(patterns).unwrap()
}

#[test]
fn clean_files_are_known_without_reading_them() {
    let repo = Repo::new();
    repo.write("a.py", "1");
    repo.write("d/b.py", "2");
    repo.write("d/empty", "");
    repo.link("d/link", "b.py");
    repo.add();
    let (files, reads) = repo.scan_with(TreeOptions::default());
    assert_eq!(files, repo.oracle());
    assert_eq!(reads, Vec::<String>::new());
}

#[test]
fn dirty_untracked_deleted_and_renamed_files_are_what_they_are_now() {
    let repo = Repo::new();
    for name in ["clean", "dirty", "gone", "old", "d/x", "d/y"] {
        repo.write(name, name);
    }
    repo.add();
    repo.write("dirty", "changed");
    repo.write("new/untracked", "u");
    repo.remove("gone");
    std::fs::rename(repo.root.join("old"), repo.root.join("renamed")).unwrap();
    std::fs::rename(repo.root.join("d"), repo.root.join("e")).unwrap();
    assert_eq!(repo.names(), ["clean", "dirty", "e/x", "e/y", "new/untracked", "renamed"]);
    repo.check();
}

#[test]
fn ids_are_the_same_before_and_after_a_commit() {
    let repo = Repo::new();
    repo.write("a", "1");
    repo.write("b c", "2");
    let before = repo.scan();
    repo.commit();
    assert_eq!(repo.scan(), before);
}

#[test]
fn ignored_files_do_not_count_unless_they_are_tracked() {
    let repo = Repo::new();
    repo.write(".gitignore", "*.log\n/build/\n!keep.log\n");
    for name in ["a.log", "keep.log", "build/x", "sub/build/y", "t.log", "build/deep/tracked"] {
        repo.write(name, "");
    }
    repo.git(&["add", "-f", "t.log", "build/deep/tracked"]);
    repo.write("build/deep/untracked", "");
    assert_eq!(
        repo.names(),
        [".gitignore", "build/deep/tracked", "keep.log", "sub/build/y", "t.log"]
    );
    repo.check();
}

#[test]
fn every_kind_of_ignore_file_counts() {
    let repo = Repo::new();
    repo.write("sub/.gitignore", "x\n!y\n");
    repo.write(".gitignore", "y\n");
    repo.write(".git/info/exclude", "z\n");
    repo.write(".git/excludes", "w\n");
    repo.git(&["config", "core.excludesFile", repo.root.join(".git/excludes").to_str().unwrap()]);
    for name in ["x", "y", "z", "w", "sub/x", "sub/y", "sub/z", "sub/w", "sub/deep/x"] {
        repo.write(name, "");
    }
    assert_eq!(repo.names(), [".gitignore", "sub/.gitignore", "sub/y", "x"]);
    repo.check();
}

#[test]
fn artifacts_count_even_where_git_ignores_them() {
    let repo = Repo::new();
    repo.write(".gitignore", "/dist/\n*.out\n");
    for name in ["dist/a/b.js", "dist/c.map", "x.out", "d/y.out", "d/__pycache__/z.pyc"] {
        repo.write(name, "");
    }
    let artifacts = globs(&["dist/**.js", "d/*.out", "d/__pycache__"]);
    let options = TreeOptions { artifacts, ..TreeOptions::default() };
    let files = repo.scan_with(options).0;
    let names: Vec<String> = files.keys().map(ToString::to_string).collect();
    assert_eq!(names, [".gitignore", "d/__pycache__/z.pyc", "d/y.out", "dist/a/b.js"]);
}

#[test]
fn droppings_of_tools_count_only_once_they_are_tracked() {
    let repo = Repo::new();
    for name in [
        "__pycache__/a.pyc",
        "d/b.pyc",
        ".coverage",
        ".coverage.host.1",
        ".ruff_cache/x",
        ".DS_Store",
        ".coveragerc",
        "d/__pycache__/kept.txt",
        "mine/x",
        "other/y",
    ] {
        repo.write(name, "");
    }
    repo.git(&["add", "-f", "d/__pycache__/kept.txt"]);
    let ignore = globs(&["mine", "oth*/**"]);
    let files = repo.scan_with(TreeOptions { ignore, ..TreeOptions::default() }).0;
    let names: Vec<String> = files.keys().map(ToString::to_string).collect();
    assert_eq!(names, [".coveragerc", "d/__pycache__/kept.txt"]);
}

#[test]
fn an_exclusion_among_user_patterns_keeps_what_it_names() {
    let repo = Repo::new();
    repo.write("mine/x", "");
    repo.write("mine/keep", "");
    let ignore = globs(&["mine", "!mine/keep"]);
    let files = repo.scan_with(TreeOptions { ignore, ..TreeOptions::default() }).0;
    assert_eq!(files.keys().collect::<Vec<_>>(), [&RelPath::from("mine/keep")]);
}

#[test]
fn what_is_gits_and_qiks_own_is_no_file() {
    let repo = Repo::new();
    for name in ["._qik/x", "sub/._qik/x", ".qik/cache/x", ".qik/artifacts/y", "sub/.qik/cache/z"] {
        repo.write(name, "");
    }
    repo.write("sub/.git", "gitdir: nowhere\n");
    assert_eq!(repo.names(), [".qik/artifacts/y", "sub/.qik/cache/z"]);
}

#[test]
fn the_exec_bit_counts_where_git_says_that_it_does() {
    let repo = Repo::new();
    repo.write("a", "");
    repo.write("b", "");
    repo.write("c", "");
    repo.set_mode("a", 0o755);
    repo.add();
    repo.write("untracked", "");
    repo.set_mode("b", 0o755);
    repo.check();
    assert_eq!(repo.scan()[&"b".into()].0, FileKind::Executable);

    repo.git(&["config", "core.fileMode", "false"]);
    repo.set_mode("a", 0o644);
    repo.set_mode("untracked", 0o755);
    let kinds: Vec<FileKind> = repo.scan().values().map(|(kind, _)| *kind).collect();
    use FileKind::{Executable, File};
    assert_eq!(kinds, [Executable, File, File, File]);
}

#[test]
fn links_are_their_text_and_are_never_followed() {
    let repo = Repo::new();
    repo.write("d/file", "x");
    for (path, target) in
        [("to_file", "d/file"), ("to_folder", "d"), ("dangling", "no where"), ("up", "../..")]
    {
        repo.link(path, target);
    }
    repo.check();
    repo.add();
    repo.check();
    assert_eq!(repo.scan().len(), 5);
    assert_eq!(repo.scan()[&"dangling".into()], (FileKind::Link, blob_id(b"no where")));
}

#[test]
fn names_of_any_bytes_are_names() {
    let repo = Repo::new();
    for name in ["a b", "new\nline", "ünïcödé/ß", "quote\"d", "tab\t", "-dash", "[x]", "*"] {
        repo.write(name, name);
    }
    let latin = std::ffi::OsStr::from_bytes(b"latin-\xe9\xff");
    std::fs::write(repo.root.join(latin), "bytes").unwrap();
    repo.check();
    assert_eq!(repo.scan().len(), 9);
    repo.add();
    repo.check();
}

#[test]
fn large_files_are_hashed_piece_by_piece() {
    let repo = Repo::new();
    let mut bytes = b"line\r\n".repeat(3 << 20);
    repo.write("big.bin", &bytes);
    repo.check();
    repo.write(".gitattributes", "*.bin text\n");
    repo.check();
    bytes.retain(|byte| *byte != b'\r');
    assert_eq!(repo.scan()[&"big.bin".into()].1, blob_id(&bytes));
}

#[test]
fn the_whole_tree_can_live_in_memory() {
    let system = Arc::new(
        MemorySystem::new().with_file("a/b", "1").with_file(".gitignore", "x\n").with_file("x", ""),
    );
    let mut tree = WorkTree::open(system.clone(), TreeOptions::default());
    tree.scan();
    assert_eq!(files_of(&tree).len(), 2);
    system.take_reads();
    tree.scan();
    assert_eq!(system.take_reads(), [RelPath::from(".gitignore")]);
}

#[test]
fn folders_may_nest_as_deep_as_paths_may_be_long() {
    let repo = Repo::new();
    let mut folder = RelPath::root();
    let system = OsSystem::new(&repo.project);
    while repo.root.as_os_str().len() + folder.as_bytes().len() < 4000 {
        folder = folder.join("d");
    }
    system.write_atomic(&folder.join("file"), b"x", FileKind::File).unwrap();
    let files = repo.scan();
    assert_eq!(files[&folder.join("file")].1, blob_id(b"x"));
    assert_eq!(files.len(), 1);

    let (mut tree, _) = repo.open(TreeOptions::default());
    tree.scan();
    system.write_atomic(&folder.join("file"), b"y", FileKind::File).unwrap();
    assert_eq!(tree.refresh(&[folder.join("file")]).touched, [folder.join("file")]);
    std::fs::remove_dir_all(repo.root.join("d")).unwrap();
    assert_eq!(tree.refresh(&[folder.clone()]).touched, [folder.join("file")]);
    assert_eq!(files_of(&tree), repo.scan());
}

#[test]
fn every_code_has_its_page() {
    for code in [
        codes::FOLDER_UNREADABLE,
        codes::FILE_UNREADABLE,
        codes::FILE_UNSTEADY,
        codes::GIT_UNUSABLE,
    ] {
        assert!(qik_model::codes::find(code).is_some(), "{code}");
    }
}
