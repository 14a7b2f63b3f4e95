//! One value out of a TOML or JSON file, for `val` deps.

use qik_db::Db;
use qik_model::document::{Node, Value};
use qik_model::{Diagnostic, RelPath};

/// The value under the dotted `key` in `file`, in a canonical text.
///
/// # Errors
/// Where the file cannot be read, or has no such key.
pub(crate) fn value_at(db: &dyn Db, file: &RelPath, key: &str) -> Result<String, Diagnostic> {
    let Some(bytes) = db.source(file).bytes(db) else {
        return Err(Diagnostic::error("deps/no-such-file", format!("`{file}` cannot be read"))
            .help("a `val` dep takes its value from a TOML or JSON file of the project"));
    };
    let text = String::from_utf8_lossy(bytes);
    let found = if file.name().ends_with(b".json") {
        json_value(file, &text, key)?
    } else {
        toml_value(db, file, &text, key)?
    };
    found.ok_or_else(|| {
        Diagnostic::error("deps/no-such-key", format!("`{file}` has no `{key}`"))
            .help("the key of a `val` dep is dotted, such as `project.version`")
    })
}

fn json_value(file: &RelPath, text: &str, key: &str) -> Result<Option<String>, Diagnostic> {
    let json: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| unreadable(file, &format!("is no JSON: {error}")))?;
    let found = key.split('.').try_fold(&json, |at, step| match at {
        serde_json::Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    });
    Ok(found.map(ToString::to_string))
}

fn toml_value(
    db: &dyn Db,
    file: &RelPath,
    text: &str,
    key: &str,
) -> Result<Option<String>, Diagnostic> {
    let Some(syntax) = db.syntaxes().iter().find(|syntax| syntax.name() == "toml") else {
        return Err(unreadable(file, "is in a format that is not known"));
    };
    // Not by its own name: a `pyproject.toml` is more than its `[tool.qik]`.
    let mut parsed = syntax.parse("value.toml".into(), text);
    if let Some(error) = parsed.diagnostics.pop() {
        return Err(unreadable(file, &format!("cannot be read: {}", error.message)));
    }
    let mut steps = key.split('.');
    let first = steps.next().and_then(|step| parsed.value.root.get_exact(step));
    let found = steps.try_fold(first.map(|entry| &entry.value), |at, step| {
        Some(Some(match &at?.value {
            Value::Table(table) => &table.get_exact(step)?.value,
            Value::List(items) => items.get(step.parse::<usize>().ok()?)?,
            _ => return None,
        }))
    });
    Ok(found.flatten().map(canonical))
}

fn canonical(node: &Node) -> String {
    match &node.value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Str(value) => serde_json::Value::from(value.as_str()).to_string(),
        Value::List(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::Table(table) => {
            let mut members: Vec<String> = table
                .entries
                .iter()
                .map(|e| format!("{}:{}", serde_json::Value::from(&*e.key), canonical(&e.value)))
                .collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn unreadable(file: &RelPath, reason: &str) -> Diagnostic {
    Diagnostic::error("deps/unreadable-value", format!("`{file}` {reason}"))
        .help("a `val` dep takes its value from a TOML or JSON file of the project")
}
