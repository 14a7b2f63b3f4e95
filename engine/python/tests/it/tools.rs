//! Python, uv, and eyes for the real file system.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use qik_db::{OutsideItem, OutsideStamp};
use qik_python::dist::Look;

/// Whether `tool` can be started. A check of everything (`QIK_TEST_REQUIRE_TOOLS`) fails without it.
pub fn have(tool: &str) -> bool {
    let mut ask = Command::new(tool);
    let ask = ask.arg("--version").stdin(Stdio::null()).output();
    let works = ask.is_ok_and(|told| told.status.success());
    if !works {
        assert!(std::env::var_os("QIK_TEST_REQUIRE_TOOLS").is_none(), "`{tool}` can't be had");
        eprintln!("SKIPPED: {tool}");
    }
    works
}

/// Runs a program in `folder` that must succeed; what it wrote to stdout.
#[track_caller]
pub fn run(folder: &Path, program: impl AsRef<Path>, args: &[&str]) -> String {
    let mut command = Command::new(program.as_ref());
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON"]
    {
        command.env_remove(name);
    }
    // Files that share their data with uv's cache change their stamps when another test installs them, too.
    command.env("UV_LINK_MODE", "copy");
    let told = command.args(args).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{} {args:?}: {errors}", program.as_ref().display());
    String::from_utf8(told.stdout).unwrap()
}

/// Writes files below `folder`.
pub fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[derive(Debug)]
pub struct Disk;

impl Look for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OutsideItem>> {
        let member = |entry: io::Result<std::fs::DirEntry>| {
            let entry = entry?;
            Ok(OutsideItem { name: entry.file_name(), is_folder: entry.path().is_dir() })
        };
        std::fs::read_dir(folder)?.map(member).collect()
    }

    fn stamp(&self, path: &Path) -> io::Result<OutsideStamp> {
        let found = std::fs::metadata(path)?;
        let ns = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Ok(OutsideStamp {
            mtime_ns: ns(found.mtime(), found.mtime_nsec()),
            ctime_ns: ns(found.ctime(), found.ctime_nsec()),
            size: found.len(),
            inode: found.ino(),
        })
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }
}
