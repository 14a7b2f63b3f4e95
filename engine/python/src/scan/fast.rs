//! The fast way: substring search finds what may count, jumps from string to comment tell what of
//! it is code, plain statements are read by hand and the others as slices by tree-sitter. Where it
//! is not sure it gives the file up.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr3, memrchr};

use super::draft::{Block, Draft};
use super::lex::{self, Halt, broken};
use super::statement::{self, After, continued};
use super::triggers::{self, Kind, Trigger, Triggers};
use super::{calls, judge, words};

/// Reads a file whose lines end with `\n` or `\r\n`.
///
/// # Errors
/// Where only the full parse can tell.
pub(super) fn read(source: &[u8]) -> Result<Draft<'_>, Halt> {
    let Triggers { sorted: triggers, pkgutil } = triggers::find(source);
    let scan = Scan {
        source,
        triggers,
        next: 0,
        depth: 0,
        consumed: 0,
        line: 0,
        checking: None,
        otherwise: None,
        pkgutil,
        draft: Draft::default(),
    };
    scan.run()
}

struct Scan<'s> {
    source: &'s [u8],
    triggers: Vec<Trigger>,
    /// The first trigger ahead.
    next: usize,
    /// Of brackets.
    depth: i32,
    /// Triggers below were read as part of a statement or a call.
    consumed: usize,
    /// Where a logical line starts, the last one that was asked for.
    line: usize,
    /// The indentation of the `if TYPE_CHECKING:` whose block this is.
    checking: Option<usize>,
    /// The indentation of the `if not TYPE_CHECKING:` whose other branches are for type checkers.
    otherwise: Option<usize>,
    pkgutil: bool,
    draft: Draft<'s>,
}

