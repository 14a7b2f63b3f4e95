//! What the project's files are right now: folders with the identity of every file that counts.
//! Does not know what the files mean, nor who depends on them.

mod apply;
mod attributes;
mod codes;
mod facts;
mod ignore;
mod index;
mod listings;
mod members;
mod stat_cache;
mod subtree;
mod walk;

use std::sync::Arc;

use qik_model::{BlobId, Diagnostic, FileKind, GlobSet, RelPath};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::System;
use crate::phase;
use crate::stat::{Stat, StatKind};

pub use facts::{BlobHasher, Facts, blob_id, is_content_of};
pub(crate) use ignore::is_never_listed;

use ignore::Rules;
use index::Repository;
use listings::Listings;
use stat_cache::StatCache;

/// What counts besides the files that git does not ignore.
#[derive(Clone, Debug, Default)]
pub struct TreeOptions {
    /// Files that count even if git ignores them: the artifacts that commands declare.
    pub artifacts: GlobSet,
    /// Untracked files that do not count, besides the built-in droppings of tools.
    pub ignore: GlobSet,
}

/// A moment in the life of a [`WorkTree`]: it grows with every look at the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(pub u64);

/// A member of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TreeEntry {
    /// The last segment of its path.
    pub name: Box<[u8]>,
    /// What it is.
    pub node: TreeNode,
}

/// What a member of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TreeNode {
    /// A folder that holds, at some depth, a file that counts.
    Folder,
    /// A file or link.
    File {
        /// Which of them.
        kind: FileKind,
        /// The identity of its content: its git blob id.
        id: BlobId,
    },
}

/// What a look at the disk found.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    /// Folders whose listing changed, sorted by path; `None` where there is none any more.
    pub folders: Vec<(RelPath, Option<Arc<[TreeEntry]>>)>,
    /// Files that came, went, or were written to (even if the bytes are the same again), sorted.
    /// Empty for the first look, before which nothing was known.
    pub touched: Vec<RelPath>,
    /// What went wrong on the way; the tree is complete but for what these name.
    pub notes: Vec<Diagnostic>,
}

/// The files of the project, as last looked at.
///
/// In the tree is what lies below the project folder and git does not ignore: tracked files always
/// (also where an ignore pattern matches them), ignored ones where they are declared artifacts,
/// untracked droppings of tools (`__pycache__`, `*.pyc`, `.coverage*`, `.*_cache/`, `.DS_Store`)
/// never. `.git` at any depth, `._qik` at any depth and `.qik/cache` are no files of the project.
/// The files of nested repositories and submodules count like untracked ones, by content. Folders
/// without any file that counts are not there, as git does not know them either.
#[derive(Debug)]
pub struct WorkTree {
    system: Arc<dyn System>,
    options: TreeOptions,
    repository: Option<Repository>,
    cache: StatCache,
    listings: Listings,
    folders: FxHashMap<RelPath, Folder>,
    revision: Revision,
    /// Every touch, oldest first.
    touches: Vec<(Revision, RelPath)>,
}

/// What is kept of a folder.
#[derive(Debug)]
struct Folder {
    entries: Arc<[TreeEntry]>,
    /// Beside `entries`; for folders nothing.
    files: Box<[Option<FileState>]>,
    /// What is ignored below, and how files are converted.
    rules: Arc<Rules>,
    /// Whether git ignores the folder itself, and with it what is not tracked below.
    ignored: bool,
}

/// What is kept of a file.
#[derive(Clone, Copy, Debug)]
struct FileState {
    stat: Stat,
    touched: Revision,
    /// What was found by reading it; `None` where the index said it.
    facts: Option<Facts>,
    /// Whether the same stat means the same bytes.
    settled: bool,
}

impl WorkTree {
    /// A tree of which nothing is known yet: [`WorkTree::scan`] it.
    pub fn open(system: Arc<dyn System>, options: TreeOptions) -> Self {
        Self {
            cache: StatCache::new(system.clone()),
            listings: Listings::new(system.clone()),
            system,
            options,
            repository: None,
            folders: FxHashMap::default(),
            revision: Revision::default(),
            touches: Vec::new(),
        }
    }

    /// Looks at everything.
    pub fn scan(&mut self) -> Delta {
        let first = self.revision == Revision::default();
        self.revision.0 += 1;
        let mut notes = Vec::new();
        if !self.repository.as_ref().is_some_and(Repository::is_current) {
            let _phase = phase("index");
            self.repository = self.system.git().and_then(|git| {
                Repository::open(git, self.system.root(), self.system.env(), &mut notes)
            });
        }
        let walking = phase("walk");
        let outcome = self.walk().everything();
        drop(walking);
        let mut delta = self.apply(outcome);
        if first {
            delta.touched.clear();
            self.touches.clear();
        }
        delta.notes.splice(0..0, notes);
        delta
    }

    /// Looks at these folders, with all below, and these files; and at everything if git's index
    /// or configuration changed.
    pub fn refresh(&mut self, scope: &[RelPath]) -> Delta {
        let whole = self.revision == Revision::default()
            || scope.iter().any(RelPath::is_root)
            || self.repository_changed();
        if whole {
            return self.scan();
        }
        self.revision.0 += 1;
        let outcome = self.walk().only(scope);
        self.apply(outcome)
    }

