//! Reports as miette draws them: code, message, the lines they are about, the remedy.

use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use qik_session::Session;
use qik_session::model::{Diagnostic, Severity};

use crate::style::Style;

/// Prints each to stderr.
pub(crate) fn print(style: &Style, session: Option<&Session>, found: &[Diagnostic]) {
    for diagnostic in found {
        let text = render(style, session, diagnostic);
        // Where stderr is gone there is nobody to tell.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    }
}

/// The report of one diagnostic.
pub(crate) fn render(style: &Style, session: Option<&Session>, diagnostic: &Diagnostic) -> String {
    let report = Report::new(session, diagnostic);
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
    fn new(session: Option<&Session>, diagnostic: &Diagnostic) -> Self {
        let mut by_file: Vec<(String, Vec<LabeledSpan>)> = Vec::new();
        for (place, text) in &diagnostic.labels {
            let Some(span) = session.and_then(|session| session.locate(place)) else { continue };
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
            let text = session.and_then(|session| session.source(&file)).unwrap_or_default();
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
