//! Where Python files lie and by which names they go: every file below the roots of imports, numbered,
//! and the tree of dotted names. Knows nothing of what any file imports.

use std::ops::Range;
use std::sync::Arc;

use qik_db::Db;
use qik_model::{GlobSet, Reading, RelPath};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::components::Adjacency;
use crate::modules::{FolderListing, folder_listing, is_python, may_be_package};
use crate::names::{FileId, NameId, Names};

/// The roots of imports, and how imports are read, as a key of queries.
#[salsa::interned(debug, revisions = usize::MAX)]
pub struct GraphKey<'db> {
    /// Folders below which the first segment of a name is looked for.
    #[returns(ref)]
    pub roots: Vec<RelPath>,
    /// How imports are read.
    #[returns(ref)]
    pub reading: Reading,
}

/// All files that a graph is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The dotted names.
    pub names: Names,
    /// Paths by number: Python files folder by folder and by name, then data files.
    pub files: Vec<RelPath>,
    /// The folders that were looked into, each with the number of its first file; what
    /// [`folder_listing`] lists of one are the files from there on.
    pub folders: Vec<(RelPath, FileId)>,
    /// The number of the first data file.
    pub data_from: FileId,
    /// The names that each file goes by: one for each root that it lies below.
    names_of: Adjacency,
    /// The first file of each folder.
    starts: FxHashMap<RelPath, FileId>,
    /// `conftest.py` by its folder.
    conftests: FxHashMap<RelPath, FileId>,
    /// The data files that count with a Python file.
    data_of: FxHashMap<FileId, Vec<FileId>>,
}

/// The files and names of a graph.
#[salsa::tracked(returns(ref))]
pub fn layout_of<'db>(db: &'db dyn Db, key: GraphKey<'db>) -> Arc<Layout> {
    let mut builder = Builder::new(db, key.reading(db));
    for root in key.roots(db) {
        builder.root(root);
    }
    builder.conftests_above(key.roots(db));
    Arc::new(builder.finish())
}

impl Layout {
    /// The names that a file goes by.
    pub fn names_of(&self, file: FileId) -> impl Iterator<Item = NameId> {
        let names = if file < self.data_from { self.names_of.of(file) } else { &[] };
        names.iter().map(|name| NameId(*name))
    }

    /// Whether the file is that of a package: relative imports start at its own name.
    pub fn is_package(&self, file: FileId) -> bool {
        stem(self.files[file as usize].name()) == b"__init__"
    }

    /// The number of the file at `path`.
    pub fn find(&self, path: &RelPath) -> Option<FileId> {
        let in_folder = |first: FileId| {
            let folder = path.parent();
            let rest = self.files[first as usize..].iter();
            let mut same = rest.take_while(|file| file.parent() == folder);
            same.position(|file| file == path).map(|at| first + at as FileId)
        };
        let first = self.starts.get(&path.parent()?).copied();
        first.and_then(in_folder).or_else(|| {
            let data = self.files[self.data_from as usize..].iter().position(|file| file == path);
            data.map(|at| self.data_from + at as FileId)
        })
    }

    /// The `conftest.py` of `folder` and of all folders above it.
    pub fn conftests(&self, folder: &RelPath) -> Vec<FileId> {
        let mut found = Vec::new();
        let mut folder = Some(folder.clone()).filter(|_| !self.conftests.is_empty());
        while let Some(path) = folder {
            found.extend(self.conftests.get(&path));
            folder = path.parent();
        }
        found
    }

    /// The number that each Python file has in another layout, if it is there.
    pub(crate) fn numbers_in(&self, other: &Self) -> Vec<Option<FileId>> {
        let mut numbers = vec![None; self.data_from as usize];
        for (at, (path, _)) in self.folders.iter().enumerate() {
            let Some(start) = other.starts.get(path) else { continue };
            let theirs = &other.files[*start as usize..other.data_from as usize];
            let mut theirs = (*start..).zip(theirs).peekable();
            // Both are sorted; what comes after the folder's own files is equal to none of these.
            for file in self.files_in(at) {
                let own = &self.files[file as usize];
                let is_before = |(_, one): &(FileId, &RelPath)| {
                    one.name() < own.name() && one.parent().as_ref() == Some(path)
                };
                while theirs.next_if(is_before).is_some() {}
                numbers[file as usize] = theirs.next_if(|(_, one)| *one == own).map(|one| one.0);
            }
        }
        numbers
    }

    /// The numbers of the files of the folder at that place.
    pub(crate) fn files_in(&self, folder: usize) -> Range<FileId> {
        let end = self.folders.get(folder + 1).map_or(self.data_from, |next| next.1);
        self.folders[folder].1..end
    }

    /// The place of the folder of a Python file.
    pub(crate) fn folder_of(&self, file: FileId) -> usize {
        self.folders.partition_point(|(_, first)| *first <= file) - 1
    }

    /// The data files that count with a Python file.
    pub fn data_of(&self, file: FileId) -> &[FileId] {
        self.data_of.get(&file).map_or(&[], Vec::as_slice)
    }

    /// Each Python file with the data files that count with it, sorted.
    pub(crate) fn data(&self) -> Vec<(FileId, &[FileId])> {
        let mut all: Vec<_> = self.data_of.iter().map(|(owner, data)| (*owner, &**data)).collect();
        all.sort_unstable();
        all
    }

    /// A name by which people know the file: its first dotted one, or else its path.
    pub fn title(&self, file: FileId) -> String {
        match self.names_of(file).next() {
            Some(name) if name != self.names.root() => self.names.dotted(name),
            _ => self.files[file as usize].to_string(),
        }
    }
}

