//! Fences: which imports of a space's code lead out of the folders that it may import from, and which
//! belong to no distribution of the space.
//!
//! What leaves a fence is structure and found over the graph; where it stands is looked up in the files
//! as they are now.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use qik_config::project;
use qik_db::Db;
use qik_model::{Fence, GlobSet, Name, Project, RelPath, Space};

use crate::chain::facts_now;
use crate::layout::{GraphKey, Layout, layout_of};
use crate::links::links_of;
use crate::module_graph::graph_of;
use crate::modules::folder_facts;
use crate::names::{FileId, NameId};
use crate::needs::{Cause, Needs, Sink};
use crate::outside::{Owner, owners_of};
use crate::packages::{PackagesOrigin, SpaceKey, packages_of};
use crate::settings::{counts_distributions, graph_key};

/// What the check of one space found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceReport {
    /// The space.
    pub space: Name,
    /// By file, line and column.
    pub violations: Vec<Violation>,
}

/// An import that leaves the fence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The file that imports.
    pub file: RelPath,
    /// From 1.
    pub line: u32,
    /// In bytes, from 1.
    pub column: u32,
    /// The module that imports, dotted.
    pub importer: String,
    /// What it imports, dotted.
    pub imported: String,
    /// Whether it is no module of the project: then it belongs to no distribution of the space.
    pub is_external: bool,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, line, column, importer, imported, is_external } = self;
        write!(f, "{file}:{line}:{column}: {importer} imports {imported}")?;
        if *is_external { f.write_str(", which no distribution of the space has") } else { Ok(()) }
    }
}

impl FenceReport {
    /// 0 where nothing leaves the fence, else 1.
    pub fn code(&self) -> i32 {
        i32::from(!self.violations.is_empty())
    }

    /// The report as it is printed: one line for each import, and how many there are.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for violation in &self.violations {
            let _ = writeln!(text, "{violation}");
        }
        let _ = match self.violations.len() {
            0 => writeln!(text, "no import leaves the fence of `{}`", self.space),
            1 => writeln!(text, "1 import leaves the fence of `{}`", self.space),
            many => writeln!(text, "{many} imports leave the fence of `{}`", self.space),
        };
        text
    }
}

/// The imports of a space's code that leave its fence.
#[salsa::tracked(returns(ref))]
pub fn fence_report<'db>(db: &'db dyn Db, space: SpaceKey<'db>) -> FenceReport {
    let key = graph_key(db, &[]);
    let layout = layout_of(db, key);
    let mut violations = Vec::new();
    for (file, breaches) in breaches(db, space) {
        let facts = facts_now(db, key, *file);
        for breach in breaches {
            let (line, column) = match (breach.cause, &facts) {
                (Cause::Import(at), Some(facts)) => {
                    facts.imports().nth(at).map_or((1, 1), |import| (import.line, import.column))
                }
                (Cause::Plugin(line) | Cause::Setting(line), _) => (line, 1),
                _ => (1, 1),
            };
            violations.push(Violation {
                file: layout.files[*file as usize].clone(),
                line,
                column,
                importer: layout.title(*file),
                imported: breach.imported.clone(),
                is_external: breach.is_external,
            });
        }
    }
    violations.sort();
    violations.dedup();
    FenceReport { space: space.name(db).clone(), violations }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Breach {
    cause: Cause,
    imported: String,
    is_external: bool,
}

/// What leaves the fence, by the file that imports it.
#[salsa::tracked(returns(ref))]
fn breaches<'db>(db: &'db dyn Db, space: SpaceKey<'db>) -> Vec<(FileId, Vec<Breach>)> {
    let fenced = fenced(db, space.name(db));
    let Some(fenced) = fenced else { return Vec::new() };
    let key = graph_key(db, &[]);
    let layout = layout_of(db, key);
    let missing = missing_names(db, key, space);
    let mut found = Vec::new();
    for (folder, first) in &layout.folders {
        // Most folders belong to others.
        if !fenced.own.may_match_below(folder) {
            continue;
        }
        let needs = Needs::in_folder(layout, key.reading(db), links_of(db, key), folder);
        for (at, facts) in folder_facts(db, db.folder(folder)).0.iter().enumerate() {
            let file = first + at as FileId;
            if !fenced.own.matches(&layout.files[file as usize]) {
                continue;
            }
            let mut guard =
                Guard { layout, inside: &fenced.inside, missing: &missing, found: Vec::new() };
            needs.of(file, facts.as_ref(), &mut guard);
            if !guard.found.is_empty() {
                found.push((file, guard.found));
            }
        }
    }
    found
}

