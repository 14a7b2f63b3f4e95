//! Every configuration of `testdata` in KDL, as it stands or converted, against the KDL Schema, by a
//! validator that knows nothing of qik.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use qik_kdl::KdlSyntax;
use qik_toml::TomlSyntax;

use super::validator::Schema;
use super::{collect, house};

/// What the schema takes and qik refuses: beside what no schema can know, what one form of a node has
/// and another has not, as KDL Schema does not tell forms of one node apart.
const BEYOND_A_SCHEMA: [&str; 55] = [
    "bad-glob",
    "bad-name-cache",
    "bad-name-command",
    "bad-name-env",
    "bad-name-module",
    "bad-name-space",
    "bad-name-tag",
    "bad-name-variable",
    "bad-value-profile-in-profile",
    "cache-without-deps",
    "circular-fence",
    "cycle",
    "cycle-of-one",
    "duplicate-folder",
    "duplicate-key-two-spellings",
    "duplicate-name-module",
    "duplicate-name-over-files",
    "duplicate-name-plugin",
    "duplicate-name-variable",
    "include-of-unknown-format",
    "include-with-syntax-error",
    "missing-key-module-path",
    "missing-key-pattern",
    "missing-key-type",
    "missing-key-variable-name",
    "module-config-key",
    "module-config-same-name",
    "module-config-unknown-command",
    "nested-root",
    "no-module",
    "no-module-in-base",
    "nothing-to-run",
    "unknown-cache",
    "unknown-cache-default",
    "unknown-command",
    "unknown-command-in-base",
    "unknown-names-in-profile",
    "unknown-reference",
    "unknown-space",
    "unknown-value-plugin",
    "unknown-variable",
    "unknown-variable-in-profile",
    "value-too-many",
    "venv-bad-path",
    "venv-circular",
    "venv-circular-constraint",
    "venv-default-twice",
    "venv-module",
    "venv-of-itself",
    "venv-of-none",
    "venv-step-taken",
    "venv-unknown-space",
    "venv-unknown-variable",
    "without-effect",
    "wrong-type-default-of-variable",
];

fn schema() -> Schema {
    let text = fs::read_to_string(house("schemas/qik.kdl-schema.kdl")).unwrap();
    Schema::parse(&text).unwrap_or_else(|found| panic!("{found:#?}"))
}

/// The configurations below a folder of `testdata`: where they stand, and what they are in KDL.
fn configs(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut paths = Vec::new();
    for ending in ["toml", "kdl"] {
        collect(&house("testdata").join(folder), ending, &mut paths);
    }
    paths.retain(|path| !path.ends_with("shop/release.toml"));
    let top = house("testdata");
    let told = |path: &Path| path.strip_prefix(&top).unwrap().display().to_string();
    let in_kdl = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        match path.extension().unwrap().to_str().unwrap() {
            "kdl" => Some(bytes),
            _ => {
                let file = told(path).into();
                let kdl = qik_config::convert(&file, &bytes, &TomlSyntax, &KdlSyntax);
                kdl.ok().map(String::into_bytes)
            }
        }
    };
    let found = paths.iter().filter_map(|path| Some((told(path), in_kdl(path)?)));
    found.collect()
}

#[test]
fn the_good_are_taken() {
    let schema = schema();
    let mut seen = 0;
    for (path, text) in ["config/good", "shop", "cookbook"].into_iter().flat_map(configs) {
        let text = String::from_utf8(text).unwrap();
        let found = schema.check(&text);
        assert!(found.is_empty(), "{path}: {found:#?}\n{text}");
        seen += 1;
    }
    assert!(seen > 25, "only {seen}");
}

#[test]
fn the_bad_are_refused() {
    let schema = schema();
    let takes =
        |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| schema.check(text).is_empty());
    let mut all = configs("config/bad");
    // What is wrong in TOML may be right in KDL, so where there is a twin that counts.
    let in_kdl: BTreeSet<String> = all.iter().map(|(path, _)| path.clone()).collect();
    all.retain(|(path, _)| {
        !path.ends_with(".toml") || !in_kdl.contains(&path.replace(".toml", ".kdl"))
    });
    let stem = |path: &str| {
        let name = path.trim_start_matches("config/bad/").split('/').next().unwrap();
        name.split('.').next().unwrap().to_string()
    };
    let taken: BTreeSet<String> =
        all.iter().filter(|(_, text)| takes(text)).map(|(path, _)| stem(path)).collect();
    let listed: BTreeSet<String> = BEYOND_A_SCHEMA.map(String::from).into();
    assert_eq!(taken, listed);
    let refused = all.iter().filter(|(_, text)| !takes(text)).count();
    assert!(refused >= 35, "only {refused} are refused");
}

/// The example of the page on KDL, and what is refused at a glance.
#[test]
fn the_page_is_taken_and_slips_in_it_are_not() {
    let page = fs::read_to_string(house("docs/kdl.md")).unwrap();
    let example = page.split("```kdl\n").nth(1).unwrap().split("```").next().unwrap();
    let schema = schema();
    let check = |from: &str, to: &str| {
        assert!(example.contains(from), "{from}");
        schema.check(&example.replacen(from, to, 1))
    };
    assert_eq!(check("strict=#true", "strict=#true"), [""; 0]);
    for (from, to) in [
        ("strict=#true", "strict=\"yes\""),
        ("strict=#true", "stirct=#true"),
        ("workers=4", "workers=-4"),
        ("workers=4", "workers=4.5"),
        ("command \"lint\"", "comand \"lint\""),
        ("type=\"int\"", "type=\"integer\""),
        ("exec \"ruff check {module.dir}\"", "exec 1"),
        ("path=\"backend/billing\"", "path=\"../billing\""),
        ("MODE=\"strict\"", "MODE=1.5"),
        ("command \"lint\"", "(x)command \"lint\""),
    ] {
        assert_ne!(check(from, to), [""; 0], "{to}");
    }
}
