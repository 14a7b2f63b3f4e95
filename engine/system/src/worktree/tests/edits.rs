//! Edits that stats and indexes hide, and contents that git converts or filters.

use super::*;

#[test]
fn an_edit_of_the_same_size_right_after_an_add_is_seen() {
    for _ in 0..20 {
        let repo = Repo::new();
        repo.write("a", "one");
        repo.git(&["add", "a"]);
        repo.write("a", "two");
        assert_eq!(repo.scan()[&"a".into()].1, blob_id(b"two"));
    }
}

#[test]
fn an_edit_whose_mtime_was_put_back_is_seen() {
    let repo = Repo::new();
    repo.write("a", "one");
    repo.add();
    let path = repo.root.join("a");
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    settle();
    std::fs::write(&path, "two").unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    repo.git(&["config", "core.trustctime", "false"]);
    assert_eq!(repo.scan()[&"a".into()].1, blob_id(b"two"));
}

#[test]
fn edits_that_git_was_told_to_overlook_are_seen() {
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        let repo = Repo::new();
        repo.write("a", "one");
        repo.add();
        repo.git(&["update-index", flag, "a"]);
        settle();
        let (files, reads) = repo.scan_with(TreeOptions::default());
        assert_eq!((files[&"a".into()].1, reads), (blob_id(b"one"), vec!["a".to_string()]));
        repo.write("a", "two");
        assert_eq!(repo.scan()[&"a".into()].1, blob_id(b"two"));
    }
}

#[test]
fn intent_to_add_is_no_content() {
    let repo = Repo::new();
    repo.write("a", "one");
    settle();
    repo.git(&["add", "-N", "a"]);
    assert_eq!(repo.scan()[&"a".into()].1, blob_id(b"one"));
}

#[test]
fn a_file_truncated_to_nothing_is_seen_under_a_racy_entry() {
    let repo = Repo::new();
    repo.write("a", "one");
    repo.git(&["add", "a"]);
    repo.write("a", "");
    repo.write("b", "");
    settle();
    // Git marks the racy entry by a size of nothing.
    repo.git(&["add", "b"]);
    assert_eq!(repo.scan()[&"a".into()].1, blob_id(b""));
}

#[test]
fn files_in_conflict_are_what_lies_on_disk() {
    let repo = Repo::new();
    repo.write("a", "base\n");
    repo.write("z", "");
    repo.commit();
    repo.git(&["switch", "-qc", "other"]);
    repo.write("a", "theirs\n");
    repo.commit();
    repo.git(&["switch", "-q", "main"]);
    repo.write("a", "ours\n");
    repo.commit();
    repo.git(&["merge", "other"]);
    let on_disk = std::fs::read(repo.root.join("a")).unwrap();
    assert!(on_disk.starts_with(b"<<<<<<<"));
    settle();
    assert_eq!(repo.scan()[&"a".into()].1, blob_id(&on_disk));
    assert_eq!(repo.names(), ["a", "z"]);
}

#[test]
fn line_ends_are_converted_as_git_would() {
    let attributes = "*.txt text\n*.auto text=auto\n*.raw -text\n*.bat eol=crlf\n*.lf eol=lf\n\
                      *.bin binary\n[attr]mine text\n*.mine mine\n";
    for autocrlf in ["false", "true", "input"] {
        let repo = Repo::new();
        repo.git(&["config", "core.autocrlf", autocrlf]);
        repo.git(&["config", "core.safecrlf", "false"]);
        repo.write(".gitattributes", attributes);
        repo.write("sub/.gitattributes", "*.txt -text\n*.raw text\n");
        for folder in ["", "sub/"] {
            for suffix in ["txt", "auto", "raw", "bat", "lf", "bin", "mine", "none"] {
                repo.write(&format!("{folder}crlf.{suffix}"), "a\r\nb\r\n");
                repo.write(&format!("{folder}mixed.{suffix}"), "a\r\nb\nc\r");
                repo.write(&format!("{folder}nul.{suffix}"), "a\r\n\0");
            }
        }
        let untracked = repo.scan();
        repo.check();
        repo.add();
        let (added, reads) = repo.scan_with(TreeOptions::default());
        assert_eq!(added, untracked, "autocrlf={autocrlf}");
        assert_eq!(reads, Vec::<String>::new());
    }
}

#[test]
fn a_guess_leaves_alone_what_has_its_line_ends_in_the_index() {
    let repo = Repo::new();
    repo.write("a", "a\r\nb\r\n");
    repo.add();
    repo.git(&["config", "core.autocrlf", "true"]);
    repo.write("a", "a\r\nchanged\r\n");
    let before = repo.scan();
    assert_eq!(before[&"a".into()].1, blob_id(b"a\r\nchanged\r\n"));
    assert_eq!(repo.added("a"), before[&"a".into()].1);
}

#[test]
fn attributes_deleted_from_disk_are_taken_from_the_index() {
    let repo = Repo::new();
    repo.write(".gitattributes", "* text\n");
    repo.write("a", "x\r\n");
    repo.add();
    repo.remove(".gitattributes");
    repo.write("a", "y\r\n");
    let before = repo.scan();
    assert_eq!(before[&"a".into()].1, blob_id(b"y\n"));
    assert_eq!(repo.added("a"), before[&"a".into()].1);
}

#[test]
fn filtered_files_are_their_raw_bytes_and_no_filter_runs() {
    let repo = Repo::new();
    repo.git(&["config", "filter.up.clean", "touch RAN; tr a-z A-Z"]);
    repo.write(
        ".gitattributes",
        "*.up filter=up\n*.id ident\n*.u16 working-tree-encoding=UTF-16\n",
    );
    repo.write("x.up", "lower");
    repo.write("x.id", "$Id$ \r\n");
    repo.write("x.u16", b"\xff\xfea\0\n\0");
    repo.write("plain", "p");
    let check = || {
        let (files, reads) = repo.scan_with(TreeOptions::default());
        assert_eq!(files[&"x.up".into()].1, blob_id(b"lower"));
        assert_eq!(files[&"x.id".into()].1, blob_id(b"$Id$ \r\n"));
        assert_eq!(files[&"x.u16".into()].1, blob_id(b"\xff\xfea\0\n\0"));
        reads
    };
    check();
    assert!(!repo.root.join("RAN").exists());
    repo.add();
    std::fs::remove_file(repo.root.join("RAN")).unwrap();
    assert_eq!(check(), ["x.id", "x.u16", "x.up"]);
    assert!(!repo.root.join("RAN").exists());
}
