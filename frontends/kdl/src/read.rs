//! From the nodes of a file to a document, led by the model's table of keys: it says which nodes are
//! elements of one list, which have a name for their first value, and which hold a table.
//!
//! What is of a wrong kind is read as what it looks like; the check of the document reports it, as it
//! does for all formats. Only what fits into no document is reported here.

use std::ops::Range;
use std::sync::Arc;

use kdl::{KdlDocument, KdlEntry, KdlIdentifier, KdlNode, KdlValue};
use qik_model::document::{Entry, Node, Table, Value};
use qik_model::schema::{Key, ROOT, Shape, TableShape};
use qik_model::{Diagnostic, Place, Span};

use crate::keys::Keys;

pub(crate) struct Reader {
    file: Arc<str>,
    base: usize,
    pub diagnostics: Vec<Diagnostic>,
}

/// What stands behind the name of a node or property.
struct Parts<'n> {
    /// What it is called in reports.
    name: &'n str,
    /// Its name, up to the last value on the line.
    head: Range<usize>,
    values: Vec<&'n KdlEntry>,
    properties: Vec<&'n KdlEntry>,
    block: Option<&'n KdlDocument>,
}

impl Reader {
    pub fn new(file: Arc<str>) -> Self {
        Self { file, base: 0, diagnostics: Vec::new() }
    }

    /// Adds what nodes at the top say; their text begins at the byte `base` of the file.
    pub fn nodes_at(&mut self, base: usize, nodes: &[KdlNode], root: &mut Table) {
        self.base = base;
        self.block(nodes, Keys::Known(&ROOT), root);
    }

    fn block(&mut self, nodes: &[KdlNode], keys: Keys, table: &mut Table) {
        for node in nodes {
            self.no_annotation(node.ty());
            let parts = Parts::of(node);
            let name = name_range(node.name());
            match keys.find(node.name().value()) {
                Ok((key, shape)) if key.is_some_and(|key| key.one.is_some()) => {
                    self.one_of_several(key, shape, parts, name, table);
                }
                Ok((_, shape)) => {
                    if let Some(value) = self.value(&parts, shape) {
                        self.put(table, node.name().value(), name, value, shape);
                    }
                }
                Err(one) => self.diagnostics.push(self.by_its_plural(parts.name, one, name)),
            }
        }
    }

    /// A node that is one element of a list, or one entry of a table of names.
    fn one_of_several(
        &mut self,
        key: Option<&'static Key>,
        shape: Option<&'static Shape>,
        mut parts: Parts<'_>,
        name: Range<usize>,
        table: &mut Table,
    ) {
        let Some((key, shape)) = key.zip(shape) else { return };
        let Some(Shape::Map { shape: inner, .. }) = shape.table() else {
            if let Some(value) = self.value(&parts, Some(shape)) {
                self.put(table, key.name, name, value, Some(shape));
            }
            return;
        };
        let first = parts.values.first().copied();
        let Some((entry, KdlValue::String(called))) = first.map(|entry| (entry, entry.value()))
        else {
            let word = parts.name;
            let message = format!("a `{word}` needs a name");
            let report = Diagnostic::error("config/kdl-node", message)
                .at(self.place(parts.head), "its first value is no name")
                .help(format!("write `{word} \"NAME\" …`"));
            return self.diagnostics.push(report);
        };
        self.no_annotation(entry.ty());
        parts.values.remove(0);
        let called_at = value_range(entry);
        let Some(value) = self.value(&parts, Some(inner)) else { return };
        let span = self.span(name.clone());
        let group = match table.entries.iter_mut().position(|one| one.key == key.name) {
            Some(at) => &mut table.entries[at],
            None => {
                let value = Node { value: Value::Table(Table::default()), span: span.clone() };
                table.entries.push(Entry { key: key.name.into(), key_span: span, value });
                table.entries.last_mut().expect("one was put there")
            }
        };
        let Value::Table(group) = &mut group.value.value else { return };
        if let Some(earlier) = group.get_exact(called) {
            let earlier = earlier.key_span.clone();
            let what = format!("{} `{called}`", parts.name);
            return self.twice(&what, called_at, earlier);
        }
        let key_span = self.span(called_at);
        group.entries.push(Entry { key: called.clone(), key_span, value });
    }

    fn put(
        &mut self,
        table: &mut Table,
        key: &str,
        at: Range<usize>,
        value: Node,
        shape: Option<&'static Shape>,
    ) {
        let Some(earlier) = table.entries.iter_mut().find(|entry| entry.key == key) else {
            let key_span = self.span(at);
            return table.entries.push(Entry { key: key.into(), key_span, value });
        };
        if shape.is_none_or(|shape| shape.element().is_some()) {
            return join(&mut earlier.value, value);
        }
        let earlier = earlier.key_span.clone();
        self.twice(&format!("key `{key}`"), at, earlier);
    }

