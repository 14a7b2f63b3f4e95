//! What is to be known of a KDL text before it is parsed, by looking at its tokens alone: comments,
//! how blocks nest, and what only KDL 1 writes.
//!
//! The parser calls itself for each block, and after much of what it does not understand, so texts
//! that would lead it on without end are found here and never reach it.

use std::ops::Range;

use qik_model::comments::Comment;

/// Nothing of a configuration nests deeper than five blocks.
const DEEPEST: usize = 8;
/// How many tokens may stand where none can before the parser is spared the rest.
const ODDEST: usize = 64;

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub comments: Vec<Comment>,
    /// Blocks that the parser would not survive, and what is wrong with them.
    pub fault: Option<(Range<usize>, &'static str)>,
    /// The first token that KDL 1 alone has.
    pub old: Option<Range<usize>>,
    /// Blocks that are opened and not closed.
    pub open: usize,
    /// The nodes at the top, each with its line's end. What follows the slip in one of them does not
    /// concern the next.
    pub nodes: Vec<Range<usize>>,
}

/// The last token, as far as it tells what may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Value,
    ValueOfProperty,
    Equals,
    Slashdash,
    Block,
    Other,
}

/// Looks at the whole of `text`.
pub(crate) fn scan(text: &str) -> Scan {
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        at: 0,
        open: 0,
        slip: None,
        odd: 0,
        first_odd: 0..0,
        last: Last::Other,
        start: 0,
        is_empty: true,
        scan: Scan::default(),
    };
    while scanner.at < scanner.bytes.len() {
        scanner.token();
    }
    scanner.node_ends();
    scanner.scan.open = scanner.open;
    if scanner.odd > ODDEST {
        let first = scanner.first_odd.clone();
        scanner.fault(first, "cannot stand here");
    }
    scanner.scan
}

struct Scanner<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    open: usize,
    /// The first place in the node at the top where the parser may see other tokens than are seen here:
    /// it reads the inside of a text that it does not understand anew.
    slip: Option<Range<usize>>,
    odd: usize,
    first_odd: Range<usize>,
    last: Last,
    /// Where the node at the top began, and whether anything but blanks and comments is in it.
    start: usize,
    is_empty: bool,
    scan: Scan,
}

