//! What a configuration front-end is: a format that turns text into a document.

use std::fmt::Debug;
use std::sync::Arc;

use crate::comments::{Comment, Placed};
use crate::diagnostic::Diagnostic;
use crate::document::ConfigDocument;

/// A value together with what is to be said about it. Parsing never fails: it yields what it could
/// read, and diagnostics for the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<T> {
    /// What could be read.
    pub value: T,
    /// What could not.
    pub diagnostics: Vec<Diagnostic>,
}

/// A configuration format.
pub trait ConfigSyntax: Debug + Send + Sync {
    /// `toml`, say.
    fn name(&self) -> &'static str;

    /// File names that hold a configuration of this format, `qik.toml` first.
    fn file_names(&self) -> &'static [&'static str];

    /// Whether a file of that name is a project's configuration: `pyproject.toml` is one only
    /// where it has a `[tool.qik]` table. Must be cheap.
    fn is_config(&self, file_name: &str, text: &str) -> bool;

    /// Reads `text`. `file` is what spans shall call the file.
    fn parse(&self, file: Arc<str>, text: &str) -> Parsed<ConfigDocument>;

    /// The comments in `text` that concern qik, in its order. None where the format has none.
    fn comments(&self, file: &str, text: &str) -> Vec<Comment> {
        let _ = (file, text);
        Vec::new()
    }

    /// Writes a document with its comments; `None` where the format is only read.
    fn write(&self, document: &ConfigDocument, comments: Placed) -> Option<String> {
        let _ = (document, comments);
        None
    }

    /// `text` in the present version of the format, where it is written in an older one.
    fn upgraded(&self, text: &str) -> Option<String> {
        let _ = text;
        None
    }
}
