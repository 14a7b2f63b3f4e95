//! The graph of a tree's Python files: who imports whom, condensed to components.
//!
//! Structure only: no identity of any content is in here, so an edit that leaves imports as they were
//! leaves the graph as it is. What an import may mean counts whole: where Python would choose, all
//! candidates are edges.

use std::sync::Arc;

use qik_db::Db;
use qik_model::RelPath;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::components::{Adjacency, Components};
use crate::modules::{FolderModules, folder_modules};
use crate::names::{FileId, NameId, Names};
use crate::scan::{FileFacts, Imported};

/// How imports are read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Reading {
    /// Leave out what stands under `TYPE_CHECKING` alone.
    pub ignore_type_checking: bool,
}

/// The graph of all Python files below the roots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleGraph {
    /// The dotted names.
    pub names: Names,
    /// The files, in the order in which they were found: folder by folder, by name.
    pub files: Vec<RelPath>,
    /// The folders that were looked into, each with its first file; what [`crate::modules::folder_ids`]
    /// lists of one are the files from there on.
    pub folders: Vec<(RelPath, FileId)>,
    /// The files that each file needs.
    pub edges: Adjacency,
    /// The names outside the project that each file imports, by their place in `external_names`.
    pub externals: Adjacency,
    /// Dotted, sorted: `requests`, `google.cloud.storage`.
    pub external_names: Vec<Box<str>>,
    /// Files with a syntax error that may hide an import.
    pub broken: Vec<FileId>,
    /// The condensed graph.
    pub components: Components,
}

/// The roots of imports, and how imports are read, as a key of queries.
#[salsa::interned(debug)]
pub struct GraphKey<'db> {
    /// Folders below which the first segment of a name is looked for.
    #[returns(ref)]
    pub roots: Vec<RelPath>,
    /// How imports are read.
    #[returns(ref)]
    pub reading: Reading,
}

/// The graph of all Python files below the roots.
#[salsa::tracked(returns(ref))]
pub fn graph_of<'db>(db: &'db dyn Db, key: GraphKey<'db>) -> Arc<ModuleGraph> {
    let mut builder = Builder::new(db);
    for root in key.roots(db) {
        builder.root(root);
    }
    builder.conftests_above(key.roots(db));
    Arc::new(builder.build(key.reading(db)))
}

/// A file while the graph is being made.
struct Node<'db> {
    facts: Option<&'db FileFacts>,
    /// The names that it goes by: one for each root that it lies below.
    names: Vec<NameId>,
    is_package: bool,
}

struct Builder<'db> {
    db: &'db dyn Db,
    names: Names,
    files: Vec<RelPath>,
    nodes: Vec<Node<'db>>,
    folders: Vec<(RelPath, FileId)>,
    seen: FxHashMap<RelPath, FileId>,
    /// `conftest.py` by its folder.
    conftests: FxHashMap<RelPath, FileId>,
}

impl<'db> Builder<'db> {
    fn new(db: &'db dyn Db) -> Self {
        Self {
            db,
            names: Names::new(),
            files: Vec::new(),
            nodes: Vec::new(),
            folders: Vec::new(),
            seen: FxHashMap::default(),
            conftests: FxHashMap::default(),
        }
    }

    fn root(&mut self, root: &RelPath) {
        let mut open = vec![(root.clone(), self.names.root())];
        while let Some((path, name)) = open.pop() {
            let modules = self.modules(&path);
            self.add_folder(&path, name, modules);
            for child in &modules.folders {
                // Stubs of `a` may lie in `a-stubs`.
                let segment = child.strip_suffix(b"-stubs").unwrap_or(child);
                open.push((path.join(child), self.names.enter(name, segment)));
            }
        }
    }

    /// pytest reads the `conftest.py` of every folder above a test, also above the roots.
    fn conftests_above(&mut self, roots: &[RelPath]) {
        for root in roots {
            let mut above = root.parent();
            while let Some(path) = above {
                let modules = self.modules(&path);
                if modules.files.iter().any(|file| &*file.name == b"conftest.py") {
                    self.add_files(&path, modules);
                }
                above = path.parent();
            }
        }
    }

