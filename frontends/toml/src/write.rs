//! A document as the text of a `qik.toml`, with its comments.
//!
//! Tables that are reached by names alone have headers, all others stand in one line with braces.

use qik_model::comments::Placed;
use qik_model::document::{ConfigDocument, Entry, Node, Table, Value};
use toml_writer::{TomlKeyBuilder, TomlStringBuilder};

/// How long a line may become before a list is written over several.
const WIDTH: usize = 100;
/// How long a table may be that stands in one line although it could have a header.
const SHORT: usize = 50;

/// The whole text.
pub(crate) fn write(document: &ConfigDocument, comments: Placed) -> String {
    let mut writer = Writer { out: String::new(), comments };
    writer.table(&[], &document.root, Vec::new(), Vec::new());
    let rest = writer.comments.take_rest();
    if !rest.is_empty() && !writer.out.is_empty() {
        writer.out.push('\n');
    }
    writer.lines(&rest);
    writer.out
}

struct Writer {
    out: String,
    comments: Placed,
}

impl Writer {
    /// What a table holds: first what needs no header of its own, since a header would take it.
    fn table(&mut self, path: &[String], table: &Table, above: Vec<String>, behind: Vec<String>) {
        let (with_header, plain): (Vec<&Entry>, Vec<&Entry>) =
            table.entries.iter().partition(|entry| self.has_header(path.len(), entry));
        let start = |entries: &[&Entry]| entries.first().map(|entry| entry.key_span.start);
        let mut above = above;
        let is_header = !path.is_empty() && (!plain.is_empty() || with_header.is_empty());
        if !is_header {
            above.extend(behind.iter().cloned());
        }
        if is_header {
            self.gap();
            // What was said above all of it was said above what came first.
            if with_header.is_empty() || start(&plain) < start(&with_header) {
                self.lines(&std::mem::take(&mut above));
            }
            self.out.push_str(&format!("[{}]", path.join(".")));
            self.behind(&behind);
            self.out.push('\n');
        }
        for entry in plain {
            let before = self.comments.take_before(entry.key_span.start);
            self.lines(&before);
            let head = format!("{} = ", key(&entry.key));
            self.out.push_str(&head);
            self.value(&entry.value, head.len());
            let behind = self.comments.take_behind(entry.key_span.start);
            self.behind(&behind);
            self.out.push('\n');
        }
        for entry in with_header {
            let Value::Table(inner) = &entry.value.value else { continue };
            let mut lines = std::mem::take(&mut above);
            lines.extend(self.comments.take_before(entry.key_span.start));
            let behind = self.comments.take_behind(entry.key_span.start);
            let path: Vec<String> = path.iter().cloned().chain([key(&entry.key)]).collect();
            self.table(&path, inner, lines, behind);
        }
    }

    fn has_header(&self, depth: usize, entry: &Entry) -> bool {
        let Value::Table(table) = &entry.value.value else { return false };
        let scalars = table.entries.iter().all(|one| is_scalar(&one.value.value));
        let said = table.entries.iter().any(|one| self.comments.any(one.key_span.start));
        depth < 2 || !scalars || said || inline(&entry.value).len() > SHORT
    }

    fn value(&mut self, node: &Node, used: usize) {
        let Value::List(items) = &node.value else {
            return self.out.push_str(&inline(node));
        };
        let line = inline(node);
        let said = inside(node).iter().any(|item| self.comments.any(*item));
        if !said && used + line.len() <= WIDTH && !line.contains('\n') {
            return self.out.push_str(&line);
        }
        self.out.push_str("[\n");
        for item in items {
            let starts: Vec<usize> = std::iter::once(item.span.start).chain(inside(item)).collect();
            let before: Vec<String> =
                starts.iter().flat_map(|start| self.comments.take_before(*start)).collect();
            for line in before {
                self.out.push_str(&format!("    {}\n", comment(&line)));
            }
            self.out.push_str(&format!("    {},", inline(item)));
            let behind: Vec<String> =
                starts.iter().flat_map(|start| self.comments.take_behind(*start)).collect();
            self.behind(&behind);
            self.out.push('\n');
        }
        self.out.push(']');
    }

    fn behind(&mut self, lines: &[String]) {
        if !lines.is_empty() {
            self.out.push_str(&format!(" {}", comment(&lines.join("; "))));
        }
    }

    fn gap(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn lines(&mut self, lines: &[String]) {
        for line in lines {
            self.out.push_str(&comment(line));
            self.out.push('\n');
        }
    }
}

/// A value without line breaks of its own.
fn inline(node: &Node) -> String {
    match &node.value {
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) if number.is_nan() => "nan".into(),
        Value::Float(number) if number.is_infinite() => {
            (if *number > 0.0 { "inf" } else { "-inf" }).into()
        }
        Value::Float(number) => format!("{number:?}"),
        Value::Str(text) => string(text),
        Value::List(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Table(table) if table.entries.is_empty() => "{}".into(),
        Value::Table(table) => {
            let entries = table.entries.iter();
            let entries = entries.map(|one| format!("{} = {}", key(&one.key), inline(&one.value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Where the items in a value begin.
fn inside(node: &Node) -> Vec<usize> {
    match &node.value {
        Value::List(items) => {
            items.iter().flat_map(|item| [vec![item.span.start], inside(item)].concat()).collect()
        }
        Value::Table(table) => table
            .entries
            .iter()
            .flat_map(|one| [vec![one.key_span.start], inside(&one.value)].concat())
            .collect(),
        _ => Vec::new(),
    }
}

fn key(text: &str) -> String {
    let builder = TomlKeyBuilder::new(text);
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = toml_writer::TomlWrite::key(&mut out, builder.as_default());
    out
}

fn string(text: &str) -> String {
    let builder = TomlStringBuilder::new(text);
    let mut out = String::new();
    let pretty = builder.as_basic_pretty();
    let _ = toml_writer::TomlWrite::value(&mut out, pretty.unwrap_or_else(|| builder.as_default()));
    out
}

/// A comment on one line.
fn comment(line: &str) -> String {
    format!("# {}", line.replace(char::is_control, " ")).trim_end().to_string()
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Table(_))
}
