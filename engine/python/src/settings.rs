//! What the configuration says of Python, narrowed to what each query reads.

use std::sync::Arc;

use qik_config::project;
use qik_db::Db;
use qik_model::{Name, Reading, RelPath};

use crate::layout::GraphKey;

/// The key of the project's import graph; `include` are globs of data files beside those of the
/// configuration, as a dep may name them.
pub fn graph_key<'db>(db: &'db dyn Db, include: &[Name]) -> GraphKey<'db> {
    let settings = settings(db);
    let mut reading = settings.reading.clone();
    if !include.is_empty() {
        reading.include.extend(include.iter().cloned());
        reading.include.sort();
        reading.include.dedup();
    }
    GraphKey::new(db, settings.roots.clone(), reading)
}

/// Whether distributions count for what imports need.
pub fn counts_distributions(db: &dyn Db) -> bool {
    !settings(db).ignore_pydists
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Settings {
    roots: Vec<RelPath>,
    reading: Reading,
    ignore_pydists: bool,
}

#[salsa::tracked(returns(ref))]
fn settings(db: &dyn Db) -> Arc<Settings> {
    let project = project(db);
    Arc::new(Settings {
        roots: project.defaults.python_path.clone(),
        reading: project.pygraph.reading.clone(),
        ignore_pydists: project.pygraph.ignore_pydists,
    })
}
