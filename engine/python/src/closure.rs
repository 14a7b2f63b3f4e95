//! What a module needs, as a digest: over the condensed graph from the leaves up, so that all modules
//! together cost one walk over the edges.

use std::collections::BTreeSet;
use std::sync::Arc;

use qik_db::Db;
use qik_model::{BlobId, Digest, FileKind, RelPath};

use crate::module_graph::{GraphKey, ModuleGraph, graph_of};
use crate::modules::folder_ids;
use crate::names::FileId;

/// Files of a tree with their identities, and the digest of each component of their graph with all
/// that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// The identity of each file, in the graph's order.
    pub files: Vec<(FileKind, BlobId)>,
    /// The digest of each component.
    pub components: Vec<Digest>,
}

/// What a module or package needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// Of everything in it: each file's path, kind and content.
    pub digest: Digest,
    /// Files of the module itself, its submodules included.
    pub own: Vec<FileId>,
    /// The components of those files, sorted.
    pub components: Vec<u32>,
}

/// Why there is no closure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoClosure {
    /// No module has the name.
    Unknown,
    /// These files, which it reaches, have syntax errors that may hide an import.
    Broken(Vec<RelPath>),
}

/// A module's name as a key of queries.
#[salsa::interned(debug)]
pub struct ModuleName<'db> {
    /// Dotted.
    #[returns(ref)]
    pub dotted: Arc<str>,
}

/// The digests of all files and components.
#[salsa::tracked(returns(ref))]
pub fn digests<'db>(db: &'db dyn Db, key: GraphKey<'db>) -> Arc<Digests> {
    let graph = graph_of(db, key);
    let mut files = Vec::with_capacity(graph.files.len());
    for (folder, first) in &graph.folders {
        debug_assert_eq!(files.len(), *first as usize);
        files.extend(folder_ids(db, db.folder(folder)).iter().copied());
    }
    let components = component_digests(graph, &files);
    Arc::new(Digests { files, components })
}

/// What the module or package of that name needs, everything below it included.
#[salsa::tracked(returns(ref))]
pub fn closure_of<'db>(
    db: &'db dyn Db,
    key: GraphKey<'db>,
    module: ModuleName<'db>,
) -> Result<Closure, NoClosure> {
    let graph = graph_of(db, key);
    let found = graph.names.follow(graph.names.root(), module.dotted(db), &mut |_| {});
    if !found.whole || found.depth == 0 {
        return Err(NoClosure::Unknown);
    }
    let mut own = Vec::new();
    graph.names.each_file_below(found.last, &mut |file| own.push(file));
    if own.is_empty() {
        return Err(NoClosure::Unknown);
    }
    own.sort_unstable();
    let components: BTreeSet<u32> =
        own.iter().map(|file| graph.components.of[*file as usize]).collect();
    let components: Vec<u32> = components.into_iter().collect();
    if !graph.broken.is_empty() {
        let broken = broken_below(graph, &components);
        if !broken.is_empty() {
            return Err(NoClosure::Broken(broken));
        }
    }
    let all = &digests(db, key).components;
    let mut hasher = blake3::Hasher::new();
    // Sorted by digest: numbers of components are nothing that a result depends on.
    let mut parts: Vec<&Digest> = components.iter().map(|at| &all[*at as usize]).collect();
    parts.sort_unstable();
    for digest in parts {
        hasher.update(digest.as_bytes());
    }
    Ok(Closure { digest: Digest(*hasher.finalize().as_bytes()), own, components })
}

fn component_digests(graph: &ModuleGraph, files: &[(FileKind, BlobId)]) -> Vec<Digest> {
    let components = &graph.components;
    let mut digests: Vec<Digest> = Vec::with_capacity(components.len());
    let mut parts = Vec::new();
    for component in 0..components.len() as u32 {
        let mut hasher = blake3::Hasher::new();
        let mut members: Vec<FileId> = components.members.of(component).to_vec();
        // By path, not by number: numbers are nothing that a result depends on.
        members.sort_unstable_by(|a, b| graph.files[*a as usize].cmp(&graph.files[*b as usize]));
        for file in members {
            let (path, (kind, id)) = (&graph.files[file as usize], &files[file as usize]);
            hasher.update(&(path.as_bytes().len() as u32).to_le_bytes());
            hasher.update(path.as_bytes());
            hasher.update(&[*kind as u8]);
            hasher.update(id.as_bytes());
        }
        hasher.update(&u32::MAX.to_le_bytes());
        parts.clear();
        parts.extend(components.successors.of(component).iter().map(|at| digests[*at as usize]));
        parts.sort_unstable();
        for digest in &parts {
            hasher.update(digest.as_bytes());
        }
        digests.push(Digest(*hasher.finalize().as_bytes()));
    }
    digests
}

/// The broken files that these components reach.
fn broken_below(graph: &ModuleGraph, from: &[u32]) -> Vec<RelPath> {
    let reached = reach(graph, from);
    let of = &graph.components.of;
    let broken = graph.broken.iter().filter(|file| reached[of[**file as usize] as usize]);
    broken.map(|file| graph.files[*file as usize].clone()).collect()
}

/// Which components these lead to, themselves included.
pub fn reach(graph: &ModuleGraph, from: &[u32]) -> Vec<bool> {
    let mut reached = vec![false; graph.components.len()];
    let mut open = from.to_vec();
    while let Some(component) = open.pop() {
        if !std::mem::replace(&mut reached[component as usize], true) {
            open.extend(graph.components.successors.of(component));
        }
    }
    reached
}
