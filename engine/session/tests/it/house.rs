//! The rules of the house: which room may know which, and what each may not do. They are read off
//! the manifests and sources as text. Each rule has a control, a planted defect that it must find.

mod manifest;
mod source;

use std::collections::BTreeSet;

use manifest::{Manifest, Root};
use source::Source;

/// A room, and the rooms that it may name in its manifest.
///
/// `qik-model` is the common vocabulary of the engine and needs no arrow there.
const ARROWS: [(&str, &[&str]); 13] = [
    ("model", &[]),
    ("system", &["model"]),
    ("db", &["model", "system"]),
    ("config", &["db"]),
    ("python", &["config", "db"]),
    ("graph", &["python", "config", "db"]),
    ("fingerprint", &["graph", "python", "config", "db", "system"]),
    ("cache", &["model", "system"]),
    ("run", &["fingerprint", "cache", "graph", "python", "config", "db", "system"]),
    ("session", &["run", "fingerprint", "cache", "graph", "python", "config", "db", "system"]),
    ("toml", &["model"]),
    ("kdl", &["model"]),
    ("cli", &["session", "toml", "kdl"]),
];

const WITHOUT_SALSA: [&str; 3] = ["cache", "system", "model"];
const FRONT_ENDS: [&str; 3] = ["qik_toml", "qik_kdl", "qik_cli"];
const WORLD: [&str; 6] =
    ["std::fs", "std::env", "std::os::unix::fs", "Command::new", "SystemTime::now", "Instant::now"];
/// What the command line may ask of its own process.
const ARGUMENTS: &str = "std::env::args_os()";
const PRINTING: [&str; 5] = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];
/// The system room may look at these, to say whether they are terminals.
const STREAMS: [&str; 2] = ["io::stdout(", "io::stderr("];
const EVASIONS: [&str; 3] = ["#[ignore", "#[should_panic", "allow(dead_code)"];

/// Checks all manifests or all sources of the project by one rule.
#[track_caller]
fn check<'a, T: 'a>(things: impl IntoIterator<Item = &'a T>, rule: impl Fn(&T) -> Vec<String>) {
    let (mut seen, mut findings) = (0, Vec::new());
    for thing in things {
        seen += 1;
        findings.extend(rule(thing));
    }
    assert!(seen >= 10, "the rule saw only {seen} of the house");
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// Checks that a rule finds a planted defect, and has nothing against the same without it.
#[track_caller]
fn control<T>(rule: impl Fn(&T) -> Vec<String>, good: T, bad: T, finding: &str) {
    assert_eq!(rule(&good), [""; 0]);
    let findings = rule(&bad);
    assert!(findings.iter().any(|found| found.contains(finding)), "{findings:?}");
}

#[test]
fn only_the_drawn_arrows_exist() {
    check(&manifest::all(), forbidden_arrows);
    let plant = |name, text| Manifest::sample(&format!("engine/{name}"), text);
    control(
        forbidden_arrows,
        plant("config", "[dependencies]\nqik-db.workspace = true\nqik-model.workspace = true"),
        plant("config", "[target.'cfg(unix)'.dependencies]\nqik-graph.workspace = true"),
        "`config` may not know `graph`",
    );
    control(
        forbidden_arrows,
        plant("cache", "[dev-dependencies]\nqik-session.workspace = true"),
        plant("cache", "[build-dependencies]\nqik-db.workspace = true"),
        "`cache` may not know `db`",
    );
    control(
        forbidden_arrows,
        Manifest::sample("frontends/cli", "[dependencies]\nqik-session.workspace = true"),
        Manifest::sample("frontends/cli", "[dependencies]\nqik-model.workspace = true"),
        "`cli` may not know `model`",
    );
    control(forbidden_arrows, plant("run", ""), plant("attic", ""), "`attic` is not drawn");
}

#[test]
fn rooms_without_salsa_stay_so() {
    check(&manifest::all(), unwanted_salsa);
    control(
        unwanted_salsa,
        Manifest::sample("engine/db", "[dependencies]\nsalsa.workspace = true"),
        Manifest::sample("engine/cache", "[dependencies]\nsalsa.workspace = true"),
        "`cache` has salsa",
    );
}

#[test]
fn each_dependency_is_the_workspaces() {
    check(&manifest::all(), own_versions);
    control(
        own_versions,
        Manifest::sample("engine/db", "[dependencies]\nserde = { workspace = true }"),
        Manifest::sample("engine/db", "[dev-dependencies]\nserde = \"=1.0.0\""),
        "`serde` is not the workspace's",
    );
}

#[test]
fn each_version_is_pinned() {
    let root = Root::read();
    assert!(root.dependencies.len() >= 10);
    check(&root.dependencies, loose_version);
    let sample = |text| Root::parse(text).dependencies.remove(0);
    control(
        loose_version,
        sample("[workspace.dependencies]\nserde = { version = \"=1.0.2\" }"),
        sample("[workspace.dependencies]\nserde = { version = \"1.0.2\" }"),
        "`serde` is not pinned",
    );
    control(
        loose_version,
        sample("[workspace.dependencies]\nqik-db = { path = \"engine/db\" }"),
        sample("[workspace.dependencies]\nserde = { git = \"somewhere\" }"),
        "`serde` is not pinned",
    );
}

#[test]
fn the_world_is_reached_through_one_door() {
    check(&source::all(), world);
    let plant = |text| Source::sample("engine/run/src/lib.rs", text);
    control(world, plant("use qik_system::System;"), plant("use std::fs::File;"), "std::fs");
    control(world, plant("// std::env\n"), plant("let x = ::std::env::var(\"X\");"), "std::env");
    control(
        world,
        plant("#[cfg(test)]\nmod tests { fn f() { Instant::now(); } }"),
        plant("#[cfg(test)]\nmod tests { fn f() {} }\nfn g() { Instant::now(); }"),
        "Instant::now",
    );
    control(world, plant("use std::{fmt, io};"), plant("use std::{\n fmt, env};"), "std::env");
    control(world, plant("let x = \"SystemTime::now\";"), plant("SystemTime::now()"), "SystemTime");
    control(
        world,
        Source::sample("engine/system/src/os.rs", "Command::new(\"git\");"),
        plant("Command::new(\"git\");"),
        "Command::new",
    );
}

#[test]
fn the_command_line_reads_its_arguments_and_no_more() {
    let plant = |text| Source::sample("frontends/cli/src/main.rs", text);
    control(
        world,
        plant("let args = std::env::args_os().collect();"),
        plant("let args = std::env::args_os().len() + std::env::vars().count();"),
        "std::env",
    );
    assert_ne!(world(&Source::sample("engine/run/src/lib.rs", ARGUMENTS)), [""; 0]);
}

#[test]
fn only_the_command_line_prints() {
    check(&source::all(), printing);
    control(
        printing,
        Source::sample("frontends/cli/src/main.rs", "println!();"),
        Source::sample("frontends/toml/src/lib.rs", "println!();"),
        "println!",
    );
    control(
        printing,
        Source::sample("engine/system/src/os.rs", "io::stdout().is_terminal()"),
        Source::sample("engine/run/src/lib.rs", "io::stdout().lock()"),
        "io::stdout(",
    );
}

#[test]
fn the_engine_names_no_front_end() {
    check(&source::all(), front_ends);
    control(
        front_ends,
        Source::sample("frontends/cli/src/main.rs", "use qik_toml::Toml;"),
        Source::sample("engine/session/src/lib.rs", "use qik_toml::Toml;"),
        "qik_toml",
    );
}

#[test]
fn each_file_says_what_it_is_for() {
    check(&source::all(), purpose);
    let plant = |text| Source::sample("engine/run/src/lib.rs", text);
    control(purpose, plant("//! Runs.\n"), plant("// Runs.\nuse x;"), "does not open with `//!`");
}

#[test]
fn nothing_evades_the_tests_and_lints() {
    check(&source::all(), evasions);
    let plant = |text| Source::sample("engine/run/src/lib.rs", text);
    control(evasions, plant("#[test]"), plant("#[test]\n#[ignore = \"slow\"]"), "#[ignore");
}

fn forbidden_arrows(manifest: &Manifest) -> Vec<String> {
    let room = &manifest.room;
    let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| known == room) else {
        return vec![format!("{}: the room `{room}` is not drawn", manifest.path)];
    };
    let vocabulary = manifest.path.starts_with("engine/") && *room != "model";
    let known = |other: &str| allowed.contains(&other) || vocabulary && other == "model";
    manifest
        .shipped
        .iter()
        .filter_map(|dependency| dependency.name.strip_prefix("qik-"))
        .filter(|other| !known(other))
        .map(|other| format!("{}: `{room}` may not know `{other}`", manifest.path))
        .collect::<BTreeSet<String>>()
        .into_iter()
        .collect()
}

