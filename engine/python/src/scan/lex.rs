//! Python's tokens as far as they decide what is code: strings, comments, brackets, ends of
//! statements. Knows no statement and no import.

use std::ops::Range;

use memchr::{memchr, memchr2, memchr3};

use super::draft::DraftError;

/// Why the fast way gives a file up; the full parse reads it then.
#[derive(Debug)]
pub(super) enum Halt {
    /// It is right, and beyond a scanner.
    Odd,
    /// It is no Python.
    Broken(DraftError),
}

const OPEN_STRING: &str = "this string is never closed";
const OPEN_BRACKET: &str = "this bracket is never closed";
const UNOPENED: &str = "this bracket closes none";
/// Strings within f-strings within f-strings: more than this nobody writes.
const DEEPEST: u8 = 16;

pub(super) fn broken<T>(at: usize, message: &'static str) -> Result<T, Halt> {
    Err(Halt::Broken(DraftError { at, message }))
}

/// The end of the string whose first quote stands at `at`; its prefix does not reach below `floor`.
/// `code` is told the expressions within an f-string.
pub(super) fn string(
    source: &[u8],
    at: usize,
    floor: usize,
    code: &mut dyn FnMut(Range<usize>),
) -> Result<usize, Halt> {
    Lexer { source, code, depth: 0 }.string(at, floor)
}

/// How many more brackets are opened in `code` than closed.
pub(super) fn balance(code: &[u8]) -> i32 {
    const LANES: usize = 16;
    // No lane counts further than a byte goes.
    code.chunks(LANES * 127).map(lanes::<LANES>).sum()
}

/// The same of code that is short enough, in lanes of bytes that the compiler makes vectors of.
fn lanes<const LANES: usize>(code: &[u8]) -> i32 {
    let mut lanes = [0_i8; LANES];
    let (chunks, rest) = code.as_chunks::<LANES>();
    let mut last = [0_u8; LANES];
    last[..rest.len()].copy_from_slice(rest);
    for chunk in chunks.iter().chain([&last]) {
        for (lane, byte) in lanes.iter_mut().zip(chunk) {
            *lane += step(*byte);
        }
    }
    lanes.iter().map(|lane| i32::from(*lane)).sum()
}

fn step(byte: u8) -> i8 {
    // `[` and `{`, `]` and `}` are one bit apart.
    let folded = byte | 0x20;
    i8::from(folded == b'{') + i8::from(byte == b'(')
        - i8::from(folded == b'}')
        - i8::from(byte == b')')
}

/// The end of the simple statement that `at` stands in, outside of brackets; `string` is told each
/// string on the way, from its first quote.
pub(super) fn statement_end(
    source: &[u8],
    at: usize,
    string: &mut dyn FnMut(Range<usize>),
) -> Result<usize, Halt> {
    until(source, at, string, |byte, depth| depth == 0 && matches!(byte, b'\n' | b';'))
}

/// The start of the logical line that `at` stands in; `line` is the start of one before.
pub(super) fn line_of(source: &[u8], mut line: usize, at: usize) -> Result<usize, Halt> {
    loop {
        let end = until(source, line, &mut |_| {}, |byte, depth| depth == 0 && byte == b'\n')?;
        if end >= at {
            return Ok(line);
        }
        line = end + 1;
    }
}

/// One past the `=` of an assignment whose target ends at `at`, behind its annotation if it has one.
pub(super) fn assigned(source: &[u8], at: usize) -> Result<Option<usize>, Halt> {
    let end = |byte, depth| depth == 0 && matches!(byte, b'\n' | b';' | b'=');
    let equals = until(source, at, &mut |_| {}, end)?;
    Ok((source.get(equals) == Some(&b'=')).then_some(equals + 1))
}

/// The colon that ends the condition at `at`.
pub(super) fn colon(source: &[u8], at: usize) -> Result<usize, Halt> {
    let end = |byte, depth| depth == 0 && matches!(byte, b'\n' | b':');
    let colon = until(source, at, &mut |_| {}, end)?;
    if source.get(colon) == Some(&b':') { Ok(colon) } else { Err(Halt::Odd) }
}

