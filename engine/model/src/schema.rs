//! The shape of a configuration as static data: every key, what may stand behind it, and a line
//! about it. Validation, hints and all that is generated for editors read this one place.
//!
//! It knows keys and kinds of values only; what names refer to is the business of `config`.

use crate::document::{Notation, Value};
pub use crate::schema_tables::{COMMAND, CONTEXT, DEP, MODULE_ROOT, ROOT, VARIABLE};

/// What may stand at a place of a configuration.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A truth value.
    Bool,
    /// A whole number, not negative.
    Int,
    /// A text taken as it is.
    Str,
    /// A text in which `{ctx.…}` and `{module.…}` are filled in.
    Template,
    /// A template that is a pattern of files.
    Pattern,
    /// The path of a file or folder inside the project.
    Path,
    /// A number of seconds, or a text such as `30s`, `5m`, `1h30m`, `500ms`.
    Duration,
    /// A number of bytes, or a text such as `10GiB`, `500MB`.
    Size,
    /// One of these texts.
    Enum(&'static [&'static str]),
    /// Any single value or list of texts: the kind is settled by a variable's `type`.
    Scalar,
    /// Values of one shape.
    List(&'static Shape),
    /// Names that the user chooses, each with a value of one shape.
    Map {
        /// What a name names, for reports: `command`.
        of: &'static str,
        /// Its value.
        shape: &'static Shape,
    },
    /// Known keys.
    Table(&'static TableShape),
    /// Whichever fits the kind of the value; no two of them are of one kind.
    Either(&'static [Shape]),
    /// A table whose keys depend on the text under one of them.
    Tagged(&'static Tagged),
}

/// A table of known keys.
#[derive(Clone, Copy, Debug)]
pub struct TableShape {
    /// What the table is, for reports: `a command`.
    pub what: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// Whether further keys with single values stand too (settings that a later version defines).
    pub open: bool,
    /// The key whose value may lead the others without its name, in formats that have places as
    /// well as keys: `module "api" path="services/api"`.
    pub lead: Option<&'static str>,
}

/// A known key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// In kebab-case.
    pub name: &'static str,
    /// What stands behind it.
    pub shape: Shape,
    /// One line for people.
    pub doc: &'static str,
    /// Whether the table is nothing without it.
    pub required: bool,
    /// What formats that write each element on its own call one of them: `dep` of `deps`.
    pub one: Option<&'static str>,
}

/// A table with variants.
#[derive(Clone, Copy, Debug)]
pub struct Tagged {
    /// What the table is, for reports: `a dep`.
    pub what: &'static str,
    /// The key that tells the variant: `type`.
    pub tag: &'static str,
    /// The variants.
    pub variants: &'static [Variant],
}

/// One variant of a tagged table.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The text under the tag.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Its further keys.
    pub table: TableShape,
}

impl Key {
    /// What a format with that notation calls it.
    pub fn spelt(&self, notation: Notation) -> &'static str {
        match (notation, self.one) {
            (Notation::Nodes, Some(one)) => one,
            _ => self.name,
        }
    }
}

impl TableShape {
    /// The key spelt `name`, in kebab-case or snake_case.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| crate::document::same_key(key.name, name))
    }
}

impl Tagged {
    /// The variant called `name`.
    pub fn variant(&self, name: &str) -> Option<&'static Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }
}

impl Shape {
    /// Whether a value is of the kind that is taken; what it holds is another question.
    pub fn accepts(&self, value: &Value) -> bool {
        match self {
            Shape::Bool => matches!(value, Value::Bool(_)),
            Shape::Int => matches!(value, Value::Int(_)),
            Shape::Str | Shape::Template | Shape::Pattern | Shape::Path | Shape::Enum(_) => {
                matches!(value, Value::Str(_))
            }
            Shape::Duration | Shape::Size => matches!(value, Value::Str(_) | Value::Int(_)),
            Shape::Scalar => {
                matches!(value, Value::Str(_) | Value::Int(_) | Value::Bool(_) | Value::List(_))
            }
            Shape::List(_) => matches!(value, Value::List(_)),
            Shape::Map { .. } | Shape::Table(_) | Shape::Tagged(_) => {
                matches!(value, Value::Table(_))
            }
            Shape::Either(shapes) => shapes.iter().any(|one| one.accepts(value)),
        }
    }

