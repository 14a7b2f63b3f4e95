//! The graph of a project's Python files: who needs whom, condensed to components.
//!
//! Structure only: no identity of any content is in here, so an edit that leaves imports as they were
//! leaves the graph as it is.

use std::sync::Arc;

use qik_db::Db;

use crate::bits::BitRows;
use crate::layout::{GraphKey, Layout, layout_of};
use crate::structure::{Structure, graph_id, structure};

/// The graph of all Python files below the roots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleGraph {
    /// The files and their names.
    pub layout: Arc<Layout>,
    /// Who needs whom.
    pub structure: Arc<Structure>,
    /// The names outside that each component and all that it leads to import.
    pub reach_outside: BitRows,
}

/// A name outside the project, as one file imports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct External {
    /// Its place in [`Structure::external_names`].
    pub name: u32,
    /// Whether the file can't be imported without.
    pub is_required: bool,
}

/// The graph of all Python files below the roots.
#[salsa::tracked(returns(ref))]
pub fn graph_of<'db>(db: &'db dyn Db, key: GraphKey<'db>) -> Arc<ModuleGraph> {
    let _phase = qik_db::phase("graph");
    let layout = layout_of(db, key).clone();
    let structure = structure(db, key, &layout, graph_id(db, key));
    let reach_outside = reach_outside(&structure);
    Arc::new(ModuleGraph { layout, structure, reach_outside })
}

/// From the leaves up: what a component's members import, and what its successors do.
fn reach_outside(structure: &Structure) -> BitRows {
    let Structure { components, externals, external_names, .. } = structure;
    let mut rows = BitRows::new(components.len(), external_names.len());
    for component in 0..components.len() as u32 {
        for file in components.members.of(component) {
            for external in externals.of(*file) {
                rows.set(component, external.name);
            }
        }
        for successor in components.successors.of(component) {
            rows.join(component, *successor);
        }
    }
    rows
}
