//! How one file leads to another: the shortest way through the graph, each step with the line that
//! makes it. Only made when somebody asks why.

use qik_db::Db;
use qik_model::RelPath;

use crate::layout::{GraphKey, Layout, layout_of};
use crate::links::links_of;
use crate::module_graph::{ModuleGraph, graph_of};
use crate::modules::{facts_store, is_python};
use crate::names::{FileId, NameId};
use crate::needs::{Cause, Needs, Sink};
use crate::nodes::digests;
use crate::scan::FileFacts;

/// One step of a way: a file, and why it needs the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The file.
    pub file: RelPath,
    /// Why it needs the next file of the way.
    pub cause: Cause,
    /// The line that says so, where one does.
    pub line: Option<u32>,
}

/// The shortest way from one of `from` to `target`; empty where `target` is one of them, `None`
/// where there is none. Of several last steps, one that is an import.
pub fn way(db: &dyn Db, key: GraphKey<'_>, from: &[FileId], target: FileId) -> Option<Vec<Step>> {
    if from.contains(&target) {
        return Some(Vec::new());
    }
    let found = search(graph_of(db, key), from, target)?;
    let (mut file, last) = best(db, key, &found.last, target)?;
    let mut steps = vec![last];
    while let Some(importer) = found.before[file as usize] {
        steps.push(step(db, key, importer, file).clone());
        file = importer;
    }
    steps.reverse();
    Some(steps)
}

/// The last step of [`way`]; `None` where there is no way, or it is empty.
pub fn last_step(db: &dyn Db, key: GraphKey<'_>, from: &[FileId], target: FileId) -> Option<Step> {
    if from.contains(&target) {
        return None;
    }
    let found = search(graph_of(db, key), from, target)?;
    Some(best(db, key, &found.last, target)?.1)
}

/// The shortest ways from some files to another one.
struct Search {
    /// By which file each was reached.
    before: Vec<Option<FileId>>,
    /// The files that take the last step.
    last: Vec<FileId>,
}

fn search(graph: &ModuleGraph, from: &[FileId], target: FileId) -> Option<Search> {
    let mut before: Vec<Option<FileId>> = vec![None; graph.layout.files.len()];
    let mut seen = vec![false; graph.layout.files.len()];
    let mut level: Vec<FileId> = from.to_vec();
    level.iter().for_each(|file| seen[*file as usize] = true);
    while !level.is_empty() {
        let needs_it = |file: &FileId| graph.structure.edges.of(*file).contains(&target);
        let last: Vec<FileId> = level.iter().copied().filter(needs_it).collect();
        if !last.is_empty() {
            return Some(Search { before, last });
        }
        let mut next = Vec::new();
        for file in level {
            for needed in graph.structure.edges.of(file) {
                if !std::mem::replace(&mut seen[*needed as usize], true) {
                    before[*needed as usize] = Some(file);
                    next.push(*needed);
                }
            }
        }
        level = next;
    }
    None
}

/// Of the files that need `target`, the first that says so most plainly. More than a few are not
/// worth reading the facts of all.
fn best(db: &dyn Db, key: GraphKey<'_>, last: &[FileId], target: FileId) -> Option<(FileId, Step)> {
    let mut best: Option<(FileId, &Step)> = None;
    for file in last.iter().take(50) {
        let step = step(db, key, *file, target);
        if best.is_none_or(|(_, best)| rank(step.cause) < rank(best.cause)) {
            best = Some((*file, step));
        }
        if rank(step.cause) == 0 {
            break;
        }
    }
    best.map(|(file, step)| (file, step.clone()))
}

/// Why one file needs another one. Many modules ask for the same: those that reach what was edited.
#[salsa::tracked(returns(ref))]
fn step<'db>(db: &'db dyn Db, key: GraphKey<'db>, file: FileId, needed: FileId) -> Step {
    let mut best: Option<Cause> = None;
    let facts = each_need(db, key, file, &mut |found, cause| {
        if found == needed && best.is_none_or(|best| rank(cause) < rank(best)) {
            best = Some(cause);
        }
    });
    let cause = best.unwrap_or(Cause::Package);
    let line = line_of(cause, facts.as_ref());
    Step { file: layout_of(db, key).files[file as usize].clone(), cause, line }
}

