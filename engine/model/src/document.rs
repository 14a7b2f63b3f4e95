//! The tree in which all configuration formats meet: keys, values, spans, and nothing of any format.

use crate::diagnostic::{Origin, Place, Span, Step};

/// A configuration file as its front-end read it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigDocument {
    /// The top table.
    pub root: Table,
    /// The whole of the file, for what concerns no single value.
    pub span: Span,
    /// How its format writes.
    pub notation: Notation,
}

/// How a format writes, as far as names and remedies in reports must say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Notation {
    /// `key = value`; a list stands in brackets.
    #[default]
    Keys,
    /// `node value`; each element of a list is a node of its own, called by its own word.
    Nodes,
}

impl Notation {
    /// What makes which kind of value.
    pub fn kinds(self) -> &'static str {
        match self {
            Self::Keys => "quotes make a string, brackets a list, braces a table",
            Self::Nodes => {
                "quotes make a string, several values a list, properties or a block a table"
            }
        }
    }

    /// `key` with a value that is still to be thought of.
    pub fn sample(self, key: &str) -> String {
        match self {
            Self::Keys => format!("{key} = …"),
            Self::Nodes => format!("{key}=\"…\""),
        }
    }
}

/// Keys in the order of the file. A front-end never yields the same key twice: it reports that.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Table {
    /// The entries.
    pub entries: Vec<Entry>,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key as written.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// What stands behind it.
    pub value: Node,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Its range in the file.
    pub span: Span,
}

/// What configuration files can hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Str(String),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

impl Value {
    /// The kind, as a report would call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Str(_) => "a string",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

impl Table {
    /// The entry under `key`, where `-` and `_` are one (`cache_when` is `cache-when`).
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| same_key(&entry.key, key))
    }

    /// The entry under exactly `key`: for names that the user chose.
    pub fn get_exact(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// Whether two spellings name the same key.
pub fn same_key(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes().zip(b.bytes()).all(|(a, b)| a == b || (is_dash(a) && is_dash(b)))
}

fn is_dash(byte: u8) -> bool {
    matches!(byte, b'-' | b'_')
}

impl ConfigDocument {
    /// The span that `place` stands for in this document; the nearest one that encloses it where
    /// the exact value is written in a short form.
    pub fn locate(&self, place: &Place) -> Span {
        match place {
            Place::Span(span) => span.clone(),
            Place::Value(origin) => self.walk(origin).1,
            Place::Key(origin) => self.walk(origin).0,
        }
    }

    /// The spans of the key and of the value at `origin`.
    fn walk(&self, origin: &Origin) -> (Span, Span) {
        let mut spans = (self.span.clone(), self.span.clone());
        let mut table = Some(&self.root);
        let mut list: Option<&[Node]> = None;
        for step in origin.path.iter() {
            let (key_span, node) = match step {
                Step::Key(key) => match table.and_then(|t| t.get_exact(key).or_else(|| t.get(key)))
                {
                    Some(entry) => (entry.key_span.clone(), &entry.value),
                    None => break,
                },
                Step::Index(index) => match list.and_then(|l| l.get(*index)) {
                    Some(node) => (node.span.clone(), node),
                    None => break,
                },
            };
            spans = (key_span, node.span.clone());
            (table, list) = match &node.value {
                Value::Table(inner) => (Some(inner), None),
                Value::List(inner) => (None, Some(inner.as_slice())),
                _ => (None, None),
            };
        }
        spans
    }
}