impl<'s> Scan<'s> {
    fn run(mut self) -> Result<Draft<'s>, Halt> {
        let mut at = 0;
        loop {
            let event = memchr3(b'"', b'\'', b'#', &self.source[at..]).map(|event| at + event);
            let end = event.unwrap_or(self.source.len());
            self.code(at..end)?;
            let Some(event) = event else { break };
            at = if self.source[event] == b'#' {
                lex::line_end(self.source, event)
            } else {
                self.string(event, at)?
            };
            while self.triggers.get(self.next).is_some_and(|trigger| trigger.at < at) {
                self.next += 1;
            }
        }
        if self.depth == 0 { Ok(self.draft) } else { Err(lex::bracket_error(self.source)) }
    }

    fn string(&self, at: usize, floor: usize) -> Result<usize, Halt> {
        let ahead = &self.triggers[self.next..];
        let mut odd = false;
        let end = lex::string(self.source, at, floor, &mut |code| {
            odd |= ahead.iter().take_while(|t| t.at < code.end).any(|t| t.at >= code.start);
        })?;
        if odd { Err(Halt::Odd) } else { Ok(end) }
    }

    /// Code between two strings or comments.
    fn code(&mut self, code: Range<usize>) -> Result<(), Halt> {
        let mut from = code.start;
        while let Some(&trigger) = self.triggers.get(self.next) {
            if trigger.at >= code.end {
                break;
            }
            self.next += 1;
            self.advance(from..trigger.at, code.start)?;
            from = trigger.at;
            if trigger.at >= self.consumed {
                self.trigger(trigger, code.start)?;
            }
        }
        self.advance(from..code.end, code.start)
    }

    fn advance(&mut self, code: Range<usize>, floor: usize) -> Result<(), Halt> {
        let mut from = code.start;
        while self.checking.is_some() || self.otherwise.is_some() {
            let Some(newline) = memchr(b'\n', &self.source[from..code.end]) else { break };
            self.depth += lex::balance(&self.source[from..from + newline]);
            let newline = from + newline;
            from = newline + 1;
            if self.depth == 0 && continued(self.source, floor, newline).is_none() {
                self.line(from)?;
            }
        }
        self.depth += lex::balance(&self.source[from..code.end]);
        Ok(())
    }

    /// A statement starts at `at`, or nothing: blocks may end.
    fn line(&mut self, at: usize) -> Result<(), Halt> {
        let Some(own) = self.indentation(at) else { return Ok(()) };
        if self.source[at..].trim_ascii_start().starts_with(b"\\") {
            return Err(Halt::Odd);
        }
        if self.checking.is_some_and(|block| own <= block) {
            self.checking = None;
        }
        if self.otherwise.is_some_and(|block| own <= block) {
            let line = self.source[at..].trim_ascii_start();
            let branch = line.starts_with(b"else") || line.starts_with(b"elif");
            if branch && self.otherwise == Some(own) {
                self.checking = Some(own);
            } else {
                self.otherwise = None;
            }
        }
        Ok(())
    }

    /// Of a line that holds code.
    fn indentation(&self, line: usize) -> Option<usize> {
        let mut indentation = 0;
        for byte in &self.source[line..] {
            match byte {
                b' ' => indentation += 1,
                b'\t' => indentation += 8,
                b'\x0c' => indentation = 0,
                b'\r' | b'\n' | b'#' => return None,
                _ => return Some(indentation),
            }
        }
        None
    }

    fn trigger(&mut self, trigger: Trigger, floor: usize) -> Result<(), Halt> {
        match trigger.kind {
            Kind::Import => self.import(trigger.at, floor),
            Kind::Loader => self.loader(trigger),
            Kind::Walker => {
                if !self.is_defined(trigger.at) {
                    self.draft.walks_package(trigger.at, self.source);
                }
                Ok(())
            }
            Kind::Path => {
                if !words::extends_path(self.source, trigger.at) && !self.is_defined(trigger.at) {
                    self.draft.walks_package(trigger.at, self.source);
                }
                Ok(())
            }
            Kind::Getattr => self.getattr(trigger),
            Kind::Plugins => self.plugins(trigger),
            Kind::TypeChecking => self.type_checking(trigger, floor),
            Kind::Setting => self.setting(trigger, floor),
        }
    }

    fn import(&mut self, at: usize, floor: usize) -> Result<(), Halt> {
        if self.depth != 0 {
            return Err(lex::bracket_error(self.source));
        }
        let Some(statement::Start { at: start, after }) = statement::start(self.source, floor, at)
        else {
            return broken(at, judge::UNREADABLE);
        };
        let conditional = match after {
            After::Margin { indented } => indented,
            After::Colon => true,
            After::Semicolon => self.is_in_block(start)?,
        };
        let block = Block { type_checking: self.checking.is_some(), conditional };
        let plain = statement::read(self.source, start, self.pkgutil, block, &mut self.draft);
        let Some(plain) = plain else { return self.import_slice(start, block) };
        if plain.renames_checking {
            return Err(Halt::Odd);
        }
        if let Some(at) = plain.hidden {
            self.draft.walks_package(at, self.source);
        }
        self.consumed = plain.end;
        Ok(())
    }

    /// Whether a statement behind another one stands in a block.
    fn is_in_block(&mut self, at: usize) -> Result<bool, Halt> {
        self.line = lex::line_of(self.source, self.line, at)?;
        statement::is_block(&self.source[self.line..at]).ok_or(Halt::Odd)
    }

    fn import_slice(&mut self, start: usize, block: Block) -> Result<(), Halt> {
        let end = lex::statement_end(self.source, start, &mut |_| {})?;
        let found = self.draft.imports.len();
        if memchr::memmem::find(&self.source[start..end], words::TYPE_CHECKING).is_some() {
            return Err(Halt::Odd);
        }
        match self.slice(start..end, block) {
            Ok(()) if self.draft.imports.len() > found => Ok(()),
            _ => broken(start, judge::UNREADABLE),
        }
    }

    /// Has tree-sitter read a part of the file that stands in `block`.
    fn slice(&mut self, range: Range<usize>, block: Block) -> Result<(), Halt> {
        let end = range.end;
        let read = judge::slice(self.source, range).ok_or(Halt::Odd)?;
        let imports = read.imports.into_iter();
        self.draft.imports.extend(imports.map(|mut import| {
            import.block = import.block.or(block);
            import
        }));
        self.draft.plugins.extend(read.plugins);
        if let Some(at) = read.whole_package {
            self.draft.walks_package(at, self.source);
        }
        self.consumed = end;
        Ok(())
    }

    fn loader(&mut self, trigger: Trigger) -> Result<(), Halt> {
        if self.is_defined(trigger.at) {
            return Ok(());
        }
        let open = self.after_blanks(trigger.end);
        match self.source.get(open) {
            Some(b'(') => {}
            Some(b'\\') => return Err(Halt::Odd),
            Some(b'\r' | b'\n' | b'#') if self.depth > 0 => return Err(Halt::Odd),
            _ => {
                self.draft.walks_package(trigger.at, self.source);
                return Ok(());
            }
        }
        if let Some((name, end)) = self.only_literal(open)
            && let Some(import) = calls::absolute(name)
        {
            let (at, block) = (trigger.at, import.block.or(self.checked()));
            let placed = super::draft::DraftImport { at, statement: at, block, ..import };
            self.draft.imports.push(placed);
            self.consumed = end;
            return Ok(());
        }
        self.slice(trigger.at..lex::closing(self.source, open)?, self.checked())
    }

    /// What is known of a block for a call: that it may not run is known anyway.
    fn checked(&self) -> Block {
        Block::default().or_checked(self.checking.is_some())
    }

    /// The string of `("…")`, where nothing else stands between the brackets.
    fn only_literal(&self, open: usize) -> Option<(&'s [u8], usize)> {
        let start = self.after_blanks(open + 1);
        let quote = *self.source.get(start).filter(|byte| matches!(byte, b'"' | b'\''))?;
        let rest = &self.source[start + 1..];
        let length = rest.iter().position(|byte| !words::is_word(*byte) && *byte != b'.')?;
        let close = self.after_blanks(start + length + 2);
        let only = rest[length] == quote && length > 0 && self.source.get(close) == Some(&b')');
        only.then_some((&rest[..length], close + 1))
    }

    fn getattr(&mut self, trigger: Trigger) -> Result<(), Halt> {
        let open = self.after_blanks(trigger.end);
        if self.is_defined(trigger.at) && self.source.get(open) == Some(&b'(') {
            let close = lex::closing(self.source, open)?;
            if words::takes_one(&self.source[open..close]) {
                self.draft.walks_package(trigger.at, self.source);
            }
        }
        Ok(())
    }

    fn plugins(&mut self, trigger: Trigger) -> Result<(), Halt> {
        let attribute = self.source[..trigger.at].trim_ascii_end().ends_with(b".");
        let rest = &self.source[self.after_blanks(trigger.end)..];
        match rest {
            _ if self.depth != 0 || attribute => Ok(()),
            [b'=', b'=', ..] => Ok(()),
            [b'\\', ..] => Err(Halt::Odd),
            [b'=' | b':', ..] | [b'+', b'=', ..] => {
                let end = lex::statement_end(self.source, trigger.at, &mut |_| {})?;
                self.slice(trigger.at..end, self.checked())
            }
            _ => Ok(()),
        }
    }

    /// Opens a block where an `if` asks for `TYPE_CHECKING`.
    fn type_checking(&mut self, trigger: Trigger, floor: usize) -> Result<(), Halt> {
        let line = memrchr(b'\n', &self.source[..trigger.at]).map_or(0, |newline| newline + 1);
        if line > floor && continued(self.source, floor, line - 1).is_some() {
            return Err(Halt::Odd);
        }
        let before = &self.source[line..trigger.at];
        let Some(condition) = condition_of(before).map(|length| trigger.at - length) else {
            return if self.depth == 0 { Ok(()) } else { Err(Halt::Odd) };
        };
        if line < floor || self.depth != lex::balance(before) {
            return Err(Halt::Odd);
        }
        let colon = lex::colon(self.source, condition)?;
        let body = self.after_blanks(colon + 1);
        if !matches!(self.source.get(body), None | Some(b'\n' | b'\r' | b'#')) {
            return Err(Halt::Odd);
        }
        self.consumed = colon;
        if self.checking.is_some() {
            return Ok(());
        }
        let truth = judge::condition(&self.source[condition..colon]).ok_or(Halt::Odd)?;
        let indentation = self.indentation(line);
        self.checking = indentation.filter(|_| truth.then);
        if truth.otherwise && self.otherwise.is_some() {
            return Err(Halt::Odd);
        }
        self.otherwise = self.otherwise.or(indentation.filter(|_| truth.otherwise));
        Ok(())
    }

    fn setting(&mut self, trigger: Trigger, floor: usize) -> Result<(), Halt> {
        if self.depth != 0 {
            return Ok(());
        }
        if trigger.at > floor && continued(self.source, floor, trigger.at - 1).is_some() {
            return Err(Halt::Odd);
        }
        if self.source.get(self.after_blanks(trigger.end)) == Some(&b'\\') {
            return Err(Halt::Odd);
        }
        let name = &self.source[trigger.at..trigger.end];
        let (source, draft) = (self.source, &mut self.draft);
        let Some(equals) = lex::assigned(source, trigger.end)? else { return Ok(()) };
        lex::statement_end(source, equals, &mut |string| {
            if let Some((at, text)) = plain_string(source, string)
                && words::is_setting(name, text)
            {
                draft.dotted.push((at, Cow::Borrowed(text)));
            }
        })?;
        Ok(())
    }

    fn is_defined(&self, at: usize) -> bool {
        let before = self.source[..at].trim_ascii_end();
        before.len() < at && (ends_with_word(before, b"def") || ends_with_word(before, b"class"))
    }

    fn after_blanks(&self, at: usize) -> usize {
        let rest = self.source.get(at..).unwrap_or_default();
        at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\x0c')).count()
    }
}

