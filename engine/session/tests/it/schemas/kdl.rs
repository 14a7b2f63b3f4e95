//! The table of keys as a KDL Schema, written in KDL 2.

use std::fmt::Write;

use qik_model::document::Notation;
use qik_model::schema::{Key, ROOT, Shape, TableShape};

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
///
/// KDL Schema has no alternatives of whole nodes: what one form alone may hold is taken in all of them.
#[derive(Default)]
struct Forms {
    /// Types of its values.
    types: Vec<&'static str>,
    words: Vec<&'static str>,
    /// Whether it takes several values.
    several: bool,
    tables: Vec<&'static TableShape>,
    tag: Option<(&'static str, Vec<&'static str>)>,
    /// What stands behind names that the user chooses in it.
    chosen: Option<&'static Shape>,
    /// What an element of a list may be, where it stands on a line with a dash.
    element: Option<&'static Shape>,
    /// What its texts look like; `None` of one for which there is no rule.
    texts: Vec<Option<&'static str>>,
    /// The least that its numbers may be, likewise.
    least: Vec<Option<i64>>,
}

const TEXT: &str = ".";
/// No folder above, and none of the machine.
const PATH: &str =
    r"^(\.|[^/.][^/]*|\.[^/.][^/]*|\.\.[^/]+)(/(\.|[^/.][^/]*|\.[^/.][^/]*|\.\.[^/]+)?)*$";
const DURATION: &str = "^([0-9]+(ms|s|m|h|d))+$";
const SIZE: &str = "^[0-9]+ *([kmgtKMGT]?[bB]?|[kmgtKMGT][iI][bB])$";

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
        if let Some((tag, names)) = tag {
            self.open(&format!("node {tag}"));
            self.open("value");
            self.line("type string");
            self.line(&format!("enum {}", quoted(names)));
            self.close();
            self.close();
        }
        for (name, keys) in by_name(tables) {
            self.node(name, &keys);
        }
    }

    fn node(&mut self, name: &str, keys: &[&'static Key]) {
        self.open(&format!("node {name} description={:?}", keys[0].doc));
        let named = keys.iter().find_map(|key| match key.shape.table() {
            Some(Shape::Map { shape, .. }) if key.one.is_some() => Some(*shape),
            _ => None,
        });
        if keys.iter().all(|key| key.shape.element().is_none() && key.one.is_none()) {
            self.line("max 1");
        }
        let forms = match named {
            Some(shape) => Forms::of(shape),
            None => Forms::of_all(keys),
        };
        self.value(&forms, named.is_some());
        self.forms(&forms);
        self.close();
    }

    /// How many values a node has, and what holds of them.
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
        self.rules(&types, forms, named);
        self.close();
    }

    /// What holds of a value. A name and what stands behind it are values of one node, so that rules
    /// of texts can't be told for either.
    fn rules(&mut self, types: &[&str], forms: &Forms, named: bool) {
        if !types.is_empty() {
            self.line(&format!("type {}", quoted(types)));
        }
        if named {
            return;
        }
        // Beside texts or values of other kinds known words are no rule.
        if !forms.words.is_empty() && forms.texts.is_empty() && types == ["string"] {
            self.line(&format!("enum {}", quoted(&forms.words)));
        }
        let texts: Option<Vec<&str>> = forms.texts.iter().copied().collect();
        if let Some(mut texts) = texts.filter(|texts| !texts.is_empty() && forms.words.is_empty()) {
            texts.sort_unstable();
            texts.dedup();
            self.line(&format!("pattern {}", quoted(&texts)));
        }
        if types.contains(&"number") {
            self.line("% 1");
        }
        let least: Option<Vec<i64>> = forms.least.iter().copied().collect();
        if let Some(least) = least.and_then(|least| least.into_iter().min()) {
            self.line(&format!("\">=\" {least}"));
        }
    }

    fn forms(&mut self, forms: &Forms) {
        if let Some((tag, names)) = &forms.tag {
            self.open(&format!("prop {tag}"));
            self.line("type string");
            self.line(&format!("enum {}", quoted(names)));
            self.close();
        }
        for (name, keys) in by_name(&forms.tables) {
            let inner = Forms::of_all(&keys);
            if inner.types.is_empty() {
                continue;
            }
            self.open(&format!("prop {name} description={:?}", keys[0].doc));
            self.rules(&inner.types, &inner, false);
            self.close();
        }
        if let Some(shape) = forms.chosen {
            let inner = Forms::of(shape);
            self.open("prop");
            self.rules(&inner.types, &inner, false);
            self.close();
        }
        if forms.chosen.is_none() && forms.tables.is_empty() && forms.element.is_none() {
            return;
        }
        self.open("children");
        // Nodes without a name of their own: whatever the user calls them.
        let own = [(forms.chosen, "node"), (forms.element, "node -")];
        for (shape, head) in own.into_iter().filter_map(|(shape, head)| Some((shape?, head))) {
            let inner = Forms::of(shape);
            self.open(head);
            self.value(&inner, false);
            self.forms(&inner);
            self.close();
        }
        let tag = forms.tag.as_ref().map(|(tag, names)| (*tag, names.as_slice()));
        self.nodes(&forms.tables, tag);
        self.close();
    }
}

