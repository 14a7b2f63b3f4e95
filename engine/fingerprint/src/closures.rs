//! How the closure of a module differs from a stored one: two graphs of nodes walked where their
//! digests part, down to the files.

use qik_db::Db;
use qik_model::{BlobId, Digest, FileKind, RelPath};
use qik_python::{
    Cause, Closure, FileId, GraphKey, ModuleGraph, Step, component_node, components_by_digest,
    components_of, digests, graph_of, last_step, reach, root_node,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::explain::{Difference, FileChange};
use crate::python_inputs::ModuleInput;
use crate::stored::{StoredKind, StoredNodes};

/// What differs between the closure of `input` and the stored one, sorted; how a file is reached is
/// told of the first `told`. `None` where a node of the stored one is not at hand.
pub(crate) fn compare(
    db: &dyn Db,
    input: &ModuleInput<'_>,
    then: &Digest,
    stored: &StoredNodes<'_>,
    told: usize,
) -> Option<Vec<Difference>> {
    let graph = graph_of(db, input.key);
    let then = Then::read(then, components_by_digest(db, input.key), stored)?;
    let mut found = changes(graph, &digests(db, input.key).files, &input.closure.own, &then);
    found.sort();
    let mut left = told;
    let differences = found.into_iter().map(|(path, change)| {
        let file = graph.layout.find(&path).filter(|_| change != FileChange::Removed);
        let Some(file) = file.filter(|file| input.closure.own.binary_search(file).is_err()) else {
            return Difference::File(path, change);
        };
        if left == 0 {
            return Difference::Reached(path, change, None);
        }
        left -= 1;
        let step = last_step(db, input.key, &input.closure.own, file);
        Difference::Reached(path, change, step.map(|step| because(&step)))
    });
    Some(differences.collect())
}

/// A stored closure, as far as it is not a part of the graph of now.
struct Then {
    /// The files of its components that are not as they were.
    files: FxHashMap<RelPath, (FileKind, BlobId)>,
    /// Components of now that it names. It holds all that those lead to.
    same: FxHashSet<u32>,
}

impl Then {
    fn read(root: &Digest, now: &FxHashMap<Digest, u32>, stored: &StoredNodes<'_>) -> Option<Self> {
        let mut then = Self { files: FxHashMap::default(), same: FxHashSet::default() };
        let (mut open, mut seen) = (vec![*root], FxHashSet::default());
        while let Some(digest) = open.pop() {
            if let Some(same) = now.get(&digest) {
                then.same.insert(*same);
                continue;
            }
            if !seen.insert(digest) {
                continue;
            }
            for (name, kind) in stored.members(&digest)?.iter() {
                match kind {
                    StoredKind::File(kind, id) => {
                        then.files.insert(RelPath::from_clean(&name[..]), (*kind, *id));
                    }
                    StoredKind::Folder(below) => open.push(*below),
                }
            }
        }
        Some(then)
    }
}

/// The files on which the closure of `own` and the stored one differ. Only the components that are not
/// as they were are walked, unless a file came or went.
fn changes(
    graph: &ModuleGraph,
    now: &[(FileKind, BlobId)],
    own: &[FileId],
    then: &Then,
) -> Vec<(RelPath, FileChange)> {
    let (mut found, mut added) = (Vec::new(), Vec::new());
    let (mut open, mut seen) = (components_of(graph, own), FxHashSet::default());
    let (mut same, mut known) = (0, 0);
    while let Some(component) = open.pop() {
        if !seen.insert(component) {
            continue;
        }
        if then.same.contains(&component) {
            same += 1;
            continue;
        }
        for file in graph.structure.components.members.of(component) {
            let path = &graph.layout.files[*file as usize];
            match then.files.get(path) {
                Some(was) => {
                    known += 1;
                    if *was != now[*file as usize] {
                        found.push((path.clone(), FileChange::Changed));
                    }
                }
                None => added.push(*file),
            }
        }
        open.extend(graph.structure.components.successors.of(component));
    }
    if !added.is_empty() || same < then.same.len() || known < then.files.len() {
        came_and_went(graph, own, then, &added, &mut found);
    }
    found
}

/// The files of now that lie below no part that is as it was, and those of then that are not reached
/// any more.
fn came_and_went(
    graph: &ModuleGraph,
    own: &[FileId],
    then: &Then,
    added: &[FileId],
    found: &mut Vec<(RelPath, FileChange)>,
) {
    let path = |file: FileId| graph.layout.files[file as usize].clone();
    let component = |file: FileId| graph.structure.components.of[file as usize] as usize;
    let was = reach(graph, &then.same.iter().copied().collect::<Vec<_>>());
    let is = reach(graph, &components_of(graph, own));
    let new = added.iter().filter(|file| !was[component(**file)]);
    found.extend(new.map(|file| (path(*file), FileChange::Added)));
    let is_there = |path: &RelPath| graph.layout.find(path).is_some_and(|file| is[component(file)]);
    let gone = then.files.keys().filter(|path| !is_there(path));
    found.extend(gone.map(|path| (path.clone(), FileChange::Removed)));
    let left = (0..graph.structure.components.len()).filter(|at| was[*at] && !is[*at]);
    let files = left.flat_map(|at| graph.structure.components.members.of(at as u32));
    found.extend(files.map(|file| (path(*file), FileChange::Removed)));
}

/// Why a file counts, as it is said behind a comma.
fn because(step: &Step) -> String {
    let place = match step.line {
        Some(line) => format!("{}:{line}", step.file),
        None => step.file.to_string(),
    };
    match step.cause {
        Cause::Import(_) | Cause::Setting(_) => format!("imported by {place}"),
        Cause::Plugin(_) => format!("a plugin of {place}"),
        Cause::WholePackage(_) => format!("loaded by {place}"),
        Cause::Package => format!("in whose package {place} lies"),
        Cause::Conftest => format!("read for {place}"),
        Cause::Data => format!("data of {place}"),
        Cause::Link => format!("linked to {place}"),
    }
}

/// The nodes of a closure that are not known.
pub(crate) fn each_node(
    db: &dyn Db,
    key: GraphKey<'_>,
    closure: &Closure,
    known: &dyn Fn(&Digest) -> bool,
    visit: &mut dyn FnMut(Digest, Vec<u8>),
) {
    let graph = graph_of(db, key);
    let digests = digests(db, key);
    let mut wanted = vec![false; graph.structure.components.len()];
    let mut open = components_of(graph, &closure.own);
    while let Some(component) = open.pop() {
        let seen = std::mem::replace(&mut wanted[component as usize], true);
        // What is known is known with all that it leads to.
        if seen || known(&digests.components[component as usize]) {
            continue;
        }
        visit(digests.components[component as usize], component_node(graph, digests, component));
        open.extend(graph.structure.components.successors.of(component));
    }
    let root = root_node(graph, digests, closure);
    visit(crate::manifest::digest_of(&root), root);
}
