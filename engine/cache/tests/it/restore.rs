//! Restoring artifacts.

use std::os::unix::fs::{MetadataExt, symlink};

use qik_cache::{CacheSet, Finished, MissReason, Restore, Restored};
use qik_model::{ActionResult, Artifact, FileKind, RelPath};

use crate::project::{Project, artifact, key, log};

use FileKind::{Executable, File, Link};

/// An entry with these artifacts, their bytes stored.
pub fn entry(caches: &CacheSet, artifacts: &[(&str, FileKind, &str)]) -> ActionResult {
    let stored = artifacts.iter().map(|(path, kind, bytes)| {
        caches.contents().put(bytes.as_bytes().to_vec()).unwrap();
        artifact(path, *kind, bytes.as_bytes())
    });
    let artifacts: Vec<Artifact> = stored.collect();
    caches.store("local", &key(1, "build"), Finished { artifacts, ..log("built") })
}

#[track_caller]
pub fn done(outcome: Restore) -> Restored {
    match outcome {
        Restore::Done(restored) => restored,
        Restore::Miss(reason) => panic!("a miss: {reason}"),
    }
}

pub fn restore(project: &Project, caches: &CacheSet, result: &ActionResult) -> Restore {
    caches.restore("local", result, &project.files(), &[])
}

fn paths(texts: &[&str]) -> Vec<RelPath> {
    texts.iter().map(|text| RelPath::from(*text)).collect()
}

