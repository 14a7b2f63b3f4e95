//! The contract that every cache keeps, and the words it is spoken in. Knows no back end.

use std::fmt;

use crate::entry::About;
use qik_model::{
    ActionResult, Artifact, BlobId, Explanation, FileKind, Fingerprint, Platform, RelPath,
};

/// What is looked for, or stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// The fingerprint.
    pub fingerprint: Fingerprint,
    /// The full name of the runnable.
    pub runnable: &'a str,
    /// Whether the result holds for other platforms too. The repo cache does not ask.
    pub platform: Platform,
}

/// What a run left behind, to be stored.
#[derive(Clone, Debug, Default)]
pub struct Finished<'a> {
    /// Exit code.
    pub code: i32,
    /// stdout and stderr in the order written.
    pub log: &'a [u8],
    /// As [`crate::CacheSet::collect`] gave them.
    pub artifacts: Vec<Artifact>,
    /// Empty folders among what it made. The repo cache keeps none: git does not either.
    pub folders: Vec<RelPath>,
    /// How long it took.
    pub millis: u64,
    /// Why the fingerprint is what it is.
    pub explanation: Explanation,
    /// The shell line, without values of variables.
    pub command: &'a str,
    /// Whether it takes the place of whatever is there: the user wanted it made anew.
    pub replace: bool,
}

/// What is kept beside a result.
#[derive(Clone, Debug, Default)]
pub struct Note {
    /// How it came about.
    pub about: About,
    /// As in [`Finished`].
    pub replace: bool,
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// An entry whose log can be replayed, and whose artifacts are in the work tree or can be put
    /// there.
    Hit(Box<ActionResult>),
    /// None, for this reason.
    Miss(MissReason),
}

/// Why there is no usable entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissReason {
    /// The cache keeps nothing.
    NotCached,
    /// There is no entry for the runnable, or none for this fingerprint.
    NoEntry,
    /// There is one, for another fingerprint.
    OtherFingerprint,
    /// There is one, but it is torn or not qik's.
    Damaged,
    /// Its log is gone.
    LogMissing,
    /// Its log is not the one that it names.
    LogChanged,
    /// An artifact is not in the work tree, where the repo cache leaves it.
    ArtifactMissing(RelPath),
    /// An artifact in the work tree is not the one that the entry names.
    ArtifactChanged(RelPath),
    /// The bytes of an artifact are gone.
    ContentMissing(RelPath),
    /// It names a path that is not written to.
    UnsafePath(String),
    /// Nobody who is trusted vouches for it.
    Untrusted(String),
    /// The cache could not be read.
    Unreachable(String),
}

impl fmt::Display for MissReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCached => f.write_str("not cached"),
            Self::NoEntry => f.write_str("no entry yet"),
            Self::OtherFingerprint => f.write_str("the entry is for other inputs"),
            Self::Damaged => f.write_str("the entry is damaged"),
            Self::LogMissing => f.write_str("the log of the entry is gone"),
            Self::LogChanged => f.write_str("the log of the entry was changed"),
            Self::ArtifactMissing(path) => write!(f, "artifact `{path}` is missing"),
            Self::ArtifactChanged(path) => write!(f, "artifact `{path}` was changed"),
            Self::ContentMissing(path) => write!(f, "the bytes of artifact `{path}` are gone"),
            Self::UnsafePath(path) => write!(f, "the entry would write to `{path}`"),
            Self::Untrusted(why) => write!(f, "the entry is not trusted: {why}"),
            Self::Unreachable(reason) => write!(f, "the cache cannot be read: {reason}"),
        }
    }
}

/// The files of the work tree, as the caller knows them.
pub trait ArtifactFiles {
    /// What is at `path`, and its identity; `None` where there is no file or link.
    fn state(&self, path: &RelPath) -> Option<(FileKind, BlobId)>;

    /// Whether git tracks `path`.
    fn is_tracked(&self, _path: &RelPath) -> bool {
        false
    }
}

impl<F: Fn(&RelPath) -> Option<(FileKind, BlobId)>> ArtifactFiles for F {
    fn state(&self, path: &RelPath) -> Option<(FileKind, BlobId)> {
        self(path)
    }
}

/// Results by fingerprint. Safe to use from many threads, and beside other processes.
///
/// Trouble is never an error here: it is a miss on looking up and a warning on storing.
pub trait ActionCache: fmt::Debug + Send + Sync {
    /// The entry for `key`, if it can be replayed.
    fn lookup(&self, key: &Key<'_>, files: &dyn ArtifactFiles) -> Lookup;

    /// Whether there is an entry for `key` here, usable or not. Asks nobody else.
    fn has_entry(&self, key: &Key<'_>) -> bool;

    /// Keeps a result. `false` where that failed.
    fn store(&self, key: &Key<'_>, result: &ActionResult, log: &[u8], note: &Note) -> bool;

    /// The log of an entry that was found here.
    fn log(&self, result: &ActionResult) -> Option<Vec<u8>>;

    /// The latest entries of a runnable, newest first, eight at most.
    fn recent(&self, runnable: &str) -> Vec<ActionResult>;

    /// Whether it keeps the bytes of artifacts, rather than leave them in the work tree.
    fn keeps_artifacts(&self) -> bool;

    /// Whether an entry that was found here can be replayed without waiting for anybody.
    fn is_at_hand(&self, _result: &ActionResult) -> bool {
        true
    }

    /// An entry that was found here is replayed: a chance to share what could not be shared when it
    /// was made.
    fn replayed(&self, _key: &Key<'_>) {}

    /// Brings everything here that it takes to replay an entry that was found here.
    ///
    /// # Errors
    /// What is not to be had.
    fn fetch(&self, _result: &ActionResult, _files: &dyn ArtifactFiles) -> Result<(), MissReason> {
        Ok(())
    }
}