    /// The value of a node or property at a place where `shape` is expected.
    fn value(&mut self, parts: &Parts<'_>, shape: Option<&'static Shape>) -> Option<Node> {
        let span = self.span(parts.head.clone());
        let element = shape.and_then(Shape::element);
        let nodes = parts.block.map(KdlDocument::nodes);
        let dashes = nodes.filter(|nodes| !nodes.is_empty() && parts.properties.is_empty());
        if let Some(dashes) =
            dashes.filter(|nodes| nodes.iter().all(|node| node.name().value() == "-"))
        {
            let mut items = self.scalars(parts);
            for node in dashes {
                self.no_annotation(node.ty());
                items.extend(self.value(&Parts::of(node), element));
            }
            return Some(Node { value: Value::List(items), span });
        }
        let no_table = shape.is_some_and(|shape| shape.table().is_none());
        let takes_list = shape.is_some_and(|shape| shape.accepts(&Value::List(Vec::new())));
        let is_empty = nodes.is_some_and(<[KdlNode]>::is_empty) && parts.properties.is_empty();
        if is_empty && no_table && takes_list && element.and_then(Shape::table).is_none() {
            return Some(Node { value: Value::List(self.scalars(parts)), span });
        }
        if parts.block.is_some() || !parts.properties.is_empty() {
            return Some(self.table_value(parts, shape, span));
        }
        let mut items = self.scalars(parts);
        if items.len() != parts.values.len() {
            return None;
        }
        match (items.len(), shape) {
            (0, _) if takes_list => {}
            (0, Some(shape)) if shape.table().is_some() => {
                return Some(Node { value: Value::Table(Table::default()), span });
            }
            (0, _) => {
                let report =
                    Diagnostic::error("config/kdl-node", format!("`{}` has no value", parts.name))
                        .at(self.place(parts.head.clone()), "nothing stands behind it")
                        .help("write its value behind it, or remove it");
                self.diagnostics.push(report);
                return None;
            }
            (1, shape) => {
                let one = items.remove(0);
                // Where a list is expected and no single value, one value is a list of one.
                let wrap =
                    element.is_some() && shape.is_some_and(|shape| !shape.accepts(&one.value));
                if !wrap {
                    return Some(one);
                }
                let span = one.span.clone();
                return Some(Node { value: Value::List(vec![one]), span });
            }
            _ => {}
        }
        Some(Node { value: Value::List(items), span })
    }

    /// A value of properties and a block.
    fn table_value(
        &mut self,
        parts: &Parts<'_>,
        shape: Option<&'static Shape>,
        span: Span,
    ) -> Node {
        let element = shape.and_then(Shape::element);
        let own = shape.and_then(Shape::table);
        let as_element = own.is_none() && element.is_some();
        let shape = own.or_else(|| element.and_then(Shape::table));
        let keys = Keys::of(shape, |tag| parts.text_under(tag));
        let mut table = Table::default();
        self.lead(parts, shape, &mut table);
        for property in &parts.properties {
            self.property(property, keys, &mut table);
        }
        self.block(parts.block.map_or(&[], KdlDocument::nodes), keys, &mut table);
        let node = Node { value: Value::Table(table), span: span.clone() };
        if as_element { Node { value: Value::List(vec![node]), span } } else { node }
    }

    /// A value before properties or a block: that of the key which leads the table.
    fn lead(&mut self, parts: &Parts<'_>, shape: Option<&'static Shape>, table: &mut Table) {
        let lead = match shape {
            Some(Shape::Table(TableShape { lead, .. })) => *lead,
            _ => None,
        };
        match (lead, parts.values.as_slice()) {
            (_, []) => {}
            // The check reports the whole.
            _ if shape.is_none() => {}
            (Some(lead), [one]) => {
                if let Some(value) = self.scalar(one) {
                    let key_span = value.span.clone();
                    table.entries.push(Entry { key: lead.into(), key_span, value });
                }
            }
            (lead, [.., last]) => {
                let report = Diagnostic::error(
                    "config/kdl-node",
                    format!("`{}` has a value too many", parts.name),
                )
                .at(self.place(value_range(last)), "what does this mean?");
                self.diagnostics.push(match lead {
                    Some(lead) => {
                        report.help(format!("one value before its properties is its `{lead}`"))
                    }
                    None => report.help("give it a name: `key=\"value\"`"),
                });
            }
        }
    }

    fn property(&mut self, property: &KdlEntry, keys: Keys, table: &mut Table) {
        let Some(name) = property.name() else { return };
        let at = name_range(name);
        match keys.find(name.value()) {
            Ok((key, shape)) => {
                let parts = Parts {
                    name: name.value(),
                    head: value_range(property),
                    values: vec![property],
                    properties: Vec::new(),
                    block: None,
                };
                let spelt =
                    key.filter(|key| key.one.is_some()).map_or(name.value(), |key| key.name);
                let Some(value) = self.value(&parts, shape) else { return };
                // A property has one value, so one that stands twice is a slip even for a list.
                match table.get_exact(spelt) {
                    Some(earlier) => {
                        let earlier = earlier.key_span.clone();
                        self.twice(&format!("property `{}`", name.value()), at, earlier);
                    }
                    None => self.put(table, spelt, at, value, shape),
                }
            }
            Err(one) => self.diagnostics.push(self.by_its_plural(name.value(), one, at)),
        }
    }