impl Scanner<'_> {
    fn token(&mut self) {
        let start = self.at;
        match self.bytes[start] {
            b'/' if self.looks_at("//") => self.line_comment(),
            b'/' if self.looks_at("/*") => self.block_comment(),
            b'/' if self.looks_at("/-") => self.slashdash(),
            b'"' => {
                self.string();
                if self.text[start..self.at].contains("/-") {
                    self.slip.get_or_insert(start..start + 1);
                }
                self.value(start);
            }
            b'#' => {
                self.hash();
                self.value(start);
            }
            b'{' | b'}' => self.brace(),
            b'=' => {
                self.at += 1;
                self.is_empty = false;
                self.odd_unless(self.last == Last::Value, start);
                self.last = Last::Equals;
            }
            b';' | b'\n' => {
                self.at += 1;
                self.odd_unless(self.last != Last::Equals, start);
                if self.last != Last::Slashdash {
                    self.last = Last::Other;
                    if self.open == 0 {
                        self.node_ends();
                    }
                }
            }
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'\\' => self.line_goes_on(),
            byte if is_word(byte) => {
                self.word();
                self.value(start);
            }
            _ => {
                self.at += 1;
                self.is_empty = false;
                self.odd_unless(false, start);
            }
        }
    }

    fn node_ends(&mut self) {
        // The parser tries each block that is commented out twice, and so do those in it.
        if let Some(slip) = self.slip.take()
            && commented_blocks(&self.text[self.start..self.at]) > DEEPEST
        {
            self.fault(slip, "is not understood, and too many blocks are commented out here");
        }
        if !self.is_empty {
            self.scan.nodes.push(self.start..self.at);
        }
        (self.start, self.is_empty) = (self.at, true);
    }

    fn brace(&mut self) {
        let start = self.at;
        self.at += 1;
        self.is_empty = false;
        self.odd_unless(self.last != Last::Equals, start);
        let heads = !matches!(self.last, Last::Other | Last::Block);
        self.last = if self.bytes[start] == b'{' { Last::Other } else { Last::Block };
        if self.bytes[start] == b'{' {
            self.odd_unless(heads, start);
            self.open += 1;
            if self.open > DEEPEST {
                self.fault(start..self.at, "blocks nest too deep here");
            }
        } else {
            match self.open.checked_sub(1) {
                Some(open) => self.open = open,
                None => self.fault(start..self.at, "closes no block"),
            }
        }
    }

    /// A backslash at the end of a line.
    fn line_goes_on(&mut self) {
        let start = self.at;
        self.is_empty = false;
        let rest = self.text[start + 1..].trim_start_matches([' ', '\t']);
        self.odd_unless(
            rest.is_empty() || rest.starts_with(is_newline) || rest.starts_with('/'),
            start,
        );
        let newline = rest.starts_with('\n') || rest.starts_with("\r\n");
        self.at = self.text.len() - rest.len()
            + usize::from(newline) * (1 + usize::from(rest.starts_with('\r')));
    }

    /// Something that may be a value, from `start` to here.
    fn value(&mut self, start: usize) {
        let apart = start == 0 || !is_word(self.bytes[start - 1]) && self.bytes[start - 1] != b'"';
        self.odd_unless(apart && self.last != Last::Block, start);
        self.is_empty = false;
        self.last = if self.last == Last::Equals { Last::ValueOfProperty } else { Last::Value };
    }

    fn odd_unless(&mut self, fine: bool, start: usize) {
        if fine {
            return;
        }
        let width = self.text[start..].chars().next().map_or(0, char::len_utf8);
        let at = start..start + width;
        self.slip.get_or_insert(at.clone());
        if self.odd == 0 {
            self.first_odd = at;
        }
        self.odd += 1;
    }

    fn looks_at(&self, mark: &str) -> bool {
        self.bytes[self.at..].starts_with(mark.as_bytes())
    }

    fn fault(&mut self, at: Range<usize>, what: &'static str) {
        self.scan.fault.get_or_insert((at, what));
    }

    fn slashdash(&mut self) {
        // KDL 2 marks its version by a node that is commented out; so does KDL 1.
        let mark = self.text[self.at..].lines().next().unwrap_or_default();
        if mark.trim_end().ends_with("kdl-version 1") {
            self.scan.old.get_or_insert(self.at..self.at + mark.len());
        }
        self.odd_unless(!matches!(self.last, Last::Slashdash | Last::Equals), self.at);
        self.is_empty = false;
        self.last = Last::Slashdash;
        self.at += 2;
    }

    fn line_comment(&mut self) {
        let start = self.at;
        let line = self.text[start..].split(is_newline).next().unwrap_or_default();
        self.at += line.len();
        self.comment(start, vec![line[2..].trim().to_string()]);
    }

    fn block_comment(&mut self) {
        let (start, mut depth) = (self.at, 0);
        while self.at < self.bytes.len() {
            if self.looks_at("/*") {
                depth += 1;
                self.at += 2;
                if depth > DEEPEST {
                    self.fault(self.at - 2..self.at, "comments nest too deep here");
                }
            } else if self.looks_at("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    break;
                }
            } else {
                self.at += 1;
            }
        }
        if depth > 0 {
            // The parser would read what is in it as if it were none.
            self.fault(start..start + 2, "opens a comment that is not closed");
        }
        let inner = &self.text[start + 2..self.at.max(start + 2)];
        let inner = inner.strip_suffix("*/").unwrap_or(inner);
        let lines = inner.split(is_newline).map(|line| line.trim().trim_start_matches("* "));
        let lines: Vec<String> =
            lines.filter(|line| !line.is_empty()).map(str::to_string).collect();
        self.comment(start, lines);
    }

    fn comment(&mut self, start: usize, lines: Vec<String>) {
        let before = self.text[..start].rsplit(is_newline).next().unwrap_or_default();
        let own_line = before.trim_start_matches('\u{feff}').trim().is_empty();
        self.scan.comments.push(Comment { start, end: self.at, lines, own_line });
    }

    /// A string in quotes; one that is not closed ends with its line.
    fn string(&mut self) {
        if self.looks_at("\"\"\"") {
            self.at += 3;
            return self.text_until(|this| this.looks_at("\"\"\""), 3, true);
        }
        let start = self.at;
        self.at += 1;
        let ends = self.until(|this| matches!(this.bytes[this.at], b'"' | b'\n'), 1, true);
        let text = &self.bytes[start..self.at];
        if !(ends && text.ends_with(b"\"")) {
            self.slip.get_or_insert(start..start + 1);
        }
    }

    /// `#true` and the like, or a raw string.
    fn hash(&mut self) {
        let start = self.at;
        let hashes = self.bytes[start..].iter().take_while(|byte| **byte == b'#').count();
        self.at += hashes;
        if self.looks_at("\"") {
            return self.raw_string(hashes);
        }
        self.skip_word();
        let known = ["#true", "#false", "#null", "#inf", "#-inf", "#nan"];
        self.odd_unless(known.contains(&&self.text[start..self.at]), start);
    }

    /// The rest of a raw string behind its first `hashes`, if there is one.
    fn raw_string(&mut self, hashes: usize) {
        let quotes = if self.looks_at("\"\"\"") { 3 } else { usize::from(self.looks_at("\"")) };
        if quotes == 0 {
            return;
        }
        self.at += quotes;
        let end = "\"".repeat(quotes) + &"#".repeat(hashes);
        self.text_until(|this| this.looks_at(&end), end.len(), false);
    }

    /// As [`Self::until`], for texts over several lines, of which one that is not closed takes the
    /// rest of the file.
    fn text_until(&mut self, ends: impl Fn(&Self) -> bool, length: usize, escapes: bool) {
        let start = self.at;
        if !self.until(ends, length, escapes) {
            self.fault(start.saturating_sub(length)..start, "opens a text that is not closed");
        }
    }

    /// Goes on until `ends`, and `length` bytes further; whether there was such an end.
    fn until(&mut self, ends: impl Fn(&Self) -> bool, length: usize, escapes: bool) -> bool {
        while self.at < self.bytes.len() {
            if ends(self) {
                self.at += length;
                return true;
            }
            self.at += if escapes && self.bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at = self.bytes.len();
        false
    }

    /// A bare word: a name, a text, a number, or a value of KDL 1.
    fn word(&mut self) {
        let start = self.at;
        self.skip_word();
        let old = match &self.bytes[start..self.at] {
            b"true" | b"false" | b"null" => true,
            b"r" if self.looks_at("\"") || self.looks_at("#") => {
                let hashes = self.bytes[self.at..].iter().take_while(|byte| **byte == b'#').count();
                self.at += hashes;
                self.raw_string(hashes);
                true
            }
            _ => false,
        };
        if old {
            self.scan.old.get_or_insert(start..self.at);
        }
    }

    fn skip_word(&mut self) {
        while self.at < self.bytes.len() && is_word(self.bytes[self.at]) {
            self.at += 1;
        }
    }
}

/// How many blocks are commented out in a text, wherever that stands; no more are counted than matter.
fn commented_blocks(text: &str) -> usize {
    /// Between a mark and its block.
    const FAR: usize = 200;
    let opens = |(at, mark): &(usize, &str)| {
        let rest = &text.as_bytes()[at + mark.len()..];
        let mut rest = &rest[..rest.len().min(FAR)];
        loop {
            rest = rest.trim_ascii_start();
            let skipped = match rest {
                [b'{', ..] => return true,
                [b'\\', ..] => 1,
                [b'/', b'/', ..] => {
                    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
                }
                [b'/', b'*', ..] => {
                    rest.windows(2).position(|two| two == b"*/").map_or(rest.len(), |end| end + 2)
                }
                _ => return false,
            };
            rest = &rest[skipped..];
        }
    };
    text.match_indices("/-").filter(opens).take(DEEPEST + 1).count()
}

/// Whether a byte may be part of a bare name or number.
fn is_word(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f && !b"\\/(){}[];\"#=".contains(&byte)
}

fn is_newline(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{b}' | '\u{c}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests;
