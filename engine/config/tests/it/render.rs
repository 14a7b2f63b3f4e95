//! Reports as plain text: enough to read that each points at the right place.

use std::collections::BTreeMap;
use std::fmt::Write;

use qik_model::{Diagnostic, Origin, Place, RelPath, Severity, Span};

use crate::golden::Documents;

pub fn all(
    reports: &[Diagnostic],
    documents: &Documents,
    files: &BTreeMap<RelPath, Vec<u8>>,
) -> String {
    let rendered: Vec<String> =
        reports.iter().map(|report| one(report, documents, files)).collect();
    rendered.join("\n")
}

fn one(report: &Diagnostic, documents: &Documents, files: &BTreeMap<RelPath, Vec<u8>>) -> String {
    let severity = match report.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut out = format!("{severity}[{}]: {}\n", report.code, report.message);
    for (place, label) in &report.labels {
        let span = locate(place, documents);
        let bytes = &files[&RelPath::from(&*span.file)];
        excerpt(&mut out, &span, bytes, label);
    }
    if let Some(help) = &report.help {
        writeln!(out, "  help: {help}").unwrap();
    }
    out
}

fn locate(place: &Place, documents: &Documents) -> Span {
    match place {
        Place::Span(span) => span.clone(),
        Place::Value(Origin { file, .. }) | Place::Key(Origin { file, .. }) => {
            documents[&RelPath::from(&**file)].value.locate(place)
        }
    }
}

fn excerpt(out: &mut String, span: &Span, bytes: &[u8], label: &str) {
    let before = &bytes[..span.start];
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let length = bytes[start..].iter().position(|byte| *byte == b'\n');
    let end = length.map_or(bytes.len(), |length| start + length);
    let column = 1 + String::from_utf8_lossy(&bytes[start..span.start]).chars().count();
    let width = span.end.min(end).saturating_sub(span.start).max(1);
    let text = String::from_utf8_lossy(&bytes[start..end]);
    writeln!(out, "  {}:{line}:{column}", span.file).unwrap();
    writeln!(out, "    | {text}").unwrap();
    writeln!(out, "    | {}{} {label}", " ".repeat(column - 1), "^".repeat(width)).unwrap();
}
