//! Distributions and the questions put to them: which one brings an import, what does it need.
//! Knows not where they come from: an environment, a lock file, or both.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use pep440_rs::Version;
use qik_model::Digest;

use super::requirement::{Requirement, normalise};

/// What an installer installs under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Normalised.
    pub name: Arc<str>,
    /// As its metadata or the lock file write it; empty where nothing says it.
    pub version: Arc<str>,
    /// What it is imported by, sorted: top-level modules and packages, and below namespace packages
    /// the first name that is this distribution's own, such as `google.cloud.storage`.
    pub imports: Vec<Arc<str>>,
    /// What it needs, extras included.
    pub requires: Vec<Requirement>,
    /// Where it comes from.
    pub source: Source,
}

/// Where a distribution comes from. All but those from an index count by content: their version
/// says little.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Source {
    /// A package index.
    #[default]
    Index,
    /// A folder that is imported in place.
    Editable {
        /// The project's folder, where known; else the one that is on the path.
        folder: PathBuf,
    },
    /// A folder or file of this machine, copied when it was installed.
    Local {
        /// Where it was.
        path: PathBuf,
        /// The digest of what was installed, where known.
        content: Option<Digest>,
    },
    /// An archive by URL.
    Archive {
        /// The URL, without credentials.
        url: Arc<str>,
        /// `sha256=…`, where known.
        hash: Option<Arc<str>>,
    },
    /// A commit of a repository.
    Commit {
        /// The URL, without credentials.
        url: Arc<str>,
        /// Its id.
        commit: Arc<str>,
    },
}

impl Distribution {
    /// The version in the one form that equal versions share: `1.0` for `v1.0.0`.
    pub fn canonical_version(&self) -> String {
        canonical_version(&self.version)
    }

    /// Whether the version alone does not say what it is, so that its content must count.
    pub fn is_direct(&self) -> bool {
        self.source != Source::Index
    }
}

/// The form that equal versions share; other texts stay as they are.
pub fn canonical_version(version: &str) -> String {
    let Ok(parsed) = Version::from_str(version) else { return version.to_string() };
    let mut release = parsed.release().to_vec();
    while release.len() > 1 && release.last() == Some(&0) {
        release.pop();
    }
    parsed.with_release(release).to_string()
}

/// All distributions of an environment or lock, by name and by import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distributions {
    /// Sorted by name.
    all: Vec<Distribution>,
    imports: BTreeMap<Arc<str>, Vec<u32>>,
}

impl Distributions {
    /// These, of which a name may occur more than once.
    pub fn new(mut all: Vec<Distribution>) -> Self {
        all.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        let mut imports: BTreeMap<Arc<str>, Vec<u32>> = BTreeMap::new();
        for (index, distribution) in (0..).zip(&all) {
            for name in &distribution.imports {
                imports.entry(name.clone()).or_default().push(index);
            }
        }
        Self { all, imports }
    }

