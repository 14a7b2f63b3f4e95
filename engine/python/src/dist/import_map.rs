//! The map that is committed in `.qik/artifacts/pygraph`: which import belongs to which distribution,
//! and what those need. Written where an environment is installed, read where there is only a lock
//! file. Knows its text, not its file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Deserialize;

use super::closure::Extras;
use super::distribution::{Distribution, Distributions};
use super::python::PythonVersion;
use super::requirement::Requirement;

/// What an environment told about the imports that the project makes. It holds no versions, so that
/// an upgrade leaves it alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportMap {
    /// The version of that environment.
    pub python: Option<PythonVersion>,
    /// Import names with the distributions that bring them.
    pub imports: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// What these need, and what those need in turn.
    pub requires: BTreeMap<Arc<str>, BTreeSet<Requirement>>,
}

/// A text that is no import map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}; delete the file and run qik where the environment is installed")]
pub struct BadImportMap {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    python: Option<String>,
    #[serde(default)]
    imports: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    #[serde(default)]
    requires: BTreeMap<Arc<str>, BTreeSet<String>>,
}

impl ImportMap {
    /// What `distributions` say about the imports `used` (whole names, `google.cloud.storage.blob`)
    /// and the distributions behind them; `extras` are those that somebody asks for.
    pub fn of<'a>(
        distributions: &Distributions,
        used: impl IntoIterator<Item = &'a str>,
        extras: &Extras,
        python: Option<PythonVersion>,
    ) -> Self {
        let used = Used::new(used);
        let mut map = Self { python, ..Self::default() };
        let mut queue: Vec<Arc<str>> = Vec::new();
        for (name, owners) in distributions.imports().filter(|(name, _)| used.concerns(name)) {
            let owners: BTreeSet<Arc<str>> =
                owners.iter().map(|owner| owner.name.clone()).collect();
            queue.extend(owners.iter().cloned());
            map.imports.insert(name.clone(), owners);
        }
        while let Some(name) = queue.pop() {
            if map.requires.contains_key(&name) {
                continue;
            }
            let asked = extras.get(&name);
            let requires = distributions.named(&name).iter().flat_map(|one| &one.requires);
            let requires = requires.filter(|one| is_asked(one.marker.as_deref(), asked));
            let requires: BTreeSet<Requirement> = requires.cloned().collect();
            queue.extend(requires.iter().map(|one| one.name.clone()));
            map.requires.insert(name, requires);
        }
        map.requires.retain(|_, requires| !requires.is_empty());
        map
    }

    /// This map with what `newer` knows. Of what only the older one knows, the part that concerns
    /// `used` stays: another environment may have told it.
    #[must_use]
    pub fn merge<'a>(&self, newer: &Self, used: impl IntoIterator<Item = &'a str>) -> Self {
        let used = Used::new(used);
        let mut merged = newer.clone();
        merged.python = newer.python.or(self.python);
        let mut queue: Vec<Arc<str>> = Vec::new();
        for (name, owners) in self.imports.iter().filter(|(name, _)| used.concerns(name)) {
            let top = |name: &str| name.split('.').next().unwrap_or_default().to_string();
            let told = newer.imports.contains_key(name)
                || (!name.contains('.') && newer.imports.keys().any(|new| top(new) == **name));
            if !told {
                queue.extend(owners.iter().cloned());
                merged.imports.insert(name.clone(), owners.clone());
            }
        }
        while let Some(name) = queue.pop() {
            if let Some(requires) =
                self.requires.get(&name).filter(|_| !merged.requires.contains_key(&name))
            {
                queue.extend(requires.iter().map(|one| one.name.clone()));
                merged.requires.insert(name, requires.clone());
            }
        }
        merged
    }

    /// `distributions` of a lock file, with the imports that this map gives them, and with what they
    /// need where the lock does not say it.
    pub fn complete(&self, distributions: &Distributions) -> Distributions {
        let mut imports: BTreeMap<&Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
        for (name, owners) in &self.imports {
            owners.iter().for_each(|owner| imports.entry(owner).or_default().push(name.clone()));
        }
        let complete = |one: &Distribution| {
            let mut one = one.clone();
            one.imports.extend(imports.get(&one.name).into_iter().flatten().cloned());
            one.imports.sort_unstable();
            one.imports.dedup();
            if one.requires.is_empty() {
                one.requires =
                    self.requires.get(&one.name).into_iter().flatten().cloned().collect();
            }
            one
        };
        Distributions::new(distributions.iter().map(complete).collect())
    }

    /// The text: JSON, sorted, one entry a line, so that diffs and merges stay small.
    pub fn encode(&self) -> String {
        let mut text = String::from("{\n");
        if let Some(python) = self.python {
            let _ = writeln!(text, "  \"python\": \"{python}\",");
        }
        section(&mut text, "imports", &self.imports, |owner| owner.to_string());
        text.push_str(",\n");
        section(&mut text, "requires", &self.requires, shown);
        text.push_str("\n}\n");
        text
    }

    /// What [`Self::encode`] wrote.
    ///
    /// # Errors
    /// Where the text is something else, such as the half of a merge.
    pub fn decode(text: &str) -> Result<Self, BadImportMap> {
        let raw: Raw = serde_json::from_str(text)
            .map_err(|error| BadImportMap { line: error.line(), message: error.to_string() })?;
        let requirements = |texts: BTreeSet<String>| {
            texts.iter().filter_map(|text| Requirement::parse(text)).collect()
        };
        Ok(Self {
            python: raw.python.and_then(|python| python.parse().ok()),
            imports: raw.imports,
            requires: raw
                .requires
                .into_iter()
                .map(|(name, texts)| (name, requirements(texts)))
                .collect(),
        })
    }
}

