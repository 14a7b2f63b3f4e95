//! What a module needs: which files (structure), and their digest over the condensed graph from the
//! leaves up, so that all modules together cost one walk over the edges.
//!
//! A digest is that of a node's encoding, so nodes can be kept as contents: an entry names the root,
//! and to explain a difference two graphs are walked where their digests part.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use qik_db::{Db, TreeNode};
use qik_model::{BlobId, Digest, FileKind, RelPath};
use rustc_hash::FxHashMap;

use crate::layout::GraphKey;
use crate::module_graph::{ModuleGraph, graph_of};
use crate::modules::{facts_store, ids_in};
use crate::names::FileId;

/// Files of a graph with their identities, and the digest of each component with all that it leads
/// to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// The identity of each file, in the graph's order.
    pub files: Vec<(FileKind, BlobId)>,
    /// The digest of each component.
    pub components: Vec<Digest>,
}

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
    let _phase = qik_db::phase("digests");
    let mut files = Vec::with_capacity(graph.layout.files.len());
    for (folder, first) in &graph.layout.folders {
        debug_assert_eq!(files.len(), *first as usize);
        files.extend(ids_in(db, folder));
    }
    let data = &graph.layout.files[graph.layout.data_from as usize..];
    files.extend(data.iter().map(|path| identity(db, path)));
    let store = facts_store(db);
    let latest = store.latest_digests();
    let components = match latest.of(graph) {
        Some(before) => changed_digests(graph, &files, &before),
        None => component_digests(graph, &files),
    };
    let digests = Arc::new(Digests { files, components });
    latest.keep(graph, &digests);
    digests
}

/// The digests that were made last, for the next that are made over the same graph: what is asked of them
/// is the same with or without.
#[derive(Debug, Default)]
pub(crate) struct LatestDigests(Mutex<Option<(Weak<ModuleGraph>, Arc<Digests>)>>);

