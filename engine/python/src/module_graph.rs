//! The graph of a project's Python files: who needs whom, condensed to components.
//!
//! Structure only: no identity of any content is in here, so an edit that leaves imports as they were
//! leaves the graph as it is.

use std::sync::Arc;

use qik_db::{Db, Folder};
use qik_model::Digest;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::components::{Adjacency, Components};
use crate::layout::{GraphKey, Layout, layout_of};
use crate::links::Links;
use crate::modules::{facts_store, folder_facts, folder_imports};
use crate::names::FileId;
use crate::needs::{Cause, Needs, Sink};

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

/// A graph without its files: what takes long to find out, and is kept for the next process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Structure {
    pub edges: Adjacency,
    pub externals: Adjacency<External>,
    pub external_names: Vec<Arc<str>>,
    pub broken: Vec<FileId>,
    pub components: Components,
}

/// The graph of all Python files below the roots.
#[salsa::tracked(returns(ref))]
pub fn graph_of<'db>(db: &'db dyn Db, key: GraphKey<'db>) -> Arc<ModuleGraph> {
    let layout = layout_of(db, key).clone();
    let store = facts_store(db);
    let id = *graph_id(db, key);
    let structure = store.snapshots().graph(&id, layout.files.len()).unwrap_or_else(|| {
        let structure = Arc::new(structure(db, key, &layout));
        store.snapshots().keep(id, &structure);
        structure
    });
    let Structure { edges, externals, external_names, broken, components } =
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

/// The digest of all that the structure of a graph is made from.
#[salsa::tracked]
fn graph_id<'db>(db: &'db dyn Db, key: GraphKey<'db>) -> Digest {
    let layout = layout_of(db, key);
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{:?} {:?}", key.roots(db), key.reading(db)).as_bytes());
    for (path, first) in &layout.folders {
        hasher.update(&first.to_le_bytes());
        hasher.update(&(path.as_bytes().len() as u32).to_le_bytes()).update(path.as_bytes());
        hasher.update(folder_imports(db, db.folder(path)).as_bytes());
    }
    for path in &layout.files[layout.data_from as usize..] {
        hasher.update(&(path.as_bytes().len() as u32).to_le_bytes()).update(path.as_bytes());
    }
    for (owner, data) in layout.data() {
        hasher.update(&owner.to_le_bytes()).update(&(data.len() as u32).to_le_bytes());
        data.iter().for_each(|one| _ = hasher.update(&one.to_le_bytes()));
    }
    Digest(*hasher.finalize().as_bytes())
}

fn structure<'db>(db: &'db dyn Db, key: GraphKey<'db>, layout: &Layout) -> Structure {
    let parts: Vec<&FolderNeeds> =
        layout.folders.iter().map(|(path, _)| folder_needs(db, key, db.folder(path))).collect();
    let data = layout.files.len() - layout.data_from as usize;
    let rows = parts.iter().flat_map(|part| part.edges.rows());
    let edges = Adjacency::new(rows.chain(std::iter::repeat_n(&[][..], data)).map(copied));
    let (external_names, externals) = externals(&parts, data);
    let broken = layout.folders.iter().zip(&parts);
    let broken = broken.flat_map(|((_, first), part)| part.broken.iter().map(move |at| first + at));
    let components = Components::new(&edges);
    Structure { broken: broken.collect(), edges, externals, external_names, components }
}

/// What the files of one folder need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FolderNeeds {
    edges: Adjacency,
    /// By places in `names`.
    outside: Adjacency<External>,
    names: Vec<Arc<str>>,
    broken: Vec<u32>,
}

#[salsa::tracked(returns(ref))]
pub(crate) fn folder_needs<'db>(
    db: &'db dyn Db,
    key: GraphKey<'db>,
    folder: Folder,
) -> FolderNeeds {
    let layout = layout_of(db, key);
    let path = folder.path(db);
    let first = layout.first_in(path);
    let needs = Needs::in_folder(layout, key.reading(db), links(db, key), path);
    let all = &folder_facts(db, folder).0;
    let (mut edges, mut outside) =
        (Adjacency::for_nodes(all.len()), Adjacency::for_nodes(all.len()));
    let mut broken = Vec::new();
    let mut gathered = Gathered::default();
    for (at, facts) in all.iter().enumerate() {
        let file = first + at as FileId;
        gathered.files.clear();
        gathered.outside.clear();
        needs.of(file, facts.as_ref(), &mut gathered);
        if facts.as_ref().is_some_and(|facts| facts.error().is_some()) {
            broken.push(at as u32);
        }
        settle(&mut gathered.files, file);
        merge(&mut gathered.outside);
        edges.push(copied(&gathered.files));
        outside.push(copied(&gathered.outside));
    }
    FolderNeeds { edges, outside, names: gathered.names.in_order(), broken }
}

