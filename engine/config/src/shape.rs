//! Holds documents to the schema: unknown keys, wrong types, values that cannot be.
//!
//! It looks at one document at a time and knows no name of any project; the variables that
//! templates mention are handed on to be checked where the project is known.

use qik_model::document::{Entry, Node, Notation, Table, Value, same_key};
use qik_model::schema::{Key, MODULE_ROOT, ROOT, Shape, TableShape, Tagged};
use qik_model::{Diagnostic, GlobSet, Origin, Place, RelPath, units};

use crate::template::{ContextName, Part, Parts};
use crate::{names, template};

/// What a check found.
#[derive(Debug, Default)]
pub(crate) struct Check {
    /// What is to be said.
    pub diagnostics: Vec<Diagnostic>,
    /// Variables that templates mention, and where.
    pub references: Vec<(Origin, ContextName)>,
    /// How the format of the document writes.
    pub notation: Notation,
}

impl Check {
    /// Checks a table of known keys; says whether all of it is in order.
    pub fn table(&mut self, shape: &TableShape, table: &Table, at: &Origin) -> bool {
        self.keys(shape, table, at, None)
    }

    fn keys(&mut self, shape: &TableShape, table: &Table, at: &Origin, tag: Option<&str>) -> bool {
        let mut fine = self.no_key_twice(shape, table, at);
        for entry in &table.entries {
            if tag.is_some_and(|tag| same_key(tag, &entry.key)) {
                continue;
            }
            fine &= match shape.key(&entry.key) {
                Some(key) => self.entry(key, entry, at),
                None if shape.open => self.node(&Shape::Scalar, &entry.value, &at.key(&*entry.key)),
                None => self.report(self.unknown_key(shape, tag, &entry.key, at)),
            };
        }
        for key in shape.keys.iter().filter(|key| key.required && table.get(key.name).is_none()) {
            fine = self.report(self.missing_key(shape.what, key.name, at));
        }
        fine
    }

    fn entry(&mut self, key: &Key, entry: &Entry, at: &Origin) -> bool {
        let at = at.key(&*entry.key);
        self.node(&key.shape, &entry.value, &at)
    }

    /// Two spellings of one key; the same spelling twice is the front-end's to report.
    fn no_key_twice(&mut self, shape: &TableShape, table: &Table, at: &Origin) -> bool {
        let mut fine = true;
        for (index, entry) in table.entries.iter().enumerate() {
            let earlier = table.entries[..index].iter().find(|one| same_key(&one.key, &entry.key));
            if let (Some(earlier), Some(_)) = (earlier, shape.key(&entry.key)) {
                fine = self.report(
                    Diagnostic::error(
                        "config/duplicate-key",
                        format!("the key `{}` stands twice", entry.key),
                    )
                    .at(Place::Key(at.key(&*entry.key)), "here for the second time")
                    .at(Place::Key(at.key(&*earlier.key)), "the same key, spelt otherwise")
                    .help("keep one of the two; `-` and `_` are the same in keys"),
                );
            }
        }
        fine
    }

    fn node(&mut self, shape: &Shape, node: &Node, at: &Origin) -> bool {
        if !shape.accepts(&node.value) {
            let report = wrong_type(&shape.expected(), node.value.kind(), at);
            return self.report(report.help(self.notation.kinds()));
        }
        match (shape, &node.value) {
            (Shape::Either(shapes), value) => {
                let fitting = shapes.iter().find(|one| one.accepts(value));
                fitting.is_none_or(|one| self.node(one, node, at))
            }
            (Shape::Int, Value::Int(number)) if *number < 0 => self.report(
                Diagnostic::error("config/bad-value", format!("`{at}` must not be negative"))
                    .at(value(at), "negative")
                    .help("write 0 or more"),
            ),
            (Shape::Template, Value::Str(text)) => self.template(text, at).is_some(),
            (Shape::Pattern, Value::Str(text)) => self.pattern(text, at),
            (Shape::Path, Value::Str(text)) => self.path(text, at),
            (Shape::Duration, _) => self.duration(&node.value, at),
            (Shape::Size, _) => self.size(&node.value, at),
            (Shape::Enum(known), Value::Str(text)) if !known.contains(&text.as_str()) => {
                self.report(unknown_value(text, known.iter().copied(), at))
            }
            (Shape::Scalar, Value::List(items)) => self.list(&Shape::Str, items, at),
            (Shape::List(inner), Value::List(items)) => self.list(inner, items, at),
            (Shape::Map { of, shape }, Value::Table(table)) => self.map(of, shape, table, at),
            (Shape::Table(shape), Value::Table(table)) => self.table(shape, table, at),
            (Shape::Tagged(tagged), Value::Table(table)) => self.tagged(tagged, table, at),
            _ => true,
        }
    }

