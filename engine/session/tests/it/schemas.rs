//! `schemas/qik.schema.json` and `schemas/qik.kdl-schema.kdl`: the table of keys as editors and
//! validators read it. Written from the model, never by hand, and held against every configuration of
//! `testdata` by validators of other people.

mod documents;
mod json;
mod kdl;
mod validator;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a schema of one file cannot refuse: names that lead nowhere, texts that are read as a
/// pattern, a path or a template, and what only stands in another file. Each is refused by qik.
const BEYOND_A_SCHEMA: [&str; 48] = [
    "bad-glob",
    "bad-name-cache",
    "bad-name-env",
    "bad-name-module",
    "bad-name-tag",
    "bad-name-variable",
    "bad-value-profile-in-profile",
    "cache-without-deps",
    "circular-fence",
    "cycle",
    "cycle-of-one",
    "datetime",
    "duplicate-folder",
    "duplicate-key-two-spellings",
    "duplicate-name-module",
    "duplicate-name-over-files",
    "duplicate-name-plugin",
    "duplicate-name-variable",
    "include-of-unknown-format",
    "include-with-syntax-error",
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
    "unknown-variable",
    "unknown-variable-in-profile",
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

#[test]
fn the_schemas_are_the_models() {
    check("qik.schema.json", &json::text());
    check("qik.kdl-schema.kdl", &kdl::text());
}

#[track_caller]
fn check(name: &str, text: &str) {
    let path = house("schemas").join(name);
    if env::var_os("QIK_TEST_WRITE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let stands = fs::read_to_string(&path).unwrap_or_default();
    assert!(stands == text, "schemas/{name} is old: run this test once with QIK_TEST_WRITE_DOCS=1");
}

#[test]
fn the_schema_for_kdl_is_kdl_itself() {
    use qik_model::ConfigSyntax;
    let parsed = qik_kdl::KdlSyntax.parse("schema.kdl".into(), &kdl::text());
    // Its nodes are no configuration, but they parse.
    let slips = parsed.diagnostics.iter().filter(|found| found.code == "config/syntax");
    // It nests deeper than any configuration may.
    let slips: Vec<_> =
        slips.filter(|found| !format!("{found:?}").contains("nest too deep")).collect();
    assert!(slips.is_empty(), "{slips:?}");
    for word in ["node command", "node dep", "prop strict", "node venv"] {
        assert!(kdl::text().contains(word), "{word}");
    }
}

#[test]
fn a_validator_takes_the_good_and_refuses_the_bad() {
    if !have("check-jsonschema") {
        return;
    }
    // It starts slowly, so it is given all files at once; but what is no UTF-8 ends it.
    let files = files();
    let (texts, rest): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| fs::read_to_string(file).is_ok());
    let mut refused: BTreeSet<String> =
        rest.iter().map(|file| file.display().to_string()).collect();
    let told = Command::new("check-jsonschema")
        .args(["--schemafile", &schema(), "--output-format", "json"])
        .args(&texts)
        .output()
        .unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    for group in ["errors", "parse_errors"] {
        let found = told[group].as_array().unwrap().iter();
        refused.extend(found.map(|error| error["filename"].as_str().unwrap().to_string()));
    }
    verdicts(&refused);
}

#[test]
fn taplo_takes_the_good_and_refuses_the_bad() {
    if !have("taplo") {
        return;
    }
    let schema = format!("file://{}", schema());
    let takes = |file: &PathBuf| {
        let mut taplo = Command::new("taplo");
        taplo.args(["lint", "--no-auto-config", "--schema", &schema]).arg(file);
        taplo.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        taplo.status().unwrap().success()
    };
    let refused = files().into_iter().filter(|file| !takes(file));
    verdicts(&refused.map(|file| file.display().to_string()).collect());
}

fn schema() -> String {
    house("schemas/qik.schema.json").canonicalize().unwrap().display().to_string()
}

/// The good are taken; the bad are refused but for those that a schema cannot refuse.
#[track_caller]
fn verdicts(refused: &BTreeSet<String>) {
    let wrong: Vec<&String> = refused.iter().filter(|name| !name.contains("/bad/")).collect();
    assert!(wrong.is_empty(), "good ones that are refused: {wrong:?}");
    let bad =
        files().into_iter().filter(|path| path.components().any(|part| part.as_os_str() == "bad"));
    let taken: BTreeSet<String> = bad
        .filter(|path| !refused.contains(&path.display().to_string()))
        .map(|path| case(&path))
        .collect();
    let listed: BTreeSet<String> = BEYOND_A_SCHEMA.map(String::from).into();
    let missed: Vec<&String> = taken.difference(&listed).collect();
    assert!(missed.is_empty(), "bad ones that are taken: {missed:?}");
    let better: Vec<&String> = listed.difference(&taken).collect();
    assert!(better.is_empty(), "listed, and yet refused or gone: {better:?}");
    assert!(refused.len() >= 25, "only {} are refused", refused.len());
}

/// The name of the case that a file belongs to.
fn case(path: &Path) -> String {
    let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
    let at = parts.iter().rposition(|part| *part == "bad").unwrap();
    parts[at + 1].trim_end_matches(".toml").to_string()
}

fn have(tool: &str) -> bool {
    let works =
        Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let works = works.is_ok();
    assert!(works || env::var_os("QIK_TEST_REQUIRE_TOOLS").is_none(), "`{tool}` is missing");
    if !works {
        #[expect(
            clippy::print_stderr,
            reason = "whoever reads the output of the tests should know"
        )]
        {
            eprintln!("SKIPPED: {tool}");
        }
    }
    works
}

/// Every `qik.toml` of `testdata`, those that are cases of their own, and our own one.
fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for kind in ["config/good", "config/bad", "shop", "cookbook"] {
        collect(&house("testdata").join(kind), "toml", &mut found);
    }
    // A file whose values are inputs.
    found.retain(|path| !path.ends_with("shop/release.toml"));
    found.push(house("qik.toml"));
    found.sort();
    found
}

/// Files with an ending; those of other tools and what a run leaves excepted.
fn collect(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("._qik") {
            collect(&path, ending, found);
        } else if path.extension().is_some_and(|own| own == ending)
            && !path.ends_with("pyproject.toml")
        {
            found.push(path);
        }
    }
}

fn house(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