/// The links of the configuration over this layout.
#[salsa::tracked(returns(ref), no_eq)]
pub(crate) fn links<'db>(db: &'db dyn Db, key: GraphKey<'db>) -> Arc<Links> {
    Arc::new(Links::new(key.reading(db), layout_of(db, key)))
}

/// What one file needs, and the names of all files before it.
#[derive(Default)]
struct Gathered {
    names: Numbers,
    files: Vec<FileId>,
    outside: Vec<External>,
}

impl Sink for Gathered {
    fn file(&mut self, file: FileId, _: Cause) {
        self.files.push(file);
    }

    fn outside(&mut self, name: &str, is_required: bool, _: Cause) {
        self.outside.push(External { name: self.names.of(name), is_required });
    }
}

fn settle(files: &mut Vec<FileId>, own: FileId) {
    files.sort_unstable();
    files.dedup();
    files.retain(|file| *file != own);
}

/// One of each name: required if any of its imports is.
fn merge(externals: &mut Vec<External>) {
    externals.sort_unstable();
    externals.dedup_by(|later, kept| {
        let same = later.name == kept.name;
        kept.is_required |= same && later.is_required;
        same
    });
}

fn copied<T: Copy>(row: &[T]) -> impl Iterator<Item = T> {
    row.iter().copied()
}

/// Names, numbered as they come.
#[derive(Default)]
struct Numbers {
    ids: FxHashMap<Arc<str>, u32>,
}

impl Numbers {
    fn of(&mut self, name: &str) -> u32 {
        if let Some(known) = self.ids.get(name) {
            return *known;
        }
        let next = self.ids.len() as u32;
        self.ids.insert(name.into(), next);
        next
    }

    fn in_order(self) -> Vec<Arc<str>> {
        let mut names: Vec<(u32, Arc<str>)> =
            self.ids.into_iter().map(|(name, id)| (id, name)).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }
}

/// All names, sorted, and the rows of all folders with places among those; `data` rows more are empty.
fn externals(parts: &[&FolderNeeds], data: usize) -> (Vec<Arc<str>>, Adjacency<External>) {
    let unique: FxHashSet<&Arc<str>> = parts.iter().flat_map(|part| &part.names).collect();
    let mut names: Vec<Arc<str>> = unique.into_iter().cloned().collect();
    names.sort_unstable();
    let place: FxHashMap<&str, u32> = (0..).zip(&names).map(|(at, name)| (&**name, at)).collect();
    let mut rows: Vec<Vec<External>> = Vec::new();
    for part in parts {
        let places: Vec<u32> = part.names.iter().map(|name| place[&**name]).collect();
        rows.extend(part.outside.rows().map(|row| {
            let mut row: Vec<External> = row
                .iter()
                .map(|one| External { name: places[one.name as usize], ..*one })
                .collect();
            row.sort_unstable();
            row
        }));
    }
    rows.extend(std::iter::repeat_n(Vec::new(), data));
    (names, Adjacency::new(rows))
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

/// Sets of small numbers, one a row, as bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BitRows {
    words: Vec<u64>,
    per_row: usize,
}

impl BitRows {
    fn new(rows: usize, numbers: usize) -> Self {
        let per_row = numbers.div_ceil(64);
        Self { words: vec![0; rows * per_row], per_row }
    }

    fn row(&self, row: u32) -> std::ops::Range<usize> {
        let start = row as usize * self.per_row;
        start..start + self.per_row
    }

    fn set(&mut self, row: u32, number: u32) {
        let start = self.row(row).start;
        self.words[start + number as usize / 64] |= 1 << (number % 64);
    }

    /// Adds the set of a row before `row` to it.
    fn join(&mut self, row: u32, other: u32) {
        debug_assert!(other < row);
        let at = self.row(row).start;
        let (before, from) = self.words.split_at_mut(at);
        let start = other as usize * self.per_row;
        for (word, more) in from.iter_mut().zip(&before[start..start + self.per_row]) {
            *word |= more;
        }
    }

    /// The union of these rows, in order.
    pub fn union(&self, rows: &[u32]) -> Vec<u32> {
        let mut all = vec![0_u64; self.per_row];
        for row in rows {
            for (word, more) in all.iter_mut().zip(&self.words[self.row(*row)]) {
                *word |= more;
            }
        }
        let mut numbers = Vec::new();
        for (at, mut word) in (0_u32..).zip(all) {
            while word != 0 {
                numbers.push(at * 64 + word.trailing_zeros());
                word &= word - 1;
            }
        }
        numbers
    }
}
