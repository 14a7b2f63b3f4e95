//! The graph of a project's Python files: who needs whom, condensed to components.
//!
//! Structure only: no identity of any content is in here, so an edit that leaves imports as they were
//! leaves the graph as it is.

use std::sync::Arc;

use qik_db::Db;

use crate::bits::BitRows;
use crate::components::{Adjacency, Components};
use crate::layout::{GraphKey, Layout, layout_of};
use crate::names::FileId;
use crate::structure::{Structure, graph_id, structure};

/// The graph of all Python files below the roots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleGraph {
    /// The files and their names.
    pub layout: Arc<Layout>,
    /// The files that each file needs.
    pub edges: Adjacency,
    /// The names outside the project that each file imports.
    pub externals: Adjacency<External>,
    /// Dotted, sorted: `requests`, `google.cloud.storage`. Modules that are part of every standard
    /// library are left out.
    pub external_names: Vec<Arc<str>>,
    /// Files with a syntax error that may hide an import.
    pub broken: Vec<FileId>,
    /// The condensed graph.
    pub components: Components,
    /// The names outside that each component and all that it leads to import.
    pub reach_outside: BitRows,
}

/// A name outside the project, as one file imports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct External {
    /// Its place in [`ModuleGraph::external_names`].
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
    let Structure { edges, externals, external_names, broken, components, loose: _ } =
        Arc::unwrap_or_clone(structure);
    let reach_outside = reach_outside(&components, &externals, external_names.len());
    Arc::new(ModuleGraph {
        layout,
        edges,
        externals,
        external_names,
        broken,
        components,
        reach_outside,
    })
}

/// From the leaves up: what a component's members import, and what its successors do.
fn reach_outside(
    components: &Components,
    externals: &Adjacency<External>,
    names: usize,
) -> BitRows {
    let mut rows = BitRows::new(components.len(), names);
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
