//! What one Python file says about imports, packed into one run of bytes.
//!
//! A monorepo has a hundred thousand of these in memory and on disk, so they stay packed: a file
//! without imports costs some fifteen bytes, and reading them back is one allocation. Knows nothing of
//! Python's grammar, of paths or of what an import resolves to.

use std::fmt;
use std::sync::Arc;

use super::pack;

/// The version of everything that decides what [`FileFacts`] of given bytes are: scanner, grammar
/// and encoding. Facts on disk that were made by another version are not [decoded](FileFacts::decode).
pub const FACTS_VERSION: u8 = 2;

/// What a file's bytes say about what it needs; made by [`facts`](super::facts).
///
/// Equality counts lines and columns. Where only the imports themselves matter, compare
/// [`placeless`](Self::placeless).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FileFacts {
    bytes: Arc<[u8]>,
}

/// A line of a file, from 1.
pub type Line = u32;

/// One name that a file imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Import<'f> {
    /// How many dots stand before the module's name: 0 is absolute.
    pub level: u8,
    /// The dotted name; empty for `from . import a`.
    pub module: &'f str,
    /// What is taken from the module.
    pub imported: Imported<'f>,
    /// Where the name stands, from 1.
    pub line: Line,
    /// In bytes, from 1.
    pub column: u32,
    /// Stands where only a type checker comes.
    pub type_checking: bool,
    /// Need not run when the file is imported: a call, or a statement that does not stand at the
    /// file's own top level (it stands in a block, be it one behind a colon on the same line).
    pub conditional: bool,
    /// Statement or call.
    pub kind: ImportKind,
}

/// What an import takes from its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Imported<'f> {
    /// The module itself: `import a.b`.
    Module,
    /// `from a import *`.
    Star,
    /// `from a import b`: a submodule or a name within.
    Name(&'f str),
}

/// How an import is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ImportKind {
    /// An `import` or `from` statement.
    Static,
    /// `importlib.import_module("a.b")` or `__import__("a.b")`, with a literal.
    Dynamic,
}

/// Why imports of a file may have been missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SyntaxError<'f> {
    /// From 1.
    pub line: Line,
    /// In bytes, from 1.
    pub column: u32,
    /// A lowercase fragment.
    pub message: &'f str,
}

impl FileFacts {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: Arc::from(bytes) }
    }

    /// The imports in the order in which they are written.
    pub fn imports(&self) -> impl Iterator<Item = Import<'_>> {
        pack::imports(&self.bytes)
    }

    /// The line on which the file walks or loads submodules by computed names, if it does: then the
    /// package that it belongs to counts whole.
    pub fn whole_package(&self) -> Option<Line> {
        pack::whole_package(&self.bytes)
    }

    /// Literal `pytest_plugins`, with their lines.
    pub fn plugins(&self) -> impl Iterator<Item = (&str, Line)> {
        pack::strings(&self.bytes, pack::List::Plugins)
    }

    /// Strings that read like module names and are assigned to names in capitals at the left margin
    /// (Django's `INSTALLED_APPS`), with their lines.
    pub fn dotted_strings(&self) -> impl Iterator<Item = (&str, Line)> {
        pack::strings(&self.bytes, pack::List::Dotted)
    }

    /// The first syntax error that may hide an import.
    pub fn error(&self) -> Option<SyntaxError<'_>> {
        pack::error(&self.bytes)
    }

    /// Everything but lines and columns: two versions of a file with equal ones import the same.
    pub fn placeless(&self) -> &[u8] {
        pack::placeless(&self.bytes)
    }

    /// The bytes that [`decode`](Self::decode) reads.
    pub fn encode(&self) -> &[u8] {
        &self.bytes
    }

    /// Facts from bytes of a file on disk; none where they are damaged or of another version.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        pack::is_whole(bytes).then(|| Self { bytes: Arc::from(bytes) })
    }
}

impl Default for FileFacts {
    /// The facts of an empty file.
    fn default() -> Self {
        super::draft::Draft::default().finish(&[])
    }
}

impl fmt::Debug for FileFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileFacts")
            .field("imports", &self.imports().collect::<Vec<_>>())
            .field("whole_package", &self.whole_package())
            .field("plugins", &self.plugins().collect::<Vec<_>>())
            .field("dotted_strings", &self.dotted_strings().collect::<Vec<_>>())
            .field("error", &self.error())
            .finish()
    }
}
