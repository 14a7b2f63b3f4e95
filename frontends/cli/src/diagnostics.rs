//! Reports as miette draws them: code, message, the lines they are about, the remedy.

use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use qik_session::Session;
use qik_session::model::{Diagnostic, Place, Severity, Span};

use crate::style::Style;

/// Where the texts are that reports point into.
pub(crate) trait Texts {
    /// The range of text that `place` stands for.
    fn locate(&self, place: &Place) -> Option<Span>;
    /// The text of a file.
    fn source(&self, file: &str) -> Option<String>;
}

impl Texts for Session {
    fn locate(&self, place: &Place) -> Option<Span> {
        Session::locate(self, place)
    }

    fn source(&self, file: &str) -> Option<String> {
        Session::source(self, file)
    }
}

/// A text that is no file of a project.
pub(crate) struct OneText<'t>(pub &'t str);

impl Texts for OneText<'_> {
    fn locate(&self, place: &Place) -> Option<Span> {
        match place {
            Place::Span(span) => Some(span.clone()),
            Place::Value(_) | Place::Key(_) => None,
        }
    }

    fn source(&self, _file: &str) -> Option<String> {
        Some(self.0.to_string())
    }
}

/// Prints each to stderr.
pub(crate) fn print(style: &Style, session: Option<&Session>, found: &[Diagnostic]) {
    print_in(style, session.map(|session| session as &dyn Texts), found);
}

/// As [`print`], for reports into any text.
pub(crate) fn print_in(style: &Style, texts: Option<&dyn Texts>, found: &[Diagnostic]) {
    for diagnostic in found {
        let text = render(style, texts, diagnostic);
        // Where stderr is gone there is nobody to tell.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    }
}

/// The report of one diagnostic.
pub(crate) fn render(style: &Style, texts: Option<&dyn Texts>, diagnostic: &Diagnostic) -> String {
    let report = Report::new(texts, diagnostic);
    let theme = if style.has_colour() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    let mut text = String::new();
    if handler.render_report(&mut text, &report).is_err() {
        text = format!("{}\n", diagnostic.message);
    }
    text
}

/// A diagnostic with its texts at hand. Labels in other files than the first become reports of
/// their own below it.
#[derive(Debug)]
struct Report {
    code: &'static str,
    message: String,
    severity: miette::Severity,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    related: Vec<Report>,
}

impl Report {
    fn new(texts: Option<&dyn Texts>, diagnostic: &Diagnostic) -> Self {
        let mut by_file: Vec<(String, Vec<LabeledSpan>)> = Vec::new();
        for (place, text) in &diagnostic.labels {
            let Some(span) = texts.and_then(|texts| texts.locate(place)) else { continue };
            let label = LabeledSpan::new_with_span(
                Some(text.clone()),
                (span.start, span.end.saturating_sub(span.start)),
            );
            match by_file.iter_mut().find(|(file, _)| **file == *span.file) {
                Some((_, labels)) => labels.push(label),
                None => by_file.push((span.file.to_string(), vec![label])),
            }
        }
        let mut excerpts = by_file.into_iter().map(|(file, labels)| {
            let text = texts.and_then(|texts| texts.source(&file)).unwrap_or_default();
            (NamedSource::new(file, text), labels)
        });
        let (source, labels) = excerpts.next().unzip();
        let related = excerpts.map(|(source, labels)| Self {
            code: diagnostic.code,
            message: "the other place is here".into(),
            severity: miette::Severity::Advice,
            help: None,
            source: Some(source),
            labels,
            related: Vec::new(),
        });
        Self {
            related: related.collect(),
            code: diagnostic.code,
            message: diagnostic.message.clone(),
            severity: match diagnostic.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            help: diagnostic.help.clone(),
            source,
            labels: labels.unwrap_or_default(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        Some(Box::new(self.related.iter().map(|report| report as &dyn miette::Diagnostic)))
    }
}
