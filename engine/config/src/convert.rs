//! A configuration file in another format, with its comments.

use std::sync::Arc;

use qik_model::comments::Placed;
use qik_model::{ConfigSyntax, Diagnostic, Severity};

use crate::lower;

/// Writes the bytes of `file`, which is in the format `from`, in the format `to`.
///
/// # Errors
/// What the parser says, where the text is not understood; `config/not-written` where the other
/// format is only read.
pub fn convert(
    file: &Arc<str>,
    bytes: &[u8],
    from: &dyn ConfigSyntax,
    to: &dyn ConfigSyntax,
) -> Result<String, Vec<Diagnostic>> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(lower::read(from, file.clone(), bytes).diagnostics);
    };
    let upgraded = from.upgraded(text);
    let text = upgraded.as_deref().unwrap_or(text);
    if from.name() == to.name() {
        return Ok(text.to_string());
    }
    let parsed = from.parse(file.clone(), text);
    if parsed.diagnostics.iter().any(|report| report.severity == Severity::Error) {
        return Err(parsed.diagnostics);
    }
    let comments = from.comments(file, text);
    let placed = Placed::new(&parsed.value, &comments);
    to.write(&parsed.value, placed).ok_or_else(|| {
        let message = format!("qik reads {}, but does not write it", to.name());
        vec![Diagnostic::error("config/not-written", message).help("choose another format")]
    })
}
