//! Commands that do not end by themselves: when they are ready, and which keys mean nothing beside that.

use qik_model::{Command, Diagnostic, Origin, Place, Ready, ReadyCheck};
use regex::Regex;

use super::command::duration;
use super::view::Fields;

/// What tells that a command is ready.
pub(super) fn ready(table: &Fields<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Ready> {
    let mut checks = Vec::new();
    if let Some(view) = table.get("output").filter(|view| view.str().is_some()) {
        let text = view.text().unwrap_or_default();
        if let Err(error) = Regex::new(&text) {
            diagnostics.push(no_value(&text, "regular expression", &view.at, &why(&error)));
        }
        checks.push(ReadyCheck::Output(text));
    }
    if let Some(view) = table.get("port")
        && let Some(number) = view.int()
    {
        let port = u16::try_from(number).ok().filter(|port| *port > 0);
        if port.is_none() {
            let text = number.to_string();
            diagnostics.push(no_value(&text, "port", &view.at, "a port is a number up to 65535"));
        }
        checks.push(ReadyCheck::Port(port.unwrap_or(1)));
    }
    if let Some(view) = table.get("http")
        && let Some(text) = view.text()
    {
        let host = text.strip_prefix("http://").unwrap_or_default();
        if host.is_empty() || host.starts_with(['/', ':']) {
            let help = "write `http://127.0.0.1:8000/health`; for anything else use `port`";
            diagnostics.push(no_value(&text, "address", &view.at, help));
        }
        checks.push(ReadyCheck::Http(text));
    }
    let timeout = table.get("timeout").and_then(|view| duration(&view)).unwrap_or(Ready::TIMEOUT);
    match (checks.pop(), checks.is_empty()) {
        (Some(check), true) => Some(Ready { check, timeout }),
        (found, _) => {
            let what = match found {
                Some(_) => "`ready` is told in two ways",
                None => "`ready` needs the key `output`, `port` or `http`",
            };
            let report = Diagnostic::error("config/bad-value", what);
            let report = report.at(Place::Value(table.at.clone()), "exactly one of them");
            diagnostics.push(report.help("choose one: `ready = { port = 8000 }`"));
            None
        }
    }
}

/// Tells of what stands beside `persistent`, or without it, and means nothing there.
pub(super) fn check_persistent(
    command: &Command,
    fields: &Fields<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    const OF_OTHERS: [&str; 7] = [
        "artifacts",
        "cache",
        "cache-when",
        "timeout",
        "retries",
        "interactive",
        "on-input-change",
    ];
    let told = |key: &str| fields.get(key).map(|view| (key.to_owned(), view.at));
    let (found, why, help) = match command.persistent {
        true => (
            OF_OTHERS.iter().find_map(|key| told(key)),
            "it does not end, so it has no result",
            "remove one of the two; `ready` has a `timeout` of its own",
        ),
        false => (
            told("ready"),
            "only commands that do not end become ready",
            "add `persistent = true`, or remove it",
        ),
    };
    if let Some((key, at)) = found {
        let beside = if command.persistent { "beside" } else { "without" };
        let message = format!("`{key}` means nothing {beside} `persistent`");
        let report = Diagnostic::error("config/not-together", message);
        diagnostics.push(report.at(Place::Key(at), why).help(help));
    }
    if command.persistent && command.exec.trim().is_empty() {
        let message = format!("`{}` is persistent and runs nothing", command.name);
        let report = Diagnostic::error("config/not-together", message);
        let report = report.at(Place::Key(fields.at.key("persistent")), "there is no `exec`");
        diagnostics.push(report.help("give it an `exec`, or remove `persistent`"));
    }
}

fn no_value(text: &str, what: &str, at: &Origin, help: &str) -> Diagnostic {
    Diagnostic::error("config/bad-value", format!("`{text}` is no {what}"))
        .at(Place::Value(at.clone()), "this")
        .help(help)
}

/// The last line of what the parser says is the reason.
fn why(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}
