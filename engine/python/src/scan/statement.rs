//! The plain forms of import statements, read by hand. What is not plain is none of its business:
//! it says so, and tree-sitter reads the statement.

use std::borrow::Cow;

use memchr::memrchr;

use super::draft::{Block, Draft, DraftImport, DraftName};
use super::facts::ImportKind;
use super::words::{self, is_word};

/// Where the statement starts whose keyword `import` stands somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) at: usize,
    pub(super) after: After,
}

/// What stands before a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Blanks at most.
    Margin { indented: bool },
    /// The head of a block, on the same line.
    Colon,
    /// Another statement, on the same line.
    Semicolon,
}

/// Looks backwards from `import` at `at` in code that starts at `floor`, for a place where a
/// statement may start.
pub(super) fn start(source: &[u8], floor: usize, at: usize) -> Option<Start> {
    let mut here = at;
    let mut named = None;
    let after = loop {
        if here == floor {
            // Below is a string, or the top of the file.
            if floor > 0 {
                return None;
            }
            break None;
        }
        match source[here - 1] {
            b' ' | b'\t' | b'\x0c' | b'\r' => here -= 1,
            b'\n' => match continued(source, floor, here - 1) {
                Some(backslash) => here = backslash,
                None => break None,
            },
            b';' => break Some(After::Semicolon),
            b':' => break Some(After::Colon),
            byte if byte == b'.' || is_word(byte) => {
                here -= 1;
                named = Some(here);
            }
            _ => return None,
        }
    };
    if let Some(first) = named {
        let rest = source[first..at].strip_prefix(b"from")?;
        (!is_word(*rest.first()?)).then_some(())?;
    }
    let at = named.unwrap_or(at);
    let margin = || After::Margin { indented: is_indented(&source[here..at]) };
    Some(Start { at, after: after.unwrap_or_else(margin) })
}

/// Whether blanks at the start of a line indent it; a form feed starts anew.
fn is_indented(margin: &[u8]) -> bool {
    let blanks = margin.iter().rev().take_while(|byte| **byte != b'\x0c');
    blanks.into_iter().any(|byte| matches!(byte, b' ' | b'\t'))
}

/// Whether a statement comes first in its line, behind an indentation.
pub(super) fn leads_indented(source: &[u8], at: usize) -> bool {
    let line = memrchr(b'\n', &source[..at]).map_or(0, |newline| newline + 1);
    let margin = &source[line..at];
    let first = margin.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\x0c'));
    first && is_indented(margin) && (line == 0 || continued(source, 0, line - 1).is_none())
}

/// Whether a logical line is one block as a whole, or stands in one; none where it is hard to say.
pub(super) fn is_block(line: &[u8]) -> Option<bool> {
    let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\x0c'))?;
    let (margin, rest) = line.split_at(start);
    let length = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
    (rest[0] != b'\\').then(|| is_indented(margin) || words::opens_block(&rest[..length]))
}

/// The backslash that takes back the newline at `newline`.
pub(super) fn continued(source: &[u8], floor: usize, newline: usize) -> Option<usize> {
    let code = &source[floor..newline];
    let code = code.strip_suffix(b"\r").unwrap_or(code);
    code.ends_with(b"\\").then(|| floor + code.len() - 1)
}

/// What a statement read by hand leaves behind.
pub(super) struct Plain {
    pub(super) end: usize,
    /// A name that may be used unseen: see [`words::is_hidden`].
    pub(super) hidden: Option<usize>,
    /// `TYPE_CHECKING` gets another name.
    pub(super) renames_checking: bool,
}

/// Reads the statement at `at` into `draft`, if it is plain.
pub(super) fn read<'s>(
    source: &'s [u8],
    at: usize,
    pkgutil: bool,
    block: Block,
    draft: &mut Draft<'s>,
) -> Option<Plain> {
    let before = draft.imports.len();
    let mut reader = Reader {
        source,
        at,
        statement: at,
        pkgutil,
        block,
        draft,
        plain: Plain { end: at, hidden: None, renames_checking: false },
    };
    if reader.statement().is_some() {
        return Some(reader.plain);
    }
    draft.imports.truncate(before);
    None
}

struct Reader<'s, 'd> {
    source: &'s [u8],
    at: usize,
    statement: usize,
    pkgutil: bool,
    block: Block,
    draft: &'d mut Draft<'s>,
    plain: Plain,
}

