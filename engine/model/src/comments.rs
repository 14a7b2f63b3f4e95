//! Comments of a configuration: found by its front-end, placed at the items of its document, so that
//! another front-end can write them down where they belong.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{ConfigDocument, Node, Table, Value};

/// A comment in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it says, line by line, without the marks of the format.
    pub lines: Vec<String>,
    /// Whether nothing but blanks stands before it on its line.
    pub own_line: bool,
}

/// Comments by the first byte of the item (a key or an element of a list) that they belong to. An
/// item takes its own once.
#[derive(Clone, Debug, Default)]
pub struct Placed {
    before: BTreeMap<usize, Vec<String>>,
    behind: BTreeMap<usize, Vec<String>>,
    rest: Vec<String>,
}

impl Placed {
    /// Gives each comment to the item that follows it, or that it follows on its line.
    pub fn new(document: &ConfigDocument, comments: &[Comment]) -> Self {
        let mut items = BTreeSet::new();
        items_of_table(&document.root, &mut items);
        let mut placed = Self::default();
        for comment in comments {
            let next = items.range(comment.end..).next();
            let last = items.range(..comment.start).next_back();
            let lines = comment.lines.iter().cloned();
            match (comment.own_line, next, last) {
                (false, _, Some(item)) => placed.behind.entry(*item).or_default().extend(lines),
                (_, Some(item), _) => placed.before.entry(*item).or_default().extend(lines),
                _ => placed.rest.extend(lines),
            }
        }
        placed
    }

    /// A comment behind the item at `start`.
    pub fn put_behind(&mut self, start: usize, line: String) {
        self.behind.entry(start).or_default().push(line);
    }

    /// Whether the item at `start` has any left.
    pub fn any(&self, start: usize) -> bool {
        self.before.contains_key(&start) || self.behind.contains_key(&start)
    }

    /// The lines above the item at `start`.
    pub fn take_before(&mut self, start: usize) -> Vec<String> {
        self.before.remove(&start).unwrap_or_default()
    }

    /// The lines behind the item at `start`.
    pub fn take_behind(&mut self, start: usize) -> Vec<String> {
        self.behind.remove(&start).unwrap_or_default()
    }

    /// All that no item has taken, in the order of the text; to be asked for at the end.
    pub fn take_rest(&mut self) -> Vec<String> {
        let left = std::mem::take(self);
        let mut by_item = left.before;
        for (start, lines) in left.behind {
            by_item.entry(start).or_default().extend(lines);
        }
        by_item.into_values().flatten().chain(left.rest).collect()
    }
}

fn items_of_table(table: &Table, items: &mut BTreeSet<usize>) {
    for entry in &table.entries {
        items.insert(entry.key_span.start);
        items_of_node(&entry.value, items);
    }
}

fn items_of_node(node: &Node, items: &mut BTreeSet<usize>) {
    match &node.value {
        Value::Table(table) => items_of_table(table, items),
        Value::List(elements) => {
            for element in elements {
                items.insert(element.span.start);
                items_of_node(element, items);
            }
        }
        _ => {}
    }
}
