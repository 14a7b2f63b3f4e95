//! Source files as the rules see them: without comments, texts and test modules. A light reading,
//! good enough for code that the compiler accepted; it does not know macros.

use std::fs;
use std::path::Path;

use super::manifest::{house, rooms};

/// A file below some room's `src/`.
#[derive(Debug)]
pub struct Source {
    /// `engine/db/src/lib.rs`
    pub path: String,
    /// As it stands.
    pub text: String,
    /// With comments and texts blanked, line for line.
    code: String,
    /// Of that, what users get.
    shipped: String,
}

pub fn all() -> Vec<Source> {
    let mut sources = Vec::new();
    for room in rooms() {
        collect(&house(), &format!("{room}/src"), &mut sources);
    }
    sources
}

fn collect(house: &Path, folder: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(house.join(folder)).unwrap() {
        let path = format!("{folder}/{}", entry.unwrap().file_name().into_string().unwrap());
        if house.join(&path).is_dir() {
            collect(house, &path, sources);
        } else if path.ends_with(".rs") {
            sources.push(Source::sample(&path, &fs::read_to_string(house.join(&path)).unwrap()));
        }
    }
}

impl Source {
    /// The file at `path` as if it had this text.
    pub fn sample(path: &str, text: &str) -> Self {
        let code = blank_comments_and_texts(text);
        let shipped = if is_test_file(path) { String::new() } else { blank_tests(&code) };
        Self { path: path.to_string(), text: text.to_string(), code, shipped }
    }

    /// The same file where `allowed` is nothing.
    pub fn without(&self, allowed: &str) -> Self {
        let text =
            if allowed.is_empty() { self.text.clone() } else { self.text.replace(allowed, "") };
        Self::sample(&self.path, &text)
    }

    /// Where what users get mentions one of `needles`: `PATH:LINE: NEEDLE`.
    pub fn mentions(&self, needles: &[&str]) -> Vec<String> {
        self.find(&ungroup(&self.shipped), needles)
    }

    /// Where the code or its tests do.
    pub fn mentions_anywhere(&self, needles: &[&str]) -> Vec<String> {
        self.find(&self.code, needles)
    }

    fn find(&self, code: &str, needles: &[&str]) -> Vec<String> {
        let lines = code.lines().enumerate();
        lines
            .flat_map(|(at, line)| needles.iter().map(move |needle| (at + 1, line, needle)))
            .filter(|(_, line, needle)| has_word(line, needle))
            .map(|(at, _, needle)| format!("{}:{at}: {needle}", self.path))
            .collect()
    }
}

/// `src/tests.rs` and `src/x/tests.rs` are included by `#[cfg(test)] mod tests;`.
fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Whether `needle` stands in the line as a whole: `print!` is not in `println!` nor `eprint!`.
fn has_word(line: &str, needle: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(needle).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_none_or(|c| !is_word(c));
        let after = line[at + needle.len()..].chars().next().is_none_or(|c| !is_word(c));
        (before || !needle.starts_with(is_word)) && (after || !needle.ends_with(is_word))
    })
}

/// `use std::{fmt, env::var}` with `std::fmt std::env::var` in front, so that needles are found.
fn ungroup(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("std::{") {
        let group = &rest[at + 6..];
        let end = group.find(';').unwrap_or(group.len());
        out.push_str(&rest[..at]);
        for name in group[..end].split([',', '{', '}', '\n']).map(str::trim) {
            out.push_str(&format!("std::{name} "));
        }
        out.push_str(&"\n".repeat(group[..end].matches('\n').count()));
        rest = &group[end..];
    }
    out + rest
}

/// Without each item behind `#[cfg(test)]`.
fn blank_tests(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let (before, item) = rest.split_at(at);
        let item_end = end_of_item(item);
        out.push_str(before);
        out.push_str(&"\n".repeat(item[..item_end].matches('\n').count()));
        rest = &item[item_end..];
    }
    out + rest
}

/// Behind the first `;` outside brackets, or behind the brace that closes the first one.
fn end_of_item(code: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Comments, string literals and character literals as blanks; line breaks stay.
fn blank_comments_and_texts(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after_word = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let skipped = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => end_of_block_comment(rest),
            '"' => end_of_string(rest),
            'r' if !after_word => raw_string(rest, "r"),
            'b' if !after_word && rest.starts_with("br") => raw_string(rest, "br"),
            '\'' => end_of_char(rest),
            _ => 0,
        };
        if skipped == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            let breaks = rest[..skipped].matches('\n').count();
            out.push(' ');
            out.push_str(&"\n".repeat(breaks));
            rest = &rest[skipped..];
        }
    }
    out
}

fn end_of_block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn end_of_string(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a raw string after `prefix`, 0 if there is none.
fn raw_string(text: &str, prefix: &str) -> usize {
    let body = &text[prefix.len()..];
    let hashes = body.bytes().take_while(|byte| *byte == b'#').count();
    if !body[hashes..].starts_with('"') {
        return 0;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let from = prefix.len() + hashes + 1;
    text[from..].find(&close).map_or(text.len(), |at| from + at + close.len())
}

/// The length of a character literal, 0 for a lifetime.
fn end_of_char(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            text[2..].bytes().skip(1).position(|b| b == b'\'').map_or(0, |at| at + 4)
        }
        Some((_, _)) => chars.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}
