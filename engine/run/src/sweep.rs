//! Looking again at the inputs of what ended: did they hold still while it ran?
//!
//! One sweep serves all that ended together. An edit that was undone meanwhile leaves the digest as
//! it was, but not the stamps of the file, so both are looked at. A file that came and went leaves no
//! stamp of its own; the folder that it was in does.

use std::collections::BTreeSet;

use qik_config::project;
use qik_db::{Change, Database, Db};
use qik_fingerprint::{input_sets, needs_python, python_inputs, single_files};
use qik_graph::Definition;
use qik_model::{Builtin, GlobSet, RelPath};
use qik_python::PackagesView;
use qik_system::{DirItem, Revision, Stat, System, TreeNode, WorkTree};

use crate::plan::Planned;

/// The folders and files in which the inputs and artifacts of `planned` lie.
pub(crate) fn scope(db: &Database, planned: &Planned, into: &mut Vec<RelPath>) {
    let definition = &planned.definition;
    into.extend(definition.artifact_globs.bases());
    into.extend(single_files(definition));
    if needs_python(definition) || definition.builtin == Some(Builtin::FenceCheck) {
        // A module that is imported may come to lie anywhere below the roots.
        into.extend(project(db).defaults.python_path.iter().cloned());
    }
    if let Ok(sets) = input_sets(db, definition) {
        into.extend(sets.iter().flat_map(|set| set.globs.bases()));
    }
}

/// Reads `scope` anew and tells the database. Says whether anything there differs.
pub(crate) fn refresh(db: &mut Database, tree: &mut WorkTree, mut scope: Vec<RelPath>) -> bool {
    let _phase = qik_system::phase("look again");
    scope.sort();
    scope.dedup();
    let mut bases: Vec<RelPath> = Vec::new();
    for path in &scope {
        // Sorted: what encloses a path comes before it.
        if !bases.last().is_some_and(|base| path.is_within(base)) {
            bases.push(path.clone());
        }
    }
    let delta = tree.refresh(&bases);
    Change::from_delta(delta).with_sources(scope).with_outside().apply(db)
}

/// The inputs of `planned` that were touched since `revision`. What it declares as its own
/// artifacts is left out: it writes those itself.
pub(crate) fn touched_inputs(
    db: &Database,
    tree: &WorkTree,
    planned: &Planned,
    revision: Revision,
) -> Vec<RelPath> {
    let definition: &Definition = &planned.definition;
    let Ok(sets) = input_sets(db, definition) else { return Vec::new() };
    let singles = single_files(definition);
    let python = python_inputs(db, definition, &[], PackagesView::Running).unwrap_or_default();
    let is_reached = python.reaches(db);
    tree.touched_since(revision, &|path: &RelPath| {
        let is_input = singles.contains(path)
            || sets.iter().any(|set| set.globs.matches(path))
            || is_reached(path);
        is_input && !definition.artifact_globs.matches(path)
    })
}

/// A folder in which inputs of a runnable lie or could come to lie, at the moment that it starts.
#[derive(Clone, Debug)]
pub(crate) struct FolderStamp {
    folder: RelPath,
    stat: Stat,
    /// The last change of the folder or of any file in it.
    newest: (i64, u32),
}

/// The stamps of the folders of `planned`.
pub(crate) fn folder_stamps(db: &Database, tree: &WorkTree, planned: &Planned) -> Vec<FolderStamp> {
    let mut folders = BTreeSet::new();
    for set in input_sets(db, &planned.definition).unwrap_or_default() {
        for base in set.globs.bases() {
            folders_below(db, &set.globs, base, &mut folders);
        }
    }
    let stamp = |folder: RelPath| {
        let stat = db.system().stat(&folder).ok()?;
        let entries = db.folder(&folder).entries(db).iter();
        let files = entries.filter_map(|entry| tree.stat(&folder.join(&entry.name)));
        let newest = files.map(|file| file.ctime).fold(stat.ctime, Ord::max);
        Some(FolderStamp { folder, stat, newest })
    };
    folders.into_iter().filter_map(stamp).collect()
}

fn folders_below(db: &Database, globs: &GlobSet, folder: RelPath, into: &mut BTreeSet<RelPath>) {
    let entries = db.folder(&folder).entries(db);
    if entries.is_empty() || !globs.may_match_below(&folder) {
        return;
    }
    for entry in entries.iter().filter(|entry| entry.node == TreeNode::Folder) {
        folders_below(db, globs, folder.join(&entry.name), into);
    }
    into.insert(folder);
}

/// A folder whose members changed since its stamp was taken, although none is newer than what was
/// there: something was there for a while, or left for a while.
pub(crate) fn came_and_went(system: &dyn System, stamps: &[FolderStamp]) -> Option<RelPath> {
    let changed = stamps.iter().find(|then| {
        let is_other = system.stat(&then.folder).is_ok_and(|now| now.mtime != then.stat.mtime);
        let is_old = |item: &DirItem| item.stat.ctime <= then.newest;
        is_other && system.list(&then.folder).is_ok_and(|items| items.iter().all(is_old))
    });
    changed.map(|then| then.folder.clone())
}
