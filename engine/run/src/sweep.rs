//! Looking again at the inputs of what ended: did they hold still while it ran?
//!
//! One sweep serves all that ended together. An edit that was undone meanwhile leaves the digest as
//! it was, but not the stamps of the file, so both are looked at.

use qik_db::{Change, Database};
use qik_fingerprint::{input_sets, single_files};
use qik_graph::Definition;
use qik_model::RelPath;
use qik_system::{Revision, WorkTree};

use crate::plan::Planned;

/// The folders and files in which the inputs and artifacts of `planned` lie.
pub(crate) fn scope(db: &Database, planned: &Planned, into: &mut Vec<RelPath>) {
    use qik_db::Db;
    let definition = &planned.definition;
    into.extend(definition.artifact_globs.bases());
    into.extend(single_files(definition));
    if let Ok(sets) = input_sets(db, db.work_tree(), definition) {
        into.extend(sets.iter().flat_map(|set| set.globs.bases()));
    }
}

/// Reads `scope` anew and tells the database. Says whether anything there differs.
pub(crate) fn refresh(db: &mut Database, tree: &mut WorkTree, mut scope: Vec<RelPath>) -> bool {
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
    Change::from_delta(delta).with_sources(scope).apply(db)
}

/// The inputs of `planned` that were touched since `revision`. What it declares as its own
/// artifacts is left out: it writes those itself.
pub(crate) fn touched_inputs(
    db: &Database,
    tree: &WorkTree,
    planned: &Planned,
    revision: Revision,
) -> Vec<RelPath> {
    use qik_db::Db;
    let definition: &Definition = &planned.definition;
    let Ok(sets) = input_sets(db, db.work_tree(), definition) else { return Vec::new() };
    let singles = single_files(definition);
    tree.touched_since(revision, &|path: &RelPath| {
        !definition.artifact_globs.matches(path)
            && (singles.contains(path) || sets.iter().any(|set| set.globs.matches(path)))
    })
}
