//! What a module needs: which files, and which names from outside of the project. Structure alone, but for the
//! digest at the end.

use std::sync::Arc;

use qik_db::Db;
use qik_model::Digest;

use crate::layout::GraphKey;
use crate::module_graph::{ModuleGraph, graph_of};
use crate::names::FileId;
use crate::nodes::{digest_of, digests, root_node};

/// What a module or package needs, without any content, and without numbers of components: those
/// change with any import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// Files of the module itself, its submodules included, sorted.
    pub own: Vec<FileId>,
    /// Names outside the project that anything in it imports, by place, sorted.
    pub outside: Vec<u32>,
}

/// Why there is no closure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoClosure {
    /// No module has the name.
    Unknown,
    /// These files, which it reaches, have syntax errors that may hide an import.
    Broken(Vec<FileId>),
}

/// A module's name as a key of queries.
#[salsa::interned(debug, revisions = usize::MAX)]
pub struct ModuleName<'db> {
    /// Dotted.
    #[returns(ref)]
    pub dotted: Arc<str>,
}

/// What the module or package of that name needs, everything below it included.
#[salsa::tracked(returns(ref))]
pub fn closure_of<'db>(
    db: &'db dyn Db,
    key: GraphKey<'db>,
    module: ModuleName<'db>,
) -> Result<Closure, NoClosure> {
    let graph = graph_of(db, key);
    let names = &graph.layout.names;
    let found = names.follow(names.root(), module.dotted(db), &mut |_| {});
    if !found.whole || found.depth == 0 {
        return Err(NoClosure::Unknown);
    }
    let mut own = Vec::new();
    names.each_file_below(found.last, &mut |file| own.push(file));
    if own.is_empty() {
        return Err(NoClosure::Unknown);
    }
    own.sort_unstable();
    own.dedup();
    let components = components_of(graph, &own);
    if !graph.structure.broken.is_empty() {
        let broken = broken_below(graph, &components);
        if !broken.is_empty() {
            return Err(NoClosure::Broken(broken));
        }
    }
    let outside = graph.reach_outside.union(&components);
    Ok(Closure { own, outside })
}

/// The digest of everything in the project that the module of that name needs: each file's path,
/// kind and content. `None` where there is no closure.
#[salsa::tracked]
pub fn closure_digest<'db>(
    db: &'db dyn Db,
    key: GraphKey<'db>,
    module: ModuleName<'db>,
) -> Option<Digest> {
    let closure = closure_of(db, key, module).as_ref().ok()?;
    Some(digest_of(&root_node(graph_of(db, key), digests(db, key), closure)))
}

/// The components of these files, sorted.
pub fn components_of(graph: &ModuleGraph, files: &[FileId]) -> Vec<u32> {
    let of = &graph.structure.components.of;
    let mut components: Vec<u32> = files.iter().map(|file| of[*file as usize]).collect();
    components.sort_unstable();
    components.dedup();
    components
}

/// The broken files that these components reach.
fn broken_below(graph: &ModuleGraph, from: &[u32]) -> Vec<FileId> {
    let reached = reach(graph, from);
    let of = &graph.structure.components.of;
    let broken = graph.structure.broken.iter().filter(|file| reached[of[**file as usize] as usize]);
    broken.copied().collect()
}

/// Which components these lead to, themselves included.
pub fn reach(graph: &ModuleGraph, from: &[u32]) -> Vec<bool> {
    let mut reached = vec![false; graph.structure.components.len()];
    let mut open = from.to_vec();
    while let Some(component) = open.pop() {
        if !std::mem::replace(&mut reached[component as usize], true) {
            open.extend(graph.structure.components.successors.of(component));
        }
    }
    reached
}

/// The files of a closure, those of the module itself included, in the graph's order.
pub fn reached_files(graph: &ModuleGraph, closure: &Closure) -> Vec<FileId> {
    let reached = reach(graph, &components_of(graph, &closure.own));
    let of = &graph.structure.components.of;
    (0..graph.layout.files.len() as FileId)
        .filter(|file| reached[of[*file as usize] as usize])
        .collect()
}
