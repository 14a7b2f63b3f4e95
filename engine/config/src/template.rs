//! Templates: texts in which `{ctx.…}` and `{module.…}` are filled in.
//!
//! `{{` and `}}` stand for one brace each, and any other brace stands as written, with what it
//! encloses: `awk '{print $1}'`, `${HOME}` and `{"a": {"b": 1}}` need no escape. So the two braces
//! that close two plain ones stay two.
//!
//! ```
//! use qik_config::template::{self, ContextName};
//!
//! let parts = template::parse("pytest {module.dir} -n {ctx.qik.workers} ${ARGS}").unwrap();
//! assert!(parts.mentions_module());
//! assert_eq!(parts.context_names().next(), Some(&ContextName::Qik("workers")));
//! assert!(template::parse("pytest {module.nmae}").is_err());
//! ```

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use qik_model::document::same_key;
use qik_model::{ContextValue, Diagnostic, Name, schema};

use crate::names;

/// A template that was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Parts(pub Vec<Part>);

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Text as it stands.
    Text(Arc<str>),
    /// The value of a variable.
    Context(ContextName),
    /// A fact of the module.
    Module(ModuleField),
}

/// A variable, as `ctx.…` names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContextName {
    /// `ctx.qik.NAME`, in kebab-case.
    Qik(&'static str),
    /// `ctx.NAME` or `ctx.project.NAME`, as written.
    Project(Name),
}

/// What a template can ask of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ModuleField {
    /// `module.name`.
    Name,
    /// `module.dir`, also `module.path`.
    Dir,
    /// `module.pyimport`.
    PyImport,
}

/// A reference that cannot mean anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadReference {
    /// As written, without braces.
    pub reference: String,
    /// What it should be.
    pub help: Option<String>,
}

/// Where the values come from.
pub trait Lookup {
    /// The value of a variable.
    fn context(&self, name: &ContextName) -> Result<ContextValue, Diagnostic>;
    /// A fact of the module; `None` where there is no module.
    fn module(&self, field: ModuleField) -> Option<String>;
}

/// Reads a template. A reference to a name that no project can have is an error; whether the
/// project's variables exist is for the caller to check.
pub fn parse(text: &str) -> Result<Parts, Vec<BadReference>> {
    let mut parser = Parser::default();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        parser.text.push_str(&rest[..at]);
        rest = parser.brace(&rest[at..]);
    }
    parser.text.push_str(rest);
    parser.finish_text();
    if parser.bad.is_empty() { Ok(Parts(parser.parts)) } else { Err(parser.bad) }
}

/// Fills a template in.
///
/// # Errors
/// What `lookup` says of a missing value, and `config/no-module` where there is no module.
pub fn render(parts: &Parts, lookup: &dyn Lookup) -> Result<String, Diagnostic> {
    let mut out = String::new();
    for part in &parts.0 {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Context(name) => out.push_str(&text_of(&lookup.context(name)?)),
            Part::Module(field) => {
                out.push_str(&lookup.module(*field).ok_or_else(|| no_module(*field))?);
            }
        }
    }
    Ok(out)
}

/// How a value reads in a template.
pub fn text_of(value: &ContextValue) -> Cow<'_, str> {
    match value {
        ContextValue::Str(text) => Cow::Borrowed(text),
        ContextValue::Int(number) => Cow::Owned(number.to_string()),
        ContextValue::Bool(true) => Cow::Borrowed("True"),
        ContextValue::Bool(false) => Cow::Borrowed("False"),
        ContextValue::List(items) => Cow::Owned(items.join(",")),
        ContextValue::None => Cow::Borrowed("None"),
    }
}

impl Parts {
    /// Whether it asks anything of a module: such a command runs once per module.
    pub fn mentions_module(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Module(_)))
    }

    /// The variables that it asks for, each time that it does.
    pub fn context_names(&self) -> impl Iterator<Item = &ContextName> {
        self.0.iter().filter_map(|part| match part {
            Part::Context(name) => Some(name),
            _ => None,
        })
    }

    /// The text, where it asks for nothing.
    pub fn as_text(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for ContextName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ContextName::Qik(name) => write!(f, "ctx.qik.{name}"),
            ContextName::Project(name) => write!(f, "ctx.{name}"),
        }
    }
}

