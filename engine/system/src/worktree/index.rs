//! The git repository around the project: its index, and the rules that hold above the project
//! folder. Reads, never writes. Does not know what is on disk below the project folder.

use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bstr::{BStr, BString, ByteSlice};
use gix::glob::pattern::Case;
use gix::index::entry::{Flags, Mode, Stage};
use qik_model::{BlobId, Diagnostic, FileKind};

use super::attributes::{Attributes, Conversion};
use super::facts::is_text_with_crlf;
use super::ignore::Rules;
use crate::env::Env;
use crate::git::Git;
use crate::stat::{Stat, StatKind};

/// A repository as it was when it was opened.
pub(super) struct Repository {
    index: gix::index::State,
    /// When the index was written.
    written: SystemTime,
    /// Whether its entries' ids are the ones that we mean.
    ids_are_ours: bool,
    /// From the git root to the project folder: empty, or with `/` at its end.
    prefix: BString,
    pub case: Case,
    file_mode: bool,
    symlinks: bool,
    /// What holds above the project folder.
    pub rules: Arc<Rules>,
    objects: Option<Mutex<gix::Repository>>,
    stamps: Vec<(PathBuf, Option<Stamp>)>,
}

/// What tells two states of a file apart.
type Stamp = (u64, u64, i64, i64, i64, i64);

/// What the index says of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tracked {
    /// The entry; with conflicts the first of several.
    at: usize,
}

impl Repository {
    /// Opens the repository that holds the project folder `root`. `None` where the project lies in
    /// a folder that the repository ignores: then it is none of its business.
    pub fn open(git: &Git, root: &Path, env: &Env, notes: &mut Vec<Diagnostic>) -> Option<Self> {
        // Stamped before anything is read: a change in between is seen at the next look.
        let mut stamps = Stamps::default();
        stamps.add(git.index_path());
        let repo = gix::open(git.root())
            .map_err(|error| notes.push(unusable("repository", &error.to_string())))
            .ok();
        let config = Config::read(git, env, repo.as_ref(), &mut stamps);
        let (index, ids_are_ours) = read_index(git, repo.as_ref(), notes);

        let inner = root.strip_prefix(git.root()).unwrap_or(Path::new(""));
        let mut prefix = BString::from(inner.as_os_str().as_bytes());
        if !prefix.is_empty() {
            prefix.push(b'/');
        }
        let mut repository = Self {
            written: {
                let time = index.timestamp();
                let seconds = u64::try_from(time.unix_seconds()).unwrap_or(0);
                UNIX_EPOCH + Duration::new(seconds, time.nanoseconds())
            },
            index,
            ids_are_ours,
            prefix,
            case: config.case,
            file_mode: config.file_mode,
            symlinks: config.symlinks,
            rules: Arc::new(config.rules),
            objects: repo.map(Mutex::new),
            stamps: Vec::new(),
        };
        if repository.descend(git.root(), inner, &mut stamps) {
            return None;
        }
        repository.stamps = stamps.0;
        Some(repository)
    }

    /// Whether nothing changed that was read at opening.
    pub fn is_current(&self) -> bool {
        self.stamps.iter().all(|(path, stamp)| stamp_of(path) == *stamp)
    }

    /// From the git root to the project folder: empty, or with `/` at its end.
    pub fn prefix(&self) -> &BStr {
        self.prefix.as_bstr()
    }

    pub fn index(&self) -> &gix::index::State {
        &self.index
    }

    /// Whether the ids of entries are those of [`BlobId`].
    pub fn ids_are_ours(&self) -> bool {
        self.ids_are_ours
    }

    /// The entries at or below a folder, given by its path from the git root with `/` at its end.
    pub fn entries_below(&self, folder: &[u8]) -> Range<usize> {
        let entries = self.index.entries();
        let start = entries.partition_point(|entry| entry.path(&self.index) < folder);
        let below =
            entries[start..].partition_point(|entry| entry.path(&self.index).starts_with(folder));
        start..start + below
    }

