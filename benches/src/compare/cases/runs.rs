//! Runs that execute, restore, or meet a tree for the first time.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use super::super::lab::command;
use super::super::race::Runner;
use super::super::{Finding, Lab};
use super::Case;
use super::answers::warm;
use crate::size::Size;
use crate::tools::{Generated, Tool};

/// A command that does nothing over every package: inputs are looked at before and after, and each result is
/// kept. Against the same commands by `xargs`, which looks at nothing and keeps nothing.
pub(super) fn cold(lab: &Lab, size: Size) -> Result<Finding, String> {
    let tree = lab.tree(size, Tool::Qik)?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let line = format!("ls -d pkg_* | xargs -P {jobs} -I{{}} sh -c 'true {{}}'");
    let xargs = ["-c", &*line];
    let aside = tree.with_extension("aside");
    remove(&aside)?;
    fs::create_dir(&aside).map_err(|error| format!("{}: {error}", aside.display()))?;
    let rounds = Cell::new(0);
    let rows = lab.race(vec![
        Ok(Runner::new("qik lint", || lab.qik(&tree, &["lint"])).after(|| {
            // ext4 without a journal takes long to make files where as many were removed a minute ago.
            rounds.set(rounds.get() + 1);
            set_aside(&tree.join("._qik"), &aside.join(rounds.get().to_string()))
        })),
        Ok(Runner::new("xargs -P", || command(Path::new("/bin/sh"), &tree, &xargs))),
    ]);
    remove(&aside)?;
    Ok(Case::finding("cold", Some(size), rows).wall_at_most("qik lint", "xargs", 1.5))
}

/// An artifact of every package is put back out of the local cache. Against `cp -r` of the same files.
pub(super) fn restore(lab: &Lab, size: Size) -> Result<Finding, String> {
    let tree = lab.tree_with(size, Tool::Qik, "-out", &[Generated::parse("build:out")])?;
    lab.once(lab.qik(&tree, &[]))?;
    lab.expect_all_warm(&tree)?;
    let (out, kept) = (tree.join("out"), tree.join("._qik/kept-out"));
    remove(&kept)?;
    lab.once(command(Path::new("cp"), &tree, &["-r", "out", "._qik/kept-out"]))?;
    let rows = lab.race(vec![
        Ok(Runner::new("qik", || lab.qik(&tree, &[])).after(|| remove(&out))),
        Ok(Runner::new("cp -r", || {
            command(Path::new("cp"), &tree, &["-r", "--reflink=auto", "._qik/kept-out", "out"])
        })
        .after(|| remove(&out))),
        Ok(lab.git_status(&tree)),
    ]);
    lab.once(lab.qik(&tree, &[]))?;
    lab.expect_all_warm(&tree)?;
    Ok(Case::finding("restore", Some(size), rows))
}

/// The tree and what is kept of it are copied, so that no stat is as it was. The first run there reads every
/// file once; the second is what is measured against a run in the old place.
pub(super) fn copy(lab: &Lab, size: Size) -> Result<Finding, String> {
    let tree = warm(lab, size, Tool::Qik)?;
    let copy = tree.with_extension("copy");
    let paths = [&tree, &copy].map(|path| path.to_string_lossy().into_owned());
    let make = || {
        remove(&copy)?;
        lab.once(command(Path::new("cp"), &tree, &["-a", &paths[0], &paths[1]]))
    };
    let make_and_run = || {
        make()?;
        lab.once(lab.qik(&copy, &[]))
    };
    let rows = lab.race(vec![
        Ok(Runner::new("qik, second run in the copy", || lab.qik(&copy, &[])).after(make_and_run)),
        Ok(Runner::new("qik, in the old place", || lab.qik(&tree, &[]))),
        Ok(Runner::new("qik, first run in the copy", || lab.qik(&copy, &[])).after(make)),
    ]);
    remove(&copy)?;
    Ok(Case::finding("copy", Some(size), rows).wall_at_most(
        "qik, second",
        "qik, in the old place",
        1.5,
    ))
}

fn set_aside(path: &Path, aside: &Path) -> Result<(), String> {
    match fs::rename(path, aside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> Result<(), String> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", path.display()))
        }
        _ => Ok(()),
    }
}
