//! The table of keys as a KDL Schema, written in KDL 2.

use std::fmt::Write;

use qik_model::document::Notation;
use qik_model::schema::{Key, ROOT, Shape, Support, TableShape, Variant};

/// The whole schema.
pub fn text() -> String {
    let mut page = Page { text: String::new(), depth: 0 };
    page.open("document");
    page.open("info");
    page.line("title \"qik.kdl\"");
    page.line("description \"What qik runs, and what the results depend on.\"");
    page.line("license \"MIT OR Apache-2.0\"");
    page.close();
    page.nodes(&[&ROOT], None);
    page.line("other-nodes-allowed #false");
    page.close();
    page.text
}

struct Page {
    text: String,
    depth: usize,
}

/// What a node may hold, whichever form it takes.
#[derive(Default)]
struct Forms {
    /// Types of its values.
    types: Vec<&'static str>,
    words: Vec<&'static str>,
    /// Whether it takes several values.
    several: bool,
    tables: Vec<&'static TableShape>,
    tag: Option<(&'static str, Vec<&'static str>)>,
    /// Whether the user chooses names in it.
    chosen: bool,
}

impl Page {
    fn open(&mut self, head: &str) {
        self.line(&format!("{head} {{"));
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.line("}");
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{}{line}", "    ".repeat(self.depth));
    }

    /// A node for each key of the tables, and for the key that tells which of them is meant.
    fn nodes(&mut self, tables: &[&'static TableShape], tag: Option<(&str, &[&str])>) {
        let mut told: Vec<&str> = Vec::new();
        if let Some((tag, names)) = tag {
            self.open(&format!("node {tag}"));
            self.open("value");
            self.line("type string");
            self.line(&format!("enum {}", quoted(names)));
            self.close();
            self.close();
        }
        for key in
            tables.iter().flat_map(|table| table.keys).filter(|key| key.support == Support::Now)
        {
            let name = key.spelt(Notation::Nodes);
            if !told.contains(&name) {
                told.push(name);
                self.node(name, key);
            }
        }
    }

    fn node(&mut self, name: &str, key: &'static Key) {
        self.open(&format!("node {name} description={:?}", key.doc));
        let named = match key.shape.table() {
            Some(Shape::Map { shape, .. }) if key.one.is_some() => Some(*shape),
            _ => None,
        };
        if key.shape.element().is_none() && named.is_none() {
            self.line("max 1");
        }
        let forms = Forms::of(named.unwrap_or(&key.shape));
        self.value(&forms, named.is_some());
        self.forms(&forms);
        self.close();
    }

    fn value(&mut self, forms: &Forms, named: bool) {
        let most = usize::from(named) + usize::from(!forms.types.is_empty());
        self.open("value");
        self.line(&format!("min {}", usize::from(named)));
        if !forms.several {
            self.line(&format!("max {most}"));
        }
        let mut types = forms.types.clone();
        types.extend(named.then_some("string"));
        types.sort_unstable();
        types.dedup();
        if !types.is_empty() {
            self.line(&format!("type {}", quoted(&types)));
        }
        if !forms.words.is_empty() && !named {
            self.line(&format!("enum {}", quoted(&forms.words)));
        }
        self.close();
    }

    fn forms(&mut self, forms: &Forms) {
        let mut told: Vec<&str> = Vec::new();
        if let Some((tag, names)) = &forms.tag {
            self.open(&format!("prop {tag}"));
            self.line("type string");
            self.line(&format!("enum {}", quoted(names)));
            self.close();
        }
        for key in forms.tables.iter().flat_map(|table| table.keys) {
            let name = key.spelt(Notation::Nodes);
            let inner = Forms::of(&key.shape);
            if key.support == Support::NotYet || inner.types.is_empty() || told.contains(&name) {
                continue;
            }
            told.push(name);
            self.open(&format!("prop {name} description={:?}", key.doc));
            self.line(&format!("type {}", quoted(&inner.types)));
            if !inner.words.is_empty() {
                self.line(&format!("enum {}", quoted(&inner.words)));
            }
            self.close();
        }
        if forms.chosen {
            self.line("other-props-allowed #true");
            self.open("children");
            self.line("other-nodes-allowed #true");
            self.close();
        } else if !forms.tables.is_empty() {
            self.open("children");
            let tag = forms.tag.as_ref().map(|(tag, names)| (*tag, names.as_slice()));
            self.nodes(&forms.tables, tag);
            self.close();
        }
    }
}

impl Forms {
    fn of(shape: &'static Shape) -> Self {
        let mut forms = Self::default();
        forms.add(shape);
        forms.types.sort_unstable();
        forms.types.dedup();
        forms
    }

    fn add(&mut self, shape: &'static Shape) {
        match shape {
            Shape::Bool => self.types.push("boolean"),
            Shape::Int => self.types.push("number"),
            Shape::Str | Shape::Template | Shape::Pattern | Shape::Path => {
                self.types.push("string")
            }
            Shape::Duration | Shape::Size => self.types.extend(["string", "number"]),
            Shape::Enum(known) => {
                self.types.push("string");
                self.words.extend(*known);
            }
            Shape::Scalar => {
                self.types.extend(["string", "number", "boolean"]);
                self.several = true;
            }
            Shape::List(inner) => {
                self.several = true;
                self.add(inner);
            }
            Shape::Map { .. } => self.chosen = true,
            Shape::Table(table) => {
                self.tables.push(table);
                self.types.extend(table.lead.map(|_| "string"));
            }
            Shape::Either(shapes) => shapes.iter().for_each(|shape| self.add(shape)),
            Shape::Tagged(tagged) => {
                let now = |one: &&'static Variant| one.support == Support::Now;
                self.tables.extend(tagged.variants.iter().filter(now).map(|one| &one.table));
                self.tag = Some((
                    tagged.tag,
                    tagged.variants.iter().filter(now).map(|one| one.name).collect(),
                ));
            }
        }
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" ")
}