/// How much of a line that starts with `if` or `elif` stands behind that word.
fn condition_of(line: &[u8]) -> Option<usize> {
    let line = line.trim_ascii_start();
    let behind = line.strip_prefix(b"el").unwrap_or(line).strip_prefix(b"if")?;
    (!behind.first().is_some_and(|first| words::is_word(*first))).then_some(behind.len())
}

fn ends_with_word(text: &[u8], word: &[u8]) -> bool {
    text.strip_suffix(word)
        .is_some_and(|before| before.last().is_none_or(|last| !words::is_word(*last)))
}

/// A string's text and where it starts with its prefix, if that is its value.
fn plain_string(source: &[u8], string: Range<usize>) -> Option<(usize, &[u8])> {
    let quote = source[string.start];
    let triple = string.len() >= 6 && source[string.start + 1..].starts_with(&[quote, quote]);
    let width = if triple { 3 } else { 1 };
    let text = &source[string.start + width..string.end - width];
    let before = &source[..string.start];
    let letters = before.iter().rev().take_while(|byte| words::is_word(**byte)).count();
    let prefix = &before[before.len() - letters..];
    let plain = prefix.iter().all(|byte| b"rRuU".contains(byte)) && !text.contains(&b'\\');
    plain.then_some((string.start - letters, text))
}
