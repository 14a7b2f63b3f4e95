//! What qik has to say about a user's files: a code, a place, a remedy.
//! Rendering is a front-end's business; this room only holds the facts.

use std::fmt;
use std::sync::Arc;

/// A range of bytes in a text file of the project.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file, as a person would name it: relative to the project where it lies inside.
    pub file: Arc<str>,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// qik goes on.
    Warning,
    /// What it concerns cannot be done.
    Error,
}

/// One step of the way to a value in a configuration document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The value under a key.
    Key(Arc<str>),
    /// An element of a list, from 0.
    Index(usize),
}

/// Where a value of the model was written: a file and the way to it from the top of the document.
///
/// Unlike a [`Span`] it does not move when lines are added above, so a model that carries origins
/// stays equal to itself and nothing that depends on it is computed again. The span is looked up in
/// the document when a report is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The configuration file, relative to the project.
    pub file: Arc<str>,
    /// The way from the top of the document.
    pub path: Arc<[Step]>,
}

impl Origin {
    /// The top of `file`.
    pub fn top(file: impl Into<Arc<str>>) -> Self {
        Self { file: file.into(), path: Arc::from([]) }
    }

    /// The value under `key` in the table at this origin.
    pub fn key(&self, key: impl Into<Arc<str>>) -> Self {
        self.step(Step::Key(key.into()))
    }

    /// The element `index` of the list at this origin.
    pub fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    fn step(&self, step: Step) -> Self {
        let path = self.path.iter().cloned().chain([step]).collect();
        Self { file: self.file.clone(), path }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.path.iter().enumerate() {
            match step {
                Step::Key(key) if i == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// The place that a diagnostic points at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// A range of text.
    Span(Span),
    /// The value at an origin.
    Value(Origin),
    /// The key at an origin (the name itself, not what stands behind it).
    Key(Origin),
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Stable, searchable, listed in [`crate::codes`].
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// A lowercase fragment without full stop, names in backticks.
    pub message: String,
    /// Places in order of importance, each with a few words.
    pub labels: Vec<(Place, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error with nothing but its message.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            help: None,
        }
    }

    /// A warning with nothing but its message.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// With a place and a few words about it.
    #[must_use]
    pub fn at(mut self, place: Place, label: impl Into<String>) -> Self {
        self.labels.push((place, label.into()));
        self
    }

    /// With the remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With the remedy, if there is one.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl std::error::Error for Diagnostic {}