    fn list(&mut self, shape: &Shape, items: &[Node], at: &Origin) -> bool {
        let mut fine = true;
        for (index, item) in items.iter().enumerate() {
            fine &= self.node(shape, item, &at.index(index));
        }
        fine
    }

    fn map(&mut self, of: &str, shape: &Shape, table: &Table, at: &Origin) -> bool {
        let mut fine = true;
        for entry in &table.entries {
            let at = at.key(&*entry.key);
            if let Some(fault) = name_fault(of, &entry.key) {
                fine = self.report(bad_name(of, &entry.key, fault, Place::Key(at.clone())));
            }
            fine &= self.node(shape, &entry.value, &at);
        }
        fine
    }

    fn tagged(&mut self, tagged: &Tagged, table: &Table, at: &Origin) -> bool {
        let Some(tag) = table.get(tagged.tag) else {
            let known = tagged.variants.iter().map(|one| format!("`{}`", one.name));
            let known = known.collect::<Vec<_>>().join(", ");
            return self.report(
                self.missing_key(tagged.what, tagged.tag, at)
                    .help(format!("`{}` is one of {known}", tagged.tag)),
            );
        };
        let tag_at = at.key(tagged.tag);
        let Value::Str(name) = &tag.value.value else {
            let report = wrong_type("a string", tag.value.value.kind(), &tag_at);
            return self.report(report.help(self.notation.kinds()));
        };
        let Some(variant) = tagged.variant(name) else {
            let known = tagged.variants.iter().map(|one| one.name);
            return self.report(unknown_value(name, known, &tag_at));
        };
        self.keys(&variant.table, table, at, Some(tagged.tag))
    }

    fn template(&mut self, text: &str, at: &Origin) -> Option<Parts> {
        match template::parse(text) {
            Ok(parts) => {
                let names = parts.context_names().cloned();
                self.references.extend(names.map(|name| (at.clone(), name)));
                Some(parts)
            }
            Err(bad) => {
                self.diagnostics.extend(bad.into_iter().map(|bad| {
                    let message = format!("`{{{}}}` stands for nothing", bad.reference);
                    Diagnostic::error("config/unknown-reference", message)
                        .at(value(at), "in this text")
                        .help("write `{{` and `}}` for braces that are meant as such")
                        .maybe_help(bad.help)
                }));
                None
            }
        }
    }

    fn pattern(&mut self, text: &str, at: &Origin) -> bool {
        let Some(parts) = self.template(text, at) else { return false };
        // Whatever a variable holds, the rest must be a pattern.
        let sample = parts.0.iter().map(|part| match part {
            Part::Text(text) => text,
            _ => "x",
        });
        match GlobSet::new([sample.collect::<String>()]) {
            Ok(_) => true,
            Err(bad) => self.report(
                Diagnostic::error("config/bad-glob", format!("`{text}` is no pattern of files"))
                    .at(value(at), bad.reason)
                    .help("patterns start at the project folder: `src/**.py`, `docs`, `!docs/old`"),
            ),
        }
    }

    fn path(&mut self, text: &str, at: &Origin) -> bool {
        let reason = if text.is_empty() {
            "empty"
        } else if text.split('/').any(|segment| segment == "..") {
            "climbs by `..`"
        } else if RelPath::new(text).is_none() {
            "absolute"
        } else {
            return true;
        };
        self.report(
            Diagnostic::error("config/bad-path", format!("`{text}` is no path inside the project"))
                .at(value(at), reason)
                .help("write it relative to the project folder; `.` is the folder itself"),
        )
    }