impl Forms {
    fn of(shape: &'static Shape) -> Self {
        Self::of_shapes([shape])
    }

    /// Those of a name that several variants of a table have.
    fn of_all(keys: &[&'static Key]) -> Self {
        Self::of_shapes(keys.iter().map(|key| &key.shape))
    }

    fn of_shapes(shapes: impl IntoIterator<Item = &'static Shape>) -> Self {
        let mut forms = Self::default();
        shapes.into_iter().for_each(|shape| forms.add(shape));
        forms.types.sort_unstable();
        forms.types.dedup();
        forms
    }

    fn text(&mut self, rule: Option<&'static str>) {
        self.types.push("string");
        self.texts.push(rule);
    }

    fn number(&mut self, least: Option<i64>) {
        self.types.push("number");
        self.least.push(least);
    }

    fn add(&mut self, shape: &'static Shape) {
        match shape {
            Shape::Bool => self.types.push("boolean"),
            Shape::Int => self.number(Some(0)),
            Shape::Str | Shape::Template => self.text(None),
            Shape::Pattern => self.text(Some(TEXT)),
            Shape::Path => self.text(Some(PATH)),
            Shape::Duration => {
                self.text(Some(DURATION));
                self.number(Some(1));
            }
            Shape::Size => {
                self.text(Some(SIZE));
                self.number(Some(1));
            }
            Shape::Enum(known) => {
                self.types.push("string");
                self.words.extend(*known);
            }
            Shape::Scalar => {
                self.types.push("boolean");
                self.text(None);
                self.number(None);
                self.several = true;
                self.element = Some(&Shape::Str);
            }
            Shape::List(inner) => {
                self.several = true;
                self.element = Some(inner);
                self.add(inner);
            }
            Shape::Map { shape, .. } => self.chosen = Some(shape),
            Shape::Table(table) => {
                self.tables.push(table);
                if table.lead.is_some() {
                    self.text(None);
                }
            }
            Shape::Either(shapes) => shapes.iter().for_each(|shape| self.add(shape)),
            Shape::Tagged(tagged) => {
                self.tables.extend(tagged.variants.iter().map(|one| &one.table));
                self.tag = Some((tagged.tag, tagged.variants.iter().map(|one| one.name).collect()));
            }
        }
    }
}

/// The keys of several tables, with those of one name together.
fn by_name(tables: &[&'static TableShape]) -> Vec<(&'static str, Vec<&'static Key>)> {
    let mut found: Vec<(&'static str, Vec<&'static Key>)> = Vec::new();
    for key in tables.iter().flat_map(|table| table.keys) {
        let name = key.spelt(Notation::Nodes);
        match found.iter_mut().find(|(known, _)| *known == name) {
            Some((_, keys)) => keys.push(key),
            None => found.push((name, vec![key])),
        }
    }
    found
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" ")
}
