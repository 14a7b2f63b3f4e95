//! Why a fingerprint is not the one of an entry: the two explanations side by side, and where sets
//! of files differ, the two trees down to the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use qik_db::Db;
use qik_graph::Definition;
use qik_model::{Diagnostic, Digest, ExplainedItem, Explanation, RelPath};

use qik_python::PackagesView;

use crate::closures;
use crate::file_set::{FilesNode, MemberKind};
use crate::manifest::{Explainer, digest_of};
use crate::python_inputs::{ModuleInput, PythonInputs, python_inputs};
use crate::stored::{StoredKind, StoredMembers, StoredNodes};
use crate::walk::{InputSet, input_sets, loaded_distributions, walk};

/// One difference between now and an entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Difference {
    /// The text that the shell runs, or which files are made, is another.
    Edited,
    /// A dep was added to the command, or taken away.
    Deps(String),
    /// A file of its inputs.
    File(RelPath, FileChange),
    /// A file that a module reaches through others, and how, where that was asked for.
    Reached(RelPath, FileChange, Option<String>),
    /// A distribution: its name, and the versions then and now, where it was and is there.
    Distribution(String, Option<String>, Option<String>),
    /// Some distribution that this module imports; which one can't be told.
    SomeDistribution(String),
    /// The version of Python, then (where it can be told) and now.
    Python(Option<String>, String),
    /// Some file of this set; which one can't be told, as the entry's tree is not at hand.
    SomeFile(String),
    /// What an upstream command made.
    Upstream(String, Option<(RelPath, FileChange)>),
    /// A value out of a file, the output of a tool.
    Value(&'static str, String),
    /// One of these variables, of which entries hold no values.
    Variable(Vec<String>),
    /// qik reads its inputs in another way than the version that made the entry.
    Unknown,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileChange {
    /// It was not there.
    Added,
    /// Its content or kind is another.
    Changed,
    /// It is no longer there.
    Removed,
}

impl fmt::Display for FileChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited => f.write_str("command edited"),
            Self::Deps(dep) => write!(f, "dep `{dep}` edited"),
            Self::Reached(path, change, Some(by)) => write!(f, "{path} {change}, {by}"),
            Self::File(path, change) | Self::Reached(path, change, None) => {
                write!(f, "{path} {change}")
            }
            Self::Distribution(name, None, Some(now)) if now == MISSING => {
                write!(f, "{name} is not installed")
            }
            Self::Distribution(name, Some(then), None) if then == MISSING => {
                write!(f, "{name} was not installed")
            }
            Self::Distribution(name, Some(then), Some(now)) => write!(f, "{name} {then} -> {now}"),
            Self::Distribution(name, None, Some(now)) => write!(f, "{name} {now} added"),
            Self::Distribution(name, Some(then), None) => write!(f, "{name} {then} removed"),
            Self::Distribution(name, None, None) => write!(f, "{name} changed"),
            Self::SomeDistribution(module) => {
                write!(f, "a distribution that {module} imports changed")
            }
            Self::Python(Some(then), now) => write!(f, "Python {then} -> {now}"),
            Self::Python(None, now) => write!(f, "Python {now} is another version"),
            Self::SomeFile(set) => write!(f, "a file of `{set}` changed"),
            Self::Upstream(name, None) => write!(f, "artifacts of {name} changed"),
            Self::Upstream(name, Some((path, change))) => write!(f, "{path} of {name} {change}"),
            Self::Value(what, name) => write!(f, "{what} {name} changed"),
            Self::Variable(names) => write!(f, "{} changed", names.join(" or ")),
            Self::Unknown => f.write_str("made by a version of qik that reads inputs differently"),
        }
    }
}

/// The state that an entry is compared with: what `definition` depends on now.
#[derive(Debug)]
pub struct Now<'db> {
    explanation: Explanation,
    sets: Vec<InputSet>,
    python: PythonInputs<'db>,
}

impl<'db> Now<'db> {
    /// What `definition` depends on.
    ///
    /// # Errors
    /// As [`walk`].
    pub fn new(db: &'db dyn Db, definition: &Definition) -> Result<Self, Vec<Diagnostic>> {
        let mut explainer = Explainer::default();
        walk(db, definition, &mut explainer)?;
        let one = |error| vec![error];
        let loaded = loaded_distributions(db, definition).map_err(one)?;
        Ok(Self {
            explanation: explainer.finish(),
            sets: input_sets(db, definition).map_err(one)?,
            python: python_inputs(db, definition, &loaded, PackagesView::Running)?,
        })
    }

    fn files(&self, kind: &str, name: &str) -> Option<&FilesNode> {
        let set = self.sets.iter().find(|set| set.kind == kind && *set.name == *name)?;
        Some(&set.node)
    }