    fn modules(&self, path: &RelPath) -> &'db FolderModules {
        folder_modules(self.db, self.db.folder(path))
    }

    fn add_folder(&mut self, path: &RelPath, name: NameId, modules: &'db FolderModules) {
        let first = self.add_files(path, modules);
        for (at, file) in modules.files.iter().enumerate() {
            let id = first + at as FileId;
            let stem = stem(&file.name);
            let is_package = stem == b"__init__" || file.facts.is_none();
            let own = if is_package { name } else { self.names.enter(name, stem) };
            let node = &mut self.nodes[id as usize];
            if !node.names.contains(&own) {
                node.names.push(own);
            }
            // The top has no `__init__`: what lies there by that name is nobody's package.
            if own != self.names.root() {
                self.names.add_file(own, id);
            }
        }
    }

    /// Numbers the files of a folder; the number of the first.
    fn add_files(&mut self, path: &RelPath, modules: &'db FolderModules) -> FileId {
        if let Some(first) = self.seen.get(path) {
            return *first;
        }
        let first = self.files.len() as FileId;
        self.seen.insert(path.clone(), first);
        self.folders.push((path.clone(), first));
        for file in &modules.files {
            if &*file.name == b"conftest.py" {
                self.conftests.insert(path.clone(), self.files.len() as FileId);
            }
            self.files.push(path.join(&file.name));
            self.nodes.push(Node {
                facts: file.facts.as_ref(),
                names: Vec::new(),
                is_package: matches!(stem(&file.name), b"__init__"),
            });
        }
        first
    }

    fn build(self, reading: &Reading) -> ModuleGraph {
        let mut externals = Externals::default();
        let mut edges = Vec::with_capacity(self.files.len());
        let mut outside = Vec::with_capacity(self.files.len());
        let mut broken = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let file = at as FileId;
            let mut needs =
                Needs { names: &self.names, file, files: Vec::new(), outside: Vec::new() };
            self.needs_of(node, reading, &mut needs);
            self.needs_for_tests(file, &mut needs);
            if node.facts.is_some_and(|facts| facts.error().is_some()) {
                broken.push(file);
            }
            edges.push(needs.settled());
            outside.push(externals.ids(needs.outside));
        }
        let (external_names, outside) = externals.sorted(outside);
        let edges = Adjacency::new(edges);
        ModuleGraph {
            components: Components::new(&edges),
            edges,
            externals: Adjacency::new(outside),
            external_names,
            broken,
            names: self.names,
            files: self.files,
            folders: self.folders,
        }
    }

    fn needs_of(&self, node: &Node<'db>, reading: &Reading, needs: &mut Needs<'_>) {
        for own in &node.names {
            needs.above(*own);
        }
        let Some(facts) = node.facts else { return };
        for import in facts.imports() {
            if import.type_checking && reading.ignore_type_checking {
                continue;
            }
            if import.level == 0 {
                needs.import(self.names.root(), import.module, import.imported, true);
                continue;
            }
            for own in &node.names {
                if let Some(start) = self.base(*own, node.is_package, import.level) {
                    needs.import(start, import.module, import.imported, false);
                }
            }
        }
        for (plugin, _) in facts.plugins() {
            needs.import(self.names.root(), plugin, Imported::Module, true);
        }
        if facts.whole_package().is_some() {
            for own in &node.names {
                let package = if node.is_package { Some(*own) } else { self.names.parent(*own) };
                // A script at the top walks something else than the whole project.
                if let Some(package) = package.filter(|name| *name != self.names.root()) {
                    self.names.each_file_below(package, &mut |file| needs.files.push(file));
                }
            }
        }
    }

    /// Where a relative import of `level` dots starts.
    fn base(&self, own: NameId, is_package: bool, level: u8) -> Option<NameId> {
        let mut base = if is_package { own } else { self.names.parent(own)? };
        for _ in 1..level {
            base = self.names.parent(base)?;
        }
        Some(base)
    }

    /// A test needs the `conftest.py` of its folder and of all above it.
    fn needs_for_tests(&self, file: FileId, needs: &mut Needs<'_>) {
        let path = &self.files[file as usize];
        let stem = stem(path.name());
        let is_test = stem.starts_with(b"test_") || stem.ends_with(b"_test") || stem == b"conftest";
        let mut folder = path.parent().filter(|_| is_test && !self.conftests.is_empty());
        while let Some(path) = folder {
            needs.files.extend(self.conftests.get(&path));
            folder = path.parent();
        }
    }
}

