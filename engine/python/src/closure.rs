//! What a module needs: which files (structure), and their digest over the condensed graph from the
//! leaves up, so that all modules together cost one walk over the edges.
//!
//! A digest is that of a node's encoding, so nodes can be kept as contents: an entry names the root,
//! and to explain a difference two graphs are walked where their digests part.

use std::sync::{Arc, Mutex, PoisonError};

use qik_db::{Db, TreeNode};
use qik_model::{BlobId, Digest, FileKind, RelPath};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::contents::{Contents, contents, identities};
use crate::layout::{GraphKey, Layout};
use crate::module_graph::{ModuleGraph, graph_of};
use crate::modules::facts_store;
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
#[salsa::interned(debug, revisions = usize::MAX)]
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
    let contents = contents(db, key);
    let store = facts_store(db);
    let latest = store.latest_digests();
    let before = latest.get();
    let files = identities_of(db, &graph.layout, contents, before.as_ref());
    let before = before.as_ref().map(|latest| Before::of(graph, &files, latest));
    // On a thread of the pool from the first level on, so that none waits for the pool to wake.
    let components = rayon::scope(|_| component_digests(graph, &files, before.as_ref()));
    let digests = Arc::new(Digests { files, components });
    latest.keep(Latest {
        graph: graph.clone(),
        contents: contents.clone(),
        digests: digests.clone(),
    });
    digests
}

/// The identity of each file; of folders that hold what they did `before` as they were.
fn identities_of(
    db: &dyn Db,
    layout: &Arc<Layout>,
    contents: &Contents,
    before: Option<&Latest>,
) -> Vec<(FileKind, BlobId)> {
    let before = before.filter(|before| Arc::ptr_eq(&before.graph.layout, layout));
    let mut files = Vec::with_capacity(layout.files.len());
    for (at, entries) in contents.0.iter().enumerate() {
        let first = layout.folders[at].1 as usize;
        debug_assert_eq!(files.len(), first);
        match before {
            Some(before) if Arc::ptr_eq(&before.contents.0[at], entries) => {
                let next = layout.folders.get(at + 1).map_or(layout.data_from, |next| next.1);
                files.extend_from_slice(&before.digests.files[first..next as usize]);
            }
            _ => files.extend(identities(entries)),
        }
    }
    let data = &layout.files[layout.data_from as usize..];
    files.extend(data.iter().map(|path| identity(db, path)));
    files
}

/// The digests that were made last, for the next ones: what is asked of them is the same with or without.
#[derive(Debug, Default)]
pub(crate) struct LatestDigests(Mutex<Option<Latest>>);

#[derive(Clone, Debug)]
struct Latest {
    graph: Arc<ModuleGraph>,
    contents: Contents,
    digests: Arc<Digests>,
}

impl LatestDigests {
    fn get(&self) -> Option<Latest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, latest: Latest) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(latest);
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

/// The node of a closure: it names the nodes of its components.
pub fn root_node(graph: &ModuleGraph, digests: &Digests, closure: &Closure) -> Vec<u8> {
    let mut encoder = Encoder::default();
    encoder.push_nodes(&digests.components, &components_of(graph, &closure.own));
    encoder.bytes
}

/// The node of a component. For each member, by path: its kind (`f`, `x`, `l`), the length of its path
/// as 32 bits little endian, its path, its identity (20 bytes). Then for each component that it
/// leads to: `d`, a length of 0, the digest of its node (32 bytes).
pub fn component_node(graph: &ModuleGraph, digests: &Digests, component: u32) -> Vec<u8> {
    let mut encoder = Encoder::default();
    encoder.node(graph, &digests.files, &digests.components, component);
    encoder.bytes
}

/// So many nodes of one level are worth a second processor.
const MANY: usize = 48;

/// The digest of each component; of what is as it was `before` the one that it had.
fn component_digests(
    graph: &ModuleGraph,
    files: &[(FileKind, BlobId)],
    before: Option<&Before<'_>>,
) -> Vec<Digest> {
    let components = &graph.structure.components;
    let mut digests = vec![Digest([0; 32]); components.len()];
    // The component of before with the same digest.
    let mut same: Vec<Option<u32>> = vec![None; components.len()];
    for level in components.levels.rows() {
        let mut new = Vec::new();
        for at in level {
            match before.and_then(|before| before.same(graph, files, &same, *at)) {
                Some((known, digest)) => {
                    digests[*at as usize] = digest;
                    same[*at as usize] = Some(known);
                }
                None => new.push(*at),
            }
        }
        let digest =
            |encoder: &mut Encoder, at: &u32| digest_of(encoder.node(graph, files, &digests, *at));
        let made: Vec<Digest> = match new.len() < MANY {
            true => new.iter().scan(Encoder::default(), |e, at| Some(digest(e, at))).collect(),
            false => new.par_iter().map_init(Encoder::default, digest).collect(),
        };
        new.iter().zip(made).for_each(|(at, digest)| digests[*at as usize] = digest);
    }
    digests
}

/// The components of a graph of before, as one of now sees them.
struct Before<'a> {
    graph: &'a ModuleGraph,
    digests: &'a Digests,
    /// How the files that it holds are found.
    sight: Sight,
}