#[test]
fn files_modes_and_links_come_back() {
    let project = Project::new();
    let caches = project.caches();
    let result = entry(
        &caches,
        &[
            ("dist/a.txt", File, "a"),
            ("dist/run", Executable, "#!/bin/sh\n"),
            ("dist/deep/er/link", Link, "../../a.txt"),
            ("dist/dangling", Link, "no/where"),
            ("dist/100%25 \u{e9}", File, ""),
        ],
    );
    let restored = done(restore(&project, &caches, &result));
    assert_eq!(restored.written.len(), 5);
    let listing = project.listing("dist");
    let expected = [
        ("dist/100% \u{e9}", ""),
        ("dist/a.txt", "a"),
        ("dist/dangling", "-> no/where"),
        ("dist/deep/er/link", "-> ../../a.txt"),
        ("dist/run", "x #!/bin/sh\n"),
    ];
    let expected = expected.map(|(path, text)| (path.to_owned(), text.to_owned()));
    assert_eq!(listing.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(std::fs::metadata(project.path("dist/a.txt")).unwrap().nlink(), 1);
    let left: Vec<_> = project.listing("._qik/restore").into_keys().collect();
    assert_eq!(left, ["._qik/restore/lock"]);
}

#[test]
fn what_is_right_already_is_left_alone() {
    let project = Project::new();
    let caches = project.caches();
    let result = entry(&caches, &[("a", File, "a"), ("b", File, "b"), ("c", Executable, "c")]);
    done(restore(&project, &caches, &result));
    let stamp = |path: &str| {
        let meta = std::fs::metadata(project.path(path)).unwrap();
        (meta.mtime(), meta.mtime_nsec(), meta.ino())
    };
    let before = (stamp("a"), stamp("c"));
    project.remove("b");
    assert_eq!(done(restore(&project, &caches, &result)).written, paths(&["b"]));
    assert_eq!((stamp("a"), stamp("c")), before);
    assert_eq!(done(restore(&project, &caches, &result)), Restored::default());
}

#[test]
fn nothing_is_written_outside_or_into_gits_and_qiks_folders() {
    let names = [
        "../out",
        "/tmp/qik-out",
        "a/../../out",
        "a//b",
        ".",
        ".git/hooks/post-commit",
        "x/.GIT/config",
        "._qik/stat",
        ".qik/cache/lint/lint.json",
        "a\0b",
    ];
    for name in names {
        let project = Project::new();
        let caches = project.caches();
        let result = entry(&caches, &[("fine", File, "x"), (name, File, "x")]);
        let before = project.listing("..");
        assert_eq!(
            restore(&project, &caches, &result),
            Restore::Miss(MissReason::UnsafePath(name.into()))
        );
        assert_eq!(project.listing(".."), before, "{name}");
        assert_eq!(caches.warnings().len(), 1);
    }
}

#[test]
fn one_artifact_below_another_is_refused() {
    let project = Project::new();
    let caches = project.caches();
    let result = entry(&caches, &[("a", Link, "/tmp"), ("a/b", File, "x")]);
    assert!(matches!(
        restore(&project, &caches, &result),
        Restore::Miss(MissReason::UnsafePath(_))
    ));
    assert!(std::fs::symlink_metadata(project.path("a")).is_err());
}

#[test]
fn a_link_on_the_way_is_not_followed() {
    let project = Project::new();
    let caches = project.caches();
    let outside = project.root.parent().unwrap().join("outside");
    std::fs::create_dir(&outside).unwrap();
    symlink(&outside, project.path("dist")).unwrap();
    let result = entry(&caches, &[("dist/a", File, "a"), ("first", File, "x")]);
    assert_eq!(
        restore(&project, &caches, &result),
        Restore::Miss(MissReason::UnsafePath("dist/a".into()))
    );
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(project.read("first"), None);
}

#[test]
fn a_link_that_is_an_artifact_itself_is_replaced_and_not_written_through() {
    let project = Project::new();
    let caches = project.caches();
    project.write("precious", "mine");
    symlink("precious", project.path("out")).unwrap();
    let result = entry(&caches, &[("out", File, "new")]);
    done(restore(&project, &caches, &result));
    assert_eq!(project.read("precious").as_deref(), Some("mine"));
    assert_eq!(project.read("out").as_deref(), Some("new"));
    assert!(!std::fs::symlink_metadata(project.path("out")).unwrap().is_symlink());
}

#[test]
fn what_cannot_be_had_again_is_put_aside_and_named() {
    let project = Project::new();
    let caches = project.caches();
    let result =
        entry(&caches, &[("known", File, "1"), ("tracked", File, "2"), ("unknown", File, "3")]);
    entry(&caches, &[("known", File, "old"), ("tracked", File, "old")]);
    project.write("known", "old");
    project.write("tracked", "old");
    project.write("unknown", "never seen");
    let mut files = project.files();
    files.tracked = paths(&["tracked"]);

    let restored = done(caches.restore("local", &result, &files, &[]));
    let trashed: Vec<_> = restored.trashed.iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(trashed, paths(&["tracked", "unknown"]));
    for (path, place) in &restored.trashed {
        let text = if *path == "tracked".into() { "old" } else { "never seen" };
        assert_eq!(project.read(&place.to_string()).as_deref(), Some(text));
        assert!(place.is_within(&"._qik/trash".into()));
    }
    assert_eq!(project.read("unknown").as_deref(), Some("3"));
    let said: Vec<_> = caches.warnings().into_iter().map(|warning| warning.message).collect();
    assert_eq!(said.len(), 2);
    assert!(said[1].contains("`unknown`"), "{said:?}");
}

#[test]
fn stale_files_are_taken_away() {
    let project = Project::new();
    let caches = project.caches();
    entry(&caches, &[("dist/old/bundle", File, "old")]);
    let result = entry(&caches, &[("dist/bundle", File, "new")]);
    project.write("dist/old/bundle", "old");
    project.write("dist/notes/mine", "by hand");
    project.write("dist/kept", "not an artifact");
    let present = paths(&["dist/bundle", "dist/notes/mine", "dist/old/bundle"]);
    let restored = done(caches.restore("local", &result, &project.files(), &present));
    assert_eq!(restored.removed, paths(&["dist/old/bundle"]));
    assert_eq!(restored.trashed[0].0, "dist/notes/mine".into());
    let left: Vec<_> = project.listing("dist").into_keys().collect();
    assert_eq!(left, ["dist/bundle", "dist/kept"]);
    assert!(!project.path("dist/old").exists() && !project.path("dist/notes").exists());
}

#[test]
fn files_and_folders_change_places() {
    let project = Project::new();
    let caches = project.caches();
    let result = entry(&caches, &[("now-file", File, "f"), ("now-folder/a/b", File, "b")]);
    project.write("now-file/inner", "hand");
    project.write("now-file/stale", "stale");
    project.write("now-folder", "was a file");
    let present = paths(&["now-file/stale"]);
    let restored = done(caches.restore("local", &result, &project.files(), &present));
    assert_eq!(project.read("now-file").as_deref(), Some("f"));
    assert_eq!(project.read("now-folder/a/b").as_deref(), Some("b"));
    let trashed: Vec<_> = project.listing("._qik/trash").into_values().collect();
    assert_eq!(trashed.len(), 3, "{restored:?}");
    assert!(trashed.contains(&"hand".into()) && trashed.contains(&"was a file".into()));
}

#[test]
fn with_one_content_missing_or_changed_nothing_is_touched() {
    for change in ["missing", "changed"] {
        let project = Project::new();
        let caches = project.caches();
        let result = entry(&caches, &[("a", File, "a"), ("b", File, "bbb"), ("c", File, "c")]);
        project.write("a", "older");
        let digest = qik_cache::content_of(b"bbb").digest.to_string();
        let object = format!("._qik/cache/v1/cas/{}/{digest}", &digest[..2]);
        match change {
            "missing" => project.remove(&object),
            _ => project.write(&object, "BBB"),
        }
        assert_eq!(
            restore(&project, &caches, &result),
            Restore::Miss(MissReason::ContentMissing("b".into()))
        );
        assert_eq!(project.read("a").as_deref(), Some("older"));
        assert_eq!(project.read("c"), None);
        assert_eq!(project.listing("._qik/trash").len(), 0);
        assert_eq!(caches.warnings().len(), usize::from(change == "changed"));
    }
}

#[test]
fn a_finished_restore_leaves_nothing_to_recover() {
    let project = Project::new();
    let caches = project.caches();
    let result = entry(&caches, &[("a", File, "a"), ("b", File, "b")]);
    done(restore(&project, &caches, &result));
    assert_eq!(project.caches().recover().restores, 0);
}

#[test]
fn a_torn_or_foreign_journal_is_struck_out() {
    let project = Project::new();
    for text in ["", "{}", "qik-restore-1 half", "[1, 2]"] {
        project.write("._qik/restore/1-2-3.json", text);
        assert_eq!(project.caches().recover().restores, 0);
        let left: Vec<_> = project.listing("._qik/restore").into_keys().collect();
        assert_eq!(left, ["._qik/restore/lock"], "{text}");
    }
}

/// An entry whose artifacts are a file and these empty folders.
fn with_folders(caches: &CacheSet, folders: &[&str]) -> ActionResult {
    let mut result = entry(caches, &[("dist/a", File, "a")]);
    let folders = paths(folders);
    let artifacts = result.artifacts.clone();
    let finished = Finished { artifacts, folders, ..log("built") };
    result = caches.store("local", &key(1, "build"), finished);
    result
}

fn is_folder(project: &Project, path: &str) -> bool {
    std::fs::symlink_metadata(project.path(path)).is_ok_and(|meta| meta.is_dir())
}

#[test]
fn empty_folders_come_back() {
    let project = Project::new();
    let caches = project.caches();
    let result = with_folders(&caches, &["dist/none/of it", "dist/\u{fc}", "gone"]);
    assert_eq!(result.folders, ["dist/none/of it", "dist/\u{fc}", "gone"]);
    done(restore(&project, &caches, &result));
    for folder in ["dist/none/of it", "dist/\u{fc}", "gone"] {
        assert!(is_folder(&project, folder), "{folder}");
    }
    assert_eq!(project.read("dist/a").as_deref(), Some("a"));
    std::fs::remove_dir(project.path("gone")).unwrap();
    done(restore(&project, &caches, &result));
    assert!(is_folder(&project, "gone"));
    assert_eq!(done(restore(&project, &caches, &result)), Restored::default());
}

#[test]
fn stale_files_leave_their_folder_where_it_is_to_be_empty() {
    let project = Project::new();
    let caches = project.caches();
    entry(&caches, &[("dist/none/stale", File, "old"), ("dist/other/stale", File, "old")]);
    let result = with_folders(&caches, &["dist/none"]);
    project.write("dist/none/stale", "old");
    project.write("dist/other/stale", "old");
    let present = paths(&["dist/none/stale", "dist/other/stale"]);
    done(caches.restore("local", &result, &project.files(), &present));
    assert!(is_folder(&project, "dist/none") && !project.path("dist/other").exists());
    assert_eq!(std::fs::read_dir(project.path("dist/none")).unwrap().count(), 0);
}

#[test]
fn what_is_in_the_way_of_an_empty_folder_is_put_aside_and_links_are_refused() {
    let project = Project::new();
    let caches = project.caches();
    let result = with_folders(&caches, &["dist/none/deep"]);
    project.write("dist/none", "by hand");
    let restored = done(restore(&project, &caches, &result));
    assert_eq!(restored.trashed[0].0, "dist/none".into());
    assert!(is_folder(&project, "dist/none/deep"));

    std::fs::remove_dir_all(project.path("dist")).unwrap();
    let outside = project.root.parent().unwrap().join("outside");
    std::fs::create_dir(&outside).unwrap();
    symlink(&outside, project.path("dist")).unwrap();
    assert!(matches!(
        restore(&project, &caches, &result),
        Restore::Miss(MissReason::UnsafePath(_))
    ));
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn no_empty_folder_is_made_outside_nor_where_a_file_is_to_be() {
    for name in ["../out", "/tmp/qik-out", ".git/hooks", "._qik/x", "dist/a", "dist/a/b"] {
        let project = Project::new();
        let caches = project.caches();
        let mut result = with_folders(&caches, &[]);
        result.folders = vec![name.into()];
        let before = project.listing("..");
        assert_eq!(
            restore(&project, &caches, &result),
            Restore::Miss(MissReason::UnsafePath(name.into()))
        );
        assert_eq!(project.listing(".."), before, "{name}");
    }
}

#[test]
fn an_entry_without_empty_folders_reads_as_those_written_before_there_were_any() {
    let project = Project::new();
    let caches = project.caches();
    let result = with_folders(&caches, &[]);
    let entries = project.listing("._qik/cache/v1/ac");
    assert!(entries.values().all(|entry| !entry.contains("folders")), "{entries:?}");
    let found = caches.lookup("local", &key(1, "build"), &project.files());
    assert_eq!(crate::project::hit(found), result);
}
