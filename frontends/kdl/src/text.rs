//! Names and values as KDL writes them.

use std::fmt::Write;

use qik_model::document::Value;

/// A name of a node or property, in quotes where it must be.
pub(crate) fn name(text: &str) -> String {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let plain = text.starts_with(letter)
        && text.chars().all(|c| letter(c) || c.is_ascii_digit() || c == '-')
        && !matches!(text, "true" | "false" | "null" | "inf" | "nan");
    if plain { text.to_string() } else { string(text) }
}

/// A value that is no list and no table.
pub(crate) fn scalar(value: &Value) -> String {
    match value {
        Value::Bool(value) => format!("#{value}"),
        Value::Int(number) => number.to_string(),
        Value::Float(number) if number.is_nan() => "#nan".into(),
        Value::Float(number) if number.is_infinite() => {
            (if *number > 0.0 { "#inf" } else { "#-inf" }).into()
        }
        Value::Float(number) => format!("{number:?}"),
        Value::Str(text) => string(text),
        Value::List(_) | Value::Table(_) => String::new(),
    }
}

/// A text in quotes, on one line.
pub(crate) fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_special(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text of several lines as such, where that can be read back: the lines without the quotes.
pub(crate) fn lines(text: &str) -> Option<Vec<String>> {
    let special = |line: &str| line.chars().any(|c| c == '\r' || is_special(c));
    let blank = |line: &str| !line.is_empty() && line.trim().is_empty();
    let lines: Vec<&str> = text.split('\n').collect();
    if lines.len() < 2 || lines.iter().any(|line| special(line) || blank(line)) {
        return None;
    }
    let escaped = |line: &&str| line.replace('\\', "\\\\").replace("\"\"\"", "\\\"\\\"\\\"");
    Some(lines.iter().map(escaped).collect())
}

/// What may not stand in a text as it is, or ends a line of it.
pub(crate) fn is_special(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{b}'..='\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{85}'
        | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