enum Sight {
    /// The graph is the same: which of its components hold another content.
    Same(Vec<bool>),
    /// The files are the same, and have the same numbers.
    SameFiles,
    /// The number that each file had.
    Numbers(Vec<Option<FileId>>),
}

impl<'a> Before<'a> {
    fn of(graph: &Arc<ModuleGraph>, files: &[(FileKind, BlobId)], latest: &'a Latest) -> Self {
        let (now, then) = (&graph.layout, &latest.graph.layout);
        let sight = if Arc::ptr_eq(graph, &latest.graph) {
            let components = &graph.structure.components;
            let mut differs = vec![false; components.len()];
            let before = files.iter().zip(&latest.digests.files);
            for (component, (now, then)) in components.of.iter().zip(before) {
                differs[*component as usize] |= now != then;
            }
            Sight::Same(differs)
        } else if Arc::ptr_eq(now, then) {
            Sight::SameFiles
        } else {
            Sight::Numbers(now.numbers_in(then))
        };
        Self { graph: &latest.graph, digests: &latest.digests, sight }
    }

    /// The component that held the same files, and led to the `same` components as the one at that place.
    fn same(
        &self,
        graph: &ModuleGraph,
        files: &[(FileKind, BlobId)],
        same: &[Option<u32>],
        at: u32,
    ) -> Option<(u32, Digest)> {
        if let Sight::Same(differs) = &self.sight {
            let mut successors = graph.structure.components.successors.of(at).iter();
            let is_same =
                !differs[at as usize] && successors.all(|one| same[*one as usize].is_some());
            return is_same.then(|| (at, self.digests.components[at as usize]));
        }
        let number = |file: &FileId| match &self.sight {
            Sight::Numbers(numbers) => numbers.get(*file as usize).copied().flatten(),
            Sight::Same(_) | Sight::SameFiles => Some(*file),
        };
        let (members, before) =
            (graph.structure.components.members.of(at), &self.graph.structure.components);
        let known = before.of[number(members.first()?)? as usize];
        let held = before.members.of(known);
        let is_held = |(file, old): (&FileId, &FileId)| {
            number(file) == Some(*old) && files[*file as usize] == self.digests.files[*old as usize]
        };
        let mut holds_the_same =
            members.len() == held.len() && members.iter().zip(held).all(is_held);
        let (successors, led_to) =
            (graph.structure.components.successors.of(at), before.successors.of(known));
        holds_the_same = holds_the_same && successors.len() == led_to.len();
        if !holds_the_same {
            return None;
        }
        // Other edges give components other numbers, in another order.
        let mut matched: SmallVec<[u32; 32]> = SmallVec::new();
        for next in successors {
            matched.push(same[*next as usize]?);
        }
        matched.sort_unstable();
        (*matched == *led_to).then(|| (known, self.digests.components[known as usize]))
    }
}

/// What stands before the digest of a component's node: its kind, and the length of the path that it has not.
const COMPONENT: &[u8; 5] = b"d\0\0\0\0";

/// What encodes nodes, with the room that it takes.
#[derive(Default)]
struct Encoder {
    bytes: Vec<u8>,
    nodes: Vec<(u64, u32)>,
}

impl Encoder {
    /// The encoding of a component's node; those that it leads to have their digests.
    fn node(
        &mut self,
        graph: &ModuleGraph,
        files: &[(FileKind, BlobId)],
        digests: &[Digest],
        component: u32,
    ) -> &[u8] {
        let paths = &graph.layout.files;
        self.bytes.clear();
        for file in graph.structure.components.members.of(component) {
            let (path, (kind, id)) = (&paths[*file as usize], &files[*file as usize]);
            self.bytes.push(match kind {
                FileKind::File => b'f',
                FileKind::Executable => b'x',
                FileKind::Link => b'l',
            });
            self.bytes.extend_from_slice(&(path.as_bytes().len() as u32).to_le_bytes());
            self.bytes.extend_from_slice(path.as_bytes());
            self.bytes.extend_from_slice(id.as_bytes());
        }
        self.push_nodes(digests, graph.structure.components.successors.of(component));
        &self.bytes
    }

    /// The digests of these components, in the order of the digests. Most differ in their first bytes, which
    /// are compared as one number.
    fn push_nodes(&mut self, digests: &[Digest], components: &[u32]) {
        let first = |at: u32| digests[at as usize].0.first_chunk().copied().unwrap_or_default();
        self.nodes.clear();
        self.nodes.extend(components.iter().map(|at| (u64::from_be_bytes(first(*at)), *at)));
        self.nodes.sort_unstable_by(|(one, at), (other, with)| {
            one.cmp(other).then_with(|| digests[*at as usize].cmp(&digests[*with as usize]))
        });
        self.bytes.reserve(self.nodes.len() * (COMPONENT.len() + 32));
        for (_, at) in &self.nodes {
            self.bytes.extend_from_slice(COMPONENT);
            self.bytes.extend_from_slice(digests[*at as usize].as_bytes());
        }
    }
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