impl LatestDigests {
    fn of(&self, graph: &Arc<ModuleGraph>) -> Option<Arc<Digests>> {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, digests) = latest.as_ref()?;
        std::ptr::eq(known.as_ptr(), Arc::as_ptr(graph)).then(|| digests.clone())
    }

    fn keep(&self, graph: &Arc<ModuleGraph>, digests: &Arc<Digests>) {
        let latest = Some((Arc::downgrade(graph), digests.clone()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = latest;
    }
}

/// The components by their digests.
#[salsa::tracked(returns(ref))]
pub fn components_by_digest<'db>(
    db: &'db dyn Db,
    key: GraphKey<'db>,
) -> Arc<FxHashMap<Digest, u32>> {
    Arc::new(digests(db, key).components.iter().copied().zip(0..).collect())
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
    if !graph.broken.is_empty() {
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

/// The node of a closure: it names the nodes of its components.
pub fn root_node(graph: &ModuleGraph, digests: &Digests, closure: &Closure) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_nodes(&mut bytes, digests, &components_of(graph, &closure.own));
    bytes
}

/// The node of a component. For each member, by path: its kind (`f`, `x`, `l`), the length of its path
/// as 32 bits little endian, its path, its identity (20 bytes). Then for each component that it
/// leads to: `d`, a length of 0, the digest of its node (32 bytes).
pub fn component_node(graph: &ModuleGraph, digests: &Digests, component: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(graph, &digests.files, &digests.components, component, &mut bytes);
    bytes
}

fn component_digests(graph: &ModuleGraph, files: &[(FileKind, BlobId)]) -> Vec<Digest> {
    let count = graph.components.len();
    let mut digests: Vec<Digest> = Vec::with_capacity(count);
    let mut bytes = Vec::new();
    for component in 0..count as u32 {
        bytes.clear();
        encode(graph, files, &digests, component, &mut bytes);
        digests.push(digest_of(&bytes));
    }
    digests
}

/// The same, where other files were there `before`: what neither holds nor leads to one that differs is as
/// it was.
fn changed_digests(
    graph: &ModuleGraph,
    files: &[(FileKind, BlobId)],
    before: &Digests,
) -> Vec<Digest> {
    let components = &graph.components;
    let mut differs = vec![false; components.len()];
    for (component, (now, then)) in components.of.iter().zip(files.iter().zip(&before.files)) {
        differs[*component as usize] |= now != then;
    }
    let mut digests: Vec<Digest> = Vec::with_capacity(components.len());
    let mut bytes = Vec::new();
    for component in 0..components.len() as u32 {
        let known = before.components[component as usize];
        let mut successors = components.successors.of(component).iter();
        let is_as_it_was =
            !differs[component as usize] && !successors.any(|one| differs[*one as usize]);
        if is_as_it_was {
            digests.push(known);
            continue;
        }
        bytes.clear();
        encode(graph, files, &digests, component, &mut bytes);
        let digest = digest_of(&bytes);
        differs[component as usize] = digest != known;
        digests.push(digest);
    }
    digests
}

fn encode(
    graph: &ModuleGraph,
    files: &[(FileKind, BlobId)],
    digests: &[Digest],
    component: u32,
    bytes: &mut Vec<u8>,
) {
    let paths = &graph.layout.files;
    let mut members: Vec<FileId> = graph.components.members.of(component).to_vec();
    // By path, not by number: numbers are nothing that a result depends on.
    members.sort_unstable_by(|a, b| paths[*a as usize].cmp(&paths[*b as usize]));
    for file in members {
        let (path, (kind, id)) = (&paths[file as usize], &files[file as usize]);
        bytes.push(match kind {
            FileKind::File => b'f',
            FileKind::Executable => b'x',
            FileKind::Link => b'l',
        });
        bytes.extend_from_slice(&(path.as_bytes().len() as u32).to_le_bytes());
        bytes.extend_from_slice(path.as_bytes());
        bytes.extend_from_slice(id.as_bytes());
    }
    let successors = graph.components.successors.of(component);
    let mut successors: Vec<&Digest> =
        successors.iter().map(|successor| &digests[*successor as usize]).collect();
    successors.sort_unstable();
    successors.into_iter().for_each(|digest| push_node(bytes, digest));
}

fn push_nodes(bytes: &mut Vec<u8>, digests: &Digests, components: &[u32]) {
    let mut nodes: Vec<&Digest> =
        components.iter().map(|at| &digests.components[*at as usize]).collect();
    nodes.sort_unstable();
    nodes.into_iter().for_each(|digest| push_node(bytes, digest));
}

fn push_node(bytes: &mut Vec<u8>, digest: &Digest) {
    bytes.push(b'd');
    bytes.extend_from_slice(&0_u32.to_le_bytes());
    bytes.extend_from_slice(digest.as_bytes());
}

pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

/// The identity of a file by its folder's listing. The layout found it there.
fn identity(db: &dyn Db, path: &RelPath) -> (FileKind, BlobId) {
    let entries = path.parent().map(|folder| db.folder(&folder).entries(db));
    let found = entries.and_then(|entries| {
        let at = entries.binary_search_by(|entry| entry.name[..].cmp(path.name())).ok()?;
        match entries[at].node {
            TreeNode::File { kind, id } => Some((kind, id)),
            TreeNode::Folder => None,
        }
    });
    found.unwrap_or((FileKind::File, BlobId([0; 20])))
}

/// The components of these files, sorted.
pub fn components_of(graph: &ModuleGraph, files: &[FileId]) -> Vec<u32> {
    let of = &graph.components.of;
    let mut components: Vec<u32> = files.iter().map(|file| of[*file as usize]).collect();
    components.sort_unstable();
    components.dedup();
    components
}

/// The broken files that these components reach.
fn broken_below(graph: &ModuleGraph, from: &[u32]) -> Vec<FileId> {
    let reached = reach(graph, from);
    let of = &graph.components.of;
    let broken = graph.broken.iter().filter(|file| reached[of[**file as usize] as usize]);
    broken.copied().collect()
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

/// The files of a closure, those of the module itself included, in the graph's order.
pub fn reached_files(graph: &ModuleGraph, closure: &Closure) -> Vec<FileId> {
    let reached = reach(graph, &components_of(graph, &closure.own));
    let of = &graph.components.of;
    (0..graph.layout.files.len() as FileId)
        .filter(|file| reached[of[*file as usize] as usize])
        .collect()
}