/// The names outside of the graph that belong to no distribution of the space.
fn missing_names<'db>(
    db: &'db dyn Db,
    key: GraphKey<'db>,
    space: SpaceKey<'db>,
) -> BTreeSet<&'db str> {
    let nowhere = packages_of(db, space).origin == PackagesOrigin::Nowhere;
    if nowhere || !counts_distributions(db) {
        return BTreeSet::new();
    }
    let names =
        graph_of(db, key).structure.external_names.iter().zip(&owners_of(db, key, space).of);
    names.filter(|(_, owner)| **owner == Owner::Missing).map(|(name, _)| &**name).collect()
}

struct Guard<'a> {
    layout: &'a Layout,
    inside: &'a GlobSet,
    missing: &'a BTreeSet<&'a str>,
    found: Vec<Breach>,
}

impl Sink for Guard<'_> {
    fn file(&mut self, _: FileId, _: Cause) {}

    fn target(&mut self, name: NameId, cause: Cause) {
        let files = self.layout.names.files(name);
        let is_inside = |file: &FileId| self.inside.matches(&self.layout.files[*file as usize]);
        if !files.is_empty() && !files.iter().any(is_inside) {
            let imported = self.layout.names.dotted(name);
            self.found.push(Breach { cause, imported, is_external: false });
        }
    }

    fn outside(&mut self, name: &str, is_required: bool, cause: Cause) {
        if is_required && self.missing.contains(name) {
            self.found.push(Breach { cause, imported: name.into(), is_external: true });
        }
    }
}

struct Fenced {
    /// The files of the space.
    own: GlobSet,
    /// The files that they may import.
    inside: GlobSet,
}

fn fenced(db: &dyn Db, name: &str) -> Option<Fenced> {
    let project = project(db);
    let space = project.spaces.get(name)?;
    let fence = space.fence.as_ref()?;
    let own: Vec<String> = folders_of(space).collect();
    let mut inside = Vec::new();
    let mut seen = BTreeSet::new();
    add(project, space, Some(fence), &mut inside, &mut seen);
    Some(Fenced {
        own: GlobSet::new(&own).unwrap_or_default(),
        inside: GlobSet::new(&inside).unwrap_or_default(),
    })
}

/// Adds the patterns of a space and its fence, and those of the spaces that the fence names.
fn add(
    project: &Arc<Project>,
    space: &Space,
    fence: Option<&Fence>,
    inside: &mut Vec<String>,
    seen: &mut BTreeSet<Name>,
) {
    if !seen.insert(space.name.clone()) {
        return;
    }
    inside.extend(folders_of(space));
    let Some(fence) = fence else { return };
    inside.extend(fence.paths.iter().map(ToString::to_string));
    let named = fence.spaces.iter().filter_map(|(name, _)| project.spaces.get(name));
    for space in named {
        add(project, space, space.fence.as_ref(), inside, seen);
    }
}

/// The folders of a space, as patterns.
fn folders_of(space: &Space) -> impl Iterator<Item = String> {
    let folders = space.modules.iter().map(|module| &module.dir).chain(space.root.as_ref());
    folders.map(GlobSet::literal)
}

/// Every fenced space of the project, sorted.
pub fn fenced_spaces(db: &dyn Db) -> Vec<Name> {
    let spaces = project(db).spaces.values().filter(|space| space.fence.is_some());
    spaces.map(|space| space.name.clone()).collect()
}
