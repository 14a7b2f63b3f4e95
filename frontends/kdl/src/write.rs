//! A document as the text of a `qik.kdl`, with its comments.
//!
//! Short values become properties, lists one node for each element; what has a comment of its own
//! gets a line of its own.

use qik_model::comments::Placed;
use qik_model::document::{ConfigDocument, Entry, Node, Table, Value};
use qik_model::schema::{ROOT, Shape};

use crate::keys::Keys;
use crate::text;

/// How long a line may become before what stands on it is broken up.
const WIDTH: usize = 100;
/// How long a value may be that stands among others.
const SHORT: usize = 40;
/// What stands on a line of its own however short it is.
const OWN_LINE: [&str; 1] = ["exec"];

/// The whole text.
pub(crate) fn write(document: &ConfigDocument, comments: Placed) -> String {
    let mut writer = Writer {
        out: String::new(),
        comments,
        depth: 0,
        above: Vec::new(),
        behind: Vec::new(),
        ended: None,
    };
    writer.block(&document.root, Keys::Known(&ROOT), &[]);
    let rest = writer.comments.take_rest();
    writer.above.extend(rest);
    if !writer.above.is_empty() && !writer.out.is_empty() {
        writer.out.push('\n');
    }
    writer.comment_lines();
    writer.out
}

struct Writer {
    out: String,
    comments: Placed,
    depth: usize,
    /// Comments that go above the next node.
    above: Vec<String>,
    /// Comments that go behind the first line of the next node.
    behind: Vec<String>,
    /// Whether the last node at the top had a block.
    ended: Option<bool>,
}

impl Writer {
    /// All entries of a table but those that stand elsewhere, a node each or more.
    fn block(&mut self, table: &Table, keys: Keys, elsewhere: &[&str]) {
        for entry in &table.entries {
            if elsewhere.contains(&entry.key.as_str()) {
                continue;
            }
            self.comments_of(entry.key_span.start);
            self.entry(entry, keys);
        }
    }

    fn entry(&mut self, entry: &Entry, keys: Keys) {
        let key = keys.key(&entry.key, &entry.value.value);
        let shape = key.map(|key| &key.shape).or(keys.chosen());
        let name = match key {
            Some(key) => text::name(key.one.unwrap_or(key.name)),
            None => text::name(&entry.key),
        };
        let several = key.is_some_and(|key| key.one.is_some());
        match (&entry.value.value, shape.and_then(Shape::table)) {
            (Value::Table(table), Some(Shape::Map { shape, .. })) if several => {
                for entry in &table.entries {
                    self.comments_of(entry.key_span.start);
                    let head = format!("{name} {}", text::string(&entry.key));
                    self.node(head, &entry.value, Some(shape));
                }
            }
            (Value::List(items), _) => self.list(name, items, shape, Some(several)),
            _ => self.node(name, &entry.value, shape),
        }
    }

    /// A list: one node for all, one for each, or dashes where a single value would be none. `repeats`
    /// tells whether each may have a node of its own, and whether that is usual.
    fn list(
        &mut self,
        name: String,
        items: &[Node],
        shape: Option<&'static Shape>,
        repeats: Option<bool>,
    ) {
        let element = shape.and_then(Shape::element);
        let commented = items.iter().any(|item| self.comments.any(item.span.start));
        let scalars = items.iter().all(|item| is_scalar(&item.value));
        let on_one_line = || {
            let values: Vec<String> = items.iter().map(|item| text::scalar(&item.value)).collect();
            format!("{name} {}", values.join(" ")).trim_end().to_string()
        };
        let alone = items.len() == 1
            && shape.is_none_or(|shape| shape.accepts(&items[0].value) || element.is_none());
        let words = repeats != Some(true) || matches!(element, Some(Shape::Str));
        let fits = scalars && words && !commented && on_one_line().len() < WIDTH - 30;
        if items.is_empty() || !alone && fits {
            return self.line(on_one_line(), false);
        }
        if alone || element.is_none() || repeats.is_none() {
            return self.dashes(name, items, element);
        }
        for item in items {
            self.comments_of(item.span.start);
            self.node(name.clone(), item, element);
        }
    }

    fn dashes(&mut self, name: String, items: &[Node], element: Option<&'static Shape>) {
        self.open(name);
        for item in items {
            self.comments_of(item.span.start);
            self.node("-".into(), item, element);
        }
        self.close();
    }