    /// The shapes that may stand there, each of one kind.
    pub fn alternatives(&'static self) -> &'static [Shape] {
        match self {
            Shape::Either(shapes) => shapes,
            one => std::slice::from_ref(one),
        }
    }

    /// The shape of the elements, where a list may stand.
    pub fn element(&'static self) -> Option<&'static Shape> {
        self.alternatives().iter().find_map(|one| match one {
            Shape::List(inner) => Some(*inner),
            _ => None,
        })
    }

    /// The table that may stand there: [`Shape::Table`], [`Shape::Tagged`] or [`Shape::Map`].
    pub fn table(&'static self) -> Option<&'static Shape> {
        self.alternatives()
            .iter()
            .find(|one| matches!(one, Shape::Table(_) | Shape::Tagged(_) | Shape::Map { .. }))
    }

    /// What may stand there, as a report would say it: `a string or a list`.
    pub fn expected(&self) -> String {
        match self {
            Shape::Bool => "`true` or `false`".into(),
            Shape::Int => "a whole number".into(),
            Shape::Str | Shape::Template => "a string".into(),
            Shape::Pattern => "a pattern of files".into(),
            Shape::Path => "a path".into(),
            Shape::Duration => "a duration such as `30s`, or a number of seconds".into(),
            Shape::Size => "a size such as `10GiB`, or a number of bytes".into(),
            Shape::Enum(names) => {
                let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                format!("one of {}", quoted.join(", "))
            }
            Shape::Scalar => "a string, a number, a boolean or a list of strings".into(),
            Shape::List(_) => "a list".into(),
            Shape::Map { .. } | Shape::Table(_) | Shape::Tagged(_) => "a table".into(),
            Shape::Either(shapes) => {
                let mut words: Vec<String> = shapes.iter().map(Shape::expected).collect();
                let last = words.pop().unwrap_or_default();
                if words.is_empty() { last } else { format!("{} or {last}", words.join(", ")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, ROOT, Shape, TableShape};

    #[test]
    fn keys_are_kebab_case_unique_and_told() {
        let mut seen = 0;
        each_table(&Shape::Table(&ROOT), &mut |table| {
            let mut names: Vec<&str> = table.keys.iter().map(|key| key.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), table.keys.len(), "a key twice in {}", table.what);
            for Key { name, doc, .. } in table.keys {
                assert!(!name.contains('_'), "{name} is not kebab-case");
                assert!(!doc.is_empty() && !doc.ends_with('.'), "the line about {name}");
                seen += 1;
            }
        });
        assert!(seen > 60, "only {seen} keys were reached");
    }

    #[test]
    fn alternatives_differ_in_kind() {
        each_shape(&Shape::Table(&ROOT), &mut |shape| {
            let Shape::Either(shapes) = shape else { return };
            let mut kinds: Vec<&str> = shapes.iter().map(kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            assert_eq!(kinds.len(), shapes.len(), "{}", shape.expected());
        });
    }

    #[test]
    fn what_is_expected_reads_as_a_list() {
        let shape = Shape::Either(&[Shape::Str, Shape::Int, Shape::List(&Shape::Str)]);
        assert_eq!(shape.expected(), "a string, a whole number or a list");
    }

    fn kind(shape: &Shape) -> &'static str {
        match shape {
            Shape::Bool => "bool",
            Shape::Int => "int",
            Shape::List(_) => "list",
            Shape::Map { .. } | Shape::Table(_) | Shape::Tagged(_) => "table",
            _ => "text",
        }
    }

    fn each_table(shape: &Shape, visit: &mut dyn FnMut(&TableShape)) {
        each_shape(shape, &mut |shape| match shape {
            Shape::Table(table) => visit(table),
            Shape::Tagged(tagged) => tagged.variants.iter().for_each(|one| visit(&one.table)),
            _ => {}
        });
    }

    fn each_shape(shape: &Shape, visit: &mut dyn FnMut(&Shape)) {
        visit(shape);
        let keys = |table: &TableShape, visit: &mut dyn FnMut(&Shape)| {
            table.keys.iter().for_each(|key| each_shape(&key.shape, visit));
        };
        match shape {
            Shape::List(inner) | Shape::Map { shape: inner, .. } => each_shape(inner, visit),
            Shape::Table(table) => keys(table, visit),
            Shape::Either(shapes) => shapes.iter().for_each(|one| each_shape(one, visit)),
            Shape::Tagged(tagged) => tagged.variants.iter().for_each(|one| keys(&one.table, visit)),
            _ => {}
        }
    }
}