/// What one file needs, as it is gathered.
struct Needs<'a> {
    names: &'a Names,
    file: FileId,
    files: Vec<FileId>,
    outside: Vec<String>,
}

impl Needs<'_> {
    /// The packages above a name: to import it is to run them.
    fn above(&mut self, name: NameId) {
        let mut name = Some(name);
        while let Some(at) = name {
            self.files.extend(self.names.files(at));
            name = self.names.parent(at);
        }
    }

    fn import(&mut self, start: NameId, module: &str, imported: Imported<'_>, absolute: bool) {
        let (names, files) = (self.names, &mut self.files);
        // `from . import a` runs the package itself.
        files.extend(names.files(start));
        let found = names.follow(start, module, &mut |name| files.extend(names.files(name)));
        if found.whole {
            match imported {
                Imported::Module => {}
                Imported::Name(name) => {
                    if let Some(child) = names.child(found.last, name) {
                        files.extend(names.files(child));
                    } else if absolute && self.is_bare(found.last) {
                        self.outside.push(format!("{module}.{name}"));
                    }
                }
                // `__all__` may name submodules, which are then imported.
                Imported::Star => {
                    for child in names.children(found.last) {
                        files.extend(names.files(*child));
                    }
                }
            }
        } else if absolute && (found.depth == 0 || self.is_bare(found.last)) {
            self.outside.push(match imported {
                Imported::Name(name) => format!("{module}.{name}"),
                _ => module.to_string(),
            });
        }
    }

    /// Whether a name is nothing but folders: then distributions may add to it.
    fn is_bare(&self, name: NameId) -> bool {
        let mut name = Some(name);
        while let Some(at) = name {
            if !self.names.files(at).is_empty() {
                return false;
            }
            name = self.names.parent(at);
        }
        true
    }

    fn settled(&mut self) -> Vec<FileId> {
        let mut files = std::mem::take(&mut self.files);
        files.sort_unstable();
        files.dedup();
        files.retain(|file| *file != self.file);
        files
    }
}

/// Names outside the project, numbered as they come and then by their order.
#[derive(Default)]
struct Externals {
    ids: FxHashMap<String, u32>,
}

impl Externals {
    fn ids(&mut self, names: Vec<String>) -> Vec<u32> {
        let unique: FxHashSet<String> = names.into_iter().collect();
        unique
            .into_iter()
            .map(|name| {
                let next = self.ids.len() as u32;
                *self.ids.entry(name).or_insert(next)
            })
            .collect()
    }

    /// The names sorted, and the lists with their places among those.
    fn sorted(self, lists: Vec<Vec<u32>>) -> (Vec<Box<str>>, Vec<Vec<u32>>) {
        let mut names: Vec<(String, u32)> = self.ids.into_iter().collect();
        names.sort_unstable();
        let mut place = vec![0; names.len()];
        for (at, (_, id)) in names.iter().enumerate() {
            place[*id as usize] = at as u32;
        }
        let lists = lists.into_iter().map(|list| {
            let mut list: Vec<u32> = list.into_iter().map(|id| place[id as usize]).collect();
            list.sort_unstable();
            list
        });
        (names.into_iter().map(|(name, _)| name.into()).collect(), lists.collect())
    }
}

fn stem(name: &[u8]) -> &[u8] {
    let dot = name.iter().position(|byte| *byte == b'.').unwrap_or(name.len());
    &name[..dot]
}
