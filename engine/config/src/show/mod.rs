//! The whole configuration of a project as one document: the root, what it includes and the modules'
//! own files merged, names of commands in full, and for each value where it was written. Variables
//! have the values that they are set to, wherever those come from.

mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_db::Db;
use qik_model::document::{ConfigDocument, Entry, Node, Notation, Table, Value};
use qik_model::schema::{ROOT, Shape, TableShape};
use qik_model::{Dep, DepKind, Diagnostic, Project, Span};

use crate::queries::{config_files, document, project};

static WHOLE: &Shape = &Shape::Table(&ROOT);

/// A merged document. The span of an item is no place in a file but its number.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The document.
    pub document: ConfigDocument,
    /// Where the item with a number was written: keys of tables, elements of lists.
    pub origins: BTreeMap<usize, Written>,
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// In a file.
    Span(Span),
    /// Outside of the configuration: in the environment, on the command line.
    Outside(Arc<str>),
}

/// The configuration of the project, as far as it could be read.
///
/// # Errors
/// Where a profile is chosen that is none, or a variable set to what is no value of it.
pub fn shown(db: &dyn Db) -> Result<Shown, Diagnostic> {
    let project = project(db);
    let mut merging = Merging::default();
    let mut root = Table::default();
    for path in config_files(db) {
        let Some(parsed) = document(db, path) else { continue };
        let file = path.to_string();
        let own =
            project.commands.values().find(|one| one.module.is_some() && *one.origin.file == *file);
        match own.and_then(|command| command.module.as_deref()) {
            Some(module) => merging.commands_of(module, &parsed.value.root, &mut root),
            None => {
                merging.table(&variables_apart(&parsed.value.root), Some(WHOLE), &mut root, true);
            }
        }
    }
    // What it would take up again is here already.
    root.entries.retain(|entry| entry.key != "include");
    with_full_names(project, &mut root);
    values::fold(db, &mut merging, &mut root)?;
    let span = Span { file: "".into(), start: 0, end: 0 };
    Ok(Shown {
        document: ConfigDocument { root, span, notation: Notation::Keys },
        origins: merging.origins,
    })
}

/// A list of variables under the key that holds nothing else; profiles keep the other one.
fn variables_apart(root: &Table) -> Table {
    let mut root = root.clone();
    let lists = |key: &str, root: &Table| {
        root.entries
            .iter()
            .position(|entry| entry.key == key && matches!(entry.value.value, Value::List(_)))
    };
    let Some(at) = lists("ctx", &root) else { return root };
    match lists("vars", &root) {
        Some(vars) => {
            let Value::List(mut all) = root.entries[at].value.value.clone() else { return root };
            let Value::List(items) = &mut root.entries[vars].value.value else { return root };
            all.append(items);
            *items = all;
            root.entries.remove(at);
        }
        None => root.entries[at].key = "vars".into(),
    }
    root
}

#[derive(Default)]
struct Merging {
    next: usize,
    origins: BTreeMap<usize, Written>,
}

impl Merging {
    fn commands_of(&mut self, module: &str, from: &Table, to: &mut Table) {
        let Some(commands) = from.get("commands") else { return };
        let Value::Table(table) = &commands.value.value else { return };
        let mut table = table.clone();
        for entry in &mut table.entries {
            entry.key = format!("{module}/{}", entry.key);
        }
        let value = Node { value: Value::Table(table), span: commands.value.span.clone() };
        let entries = vec![Entry { value, ..commands.clone() }];
        self.table(&Table { entries }, Some(WHOLE), to, true);
    }

    /// Adds a table to another; `told` where its entries have lines of their own.
    fn table(&mut self, from: &Table, shape: Option<&'static Shape>, to: &mut Table, told: bool) {
        for entry in &from.entries {
            let (key, inner) = known(shape, from, &entry.key);
            match to.entries.iter().position(|known| known.key == key) {
                Some(at) => self.merge(&entry.value, inner, &mut to.entries[at].value, told),
                None => {
                    let key_span = self.number_of(&entry.key_span, told);
                    let value = self.node(&entry.value, inner, told);
                    to.entries.push(Entry { key: key.to_string(), key_span, value });
                }
            }
        }
    }

