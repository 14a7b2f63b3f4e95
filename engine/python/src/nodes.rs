//! What a graph's files are, as digests: of each component with all that it leads to, from the leaves up, so
//! that those of all modules together cost one walk over the edges.
//!
//! A digest is that of a node's encoding, so nodes can be kept as contents: an entry names the root,
//! and to explain a difference two graphs are walked where their digests part.

use std::sync::{Arc, Mutex, PoisonError};

use qik_db::{Db, TreeNode};
use qik_model::{BlobId, Digest, FileKind, RelPath};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::closure::{Closure, components_of};
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
                let end = layout.files_in(at).end as usize;
                files.extend_from_slice(&before.digests.files[first..end]);
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

    /// The component that held the same files as the one at that place, and led to what is the `same` as it leads
    /// to.
    fn same(
        &self,
        graph: &ModuleGraph,
        files: &[(FileKind, BlobId)],
        same: &[Option<u32>],
        at: u32,
    ) -> Option<(u32, Digest)> {
        let components = &graph.structure.components;
        let (members, successors) = (components.members.of(at), components.successors.of(at));
        let known = match &self.sight {
            Sight::Same(differs) => {
                let mut successors = successors.iter().map(|one| same[*one as usize]);
                (!differs[at as usize] && successors.all(|one| one.is_some())).then_some(at)
            }
            Sight::SameFiles => {
                self.held(members, files, &Some).filter(|known| self.led(*known, successors, same))
            }
            Sight::Numbers(numbers) => {
                let number = |file: FileId| numbers.get(file as usize).copied().flatten();
                self.held(members, files, &number)
                    .filter(|known| self.led(*known, successors, same))
            }
        }?;
        Some((known, self.digests.components[known as usize]))
    }

    /// The component that held just these members, with the contents that they have.
    fn held(
        &self,
        members: &[FileId],
        files: &[(FileKind, BlobId)],
        number: &dyn Fn(FileId) -> Option<FileId>,
    ) -> Option<u32> {
        let components = &self.graph.structure.components;
        let known = components.of[number(*members.first()?)? as usize];
        let held = components.members.of(known);
        let is_it = |(file, old): (&FileId, &FileId)| {
            number(*file) == Some(*old)
                && files[*file as usize] == self.digests.files[*old as usize]
        };
        (members.len() == held.len() && members.iter().zip(held).all(is_it)).then_some(known)
    }

    /// Whether a component led to just what is the same as these successors.
    fn led(&self, known: u32, successors: &[u32], same: &[Option<u32>]) -> bool {
        let led_to = self.graph.structure.components.successors.of(known);
        if successors.len() != led_to.len() {
            return false;
        }
        // Other edges give components other numbers, in another order.
        let matched: Option<SmallVec<[u32; 32]>> =
            successors.iter().map(|next| same[*next as usize]).collect();
        matched.is_some_and(|mut matched| {
            matched.sort_unstable();
            *matched == *led_to
        })
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
