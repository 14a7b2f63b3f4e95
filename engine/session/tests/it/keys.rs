//! `docs/keys.md` is the configuration's shape as a page: written from the model, never by hand. This
//! knows nothing of what the keys do.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use qik_model::schema::{MODULE_ROOT, ROOT, Shape, TableShape, Tagged};

#[test]
fn the_page_of_keys_is_the_models() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/keys.md");
    let page = Page::default().write();
    if env::var_os("QIK_TEST_WRITE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let stands = fs::read_to_string(&path).unwrap_or_default();
    assert!(stands == page, "docs/keys.md is old: run this test once with QIK_TEST_WRITE_DOCS=1");
}

#[test]
fn a_key_is_told_with_what_it_takes_and_whether_it_works() {
    let page = Page::default().write();
    for line in [
        "| `cache-when` | one of `success`, `failed`, `finished`, `always` | Which results are kept |",
        "| `pattern` (required) | a pattern of files | The pattern |",
        "| `on-change` | one of `queue`, `restart` | What a change does to commands that run |",
        "## A pygraph dep: `type = \"pygraph\"`",
        "## A venv: `type = \"uv-project\"`",
    ] {
        assert!(page.lines().any(|stands| stands == line), "{line}\n{page}");
    }
}

/// The page as far as it is written.
#[derive(Default)]
struct Page {
    text: String,
    told: BTreeSet<String>,
}

impl Page {
    fn write(mut self) -> String {
        self.text.push_str(
            "# Keys\n\n\
             Every key that a `qik.toml` can hold, or `[tool.qik]` in a `pyproject.toml`. A dash in a \
             key may be written as an underscore. \
             [configuration.md](configuration.md) tells how they play together, \
             [kdl.md](kdl.md) what a `qik.kdl` calls them.\n",
        );
        self.table("", &ROOT);
        self.table("", &MODULE_ROOT);
        self.text
    }

    /// A section for the table, then for what stands behind its keys.
    fn table(&mut self, variant: &str, table: &'static TableShape) {
        let mut title = format!("{}{variant}", table.what);
        if !self.told.insert(title.clone()) {
            return;
        }
        title[..1].make_ascii_uppercase();
        let _ = writeln!(self.text, "\n## {title}\n");
        if table.keys.is_empty() {
            self.text.push_str("It takes no settings.\n");
            return;
        }
        self.text.push_str("| key | takes | |\n| --- | --- | --- |\n");
        for key in table.keys {
            let required = if key.required { " (required)" } else { "" };
            let (name, expected) = (key.name, key.shape.expected());
            let _ = writeln!(self.text, "| `{name}`{required} | {expected} | {} |", key.doc);
        }
        for key in table.keys {
            self.shape(&key.shape);
        }
    }

    fn shape(&mut self, shape: &'static Shape) {
        match shape {
            Shape::List(inner) | Shape::Map { shape: inner, .. } => self.shape(inner),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| self.shape(shape)),
            Shape::Table(table) => self.table("", table),
            Shape::Tagged(tagged) => self.tagged(tagged),
            _ => {}
        }
    }

    fn tagged(&mut self, tagged: &'static Tagged) {
        for variant in tagged.variants {
            let title = format!(": `{} = \"{}\"`", tagged.tag, variant.name);
            self.table(&title, &variant.table);
        }
    }
}