    /// Whether git tracks the file at `path`, relative to the project.
    pub fn is_tracked(&self, path: &[u8]) -> bool {
        let from_top = [&self.prefix[..], path].concat();
        let entries = self.index.entries();
        let at = entries.partition_point(|entry| entry.path(&self.index) < from_top.as_bstr());
        entries.get(at).is_some_and(|entry| entry.path(&self.index) == from_top.as_bstr())
    }

    /// Divides the entries of a folder (whose path with `/` has `skip` bytes) into its files and
    /// its folders, each sorted by name.
    pub fn divide(&self, range: Range<usize>, skip: usize) -> Division<'_> {
        let entries = self.index.entries();
        let mut division = Division::default();
        let mut at = range.start;
        while at < range.end {
            let rest = &entries[at].path(&self.index)[skip..];
            match rest.find_byte(b'/') {
                None => {
                    // Of a conflict there are several; the first stands for them.
                    if division.files.last().is_none_or(|(name, _)| *name != rest) {
                        division.files.push((rest, Tracked { at }));
                    }
                    at += 1;
                }
                Some(length) => {
                    let count = entries[at..range.end].partition_point(|entry| {
                        entry.path(&self.index)[skip..].starts_with(&rest[..=length])
                    });
                    division.folders.push((&rest[..length], at..at + count));
                    at += count;
                }
            }
        }
        // As folders they were sorted with their `/`.
        division.folders.sort_unstable_by_key(|(name, _)| *name);
        division
    }

    /// The id that the index holds for a file, if the file is certainly what it was when it got
    /// into the index. Sure of that are only entries without any special flag whose stat is the
    /// same in all that git keeps of it, and that were settled when the index was written.
    pub fn clean_id(&self, tracked: Tracked, stat: &Stat) -> Option<BlobId> {
        let entry = &self.index.entries()[tracked.at];
        let special =
            Flags::ASSUME_VALID | Flags::SKIP_WORKTREE | Flags::INTENT_TO_ADD | Flags::STAGE_MASK;
        let same = entry.stat.size == stat.size as u32
            && entry.stat.ino == stat.ino as u32
            && (entry.stat.mtime.secs, entry.stat.mtime.nsecs)
                == (stat.mtime.0 as u32, stat.mtime.1)
            && (entry.stat.ctime.secs, entry.stat.ctime.nsecs)
                == (stat.ctime.0 as u32, stat.ctime.1);
        let trusted = self.ids_are_ours
            && same
            && !entry.flags.intersects(special)
            && self.same_kind(entry.mode, stat.kind)
            && stat.settled_at(self.written)
            // Git marks an entry that it found racy by a size of nothing.
            && (stat.size > 0 || entry.id.is_empty_blob());
        if !trusted {
            return None;
        }
        entry.id.as_slice().try_into().ok().map(BlobId)
    }

    /// What a file is where the file system cannot tell.
    pub fn kind(&self, tracked: Option<Tracked>, kind: FileKind) -> FileKind {
        let mode = tracked.map(|tracked| self.index.entries()[tracked.at].mode);
        match kind {
            FileKind::Link => FileKind::Link,
            _ if !self.symlinks && mode == Some(Mode::SYMLINK) => FileKind::Link,
            _ if self.file_mode => kind,
            _ if mode == Some(Mode::FILE_EXECUTABLE) => FileKind::Executable,
            _ => FileKind::File,
        }
    }

    /// Whether the file as the index holds it is text with `\r\n`.
    pub fn has_crlf(&self, tracked: Tracked) -> bool {
        let first = &self.index.entries()[tracked.at];
        let path = first.path(&self.index);
        // Git asks our side of a conflict.
        let entry = match first.stage() {
            Stage::Unconflicted => Some(first),
            _ => self.index.entry_by_path_and_stage(path, Stage::Ours),
        };
        entry.and_then(|entry| self.blob(entry.id)).is_some_and(|bytes| is_text_with_crlf(&bytes))
    }

    /// The bytes that the index holds for a file, for rules that are not on disk.
    pub fn bytes(&self, tracked: Tracked) -> Option<Vec<u8>> {
        self.blob(self.index.entries()[tracked.at].id)
    }

    /// Whether a sparse checkout leaves the file out.
    pub fn is_sparse(&self, tracked: Tracked) -> bool {
        self.index.entries()[tracked.at].flags.contains(Flags::SKIP_WORKTREE)
    }

    fn blob(&self, id: gix::ObjectId) -> Option<Vec<u8>> {
        let objects = self.objects.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Some(objects.find_object(id).ok()?.detach().data)
    }

    fn same_kind(&self, mode: Mode, kind: StatKind) -> bool {
        match kind {
            StatKind::File | StatKind::Executable if !self.file_mode => {
                mode == Mode::FILE || mode == Mode::FILE_EXECUTABLE
            }
            StatKind::File => mode == Mode::FILE,
            StatKind::Executable => mode == Mode::FILE_EXECUTABLE,
            StatKind::Link => mode == Mode::SYMLINK,
            StatKind::Folder | StatKind::Other => false,
        }
    }

    /// Takes in the rules of the folders above the project; `true` where they ignore the project
    /// and nothing in it is tracked.
    fn descend(&mut self, top: &Path, inner: &Path, stamps: &mut Stamps) -> bool {
        let mut ignored = false;
        let mut walked = PathBuf::new();
        for segment in inner {
            let folder = top.join(&walked);
            let text = |stamps: &mut Stamps, name: &str| {
                let path = folder.join(name);
                stamps.add(path.clone());
                let is_file = std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file());
                is_file.then(|| std::fs::read(&path).ok()).flatten()
            };
            let ignores = text(stamps, ".gitignore").into_iter().collect();
            let attributes = text(stamps, ".gitattributes");
            self.rules = self.rules.enter(&walked, ignores, attributes);
            walked.push(segment);
            let path: &BStr = walked.as_os_str().as_bytes().as_bstr();
            ignored |= self.rules.ignores(path, true, self.case);
        }
        ignored && self.entries_below(&self.prefix).is_empty()
    }
}

