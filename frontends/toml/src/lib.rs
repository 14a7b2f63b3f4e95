//! `qik.toml`, and `[tool.qik]` in `pyproject.toml`, as configuration documents.
//!
//! This room knows TOML and nothing of what the keys mean.
//!
//! ```
//! use qik_model::ConfigSyntax;
//! use qik_toml::TomlSyntax;
//!
//! let parsed = TomlSyntax.parse("qik.toml".into(), "[commands]\nlint = 'ruff check'\n");
//! assert!(parsed.diagnostics.is_empty());
//! assert_eq!(parsed.value.root.entries[0].key, "commands");
//! ```
#![deny(missing_docs)]

mod write;

use std::ops::Range;
use std::sync::Arc;

use qik_model::comments::{Comment, Placed};
use qik_model::document::{ConfigDocument, Entry, Node, Notation, Table, Value};
use qik_model::{ConfigSyntax, Diagnostic, Parsed, Place, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

const QIK_TOML: &str = "qik.toml";
const PYPROJECT: &str = "pyproject.toml";

/// The format.
#[derive(Clone, Copy, Debug, Default)]
pub struct TomlSyntax;

impl ConfigSyntax for TomlSyntax {
    fn name(&self) -> &'static str {
        "toml"
    }

    fn file_names(&self) -> &'static [&'static str] {
        &[QIK_TOML, PYPROJECT]
    }

    fn is_config(&self, file_name: &str, text: &str) -> bool {
        match file_name {
            QIK_TOML => true,
            // A file that does not parse is a configuration where it looks like one, so that its
            // errors are told instead of another file being taken in silence.
            PYPROJECT => {
                text.contains("qik") && {
                    let (root, errors) = DeTable::parse_recoverable(text);
                    tool_qik(root.get_ref()).is_some()
                        || (!errors.is_empty() && text.contains("[tool.qik"))
                }
            }
            _ => false,
        }
    }

    fn parse(&self, file: Arc<str>, text: &str) -> Parsed<ConfigDocument> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut reader = Reader { file, diagnostics: Vec::new() };
        reader.syntax_errors(text, errors);
        let root = root.get_ref();
        let value = if base_name(&reader.file) == PYPROJECT {
            match tool_qik(root) {
                Some((span, table)) => reader.document(span, table),
                None => reader.document(0..text.len(), &DeTable::new()),
            }
        } else {
            reader.document(0..text.len(), root)
        };
        Parsed { value, diagnostics: reader.diagnostics }
    }

    fn comments(&self, file: &str, text: &str) -> Vec<Comment> {
        let tokens = Source::new(text).lex();
        let whole = base_name(file) != PYPROJECT;
        let comments = tokens.filter(|token| token.kind() == TokenKind::Comment);
        let comments = comments.filter(|token| whole || is_of_qik(text, token.span().start()));
        comments
            .map(|token| {
                let (start, end) = (token.span().start(), token.span().end());
                let before = text[..start].rsplit('\n').next().unwrap_or_default();
                let own_line = before.trim_start_matches('\u{feff}').trim().is_empty();
                let line = text[start..end].trim_start_matches('#').trim().to_string();
                Comment { start, end, lines: vec![line], own_line }
            })
            .collect()
    }

    fn write(&self, document: &ConfigDocument, comments: Placed) -> Option<String> {
        Some(write::write(document, comments))
    }
}

fn base_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// The `[tool.qik]` table and where it begins.
fn tool_qik<'t, 'i>(root: &'t DeTable<'i>) -> Option<(Range<usize>, &'t DeTable<'i>)> {
    let qik = root.get("tool")?.get_ref().as_table()?.get("qik")?;
    Some((qik.span(), qik.get_ref().as_table()?))
}

/// Whether a comment of a `pyproject.toml` stands in or right above a table of qik.
fn is_of_qik(text: &str, at: usize) -> bool {
    let is_header = |line: &&str| line.starts_with('[');
    let is_qik = |header: &str| header.trim_start_matches(['[', ' ']).starts_with("tool.qik");
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let mut below = text[line_start..].lines().skip_while(|line| line.starts_with('#'));
    match below.next().filter(is_header) {
        Some(header) if text[line_start..].starts_with('#') => is_qik(header),
        _ => text[..at].lines().rev().find(is_header).is_some_and(is_qik),
    }
}