    /// All of them, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Distribution> {
        self.all.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those called `name`, which need not be normalised: none, one, or (broken environments, and
    /// locks whose markers leave a choice) several.
    pub fn get(&self, name: &str) -> &[Distribution] {
        self.named(&normalise(name))
    }

    /// As [`Self::get`] for a normalised name.
    pub(super) fn named(&self, name: &str) -> &[Distribution] {
        let start = self.all.partition_point(|one| *one.name < *name);
        let count = self.all[start..].partition_point(|one| *one.name == *name);
        &self.all[start..start + count]
    }

    /// Whom the import `module` belongs to: those with the longest name that is `module` or above
    /// it; and where `module` is only part of a namespace (`google.cloud`), all those below.
    pub fn owners(&self, module: &str) -> Vec<&Distribution> {
        let longest = above(module).find_map(|name| self.imports.get(name));
        let mut found = longest.cloned().unwrap_or_default();
        if found.is_empty() {
            found = self.below(module);
        }
        self.at(found)
    }

    /// Whose files the import `module` may read: its owners, those of the packages above it (whose
    /// `__init__` runs first), and the stubs (`requests-stubs`) that type checkers read for it.
    pub fn loaded_by(&self, module: &str) -> Vec<&Distribution> {
        let mut found: Vec<u32> =
            above(module).filter_map(|name| self.imports.get(name)).flatten().copied().collect();
        if found.is_empty() {
            found = self.below(module);
        }
        let (top, rest) =
            module.split_once('.').map_or((module, None), |(top, rest)| (top, Some(rest)));
        let stubs = match rest {
            Some(rest) => format!("{top}-stubs.{rest}"),
            None => format!("{top}-stubs"),
        };
        found.extend(above(&stubs).filter_map(|name| self.imports.get(name)).flatten());
        self.at(found)
    }

    /// Every import name with the distributions that bring it, sorted.
    pub fn imports(&self) -> impl Iterator<Item = (&Arc<str>, Vec<&Distribution>)> {
        self.imports.iter().map(|(name, found)| (name, self.at(found.clone())))
    }

    fn below(&self, module: &str) -> Vec<u32> {
        let prefix = format!("{module}.");
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let below = self.imports.range::<str, _>(from);
        below
            .take_while(|(name, _)| name.starts_with(&prefix))
            .flat_map(|(_, found)| found)
            .copied()
            .collect()
    }

    fn at(&self, mut found: Vec<u32>) -> Vec<&Distribution> {
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|index| &self.all[index as usize]).collect()
    }
}

/// `a.b.c`, `a.b`, `a`.
fn above(module: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(module), |name| name.rsplit_once('.').map(|(above, _)| above))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Distributions {
        let one = |name: &str, imports: &[&str]| Distribution {
            name: name.into(),
            version: "1".into(),
            imports: imports.iter().map(|name| Arc::from(*name)).collect(),
            requires: Vec::new(),
            source: Source::Index,
        };
        Distributions::new(vec![
            one("storage", &["google.cloud.storage"]),
            one("core", &["google.api_core", "google.cloud.client"]),
            one("pyyaml", &["yaml", "_yaml"]),
            one("types-pyyaml", &["yaml-stubs"]),
            one("base", &["base"]),
            one("plugin", &["base.plugins.one"]),
            one("twin-a", &["twin"]),
            one("twin-b", &["twin"]),
        ])
    }

    fn names(found: Vec<&Distribution>) -> String {
        found.iter().map(|one| &*one.name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_longest_name_owns_an_import() {
        let sample = sample();
        let check = |module: &str, expected: &str| {
            assert_eq!(names(sample.owners(module)), expected, "{module}");
        };
        check("yaml", "pyyaml");
        check("yaml.nodes.x", "pyyaml");
        check("yamlx", "");
        check("google.cloud.storage.blob", "storage");
        check("google.cloud", "core storage");
        check("google", "core storage");
        check("google.clou", "");
        check("base.plugins.one.x", "plugin");
        check("base.plugins", "base");
        check("twin.x", "twin-a twin-b");
    }

    #[test]
    fn packages_above_and_stubs_are_read_too() {
        let sample = sample();
        let check = |module: &str, expected: &str| {
            assert_eq!(names(sample.loaded_by(module)), expected, "{module}");
        };
        check("base.plugins.one.x", "base plugin");
        check("yaml.nodes", "pyyaml types-pyyaml");
        check("google.cloud", "core storage");
        check("nothing", "");
    }

    #[test]
    fn a_name_is_found_in_any_spelling() {
        assert_eq!(sample().get("PyYAML").len(), 1);
        assert_eq!(sample().get("types_pyyaml").len(), 1);
        assert!(sample().get("absent").is_empty());
    }

    #[test]
    fn equal_versions_have_one_form() {
        let check = |text: &str, expected: &str| assert_eq!(canonical_version(text), expected);
        check("1.0.0", "1");
        check("v1.2.0-rc.1", "1.2rc1");
        check("2.0.0+CU118", "2+cu118");
        check("1!2.0", "1!2");
        check("0.0", "0");
        check("not a version", "not a version");
        check("", "");
    }
}