/// The members of a folder as the index knows them.
#[derive(Debug, Default)]
pub(super) struct Division<'a> {
    files: Vec<(&'a [u8], Tracked)>,
    folders: Vec<(&'a [u8], Range<usize>)>,
}

impl<'a> Division<'a> {
    /// Names and entries of files, sorted by name.
    pub fn files(&self) -> impl Iterator<Item = (&'a [u8], usize)> {
        self.files.iter().map(|(name, tracked)| (*name, tracked.at))
    }

    /// Names of folders and the entries below them, sorted by name.
    pub fn folders(&self) -> impl Iterator<Item = (&'a [u8], &Range<usize>)> {
        self.folders.iter().map(|(name, range)| (*name, range))
    }

    pub fn file(&self, name: &[u8]) -> Option<Tracked> {
        let at = self.files.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        Some(self.files[at].1)
    }

    /// The entries below a folder; none for one that is not tracked.
    pub fn folder(&self, name: &[u8]) -> Range<usize> {
        match self.folders.binary_search_by(|(known, _)| (*known).cmp(name)) {
            Ok(at) => self.folders[at].1.clone(),
            Err(_) => 0..0,
        }
    }
}

/// What git's configuration and the files outside the tree say.
struct Config {
    case: Case,
    file_mode: bool,
    symlinks: bool,
    rules: Rules,
}

impl Config {
    fn read(git: &Git, env: &Env, repo: Option<&gix::Repository>, stamps: &mut Stamps) -> Self {
        let snapshot = repo.map(gix::Repository::config_snapshot);
        let flag = |key: &str, default: bool| {
            snapshot.as_ref().and_then(|config| config.boolean(key)).unwrap_or(default)
        };
        let case = if flag("core.ignoreCase", false) { Case::Fold } else { Case::Sensitive };
        let autocrlf = snapshot.as_ref().and_then(|config| config.string("core.autocrlf"));
        let guesses = autocrlf.is_some_and(|value| value.eq_ignore_ascii_case(b"input"))
            || flag("core.autocrlf", false);
        let by_config = if guesses { Conversion::Guess } else { Conversion::Raw };

        for name in ["config", "config.worktree"] {
            stamps.add(git.common_dir().join(name));
            stamps.add(git.git_dir().join(name));
        }
        for section in snapshot.iter().flat_map(|config| config.plumbing().sections()) {
            if let Some(path) = &section.meta().path {
                stamps.add(path.clone());
            }
        }

        let mut attributes = Attributes::new(by_config, case);
        let globals = repo.and_then(|repo| repo.attribute_global_paths().ok()).unwrap_or_default();
        for path in globals {
            if let Some(text) = stamps.read(path) {
                attributes = attributes.with_global(&text);
            }
        }
        if let Some(text) = stamps.read(git.common_dir().join("info/attributes")) {
            attributes = attributes.with_last(text);
        }

        let mut rules = Rules::new(attributes);
        let configured = snapshot
            .as_ref()
            .and_then(|config| config.trusted_path("core.excludesFile").ok().flatten());
        let excludes = configured.or_else(|| default_excludes(env));
        let info = git.common_dir().join("info/exclude");
        for path in excludes.into_iter().chain([info]) {
            if let Some(text) = stamps.read(path) {
                rules = rules.with_global_ignore(&text);
            }
        }
        Self {
            case,
            file_mode: flag("core.fileMode", true),
            symlinks: flag("core.symlinks", true),
            rules,
        }
    }
}

/// Where git looks for a user's ignore patterns unless told otherwise.
fn default_excludes(env: &Env) -> Option<PathBuf> {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(config.join("git/ignore"))
}

/// The index, and whether the ids that it holds are ours. Where it cannot be read, git tells what is
/// tracked.
fn read_index(
    git: &Git,
    repo: Option<&gix::Repository>,
    notes: &mut Vec<Diagnostic>,
) -> (gix::index::State, bool) {
    let hash = repo.map_or(gix::hash::Kind::Sha1, gix::Repository::object_hash);
    if let Some(repo) = repo {
        // Like git itself we leave the checksum of the whole file to fsck.
        let read = gix::index::File::at_or_default(
            git.index_path(),
            hash,
            true,
            gix::index::decode::Options { alloc_limit_bytes: None, ..Default::default() },
        );
        match read {
            Ok(file) => {
                let ours = repo.object_hash() == gix::hash::Kind::Sha1;
                if !ours {
                    notes.push(unusable("index", "its ids are SHA-256"));
                }
                return (file.into_parts().0, ours);
            }
            Err(error) => notes.push(unusable("index", &error.to_string())),
        }
    }
    (listed_by_git(git, hash), false)
}

/// An index of names alone.
fn listed_by_git(git: &Git, hash: gix::hash::Kind) -> gix::index::State {
    let mut state = gix::index::State::new(hash);
    if let Ok(output) = git.git(["ls-files", "-z", "--full-name"])
        && output.status.success()
    {
        for path in output.stdout.split_str(b"\0").filter(|path| !path.is_empty()) {
            let id = gix::ObjectId::null(hash);
            let stat = gix::index::entry::Stat::default();
            state.dangerously_push_entry(stat, id, Flags::empty(), Mode::FILE, path.as_bstr());
        }
        state.sort_entries();
    }
    state
}

fn unusable(what: &str, why: &str) -> Diagnostic {
    let message = format!("the git {what} cannot be used: {why}");
    Diagnostic::warning(super::codes::GIT_UNUSABLE, message)
        .help("qik reads every file instead, which is right but slower; see what `git status` says")
}

/// Files that were read, each with its state before.
#[derive(Default)]
struct Stamps(Vec<(PathBuf, Option<Stamp>)>);

impl Stamps {
    fn add(&mut self, path: PathBuf) {
        if !self.0.iter().any(|(known, _)| *known == path) {
            let stamp = stamp_of(&path);
            self.0.push((path, stamp));
        }
    }

    fn read(&mut self, path: PathBuf) -> Option<Vec<u8>> {
        self.add(path.clone());
        std::fs::read(path).ok()
    }
}

fn stamp_of(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;

    let meta = std::fs::metadata(path).ok()?;
    let changed = (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec());
    Some((meta.ino(), meta.len(), changed.0, changed.1, changed.2, changed.3))
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// A path from the git root as the patterns' reader wants it.
pub(super) fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes.strip_suffix(b"/").unwrap_or(bytes)))
}