/// Where what an error at `start` may cause ends: with its line, or with the table that it opens.
fn end_of_echo(text: &str, start: usize, duplicate: bool) -> usize {
    let bytes = text.as_bytes();
    let line_end =
        |from: usize| bytes[from..].iter().position(|byte| *byte == b'\n').map(|at| from + at + 1);
    let line_start = bytes[..start].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let opens_table = |from: usize| bytes[from..].trim_ascii_start().starts_with(b"[");
    let mut end = line_end(start);
    if duplicate && opens_table(line_start) {
        while let Some(from) = end
            && !bytes[from..].starts_with(b"[")
        {
            end = line_end(from);
        }
    }
    end.unwrap_or(text.len() + 1)
}

struct Reader {
    file: Arc<str>,
    diagnostics: Vec<Diagnostic>,
}

impl Reader {
    /// One report a line, and none for the keys of a table that stands twice: what a parser says
    /// after its first complaint is mostly an echo of that one.
    fn syntax_errors(&mut self, text: &str, errors: Vec<Error>) {
        let at = |error: &Error| error.span().map_or(text.len(), |span| span.start.min(text.len()));
        let mut errors = errors;
        errors.sort_by_key(at);
        let mut quiet_until = 0;
        for error in &errors {
            let start = at(error);
            if start < quiet_until {
                continue;
            }
            let duplicate = error.message() == "duplicate key";
            quiet_until = end_of_echo(text, start, duplicate);
            let end = error.span().map_or(start, |span| span.end);
            let report = if duplicate {
                self.twice(text, start..end)
            } else {
                Diagnostic::error("config/syntax", "the file is not valid TOML")
                    .at(self.place(start..end), error.message().trim_end_matches('.'))
                    .help("`qik --explain-error config/syntax` lists the usual slips")
            };
            self.diagnostics.push(report);
        }
    }

    fn twice(&self, text: &str, key: Range<usize>) -> Diagnostic {
        let name = text.get(key.clone()).unwrap_or_default();
        Diagnostic::error("config/duplicate-key", format!("the key `{name}` stands twice"))
            .at(self.place(key), "here for the second time")
            .help("keep one of the two; in TOML a table is opened once")
    }

    fn document(&mut self, range: Range<usize>, table: &DeTable<'_>) -> ConfigDocument {
        let (span, root) = (self.span(range), self.table(table));
        ConfigDocument { root, span, notation: Notation::Keys }
    }

    fn table(&mut self, table: &DeTable<'_>) -> Table {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_span: self.span(key.span()),
                value: self.node(value),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        Table { entries }
    }

