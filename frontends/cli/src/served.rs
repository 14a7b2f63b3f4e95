//! What persistent commands print: whole lines, each with the name of the command before it, since they go
//! on beside all else.

use std::collections::{BTreeMap, BTreeSet};

use qik_session::model::Name;

use crate::style::Style;

/// Lines that have not come to their end yet.
pub(crate) struct Served {
    style: Style,
    /// Whether there is nothing else that prints, so that no name is needed.
    pub alone: bool,
    open: BTreeMap<Name, Vec<u8>>,
    known: BTreeSet<Name>,
}

impl Served {
    pub fn new(style: Style, alone: bool) -> Self {
        Self { style, alone, open: BTreeMap::new(), known: BTreeSet::new() }
    }

    /// What is to be printed now that `chunk` came.
    pub fn take(&mut self, name: &Name, chunk: &[u8]) -> Vec<u8> {
        self.known.insert(name.clone());
        if self.alone {
            return chunk.to_vec();
        }
        let mut lines = Vec::new();
        let open = self.open.entry(name.clone()).or_default();
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            open.extend_from_slice(part);
            if part.ends_with(b"\n") {
                write_line(&self.style, name, &std::mem::take(open), &mut lines);
            }
        }
        lines
    }

    /// Whether the log of a command was printed as it came.
    pub fn knows(&self, name: &Name) -> bool {
        self.known.contains(name)
    }

    /// What was never ended by a line end.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut lines = Vec::new();
        for (name, mut line) in std::mem::take(&mut self.open) {
            if !line.is_empty() {
                line.push(b'\n');
                write_line(&self.style, &name, &line, &mut lines);
            }
        }
        lines
    }
}

fn write_line(style: &Style, name: &Name, line: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(style.faint(&format!("{name} | ")).as_bytes());
    into.extend_from_slice(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_named() {
        let mut served = Served::new(Style::detect(), false);
        let mut told = |name: &str, chunk: &str| {
            String::from_utf8(served.take(&name.into(), chunk.as_bytes())).unwrap()
        };
        assert_eq!(told("web", "on"), "");
        assert_eq!(told("db", "up\n"), "db | up\n");
        assert_eq!(told("web", "e\ntwo\nth"), "web | one\nweb | two\n");
        assert_eq!(String::from_utf8(served.rest()).unwrap(), "web | th\n");
        assert!(served.rest().is_empty());
    }
}