    /// One node: what stands at its head, and its value.
    fn node(&mut self, head: String, value: &Node, shape: Option<&'static Shape>) {
        match &value.value {
            Value::Table(table) => self.table(head, table, shape),
            Value::List(items) => self.list(head, items, shape, None),
            Value::Str(text) => match text::lines(text) {
                Some(lines) => self.lines(head, &lines),
                None => self.line(format!("{head} {}", text::string(text)), false),
            },
            scalar => self.line(format!("{head} {}", text::scalar(scalar)), false),
        }
    }

    /// A node of properties and a block.
    fn table(&mut self, mut head: String, table: &Table, shape: Option<&'static Shape>) {
        let shape = shape.and_then(|shape| shape.table().or_else(|| shape.element()?.table()));
        let keys = Keys::of_table(shape, table);
        let mut written: Vec<&str> = Vec::new();
        let lead = keys
            .lead()
            .and_then(|lead| table.get(lead))
            .filter(|entry| table.entries.len() > 1 && matches!(entry.value.value, Value::Str(_)));
        match lead {
            Some(entry) if !self.comments.any(entry.key_span.start) => {
                head = format!("{head} {}", text::scalar(&entry.value.value));
                written.push(&entry.key);
            }
            _ => {}
        }
        // Properties come before the block; names that the user chose keep their order.
        let in_order = keys.chosen().is_some();
        for entry in &table.entries {
            let width = self.depth * 4 + head.len();
            let property = self.property(entry, keys).filter(|one| width + one.len() < WIDTH);
            match property {
                _ if written.contains(&entry.key.as_str()) => {}
                Some(property) => {
                    head = format!("{head} {property}");
                    written.push(&entry.key);
                }
                None if in_order => break,
                None => {}
            }
        }
        if written.len() == table.entries.len() {
            return self.line(if table.entries.is_empty() { head + " {}" } else { head }, false);
        }
        self.open(head);
        self.block(table, keys, &written);
        self.close();
    }

    /// An entry as a property, where it is short and nothing is said about it.
    fn property(&self, entry: &Entry, keys: Keys) -> Option<String> {
        if OWN_LINE.contains(&entry.key.as_str()) {
            return None;
        }
        let key = keys.key(&entry.key, &entry.value.value);
        let shape = key.map(|key| &key.shape).or(keys.chosen());
        // Read as a list of one where a list is expected, which is another value.
        let fits = shape
            .is_none_or(|shape| shape.element().is_none() || shape.accepts(&entry.value.value));
        if !is_scalar(&entry.value.value) || !fits || self.comments.any(entry.key_span.start) {
            return None;
        }
        let name = key.map_or(entry.key.as_str(), |key| key.one.unwrap_or(key.name));
        let value = text::scalar(&entry.value.value);
        (value.len() <= SHORT).then(|| format!("{}={value}", text::name(name)))
    }

    fn open(&mut self, head: String) {
        self.line(head + " {", true);
        self.depth += 1;
    }

    fn close(&mut self) {
        self.comment_lines();
        self.depth -= 1;
        self.indent();
        self.out.push_str("}\n");
    }

    fn line(&mut self, line: String, opens: bool) {
        let behind = std::mem::take(&mut self.behind).join("; ");
        // What opens a text in quotes is followed by nothing.
        let said = !behind.is_empty() && !line.ends_with("\"\"\"");
        if !behind.is_empty() && !said {
            self.above.push(behind.clone());
        }
        self.gap(opens);
        self.comment_lines();
        self.indent();
        self.out.push_str(&line);
        if said {
            self.out.push_str(&format!(" {}", comment(&behind)));
        }
        self.out.push('\n');
    }

    fn lines(&mut self, head: String, lines: &[String]) {
        self.line(head + " \"\"\"", true);
        self.depth += 1;
        for line in lines {
            if !line.is_empty() {
                self.indent();
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
        self.indent();
        self.out.push_str("\"\"\"\n");
        self.depth -= 1;
    }

    /// An empty line between nodes at the top, but for short ones that follow each other.
    fn gap(&mut self, opens: bool) {
        if self.depth > 0 {
            return;
        }
        let large = opens || !self.above.is_empty();
        if self.ended.is_some_and(|ended| ended || large) {
            self.out.push('\n');
        }
        self.ended = Some(opens);
    }

    fn comments_of(&mut self, item: usize) {
        let before = self.comments.take_before(item);
        self.above.extend(before);
        let behind = self.comments.take_behind(item);
        self.behind.extend(behind);
    }

    fn comment_lines(&mut self) {
        for line in std::mem::take(&mut self.above) {
            self.indent();
            self.out.push_str(&comment(&line));
            self.out.push('\n');
        }
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n("    ", self.depth));
    }
}

/// A comment on one line.
fn comment(line: &str) -> String {
    format!("// {}", line.replace(text::is_special, " ")).trim_end().to_string()
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Table(_))
}
