//! One look at the disk: every folder listed once, in parallel, merged with its part of the index.
//! Changes nothing: what it finds is handed back as an outcome.

use std::cmp::Ordering;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bstr::{BStr, ByteSlice};
use gix::attrs::search::Outcome as Matches;
use gix::glob::pattern::Case;
use qik_model::{BlobId, Diagnostic, FileKind, RelPath};
use rayon::prelude::*;

use super::attributes::{Attributes, Conversion, Treatment};
use super::facts::Facts;
use super::ignore::{Rules, is_dropping};
use super::index::{Division, Repository, Tracked, as_path};
use super::{FileState, Folder, Revision, TreeEntry, TreeNode, WorkTree, codes};
use crate::STATE_FOLDER;
use crate::stat::{DirItem, Stat, StatKind};

/// A look in progress.
pub(super) struct Walk<'a> {
    tree: &'a WorkTree,
    repository: Option<&'a Repository>,
    /// Whether whole folders may be left out because user patterns name them.
    prunes: bool,
    notes: Mutex<Vec<Diagnostic>>,
}

/// What a look found.
#[derive(Default)]
pub(super) struct Outcome {
    /// Folders that were listed.
    pub listed: Vec<(RelPath, Folder)>,
    /// Folders that are gone, with all below.
    pub gone: Vec<RelPath>,
    pub notes: Vec<Diagnostic>,
}

/// A folder to look at.
struct Place {
    path: RelPath,
    /// Its part of the index.
    range: Range<usize>,
    /// What holds above it.
    rules: Arc<Rules>,
    /// Whether only tracked files and artifacts count below.
    ignored: bool,
}

/// A folder that somebody wants looked at: with all below, or its own files only.
type Target = (RelPath, Depth);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    Files,
    All,
}

/// What was found at a folder and below.
#[derive(Default)]
struct Visited {
    listed: Vec<(RelPath, Folder)>,
    gone: Vec<RelPath>,
    /// Whether a file that counts is there.
    holds: bool,
}

/// Bytes from which on a file is not read into memory.
const STREAMED: u64 = 16 << 20;
/// How often a file is read until it holds still.
const ATTEMPTS: usize = 5;

impl<'a> Walk<'a> {
    pub fn new(tree: &'a WorkTree) -> Self {
        Self {
            tree,
            repository: tree.repository.as_ref(),
            prunes: !tree.options.ignore.patterns().any(|pattern| pattern.starts_with('!')),
            notes: Mutex::default(),
        }
    }

    pub fn everything(self) -> Outcome {
        let visited = self.list(self.top(), None);
        self.finish(visited)
    }

    /// Looks at these folders with all below, and at these files.
    pub fn only(self, scope: &[RelPath]) -> Outcome {
        let targets = self.targets(scope);
        let visited =
            if targets.is_empty() { Visited::default() } else { self.visit(self.top(), &targets) };
        self.finish(visited)
    }

    fn finish(self, visited: Visited) -> Outcome {
        let mut notes = self.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        notes.sort();
        Outcome { listed: visited.listed, gone: visited.gone, notes }
    }

    fn top(&self) -> Place {
        let (range, rules) = match self.repository {
            Some(repository) => {
                (repository.entries_below(repository.prefix()), repository.rules.clone())
            }
            None => {
                let attributes = Attributes::new(Conversion::Raw, Case::Sensitive);
                (0..0, Arc::new(Rules::new(attributes)))
            }
        };
        Place { path: RelPath::root(), range, rules, ignored: false }
    }

    /// The folders to look at, none within another that is looked at whole, sorted.
    fn targets(&self, scope: &[RelPath]) -> Vec<Target> {
        let mut targets: Vec<Target> = scope.iter().map(|path| self.target(path)).collect();
        targets.sort_by(|one, two| by_segments(one, two).then(two.1.cmp(&one.1)));
        targets.dedup_by(|next, kept| {
            next.0 == kept.0 || (kept.1 == Depth::All && next.0.is_within(&kept.0))
        });
        targets
    }

