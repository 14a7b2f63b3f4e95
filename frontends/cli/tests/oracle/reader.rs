//! The commands: each prints the bytes that it reads, and its artifacts are made of them. One function
//! says what a command does with a tree; the process that a shell line starts calls it with the
//! files on disk, the oracle with the files that there should be.

use std::io::Write;
use std::path::Path;

use crate::tree::{self, Node, Tree, is_within};

/// What a command leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Made {
    pub log: Vec<u8>,
    pub code: i32,
    pub artifacts: Tree,
}

/// Runs what `spec` says, in words:
///
/// - `in=FOLDER:ENDING` reads the files below a folder whose names end so, but no `.log`
/// - `not=FOLDER` leaves those below out
/// - `one=PATH` reads a file
/// - `key=PATH` reads the value of `version` in it
/// - `first=PATH` reads its first line
/// - `env=NAME` reads a variable
/// - `load=PATH:FOLDER` reads the folders that a JSON file lists, or that one if there is none
/// - `code=PATH` exits with the number in it
/// - `out=PATH` writes what it prints there too
/// - `copy=FOLDER` copies all that it read there, with `tag=PATH` before each
pub fn make(name: &str, spec: &str, tree: &Tree, env: &dyn Fn(&str) -> Option<String>) -> Made {
    let words = || spec.split(' ').filter_map(|word| word.split_once('='));
    let excluded: Vec<&str> = words().filter(|(key, _)| *key == "not").map(|(_, v)| v).collect();
    let mut made = Made { log: format!("# {name}\n").into_bytes(), ..Made::default() };
    let mut read = Tree::new();
    let folder = |folder: &str, ending: &str| below(tree, folder, ending, &excluded);
    for (key, value) in words() {
        let (first, second) = value.split_once(':').unwrap_or((value, ""));
        match key {
            "in" => read.extend(folder(first, second)),
            "one" => {
                read.extend(tree.get(value.as_bytes()).map(|node| (value.into(), node.clone())))
            }
            "load" => {
                loaded(tree, first, second).iter().for_each(|name| read.extend(folder(name, "")));
            }
            "key" => made.log.extend(line(tree, value, "version = ").into_bytes()),
            "first" => made.log.extend(line(tree, value, "").into_bytes()),
            "env" => made.log.extend(format!("{value} {:?}\n", env(value)).into_bytes()),
            "code" => made.code = number(tree, value),
            _ => {}
        }
    }
    for (path, node) in &read {
        made.log.extend([&[node.kind, b' '], &path[..], b"\n", &node.bytes, b"\n"].concat());
    }
    for (key, value) in words() {
        match key {
            "out" => {
                let node = Node { kind: b'f', bytes: made.log.clone() };
                made.artifacts.insert(value.into(), node);
            }
            "copy" => made.artifacts.extend(copies(&read, value, spec, tree)),
            _ => {}
        }
    }
    made
}

fn below(tree: &Tree, folder: &str, ending: &str, excluded: &[&str]) -> Tree {
    let wanted = |path: &&Vec<u8>| {
        path.len() > folder.len()
            && is_within(path, folder.as_bytes())
            && path.ends_with(ending.as_bytes())
            && !path.ends_with(b".log")
            && !excluded.iter().any(|other| is_within(path, other.as_bytes()))
    };
    let found = tree.iter().filter(|(path, _)| wanted(path));
    found.map(|(path, node)| (path.clone(), node.clone())).collect()
}

fn loaded(tree: &Tree, file: &str, default: &str) -> Vec<String> {
    let Some(node) = tree.get(file.as_bytes()) else { return vec![default.into()] };
    let value: serde_json::Value = serde_json::from_slice(&node.bytes).expect("a load file");
    let globs = value["globs"].as_array().expect("globs").iter();
    let globs = globs.map(|glob| glob.as_str().expect("a glob"));
    globs.map(|glob| glob.strip_suffix("/**").expect("a folder's glob").into()).collect()
}

fn line(tree: &Tree, file: &str, beginning: &str) -> String {
    let text = tree.get(file.as_bytes()).map(|node| String::from_utf8_lossy(&node.bytes));
    let text = text.unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(beginning)).unwrap_or_default();
    format!("{line}\n")
}

fn number(tree: &Tree, file: &str) -> i32 {
    let text = tree.get(file.as_bytes()).map(|node| String::from_utf8_lossy(&node.bytes));
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn copies(read: &Tree, folder: &str, spec: &str, tree: &Tree) -> Tree {
    let tag = spec.split(' ').find_map(|word| word.strip_prefix("tag="));
    let tag = tag.and_then(|path| tree.get(path.as_bytes())).map(|node| node.bytes.clone());
    let tag = tag.unwrap_or_default();
    let copy = |(path, node): (&Vec<u8>, &Node)| {
        let bytes = [&tag[..], &node.bytes].concat();
        ([folder.as_bytes(), b"/", path].concat(), Node { kind: node.kind, bytes })
    };
    read.iter().map(copy).collect()
}

/// What `spec` may make: the files and folders that it removes before it writes.
fn places(spec: &str) -> impl Iterator<Item = &str> {
    let words = spec.split(' ').filter_map(|word| word.split_once('='));
    words.filter(|(key, _)| matches!(*key, "out" | "copy")).map(|(_, value)| value)
}

/// Not a test of its own: what the shell lines start. It ends the process, so that nothing but what
/// it read is printed.
#[test]
fn reads_what_it_is_told_to() {
    let Ok(spec) = std::env::var("ORACLE_READS") else { return };
    let name = std::env::var("QIK__RUNNABLE").expect("a name");
    let root = Path::new(".");
    let made = make(&name, &spec, &tree::load(root), &|name| std::env::var(name).ok());
    if let Ok(millis) = std::env::var("ORACLE_WAIT") {
        let millis = millis.parse().expect("a number");
        std::thread::sleep(std::time::Duration::from_millis(millis));
    }
    for place in places(&spec) {
        let _ = std::fs::remove_dir_all(place).or_else(|_| std::fs::remove_file(place));
    }
    for (path, node) in &made.artifacts {
        tree::put(root, path, node).expect("an artifact can be written");
    }
    std::io::stderr().write_all(&made.log).expect("a log can be written");
    std::process::exit(made.code);
}