/// One past the bracket that closes the one at `open`.
pub(super) fn closing(source: &[u8], open: usize) -> Result<usize, Halt> {
    let mut first = true;
    let end =
        until(source, open, &mut |_| {}, |_, depth| depth == 0 && !std::mem::take(&mut first))?;
    Ok(end.min(source.len()))
}

/// Goes over code from `at` to where `stop` says so of a byte and the depth before it.
fn until(
    source: &[u8],
    mut at: usize,
    string: &mut dyn FnMut(Range<usize>),
    mut stop: impl FnMut(u8, i32) -> bool,
) -> Result<usize, Halt> {
    let (start, mut depth) = (at, 0);
    while let Some(&byte) = source.get(at) {
        if stop(byte, depth) {
            return Ok(at);
        }
        match byte {
            b'#' => at = line_end(source, at),
            b'"' | b'\'' => {
                let end = self::string(source, at, start, &mut |_| {})?;
                string(at..end);
                at = end;
            }
            b'\\' => at = escaped(source, at),
            _ => {
                depth += i32::from(step(byte));
                at += 1;
            }
        }
    }
    if depth == 0 { Ok(source.len()) } else { Err(Halt::Odd) }
}

/// Where brackets first go wrong, in a file in which they do.
pub(super) fn bracket_error(source: &[u8]) -> Halt {
    let (mut at, mut open) = (0, Vec::new());
    let found = loop {
        let Some(&byte) = source.get(at) else {
            break open.last().map(|(at, _)| (*at, OPEN_BRACKET));
        };
        match byte {
            b'#' => at = line_end(source, at),
            b'"' | b'\'' => match string(source, at, 0, &mut |_| {}) {
                Ok(end) => at = end,
                Err(halt) => return halt,
            },
            _ => {
                match step(byte) {
                    1 => open.push((at, byte)),
                    -1 if open.pop().is_none() => break Some((at, UNOPENED)),
                    _ => {}
                }
                // No statement starts within brackets: the bracket before it was left open.
                if !open.is_empty() && is_import(source, at) {
                    break open.last().map(|(at, _)| (*at, OPEN_BRACKET));
                }
                at += 1;
            }
        }
    };
    found.map_or(Halt::Odd, |(at, message)| Halt::Broken(DraftError { at, message }))
}

fn is_import(source: &[u8], at: usize) -> bool {
    let word = |byte: Option<&u8>| byte.is_some_and(|byte| super::words::is_word(*byte));
    source[at..].starts_with(b"import")
        && !word(source.get(at + 6))
        && !word(at.checked_sub(1).and_then(|before| source.get(before)))
}

pub(super) fn line_end(source: &[u8], at: usize) -> usize {
    memchr(b'\n', &source[at..]).map_or(source.len(), |newline| at + newline)
}

/// One past what a backslash escapes.
fn escaped(source: &[u8], at: usize) -> usize {
    let crlf = source[at..].starts_with(b"\\\r\n");
    (at + if crlf { 3 } else { 2 }).min(source.len())
}

struct Lexer<'a> {
    source: &'a [u8],
    code: &'a mut dyn FnMut(Range<usize>),
    depth: u8,
}

/// How a string ends, and how it is read until then.
#[derive(Clone, Copy)]
struct Quotes {
    /// Of the first quote.
    at: usize,
    quote: u8,
    triple: bool,
    raw: bool,
}