    fn target(&self, path: &RelPath) -> Target {
        let mut path = path.clone();
        let mut depth = Depth::All;
        loop {
            let is_folder = |stat: Stat| stat.kind == StatKind::Folder;
            match path.parent() {
                None => return (path, depth),
                Some(_) if self.tree.system.stat(&path).is_ok_and(is_folder) => {
                    return (path, depth);
                }
                Some(parent) => (path, depth) = (parent, Depth::Files),
            }
        }
    }

    /// Looks at the targets at or below a folder.
    fn visit(&self, place: Place, targets: &[Target]) -> Visited {
        match targets.first() {
            Some((path, depth)) if *path == place.path => match depth {
                Depth::All => self.list(place, None),
                Depth::Files => self.list(place, Some(&targets[1..])),
            },
            _ => self.pass(place, targets),
        }
    }

    /// Goes through a folder to targets below it, without listing it unless something about its
    /// own members turns out to have changed.
    fn pass(&self, place: Place, targets: &[Target]) -> Visited {
        let Some(known) = self.tree.folders.get(&place.path) else {
            return self.list(place, Some(&[]));
        };
        let division = self.division(&place);
        let mut found = Visited { holds: true, ..Visited::default() };
        for (name, below) in by_child(&place.path, targets) {
            let child = self.child(&place.path, &known.rules, known.ignored, &division, name);
            let visited = child.map(|child| self.visit(child, below)).unwrap_or_default();
            let at = known.entries.binary_search_by(|entry| (*entry.name).cmp(name));
            let was_there = at.is_ok_and(|at| known.entries[at].node == TreeNode::Folder);
            if visited.holds != was_there {
                return self.list(place, Some(targets));
            }
            if visited.holds {
                found.listed.extend(visited.listed);
                found.gone.extend(visited.gone);
            }
        }
        found
    }

    /// Lists a folder, and all below; or, given targets, below only those and what is new.
    fn list(&self, place: Place, targets: Option<&[Target]>) -> Visited {
        let items = match self.tree.system.list(&place.path) {
            Ok(items) => items,
            Err(error) => return self.unlisted(&place, &error),
        };
        let division = self.division(&place);
        let rules = self.enter(&place, &items, &division);
        let known = self.tree.folders.get(&place.path);
        let keeps = targets.is_some()
            && known
                .is_some_and(|known| known.ignored == place.ignored && known.rules.same_as(&rules));

        let mut members = Members::new(self, &place, &rules, &division);
        let mut children = Vec::new();
        for item in items {
            match item.stat.kind {
                StatKind::Folder => {
                    let child =
                        self.child(&place.path, &rules, place.ignored, &division, &item.name);
                    if let Some(child) = child {
                        children.push((item.name, child));
                    }
                }
                StatKind::Other => {}
                _ => members.consider(item),
            }
        }
        let mut entries = members.identify(known);
        let visits: Vec<(Box<[u8]>, Visited)> = children
            .into_par_iter()
            .map(|(name, child)| {
                let keep = keeps && self.tree.folders.contains_key(&child.path);
                let visited = match targets {
                    Some(targets) if keep => self.revisit(child, targets),
                    _ => self.list(child, None),
                };
                (name, visited)
            })
            .collect();

        let mut found = Visited::default();
        for (name, visited) in visits {
            if visited.holds {
                entries.push((TreeEntry { name, node: TreeNode::Folder }, None));
                found.listed.extend(visited.listed);
                found.gone.extend(visited.gone);
            }
        }
        found.holds = !entries.is_empty();
        if !found.holds && !place.path.is_root() {
            return Visited { gone: vec![place.path], ..Visited::default() };
        }
        entries.sort_unstable_by(|(one, _), (two, _)| one.name.cmp(&two.name));
        let (entries, files): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let folder =
            Folder { entries: entries.into(), files: files.into(), rules, ignored: place.ignored };
        found.listed.push((place.path, folder));
        found
    }

