//! What running a runnable leaves behind, and what is kept of it (the build field's "action result").

use serde::{Deserialize, Serialize};

use crate::digest::{BlobId, Digest, Fingerprint};

/// What kind of thing a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A plain file.
    File,
    /// A plain file with an exec bit.
    Executable,
    /// A symbolic link; its content is the text that it points to.
    Link,
}

/// One entry of a cache: the result of a runnable at one fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ActionResult {
    /// The full name of the runnable.
    pub runnable: String,
    /// What it holds for.
    pub fingerprint: Fingerprint,
    /// Exit code.
    pub code: i32,
    /// stdout and stderr in the order written.
    pub log: Content,
    /// Files that it made, sorted by path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// Empty folders that it made, sorted; written as the paths of artifacts are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<String>,
    /// How long it took.
    pub millis: u64,
    /// Why the fingerprint is what it is.
    pub explanation: Explanation,
}

/// Stored bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Content {
    /// Their identity.
    pub digest: Digest,
    /// How many.
    pub size: u64,
}

/// A file that a runnable made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Artifact {
    /// Where, relative to the project. Bytes that are not UTF-8 are written `%XX`, as is `%`.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Its identity as an input of others.
    pub id: BlobId,
    /// Its bytes (of a link: the text that it points to).
    pub content: Content,
}

/// What entered a fingerprint, by name: enough to say in one line why two of them differ.
///
/// Files are not listed here: an input set is named by the digest of its Merkle tree, whose nodes
/// are kept as contents that entries share. Values of variables never appear, nor digests of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Explanation {
    /// In the order of the manifest.
    pub items: Vec<ExplainedItem>,
}

/// One thing that entered a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ExplainedItem {
    /// Its kind: `exec`, `artifacts`, `files`, `env`, `const`, `val`, `tool`, `upstream`, `base`…
    pub kind: String,
    /// Which one: a pattern, a variable's name, a command. Unique within its kind.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its identity; `None` where it is a secret and only its name may be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}