    fn node(&mut self, node: &Spanned<DeValue<'_>>) -> Node {
        let span = node.span();
        let value = match node.get_ref() {
            DeValue::String(text) => Value::Str(text.to_string()),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Int(number),
                    Err(_) => self.out_of_range(span.clone()),
                }
            }
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Datetime(date) => self.datetime(span.clone(), date.to_string()),
            DeValue::Array(items) => {
                Value::List(items.iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node { value, span: self.span(span) }
    }

    fn out_of_range(&mut self, span: Range<usize>) -> Value {
        self.diagnostics.push(
            Diagnostic::error("config/syntax", "the number is too large")
                .at(self.place(span), "does not fit into 64 bits")
                .help("write it as a string if it is meant as a text"),
        );
        Value::Int(0)
    }

    fn datetime(&mut self, span: Range<usize>, text: String) -> Value {
        self.diagnostics.push(
            Diagnostic::error("config/datetime", format!("`{text}` is a date, which no key takes"))
                .at(self.place(span), "a date or time")
                .help("put quotes around it if it is meant as a text"),
        );
        Value::Str(text)
    }

    fn place(&self, range: Range<usize>) -> Place {
        Place::Span(self.span(range))
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span { file: self.file.clone(), start: range.start, end: range.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(file: &str, text: &str) -> Parsed<ConfigDocument> {
        TomlSyntax.parse(file.into(), text)
    }

    /// Each report as `code @ the text it points at`.
    #[track_caller]
    fn check_reports(text: &str, expected: &[&str]) {
        let found: Vec<String> = parse("qik.toml", text)
            .diagnostics
            .iter()
            .map(|report| match &report.labels[0].0 {
                Place::Span(span) => format!("{} @ {}", report.code, &text[span.start..span.end]),
                other => panic!("{other:?} is no span"),
            })
            .collect();
        assert_eq!(found, expected);
    }

    fn keys(table: &Table) -> Vec<&str> {
        table.entries.iter().map(|entry| entry.key.as_str()).collect()
    }

    #[test]
    fn keys_keep_the_order_of_the_file() {
        let parsed = parse("qik.toml", "zeta = 1\n[beta]\n[alpha]\nb = 1\na.y = 2\na.x = 3\n");
        assert_eq!(keys(&parsed.value.root), ["zeta", "beta", "alpha"]);
        let Value::Table(alpha) = &parsed.value.root.entries[2].value.value else { panic!() };
        assert_eq!(keys(alpha), ["b", "a"]);
    }

    #[test]
    fn spans_lead_to_keys_and_values() {
        let text = "[commands]\nlint = 'ruff'\n\n[[x]]\nn = 0x1_0\n";
        let parsed = parse("qik.toml", text);
        let at = |span: &Span| &text[span.start..span.end];
        let commands = &parsed.value.root.entries[0];
        assert_eq!(at(&commands.value.span), "[commands]");
        let Value::Table(table) = &commands.value.value else { panic!() };
        assert_eq!(at(&table.entries[0].key_span), "lint");
        assert_eq!(at(&table.entries[0].value.span), "'ruff'");
        let Value::List(items) = &parsed.value.root.entries[1].value.value else { panic!() };
        let Value::Table(first) = &items[0].value else { panic!() };
        assert_eq!(first.entries[0].value.value, Value::Int(16));
    }

    #[test]
    fn pyproject_counts_only_with_its_table() {
        let with = "[project]\nname = 'x'\n[tool.qik.commands]\na = 'b'\n";
        assert!(TomlSyntax.is_config(PYPROJECT, with));
        assert!(TomlSyntax.is_config(PYPROJECT, "tool = { qik = {} }"));
        assert!(!TomlSyntax.is_config(PYPROJECT, "[tool.ruff]\n# not [tool.qik]\n"));
        assert!(!TomlSyntax.is_config(PYPROJECT, "[project]\nname = 'qik'\n"));
        assert!(TomlSyntax.is_config(PYPROJECT, "[tool.qik]\na = \n"));
        assert!(TomlSyntax.is_config(QIK_TOML, ""));
        assert!(!TomlSyntax.is_config("other.toml", with));
        let parsed = parse("backend/pyproject.toml", with);
        assert_eq!(keys(&parsed.value.root), ["commands"]);
        assert_eq!(keys(&parse("ci/checks.toml", with).value.root), ["project", "tool"]);
    }

    #[test]
    fn of_a_pyproject_the_comments_at_qiks_tables_count() {
        let text = "# no\n[project] # no\nname = 'x'\n# no\n\n# a\n[tool.qik]\n# b\n[tool.qik.commands] # c\n# d\nlint = 'x' # e\n# no\n[tool.ruff]\n# no\n";
        let comments = TomlSyntax.comments("x/pyproject.toml", text);
        let said: Vec<String> = comments.into_iter().flat_map(|comment| comment.lines).collect();
        assert_eq!(said, ["a", "b", "c", "d", "e"]);
        assert_eq!(TomlSyntax.comments("qik.toml", text).len(), 10);
    }

    #[test]
    fn several_slips_are_told_in_one_pass() {
        let text = "a = \nb = 1\nc = [1\nd = 2\n";
        let parsed = parse("qik.toml", text);
        assert!(parsed.diagnostics.len() >= 2, "{:?}", parsed.diagnostics);
        assert!(parsed.diagnostics.iter().all(|report| report.code == "config/syntax"));
    }

    #[test]
    fn a_key_twice_is_told_at_its_second_place() {
        check_reports("a = 1\na = 2\n", &["config/duplicate-key @ a"]);
        check_reports("[t]\nx = 1\n[t]\ny = 1\n", &["config/duplicate-key @ t"]);
    }

    #[test]
    fn dates_and_huge_numbers_are_refused() {
        check_reports("a = 2026-11-22\n", &["config/datetime @ 2026-11-22"]);
        check_reports("a = 99999999999999999999\n", &["config/syntax @ 99999999999999999999"]);
    }

    #[test]
    fn any_text_is_survived() {
        let odd = "[é]\r\n[é]\nö = ü\n'ß = \"\\u12 …\n[[ÿ]]\nx.y = [\u{1f600}, {a=1,a=2}]\n[ÿ]\n";
        for (end, _) in odd.char_indices() {
            parse("qik.toml", &odd[..end]);
            parse("qik.toml", &odd[end..]);
        }
        for text in ["\u{feff}a = 1", "[", "]]", "a.b.c", "\"\\u12", "=", "\r", "[a]\n[[a]]", "\0"]
        {
            parse("qik.toml", text);
        }
    }
}