    /// A folder that was known before: only the targets below it are looked at.
    fn revisit(&self, place: Place, targets: &[Target]) -> Visited {
        let below: Vec<Target> =
            targets.iter().filter(|(path, _)| path.is_within(&place.path)).cloned().collect();
        if below.is_empty() {
            return Visited { holds: true, ..Visited::default() };
        }
        self.visit(place, &below)
    }

    fn unlisted(&self, place: &Place, error: &io::Error) -> Visited {
        if !is_gone(error) {
            let message = format!("the folder `{}` cannot be listed: {error}", place.path);
            self.note(
                Diagnostic::warning(codes::FOLDER_UNREADABLE, message)
                    .help("make it readable, or let `.gitignore` name it"),
            );
        }
        Visited { gone: vec![place.path.clone()], ..Visited::default() }
    }

    /// The folder `name` in `parent`, unless it cannot hold anything that counts.
    fn child(
        &self,
        parent: &RelPath,
        rules: &Arc<Rules>,
        parent_ignored: bool,
        division: &Division<'_>,
        name: &[u8],
    ) -> Option<Place> {
        let never = name == b".git"
            || name == STATE_FOLDER.as_bytes()
            || (name == b"cache" && parent.as_bytes() == b".qik");
        if never {
            return None;
        }
        let path = parent.join(name);
        let range = division.folder(name);
        let user = &self.tree.options.ignore;
        let ignored = parent_ignored
            || is_dropping(name, true)
            || (self.prunes && !user.is_empty() && user.matches(&path))
            || rules.ignores(self.git_path(&path).as_bstr(), true, self.case());
        let artifacts = &self.tree.options.artifacts;
        if ignored && range.is_empty() && !artifacts.may_match_below(&path) {
            return None;
        }
        Some(Place { path, range, rules: rules.clone(), ignored })
    }

    fn division(&self, place: &Place) -> Division<'a> {
        match self.repository {
            Some(repository) if !place.range.is_empty() => {
                let skip = self.git_folder(&place.path).len();
                repository.divide(place.range.clone(), skip)
            }
            _ => Division::default(),
        }
    }

    /// The rules that hold in a folder: with the files that it holds itself.
    fn enter(&self, place: &Place, items: &[DirItem], division: &Division<'_>) -> Arc<Rules> {
        let text = |name: &str| -> Option<Vec<u8>> {
            let on_disk = items.iter().find(|item| &*item.name == name.as_bytes());
            match on_disk {
                // Git does not follow links to these.
                Some(item) if matches!(item.stat.kind, StatKind::File | StatKind::Executable) => {
                    self.tree.system.read(&place.path.join(name)).ok()
                }
                Some(_) => None,
                None => {
                    let tracked = division.file(name.as_bytes())?;
                    let repository = self.repository?;
                    let counts = name == ".gitattributes" || repository.is_sparse(tracked);
                    counts.then(|| repository.bytes(tracked)).flatten()
                }
            }
        };
        let mut ignores: Vec<Vec<u8>> = text(".gitignore").into_iter().collect();
        let mut attributes = None;
        match self.repository {
            Some(_) => attributes = text(".gitattributes"),
            None => ignores.extend(text(".ignore")),
        }
        place.rules.enter(as_path(&self.git_folder(&place.path)), ignores, attributes)
    }

    /// The path from the git root.
    fn git_path(&self, path: &RelPath) -> Vec<u8> {
        let prefix: &[u8] = self.repository.map_or(b"", |repository| repository.prefix());
        [prefix, path.as_bytes()].concat()
    }

    /// The same for a folder, with `/` at its end unless it is the git root.
    fn git_folder(&self, folder: &RelPath) -> Vec<u8> {
        let mut path = self.git_path(folder);
        if !folder.is_root() {
            path.push(b'/');
        }
        path
    }

    fn case(&self) -> Case {
        self.repository.map_or(Case::Sensitive, |repository| repository.case)
    }

    fn note(&self, note: Diagnostic) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }

    /// Reads a file until it holds still. `None` where it is no file any more.
    fn read(&self, path: &RelPath, mut stat: Stat) -> Option<(Stat, Facts, bool)> {
        for attempt in 1.. {
            let before = self.tree.system.now();
            let facts = match self.facts(path, &stat) {
                Ok(facts) => facts,
                Err(error) => {
                    if !is_gone(&error) {
                        let message = format!("the file `{path}` cannot be read: {error}");
                        self.note(
                            Diagnostic::warning(codes::FILE_UNREADABLE, message)
                                .help("make it readable, or let `.gitignore` name it"),
                        );
                    }
                    return None;
                }
            };
            let after = self.tree.system.stat(path).ok()?;
            after.file_kind()?;
            match facts {
                Some(facts) if after.same_state(&stat) => {
                    return Some((stat, facts, stat.settled_at(before)));
                }
                Some(facts) if attempt >= ATTEMPTS => {
                    self.unsteady(path);
                    return Some((after, facts, false));
                }
                None if attempt >= 10 * ATTEMPTS => {
                    self.unsteady(path);
                    return None;
                }
                _ => stat = after,
            }
        }
        None
    }

    fn unsteady(&self, path: &RelPath) {
        let message = format!("the file `{path}` is written to while qik reads it");
        self.note(
            Diagnostic::warning(codes::FILE_UNSTEADY, message)
                .help("let `.gitignore` name it if it is no input"),
        );
    }

    /// What reading a file tells; `None` where its length is not that of `stat`.
    fn facts(&self, path: &RelPath, stat: &Stat) -> io::Result<Option<Facts>> {
        let system = &self.tree.system;
        match stat.kind {
            StatKind::Link => {
                let target = system.read_link(path)?;
                Ok(Some(Facts { raw: super::blob_id(&target), unix: None }))
            }
            _ if stat.size > STREAMED => {
                Facts::of_stream(stat.size, &|sink| system.read_chunks(path, sink))
            }
            _ => Ok(Some(Facts::of(&system.read(path)?))),
        }
    }
}

