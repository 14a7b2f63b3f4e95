//! What qik knows about Python: what a file imports, what names lead to which files, what a module
//! needs, which distributions an environment has.
//!
//! Facts of a file depend on its bytes alone; structure is apart from content. No interpreter is
//! started, and nothing is read but through inputs and by identity.

pub mod dist;
pub mod scan;
pub mod venv;

mod bits;
mod chain;
mod closure;
mod components;
mod contents;
mod diagnose;
mod fence;
mod layout;
mod links;
mod module_graph;
mod modules;
mod names;
mod needs;
mod nodes;
mod outline;
mod outside;
mod packages;
mod reuse;
mod settings;
mod sites;
mod snapshot;
mod store;
mod structure;

pub use bits::BitRows;
pub use chain::{Step, direct_imports, last_step, way};
pub use closure::{
    Closure, ModuleName, NoClosure, closure_digest, closure_of, components_of, reach, reached_files,
};
pub use components::{Adjacency, Components};
pub use diagnose::closure_or_reason;
pub use fence::{FenceReport, Violation, fence_report, fenced_spaces};
pub use layout::{GraphKey, Layout, layout_of};
pub use module_graph::{External, ModuleGraph, graph_of};
pub use modules::{FolderFacts, FolderListing, facts_store, folder_facts, folder_listing, prepare};
pub use names::{FileId, Found, NameId, Names};
pub use needs::Cause;
pub use nodes::{Digests, component_node, components_by_digest, digests, root_node};
pub use outside::{
    DistributionKey, OutsideNeeds, Owner, Owners, distribution_needs, missing_warning,
    outside_needs, owners_of,
};
pub use packages::{
    IMPORT_MAPS, Packages, PackagesOrigin, PackagesView, SpaceKey, import_map_path, packages_of,
};
pub use settings::{counts_distributions, graph_key};
pub use store::{FactsStore, Proof};
pub use structure::Structure;