    /// The values of a node, without those that are none.
    fn scalars(&mut self, parts: &Parts<'_>) -> Vec<Node> {
        parts.values.iter().filter_map(|entry| self.scalar(entry)).collect()
    }

    fn scalar(&mut self, entry: &KdlEntry) -> Option<Node> {
        self.no_annotation(entry.ty());
        let at = value_range(entry);
        let value = match entry.value() {
            KdlValue::String(text) => Value::Str(text.clone()),
            KdlValue::Bool(value) => Value::Bool(*value),
            KdlValue::Float(number) => Value::Float(*number),
            KdlValue::Integer(number) => match i64::try_from(*number) {
                Ok(number) => Value::Int(number),
                Err(_) => {
                    let report = Diagnostic::error("config/syntax", "the number is too large")
                        .at(self.place(at), "does not fit into 64 bits")
                        .help("put quotes around it if it is meant as a text");
                    self.diagnostics.push(report);
                    return None;
                }
            },
            KdlValue::Null => {
                let report = Diagnostic::error("config/kdl-node", "`#null` is no value of any key")
                    .at(self.place(at), "stands for nothing")
                    .help("leave out what has no value");
                self.diagnostics.push(report);
                return None;
            }
        };
        Some(Node { value, span: self.span(at) })
    }

    fn no_annotation(&mut self, annotation: Option<&KdlIdentifier>) {
        let Some(annotation) = annotation else { return };
        let report = Diagnostic::error(
            "config/kdl-node",
            format!("the type annotation `({})` means nothing here", annotation.value()),
        )
        .at(self.place(name_range(annotation)), "no node or value has one")
        .help("remove it");
        self.diagnostics.push(report);
    }

    fn by_its_plural(&self, name: &str, one: &str, at: Range<usize>) -> Diagnostic {
        Diagnostic::error("config/unknown-key", format!("there is no node `{name}`"))
            .at(self.place(at), "one for all")
            .help(format!("write one `{one}` for each of them"))
    }

    fn twice(&mut self, what: &str, at: Range<usize>, earlier: Span) {
        let report = Diagnostic::error("config/duplicate-key", format!("the {what} stands twice"))
            .at(self.place(at), "here for the second time")
            .at(Place::Span(earlier), "first here")
            .help("keep one of the two");
        self.diagnostics.push(report);
    }

    fn place(&self, range: Range<usize>) -> Place {
        Place::Span(self.span(range))
    }

    fn span(&self, range: Range<usize>) -> Span {
        let (start, end) = (self.base + range.start, self.base + range.end);
        Span { file: self.file.clone(), start, end }
    }
}

impl<'n> Parts<'n> {
    fn of(node: &'n KdlNode) -> Self {
        let (properties, values): (Vec<_>, Vec<_>) =
            node.entries().iter().partition(|entry| entry.name().is_some());
        let name = name_range(node.name());
        let end = node.entries().last().map_or(name.end, |entry| value_range(entry).end);
        Self {
            name: node.name().value(),
            head: name.start..end,
            values,
            properties,
            block: node.children(),
        }
    }

    /// The text under a key, as a property or in the block.
    fn text_under(&self, key: &str) -> Option<&'n str> {
        let property =
            self.properties.iter().find(|one| one.name().is_some_and(|name| name.value() == key));
        let node = || {
            self.block?.nodes().iter().find(|node| node.name().value() == key)?.entries().first()
        };
        property.copied().or_else(node)?.value().as_string()
    }
}

/// Adds what a further node of the same list says.
fn join(earlier: &mut Node, later: Node) {
    let mut items = match std::mem::replace(&mut earlier.value, Value::Bool(false)) {
        Value::List(items) => items,
        value => vec![Node { value, span: earlier.span.clone() }],
    };
    match later.value {
        Value::List(more) => items.extend(more),
        value => items.push(Node { value, span: later.span }),
    }
    earlier.value = Value::List(items);
}

/// Where the value of an argument or property stands, without its name.
fn value_range(entry: &KdlEntry) -> Range<usize> {
    let span = entry.span();
    let whole = span.offset()..span.offset() + span.len();
    let length = entry.format().map_or(0, |format| format.value_repr.len());
    let start = if length == 0 { whole.start } else { whole.end.saturating_sub(length) };
    start.max(whole.start)..whole.end
}

fn name_range(name: &KdlIdentifier) -> Range<usize> {
    let span = name.span();
    span.offset()..span.offset() + span.len()
}