    /// Replaces the declared artifacts, and looks where the old and the new ones may lie.
    pub fn set_artifacts(&mut self, artifacts: GlobSet) -> Delta {
        if artifacts == self.options.artifacts {
            return Delta::default();
        }
        let old = std::mem::replace(&mut self.options.artifacts, artifacts);
        let mut scope = old.bases();
        scope.extend(self.options.artifacts.bases());
        if self.revision == Revision::default() { Delta::default() } else { self.refresh(&scope) }
    }

    /// The moment of the last look.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The listing of a folder.
    pub fn folder(&self, path: &RelPath) -> Option<&Arc<[TreeEntry]>> {
        self.folders.get(path).map(|folder| &folder.entries)
    }

    /// All folders, in no order.
    pub fn folders(&self) -> impl Iterator<Item = (&RelPath, &Arc<[TreeEntry]>)> {
        self.folders.iter().map(|(path, folder)| (path, &folder.entries))
    }

    /// A file.
    pub fn file(&self, path: &RelPath) -> Option<(FileKind, BlobId)> {
        let (folder, at) = self.locate(path)?;
        match folder.entries[at].node {
            TreeNode::File { kind, id } => Some((kind, id)),
            TreeNode::Folder => None,
        }
    }

    /// The stat of a file, as of the last look.
    pub fn stat(&self, path: &RelPath) -> Option<Stat> {
        self.state_of(path).map(|state| state.stat)
    }

    /// The stat of a file, as of the last look, if it proves that the bytes are those of the file's
    /// identity, up to the ends of lines: whoever read the file and finds this stat afterwards need
    /// not take the identity of what he read.
    pub fn proof(&self, path: &RelPath) -> Option<Stat> {
        let (folder, at) = self.locate(path)?;
        let state = folder.files[at].as_ref().filter(|state| state.settled)?;
        // A filter makes an identity that is not the one of the bytes on disk, also where it
        // applied only when the file was added.
        let plain = !folder.rules.attributes.clean_entries_need_a_look();
        (plain && state.stat.kind != StatKind::Link).then_some(state.stat)
    }

    /// What reading a file told, as of the last look; `None` where the index told it.
    pub fn facts(&self, path: &RelPath) -> Option<Facts> {
        self.state_of(path)?.facts
    }

    /// Takes note of the bytes of a file for the next look, so that it need not read the file: it
    /// holds them as long as it has this stat, as [`System::write_with`] promises.
    pub fn learn(&mut self, path: RelPath, stat: Stat, facts: Facts) {
        self.cache.learn(path, stat, facts);
    }

    /// Whether git tracks `path`.
    pub fn is_tracked(&self, path: &RelPath) -> bool {
        self.repository.as_ref().is_some_and(|repository| repository.is_tracked(path.as_bytes()))
    }

    /// When a file was last touched: at the latest by the look of this revision.
    pub fn touched_at(&self, path: &RelPath) -> Option<Revision> {
        self.state_of(path).map(|state| state.touched)
    }

    /// The files among those that `meant` accepts that came, went or were written to after
    /// `revision`, whether or not their bytes are the same again. Sorted.
    pub fn touched_since(
        &self,
        revision: Revision,
        meant: &dyn Fn(&RelPath) -> bool,
    ) -> Vec<RelPath> {
        let from = self.touches.partition_point(|(at, _)| *at <= revision);
        let mut touched: Vec<RelPath> = self.touches[from..]
            .iter()
            .filter(|(_, path)| meant(path))
            .map(|(_, path)| path.clone())
            .collect();
        touched.sort();
        touched.dedup();
        touched
    }

    /// Whether files that count may come to lie in a folder, known or not.
    pub fn may_hold_files(&self, folder: &RelPath) -> bool {
        self.folders.contains_key(folder) || self.walk().may_hold_files(folder)
    }

    /// Keeps on disk what was found by reading files and listing folders, for the next process.
    /// Writes only if there is news; `true` if so.
    pub fn save(&mut self) -> std::io::Result<bool> {
        Ok(self.listings.save()? | self.cache.save(&self.folders)?)
    }

    fn locate(&self, path: &RelPath) -> Option<(&Folder, usize)> {
        let folder = self.folders.get(&path.parent()?)?;
        let at = folder.entries.binary_search_by(|entry| (*entry.name).cmp(path.name())).ok()?;
        Some((folder, at))
    }

    fn state_of(&self, path: &RelPath) -> Option<&FileState> {
        let (folder, at) = self.locate(path)?;
        folder.files[at].as_ref()
    }

    fn repository_changed(&self) -> bool {
        match &self.repository {
            Some(repository) => !repository.is_current(),
            None => false,
        }
    }

    fn walk(&self) -> walk::Walk<'_> {
        walk::Walk::new(self)
    }

    /// Forgets all but the last touch of each path once the list grew long.
    fn compact_touches(&mut self) {
        if self.touches.len() < 100_000 {
            return;
        }
        let mut seen = FxHashSet::default();
        let mut kept: Vec<(Revision, RelPath)> =
            self.touches.drain(..).rev().filter(|(_, path)| seen.insert(path.clone())).collect();
        kept.reverse();
        self.touches = kept;
    }
}

#[cfg(test)]
mod tests;