/// The files of one folder that count.
struct Members<'w, 'a> {
    walk: &'w Walk<'a>,
    place: &'w Place,
    rules: &'w Rules,
    division: &'w Division<'a>,
    /// The folder from the git root with `/`, and a name behind it while one is matched.
    git_path: Vec<u8>,
    folder_length: usize,
    found: Vec<Member>,
}

struct Member {
    item: DirItem,
    tracked: Option<Tracked>,
    treatment: Treatment,
    /// What the index says.
    clean: Option<BlobId>,
}

impl<'w, 'a> Members<'w, 'a> {
    fn new(
        walk: &'w Walk<'a>,
        place: &'w Place,
        rules: &'w Rules,
        division: &'w Division<'a>,
    ) -> Self {
        let git_path = walk.git_folder(&place.path);
        Self {
            walk,
            place,
            rules,
            division,
            folder_length: git_path.len(),
            git_path,
            found: Vec::new(),
        }
    }

    fn consider(&mut self, item: DirItem) {
        if &*item.name == b".git" {
            return;
        }
        let tracked = self.division.file(&item.name);
        if tracked.is_none() && !self.counts(&item.name) {
            return;
        }
        let clean = tracked.and_then(|tracked| self.walk.repository?.clean_id(tracked, &item.stat));
        self.found.push(Member { item, tracked, treatment: Treatment::PLAIN, clean });
    }

    /// Whether an untracked file counts.
    fn counts(&mut self, name: &[u8]) -> bool {
        let options = &self.walk.tree.options;
        let dropped = self.place.ignored
            || is_dropping(name, false)
            || self.rules.ignores(
                git_path(&mut self.git_path, self.folder_length, name),
                false,
                self.walk.case(),
            );
        if !dropped && options.ignore.is_empty() {
            return true;
        }
        let path = self.place.path.join(name);
        (!dropped && !options.ignore.matches(&path)) || options.artifacts.matches(&path)
    }

