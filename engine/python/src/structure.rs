//! What takes long to find out of a graph: which file needs which, which names lead outside, the
//! components. Made folder by folder; of folders that import what they did in a structure that is at
//! hand, over the same files, the rows are taken from there.
//!
//! A graph depends on nothing but its id: what is made in advance leaves no trail of thousands of folders
//! through which to look, with each edit, whether the graph still holds.

use std::sync::Arc;

use qik_db::{Database, Db};
use qik_model::{Digest, Reading};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::components::{Adjacency, Components};
use crate::contents::imports;
use crate::layout::{GraphKey, Layout, layout_of};
use crate::links::{Links, links_of};
use crate::module_graph::External;
use crate::modules::{facts_store, folder_facts};
use crate::names::FileId;
use crate::needs::{Cause, Needs, Sink};
use crate::nodes::digest_of;
use crate::outline::outline;
use crate::reuse::Reuse;

/// A graph without its files: what takes long to find out, and is kept for the next process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    /// The files that each file needs.
    pub edges: Adjacency,
    /// The names outside the project that each file imports.
    pub externals: Adjacency<External>,
    /// Dotted, sorted: `requests`, `google.cloud.storage`. Modules that are part of every standard
    /// library are left out.
    pub external_names: Vec<Arc<str>>,
    /// Files with a syntax error that may hide an import.
    pub broken: Vec<FileId>,
    /// Files whose needs hang on names that have no file which they would need: portions of namespaces, folders
    /// beside a script.
    pub loose: Vec<FileId>,
    /// The condensed graph.
    pub components: Components,
}

/// All that a structure is made from, as digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GraphId {
    /// The roots, and how imports are read.
    pub settings: Digest,
    /// The same, and the files and their names.
    pub layout: Digest,
    /// What the files of each folder import, in the order of the layout.
    pub folders: Arc<[Digest]>,
    /// Which Python files there are, as [`outline`](crate::outline) writes it.
    pub files: Arc<[u8]>,
}

/// A structure that is at hand, with what it was made from.
pub(crate) type Known = (Arc<GraphId>, Arc<Structure>);

/// All that the structure of a graph is made from.
#[salsa::tracked(returns(ref))]
pub(crate) fn graph_id<'db>(db: &'db dyn Db, key: GraphKey<'db>) -> Arc<GraphId> {
    let LayoutId { settings, layout, files } = layout_id(db, key).clone();
    Arc::new(GraphId { settings, layout, folders: imports(db, key), files })
}

/// That part of a graph's id that its layout tells.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LayoutId {
    settings: Digest,
    layout: Digest,
    files: Arc<[u8]>,
}

#[salsa::tracked(returns(ref))]
fn layout_id<'db>(db: &'db dyn Db, key: GraphKey<'db>) -> LayoutId {
    let layout = layout_of(db, key);
    let settings = digest_of(format!("{:?} {:?}", key.roots(db), key.reading(db)).as_bytes());
    let files = outline(layout);
    let mut hasher = blake3::Hasher::new();
    let number = |number: usize| (number as u64).to_le_bytes();
    hasher.update(settings.as_bytes()).update(&number(files.len())).update(&files);
    for path in &layout.files[layout.data_from as usize..] {
        hasher.update(&number(path.as_bytes().len())).update(path.as_bytes());
    }
    for (owner, data) in layout.data() {
        hasher.update(&owner.to_le_bytes()).update(&number(data.len()));
        data.iter().for_each(|one| _ = hasher.update(&one.to_le_bytes()));
    }
    let layout = Digest(*hasher.finalize().as_bytes());
    LayoutId { settings, layout, files: files.into() }
}

/// The structure of that id.
pub(crate) fn structure<'db>(
    db: &'db dyn Db,
    key: GraphKey<'db>,
    layout: &Layout,
    id: &Arc<GraphId>,
) -> Arc<Structure> {
    let folders = Folders { layout, reading: key.reading(db), links: links_of(db, key) };
    made_or_known(db, key, layout, id, |lacking| {
        lacking.iter().map(|at| folders.needs(db, *at)).collect()
    })
}

/// Whether the structures that are at hand are over other files: then one has to be made.
pub(crate) fn is_over_other_files(db: &Database, key: GraphKey<'_>) -> bool {
    let layout = &layout_id(db, key).layout;
    facts_store(db).graph_over(db.system(), layout).is_none()
}

/// Makes the structure of the graph known before it is asked for, on all processors.
pub(crate) fn prepare_structure(db: &Database, key: GraphKey<'_>) {
    let layout = layout_of(db, key);
    let folders = Folders { layout, reading: key.reading(db), links: links_of(db, key) };
    made_or_known(db, key, layout, graph_id(db, key), |lacking| {
        db.each(lacking, |db, at| folders.needs(db, *at))
    });
}

