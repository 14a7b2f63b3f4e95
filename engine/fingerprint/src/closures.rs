//! How the closure of a module differs from a stored one: two graphs of nodes walked where their
//! digests part, down to the files.

use std::collections::{BTreeMap, BTreeSet};

use qik_db::Db;
use qik_model::{BlobId, Digest, FileKind, RelPath};
use qik_python::{
    Cause, Closure, GraphKey, ModuleGraph, Step, component_node, components_of, digests, graph_of,
    reach, root_node, way,
};

use crate::explain::{Difference, FileChange, StoredNode};
use crate::file_set::{StoredKind, decode};
use crate::python_inputs::ModuleInput;

type Files = BTreeMap<RelPath, (FileKind, BlobId)>;

/// What differs between the closure of `input` and the stored one; `None` where a node of that is not
/// at hand.
pub(crate) fn compare(
    db: &dyn Db,
    input: &ModuleInput<'_>,
    then: &Digest,
    stored: StoredNode<'_>,
) -> Option<Vec<Difference>> {
    let graph = graph_of(db, input.key);
    let digests = digests(db, input.key);
    let reached = reach(graph, &components_of(graph, &input.closure.own));
    let now: BTreeMap<Digest, u32> = (0..)
        .zip(&reached)
        .filter(|(_, reached)| **reached)
        .map(|(at, _)| (digests.components[at as usize], at))
        .collect();
    let (old, met) = old_files(then, &now, stored)?;
    let mut differences = Vec::new();
    let mut told = BTreeSet::new();
    for (digest, component) in &now {
        if met.contains(digest) {
            continue;
        }
        for file in graph.components.members.of(*component) {
            let path = &graph.layout.files[*file as usize];
            let change = match old.get(path) {
                Some(was) if *was == digests.files[*file as usize] => continue,
                Some(_) => FileChange::Changed,
                None if is_below(graph, &met, &now, *file, digests) => continue,
                None => FileChange::Added,
            };
            told.insert(path.clone());
            differences.push(reached_by(db, input, *file, change));
        }
    }
    let mut all: BTreeSet<&RelPath> = BTreeSet::new();
    for (at, _) in reached.iter().enumerate().filter(|(_, reached)| **reached) {
        let members = graph.components.members.of(at as u32);
        all.extend(members.iter().map(|file| &graph.layout.files[*file as usize]));
    }
    let gone = old.keys().filter(|path| !all.contains(path));
    differences.extend(gone.map(|path| Difference::File(path.clone(), FileChange::Removed)));
    Some(differences)
}

/// The files of the stored closure outside of the parts that are as they were, and the digests of
/// those parts.
fn old_files(
    then: &Digest,
    now: &BTreeMap<Digest, u32>,
    stored: StoredNode<'_>,
) -> Option<(Files, BTreeSet<Digest>)> {
    let (mut files, mut same) = (Files::new(), BTreeSet::new());
    let (mut open, mut seen) = (vec![*then], BTreeSet::new());
    while let Some(digest) = open.pop() {
        if now.contains_key(&digest) {
            same.insert(digest);
            continue;
        }
        if !seen.insert(digest) {
            continue;
        }
        for (name, kind) in decode(&stored(&digest)?)? {
            match kind {
                StoredKind::File(kind, id) => {
                    files.insert(RelPath::from_clean(name), (kind, id));
                }
                StoredKind::Folder(below) => open.push(below),
            }
        }
    }
    Some((files, same))
}

/// Whether a component of now lies below one that is as it was: then its files were there too.
fn is_below(
    graph: &ModuleGraph,
    same: &BTreeSet<Digest>,
    now: &BTreeMap<Digest, u32>,
    file: u32,
    digests: &qik_python::Digests,
) -> bool {
    let tops: Vec<u32> = same.iter().filter_map(|digest| now.get(digest)).copied().collect();
    let component = graph.components.of[file as usize];
    debug_assert!((component as usize) < digests.components.len());
    reach(graph, &tops)[component as usize]
}

fn reached_by(db: &dyn Db, input: &ModuleInput<'_>, file: u32, change: FileChange) -> Difference {
    let path = graph_of(db, input.key).layout.files[file as usize].clone();
    match way(db, input.key, &input.closure.own, file).and_then(|steps| steps.last().cloned()) {
        Some(step) => Difference::Reached(path, change, because(&step)),
        None => Difference::File(path, change),
    }
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
    let mut wanted = vec![false; graph.components.len()];
    let mut open = components_of(graph, &closure.own);
    while let Some(component) = open.pop() {
        let seen = std::mem::replace(&mut wanted[component as usize], true);
        // What is known is known with all that it leads to.
        if seen || known(&digests.components[component as usize]) {
            continue;
        }
        visit(digests.components[component as usize], component_node(graph, digests, component));
        open.extend(graph.components.successors.of(component));
    }
    let root = root_node(graph, digests, closure);
    visit(crate::manifest::digest_of(&root), root);
}
