//! From what a user calls a commit to its id, by the real `git`. Does not know what a commit holds.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::Output;
use std::str::FromStr;

use bstr::ByteSlice;

use super::Git;

/// The id of a commit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(pub(crate) gix::ObjectId);

/// Why there is no commit of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCommit {
    /// Git knows nothing of that name.
    #[error("there is no revision `{0}`")]
    Unknown(String),
    /// The same, in a clone that was made without its whole history: it may be elsewhere.
    #[error("the clone is shallow and does not hold `{0}`")]
    Shallow(String),
    /// The name is one of a file or folder.
    #[error("`{0}` is not a commit")]
    NotACommit(String),
    /// Git cannot tell.
    #[error("git cannot be asked: {0}")]
    Unreadable(String),
}

impl Git {
    /// The commit that git calls `rev`; of a tag the one that it points to.
    ///
    /// # Errors
    /// Where there is none such.
    pub fn resolve(&self, rev: &str) -> Result<CommitId, NoCommit> {
        // For git these would be options, or all but a commit.
        if rev.starts_with(['-', '^']) {
            return Err(NoCommit::Unknown(rev.into()));
        }
        if let Some(commit) = self.parse_rev(&format!("{rev}^{{commit}}"))? {
            return Ok(commit);
        }
        // A name such as `:/text` takes no suffix; an id is one whether or not it is there.
        let Some(object) = self.parse_rev(rev)? else { return Err(self.missing(rev)) };
        match self.parse_rev(&format!("{object}^{{commit}}"))? {
            Some(commit) => Ok(commit),
            None if self.ask(&["cat-file", "-e", &object.to_string()])?.status.success() => {
                Err(NoCommit::NotACommit(rev.into()))
            }
            None => Err(self.missing(rev)),
        }
    }

    /// The newest commit that both come from; `None` where they have nothing in common.
    ///
    /// # Errors
    /// Where the history is not there to tell.
    pub fn merge_base(&self, one: CommitId, two: CommitId) -> Result<Option<CommitId>, NoCommit> {
        let output = self.ask(&["merge-base", &one.to_string(), &two.to_string()])?;
        match output.status.code() {
            Some(0) => Ok(id_in(&output)),
            Some(1) if !self.is_shallow() => Ok(None),
            _ => {
                for commit in [one, two] {
                    self.resolve(&commit.to_string())?;
                }
                Err(self.missing(&format!("merge base of {one} and {two}")))
            }
        }
    }

    /// The newest commit in the history of `HEAD` that changed `file`, a path that is absolute or
    /// from the git root. Renames are not followed. `None` where there is none, or where the
    /// history that would tell is cut off: what a shallow clone ends with has all files for new.
    pub fn last_commit_of(&self, file: &Path) -> Option<CommitId> {
        let path = file.strip_prefix(&self.root).unwrap_or(file).as_os_str();
        // Unlike `log` this one takes no orders from the user's configuration.
        let args = ["--literal-pathspecs", "rev-list", "-1", "HEAD", "--"].map(AsRef::as_ref);
        let output = self.git(args.into_iter().chain([path])).ok()?;
        let commit = id_in(&output).filter(|_| output.status.success())?;
        let ends_here = self.shallow().lines().any(|id| id == commit.to_string().as_bytes());
        (!ends_here).then_some(commit)
    }

    /// The commits whose parents were left out of the clone, by line.
    fn shallow(&self) -> Vec<u8> {
        std::fs::read(self.common_dir.join("shallow")).unwrap_or_default()
    }

    /// Whether the clone was made without its whole history.
    pub fn is_shallow(&self) -> bool {
        !self.shallow().is_empty()
    }

    fn parse_rev(&self, rev: &str) -> Result<Option<CommitId>, NoCommit> {
        let output = self.ask(&["rev-parse", "--verify", "--quiet", rev])?;
        Ok(id_in(&output).filter(|_| output.status.success()))
    }

    fn ask(&self, args: &[&str]) -> Result<Output, NoCommit> {
        let unreadable = |error: io::Error| NoCommit::Unreadable(error.to_string());
        self.git(args).map_err(unreadable)
    }

    /// Why git found nothing.
    fn missing(&self, rev: &str) -> NoCommit {
        let health = match self.ask(&["rev-parse", "--git-dir"]) {
            Ok(output) => output,
            Err(error) => return error,
        };
        if !health.status.success() {
            return NoCommit::Unreadable(health.stderr.trim().to_str_lossy().into());
        }
        if self.is_shallow() {
            NoCommit::Shallow(rev.into())
        } else {
            NoCommit::Unknown(rev.into())
        }
    }
}

fn id_in(output: &Output) -> Option<CommitId> {
    output.stdout.trim().to_str().ok()?.parse().ok()
}

impl FromStr for CommitId {
    type Err = NoCommit;

    /// From the digits of a whole id.
    fn from_str(text: &str) -> Result<Self, NoCommit> {
        let id = gix::ObjectId::from_hex(text.as_bytes());
        id.map(Self).map_err(|_| NoCommit::Unknown(text.into()))
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_hex().fmt(f)
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