/// The structure that is at hand, or what is made of one that shares folders with it; `needs` are those of
/// the folders at these places.
fn made_or_known<'db>(
    db: &'db dyn Db,
    key: GraphKey<'db>,
    layout: &Layout,
    id: &Arc<GraphId>,
    needs: impl FnOnce(&[usize]) -> Vec<Part>,
) -> Arc<Structure> {
    let store = facts_store(db);
    if let Some(known) = store.graph(db.system(), id) {
        return known;
    }
    let similar = store.similar_graph(db.system(), id);
    let facts = |file: FileId| {
        let (path, first) = &layout.folders[layout.folder_of(file)];
        folder_facts(db, db.folder(path)).0[(file - first) as usize].clone()
    };
    let reuse = similar
        .as_ref()
        .and_then(|known| Reuse::of(known, layout, id, (key.roots(db), key.reading(db)), &facts));
    let parts = match &reuse {
        Some(reuse) => {
            let lacking: Vec<usize> = reuse.lacking().collect();
            reuse.parts(needs(&lacking))
        }
        None => needs(&Vec::from_iter(0..layout.folders.len())),
    };
    let made = Arc::new(Structure::new(layout, &parts));
    store.keep_graph(db.system(), id, &made);
    made
}

impl Structure {
    /// Of what the files need, in the order of the layout.
    fn new(layout: &Layout, parts: &[Part]) -> Self {
        let data = layout.files.len() - layout.data_from as usize;
        // By path, not by number: numbers are nothing that a result depends on.
        let path = |file: &FileId| &layout.files[*file as usize];
        let condensed = || {
            let rows = parts.iter().flat_map(|part| part.edges.rows());
            let rows = rows.chain(std::iter::repeat_n(&[][..], data));
            let edges = Adjacency::new(rows.map(copied));
            let components = Components::new(&edges, |one, other| path(one).cmp(path(other)));
            (edges, components)
        };
        let ((edges, components), (external_names, externals)) =
            rayon::join(condensed, || externals(parts, data));
        let (mut broken, mut loose, mut first) = (Vec::new(), Vec::new(), 0);
        for part in parts {
            broken.extend(part.broken.iter().map(|at| first + at));
            loose.extend(part.loose.iter().map(|at| first + at));
            first += part.edges.len() as FileId;
        }
        Self { edges, externals, external_names, broken, loose, components }
    }
}

/// What files that follow each other need: those of a folder, or of several that are at hand.
pub(crate) struct Part {
    pub edges: Adjacency,
    /// By places in `names`.
    pub outside: Adjacency<External>,
    pub names: Vec<Arc<str>>,
    /// By places in the part.
    pub broken: Vec<u32>,
    pub loose: Vec<u32>,
}

/// The folders of a layout, and all else that tells what their files need.
struct Folders<'a> {
    layout: &'a Layout,
    reading: &'a Reading,
    links: &'a Links,
}

impl Folders<'_> {
    /// What the files of the folder at that place need.
    fn needs(&self, db: &dyn Db, at: usize) -> Part {
        let (path, first) = &self.layout.folders[at];
        let needs = Needs::in_folder(self.layout, self.reading, self.links, path);
        let all = &folder_facts(db, db.folder(path)).0;
        let (mut edges, mut outside) =
            (Adjacency::for_nodes(all.len()), Adjacency::for_nodes(all.len()));
        let (mut broken, mut loose) = (Vec::new(), Vec::new());
        let mut gathered = Gathered::default();
        for (at, facts) in all.iter().enumerate() {
            let file = first + at as FileId;
            gathered.files.clear();
            gathered.outside.clear();
            gathered.is_loose = false;
            needs.of(file, facts.as_ref(), &mut gathered);
            if facts.as_ref().is_some_and(|facts| facts.error().is_some()) {
                broken.push(at as u32);
            }
            if gathered.is_loose {
                loose.push(at as u32);
            }
            settle(&mut gathered.files, file);
            merge(&mut gathered.outside);
            edges.push(copied(&gathered.files));
            outside.push(copied(&gathered.outside));
        }
        Part { edges, outside, names: gathered.names.in_order(), broken, loose }
    }
}

/// What one file needs, and the names of all files before it.
#[derive(Default)]
struct Gathered {
    names: Numbers,
    files: Vec<FileId>,
    outside: Vec<External>,
    is_loose: bool,
}

impl Sink for Gathered {
    fn file(&mut self, file: FileId, _: Cause) {
        self.files.push(file);
    }

    fn outside(&mut self, name: &str, is_required: bool, _: Cause) {
        self.outside.push(External { name: self.names.of(name), is_required });
    }

    fn loose(&mut self) {
        self.is_loose = true;
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

pub(crate) fn copied<T: Copy>(row: &[T]) -> impl Iterator<Item = T> {
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
fn externals(parts: &[Part], data: usize) -> (Vec<Arc<str>>, Adjacency<External>) {
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
