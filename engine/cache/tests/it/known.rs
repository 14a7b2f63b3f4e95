//! What a restore tells of the files that it wrote, so that nobody need read them.

use std::os::unix::fs::symlink;

use qik_cache::{CacheSet, Finished, MissReason, Restore};
use qik_model::{ActionResult, FileKind, RelPath};
use qik_system::{Facts, blob_id};

use crate::project::{Project, key, log};
use crate::restore::{done, restore};

const FACTS: &str = "._qik/cache/v1/facts";

/// Files of all sizes that are treated in another manner each, with and without `\r\n`.
fn made(project: &Project, caches: &CacheSet) -> ActionResult {
    let large = "a line\r\n".repeat(20_000);
    project.write("out/small", "small\r\n");
    project.write("out/large", &large);
    project.write("out/binary", [large.as_bytes(), b"\0"].concat());
    project.write("out/huge", "no line ".repeat(700_000));
    symlink("small", project.path("out/link")).unwrap();
    let files = project.listing_bytes("out").into_iter();
    let files = files.map(|(path, (kind, bytes))| (path.as_str().into(), kind, blob_id(&bytes)));
    let artifacts = caches.collect("local", &files.collect::<Vec<_>>()).unwrap();
    caches.store("local", &key(1, "build"), Finished { artifacts, ..log("built") })
}

/// Restores what [`made`] made; what is told of it has to be so.
fn check_known(project: &Project, caches: &CacheSet, result: &ActionResult, expected: &[&str]) {
    std::fs::remove_dir_all(project.path("out")).unwrap();
    let restored = done(restore(project, caches, result));
    assert_eq!(restored.written.len(), 5);
    let mut told: Vec<String> = restored.known.iter().map(|one| one.0.to_string()).collect();
    told.sort();
    assert_eq!(told, expected);
    for (path, stat, facts) in &restored.known {
        assert_eq!(project.system().stat(path).unwrap(), *stat);
        let bytes = std::fs::read(project.path(&path.to_string())).unwrap();
        assert_eq!(*facts, Facts::of(&bytes), "{path}");
    }
}

#[test]
fn what_is_told_of_restored_files_is_what_reading_them_would_tell() {
    let all = ["out/binary", "out/huge", "out/large", "out/small"];
    let project = Project::new();
    let caches = project.caches();
    let mut result = made(&project, &caches);
    check_known(&project, &caches, &result, &all);
    check_known(&project, &project.caches(), &result, &all);

    // An entry that lies about what git would call a file makes nobody believe it.
    for artifact in &mut result.artifacts {
        artifact.id = blob_id(b"a lie");
    }
    check_known(&project, &project.caches(), &result, &all);

    let facts = std::fs::read(project.path(FACTS)).unwrap();
    assert_eq!(facts.len() % 3, 0, "of three files that are large enough");
    for at in (0..facts.len()).step_by(facts.len() / 3 / 5) {
        let mut flipped = facts.clone();
        flipped[at] ^= 1;
        project.write(FACTS, flipped);
        check_known(&project, &project.caches(), &result, &all);
    }
    project.remove(FACTS);
    check_known(&project, &project.caches(), &result, &all);
    assert_eq!(std::fs::read(project.path(FACTS)).unwrap().len(), facts.len(), "noted again");
}

#[test]
fn a_flipped_byte_of_a_large_content_is_a_miss_whatever_is_known_of_it() {
    let project = Project::new();
    let caches = project.caches();
    let result = made(&project, &caches);
    for artifact in result.artifacts.iter().filter(|one| one.kind == FileKind::File) {
        std::fs::remove_dir_all(project.path("out")).unwrap();
        let digest = artifact.content.digest.to_string();
        let object = format!("._qik/cache/v1/cas/{}/{digest}", &digest[..2]);
        let whole = std::fs::read(project.path(&object)).unwrap();
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        project.write(&object, flipped);
        let path = RelPath::from(artifact.path.as_str());
        let restored = restore(&project, &project.caches(), &result);
        assert_eq!(restored, Restore::Miss(MissReason::ContentMissing(path)));
        assert!(project.listing("out").is_empty(), "{:?}", project.listing("out").keys());
        project.write(&object, whole);
        done(restore(&project, &project.caches(), &result));
    }
}