    fn module(&self, name: &str) -> Option<&ModuleInput<'db>> {
        self.python.modules.iter().find(|module| *module.name == *name)
    }

    /// The lines of distributions of an item.
    fn lines(&self, kind: &str, name: &str) -> Option<&str> {
        if kind == "imports" {
            return Some(&self.module(name)?.outside?.text);
        }
        let found = self.python.distributions.iter().find(|one| *one.name == *name)?;
        Some(&found.needs.text)
    }
}

/// What differs between `now` and `then`, most telling first; `stored` holds the nodes of then. How
/// files are reached is told of the first `told` of a module: to find that out takes a walk each.
pub fn differences(
    db: &dyn Db,
    now: &Now<'_>,
    then: &Explanation,
    stored: &StoredNodes<'_>,
    told: usize,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let (now_by, then_by) = (by_key(&now.explanation), by_key(then));
    for (key, item) in &now_by {
        match then_by.get(key) {
            None => found.extend(presence(item)),
            Some(old) if old.digest != item.digest => match &*item.kind {
                "python" => found.push(python(now, old.digest)),
                "pygraph" | "imports" | "pydist" => {
                    found.extend(of_python(db, now, item, old.digest, stored, told));
                }
                kind => {
                    let tree = now.files(kind, &item.name);
                    changed(item, old.digest, tree, stored, &mut found);
                }
            },
            Some(_) => {}
        }
    }
    let gone = then_by.iter().filter(|(key, _)| !now_by.contains_key(*key));
    found.extend(gone.filter_map(|(_, item)| presence(item)));
    if found.is_empty() {
        found.push(variables(&now.explanation));
    }
    found.sort();
    found.dedup_by(|next, first| is_same(first, next));
    found
}

/// Whether two differences, the first sorted before the second, are the same; what is told of one of
/// them alone is then told of the first.
fn is_same(first: &mut Difference, next: &Difference) -> bool {
    match (&mut *first, next) {
        (Difference::Reached(path, change, by @ None), Difference::Reached(other, same, told))
            if path == other && change == same =>
        {
            by.clone_from(told);
            true
        }
        (first, next) => first == next,
    }
}

/// What it means that what a module or distribution needs has another digest.
fn of_python(
    db: &dyn Db,
    now: &Now<'_>,
    item: &ExplainedItem,
    then: Option<Digest>,
    stored: &StoredNodes<'_>,
    told: usize,
) -> Vec<Difference> {
    let found = if item.kind == "pygraph" {
        let compared = |module| closures::compare(db, module, &then?, stored, told);
        now.module(&item.name).and_then(compared)
    } else {
        let old = then.and_then(|then| stored.text(&then));
        let lines = now.lines(&item.kind, &item.name);
        lines.zip(old).map(|(lines, old)| distributions(lines, &old))
    };
    found.filter(|found| !found.is_empty()).unwrap_or_else(|| {
        vec![match &*item.kind {
            "pygraph" => Difference::SomeFile(format!("the imports of {}", item.name)),
            "imports" => Difference::SomeDistribution(item.name.clone()),
            _ => Difference::Distribution(item.name.clone(), None, None),
        }]
    })
}

/// Stands for the version of what is imported and that nothing brings.
const MISSING: &str = "(missing)";

/// The distributions on which two lists of lines differ.
fn distributions(now: &str, then: &str) -> Vec<Difference> {
    let parse = |text: &'_ str| -> BTreeMap<String, String> {
        let line = |line: &str| match line.split_once("==") {
            Some((name, version)) => (name.to_string(), version.to_string()),
            None => (line.trim_start_matches('?').to_string(), MISSING.to_string()),
        };
        text.lines().map(line).collect()
    };
    let (now, then) = (parse(now), parse(then));
    let names: BTreeSet<&String> = now.keys().chain(then.keys()).collect();
    names
        .into_iter()
        .map(|name| (name, then.get(name), now.get(name)))
        .filter(|(_, then, now)| then != now)
        .map(|(name, then, now)| {
            Difference::Distribution(name.clone(), then.cloned(), now.cloned())
        })
        .collect()
}

/// Entries hold the digest of the version alone; there are few to try.
fn python(now: &Now<'_>, then: Option<Digest>) -> Difference {
    let version = |digest: Option<Digest>| {
        let mut known = (0..40).map(|minor| format!("3.{minor}"));
        known.find(|version| Some(digest_of(version.as_bytes())) == digest)
    };
    let item = now.explanation.items.iter().find(|item| item.kind == "python");
    let now = item.and_then(|item| version(item.digest));
    Difference::Python(version(then), now.unwrap_or_else(|| "of an unknown version".into()))
}

type ByKey<'a> = BTreeMap<(&'a str, &'a str), &'a ExplainedItem>;