impl fmt::Display for ModuleField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ModuleField::Name => "module.name",
            ModuleField::Dir => "module.dir",
            ModuleField::PyImport => "module.pyimport",
        })
    }
}

fn no_module(field: ModuleField) -> Diagnostic {
    Diagnostic::error("config/no-module", format!("`{{{field}}}` is used where there is no module"))
        .help("mention `{module…}` in the command's `exec`, and it runs once per module")
}

#[derive(Default)]
struct Parser {
    parts: Vec<Part>,
    text: String,
    /// Open braces: whether each was written double.
    open: Vec<bool>,
    bad: Vec<BadReference>,
}

impl Parser {
    /// Takes what starts with a brace; returns what is left.
    fn brace<'t>(&mut self, text: &'t str) -> &'t str {
        if let Some(after) = text.strip_prefix("{{") {
            self.open.push(true);
            self.text.push('{');
            return after;
        }
        if let Some(after) = text.strip_prefix("}}")
            && !matches!(self.open.as_slice(), [.., false])
        {
            self.open.pop();
            self.text.push('}');
            return after;
        }
        if let Some((reference, closed, after)) = reference(text) {
            match if closed { resolve(reference) } else { Err(Some("close it with `}`".into())) } {
                Ok(part) => {
                    self.finish_text();
                    self.parts.push(part);
                }
                Err(help) => self.bad.push(BadReference { reference: reference.into(), help }),
            }
            return after;
        }
        if text.starts_with('{') {
            self.open.push(false);
        } else if let [.., false] = self.open.as_slice() {
            self.open.pop();
        }
        self.text.push_str(&text[..1]);
        &text[1..]
    }

    fn finish_text(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.text).into()));
        }
    }
}

/// `{ctx.…}` or `{module.…}` at the start of `text`: what is in the braces, whether they are
/// closed, and what follows.
fn reference(text: &str) -> Option<(&str, bool, &str)> {
    let inner = text.strip_prefix('{')?;
    if !inner.starts_with("ctx.") && !inner.starts_with("module.") {
        return None;
    }
    // Without a closing brace the rest of the line is the culprit.
    let end = inner.find(['}', '\n']).unwrap_or(inner.len());
    let after = &inner[end..];
    let closed = after.strip_prefix('}');
    Some((&inner[..end], closed.is_some(), closed.unwrap_or(after)))
}

fn resolve(reference: &str) -> Result<Part, Option<String>> {
    match reference.split_once('.') {
        Some(("module", field)) => module_field(field).map(Part::Module),
        Some(("ctx", name)) => context_name(name).map(Part::Context),
        _ => Err(None),
    }
}

fn module_field(field: &str) -> Result<ModuleField, Option<String>> {
    Ok(match field {
        "name" => ModuleField::Name,
        "dir" | "path" => ModuleField::Dir,
        "pyimport" => ModuleField::PyImport,
        _ => return Err(names::suggest(field, ["name", "dir", "path", "pyimport"])),
    })
}

fn context_name(name: &str) -> Result<ContextName, Option<String>> {
    if let Some(own) = name.strip_prefix("qik.") {
        return qik_name(own)
            .map(ContextName::Qik)
            .ok_or_else(|| names::suggest(own, schema::CONTEXT.keys.iter().map(|key| key.name)));
    }
    let bare = name.strip_prefix("project.").unwrap_or(name);
    if is_variable_name(bare) {
        Ok(ContextName::Project(bare.into()))
    } else {
        Err(Some("a reference is `{ctx.NAME}`, `{ctx.qik.NAME}` or `{ctx.project.NAME}`".into()))
    }
}

/// The spelling in kebab-case of one of qik's own variables.
pub(crate) fn qik_name(name: &str) -> Option<&'static str> {
    schema::CONTEXT.keys.iter().map(|key| key.name).find(|known| same_key(known, name))
}

