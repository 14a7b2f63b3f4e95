//! Lock files: what an installer would install, where nothing is installed. Each format has a file;
//! here is what they share. Knows texts, not where they lie.

mod pdm;
mod pipfile;
mod poetry;
mod pylock;
pub mod requirements;
mod table;
mod uv;

use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use pep440_rs::{Version, VersionSpecifiers};

use super::distribution::{Distribution, Distributions};
use super::python::{self, PythonVersion};
use super::requirement::{Requirement, Target};

/// The formats that are told apart by their file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// `uv.lock`
    Uv,
    /// `pylock.toml`, `pylock.NAME.toml` (PEP 751)
    Pylock,
    /// `poetry.lock`
    Poetry,
    /// `pdm.lock`
    Pdm,
    /// `Pipfile.lock`
    Pipfile,
}

impl Format {
    /// The names to look for, in the order in which they bind. Requirements files come after them.
    pub const NAMES: [&'static str; 5] =
        ["uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock"];

    /// The format of the file called `name`.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "uv.lock" => Self::Uv,
            "poetry.lock" => Self::Poetry,
            "pdm.lock" => Self::Pdm,
            "Pipfile.lock" => Self::Pipfile,
            "pylock.toml" => Self::Pylock,
            name if name.starts_with("pylock.") && name.ends_with(".toml") => Self::Pylock,
            _ => return None,
        })
    }
}

/// What a lock file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// In the order of the file.
    pub packages: Vec<Locked>,
    /// What the project itself asks for, where the lock says so: development groups, lines without
    /// a version.
    pub roots: Vec<Requirement>,
    /// The versions of Python that it was made for, as a specifier.
    pub requires_python: Option<String>,
    /// Where no marker of several versions holds, all of them count: uv's conflicting extras.
    all_if_none: bool,
}

/// One package of a lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Without import names, which no lock knows. Paths are relative to the lock file.
    pub distribution: Distribution,
    /// It counts where one of them holds; everywhere if there are none.
    pub markers: Vec<Arc<str>>,
    /// The versions of Python that it is for, as a specifier.
    pub requires_python: Option<String>,
}

/// A text that is not the lock file that its name promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LockError {
    /// A lowercase fragment.
    pub message: String,
    /// The bytes that it is about, where known.
    pub span: Option<Range<usize>>,
    /// From 1, where known.
    pub line: Option<usize>,
}

impl Lock {
    /// Reads the text of a lock file.
    ///
    /// # Errors
    /// Where it is no TOML or JSON, or lacks what the format promises.
    pub fn parse(format: Format, text: &str) -> Result<Self, LockError> {
        match format {
            Format::Uv => uv::parse(text),
            Format::Pylock => pylock::parse(text),
            Format::Poetry => poetry::parse(text),
            Format::Pdm => pdm::parse(text),
            Format::Pipfile => pipfile::parse(text),
        }
    }

    /// What would be installed for `target`. Of a name with several versions those stay whose
    /// markers hold.
    pub fn distributions(&self, target: &Target) -> Distributions {
        let mut by_name: BTreeMap<&str, Vec<&Locked>> = BTreeMap::new();
        for package in &self.packages {
            by_name.entry(&package.distribution.name).or_default().push(package);
        }
        let mut chosen = Vec::new();
        for packages in by_name.values() {
            let fit: Vec<&Locked> =
                packages.iter().copied().filter(|one| one.fits(target)).collect();
            let fit = if fit.is_empty() && self.all_if_none { packages.clone() } else { fit };
            for package in fit {
                merge(&mut chosen, &package.distribution);
            }
        }
        Distributions::new(chosen)
    }

    /// The version of Python to go by where nothing else tells: the lowest that the lock allows.
    pub fn python(&self) -> Option<PythonVersion> {
        python::from_requires(self.requires_python.as_deref()?)
    }
}

impl Locked {
    fn fits(&self, target: &Target) -> bool {
        let marked = self.markers.is_empty()
            || self.markers.iter().any(|marker| target.holds(Some(marker), &[]));
        marked
            && self
                .requires_python
                .as_deref()
                .is_none_or(|requires| allows(requires, target.python))
    }
}

/// Adds a distribution, or what it needs to the same one that is there: pdm writes one entry more
/// for each set of extras.
fn merge(chosen: &mut Vec<Distribution>, new: &Distribution) {
    let same = |old: &&mut Distribution| {
        old.name == new.name && old.version == new.version && old.source == new.source
    };
    match chosen.iter_mut().rev().take_while(|old| old.name == new.name).find(same) {
        Some(old) => {
            let more = new.requires.iter().filter(|one| !old.requires.contains(one));
            let more: Vec<Requirement> = more.cloned().collect();
            old.requires.extend(more);
        }
        None => chosen.push(new.clone()),
    }
}

/// Whether a late patch release of `python` is allowed; what cannot be read allows.
fn allows(specifiers: &str, python: PythonVersion) -> bool {
    let version = Version::new([python.major.into(), python.minor.into(), 99]);
    let any = |part: &str| {
        VersionSpecifiers::from_str(&python::caret_range(part))
            .map_or(true, |specifiers| specifiers.contains(&version))
    };
    specifiers.split("||").any(any)
}

/// From 1.
fn line_of(text: &str, byte: usize) -> usize {
    let end = byte.min(text.len());
    text.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