/// The set of all globs goes by its kind alone: its patterns are items of their own.
fn by_key(explanation: &Explanation) -> ByKey<'_> {
    let name = |item: &'_ ExplainedItem| item.kind == "files";
    explanation
        .items
        .iter()
        .map(|item| ((&*item.kind, if name(item) { "" } else { &*item.name }), item))
        .collect()
}

/// What it means that an item is on one side alone.
fn presence(item: &ExplainedItem) -> Option<Difference> {
    Some(match &*item.kind {
        "exec" | "artifact" | "context" => Difference::Edited,
        // Its patterns tell.
        "files" => return None,
        "glob" | "const" | "upstream" => Difference::Deps(item.name.clone()),
        kind => Difference::Deps(format!("{kind} {}", item.name)),
    })
}

/// What it means that an item has another digest.
fn changed(
    item: &ExplainedItem,
    then: Option<Digest>,
    tree: Option<&FilesNode>,
    stored: &StoredNodes<'_>,
    found: &mut Vec<Difference>,
) {
    let name = item.name.clone();
    match &*item.kind {
        "files" | "load" | "venv" | "upstream" => {
            let mut files = Vec::new();
            let walked = match (tree, then) {
                (Some(tree), Some(then)) => {
                    compare(tree, &then, &RelPath::root(), stored, &mut files)
                }
                _ => None,
            };
            let upstream = item.kind == "upstream";
            match walked {
                Some(()) if upstream => found.extend(
                    files.into_iter().map(|file| Difference::Upstream(name.clone(), Some(file))),
                ),
                Some(()) => {
                    found.extend(
                        files.into_iter().map(|(path, change)| Difference::File(path, change)),
                    );
                }
                None if upstream => found.push(Difference::Upstream(name, None)),
                None => found.push(Difference::SomeFile(name)),
            }
        }
        "packages" => found.push(Difference::Value("packages of", name)),
        "check" => found.push(Difference::Value("imports of", format!("the space {name}"))),
        "val" => found.push(Difference::Value("value", name)),
        "tool" => found.push(Difference::Value("output of", format!("`{name}`"))),
        "const" | "glob" => found.push(Difference::Deps(name)),
        "set-env" => found.push(Difference::Variable(vec![format!("env {name}")])),
        _ => found.push(Difference::Edited),
    }
}

/// Where nothing that may be told differs, one of the variables does.
fn variables(now: &Explanation) -> Difference {
    let names: Vec<String> = now
        .items
        .iter()
        .filter(|item| item.digest.is_none())
        .map(|item| match &*item.kind {
            // It is named as templates name it: `ctx.NAME`.
            "context" => item.name.clone(),
            kind => format!("{kind} {}", item.name),
        })
        .collect();
    if names.is_empty() { Difference::Unknown } else { Difference::Variable(names) }
}

/// Walks the tree of now and the stored one of then where their digests part. `None` where a node
/// of then is not at hand.
fn compare(
    now: &FilesNode,
    then: &Digest,
    dir: &RelPath,
    stored: &StoredNodes<'_>,
    found: &mut Vec<(RelPath, FileChange)>,
) -> Option<()> {
    if now.digest == *then {
        return Some(());
    }
    let members: StoredMembers = stored.members(then)?;
    let mut old: BTreeMap<&[u8], &StoredKind> =
        members.iter().map(|(name, kind)| (&**name, kind)).collect();
    for member in &now.members {
        let path = dir.join(&member.name);
        match (&member.kind, old.remove(&*member.name)) {
            (MemberKind::File(kind, id), Some(StoredKind::File(old_kind, old_id))) => {
                if (*kind, *id) != (*old_kind, *old_id) {
                    found.push((path, FileChange::Changed));
                }
            }
            (MemberKind::Folder(node), Some(StoredKind::Folder(old))) => {
                compare(node, old, &path, stored, found)?;
            }
            (MemberKind::File(..), other) => {
                found.push((path.clone(), FileChange::Added));
                other.map_or(Some(()), |other| removed(other, &path, stored, found))?;
            }
            (MemberKind::Folder(node), other) => {
                node.each_file_in(&path, &mut |file, _, _| found.push((file, FileChange::Added)));
                other.map_or(Some(()), |other| removed(other, &path, stored, found))?;
            }
        }
    }
    old.iter().try_for_each(|(name, kind)| removed(kind, &dir.join(name), stored, found))
}

fn removed(
    kind: &StoredKind,
    path: &RelPath,
    stored: &StoredNodes<'_>,
    found: &mut Vec<(RelPath, FileChange)>,
) -> Option<()> {
    match kind {
        StoredKind::File(..) => found.push((path.clone(), FileChange::Removed)),
        StoredKind::Folder(digest) => {
            for (name, kind) in stored.members(digest)?.iter() {
                removed(kind, &path.join(name), stored, found)?;
            }
        }
    }
    Some(())
}
