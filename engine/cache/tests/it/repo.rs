//! The repo cache, but for merges.

use std::os::unix::fs::MetadataExt;

use qik_cache::{Finished, MissReason};
use qik_model::{Digest, ExplainedItem, Explanation, FileKind};

use crate::project::{Project, artifact, hit, key, log, miss};

fn explained(text: &str) -> Explanation {
    let item = ExplainedItem {
        kind: "exec".into(),
        name: text.into(),
        digest: Some(Digest(*blake3_of(text).as_bytes())),
    };
    Explanation { items: vec![item] }
}

fn blake3_of(text: &str) -> Digest {
    qik_cache::content_of(text.as_bytes()).digest
}

#[test]
fn an_entry_is_one_readable_file_and_one_log() {
    let project = Project::new();
    let caches = project.caches();
    let artifacts = vec![
        artifact("out/b", FileKind::File, b"b"),
        artifact("out/a", FileKind::Executable, b"a"),
    ];
    let finished = Finished { artifacts, explanation: explained("ruff"), ..log("fine\n") };
    caches.store("repo", &key(1, "lint@svc/api"), finished);
    let files: Vec<_> = project.listing(".qik").into_keys().collect();
    let base = ".qik/cache/lint/lint@svc%2Fapi";
    assert_eq!(
        files,
        [".qik/.gitattributes".to_owned(), format!("{base}.json"), format!("{base}.log")]
    );
    assert_eq!(project.read(&format!("{base}.log")).as_deref(), Some("fine\n"));
    let digest = |bytes: &[u8]| qik_cache::content_of(bytes).digest;
    let text = project.read(&format!("{base}.json")).unwrap();
    let (head, rest) = text.split_at(text.find("  \"entry\"").unwrap());
    assert!(head.starts_with("{\n  \"checksum\": \""), "{head}");
    let expected = format!(
        r#"  "entry": {{
    "runnable": "lint@svc/api",
    "fingerprint": "{}",
    "code": 0,
    "log": {{
      "digest": "{}",
      "size": 5
    }},
    "artifacts": [
      {{
        "path": "out/a",
        "kind": "executable",
        "id": "2e65efe2a145dda7ee51d1741299f848e5bf752e",
        "content": {{
          "digest": "{}",
          "size": 1
        }}
      }},
      {{
        "path": "out/b",
        "kind": "file",
        "id": "63d8dbd40c23542e740659a7168a0ce3138ea748",
        "content": {{
          "digest": "{}",
          "size": 1
        }}
      }}
    ],
    "millis": 7,
    "explanation": {{
      "items": [
        {{
          "kind": "exec",
          "name": "ruff",
          "digest": "{}"
        }}
      ]
    }}
  }}
}}
"#,
        "01".repeat(32),
        digest(b"fine\n"),
        digest(b"a"),
        digest(b"b"),
        digest(b"ruff"),
    );
    assert_eq!(rest, expected);
}

#[test]
fn the_same_result_leaves_the_files_untouched_whatever_time_it_took() {
    let project = Project::new();
    let path = ".qik/cache/lint/lint.json";
    let stamp = || {
        let meta = std::fs::metadata(project.path(path)).unwrap();
        (meta.ino(), meta.mtime(), meta.mtime_nsec())
    };
    project.caches().store("repo", &key(1, "lint"), Finished { millis: 10, ..log("x") });
    let (text, before) = (project.read(path), stamp());
    project.caches().store("repo", &key(1, "lint"), Finished { millis: 99, ..log("x") });
    assert_eq!((project.read(path), stamp()), (text, before));

    project.caches().store("repo", &key(2, "lint"), Finished { millis: 99, ..log("x") });
    let found = hit(project.caches().lookup("repo", &key(2, "lint"), &project.files()));
    assert_eq!(found.millis, 99);
}

#[test]
fn it_keeps_the_newest_for_every_platform() {
    let project = Project::new();
    project.caches_on("linux-64").store("repo", &key(1, "lint"), log("one"));
    let other = project.caches_on("osx-arm64");
    let found = hit(other.lookup("repo", &key(1, "lint"), &project.files()));
    assert_eq!(other.log("repo", &found).unwrap(), b"one");
    other.store("repo", &key(2, "lint"), log("two"));
    let old = other.lookup("repo", &key(1, "lint"), &project.files());
    assert_eq!(miss(old), MissReason::OtherFingerprint);
    assert_eq!(other.recent("repo", "lint")[0].fingerprint, key(2, "lint").fingerprint);
    assert_eq!(other.recent("repo", "other"), []);
}

#[test]
fn a_miss_says_why() {
    let project = Project::new();
    let caches = project.caches();
    let look = || miss(caches.lookup("repo", &key(1, "make"), &project.files()));
    let restore_all = || {
        project.write("out/a", "a");
        let files = [("out/a".into(), FileKind::File, qik_system::blob_id(b"a"))];
        let artifacts = caches.collect("repo", &files).unwrap();
        caches.store("repo", &key(1, "make"), Finished { artifacts, ..log("done") });
        hit(caches.lookup("repo", &key(1, "make"), &project.files()));
    };
    assert_eq!(look(), MissReason::NoEntry);
    restore_all();
    project.write("out/a", "changed");
    assert_eq!(look(), MissReason::ArtifactChanged("out/a".into()));
    project.remove("out/a");
    assert_eq!(look(), MissReason::ArtifactMissing("out/a".into()));
    restore_all();
    std::os::unix::fs::symlink("elsewhere", project.path("out/b")).unwrap();
    std::fs::rename(project.path("out/b"), project.path("out/a")).unwrap();
    assert_eq!(look(), MissReason::ArtifactChanged("out/a".into()));
    project.remove("out/a");
    restore_all();
    project.write(".qik/cache/make/make.log", "tampered");
    assert_eq!(look(), MissReason::LogChanged);
    project.remove(".qik/cache/make/make.log");
    assert_eq!(look(), MissReason::LogMissing);
    restore_all();
    assert_eq!(caches.warnings(), []);
    // Nothing of the artifacts was copied.
    assert_eq!(project.listing("._qik/cache").len(), 0);
}