/// The name of a file up to its first dot.
pub(crate) fn stem(name: &[u8]) -> &[u8] {
    let dot = name.iter().position(|byte| *byte == b'.').unwrap_or(name.len());
    &name[..dot]
}

/// The package that a folder of that name may be: stubs of `a` may lie in `a-stubs`.
pub(crate) fn package(folder: &[u8]) -> &[u8] {
    folder.strip_suffix(b"-stubs").unwrap_or(folder)
}

struct Builder<'db> {
    db: &'db dyn Db,
    stubs: bool,
    include: GlobSet,
    layout: Layout,
    names_of: Vec<SmallVec<[u32; 2]>>,
    data: Vec<(RelPath, Vec<FileId>)>,
}

impl<'db> Builder<'db> {
    fn new(db: &'db dyn Db, reading: &Reading) -> Self {
        // Patterns that are none were refused with the configuration.
        let include = GlobSet::new(&reading.include).unwrap_or_default();
        let layout = Layout { names: Names::new(), ..Layout::default() };
        let (names_of, data) = (Vec::new(), Vec::new());
        Self { db, stubs: reading.stubs, include, layout, names_of, data }
    }

    fn root(&mut self, root: &RelPath) {
        let mut open = vec![(root.clone(), self.layout.names.root())];
        while let Some((path, name)) = open.pop() {
            let listing = self.listing(&path);
            self.add_folder(&path, name, listing);
            for child in &listing.folders {
                let segment = package(child);
                if segment.len() < child.len() && !self.stubs {
                    continue;
                }
                open.push((path.join(child), self.layout.names.enter(name, segment)));
            }
        }
    }

    /// pytest reads the `conftest.py` of every folder above a test, also above the roots.
    fn conftests_above(&mut self, roots: &[RelPath]) {
        for root in roots {
            let mut above = root.parent();
            while let Some(path) = above {
                let listing = self.listing(&path);
                if listing.files.iter().any(|file| &**file == b"conftest.py") {
                    self.number_files(&path, listing);
                }
                above = path.parent();
            }
        }
    }

    fn listing(&self, path: &RelPath) -> &'db FolderListing {
        folder_listing(self.db, self.db.folder(path))
    }

    fn add_folder(&mut self, path: &RelPath, name: NameId, listing: &FolderListing) {
        let is_new = !self.layout.starts.contains_key(path);
        let first = self.number_files(path, listing);
        for (at, file) in listing.files.iter().enumerate() {
            let id = first + at as FileId;
            let is_stub = file.ends_with(b".pyi") || &**file == b"py.typed";
            if is_stub && !self.stubs {
                continue;
            }
            let stem = stem(file);
            let is_package = stem == b"__init__" || &**file == b"py.typed";
            let names = &mut self.layout.names;
            let own = if is_package { name } else { names.enter(name, stem) };
            if !self.names_of[id as usize].contains(&own.0) {
                self.names_of[id as usize].push(own.0);
            }
            // The top has no `__init__`: what lies there by that name is nobody's package.
            if own != names.root() {
                names.add_file(own, id);
            }
        }
        if is_new && !self.include.is_empty() && !listing.files.is_empty() {
            self.add_data(path, first, listing);
        }
    }

    /// Numbers the files of a folder; the number of the first.
    fn number_files(&mut self, path: &RelPath, listing: &FolderListing) -> FileId {
        if let Some(first) = self.layout.starts.get(path) {
            return *first;
        }
        let first = self.layout.files.len() as FileId;
        self.layout.starts.insert(path.clone(), first);
        self.layout.folders.push((path.clone(), first));
        for file in &listing.files {
            if &**file == b"conftest.py" {
                let id = self.layout.files.len() as FileId;
                self.layout.conftests.insert(path.clone(), id);
            }
            self.layout.files.push(path.join(file));
            self.names_of.push(SmallVec::new());
        }
        first
    }

    /// Data files in a package, and in the folders below it that hold no Python themselves. They
    /// count with its `__init__`, which whoever reaches into it needs; without one with all its files.
    fn add_data(&mut self, folder: &RelPath, first: FileId, listing: &FolderListing) {
        let numbered = (first..).zip(&listing.files);
        let init = numbered.clone().find(|(_, name)| &***name == b"__init__.py");
        let owners: Vec<FileId> = match init {
            Some((id, _)) => vec![id],
            None => numbered.filter(|(_, name)| is_python(name)).map(|(id, _)| id).collect(),
        };
        let mut open = vec![folder.clone()];
        while let Some(path) = open.pop() {
            for (name, is_folder) in self.db.folder(&path).names(self.db).iter() {
                let at = path.join(name);
                match is_folder {
                    true if self.include.may_match_below(&at)
                        && (!may_be_package(name) || self.listing(&at).files.is_empty()) =>
                    {
                        open.push(at);
                    }
                    false if !is_python(name) && self.include.matches(&at) => {
                        self.data.push((at, owners.clone()));
                    }
                    _ => {}
                }
            }
        }
    }

    fn finish(self) -> Layout {
        let mut layout = self.layout;
        layout.data_from = layout.files.len() as FileId;
        for (path, owners) in self.data {
            let id = layout.files.len() as FileId;
            layout.files.push(path);
            for owner in owners {
                layout.data_of.entry(owner).or_default().push(id);
            }
        }
        layout.names_of = Adjacency::new(self.names_of);
        layout
    }
}
