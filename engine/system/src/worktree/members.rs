//! The files of one folder: which of them count, and what each of them is. Reads a file only where
//! neither the index nor an earlier reading tells. Does not know how folders are walked.

use std::io;

use bstr::{BStr, ByteSlice};
use gix::attrs::search::Outcome as Matches;
use qik_model::{BlobId, Diagnostic, FileKind, RelPath};
use rayon::prelude::*;

use super::attributes::Treatment;
use super::facts::Facts;
use super::ignore::{Rules, is_dropping};
use super::index::{Division, Tracked};
use super::walk::{Place, Walk, is_gone};
use super::{FileState, Folder, Revision, TreeEntry, TreeNode, codes};
use crate::stat::{DirItem, Stat, StatKind};

/// Bytes from which on a file is not read into memory.
const STREAMED: u64 = 16 << 20;
/// How often a file is read until it holds still.
const ATTEMPTS: usize = 5;

/// The files of one folder that count.
pub(super) struct Members<'w, 'a> {
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
    pub fn new(
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

    pub fn consider(&mut self, item: DirItem) {
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

    pub fn identify(mut self, known: Option<&Folder>) -> Vec<(TreeEntry, Option<FileState>)> {
        self.treat();
        let Self { walk, place, found, .. } = self;
        let identify = |member: Member| identify(walk, place, member, known);
        let dirty = found.iter().filter(|member| member.clean.is_none()).count();
        if dirty > 1 {
            found.into_par_iter().filter_map(identify).collect()
        } else {
            let mut identified = Vec::with_capacity(found.len());
            identified.extend(found.into_iter().filter_map(identify));
            identified
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
        _ => walk.tree.cache.get(path, stat),
    }
}

impl Walk<'_> {
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

fn git_path<'b>(buffer: &'b mut Vec<u8>, folder_length: usize, name: &[u8]) -> &'b BStr {
    buffer.truncate(folder_length);
    buffer.extend_from_slice(name);
    buffer.as_bstr()
}