    fn duration(&mut self, found: &Value, at: &Origin) -> bool {
        let (fine, text) = match found {
            Value::Int(seconds) => (*seconds > 0, seconds.to_string()),
            Value::Str(text) => (units::duration(text).is_some(), text.clone()),
            _ => return true,
        };
        fine || self.report(
            Diagnostic::error("config/bad-value", format!("`{text}` is no duration"))
                .at(value(at), "not a time above zero")
                .help("write `30s`, `5m`, `1h30m` or a number of seconds"),
        )
    }

    fn size(&mut self, found: &Value, at: &Origin) -> bool {
        let (fine, text) = match found {
            Value::Int(bytes) => (*bytes > 0, bytes.to_string()),
            Value::Str(text) => (units::size(text).is_some(), text.clone()),
            _ => return true,
        };
        fine || self.report(
            Diagnostic::error("config/bad-value", format!("`{text}` is no size"))
                .at(value(at), "not a number of bytes above zero")
                .help("write `10GiB`, `500MB` or a number of bytes"),
        )
    }

    fn unknown_key(
        &self,
        shape: &TableShape,
        tag: Option<&str>,
        key: &str,
        at: &Origin,
    ) -> Diagnostic {
        let report =
            Diagnostic::error("config/unknown-key", format!("{} has no key `{key}`", shape.what))
                .at(Place::Key(at.key(key)), "not known");
        if shape.what == MODULE_ROOT.what && ROOT.key(key).is_some() {
            return report
                .help("move it to the project's configuration; here there are commands alone");
        }
        let spelt = shape.keys.iter().map(|key| key.spelt(self.notation));
        let known: Vec<&str> = spelt.chain(tag).collect();
        match names::nearest(key, known.iter().copied()) {
            Some(nearest) => report.help(format!("did you mean `{nearest}`?")),
            None => report.help(format!("its keys are `{}`", known.join("`, `"))),
        }
    }

    fn missing_key(&self, what: &str, key: &str, at: &Origin) -> Diagnostic {
        Diagnostic::error("config/missing-key", format!("{what} needs the key `{key}`"))
            .at(value(at), format!("`{key}` is missing"))
            .help(format!("add `{}`", self.notation.sample(key)))
    }

    /// Notes a report; the answer is that not all is in order.
    fn report(&mut self, diagnostic: Diagnostic) -> bool {
        self.diagnostics.push(diagnostic);
        false
    }
}

/// That a name cannot be one.
pub(crate) fn bad_name(of: &str, name: &str, fault: &str, place: Place) -> Diagnostic {
    Diagnostic::error("config/bad-name", format!("`{name}` cannot name a {of}: it {fault}"))
        .at(place, "this name")
        .help("letters, digits, `-`, `_`, `.` and `/` are safe")
}

/// That a value is of the wrong kind.
pub(crate) fn wrong_type(expected: &str, found: &str, at: &Origin) -> Diagnostic {
    Diagnostic::error("config/wrong-type", format!("`{at}` must be {expected}"))
        .at(value(at), format!("this is {found}"))
        .help("quotes make a string, brackets a list, braces a table")
}

/// That a text is none of those that may stand there.
pub(crate) fn unknown_value<'a>(
    text: &str,
    known: impl IntoIterator<Item = &'a str>,
    at: &Origin,
) -> Diagnostic {
    Diagnostic::error("config/unknown-value", format!("`{text}` is no value of `{at}`"))
        .at(value(at), "not known")
        .maybe_help(names::suggest(text, known))
}

fn name_fault(of: &str, name: &str) -> Option<&'static str> {
    match of {
        "command" | "space" | "cache" | "plugin" | "profile" => names::fault(name),
        "environment variable" => env_fault(name),
        "pattern of modules" => GlobSet::new([name]).is_err().then_some("is no pattern"),
        _ => None,
    }
}

/// Why `name` cannot name an environment variable.
pub(crate) fn env_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.contains(['=', '\0']) {
        Some("holds `=` or a zero byte, which end the name of a variable")
    } else {
        None
    }
}

fn value(at: &Origin) -> Place {
    Place::Value(at.clone())
}
