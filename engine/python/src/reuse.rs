//! What of a structure still holds where files came and went: the rows of folders that list and import what
//! they did, and whose imports come by no name that changed.
//!
//! A row says what imports mean, and to find that out names are followed from one to the next. A name that
//! changed is met coming from the name above it. Who comes there needs the files of that name, or where it
//! has none is known as [`Structure::loose`]; and who goes on from there writes the changed name's last
//! segment, or takes all that there is. Below a changed name itself nothing is taken over. Where that does not tell,
//! such as at the top, where all absolute imports come by, nothing is.

use std::collections::BTreeSet;
use std::ops::Range;

use memchr::memmem::Finder;
use qik_model::{Reading, RelPath};
use rustc_hash::FxHashMap;

use crate::components::Adjacency;
use crate::layout::{Layout, package, stem};
use crate::module_graph::External;
use crate::names::{FileId, NameId};
use crate::outline::{OutlinedFolder, folders};
use crate::scan::{FileFacts, Imported};
use crate::structure::{GraphId, Known, Part, Structure, copied};

/// The rows of a structure that hold for another layout, too.
pub(crate) struct Reuse<'k> {
    structure: &'k Structure,
    /// Of each folder of the layout the numbers that its files had.
    rows: Vec<Option<Range<FileId>>>,
    /// The number that each file has now. Nothing where all have the same.
    moved: Option<Vec<FileId>>,
}

/// It is not there any more.
const GONE: FileId = FileId::MAX;

impl<'k> Reuse<'k> {
    /// What holds of a known structure over the files of a layout. `facts` gives those of a file.
    pub fn of(
        known: &'k Known,
        layout: &Layout,
        id: &GraphId,
        (roots, reading): (&[RelPath], &Reading),
        facts: &dyn Fn(FileId) -> Option<FileFacts>,
    ) -> Option<Self> {
        let (before, structure) = (&*known.0, &*known.1);
        if before.layout == id.layout {
            return Some(Self::of_same_files(before, structure, layout, id));
        }
        // What is linked goes by patterns of names, which nobody writes.
        if before.settings != id.settings || !reading.add_links.is_empty() {
            return None;
        }
        let was: Vec<_> = folders(&before.files).collect();
        let is: Vec<_> = folders(&id.files).collect();
        let listed = was.last().map_or(0, |last| last.end as usize);
        if structure.edges.len() != listed || layout.files.len() != layout.data_from as usize {
            // Data files count with others by patterns, too.
            return None;
        }
        let pairs = Pairs::of(&was, &is);
        let changed = ChangedNames::find(layout, roots, &was, &is, &pairs)?;
        let moved = pairs.moved(&was, &is);
        let of_folder = |(new, old): (usize, &Option<usize>)| {
            let old = (*old)?;
            let is_same =
                was[old].lists_the_same(&is[new]) && before.folders[old] == id.folders[new];
            is_same.then_some(was[old].first..was[old].end)
        };
        let rows = pairs.before.iter().enumerate().map(of_folder).collect();
        let mut reuse = Self { structure, rows, moved: Some(moved) };
        reuse.drop_what_met(&changed, layout, facts);
        Some(reuse)
    }

    fn of_same_files(
        before: &GraphId,
        structure: &'k Structure,
        layout: &Layout,
        id: &GraphId,
    ) -> Self {
        let same = before.folders.iter().zip(&*id.folders).map(|(one, other)| one == other);
        let rows = same.enumerate().map(|(at, is_same)| is_same.then(|| layout.files_in(at)));
        Self { structure, rows: rows.collect(), moved: None }
    }

    /// Leaves out the folders in which a file may come to a changed name.
    fn drop_what_met(
        &mut self,
        changed: &ChangedNames,
        layout: &Layout,
        facts: &dyn Fn(FileId) -> Option<FileFacts>,
    ) {
        let (structure, rows) = (self.structure, &mut self.rows);
        for name in &changed.names {
            layout.names.each_file_below(*name, &mut |file| rows[layout.folder_of(file)] = None);
        }
        let moved = self.moved.as_deref().unwrap_or_default();
        let (meets, concerns) = (changed.met_by(layout, structure, moved), changed.concern());
        for rows in rows {
            let Some(mut files) = rows.clone() else { continue };
            let is_stale = |file: FileId| {
                // What is kept leads to nothing that is gone, whatever the rules above come to.
                let lost = structure.edges.of(file).iter().any(|to| moved[*to as usize] == GONE);
                let facts = || facts(moved[file as usize]);
                lost || (meets(file) && facts().is_some_and(|facts| concerns(&facts)))
            };
            if files.any(is_stale) {
                *rows = None;
            }
        }
    }

