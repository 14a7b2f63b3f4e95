//! What git is told of `.qik`: how to merge it, and what to stage. Does not know what entries hold.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};

use qik_model::{Diagnostic, FileKind, RelPath};
use qik_system::{Git, System};

use crate::warnings::{self, Warnings};

const ATTRIBUTES: &str = ".qik/.gitattributes";
/// Generated: folded away in reviews. No end-of-line conversion: digests are of these bytes. Ours
/// in a merge: entries of both sides are true, and half of each is not.
const ATTRIBUTES_TEXT: &[u8] = b"* linguist-generated=true -text merge=qik\n";
/// How many paths one `git add` is given; the system limits the length of a command line.
const BATCH: usize = 500;

/// The side of the repo cache that faces git.
#[derive(Debug)]
pub(crate) struct GitSide {
    system: Arc<dyn System>,
    warnings: Arc<Warnings>,
    written: Mutex<BTreeSet<RelPath>>,
    driver: Once,
    attributes: Once,
}

impl GitSide {
    pub(crate) fn new(system: Arc<dyn System>, warnings: Arc<Warnings>) -> Self {
        let written = Mutex::default();
        Self { system, warnings, written, driver: Once::new(), attributes: Once::new() }
    }

    /// To be called where an entry is read: makes sure that git knows how to merge it.
    pub(crate) fn will_read(&self) {
        self.driver.call_once(|| {
            let Some(git) = self.system.git() else { return };
            if let Err(reason) = install_driver(git) {
                let text = format!("git could not be told how to merge `.qik`: {reason}");
                let help = "run `git config merge.qik.driver true`";
                self.warnings.add(Diagnostic::warning(warnings::NO_DRIVER, text).help(help));
            }
        });
    }

    /// To be called where entry files were written.
    pub(crate) fn wrote(&self, paths: impl IntoIterator<Item = RelPath>) {
        self.will_read();
        self.attributes.call_once(|| {
            let path = RelPath::from(ATTRIBUTES);
            // One that is there may have been edited on purpose.
            if self.system.stat(&path).is_err()
                && self.system.write_atomic(&path, ATTRIBUTES_TEXT, FileKind::File).is_ok()
            {
                self.written().insert(path);
            }
        });
        self.written().extend(paths);
    }

    /// Stages what was written since the last call.
    pub(crate) fn stage(&self) {
        let paths = std::mem::take(&mut *self.written());
        let (Some(git), false) = (self.system.git(), paths.is_empty()) else { return };
        let Ok(prefix) = self.system.root().strip_prefix(git.root()) else { return };
        let full: Vec<_> = paths.iter().map(|path| full_path(prefix, path)).collect();
        for batch in full.chunks(BATCH) {
            let args = ["--literal-pathspecs", "add", "--"].map(OsString::from);
            if let Err(reason) = run(git, args.into_iter().chain(batch.iter().cloned())) {
                let text = format!("new entries in `.qik/cache` were not staged: {reason}");
                let help = "run `git add .qik`, or set `git-add = false` on `[caches.repo]`";
                self.warnings.add(Diagnostic::warning(warnings::NOT_STAGED, text).help(help));
                return;
            }
        }
    }

    fn written(&self) -> std::sync::MutexGuard<'_, BTreeSet<RelPath>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets the merge driver up in the repository's configuration, unless there is one. Reading the file
/// tells most of the time, and saves starting git on every run.
fn install_driver(git: &Git) -> Result<(), String> {
    let text = qik_system::read_file(&git.common_dir().join("config")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines().map(str::trim).skip_while(|line| *line != "[merge \"qik\"]");
    if lines.next().is_some() && lines.take_while(|line| !line.starts_with('[')).any(is_driver) {
        return Ok(());
    }
    if run(git, ["config", "--get", "merge.qik.driver"]).is_ok() {
        return Ok(());
    }
    run(git, ["config", "merge.qik.name", "qik cache entries: keep ours, never mix"])?;
    // The driver leaves our file as it is, and says that all is well.
    run(git, ["config", "merge.qik.driver", "true"])
}

fn is_driver(line: &str) -> bool {
    line.strip_prefix("driver").is_some_and(|rest| rest.trim_start().starts_with('='))
}

fn run<S: AsRef<std::ffi::OsStr>>(
    git: &Git,
    args: impl IntoIterator<Item = S>,
) -> Result<(), String> {
    let output = git.git(args).map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("git failed");
    Err(first.trim_start_matches("fatal: ").trim_start_matches("error: ").to_owned())
}

fn full_path(prefix: &Path, path: &RelPath) -> OsString {
    prefix.join(OsString::from_vec(path.as_bytes().to_vec())).into_os_string()
}