    fn identify(mut self, known: Option<&Folder>) -> Vec<(TreeEntry, Option<FileState>)> {
        self.treat();
        let Self { walk, place, found, .. } = self;
        let identify = |member: Member| identify(walk, place, member, known);
        let dirty = found.iter().filter(|member| member.clean.is_none()).count();
        if dirty > 1 {
            found.into_par_iter().filter_map(identify).collect()
        } else {
            found.into_iter().filter_map(identify).collect()
        }
    }

    /// Finds out how the files are converted, for those where it may matter.
    fn treat(&mut self) {
        let attributes = &self.rules.attributes;
        if !attributes.matter() {
            return;
        }
        let mut matches = Matches::default();
        for member in &mut self.found {
            if member.item.stat.kind == StatKind::Link
                || (member.clean.is_some() && !attributes.clean_entries_need_a_look())
            {
                continue;
            }
            let path = git_path(&mut self.git_path, self.folder_length, &member.item.name);
            member.treatment = attributes.treatment(path, &mut matches);
            if member.treatment.index_differs {
                member.clean = None;
            }
        }
    }
}

fn identify(
    walk: &Walk<'_>,
    place: &Place,
    member: Member,
    known: Option<&Folder>,
) -> Option<(TreeEntry, Option<FileState>)> {
    let Member { item: DirItem { name, mut stat }, tracked, treatment, clean } = member;
    let (id, facts, settled) = match clean {
        Some(id) => (id, None, true),
        None => {
            let path = place.path.join(&name);
            let (facts, settled) = match remembered(walk, &path, &name, &stat, known) {
                Some(facts) => (facts, true),
                None => {
                    let (now, facts, settled) = walk.read(&path, stat)?;
                    stat = now;
                    (facts, settled)
                }
            };
            let crlf_in_index = || {
                walk.repository.zip(tracked).is_some_and(|(repo, tracked)| repo.has_crlf(tracked))
            };
            (facts.id(treatment.conversion, crlf_in_index), Some(facts), settled)
        }
    };
    let kind: FileKind = match walk.repository {
        Some(repository) => repository.kind(tracked, stat.file_kind()?),
        None => stat.file_kind()?,
    };
    let entry = TreeEntry { name, node: TreeNode::File { kind, id } };
    // Whether it was touched is for whoever compares it with what was there.
    Some((entry, Some(FileState { stat, touched: Revision::default(), facts, settled })))
}

/// What an earlier reading told, in this process or another.
fn remembered(
    walk: &Walk<'_>,
    path: &RelPath,
    name: &[u8],
    stat: &Stat,
    known: Option<&Folder>,
) -> Option<Facts> {
    let in_memory = known.and_then(|folder| {
        let at = folder.entries.binary_search_by(|entry| (*entry.name).cmp(name)).ok()?;
        folder.files[at].as_ref()
    });
    match in_memory {
        Some(state) if state.settled && state.stat.same_state(stat) && state.facts.is_some() => {
            state.facts
        }
        _ => walk.tree.cache.get(path.as_bytes(), stat),
    }
}

/// The targets below a folder, by the child that they are or lie in.
fn by_child<'t>(folder: &RelPath, targets: &'t [Target]) -> Vec<(&'t [u8], &'t [Target])> {
    let skip = if folder.is_root() { 0 } else { folder.as_bytes().len() + 1 };
    fn child(target: &Target, skip: usize) -> &[u8] {
        let rest = &target.0.as_bytes()[skip..];
        &rest[..rest.find_byte(b'/').unwrap_or(rest.len())]
    }
    targets
        .chunk_by(|one, two| child(one, skip) == child(two, skip))
        .map(|chunk| (child(&chunk[0], skip), chunk))
        .collect()
}

/// Folders before what they hold, and nothing in between.
fn by_segments(one: &Target, two: &Target) -> Ordering {
    one.0.segments().cmp(two.0.segments())
}

fn git_path<'b>(buffer: &'b mut Vec<u8>, folder_length: usize, name: &[u8]) -> &'b BStr {
    buffer.truncate(folder_length);
    buffer.extend_from_slice(name);
    buffer.as_bstr()
}

/// Whether what was listed a moment ago is not there, or is no folder any more.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}
