//! The import graph of a whole tree.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::lab::command;
use super::super::peers::Peer;
use super::super::race::Runner;
use super::super::{Finding, Lab, Row};
use super::Case;
use crate::plan::Plan;
use crate::size::Size;
use crate::tools::Tool;

/// With nothing kept from earlier runs; the files are in the page cache.
pub(super) fn cold(lab: &Lab, size: Size) -> Result<Finding, String> {
    let tree = lab.tree(size, Tool::Qik)?;
    let grimp = grimp(size);
    let rows = lab.race(vec![
        Ok(Runner::new("qik graph build", || lab.qik(&tree, &["graph", "build"]))
            .after(|| forget(&tree))),
        ruff(lab, &tree),
        linter(lab, &tree, &grimp, size),
    ]);
    Ok(Case::finding("graph", Some(size), rows).cpu_at_most("qik", "ruff", 0.15))
}

/// After a new import in a file in the middle. ruff keeps nothing.
pub(super) fn edited(lab: &Lab, size: Size) -> Result<Finding, String> {
    let tree = lab.tree(size, Tool::Qik)?;
    let plan = Plan::new(&size.shape());
    let file = plan.files().nth(size.files() / 2).map(|file| tree.join(&file.path));
    let file = file.ok_or("there is no file in the middle")?;
    let before = fs::read(&file).map_err(|error| error.to_string())?;
    let change = || {
        // Twice, so that what the first one keeps of the folder that it makes is kept too.
        for _ in 0..2 {
            lab.once(lab.qik(&tree, &["graph", "build"]))?;
            rest();
        }
        add_import(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        rest();
        Ok(())
    };
    let rows = lab.race(vec![
        Ok(Runner::new("qik graph build", || lab.qik(&tree, &["graph", "build"])).after(change)),
        ruff(lab, &tree),
    ]);
    fs::write(&file, before).map_err(|error| error.to_string())?;
    Ok(Case::finding("graph-edit", Some(size), rows))
}

fn ruff<'a>(lab: &'a Lab, tree: &Path) -> Result<Runner<'a>, Row> {
    // Whatever the project's own settings for ruff are, they are not what is measured.
    let arguments = &["analyze", "graph", "--isolated"];
    lab.peer(Peer::Ruff, Ok(tree.to_path_buf()), "ruff analyze graph", arguments)
}

/// grimp, which is what import-linter makes its graph with; without its cache.
fn linter<'a>(lab: &'a Lab, tree: &Path, script: &'a str, size: Size) -> Result<Runner<'a>, Row> {
    let who = "grimp (import-linter)";
    if size > Size::M {
        return Err(Row::absent(who, "left out: it takes minutes"));
    }
    let python = lab.peers.program(Peer::ImportLinter).map_err(|why| Row::absent(who, why))?;
    let tree: PathBuf = tree.to_path_buf();
    Ok(Runner::new(who, move || command(python, &tree, &["-c", script])))
}

fn grimp(size: Size) -> String {
    format!(
        "import sys; sys.path.insert(0, '.'); import grimp; \
         names = [f'pkg_{{n:04}}' for n in range({})]; \
         grimp.build_graph(*names, include_external_packages=True, cache_dir=None)",
        size.packages()
    )
}

fn forget(tree: &Path) -> Result<(), String> {
    let state = tree.join("._qik");
    if state.exists() {
        fs::remove_dir_all(state).map_err(|error| error.to_string())
    } else {
        Ok(())
    }
}

/// An import that was not there, so that the graph is another one.
fn add_import(file: &Path) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().append(true).open(file)?;
    let count = file.metadata()?.len();
    write!(file, "\nimport module_{count}\n")
}

/// Until what was just written is no longer young.
fn rest() {
    std::thread::sleep(Duration::from_millis(50));
}