fn rank(cause: Cause) -> u8 {
    match cause {
        Cause::Import(_) => 0,
        Cause::Plugin(_) | Cause::Setting(_) => 1,
        Cause::WholePackage(_) => 2,
        Cause::Link | Cause::Data => 3,
        Cause::Conftest => 4,
        Cause::Package => 5,
    }
}

fn line_of(cause: Cause, facts: Option<&FileFacts>) -> Option<u32> {
    match cause {
        Cause::Import(at) => facts?.imports().nth(at).map(|import| import.line),
        Cause::Plugin(line) | Cause::Setting(line) | Cause::WholePackage(line) => Some(line),
        Cause::Package | Cause::Conftest | Cause::Data | Cause::Link => None,
    }
}

/// Tells every need of a file with its cause; hands back the facts that the causes speak of, which
/// are those of the file as it is now.
pub(crate) fn each_need(
    db: &dyn Db,
    key: GraphKey<'_>,
    file: FileId,
    tell: &mut dyn FnMut(FileId, Cause),
) -> Option<FileFacts> {
    walk(db, key, file, &mut Told { tell, outside: &mut |_, _| {} })
}

/// Tells each import of a file: what it means, whether that is the project's, and the line.
pub fn direct_imports(
    db: &dyn Db,
    key: GraphKey<'_>,
    file: FileId,
    tell: &mut dyn FnMut(String, bool, Option<u32>),
) {
    struct Direct<'a> {
        layout: &'a Layout,
        found: Vec<(String, bool, Cause)>,
    }
    impl Sink for Direct<'_> {
        fn file(&mut self, _: FileId, _: Cause) {}

        fn target(&mut self, name: NameId, cause: Cause) {
            self.found.push((self.layout.names.dotted(name), true, cause));
        }

        fn outside(&mut self, name: &str, _: bool, cause: Cause) {
            self.found.push((name.to_string(), false, cause));
        }
    }
    let mut direct = Direct { layout: layout_of(db, key), found: Vec::new() };
    let facts = walk(db, key, file, &mut direct);
    for (module, is_internal, cause) in direct.found {
        tell(module, is_internal, line_of(cause, facts.as_ref()));
    }
}

/// Tells every name outside that a file imports, with its cause.
pub(crate) fn each_outside(
    db: &dyn Db,
    key: GraphKey<'_>,
    file: FileId,
    outside: &mut dyn FnMut(&str, Cause),
) -> Option<FileFacts> {
    walk(db, key, file, &mut Told { tell: &mut |_, _| {}, outside })
}

fn walk(db: &dyn Db, key: GraphKey<'_>, file: FileId, told: &mut impl Sink) -> Option<FileFacts> {
    let layout = layout_of(db, key);
    let facts = facts_now(db, key, file);
    let folder = layout.files[file as usize].parent().unwrap_or_else(RelPath::root);
    Needs::in_folder(layout, key.reading(db), links_of(db, key), &folder).of(
        file,
        facts.as_ref(),
        told,
    );
    facts
}

/// The facts of a file as it is now, lines included.
pub(crate) fn facts_now(db: &dyn Db, key: GraphKey<'_>, file: FileId) -> Option<FileFacts> {
    let path = &layout_of(db, key).files[file as usize];
    let (_, id) = digests(db, key).files[file as usize];
    is_python(path.name()).then(|| facts_store(db).get(&**db.system(), path, &id))
}

struct Told<'a> {
    tell: &'a mut dyn FnMut(FileId, Cause),
    outside: &'a mut dyn FnMut(&str, Cause),
}

impl Sink for Told<'_> {
    fn file(&mut self, file: FileId, cause: Cause) {
        (self.tell)(file, cause);
    }

    fn outside(&mut self, name: &str, _: bool, cause: Cause) {
        (self.outside)(name, cause);
    }
}

/// The line on which `file` imports the name `dotted`, which is not the project's.
pub(crate) fn line_of_outside(
    db: &dyn Db,
    key: GraphKey<'_>,
    file: FileId,
    dotted: &str,
) -> Option<u32> {
    let mut found = None;
    let facts = each_outside(db, key, file, &mut |name, cause| {
        if name == dotted && found.is_none() {
            found = Some(cause);
        }
    });
    line_of(found?, facts.as_ref())
}