    fn merge(&mut self, from: &Node, shape: Option<&'static Shape>, to: &mut Node, told: bool) {
        match (&from.value, &mut to.value) {
            (Value::Table(from), Value::Table(to)) => self.table(from, shape, to, told),
            (Value::List(from), Value::List(to)) => {
                let items = from.iter().map(|item| self.element(item, shape, told));
                to.extend(items.collect::<Vec<_>>());
            }
            // The same setting in two files has been reported; the first one counts.
            _ => {}
        }
    }

    fn node(&mut self, node: &Node, shape: Option<&'static Shape>, told: bool) -> Node {
        let span = self.number();
        let value = match &node.value {
            Value::Table(from) => {
                let mut table = Table::default();
                self.table(from, shape.and_then(Shape::table), &mut table, told);
                Value::Table(table)
            }
            Value::List(items) => {
                Value::List(items.iter().map(|item| self.element(item, shape, told)).collect())
            }
            scalar => scalar.clone(),
        };
        Node { value, span }
    }

    fn element(&mut self, item: &Node, shape: Option<&'static Shape>, told: bool) -> Node {
        let node = self.node(item, shape.and_then(Shape::element), false);
        if told {
            self.origins.insert(node.span.start, Written::Span(item.span.clone()));
        }
        node
    }

    /// The next number, of what was written there.
    fn number_of(&mut self, written: &Span, told: bool) -> Span {
        let span = self.number();
        if told {
            self.origins.insert(span.start, Written::Span(written.clone()));
        }
        span
    }

    fn number(&mut self) -> Span {
        let number = self.next;
        self.next += 1;
        Span { file: "".into(), start: number, end: number }
    }
}

/// A key as the model's table has it, and the shape behind it.
fn known<'k>(
    shape: Option<&'static Shape>,
    table: &Table,
    key: &'k str,
) -> (&'k str, Option<&'static Shape>) {
    let of = |shape: &'static TableShape| match shape.key(key) {
        Some(known) => (known.name, Some(&known.shape)),
        None => (key, None),
    };
    match shape {
        Some(Shape::Table(shape)) => of(shape),
        Some(Shape::Map { shape, .. }) => (key, Some(shape)),
        Some(Shape::Tagged(tagged)) => {
            let tag = table.get(tagged.tag).map(|entry| &entry.value.value);
            let variant = match tag {
                Some(Value::Str(name)) => tagged.variant(name),
                _ => None,
            };
            variant.map_or((key, None), |variant| of(&variant.table))
        }
        _ => (key, None),
    }
}

/// Puts the full names of commands into deps on them.
fn with_full_names(project: &Project, root: &mut Table) {
    for entry in &mut root.entries {
        let Value::Table(table) = &mut entry.value.value else { continue };
        if entry.key == "base" {
            full_names(&project.base, table);
        } else if entry.key == "commands" {
            for one in &mut table.entries {
                let command = project.commands.get(&*one.key);
                if let (Some(command), Value::Table(table)) = (command, &mut one.value.value) {
                    full_names(&command.deps, table);
                }
            }
        }
    }
}

fn full_names(deps: &[Dep], table: &mut Table) {
    let list = table.entries.iter_mut().find(|entry| entry.key == "deps");
    let Some(Value::List(items)) = list.map(|entry| &mut entry.value.value) else { return };
    for (item, dep) in items.iter_mut().zip(deps) {
        let (DepKind::Command { name: full, .. }, Value::Table(table)) =
            (&dep.kind, &mut item.value)
        else {
            continue;
        };
        if let Some(name) = table.entries.iter_mut().find(|entry| entry.key == "name") {
            name.value.value = Value::Str(full.to_string());
        }
    }
}

/// How a place is told: `qik.toml:12`.
pub fn told(db: &dyn Db, written: &Written) -> Arc<str> {
    let span = match written {
        Written::Span(span) => span,
        Written::Outside(what) => return what.clone(),
    };
    let path = qik_model::RelPath::new(span.file.as_bytes());
    let bytes = path.and_then(|path| db.source(&path).bytes(db).clone());
    let before = bytes.as_deref().and_then(|bytes| bytes.get(..span.start)).unwrap_or_default();
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    format!("{}:{line}", span.file).into()
}
