//! The configuration files of a project: the root, what is included from it, modules' own.

use std::collections::BTreeSet;

use qik_model::document::{Notation, Table};
use qik_model::{ConfigDocument, Diagnostic, Module, Name, Origin, Place, RelPath, Severity};

use super::view::Fields;
use super::{Files, Found};

/// One file.
#[derive(Debug)]
pub(super) struct Layer<'a> {
    pub table: &'a Table,
    pub top: Origin,
    pub notation: Notation,
}

/// All files.
#[derive(Debug, Default)]
pub(super) struct Layers<'a> {
    /// The root, then its includes in their order.
    pub project: Vec<Layer<'a>>,
    /// Modules' own, by module.
    pub modules: Vec<(Name, Layer<'a>)>,
    /// All of them, also those that could not be read.
    pub files: Vec<RelPath>,
    documents: Vec<&'a ConfigDocument>,
    seen: BTreeSet<RelPath>,
    /// Whether one of them could not be read.
    pub broken: bool,
}

impl<'a> Layer<'a> {
    pub fn fields(&self) -> Fields<'a> {
        Fields { table: self.table, at: self.top.clone() }
    }
}

impl<'a> Layers<'a> {
    /// Loads the root and, depth first, what it includes; each file once.
    pub fn load(config: &RelPath, files: &'a dyn Files, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut layers = Self::default();
        let mut waiting = vec![(config.clone(), None)];
        while let Some((path, included)) = waiting.pop() {
            if layers.seen.contains(&path) {
                continue;
            }
            match files.document(&path) {
                Found::Document(_) => {}
                _ if included.is_none() => {
                    diagnostics.push(no_root(&path));
                    continue;
                }
                Found::Absent => {
                    diagnostics.push(bad_include(&path, "there is no such file", included));
                    layers.broken = true;
                    continue;
                }
                Found::UnknownFormat => {
                    diagnostics.push(bad_include(&path, "its format is not known", included));
                    layers.broken = true;
                    continue;
                }
            }
            let Some(layer) = layers.layer(&path, files) else { continue };
            let items = layer.fields().get("include").map(|list| list.items()).unwrap_or_default();
            let paths = items.iter().filter_map(|view| {
                let path = RelPath::new(view.str()?)?;
                Some((path, Some(view.at.clone())))
            });
            // The next to be taken is the last one.
            waiting.extend(paths.collect::<Vec<_>>().into_iter().rev());
            layers.project.push(layer);
        }
        layers
    }

    /// Loads the own files of modules.
    pub fn load_modules(
        &mut self,
        modules: &[Module],
        files: &'a dyn Files,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        for module in modules {
            let mut paths = files.module_configs(&module.dir);
            paths.retain(|path| !self.seen.contains(path));
            if let [first, second, ..] = paths.as_slice() {
                diagnostics.push(two_configs(first, second));
            }
            if let Some(layer) = paths.first().and_then(|path| self.layer(path, files)) {
                self.modules.push((module.name.clone(), layer));
            }
        }
    }

    /// Where in the text a report points, as a key to sort by: what concerns no file comes first.
    pub fn position(&self, report: &Diagnostic) -> Option<(usize, usize)> {
        let (place, _) = report.labels.first()?;
        let file = match place {
            Place::Span(span) => &span.file,
            Place::Value(origin) | Place::Key(origin) => &origin.file,
        };
        let index = self.documents.iter().position(|document| document.span.file == *file)?;
        Some((index, self.documents[index].locate(place).start))
    }

    fn layer(&mut self, path: &RelPath, files: &'a dyn Files) -> Option<Layer<'a>> {
        self.files.push(path.clone());
        self.seen.insert(path.clone());
        let Found::Document(parsed) = files.document(path) else { return None };
        if parsed.diagnostics.iter().any(|report| report.severity == Severity::Error) {
            self.broken = true;
            return None;
        }
        self.documents.push(&parsed.value);
        let top = Origin::top(path.to_string());
        Some(Layer { table: &parsed.value.root, top, notation: parsed.value.notation })
    }
}

fn no_root(path: &RelPath) -> Diagnostic {
    Diagnostic::error("config/not-found", format!("the configuration `{path}` cannot be read"))
        .help("`qik init` writes one")
}

fn bad_include(path: &RelPath, reason: &str, included: Option<Origin>) -> Diagnostic {
    let report =
        Diagnostic::error("config/bad-include", format!("`{path}` cannot be included: {reason}"))
            .help("paths under `include` start at the project folder and end in `.toml` or `.kdl`");
    match included {
        Some(at) => report.at(Place::Value(at), "included here"),
        None => report,
    }
}

fn two_configs(first: &RelPath, second: &RelPath) -> Diagnostic {
    let top = |path: &RelPath| Place::Value(Origin::top(path.to_string()));
    Diagnostic::error("config/two-configs", format!("`{first}` and `{second}` stand side by side"))
        .at(top(first), "one configuration")
        .at(top(second), "and another")
        .help("keep one of the two")
}
