//! One look at the disk: every folder listed once, in parallel, merged with its part of the index.
//! Changes nothing: what it finds is handed back as an outcome.

use std::cmp::Ordering;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bstr::ByteSlice;
use gix::glob::pattern::Case;
use qik_model::{Diagnostic, RelPath};
use rayon::prelude::*;

use super::attributes::{Attributes, Conversion};
use super::ignore::{Rules, is_dropping, is_never_listed};
use super::index::{Division, Repository, as_path};
use super::members::Members;
use super::{FileState, Folder, TreeEntry, TreeNode, WorkTree, codes};
use crate::stat::{DirItem, Stat, StatKind};

/// A look in progress.
pub(super) struct Walk<'a> {
    pub tree: &'a WorkTree,
    pub repository: Option<&'a Repository>,
    /// Whether whole folders may be left out because user patterns name them.
    prunes: bool,
    notes: Mutex<Vec<Diagnostic>>,
    /// When it began.
    began: SystemTime,
}

/// What a look found.
#[derive(Default)]
pub(super) struct Outcome {
    /// Folders that were listed; what they held before and hold no more is gone.
    pub listed: Vec<(RelPath, Folder)>,
    pub notes: Vec<Diagnostic>,
}

/// A folder to look at.
pub(super) struct Place {
    pub path: RelPath,
    /// Its part of the index.
    range: Range<usize>,
    /// What holds above it.
    rules: Arc<Rules>,
    /// Whether only tracked files and artifacts count below.
    pub ignored: bool,
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
    /// Whether a file that counts is there.
    holds: bool,
}

/// A folder while what lies below it is not known yet.
struct Listing {
    path: RelPath,
    entries: Vec<(TreeEntry, Option<FileState>)>,
    children: Vec<Place>,
    rules: Arc<Rules>,
    ignored: bool,
    /// The place of its parent in the level above.
    parent: usize,
}

impl Listing {
    fn add_folder(&mut self, name: &[u8]) {
        self.entries.push((TreeEntry { name: name.into(), node: TreeNode::Folder }, None));
    }

    /// `None` where it holds nothing that counts. The project folder is there all the same.
    fn into_folder(mut self) -> Option<Folder> {
        if self.entries.is_empty() && !self.path.is_root() {
            return None;
        }
        // Mostly two runs that are in order: the files, then the folders.
        self.entries.sort_by(|(one, _), (two, _)| one.name.cmp(&two.name));
        let (entries, files): (Vec<_>, Vec<_>) = self.entries.into_iter().unzip();
        let (entries, files) = (entries.into(), files.into());
        Some(Folder { entries, files, rules: self.rules, ignored: self.ignored })
    }
}

/// How many folders a target may lie deep; the way to it takes a stack frame or three for each.
const DEEPEST: usize = 200;

impl<'a> Walk<'a> {
    pub fn new(tree: &'a WorkTree) -> Self {
        Self {
            tree,
            repository: tree.repository.as_ref(),
            prunes: !tree.options.ignore.patterns().any(|pattern| pattern.starts_with('!')),
            notes: Mutex::default(),
            began: tree.system.now(),
        }
    }