/// Letters, digits, dashes: what can also be the name of an environment variable.
pub(crate) fn is_variable_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Lookup for Sample {
        fn context(&self, name: &ContextName) -> Result<ContextValue, Diagnostic> {
            Ok(match name.to_string().as_str() {
                "ctx.yes" => ContextValue::Bool(true),
                "ctx.none" => ContextValue::None,
                "ctx.n" => ContextValue::Int(-3),
                "ctx.qik.tags" => ContextValue::List(vec!["a".into(), "b".into()]),
                other => ContextValue::Str(format!("<{other}>").into()),
            })
        }

        fn module(&self, field: ModuleField) -> Option<String> {
            Some(format!("<{field}>"))
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let parts = parse(text).unwrap();
        assert_eq!(render(&parts, &Sample).unwrap(), expected);
    }

    #[track_caller]
    fn check_bad(text: &str, reference: &str, help: &str) {
        let bad = parse(text).unwrap_err();
        assert_eq!(bad.len(), 1, "{bad:?}");
        assert_eq!(bad[0].reference, reference);
        assert_eq!(bad[0].help.as_deref().unwrap_or_default(), help);
    }

    #[test]
    fn references_are_filled_in() {
        check("a {ctx.foo} b", "a <ctx.foo> b");
        check("{ctx.project.foo}", "<ctx.foo>");
        check(
            "{ctx.qik.cache_when}{ctx.qik.cache-when}",
            "<ctx.qik.cache-when><ctx.qik.cache-when>",
        );
        check(
            "{module.name} {module.dir} {module.path}",
            "<module.name> <module.dir> <module.dir>",
        );
        check("{module.pyimport}", "<module.pyimport>");
    }

    #[test]
    fn values_read_as_the_original_wrote_them() {
        check("{ctx.yes} {ctx.none} {ctx.n} {ctx.qik.tags}", "True None -3 a,b");
    }

    #[test]
    fn other_braces_stand_as_written() {
        for text in [
            "awk '{print $1}'",
            "echo ${HOME} ${module} {module} {} { }",
            "src/{a,b}.py",
            r#"{"a": {"b": 1}}"#,
            "awk '{if (x) {print}}'",
            "}",
            "{",
            "{ctxx.foo}",
            "${X:-{}}",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn doubled_braces_are_one() {
        check("{{ctx.foo}}", "{ctx.foo}");
        check("{{{ctx.foo}}}", "{<ctx.foo>}");
        check("awk '{{print}}' }}", "awk '{print}' }");
        check("{a{{b}}}", "{a{b}}");
    }

    #[test]
    fn unknown_names_are_errors_with_the_nearest() {
        check_bad("{module.nam}", "module.nam", "did you mean `name`?");
        check_bad("{ctx.qik.worker}", "ctx.qik.worker", "did you mean `workers`?");
        check_bad(
            "{ctx.foo!r}",
            "ctx.foo!r",
            "a reference is `{ctx.NAME}`, `{ctx.qik.NAME}` or `{ctx.project.NAME}`",
        );
        assert_eq!(parse("{module.x} {ctx.} {ctx.open").unwrap_err().len(), 3);
    }

    #[test]
    fn what_is_mentioned_is_known() {
        let parts = parse("{module.name} {ctx.b} {ctx.a} {ctx.qik.arch}").unwrap();
        assert!(parts.mentions_module());
        let names: Vec<String> = parts.context_names().map(ToString::to_string).collect();
        assert_eq!(names, ["ctx.b", "ctx.a", "ctx.qik.arch"]);
        assert!(!parse("echo ${module}").unwrap().mentions_module());
        assert_eq!(parse("a{{b").unwrap().as_text(), Some("a{b"));
    }

    #[test]
    fn a_module_is_missed_only_when_rendered() {
        struct Nothing;
        impl Lookup for Nothing {
            fn context(&self, _: &ContextName) -> Result<ContextValue, Diagnostic> {
                Err(Diagnostic::error("context/missing-value", "no value"))
            }
            fn module(&self, _: ModuleField) -> Option<String> {
                None
            }
        }
        let code = |text| render(&parse(text).unwrap(), &Nothing).unwrap_err().code;
        assert_eq!(code("{module.dir}"), "config/no-module");
        assert_eq!(code("{ctx.foo}"), "context/missing-value");
    }
}