    /// The folders whose rows do not hold, by place.
    pub fn lacking(&self) -> impl Iterator<Item = usize> {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(at, rows)| rows.is_none().then_some(at))
    }

    /// What all files need: the rows that hold, and those of the folders that lack them, in their order.
    pub fn parts(&self, made: Vec<Part>) -> Vec<Part> {
        let (mut parts, mut run) = (Vec::new(), 0..0);
        let mut made = made.into_iter();
        for rows in &self.rows {
            match rows {
                Some(rows) if rows.start == run.end => run.end = rows.end,
                Some(rows) => {
                    parts.push(self.part(run));
                    run = rows.clone();
                }
                None => {
                    let end = run.end;
                    parts.push(self.part(run));
                    parts.extend(made.next());
                    run = end..end;
                }
            }
        }
        parts.push(self.part(run));
        parts
    }

    /// The rows of the files that had these numbers.
    fn part(&self, files: Range<FileId>) -> Part {
        let structure = self.structure;
        let mut names = Vec::new();
        let mut places: FxHashMap<u32, u32> = FxHashMap::default();
        let mut outside = Adjacency::for_nodes(files.len());
        let mut edges = Adjacency::for_nodes(files.len());
        let mut row = Vec::new();
        for file in files.clone() {
            outside.push(structure.externals.of(file).iter().map(|external| {
                let name = *places.entry(external.name).or_insert_with(|| {
                    names.push(structure.external_names[external.name as usize].clone());
                    names.len() as u32 - 1
                });
                External { name, ..*external }
            }));
            row.clear();
            row.extend(structure.edges.of(file).iter().map(|target| self.now(*target)));
            row.sort_unstable();
            edges.push(copied(&row));
        }
        let places = |all: &[FileId]| {
            let start = all.partition_point(|file| *file < files.start);
            let own = all[start..].iter().take_while(|file| **file < files.end);
            own.map(|file| file - files.start).collect()
        };
        let (broken, loose) = (places(&structure.broken), places(&structure.loose));
        Part { edges, outside, names, broken, loose }
    }

    /// The number that a file has now.
    fn now(&self, file: FileId) -> FileId {
        self.moved.as_ref().map_or(file, |moved| moved[file as usize])
    }
}

/// Which folder was which.
struct Pairs {
    /// Of each folder that is, the one that was.
    before: Vec<Option<usize>>,
    /// Those that are no more.
    gone: Vec<usize>,
}

impl Pairs {
    fn of(was: &[OutlinedFolder<'_>], is: &[OutlinedFolder<'_>]) -> Self {
        let mut places: FxHashMap<&[u8], usize> =
            was.iter().enumerate().map(|(at, folder)| (folder.path, at)).collect();
        let before = is.iter().map(|folder| places.remove(folder.path)).collect();
        Self { before, gone: places.into_values().collect() }
    }

    /// The number of each file that was.
    fn moved(&self, was: &[OutlinedFolder<'_>], is: &[OutlinedFolder<'_>]) -> Vec<FileId> {
        let mut moved = vec![GONE; was.last().map_or(0, |last| last.end as usize)];
        for (new, old) in is.iter().zip(&self.before) {
            let Some(old) = old.map(|old| was[old]) else { continue };
            if old.lists_the_same(new) {
                (old.first..old.end).zip(new.first..).for_each(|(old, new)| {
                    moved[old as usize] = new;
                });
                continue;
            }
            let now: FxHashMap<&[u8], FileId> = new.names().zip(new.first..).collect();
            for (file, name) in (old.first..).zip(old.names()) {
                moved[file as usize] = now.get(name).copied().unwrap_or(GONE);
            }
        }
        moved
    }
}

/// The names that came, went, or have other files.
#[derive(Default)]
struct ChangedNames {
    /// Those that there are now.
    names: BTreeSet<NameId>,
    /// The names above them.
    above: BTreeSet<NameId>,
    /// Their last segments.
    segments: BTreeSet<Vec<u8>>,
}

