//! Questions about the import graph: what a module needs, what needs a file, how one leads to another,
//! and what leaves the fences.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_config::names;
use qik_model::{Diagnostic, Name, RelPath};
use qik_python::{
    FenceReport, FileId, GraphKey, ModuleGraph, ModuleName, SpaceKey, Step, closure_or_reason,
    digests, direct_imports, fence_report, fenced_spaces, graph_key, graph_of, outside_needs,
    reached_files, way,
};

use crate::Session;

/// How large a graph is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphSize {
    /// Python files, stubs included, and data files that count.
    pub files: usize,
    /// Files that files need, directly.
    pub edges: usize,
    /// Groups of files that import each other in circles, single files included.
    pub components: usize,
    /// Names that are imported from outside of the project, without the standard library.
    pub outside: usize,
    /// Files with syntax errors that may hide an import.
    pub broken: Vec<RelPath>,
}

/// A part of the graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphPart {
    /// The files, sorted by path.
    pub files: Vec<GraphFile>,
    /// Positions of a file and of one that it needs, sorted.
    pub edges: Vec<(usize, usize)>,
    /// What it needs of distributions: `NAME==VERSION`, and `?NAME` for what is not there.
    pub distributions: Vec<String>,
}

/// A file of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphFile {
    /// Where it is.
    pub path: RelPath,
    /// The dotted name; the path where it has none.
    pub module: String,
}

/// An import as it is written, with what it means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirectImport {
    /// The file.
    pub file: RelPath,
    /// From 1.
    pub line: u32,
    /// The module of the project that it means, or the name outside.
    pub module: String,
    /// Whether it is the project's.
    pub is_internal: bool,
}

impl Session {
    /// Makes the whole graph and the digests over it, keeps what was learnt, and says how large it is.
    pub fn build_graph(&mut self) -> GraphSize {
        self.ready_graph();
        let key = graph_key(&self.db, &[]);
        let graph = graph_of(&self.db, key);
        let _ = digests(&self.db, key);
        GraphSize {
            files: graph.layout.files.len(),
            edges: graph.structure.edges.edges(),
            components: graph.structure.components.len(),
            outside: graph.structure.external_names.len(),
            broken: graph.structure.broken.iter().map(|file| path_of(graph, *file)).collect(),
        }
    }

    /// Every import of every file, sorted.
    pub fn direct_imports(&mut self) -> Vec<DirectImport> {
        self.ready_graph();
        let key = graph_key(&self.db, &[]);
        let layout = graph_of(&self.db, key).layout.clone();
        let mut found = Vec::new();
        for file in 0..layout.data_from {
            direct_imports(&self.db, key, file, &mut |module, is_internal, line| {
                found.push(DirectImport {
                    file: layout.files[file as usize].clone(),
                    line: line.unwrap_or_default(),
                    module,
                    is_internal,
                });
            });
        }
        found.sort();
        found.dedup();
        found
    }

    /// What the module or package `name`, or the file at that path, needs.
    ///
    /// # Errors
    /// Where there is none, or a syntax error hides what it needs.
    pub fn graph_deps(&mut self, name: &str) -> Result<GraphPart, Vec<Diagnostic>> {
        self.ready_graph();
        let db = &self.db;
        let key = graph_key(db, &[]);
        let graph = graph_of(db, key);
        let module = match self.file_of(key, name) {
            Some(file) => graph.layout.title(file),
            None => name.to_string(),
        };
        let module = ModuleName::new(db, Arc::<str>::from(module));
        let closure = closure_or_reason(db, key, module)?;
        let mut part = part(graph, &reached_files(graph, closure));
        let space = SpaceKey::running(db, "default");
        if let Ok(needs) = outside_needs(db, key, space, module) {
            part.distributions = needs.text.lines().map(ToString::to_string).collect();
        }
        Ok(part)
    }

    /// What needs the file, or the module, of that name: directly or through others.
    ///
    /// # Errors
    /// Where there is none.
    pub fn graph_rdeps(&mut self, name: &str) -> Result<GraphPart, Vec<Diagnostic>> {
        self.ready_graph();
        let key = graph_key(&self.db, &[]);
        let graph = graph_of(&self.db, key);
        let targets = self.files_named(key, name)?;
        let mut needs = vec![false; graph.structure.components.len()];
        let of = &graph.structure.components.of;
        targets.iter().for_each(|file| needs[of[*file as usize] as usize] = true);
        // Successors have smaller numbers, so one pass from the leaves up tells of all.
        for component in 0..graph.structure.components.len() as u32 {
            let successors = graph.structure.components.successors.of(component);
            needs[component as usize] |= successors.iter().any(|next| needs[*next as usize]);
        }
        let files: Vec<FileId> = (0..graph.layout.files.len() as FileId)
            .filter(|file| needs[of[*file as usize] as usize])
            .collect();
        Ok(part(graph, &files))
    }

