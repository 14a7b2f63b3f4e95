//! Fingerprints hold across releases: another value here makes every cache of every user cold, so it
//! takes a new key version and a line in the change log.

use super::{CONFIG, of, project};

#[test]
fn fingerprints_are_those_of_the_release_before() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/fingerprints.txt");
    let test = project(CONFIG);
    let names = ["lint@app", "lint@lib", "pack", "ship"];
    let now: String = names.map(|name| format!("{name} {}\n", of(&test, name))).concat();
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), now);
}
