//! `qik config`: all of the configuration in one, a file in another format, and what in it is not
//! meant.

use std::path::Path;
use std::sync::Arc;

use qik_kdl::KdlSyntax;
use qik_session::model::comments::Placed;
use qik_session::model::document::{Node, Table, Value};
use qik_session::model::{ConfigSyntax, Diagnostic};
use qik_session::system::{current_dir, read_file};
use qik_session::{Session, ShownConfig};
use qik_toml::TomlSyntax;
use serde_json::{Map, json};

use crate::args::{ConfigFormat, ConfigVerb, Language, ProjectArgs};
use crate::diagnostics::{OneText, print_in};
use crate::style::Style;
use crate::{USAGE, print, refuse};

/// The formats that there are.
pub(crate) fn syntaxes() -> Vec<Arc<dyn ConfigSyntax>> {
    vec![Arc::new(TomlSyntax), Arc::new(KdlSyntax)]
}

/// Answers on stdout; the exit code.
pub(crate) fn answer(session: &mut Session, style: &Style, ask: &ConfigVerb) -> i32 {
    match ask {
        ConfigVerb::Show { format } => match session.shown_config() {
            Ok(config) => print(&shown(&config, *format)),
            Err(error) => refuse(style, Some(session), &[error]),
        },
        ConfigVerb::Check => check(session, style),
        // It needs no project and was answered before one was opened.
        ConfigVerb::Convert { .. } => USAGE,
    }
}

/// Prints `file` in another format.
pub(crate) fn convert(style: &Style, project: &ProjectArgs, file: &Path, to: Language) -> i32 {
    let here = project.directory.as_deref().unwrap_or(Path::new(""));
    let path = current_dir().map(|cwd| cwd.join(here).join(file)).unwrap_or_else(|_| file.into());
    let told: Arc<str> = file.display().to_string().into();
    let Some(from) = syntax_of(file) else {
        let error =
            Diagnostic::error("args/unknown-format", format!("`{told}` is in no known format"))
                .help("the name of a configuration ends in `.toml` or `.kdl`");
        return refuse(style, None, &[error]);
    };
    let bytes = match read_file(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let error =
                Diagnostic::error("config/not-found", format!("`{told}` can't be read: {error}"))
                    .help("name a configuration file");
            return refuse(style, None, &[error]);
        }
    };
    let to = language(to);
    let converted = qik_session::convert(&told, &bytes, &*from, &*to);
    match converted {
        Ok(text) => print(&text),
        Err(found) => {
            print_in(style, Some(&OneText(&String::from_utf8_lossy(&bytes))), &found);
            USAGE
        }
    }
}

fn syntax_of(file: &Path) -> Option<Arc<dyn ConfigSyntax>> {
    let ending = file.extension()?.to_str()?;
    syntaxes().into_iter().find(|syntax| syntax.name() == ending)
}

fn language(language: Language) -> Arc<dyn ConfigSyntax> {
    match language {
        Language::Toml => Arc::new(TomlSyntax),
        Language::Kdl => Arc::new(KdlSyntax),
    }
}

/// Whether there is anything to say decides over the exit code: 1 where there is.
fn check(session: &mut Session, style: &Style) -> i32 {
    let found = session.lint();
    crate::diagnostics::print(style, Some(session), &found);
    match found.len() {
        0 => print("nothing to say\n"),
        1 => print("1 finding\n").max(1),
        count => print(&format!("{count} findings\n")).max(1),
    }
}

fn shown(config: &ShownConfig, format: ConfigFormat) -> String {
    let syntax = match format {
        ConfigFormat::Toml => language(Language::Toml),
        ConfigFormat::Kdl => language(Language::Kdl),
        ConfigFormat::Json => return format!("{:#}\n", object(&config.document.root, config)),
    };
    let mut comments = Placed::default();
    for (number, origin) in &config.origins {
        comments.put_behind(*number, origin.to_string());
    }
    syntax.write(&config.document, comments).unwrap_or_default()
}

fn object(table: &Table, config: &ShownConfig) -> serde_json::Value {
    let entries = table.entries.iter().map(|entry| {
        let value = json(&entry.value, config);
        let value = match (&entry.value.value, config.origins.get(&entry.key_span.start)) {
            (Value::Table(_), _) | (_, None) => value,
            (_, Some(origin)) => json!({ "value": value, "origin": **origin }),
        };
        (entry.key.clone(), value)
    });
    serde_json::Value::Object(entries.collect::<Map<_, _>>())
}

fn json(node: &Node, config: &ShownConfig) -> serde_json::Value {
    match &node.value {
        Value::Bool(value) => json!(value),
        Value::Int(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Str(text) => json!(text),
        Value::Table(table) => object(table, config),
        Value::List(items) => items
            .iter()
            .map(|item| match config.origins.get(&item.span.start) {
                Some(origin) => json!({ "value": json(item, config), "origin": **origin }),
                None => json(item, config),
            })
            .collect(),
    }
}
