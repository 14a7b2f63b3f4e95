//! Prints the words of the model's table of keys, and the marks of both formats, as a dictionary of
//! libFuzzer: what it would take long to come upon by itself.

use std::collections::BTreeSet;

// Whatever is counted wants a place for the counters.
use libfuzzer_sys as _;

use qik_model::document::Notation;
use qik_model::schema::{ROOT, Shape, TableShape};

/// Marks, and names that lead somewhere.
const MARKS: [&str; 33] = [
    "\"\"\"",
    "'''",
    "[[",
    "]]",
    "/-",
    "/*",
    "*/",
    "//",
    "#true",
    "#false",
    "#null",
    "r#\"",
    "\\u{",
    "{ctx.",
    "{ctx.qik.",
    "{module.dir}",
    "{module.name}",
    "{module.pyimport}",
    "{{",
    "}}",
    "**/",
    "!",
    "type = \"",
    "name = \"",
    "\n---\n",
    "\n---\n//\n",
    "qik.toml",
    "ci/more.toml",
    "default",
    "repo",
    "local",
    "[commands.a]\n",
    "deps = [",
];

fn main() {
    let mut words: BTreeSet<&str> = MARKS.into();
    of_table(&ROOT, &mut words);
    for word in words {
        let escaped: String = word.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
        println!("\"{escaped}\"");
    }
}

fn of_table(table: &'static TableShape, words: &mut BTreeSet<&'static str>) {
    for key in table.keys {
        words.extend([key.name, key.spelt(Notation::Nodes)]);
        of_shape(&key.shape, words);
    }
}

fn of_shape(shape: &'static Shape, words: &mut BTreeSet<&'static str>) {
    match shape {
        Shape::Enum(known) => words.extend(*known),
        Shape::List(inner) | Shape::Map { shape: inner, .. } => of_shape(inner, words),
        Shape::Table(table) => of_table(table, words),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| of_shape(shape, words)),
        Shape::Tagged(tagged) => tagged.variants.iter().for_each(|one| {
            words.extend([tagged.tag, one.name]);
            of_table(&one.table, words);
        }),
        _ => {}
    }
}