fn unwanted_salsa(manifest: &Manifest) -> Vec<String> {
    let room = &manifest.room;
    let has = manifest.shipped.iter().any(|dependency| dependency.name == "salsa");
    let unwanted = has && WITHOUT_SALSA.contains(&room.as_str());
    unwanted.then(|| format!("{}: `{room}` has salsa", manifest.path)).into_iter().collect()
}

fn own_versions(manifest: &Manifest) -> Vec<String> {
    let all = manifest.shipped.iter().chain(&manifest.for_tests);
    all.filter(|dependency| !dependency.from_workspace)
        .map(|found| format!("{}: `{}` is not the workspace's", manifest.path, found.name))
        .collect()
}

fn loose_version(dependency: &manifest::Pinned) -> Vec<String> {
    let pinned = dependency.is_path
        || dependency.version.as_ref().is_some_and(|version| version.starts_with('='));
    (!pinned).then(|| format!("`{}` is not pinned by `=`", dependency.name)).into_iter().collect()
}

fn world(source: &Source) -> Vec<String> {
    if source.path.starts_with("engine/system/") {
        return Vec::new();
    }
    let arguments = if source.path.starts_with("frontends/cli/") { ARGUMENTS } else { "" };
    source.without(arguments).mentions(&WORLD)
}

fn printing(source: &Source) -> Vec<String> {
    if source.path.starts_with("frontends/cli/") {
        return Vec::new();
    }
    let in_system = source.path.starts_with("engine/system/");
    let streams = if in_system { Vec::new() } else { source.mentions(&STREAMS) };
    [source.mentions(&PRINTING), streams].concat()
}

fn front_ends(source: &Source) -> Vec<String> {
    if source.path.starts_with("frontends/") {
        return Vec::new();
    }
    source.mentions(&FRONT_ENDS)
}

fn purpose(source: &Source) -> Vec<String> {
    let opens = source.text.starts_with("//! ");
    (!opens).then(|| format!("{} does not open with `//!`", source.path)).into_iter().collect()
}

fn evasions(source: &Source) -> Vec<String> {
    source.mentions_anywhere(&EVASIONS)
}
