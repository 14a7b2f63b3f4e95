//! The configuration as a whole, for those who ask about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_model::document::{Node, Table, Value};
use qik_model::schema::{ROOT, Shape};
use qik_model::{ConfigDocument, Diagnostic};

use crate::Session;

/// The configuration of a project as one document.
#[derive(Clone, Debug)]
pub struct ShownConfig {
    /// The document; the first byte of an item's span is its number.
    pub document: ConfigDocument,
    /// Where the item with a number was written: `qik.toml:12`, `environment REGION`, `command line`.
    pub origins: BTreeMap<usize, Arc<str>>,
}

impl Session {
    /// The root configuration, what it includes, and the modules' own files, merged; with the values
    /// that variables are set to.
    ///
    /// # Errors
    /// Where a variable is set to what is no value of it.
    pub fn shown_config(&self) -> Result<ShownConfig, Diagnostic> {
        let shown = qik_config::shown(&self.db)?;
        let told = |(number, written)| (number, qik_config::told(&self.db, &written));
        let mut origins: BTreeMap<usize, Arc<str>> = shown.origins.into_iter().map(told).collect();
        for entry in &shown.document.root.entries {
            let is_map = ROOT.key(&entry.key).and_then(|key| key.shape.table());
            if let Some(Shape::Map { .. }) = is_map {
                origins.remove(&entry.key_span.start);
            }
        }
        fewer(&shown.document.root, &mut origins);
        Ok(ShownConfig { document: shown.document, origins })
    }
}

/// A list on one line has its place told once, any other one that of each element.
fn fewer(table: &Table, origins: &mut BTreeMap<usize, Arc<str>>) {
    for entry in &table.entries {
        let items = match &entry.value.value {
            Value::Table(table) => {
                fewer(table, origins);
                continue;
            }
            Value::List(items) if !items.is_empty() => items,
            _ => continue,
        };
        let own = origins.get(&entry.key_span.start);
        let of_items = |item: &Node| origins.get(&item.span.start);
        if items.iter().all(|item| of_items(item).is_none()) {
            // A value from elsewhere is told as a whole.
        } else if items.iter().all(|item| of_items(item) == own) {
            items.iter().for_each(|item| drop(origins.remove(&item.span.start)));
        } else {
            origins.remove(&entry.key_span.start);
        }
    }
}