fn section<T>(
    text: &mut String,
    name: &str,
    entries: &BTreeMap<Arc<str>, BTreeSet<T>>,
    mut show: impl FnMut(&T) -> String,
) {
    let _ = write!(text, "  \"{name}\": {{");
    for (i, (key, values)) in entries.iter().enumerate() {
        let mut values: Vec<String> = values.iter().map(|value| quoted(&show(value))).collect();
        values.sort_unstable();
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\n    {}: [{}]", quoted(key), values.join(", "));
    }
    text.push_str(if entries.is_empty() { "}" } else { "\n  }" });
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn shown(requirement: &Requirement) -> String {
    let mut text = requirement.name.to_string();
    if !requirement.extras.is_empty() {
        let _ = write!(text, "[{}]", requirement.extras.join(","));
    }
    if let Some(marker) = &requirement.marker {
        let _ = write!(text, "; {marker}");
    }
    text
}

/// Whether a requirement is of use: those of extras that nobody asks for are only noise in a diff.
fn is_asked(marker: Option<&str>, asked: Option<&BTreeSet<Arc<str>>>) -> bool {
    let Some(marker) = marker.filter(|marker| marker.contains("extra")) else { return true };
    let marker = marker.to_ascii_lowercase().replace(['_', '.'], "-");
    let named = |extra: &Arc<str>| {
        marker.contains(&format!("'{extra}'")) || marker.contains(&format!("\"{extra}\""))
    };
    asked.is_some_and(|asked| asked.iter().any(named))
}

/// The imports of a project, to be compared with names of distributions.
struct Used<'a>(BTreeSet<&'a str>);

impl<'a> Used<'a> {
    fn new(used: impl IntoIterator<Item = &'a str>) -> Self {
        Self(used.into_iter().collect())
    }

