//! `qik.kdl` as a configuration document, and documents as `qik.kdl`.
//!
//! This room knows KDL, and the shape of a configuration as the model's table of keys has it; it
//! knows nothing of what the keys mean. `docs/kdl.md` tells the grammar.
//!
//! ```
//! use qik_kdl::KdlSyntax;
//! use qik_model::ConfigSyntax;
//!
//! let parsed = KdlSyntax.parse("qik.kdl".into(), "command \"lint\" { exec \"ruff check\" }");
//! assert!(parsed.diagnostics.is_empty());
//! assert_eq!(parsed.value.root.entries[0].key, "commands");
//! ```
#![deny(missing_docs)]

mod errors;
mod keys;
mod read;
mod scan;
mod text;
mod write;

use std::ops::Range;
use std::sync::Arc;

use kdl::KdlDocument;
use qik_model::comments::{Comment, Placed};
use qik_model::document::{ConfigDocument, Notation, Table};
use qik_model::{ConfigSyntax, Diagnostic, Parsed, Place, Span};

const QIK_KDL: &str = "qik.kdl";

/// The format.
#[derive(Clone, Copy, Debug, Default)]
pub struct KdlSyntax;

impl ConfigSyntax for KdlSyntax {
    fn name(&self) -> &'static str {
        "kdl"
    }

    fn file_names(&self) -> &'static [&'static str] {
        &[QIK_KDL]
    }

    fn is_config(&self, file_name: &str, _text: &str) -> bool {
        file_name == QIK_KDL
    }

    fn parse(&self, file: Arc<str>, text: &str) -> Parsed<ConfigDocument> {
        with_room(&|| parse(&file, text))
    }

    fn comments(&self, _file: &str, text: &str) -> Vec<Comment> {
        scan::scan(text).comments
    }

    fn write(&self, document: &ConfigDocument, comments: Placed) -> Option<String> {
        Some(write::write(document, comments))
    }

    fn upgraded(&self, text: &str) -> Option<String> {
        with_room(&|| upgraded(text))
    }
}

/// Runs `work` where the parser, which calls itself for each token of some slips, has room to.
fn with_room<T: Send>(work: &(dyn Fn() -> T + Sync)) -> T {
    /// Taken from the system only as far as it is used.
    const STACK: usize = 256 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // Where no thread can be started, few slips are as deep as that.
            Err(_) => work(),
        }
    })
}

fn parse(file: &Arc<str>, text: &str) -> Parsed<ConfigDocument> {
    let at = |range: Range<usize>| Span { file: file.clone(), start: range.start, end: range.end };
    let document =
        |root| ConfigDocument { root, span: at(0..text.len()), notation: Notation::Nodes };
    let broken = |diagnostics| Parsed { value: document(Table::default()), diagnostics };
    let scan = scan::scan(text);
    if let Some((range, what)) = scan.fault {
        let report = Diagnostic::error("config/syntax", "the file is not valid KDL")
            .at(Place::Span(at(range)), what)
            .help("`qik --explain-error config/syntax` lists the usual slips");
        return broken(vec![report]);
    }
    let mut reader = read::Reader::new(file.clone());
    let mut root = Table::default();
    let mut errors = Vec::new();
    for node in &scan.nodes {
        match KdlDocument::parse_v2(&text[node.clone()]) {
            Ok(nodes) => reader.nodes_at(node.start, nodes.nodes(), &mut root),
            Err(error) => errors.push((node.start, error)),
        }
        if errors.len() == errors::MOST {
            break;
        }
    }
    if errors.is_empty() {
        return Parsed { value: document(root), diagnostics: reader.diagnostics };
    }
    broken(errors::reports(text, &scan, &errors, &at))
}

fn upgraded(text: &str) -> Option<String> {
    let scan = scan::scan(text);
    let fine = || scan.nodes.iter().all(|node| KdlDocument::parse_v2(&text[node.clone()]).is_ok());
    if scan.fault.is_some() || scan.old.is_none() || fine() || !errors::is_kdl_1(text) {
        return None;
    }
    let mut document = KdlDocument::parse_v1(text).ok()?;
    document.ensure_v2();
    requote(&mut document);
    let text = document.to_string();
    Some(text)
}

/// Writes every text as KDL 2 does: a raw string of KDL 1 would keep its backslashes as they are.
fn requote(document: &mut KdlDocument) {
    for node in document.nodes_mut() {
        for entry in node.entries_mut() {
            let Some(text) = entry.value().as_string().map(text::string) else { continue };
            if let Some(format) = entry.format_mut() {
                format.value_repr = text;
            }
        }
        if let Some(block) = node.children_mut() {
            requote(block);
        }
    }
}

#[cfg(test)]
mod tests;
