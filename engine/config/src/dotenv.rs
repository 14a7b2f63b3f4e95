//! Files of variables: `NAME=value` lines with quotes, `export`, comments and values over several
//! lines, read by `dotenvy`. `${NAME}` and `${NAME:-otherwise}` are filled in here, from what stands
//! before in the files and from an environment that is handed in: the crate would ask the process.

use std::collections::BTreeMap;

/// A file that cannot be read as one of variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadDotenv {
    /// The line, from 1.
    pub line: usize,
}

/// The variables of a file, in its order. `known` tells the values of variables that it mentions.
///
/// # Errors
/// The line that cannot be read. What it holds is not told: it may be a secret.
///
/// ```
/// let read = |text: &str| qik_config::dotenv::read(text, &|_| None).unwrap();
/// let found = read("export HOST='db' # ours\nURL=\"pg://${HOST}/x\"\nCASH=$5\n");
/// let found: Vec<(&str, &str)> = found.iter().map(|(n, v)| (&**n, &**v)).collect();
/// assert_eq!(found, [("HOST", "db"), ("URL", "pg://db/x"), ("CASH", "$5")]);
/// ```
pub fn read(
    text: &str,
    known: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<(String, String)>, BadDotenv> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let stand_in = stand_in(text);
    let shielded = shield(text, stand_in);
    let mut found = Vec::new();
    let mut before: BTreeMap<String, String> = BTreeMap::new();
    for item in dotenvy::Iter::new(shielded.as_bytes()) {
        let (name, value) = item.map_err(|_| BadDotenv { line: bad_line(&shielded) })?;
        let value =
            expand(&value, stand_in, &|name| before.get(name).cloned().or_else(|| known(name)));
        before.insert(name.clone(), value.clone());
        found.push((name, value));
    }
    Ok(found)
}

/// The first line that ends what can be read.
fn bad_line(text: &str) -> usize {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let reads = |count: usize| {
        let part = lines[..count].concat();
        dotenvy::Iter::new(part.as_bytes()).all(|item| item.is_ok())
    };
    // A value over several lines is whole at its last one.
    (1..=lines.len()).rev().find(|count| reads(count - 1)).unwrap_or(1)
}

/// A character that the text does not hold.
fn stand_in(text: &str) -> char {
    ('\u{e000}'..='\u{f8ff}').find(|c| !text.contains(*c)).unwrap_or('\u{fffd}')
}

/// The text with a stand-in for each `$` that starts a reference, and with what the crate would not
/// take as it stands escaped: other `$`, and spaces inside of values.
fn shield(text: &str, stand_in: char) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut at, mut last) = (At::Name, '\n');
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let rest = chars.as_str();
        match (at, c) {
            (At::Before | At::Value | At::Double, '\\') => {
                out.push(c);
                out.extend(chars.next());
                (at, last) = (if at == At::Double { at } else { At::Value }, 'x');
                continue;
            }
            (At::Name | At::Value, '#') if last.is_whitespace() => at = At::Comment,
            (At::Name, '=') => at = At::Before,
            (At::Before | At::Value, '\'') => at = At::Single,
            (At::Before | At::Value, '"') => at = At::Double,
            (At::Single, '\'') | (At::Double, '"') => at = At::Value,
            (At::Name | At::Before | At::Value | At::Comment, '\n') => at = At::Name,
            (At::Value, ' ') if !is_end(rest) => out.push('\\'),
            (At::Before | At::Value | At::Double, '$') => {
                at = if at == At::Before { At::Value } else { at };
                if rest.starts_with('{') {
                    out.push(stand_in);
                    last = c;
                    continue;
                }
                out.push('\\');
            }
            (At::Before, '#') if last.is_whitespace() => at = At::Comment,
            (At::Before, c) if !c.is_whitespace() => at = At::Value,
            _ => {}
        }
        out.push(c);
        last = c;
    }
    out
}

/// Where in a text of variables something stands.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Name,
    /// Behind the `=`.
    Before,
    Value,
    Single,
    Double,
    Comment,
}

/// Whether nothing but a comment follows on the line.
fn is_end(rest: &str) -> bool {
    let line = rest.lines().next().unwrap_or_default().trim_start();
    line.is_empty() || line.starts_with('#')
}

/// `value` with its references filled in; what nothing knows is empty.
fn expand(value: &str, stand_in: char, known: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once(stand_in) {
        out.push_str(before);
        rest = after;
        let Some((inner, after)) = after.strip_prefix('{').and_then(|text| text.split_once('}'))
        else {
            out.push('$');
            continue;
        };
        let (name, otherwise) = inner.split_once(":-").unwrap_or((inner, ""));
        let value = known(name).filter(|value| !value.is_empty());
        out.push_str(value.as_deref().unwrap_or(otherwise));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let known = |name: &str| (name == "HOME").then(|| "/h".to_string());
        let found = read(text, &known).unwrap();
        let found: Vec<(&str, &str)> = found.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn quotes_export_and_comments_are_understood() {
        check("# note\n\nA=1\nexport B = 'two words' # why\n", &[("A", "1"), ("B", "two words")]);
        check("A=\"a # b\"\nB=a#b\nC=\n", &[("A", "a # b"), ("B", "a#b"), ("C", "")]);
        check("A=two words # c\nB = x y  z \n", &[("A", "two words"), ("B", "x y  z")]);
        check("A= # c\nB=a\\ b\n", &[("A", ""), ("B", "a b")]);
        check("A=\"tab\\nline\"\r\nB=2\r\n", &[("A", "tab\nline"), ("B", "2")]);
        check("# don't stop\nA=1\n", &[("A", "1")]);
        check("\u{feff}A=1\n", &[("A", "1")]);
        check("", &[]);
    }

    #[test]
    fn values_go_over_several_lines_in_quotes() {
        check(
            "KEY=\"-----BEGIN\nab\n-----END\"\nB=2\n",
            &[("KEY", "-----BEGIN\nab\n-----END"), ("B", "2")],
        );
    }

    #[test]
    fn references_see_what_stands_before_then_the_environment() {
        check("A=1\nB=${A}2\nC=\"${B}\"\n", &[("A", "1"), ("B", "12"), ("C", "12")]);
        check("HOME=x\nA=${HOME}\n", &[("HOME", "x"), ("A", "x")]);
        check("A=${HOME}/b\n", &[("A", "/h/b")]);
        check("A=${NONE}b${NONE:-c}\n", &[("A", "bc")]);
    }

    #[test]
    fn a_dollar_that_starts_no_reference_stays() {
        check(
            "A=pa$word\nB='${A}'\nC=\\${A}\nD=\"$5\"\n",
            &[("A", "pa$word"), ("B", "${A}"), ("C", "${A}"), ("D", "$5")],
        );
    }

    #[test]
    fn a_line_that_cannot_be_read_is_told_by_its_number() {
        let bad = |text: &str| read(text, &|_| None).unwrap_err().line;
        assert_eq!(bad("A=1\nnothing here\nB=2\n"), 2);
        assert_eq!(bad("A='open\nB=2\n"), 1);
        assert_eq!(bad("=x\n"), 1);
    }
}