    /// The shortest way by which `from` comes to need `to`; `None` where it does not. Both are
    /// modules or files; the last step leads to the file that is told with the way.
    ///
    /// # Errors
    /// Where there is none of the name.
    pub fn graph_path(
        &mut self,
        from: &str,
        to: &str,
    ) -> Result<Option<(Vec<Step>, RelPath)>, Vec<Diagnostic>> {
        self.ready_graph();
        let key = graph_key(&self.db, &[]);
        let graph = graph_of(&self.db, key);
        let (from, to) = (self.files_named(key, from)?, self.files_named(key, to)?);
        let ways = to.iter().filter_map(|to| Some((way(&self.db, key, &from, *to)?, *to)));
        let shortest = ways.min_by_key(|(steps, _)| steps.len());
        Ok(shortest.map(|(steps, to)| (steps, path_of(graph, to))))
    }

    /// The imports that leave the fences of these spaces; of all that have one where none is named.
    ///
    /// # Errors
    /// Names that are no fenced space.
    pub fn check_fences(&mut self, spaces: &[String]) -> Result<Vec<FenceReport>, Vec<Diagnostic>> {
        let known = fenced_spaces(&self.db);
        let unknown = spaces.iter().filter(|name| !known.iter().any(|known| **known == ***name));
        let errors: Vec<Diagnostic> = unknown.map(|name| no_fence(name, &known)).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        self.ready_graph();
        let wanted =
            known.iter().filter(|name| spaces.is_empty() || spaces.iter().any(|s| **s == ***name));
        Ok(wanted
            .map(|name| fence_report(&self.db, SpaceKey::running(&self.db, name.clone())).clone())
            .collect())
    }

    fn ready_graph(&mut self) {
        self.scan();
        self.prepare_facts();
        // Made here, so that it is kept with what it was made from. What can't be kept is made again by
        // the next process.
        graph_of(&self.db, graph_key(&self.db, &[]));
        let _ = self.tree.save();
        let _ = self.save_python();
    }

    fn file_of(&self, key: GraphKey<'_>, name: &str) -> Option<FileId> {
        graph_of(&self.db, key).layout.find(&RelPath::new(name)?)
    }

    fn files_named(&self, key: GraphKey<'_>, name: &str) -> Result<Vec<FileId>, Vec<Diagnostic>> {
        if let Some(file) = self.file_of(key, name) {
            return Ok(vec![file]);
        }
        let layout = &graph_of(&self.db, key).layout;
        let found = layout.names.follow(layout.names.root(), name, &mut |_| {});
        let mut files = Vec::new();
        if found.whole && found.depth > 0 {
            match layout.names.files(found.last) {
                [] => layout.names.each_file_below(found.last, &mut |file| files.push(file)),
                own => files.extend(own),
            }
        }
        if files.is_empty() {
            let module = ModuleName::new(&self.db, Arc::<str>::from(name));
            return Err(closure_or_reason(&self.db, key, module).err().unwrap_or_default());
        }
        Ok(files)
    }
}

fn path_of(graph: &ModuleGraph, file: FileId) -> RelPath {
    graph.layout.files[file as usize].clone()
}

/// These files and the edges among them.
fn part(graph: &ModuleGraph, files: &[FileId]) -> GraphPart {
    let mut sorted: Vec<FileId> = files.to_vec();
    sorted.sort_by(|a, b| graph.layout.files[*a as usize].cmp(&graph.layout.files[*b as usize]));
    let position: BTreeMap<FileId, usize> =
        sorted.iter().enumerate().map(|(at, file)| (*file, at)).collect();
    let edges = sorted.iter().enumerate().flat_map(|(at, file)| {
        let needed = graph.structure.edges.of(*file).iter();
        needed.filter_map(|needed| position.get(needed)).map(move |needed| (at, *needed))
    });
    let mut edges: Vec<(usize, usize)> = edges.collect();
    edges.sort_unstable();
    let file = |file: &FileId| GraphFile {
        path: path_of(graph, *file),
        module: graph.layout.title(*file),
    };
    GraphPart { files: sorted.iter().map(file).collect(), edges, distributions: Vec::new() }
}

fn no_fence(name: &str, known: &[Name]) -> Diagnostic {
    let known: Vec<&str> = known.iter().map(|name| &**name).collect();
    let help = names::suggest(name, known.iter().copied()).unwrap_or_else(|| match &known[..] {
        [] => "no space has a `fence`".into(),
        known => format!("there are: {}", known.join(", ")),
    });
    Diagnostic::error("select/unknown-space", format!("no space `{name}` with a fence")).help(help)
}
