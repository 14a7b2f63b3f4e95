//! The projects that benches look at: generated, in memory or on disk.

use std::path::PathBuf;
use std::sync::Arc;

use qik_benches::{Generated, Plan, Shape, Tool, commit, file_text, toml, write};
use qik_db::TestDb;
use qik_toml::TomlSyntax;

/// Files of a project.
pub const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// A project of about so many files, forty in each package.
pub fn shape(files: usize) -> Shape {
    Shape { packages: (files / 40).max(2), files, seed: 1, tiny: true }
}

/// A project in memory, with a command by files and one by imports over each package. Nothing was asked yet.
pub fn in_memory(files: usize) -> TestDb {
    let shape = shape(files);
    let plan = Plan::new(&shape);
    let texts = plan.files().enumerate().map(|(at, file)| file_text(&shape, at, file));
    let texts: Vec<String> = texts.collect();
    let pairs = plan.files().zip(&texts).map(|(file, text)| (&*file.path, &**text));
    let config = toml(&plan, &["lint", "test:graph"].map(Generated::parse));
    let all: Vec<(&str, &str)> = pairs.chain([("qik.toml", &*config)]).collect();
    TestDb::new(vec![Arc::new(TomlSyntax)], "qik.toml", &all)
}

/// The same on disk, committed. It is removed with what is returned.
pub fn on_disk(files: usize) -> OnDisk {
    let shape = shape(files);
    let plan = Plan::new(&shape);
    let folder = tempfile::tempdir().expect("a folder");
    let tree = folder.path().join("tree");
    let commands = ["lint", "test:graph"].map(Generated::parse);
    write(&shape, &plan, Tool::Qik, &commands, &tree).expect("files are written");
    commit(&plan, &tree, 1).expect("git works");
    OnDisk { tree, packages: shape.packages, _folder: folder }
}

/// See [`on_disk`].
pub struct OnDisk {
    pub tree: PathBuf,
    pub packages: usize,
    _folder: tempfile::TempDir,
}