#[test]
fn an_edited_entry_is_a_miss_with_a_warning() {
    let project = Project::new();
    let path = ".qik/cache/lint/lint.json";
    project.caches().store("repo", &key(1, "lint"), Finished { code: 1, ..log("x") });
    let whole = project.read(path).unwrap();
    let conflict = format!("<<<<<<< ours\n{whole}=======\n{whole}>>>>>>> theirs\n");
    let edited = whole.replace("\"code\": 1", "\"code\": 0");
    for bad in ["", "{}", &whole[..whole.len() / 2], &conflict, &edited] {
        project.write(path, bad);
        let caches = project.caches();
        assert_eq!(
            miss(caches.lookup("repo", &key(1, "lint"), &project.files())),
            MissReason::Damaged
        );
        assert!(caches.warnings()[0].message.contains(path));
        caches.store("repo", &key(1, "lint"), Finished { code: 1, ..log("x") });
        assert_eq!(project.read(path).as_deref(), Some(&*whole));
    }
    // An entry that was copied to another name is none of that name.
    project.write(".qik/cache/lint/lint@a.json", &whole);
    project.write(".qik/cache/lint/lint@a.log", "x");
    let copied = project.caches().lookup("repo", &key(1, "lint@a"), &project.files());
    assert_eq!(miss(copied), MissReason::Damaged);
}

#[test]
fn new_entries_are_staged_once_with_plain_add() {
    let project = Project::in_git();
    project.write("other", "not ours to stage");
    let caches = project.caches();
    caches.store("repo", &key(1, "lint@a b*?[x]"), log("x"));
    caches.store("repo", &key(2, ":(top)odd"), log("x"));
    assert!(!project.git(&["status", "--short", "-z"]).contains("A  "));
    caches.stage();
    assert_eq!(caches.warnings(), []);
    let status = project.git(&["status", "--short"]);
    let staged = status.lines().filter(|line| line.starts_with("A  .qik/")).count();
    assert_eq!(staged, 5, "{status}");
    assert!(status.contains("?? other"));
    // Intent-to-add would break these.
    project.git(&["commit", "-q", "-m", "entries"]);
    caches.store("repo", &key(3, "lint@new"), log("x"));
    caches.stage();
    project.git(&["stash"]);
    project.git(&["stash", "pop"]);
}

#[test]
fn staging_can_be_left_to_the_user() {
    let project = Project::in_git();
    let caches = project.caches_with(false);
    caches.store("repo", &key(1, "lint"), log("x"));
    caches.stage();
    assert_eq!(project.git(&["status", "--short"]), "?? .qik/\n");
}

#[test]
fn a_held_index_lock_is_a_note() {
    let project = Project::in_git();
    project.write(".git/index.lock", "");
    let caches = project.caches();
    caches.store("repo", &key(1, "lint"), log("x"));
    caches.stage();
    let warnings = caches.warnings();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].message.contains("not staged"), "{warnings:?}");
    hit(caches.lookup("repo", &key(1, "lint"), &project.files()));
}

#[test]
fn a_project_below_the_git_root_stages_its_own_files() {
    let repository = Project::in_git();
    std::fs::create_dir_all(repository.path("sub/project")).unwrap();
    let project = Project::at(repository.path("sub/project"));
    let caches = project.caches();
    caches.store("repo", &key(1, "lint"), log("x"));
    caches.stage();
    assert_eq!(caches.warnings(), []);
    let status = repository.git(&["status", "--short"]);
    assert!(status.contains("A  sub/project/.qik/cache/lint/lint.json"), "{status}");
}

#[test]
fn without_git_it_works_and_stages_nothing() {
    let project = Project::new();
    let caches = project.caches();
    caches.store("repo", &key(1, "lint"), log("x"));
    caches.stage();
    hit(caches.lookup("repo", &key(1, "lint"), &project.files()));
    assert_eq!(caches.warnings(), []);
}

#[test]
fn what_the_user_set_up_stays() {
    let project = Project::in_git();
    project.write(".qik/.gitattributes", "# mine\n");
    project.git(&["config", "merge.qik.driver", "my-own %A"]);
    let caches = project.caches();
    caches.store("repo", &key(1, "lint"), log("x"));
    assert_eq!(project.read(".qik/.gitattributes").as_deref(), Some("# mine\n"));
    assert_eq!(project.git(&["config", "merge.qik.driver"]), "my-own %A\n");
}

#[test]
fn the_driver_is_set_up_where_entries_are_read_and_only_there() {
    let project = Project::in_git();
    let driver =
        |project: &Project| project.try_git(&["config", "merge.qik.driver"]).status.success();
    let caches = project.caches();
    caches.store("local", &key(1, "lint"), log("x"));
    caches.lookup("repo", &key(1, "lint"), &project.files());
    assert!(!driver(&project));
    caches.store("repo", &key(1, "lint"), log("x"));
    assert!(driver(&project));
    caches.stage();
    project.git(&["commit", "-q", "-m", "x"]);

    let place = project.root.parent().unwrap().join("clone");
    project.git(&["clone", "-q", ".", place.to_str().unwrap()]);
    let clone = Project::at(place);
    assert!(!driver(&clone));
    hit(clone.caches().lookup("repo", &key(1, "lint"), &clone.files()));
    assert!(driver(&clone));
    assert_eq!(clone.git(&["status", "--short"]), "");
}
