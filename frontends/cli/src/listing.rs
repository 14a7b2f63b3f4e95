//! `--ls`: what is selected, one name a line, or as JSON.

use std::io::{self, Write};

use qik_session::{CacheStatus, Prepared, Session};
use serde_json::{Value, json};

use crate::args::Format;

/// Prints what is selected, sorted by name.
///
/// # Errors
/// Where stdout can't be written for another reason than that its reader went away.
pub(crate) fn print(
    session: &mut Session,
    prepared: &mut Prepared,
    format: Format,
) -> io::Result<()> {
    let text = match format {
        Format::Text => names(prepared),
        Format::Json => objects(session, prepared),
    };
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

fn names(prepared: &Prepared) -> String {
    let mut names: Vec<&str> = prepared.listed().map(|(_, one)| &**one.name()).collect();
    names.sort_unstable();
    names.iter().map(|name| format!("{name}\n")).collect()
}

fn objects(session: &mut Session, prepared: &mut Prepared) -> String {
    if prepared.statuses.is_none() {
        prepared.statuses = Some(session.statuses(&prepared.plan));
    }
    let statuses = prepared.statuses.as_deref().unwrap_or_default();
    let mut objects: Vec<(String, Value)> = prepared
        .listed()
        .map(|(at, planned)| {
            let definition = &planned.definition;
            let (status, reason) = match &statuses[at] {
                CacheStatus::Warm(_) => ("warm", Value::Null),
                CacheStatus::Cold(reason) => ("cold", reason.to_string().into()),
                CacheStatus::Uncached => ("none", Value::Null),
            };
            let object = json!({
                "name": *definition.name,
                "command": *definition.command,
                "module": definition.module.as_ref().map(|module| &*module.name),
                "space": *definition.space,
                "cache": *planned.cache,
                "status": status,
                "reason": reason,
                "description": definition.settings.description,
            });
            (definition.name.to_string(), object)
        })
        .collect();
    objects.sort_by(|a, b| a.0.cmp(&b.0));
    let all: Vec<Value> = objects.into_iter().map(|(_, object)| object).collect();
    format!("{:#}\n", Value::from(all))
}
