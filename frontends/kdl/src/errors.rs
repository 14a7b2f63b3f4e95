//! What the parser of KDL says, as reports: one a line, since what it says after its first complaint
//! is mostly an echo of that one; and files of KDL 1.

use std::ops::Range;

use kdl::{KdlDocument, KdlError};
use qik_model::{Diagnostic, Place, Span};

use crate::scan::Scan;

/// More slips than these in one file come from one that is not yet understood.
pub(crate) const MOST: usize = 10;
/// What the parser says of anything that it can't go on with.
const END: &str = "Expected end of document";

/// The reports of a text in which nodes do not parse; each error with the byte where its node begins.
pub(crate) fn reports(
    text: &str,
    scan: &Scan,
    errors: &[(usize, KdlError)],
    at: &dyn Fn(Range<usize>) -> Span,
) -> Vec<Diagnostic> {
    if let Some(old) = &scan.old
        && is_kdl_1(text)
    {
        return vec![of_old_version(at(old.clone()))];
    }
    let mut found: Vec<(Range<usize>, &kdl::KdlDiagnostic)> = errors
        .iter()
        .flat_map(|(base, error)| error.diagnostics.iter().map(move |one| (*base, one)))
        .map(|(base, one)| (within(text, base + one.span.offset(), one.span.len()), one))
        .collect();
    // Where blocks are closed as they should, what is said of them follows from another slip.
    let echo = |one: &kdl::KdlDiagnostic, range: &Range<usize>| {
        let says =
            |text: &str| one.message.as_deref().is_some_and(|message| message.contains(text));
        says("was not found after nodes")
            || scan.open == 0 && says("No closing")
            || says(END) && text[range.start..].starts_with('}')
    };
    if found.iter().any(|(range, one)| !echo(one, range)) {
        found.retain(|(range, one)| !echo(one, range));
    }
    found.sort_by_key(|(range, _)| (range.start, range.end));
    let mut reports = Vec::new();
    let mut quiet_until = 0;
    for (range, one) in found {
        if range.start < quiet_until {
            continue;
        }
        quiet_until =
            text[range.start..].find('\n').map_or(text.len() + 1, |end| range.start + end + 1);
        let report = Diagnostic::error("config/syntax", "the file is not valid KDL")
            .at(Place::Span(at(range.clone())), label(one))
            .help("`qik --explain-error config/syntax` lists the usual slips")
            .maybe_help(help(&text[range], one));
        reports.push(report);
    }
    reports.truncate(MOST);
    reports
}

/// Whether a text is KDL 1. That parser can't take it that something is wrong before a character of
/// several bytes, so it is asked with others in their place.
pub(crate) fn is_kdl_1(text: &str) -> bool {
    let plain = text.chars().map(|c| match c {
        c if c.is_ascii() => c,
        '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        c if c.is_whitespace() || c == '\u{feff}' => ' ',
        _ => 'x',
    });
    KdlDocument::parse_v1(&plain.collect::<String>()).is_ok()
}

fn of_old_version(at: Span) -> Diagnostic {
    let file = at.file.clone();
    Diagnostic::error("config/kdl-version", "the file is written in KDL 1")
        .at(Place::Span(at), "KDL 2 writes this in another way")
        .help(format!("`qik config convert {file} --to kdl` prints it in KDL 2"))
}

fn label(one: &kdl::KdlDiagnostic) -> String {
    match one.message.as_deref() {
        Some(END) => "cannot stand here".into(),
        Some(message) => fragment(message),
        None => "not understood".into(),
    }
}

/// As reports are worded here.
fn fragment(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

fn help(found: &str, one: &kdl::KdlDiagnostic) -> Option<String> {
    match found.trim() {
        word @ ("true" | "false" | "null" | "inf" | "nan") => Some(format!("write `#{word}`")),
        _ => one.help.as_deref().map(fragment),
    }
}

/// A range of whole characters inside of `text`; of one over several lines the end, at which the
/// parser stood when it gave up.
fn within(text: &str, start: usize, length: usize) -> Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let end = floor(start.saturating_add(length));
    let start = floor(start).min(end);
    if text[start..end].contains('\n') { end..end } else { start..end }
}
