//! What the next process need not compute, and what makes it compute all the same.

use std::path::Path;
use std::time::Duration;

use qik_db::{Db, TestDb};
use qik_model::{Fingerprint, Name};
use qik_system::System;

use super::{CONFIG, edit, of, project};

const ALL: [&str; 4] = ["lint@app", "lint@lib", "pack", "ship"];

fn fingerprints(test: &TestDb) -> [Fingerprint; 4] {
    ALL.map(|name| of(test, name))
}

/// A project whose fingerprints were kept by the process that is over.
fn kept() -> TestDb {
    let test = project(CONFIG);
    let all = fingerprints(&test);
    let named = ALL.into_iter().map(Name::from).zip(all);
    test.db.keep_fingerprints(named, true).unwrap();
    test
}

#[test]
fn the_next_process_looks_at_the_inputs_alone() {
    let test = kept();
    let mut next = test.reopened();
    assert!(next.db.recall());
    let (found, ran) = next.executed(|_| fingerprints(&next));
    assert_eq!(found, fingerprints(&test));
    assert!(!ran.iter().any(|query| query == "files" || query == "files_in"), "{ran:?}");
}

#[test]
fn what_was_kept_counts_again_after_another_state_was_asked_about() {
    let mut next = kept().reopened();
    assert!(next.db.recall());
    let empty = project("spaces.default.modules = []\n");
    let found = next.db.as_of(empty.system.clone(), Vec::new(), |db| db.recalls());
    assert!(!found, "it is of another state");
    assert!(next.db.recalls());
}

/// That what was kept does not count after `change`, and that the fingerprints are right then.
#[track_caller]
fn check_noticed(change: impl FnOnce(&mut TestDb)) {
    let mut test = kept();
    change(&mut test);
    let mut next = test.reopened();
    assert!(!next.db.recall());
    assert!(!next.db.recalls());
    assert_eq!(fingerprints(&next), fingerprints(&test));
}

#[test]
fn whatever_differs_is_noticed() {
    check_noticed(|t| t.write("app/sub/b.py", "b = 2\n"));
    check_noticed(|t| t.write("of_no_concern", ""));
    check_noticed(|t| {
        t.system.remove("lib/c.py");
        t.sync();
    });
    check_noticed(edit("val = \"1\"", "val = \"2\""));
    check_noticed(|t| t.write("meta.toml", "[project]\nversion = \"7\"\n"));
}

/// A project of which a query looked at a file outside of it.
fn looking_outside() -> (TestDb, &'static Path) {
    let (test, file) = (project(CONFIG), Path::new("/venv/pyvenv.cfg"));
    test.system.write_outside(file, "version = 3.11\n");
    test.db.outside_file(file);
    (test, file)
}

#[test]
fn what_lies_outside_counts() {
    let (test, file) = looking_outside();
    // The clock of this world goes on when it is looked at.
    while test.system.elapsed() < Duration::from_secs(3) {}
    test.db.keep_fingerprints([("pack".into(), of(&test, "pack"))], true).unwrap();
    assert!(test.reopened().db.recall());
    test.system.write_outside(file, "version = 3.12\n");
    assert!(!test.reopened().db.recall());
}

#[test]
fn what_was_written_just_now_may_be_written_again() {
    let (test, _) = looking_outside();
    test.db.keep_fingerprints([("pack".into(), of(&test, "pack"))], true).unwrap();
    assert!(!test.reopened().db.recall());
}

#[test]
fn the_first_change_makes_it_forget() {
    let mut test = kept().reopened();
    assert!(test.db.recall());
    test.write("app/sub/b.py", "b = 2\n");
    assert!(!test.db.recalls());
    assert_eq!(fingerprints(&test), fingerprints(&test.reopened()));
    test.write("app/sub/b.py", "b = 1\n");
    assert_eq!(fingerprints(&test), fingerprints(&kept()));
}

#[test]
fn some_are_added_to_those_that_hold() {
    let test = project(CONFIG);
    test.db.keep_fingerprints([("pack".into(), of(&test, "pack"))], false).unwrap();
    let mut next = test.reopened();
    assert!(!next.db.recall(), "whoever kept it was not done");
    assert!(next.db.recalls());
    next.db.keep_fingerprints([("ship".into(), of(&next, "ship"))], true).unwrap();
    let mut last = next.reopened();
    assert!(last.db.recall());
    for name in ["pack", "ship"] {
        assert_eq!(qik_db::remembered(&last.db, name), Some(of(&test, name)));
    }
    assert_eq!(qik_db::remembered(&last.db, "lint@app"), None);
}

#[test]
fn every_flipped_byte_and_every_cut_makes_it_nothing() {
    let test = kept();
    let file = qik_model::RelPath::from("._qik/fingerprints");
    let bytes = test.system.read(&file).unwrap();
    for at in 0..bytes.len() {
        let mut torn = bytes.clone();
        torn[at] ^= 1;
        for torn in [&torn[..], &bytes[..at]] {
            test.system.write(file.clone(), torn);
            let mut next = test.reopened();
            assert!(!next.db.recall() && !next.db.recalls(), "byte {at}");
        }
    }
}