    /// Whether a used import is `name`, lies below it, or (an import of a namespace) above it.
    fn concerns(&self, name: &str) -> bool {
        let (top, rest) =
            name.split_once('.').map_or((name, None), |(top, rest)| (top, Some(rest)));
        let plain = match (top.strip_suffix("-stubs"), rest) {
            (Some(top), Some(rest)) => format!("{top}.{rest}"),
            (Some(top), None) => top.to_string(),
            (None, _) => name.to_string(),
        };
        let below = format!("{plain}.");
        self.0.contains(plain.as_str())
            || self.0.range(below.as_str()..).next().is_some_and(|used| used.starts_with(&below))
            || plain.match_indices('.').any(|(at, _)| self.0.contains(&plain[..at]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::distribution::Source;
    use super::super::requirement::normalise;
    use super::*;

    fn sample() -> Distributions {
        let one = |name: &str, imports: &[&str], requires: &[&str]| Distribution {
            name: normalise(name),
            version: "1".into(),
            imports: imports.iter().map(|name| Arc::from(*name)).collect(),
            requires: requires.iter().map(|text| Requirement::parse(text).unwrap()).collect(),
            source: Source::Index,
        };
        Distributions::new(vec![
            one("PyYAML", &["yaml", "_yaml"], &[]),
            one("types-PyYAML", &["yaml-stubs"], &[]),
            one(
                "requests",
                &["requests"],
                &["idna>=2; python_version > '3'", "PySocks; extra == 'socks'", "x; extra=='y'"],
            ),
            one("idna", &["idna"], &["deep"]),
            one("storage", &["google.cloud.storage"], &[]),
            one("core", &["google.api_core"], &[]),
        ])
    }

    fn of(used: &[&str]) -> ImportMap {
        let extras = Extras::from([("requests".into(), BTreeSet::from(["socks".into()]))]);
        ImportMap::of(&sample(), used.iter().copied(), &extras, "3.11".parse().ok())
    }

    const TEXT: &str = r#"{
  "python": "3.11",
  "imports": {
    "google.cloud.storage": ["storage"],
    "requests": ["requests"],
    "yaml": ["pyyaml"],
    "yaml-stubs": ["types-pyyaml"]
  },
  "requires": {
    "idna": ["deep"],
    "requests": ["idna; python_version > '3'", "pysocks; extra == 'socks'"]
  }
}
"#;

    #[test]
    fn the_text_is_small_sorted_and_read_back() {
        let map = of(&["yaml.nodes", "requests", "google.cloud.storage.blob", "absent"]);
        assert_eq!(map.encode(), TEXT);
        assert_eq!(ImportMap::decode(TEXT).as_ref(), Ok(&map));
        let empty = ImportMap::default();
        assert_eq!(empty.encode(), "{\n  \"imports\": {},\n  \"requires\": {}\n}\n");
        assert_eq!(ImportMap::decode(&empty.encode()), Ok(empty));
    }

    #[test]
    fn half_a_merge_is_an_error_with_its_line() {
        let broken = TEXT.replace("    \"yaml\"", "<<<<<<< ours\n    \"yaml\"");
        assert_eq!(ImportMap::decode(&broken).map_err(|error| error.line), Err(6));
        assert!(ImportMap::decode("").is_err());
    }

    #[test]
    fn a_namespace_that_is_imported_takes_all_of_its_parts() {
        let names = |map: ImportMap| {
            map.imports.keys().map(|name| name.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(of(&["google"])), "google.api_core google.cloud.storage");
        assert_eq!(names(of(&["google.cloud"])), "google.cloud.storage");
        assert_eq!(names(of(&["yamlx", "goog"])), "");
    }

    #[test]
    fn a_lock_completed_by_the_map_answers_as_the_environment_does() {
        let used = ["yaml.nodes", "requests", "google.cloud", "google.cloud.storage.blob"];
        let map = of(&used);
        let all = sample();
        let bare =
            all.iter().map(|one| Distribution { imports: vec![], requires: vec![], ..one.clone() });
        let completed = map.complete(&Distributions::new(bare.collect()));
        for module in used {
            let names = |found: Vec<&Distribution>| {
                found.iter().map(|one| one.name.clone()).collect::<Vec<_>>()
            };
            assert_eq!(names(completed.owners(module)), names(sample().owners(module)), "{module}");
            assert_eq!(
                names(completed.loaded_by(module)),
                names(sample().loaded_by(module)),
                "{module}"
            );
        }
        assert_eq!(completed.get("requests")[0].requires.len(), 2);
    }

    #[test]
    fn what_another_environment_told_stays_while_it_is_used() {
        let old = of(&["requests", "yaml"]);
        let mut new = of(&["google.cloud.storage"]);
        new.python = None;
        let merged = old.merge(&new, ["google.cloud.storage", "requests"]);
        assert_eq!(
            merged.imports.keys().map(|name| &**name).collect::<Vec<_>>(),
            ["google.cloud.storage", "requests"]
        );
        assert_eq!(merged.requires.len(), 2);
        assert_eq!(merged.python, old.python);
        assert_eq!(old.merge(&of(&[]), ["unused"]).imports.len(), 0);
    }
}