impl ChangedNames {
    /// `None` where that does not tell who is concerned.
    fn find(
        layout: &Layout,
        roots: &[RelPath],
        was: &[OutlinedFolder<'_>],
        is: &[OutlinedFolder<'_>],
        pairs: &Pairs,
    ) -> Option<Self> {
        let mut changed = Self::default();
        for (new, old) in is.iter().zip(&pairs.before) {
            match old.map(|old| was[old]) {
                None => changed.folder(layout, roots, new)?,
                Some(old) if !old.lists_the_same(new) => {
                    let (before, now): (BTreeSet<_>, BTreeSet<_>) =
                        (old.names().collect(), new.names().collect());
                    for file in before.symmetric_difference(&now) {
                        changed.file(layout, roots, new, file)?;
                    }
                }
                Some(_) => {}
            }
        }
        pairs.gone.iter().try_for_each(|old| changed.folder(layout, roots, &was[*old]))?;
        Some(changed)
    }

    /// A folder came or went.
    fn folder(
        &mut self,
        layout: &Layout,
        roots: &[RelPath],
        folder: &OutlinedFolder<'_>,
    ) -> Option<()> {
        let path = folder.rel_path();
        let above = path.parent()?;
        // Where that one went too, it is what others come by.
        let names = names_of(layout, roots, &above)?;
        names.into_iter().try_for_each(|name| self.add(layout, name, package(path.name())))
    }

    /// A file came or went in a folder that stayed.
    fn file(
        &mut self,
        layout: &Layout,
        roots: &[RelPath],
        folder: &OutlinedFolder<'_>,
        file: &[u8],
    ) -> Option<()> {
        let path = folder.rel_path();
        let names = &layout.names;
        for own in names_of(layout, roots, &path)? {
            if file == b"conftest.py" {
                // Tests below need it without a word.
                self.names.insert(own);
            }
            match stem(file) == b"__init__" || file == b"py.typed" {
                true => self.add(layout, names.parent(own)?, package(path.name()))?,
                false => self.add(layout, own, stem(file))?,
            }
        }
        Some(())
    }

    fn add(&mut self, layout: &Layout, above: NameId, segment: &[u8]) -> Option<()> {
        if above == layout.names.root() {
            return None;
        }
        self.names.extend(layout.names.find(above, segment));
        self.above.insert(above);
        self.segments.insert(segment.into());
        Some(())
    }

    /// Tells of the files of a structure, by the numbers that they had, whether they may come to a changed name.
    fn met_by<'s>(
        &self,
        layout: &Layout,
        structure: &'s Structure,
        moved: &[FileId],
    ) -> impl Fn(FileId) -> bool + use<'s> {
        let mut above = vec![false; layout.files.len()];
        let mut is_bare = false;
        for name in &self.above {
            let files = layout.names.files(*name);
            files.iter().for_each(|file| above[*file as usize] = true);
            is_bare |= files.is_empty();
        }
        let here: Vec<bool> =
            moved.iter().map(|now| *now != GONE && above[*now as usize]).collect();
        let mut loose = vec![false; moved.len()];
        if is_bare {
            structure.loose.iter().for_each(|file| loose[*file as usize] = true);
        }
        move |file| {
            here[file as usize]
                || loose[file as usize]
                || structure.edges.of(file).iter().any(|target| here[*target as usize])
        }
    }

    /// Tells of a file that comes to the name above whether its imports may go on to a changed one.
    fn concern(&self) -> impl Fn(&FileFacts) -> bool {
        let segments: Vec<_> = self.segments.iter().map(Finder::new).collect();
        move |facts| {
            let text = facts.placeless();
            facts.whole_package().is_some()
                || segments.iter().any(|segment| segment.find(text).is_some())
                || facts.imports().any(|import| import.imported == Imported::Star)
        }
    }
}

/// The names that a folder stands for, one for each root that it lies below. Those that are not there are left
/// out; `None` where it lies below no root.
fn names_of(layout: &Layout, roots: &[RelPath], folder: &RelPath) -> Option<Vec<NameId>> {
    let names = &layout.names;
    let below: Vec<&RelPath> = roots.iter().filter(|root| folder.is_within(root)).collect();
    let follow = |root: &RelPath| {
        let segments = folder.segments().skip(root.segments().count());
        segments.map(package).try_fold(names.root(), |name, segment| names.find(name, segment))
    };
    (!below.is_empty()).then(|| below.into_iter().filter_map(follow).collect())
}
