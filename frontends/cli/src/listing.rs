//! `--ls`: what is selected, one name a line, or as JSON.

use std::io::{self, Write};

use qik_session::{Prepared, Session};

use crate::args::Format;

/// Prints what is selected, sorted by name.
///
/// # Errors
/// Where stdout can't be written for another reason than that its reader went away.
pub(crate) fn print(session: &mut Session, prepared: &Prepared, format: Format) -> io::Result<()> {
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

fn objects(session: &mut Session, prepared: &Prepared) -> String {
    // Texts and numbers alone: nothing of it can fail.
    serde_json::to_string_pretty(&session.list(prepared)).unwrap_or_default() + "\n"
}
