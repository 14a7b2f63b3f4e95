//! Manifests as data: of what each room depends on, and how it names the version.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// A room's `Cargo.toml`.
#[derive(Debug)]
pub struct Manifest {
    /// `engine/db`
    pub path: String,
    /// `db`
    pub room: String,
    /// Of what users get, for whichever platform.
    pub shipped: Vec<Dependency>,
    /// Of the tests.
    pub for_tests: Vec<Dependency>,
}

#[derive(Debug)]
pub struct Dependency {
    pub name: String,
    pub from_workspace: bool,
}

/// The workspace's manifest.
#[derive(Debug)]
pub struct Root {
    pub dependencies: Vec<Pinned>,
}

/// A line of `[workspace.dependencies]`.
#[derive(Debug)]
pub struct Pinned {
    pub name: String,
    pub version: Option<String>,
    pub is_path: bool,
}

/// The folder of the workspace.
pub fn house() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folders of all rooms, as `engine/db`.
pub fn rooms() -> Vec<String> {
    let wings = ["engine", "frontends"];
    let mut rooms: Vec<String> = wings
        .iter()
        .flat_map(|wing| {
            let entries = fs::read_dir(house().join(wing)).unwrap();
            entries.map(move |entry| (wing, entry.unwrap().file_name().into_string().unwrap()))
        })
        .map(|(wing, room)| format!("{wing}/{room}"))
        .filter(|room| house().join(room).join("Cargo.toml").is_file())
        .collect();
    rooms.sort();
    rooms
}

pub fn all() -> Vec<Manifest> {
    let read = |room: &String| fs::read_to_string(house().join(room).join("Cargo.toml")).unwrap();
    rooms().iter().map(|room| Manifest::sample(room, &read(room))).collect()
}

impl Manifest {
    /// The manifest of the room at `path` as if it had this text.
    pub fn sample(path: &str, text: &str) -> Self {
        let table: Table = text.parse().unwrap();
        let no_targets = Table::new();
        let targets = table.get("target").and_then(Value::as_table).unwrap_or(&no_targets);
        let tables: Vec<&Table> =
            [&table].into_iter().chain(targets.values().filter_map(Value::as_table)).collect();
        let under = |keys: &[&str]| -> Vec<Dependency> {
            tables
                .iter()
                .flat_map(|table| keys.iter().filter_map(|key| table.get(*key)?.as_table()))
                .flat_map(|dependencies| dependencies.iter().map(Dependency::new))
                .collect()
        };
        Self {
            path: path.to_string(),
            room: path.rsplit('/').next().unwrap().to_string(),
            shipped: under(&["dependencies", "build-dependencies"]),
            for_tests: under(&["dev-dependencies"]),
        }
    }
}

impl Dependency {
    fn new((name, value): (&String, &Value)) -> Self {
        let from_workspace = value.get("workspace").and_then(Value::as_bool) == Some(true);
        Self { name: name.clone(), from_workspace }
    }
}

impl Root {
    pub fn read() -> Self {
        Self::parse(&fs::read_to_string(house().join("Cargo.toml")).unwrap())
    }

    pub fn parse(text: &str) -> Self {
        let table: Table = text.parse().unwrap();
        let dependencies = table["workspace"]["dependencies"].as_table().unwrap();
        Self { dependencies: dependencies.iter().map(Pinned::new).collect() }
    }
}

impl Pinned {
    fn new((name, value): (&String, &Value)) -> Self {
        let version = value.as_str().or_else(|| value.get("version")?.as_str());
        Self {
            name: name.clone(),
            version: version.map(str::to_string),
            is_path: value.get("path").is_some(),
        }
    }
}
