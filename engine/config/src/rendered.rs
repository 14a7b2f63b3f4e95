//! A template with everything filled in, and how it may be told. Of texts that concern no module.

use std::sync::Arc;

use qik_db::Db;
use qik_model::{ContextValue, Diagnostic, Name, Origin, Place};

use crate::context_value;
use crate::template::{self, ContextName, Lookup, ModuleField, Part};

/// A text as it is used, and as it may be told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rendered {
    /// With everything filled in.
    pub text: Arc<str>,
    /// With the module filled in but `{ctx.…}` left as written: a variable may hold a secret, so
    /// entries and reports never carry its value.
    pub told: Arc<str>,
}

/// `text` with everything filled in; `mention` hears of each variable in it with its value.
///
/// # Errors
/// Values that are missing, at `origin`.
pub fn rendered(
    db: &dyn Db,
    text: &str,
    origin: &Origin,
    mention: &mut dyn FnMut(Name, Arc<str>),
) -> Result<Rendered, Diagnostic> {
    let located = |error: Diagnostic| match error.labels.is_empty() {
        true => error.at(Place::Value(origin.clone()), "used here"),
        false => error,
    };
    let parts = template::parse(text).map_err(|bad| {
        let name = bad.first().map(|bad| bad.reference.clone()).unwrap_or_default();
        let message = format!("`{{{name}}}` means nothing");
        located(Diagnostic::error("config/unknown-reference", message))
    })?;
    let filled = template::render(&parts, &FromContext(db)).map_err(located)?;
    let told = parts.0.iter().map(|part| match part {
        Part::Text(text) => text.to_string(),
        Part::Context(name) => format!("{{{name}}}"),
        Part::Module(_) => String::new(),
    });
    let told = told.collect::<String>().into();
    for name in parts.context_names() {
        let value = context_value(db, name).map_err(Clone::clone)?;
        mention(name.to_string().into(), template::text_of(value).into());
    }
    Ok(Rendered { text: filled.into(), told })
}

struct FromContext<'db>(&'db dyn Db);

impl Lookup for FromContext<'_> {
    fn context(&self, name: &ContextName) -> Result<ContextValue, Diagnostic> {
        context_value(self.0, name).cloned().map_err(Clone::clone)
    }

    fn module(&self, _: ModuleField) -> Option<String> {
        None
    }
}
