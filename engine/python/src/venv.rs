//! Environments that qik makes: whether one is whole, as it was made and where it was made. A mark in
//! its folder, written last, says so. Knows the layout of a venv, not how it is made.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use qik_db::{OutsideItem, OutsideStamp, System};
use qik_model::{Digest, Fingerprint, RelPath};

use crate::dist::{Found, Look, environment};

/// The mark in an environment's folder.
pub const MARK: &str = ".qik-made";

/// What a mark says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The fingerprint of the runnable that made it.
    pub key: Option<Fingerprint>,
    /// The digest of the files that say what it holds.
    pub declared: Digest,
    /// The digest of what lies in it.
    holds: Digest,
}

/// Why an environment can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is not there.
    Absent,
    /// It was not made to its end.
    HalfMade,
    /// It was made elsewhere, and holds the paths of that place.
    Moved,
    /// Somebody else changed it.
    Changed,
    /// The interpreter that it was made with is gone.
    NoPython,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "not made yet",
            Self::HalfMade => "made only in part",
            Self::Moved => "the project was moved since it was made",
            Self::Changed => "it was changed by something else than qik",
            Self::NoPython => "the Python that it was made with is gone",
        })
    }
}

/// The state of the environment in `prefix`, of the project in `root`, as the disk has it now.
///
/// # Errors
/// Why it can't be used.
pub fn state(system: &dyn System, prefix: &Path) -> Result<Made, Unusable> {
    look_at(&Now(system), system.root(), prefix)
}

/// The text of the mark for an environment as it lies there now; `None` where there is none.
pub fn mark(
    system: &dyn System,
    prefix: &Path,
    key: Option<Fingerprint>,
    declared: Digest,
) -> Option<String> {
    let key = key.map(|key| key.to_string()).unwrap_or_default();
    let holds = holds(&Now(system), prefix)?;
    let root = system.root().display();
    Some(format!("1\nroot {root}\nkey {key}\ndeclared {declared}\nholds {holds}\n"))
}

/// The digest of the files that say what an environment holds.
pub fn declared<B: AsRef<[u8]>>(
    files: &[RelPath],
    bytes: &dyn Fn(&RelPath) -> Option<B>,
) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        let bytes = bytes(file);
        let bytes = bytes.as_ref().map_or(&[][..], AsRef::as_ref);
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    Digest(*hasher.finalize().as_bytes())
}

pub(crate) fn look_at(look: &dyn Look, root: &Path, prefix: &Path) -> Result<Made, Unusable> {
    if look.stamp(prefix).is_err() {
        return Err(Unusable::Absent);
    }
    let text = look.read(&prefix.join(MARK)).map_err(|_| Unusable::HalfMade)?;
    let text = String::from_utf8_lossy(&text);
    let line = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    let digest = |key: &str| line(key)?.parse::<Digest>().ok();
    let (Some(of), Some(declared), Some(then)) =
        (line("root"), digest("declared"), digest("holds"))
    else {
        return Err(Unusable::HalfMade);
    };
    if of != root.display().to_string() {
        return Err(Unusable::Moved);
    }
    if look.stamp(&prefix.join("bin/python")).is_err() {
        return Err(Unusable::NoPython);
    }
    if holds(look, prefix) != Some(then) {
        return Err(Unusable::Changed);
    }
    let key = line("key").and_then(|key| key.parse().ok());
    Ok(Made { key, declared, holds: then })
}

/// The digest of the names of distributions, modules and scripts in an environment, and of its
/// settings. What Python itself adds when it imports does not count.
fn holds(look: &dyn Look, prefix: &Path) -> Option<Digest> {
    let found = environment(look, prefix, Found::Configured)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&look.read(&prefix.join("pyvenv.cfg")).ok()?);
    for folder in found.folders.iter().chain([&prefix.join("bin")]) {
        let mut names: Vec<_> = look.list(folder).ok()?.into_iter().map(|item| item.name).collect();
        names.sort();
        for name in names.iter().filter(|name| *name != "__pycache__") {
            hasher.update(name.as_encoded_bytes()).update(b"/");
        }
        hasher.update(b"\n");
    }
    Some(Digest(*hasher.finalize().as_bytes()))
}

/// Eyes that remember nothing.
struct Now<'a>(&'a dyn System);

impl Look for Now<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.outside().read(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OutsideItem>> {
        self.0.outside().list(folder)
    }

    fn stamp(&self, path: &Path) -> io::Result<OutsideStamp> {
        self.0.outside().stamp(path)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.0.outside().canonical(path)
    }
}
