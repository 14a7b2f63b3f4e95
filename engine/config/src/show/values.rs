//! What variables are set to, put into the profile that is chosen: so that what is shown means anywhere
//! what it means here. A value that only the variable's own `default` gives stands with the variable.

use std::sync::Arc;

use qik_db::Db;
use qik_model::document::{Entry, Node, Table, Value};
use qik_model::schema::CONTEXT;
use qik_model::{ContextValue, Diagnostic, Place};

use super::{Merging, Written};
use crate::context::{self, Source};
use crate::queries::{FromWorld, locate, profile, project};

type Found<'a> = Vec<(&'a str, ContextValue, Source)>;

/// Puts all values into the chosen profile of `root`.
///
/// # Errors
/// `context/unknown-profile` and `context/bad-value`.
pub(super) fn fold(db: &dyn Db, merging: &mut Merging, root: &mut Table) -> Result<(), Diagnostic> {
    let chosen = profile(db).as_ref().map_err(Clone::clone)?;
    let (project, outside) = (project(db), FromWorld(db));
    let mut own: Found<'_> = Vec::new();
    for key in CONTEXT.keys.iter().filter(|key| key.name != "profile") {
        let found = context::qik_sourced(project, chosen, &outside, key.name)?;
        own.extend(found.map(|(value, source)| (key.name, value, source)));
    }
    let mut theirs: Found<'_> = Vec::new();
    for variable in &project.variables {
        let found = context::project_sourced(project, chosen, &outside, variable)?;
        theirs.extend(found.map(|(value, source)| (&*variable.name, value, source)));
    }
    for (group, values) in [("qik", own), ("project", theirs)] {
        if values.is_empty() {
            continue;
        }
        let profiles = merging.table_under(root, "ctx");
        let profile = merging.table_under(profiles, chosen);
        let table = merging.table_under(profile, group);
        for (name, value, source) in values {
            merging.set(table, name, value, || written(db, &source));
        }
    }
    Ok(())
}

/// `None` where the configuration says no place.
fn written(db: &dyn Db, source: &Source) -> Option<Written> {
    Some(match source {
        Source::Flag => Written::Outside("command line".into()),
        Source::Env(name) => Written::Outside(format!("environment {name}").into()),
        Source::Profile(at) => Written::Span(locate(db, &Place::Value(at.clone()?))?),
    })
}

impl Merging {
    /// The table under a key, made if it is not there.
    fn table_under<'t>(&mut self, table: &'t mut Table, key: &str) -> &'t mut Table {
        let at = match table.entries.iter().position(|entry| entry.key == key) {
            Some(at) => at,
            None => {
                self.push(table, key, Value::Table(Table::default()), None);
                table.entries.len() - 1
            }
        };
        match &mut table.entries[at].value.value {
            Value::Table(inner) => inner,
            other => {
                *other = Value::Table(Table::default());
                let Value::Table(inner) = other else { unreachable!("it was just put there") };
                inner
            }
        }
    }

    /// Sets a value in a profile. What stands there itself is of that place already.
    fn set(
        &mut self,
        table: &mut Table,
        name: &str,
        value: ContextValue,
        written: impl Fn() -> Option<Written>,
    ) {
        let value = match value {
            ContextValue::Str(text) => Value::Str(text.to_string()),
            ContextValue::Int(number) => Value::Int(number),
            ContextValue::Bool(value) => Value::Bool(value),
            ContextValue::List(items) => {
                Value::List(items.iter().map(|text| self.text(text)).collect())
            }
            ContextValue::None => return,
        };
        table.entries.retain(|entry| !qik_model::document::same_key(&entry.key, name));
        self.push(table, name, value, written());
    }

    fn push(&mut self, table: &mut Table, key: &str, value: Value, written: Option<Written>) {
        let key_span = self.number();
        if let Some(written) = written {
            self.origins.insert(key_span.start, written);
        }
        let value = Node { value, span: self.number() };
        table.entries.push(Entry { key: key.into(), key_span, value });
    }

    fn text(&mut self, text: &Arc<str>) -> Node {
        Node { value: Value::Str(text.to_string()), span: self.number() }
    }
}