    pub fn everything(self) -> Outcome {
        let visited = self.list_all(self.top());
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
        Outcome { listed: visited.listed, notes }
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
        let slashes = path.as_bytes().find_iter(b"/");
        let mut path = match slashes.map(|at| &path.as_bytes()[..at]).nth(DEEPEST) {
            // Looking at more than asked for is never wrong.
            Some(above) => RelPath::from_clean(above),
            None => path.clone(),
        };
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
                Depth::All => self.list_all(place),
                Depth::Files => self.list_anew(place, &targets[1..]),
            },
            _ => self.pass(place, targets),
        }
    }

    /// Goes through a folder to targets below it, without listing it unless something about its
    /// own members turns out to have changed.
    fn pass(&self, place: Place, targets: &[Target]) -> Visited {
        let Some(known) = self.tree.folders.get(&place.path) else {
            return self.list_anew(place, &[]);
        };
        let division = self.division(&place);
        let mut found = Visited { holds: true, ..Visited::default() };
        for (name, below) in by_child(&place.path, targets) {
            let child = self.child(&place.path, &known.rules, known.ignored, &division, name);
            let visited = child.map(|child| self.visit(child, below)).unwrap_or_default();
            let at = known.entries.binary_search_by(|entry| (*entry.name).cmp(name));
            let was_there = at.is_ok_and(|at| known.entries[at].node == TreeNode::Folder);
            if visited.holds != was_there {
                return self.list_anew(place, targets);
            }
            if visited.holds {
                found.listed.extend(visited.listed);
            }
        }
        found
    }

    /// Lists a folder with all below, level by level: a tree may be deeper than a stack.
    fn list_all(&self, top: Place) -> Visited {
        let mut levels: Vec<Vec<Listing>> = Vec::new();
        let mut places = vec![(0, top)];
        while !places.is_empty() {
            let mut level: Vec<Listing> = places
                .into_par_iter()
                .map(|(parent, place)| Listing { parent, ..self.listing(place) })
                .collect();
            places = level
                .iter_mut()
                .enumerate()
                .flat_map(|(at, listing)| {
                    std::mem::take(&mut listing.children).into_iter().map(move |child| (at, child))
                })
                .collect();
            levels.push(level);
        }
        let mut found = Visited::default();
        found.listed.reserve(levels.iter().map(Vec::len).sum());
        while let Some(level) = levels.pop() {
            for listing in level {
                let (path, parent) = (listing.path.clone(), listing.parent);
                let Some(folder) = listing.into_folder() else { continue };
                match levels.last_mut() {
                    Some(above) => above[parent].add_folder(path.name()),
                    None => found.holds = true,
                }
                found.listed.push((path, folder));
            }
        }
        found
    }

    /// Lists a folder, and looks below at the targets and at what is new.
    fn list_anew(&self, place: Place, targets: &[Target]) -> Visited {
        let known = self.tree.folders.get(&place.path);
        let mut listing = self.listing(place);
        let keeps = known.is_some_and(|known| {
            known.ignored == listing.ignored && known.rules.same_as(&listing.rules)
        });
        let mut found = Visited::default();
        for child in std::mem::take(&mut listing.children) {
            let path = child.path.clone();
            let visited = if keeps && self.tree.folders.contains_key(&path) {
                self.revisit(child, targets)
            } else {
                self.list_all(child)
            };
            if visited.holds {
                listing.add_folder(path.name());
                found.listed.extend(visited.listed);
            }
        }
        let path = listing.path.clone();
        if let Some(folder) = listing.into_folder() {
            found.holds = true;
            found.listed.push((path, folder));
        }
        found
    }

    /// What a folder itself holds. One that is gone holds nothing.
    fn listing(&self, place: Place) -> Listing {
        let items = self.tree.listings.look(&place.path, self.began).unwrap_or_else(|error| {
            self.unlisted(&place, &error);
            Vec::new()
        });
        let division = self.division(&place);
        let rules = self.enter(&place, &items, &division);
        let mut members = Members::new(self, &place, &rules, &division);
        let mut children = Vec::new();
        for item in items {
            match item.stat.kind {
                StatKind::Folder => {
                    let ignored = place.ignored;
                    children.extend(self.child(
                        &place.path,
                        &rules,
                        ignored,
                        &division,
                        &item.name,
                    ));
                }
                StatKind::Other => {}
                _ => members.consider(item),
            }
        }
        let entries = members.identify(self.tree.folders.get(&place.path));
        Listing { parent: 0, entries, children, ignored: place.ignored, path: place.path, rules }
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

    fn unlisted(&self, place: &Place, error: &io::Error) {
        if !is_gone(error) {
            let message = format!("the folder `{}` cannot be listed: {error}", place.path);
            self.note(
                Diagnostic::warning(codes::FOLDER_UNREADABLE, message)
                    .help("make it readable, or let `.gitignore` name it"),
            );
        }
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
        if is_never_listed(parent, name) {
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

    /// Whether files that count may come to lie in a folder that holds none yet.
    pub fn may_hold_files(&self, folder: &RelPath) -> bool {
        let Some(parent) = folder.parent() else { return true };
        if is_never_listed(&parent, folder.name()) {
            return false;
        }
        if self.tree.options.artifacts.may_match_below(folder) {
            return true;
        }
        let known = self.tree.folders.get(&parent);
        let ignored = is_dropping(folder.name(), true)
            || known.is_some_and(|parent| {
                let path = self.git_path(folder);
                parent.ignored || parent.rules.ignores(path.as_bstr(), true, self.case())
            });
        !ignored && (known.is_some() || self.may_hold_files(&parent))
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
    pub fn git_folder(&self, folder: &RelPath) -> Vec<u8> {
        let mut path = self.git_path(folder);
        if !folder.is_root() {
            path.push(b'/');
        }
        path
    }

    pub fn case(&self) -> Case {
        self.repository.map_or(Case::Sensitive, |repository| repository.case)
    }

    pub fn note(&self, note: Diagnostic) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
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

/// Whether what was listed a moment ago is not there, or is no folder any more.
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}
