//! Reading a document tolerantly, with the way to each value. What is of the wrong kind reads as
//! absent: the check against the schema has reported it.

use qik_model::document::{Node, Table, Value};
use qik_model::{Name, Origin};

/// A value and the way to it.
#[derive(Clone, Debug)]
pub(crate) struct View<'a> {
    pub node: &'a Node,
    pub at: Origin,
}

/// A table and the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    pub table: &'a Table,
    pub at: Origin,
}

impl<'a> Fields<'a> {
    /// The value under a key of the schema.
    pub fn get(&self, key: &str) -> Option<View<'a>> {
        let entry = self.table.get(key)?;
        Some(View { node: &entry.value, at: self.at.key(&*entry.key) })
    }

    /// The table under a key of the schema.
    pub fn fields(&self, key: &str) -> Option<Fields<'a>> {
        self.get(key)?.fields()
    }

    /// Names that the user chose, with their values.
    pub fn entries(&self) -> impl Iterator<Item = (Name, View<'a>)> + '_ {
        self.table.entries.iter().map(|entry| {
            let name: Name = entry.key.as_str().into();
            (name.clone(), View { node: &entry.value, at: self.at.key(name) })
        })
    }

    pub fn text(&self, key: &str) -> Option<Name> {
        self.get(key)?.text()
    }

    pub fn bool(&self, key: &str) -> Option<bool> {
        self.get(key)?.bool()
    }

    pub fn texts(&self, key: &str) -> Vec<Name> {
        self.get(key).map(|view| view.texts()).unwrap_or_default()
    }
}

impl<'a> View<'a> {
    pub fn text(&self) -> Option<Name> {
        self.str().map(Name::from)
    }

    pub fn str(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    pub fn bool(&self) -> Option<bool> {
        match &self.node.value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub fn int(&self) -> Option<i64> {
        match &self.node.value {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    pub fn fields(&self) -> Option<Fields<'a>> {
        match &self.node.value {
            Value::Table(table) => Some(Fields { table, at: self.at.clone() }),
            _ => None,
        }
    }

    /// The elements of a list.
    pub fn items(&self) -> Vec<View<'a>> {
        match &self.node.value {
            Value::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, node)| View { node, at: self.at.index(index) })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The elements of a list, or the value itself where it is none.
    pub fn one_or_more(&self) -> Vec<View<'a>> {
        match &self.node.value {
            Value::List(_) => self.items(),
            _ => vec![self.clone()],
        }
    }

    /// The texts of a list, or the one text.
    pub fn texts(&self) -> Vec<Name> {
        self.one_or_more().iter().filter_map(View::text).collect()
    }
}