impl<'s> Reader<'s, '_> {
    fn statement(&mut self) -> Option<()> {
        match self.letters() {
            b"import" => self.modules()?,
            b"from" => self.names()?,
            _ => return None,
        }
        self.blanks();
        self.plain.end = self.at;
        match &self.source[self.at..] {
            [] | [b'\n' | b'#' | b';', ..] | [b'\r', b'\n', ..] => Some(()),
            _ => None,
        }
    }

    /// `a.b as c, d`
    fn modules(&mut self) -> Option<()> {
        loop {
            self.blanks();
            let at = self.at;
            let module = self.dotted()?;
            self.push(at, 0, module, DraftName::Module);
            self.blanks();
            self.alias(false)?;
            if !self.take(b',') {
                return Some(());
            }
        }
    }

    /// `.a.b import c as d, e`
    fn names(&mut self) -> Option<()> {
        self.blanks();
        let dots = self.source[self.at..].iter().take_while(|byte| **byte == b'.').count();
        let level = u8::try_from(dots).ok()?;
        self.at += dots;
        self.blanks();
        let import = self.source[self.at..].starts_with(b"import")
            && !self.source.get(self.at + 6).is_some_and(|byte| is_word(*byte));
        let module = if level > 0 && import { &[] } else { self.dotted()? };
        self.blanks();
        (self.letters() == b"import").then_some(())?;
        self.blanks();
        if module != b"__future__" && self.take(b'*') {
            self.push(self.at - 1, level, module, DraftName::Star);
            return Some(());
        }
        let brackets = self.take(b'(');
        loop {
            self.space(brackets);
            let at = self.at;
            let name = self.word()?;
            self.push(at, level, module, DraftName::Name(Cow::Borrowed(name)));
            self.space(brackets);
            let alias = self.alias(brackets)?;
            self.note(at, name, alias);
            let more = self.take(b',');
            self.space(brackets);
            match (brackets, more) {
                (true, _) if self.take(b')') => return Some(()),
                (false, false) => return Some(()),
                (true, false) => return None,
                _ => {}
            }
        }
    }

    fn note(&mut self, at: usize, name: &[u8], alias: Option<&[u8]>) {
        let aliased = alias.is_some_and(|alias| alias != name);
        if words::is_hidden(name, aliased, self.pkgutil) {
            self.plain.hidden = self.plain.hidden.or(Some(at));
        }
        self.plain.renames_checking |= aliased && name == words::TYPE_CHECKING;
    }

    /// Perhaps `as c`; none where something else stands.
    fn alias(&mut self, brackets: bool) -> Option<Option<&'s [u8]>> {
        if !self.source[self.at..].starts_with(b"as") {
            return Some(None);
        }
        (self.letters() == b"as").then_some(())?;
        self.space(brackets);
        let alias = self.word()?;
        self.space(brackets);
        Some(Some(alias))
    }

    fn push(&mut self, at: usize, level: u8, module: &'s [u8], name: DraftName<'s>) {
        self.draft.imports.push(DraftImport {
            level,
            module: Cow::Borrowed(module),
            name,
            at,
            statement: self.statement,
            block: self.block,
            kind: ImportKind::Static,
        });
    }

    fn dotted(&mut self) -> Option<&'s [u8]> {
        let start = self.at;
        self.word()?;
        while self.take(b'.') {
            self.word()?;
        }
        Some(&self.source[start..self.at])
    }

    /// An identifier of ASCII letters: others have several spellings.
    fn word(&mut self) -> Option<&'s [u8]> {
        let word = self.letters();
        let plain = word.first().is_some_and(|first| !first.is_ascii_digit()) && word.is_ascii();
        (plain && !words::is_keyword(word)).then_some(word)
    }

    fn letters(&mut self) -> &'s [u8] {
        let rest = &self.source[self.at..];
        let length = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.source.get(self.at) == Some(&byte);
        self.at += usize::from(taken);
        taken
    }

    fn blanks(&mut self) {
        while matches!(self.source.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Blanks, and within brackets newlines and comments too.
    fn space(&mut self, brackets: bool) {
        self.blanks();
        if !brackets {
            return;
        }
        loop {
            match self.source.get(self.at) {
                Some(b'#') => self.at = super::lex::line_end(self.source, self.at),
                Some(b' ' | b'\t' | b'\r' | b'\n' | b'\x0c') => self.at += 1,
                _ => return,
            }
        }
    }
}