impl Lexer<'_> {
    fn string(&mut self, at: usize, floor: usize) -> Result<usize, Halt> {
        let quote = self.source[at];
        let triple = self.source[at + 1..].starts_with(&[quote, quote]);
        let (format, raw) = prefix(self.source, at, floor);
        let quotes = Quotes { at, quote, triple, raw };
        let body = at + if triple { 3 } else { 1 };
        if format {
            self.depth += 1;
            let end = self.formatted(quotes, body);
            self.depth -= 1;
            end
        } else if triple {
            self.triple(quotes, body)
        } else {
            self.single(quotes, body)
        }
    }

    fn single(&self, quotes: Quotes, mut at: usize) -> Result<usize, Halt> {
        while let Some(next) = memchr3(quotes.quote, b'\\', b'\n', &self.source[at..]) {
            at += next;
            match self.source[at] {
                b'\\' => at = escaped(self.source, at),
                b'\n' => return broken(quotes.at, OPEN_STRING),
                _ => return Ok(at + 1),
            }
        }
        broken(quotes.at, OPEN_STRING)
    }

    fn triple(&self, quotes: Quotes, mut at: usize) -> Result<usize, Halt> {
        while let Some(next) = memchr2(quotes.quote, b'\\', &self.source[at..]) {
            at += next;
            if self.source[at] == b'\\' {
                at = escaped(self.source, at);
            } else if self.ends(quotes, at) {
                return Ok(at + 3);
            } else {
                at += 1;
            }
        }
        broken(quotes.at, OPEN_STRING)
    }

    fn ends(&self, quotes: Quotes, at: usize) -> bool {
        !quotes.triple || self.source[at + 1..].starts_with(&[quotes.quote, quotes.quote])
    }

    /// An f-string or t-string: text, with expressions between braces.
    fn formatted(&mut self, quotes: Quotes, mut at: usize) -> Result<usize, Halt> {
        if self.depth > DEEPEST {
            return Err(Halt::Odd);
        }
        while let Some(&byte) = self.source.get(at) {
            match byte {
                b'\\' => at = self.escaped_in_format(quotes, at),
                b'{' if self.source.get(at + 1) == Some(&b'{') => at += 2,
                b'{' => at = self.expression(quotes, at + 1)?,
                b'\n' if !quotes.triple => return broken(quotes.at, OPEN_STRING),
                byte if byte == quotes.quote && self.ends(quotes, at) => {
                    return Ok(at + if quotes.triple { 3 } else { 1 });
                }
                _ => at += 1,
            }
        }
        broken(quotes.at, OPEN_STRING)
    }

    fn escaped_in_format(&self, quotes: Quotes, at: usize) -> usize {
        match self.source.get(at + 1) {
            // A brace is no escape.
            Some(b'{' | b'}') => at + 1,
            Some(b'N') if !quotes.raw && self.source.get(at + 2) == Some(&b'{') => {
                memchr(b'}', &self.source[at..]).map_or(self.source.len(), |end| at + end + 1)
            }
            _ => escaped(self.source, at),
        }
    }

    /// One past the brace that ends the expression which starts at `at`.
    fn expression(&mut self, quotes: Quotes, mut at: usize) -> Result<usize, Halt> {
        let (start, mut depth) = (at, 0);
        while let Some(&byte) = self.source.get(at) {
            match byte {
                b'"' | b'\'' => at = self.string(at, start)?,
                b'#' => at = line_end(self.source, at),
                b'}' if depth == 0 => {
                    (self.code)(start..at);
                    return Ok(at + 1);
                }
                b':' if depth == 0 => {
                    (self.code)(start..at);
                    return self.specification(quotes, at + 1);
                }
                _ => {
                    depth += i32::from(step(byte));
                    at += 1;
                }
            }
        }
        Err(Halt::Odd)
    }

    /// What stands between the colon and the brace: text again, with expressions.
    fn specification(&mut self, quotes: Quotes, mut at: usize) -> Result<usize, Halt> {
        if self.depth > DEEPEST {
            return Err(Halt::Odd);
        }
        while let Some(&byte) = self.source.get(at) {
            match byte {
                b'{' => {
                    self.depth += 1;
                    at = self.expression(quotes, at + 1)?;
                    self.depth -= 1;
                }
                b'}' => return Ok(at + 1),
                byte if byte == quotes.quote && self.ends(quotes, at) => return Err(Halt::Odd),
                _ => at += 1,
            }
        }
        Err(Halt::Odd)
    }
}

/// Whether the letters before a quote make it an f-string or t-string, and a raw one.
fn prefix(source: &[u8], at: usize, floor: usize) -> (bool, bool) {
    let before = &source[floor..at];
    let word = |byte: &u8| super::words::is_word(*byte);
    let length = before.iter().rev().take(3).take_while(|byte| word(byte)).count();
    let letters = &before[before.len() - length..];
    if length == 0 || length == 3 {
        return (false, false);
    }
    let any = |wanted: &[u8]| letters.iter().any(|byte| wanted.contains(byte));
    let known = letters.iter().all(|byte| b"fFtTrRbBuU".contains(byte));
    (known && any(b"fFtT"), known && any(b"rR"))
}
