//! What qik knows about Python: what a file imports, what names lead to which files, what a module
//! needs, which distributions an environment has.
//!
//! Facts of a file depend on its bytes alone; structure is apart from content. No interpreter is
//! started, and nothing is read but through inputs and by identity.

pub mod dist;
pub mod scan;

mod closure;
mod components;
mod module_graph;
mod modules;
mod names;
mod store;

pub use closure::{Closure, Digests, ModuleName, NoClosure, closure_of, digests, reach};
pub use components::{Adjacency, Components};
pub use module_graph::{GraphKey, ModuleGraph, Reading, graph_of};
pub use modules::{FolderModules, ModuleFile, facts_store, folder_ids, folder_modules, prepare};
pub use names::{FileId, Found, NameId, Names};
pub use store::FactsStore;
