//! Facts while they are gathered: offsets into the source instead of lines, slices instead of copies.
//! Knows the pragma that drops a line's imports, and nothing else of Python.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::facts::{FileFacts, ImportKind};
use super::pack;

/// In a comment on the line of an import, or on the first line of its statement, this drops it:
/// `import plugins  # qik: ignore-import`.
pub const PRAGMA: &str = "qik: ignore-import";

#[derive(Debug, Default)]
pub(super) struct Draft<'s> {
    pub(super) imports: Vec<DraftImport<'s>>,
    /// Where submodules are walked or loaded by computed names.
    pub(super) whole_package: Option<usize>,
    pub(super) plugins: Vec<(usize, Cow<'s, [u8]>)>,
    pub(super) dotted: Vec<(usize, Cow<'s, [u8]>)>,
    pub(super) error: Option<DraftError>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftImport<'s> {
    pub(super) level: u8,
    pub(super) module: Cow<'s, [u8]>,
    pub(super) name: DraftName<'s>,
    /// Where the name starts, and the statement.
    pub(super) at: usize,
    pub(super) statement: usize,
    pub(super) block: Block,
    pub(super) kind: ImportKind,
}

/// What the blocks around a statement say of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) type_checking: bool,
    /// There is one at all.
    pub(super) conditional: bool,
}

impl Block {
    pub(super) fn or_checked(self, type_checking: bool) -> Self {
        Self { type_checking: self.type_checking || type_checking, ..self }
    }

    pub(super) fn or(self, outer: Self) -> Self {
        let conditional = self.conditional || outer.conditional;
        Self { conditional, ..self.or_checked(outer.type_checking) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DraftName<'s> {
    Module,
    Star,
    Name(Cow<'s, [u8]>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftError {
    pub(super) at: usize,
    pub(super) message: &'static str,
}

impl Draft<'_> {
    pub(super) fn finish(mut self, source: &[u8]) -> FileFacts {
        self.imports.retain(|import| {
            !has_pragma(source, import.at) && !has_pragma(source, import.statement)
        });
        // Calls within calls are found from the outside in, or the other way round.
        self.imports.sort_by_key(|import| import.at);
        self.plugins.sort_by_key(|(at, _)| *at);
        self.dotted.sort_by_key(|(at, _)| *at);
        FileFacts::new(pack::write(&self, source))
    }

    /// Notes a use of computed names; the first one counts.
    pub(super) fn walks_package(&mut self, at: usize, source: &[u8]) {
        if self.whole_package.is_none_or(|before| at < before) && !has_pragma(source, at) {
            self.whole_package = Some(at);
        }
    }
}

fn has_pragma(source: &[u8], at: usize) -> bool {
    let rest = &source[at..];
    let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
    memchr(b'#', line).is_some_and(|hash| memmem::find(&line[hash..], PRAGMA.as_bytes()).is_some())
}

/// Turns offsets into lines and columns; offsets come in ascending order.
pub(super) struct Places<'s> {
    source: &'s [u8],
    at: usize,
    line: u32,
}

impl<'s> Places<'s> {
    pub(super) fn new(source: &'s [u8]) -> Self {
        Self { source, at: 0, line: 1 }
    }

    pub(super) fn of(&mut self, at: usize) -> (u32, u32) {
        let passed = memchr_iter(b'\n', &self.source[self.at..at]).count();
        self.line += u32::try_from(passed).unwrap_or(u32::MAX);
        self.at = at;
        let start = memrchr(b'\n', &self.source[..at]).map_or(0, |newline| newline + 1);
        (self.line, u32::try_from(at - start + 1).unwrap_or(u32::MAX))
    }
}
