//! `qik why`: everything about the status of a runnable, for people.

use std::fmt::Write;
use std::time::Duration;

use qik_session::{ColdReason, Compared, Why};

use crate::style::{Style, duration};

/// The text for one runnable.
pub(crate) fn text(style: &Style, why: &Why) -> String {
    let mut out = String::new();
    let status = match (&why.reason, &why.entry) {
        (None, Some((code, millis))) => {
            let time = duration(Duration::from_millis(*millis));
            format!("{}: exit code {code}, {time} to make", style.good("warm"))
        }
        (Some(ColdReason::Uncached), _) if why.exec.is_empty() => {
            style.faint("executes nothing itself").to_string()
        }
        (Some(ColdReason::Uncached), _) => style.faint("never cached").to_string(),
        (Some(reason), _) => format!("{}: {reason}", style.odd("cold")),
        (None, None) => style.odd("cold").to_string(),
    };
    // Writing to a string does not fail.
    let _ = writeln!(out, "{} {status}", style.strong(&why.name));
    // Where there is only one, the first line has told it.
    if let Some(ColdReason::Differs(all)) = &why.reason
        && all.len() > 1
    {
        let _ = writeln!(out, "  differs from the nearest entry in:");
        for difference in all {
            let _ = writeln!(out, "    {difference}");
        }
    }
    if let Some(compared) = &why.compared {
        let _ = writeln!(out, "  {}", style.faint(&said_of(compared)));
    }
    if !why.exec.is_empty() {
        let _ = writeln!(out, "  exec         {}", why.exec.replace('\n', "\n               "));
    }
    let _ = writeln!(out, "  cache        {}", why.cache);
    if let Some(fingerprint) = &why.fingerprint {
        let _ = writeln!(out, "  fingerprint  {fingerprint}");
    }
    for (kind, name, count) in &why.sets {
        let files = if *count == 1 { "file" } else { "files" };
        let _ = writeln!(out, "  {kind:<12} {name} ({count} {files})");
    }
    let shown = ["exec", "files", "load", "venv", "upstream", "glob"];
    for item in why.explanation.items.iter().filter(|item| !shown.contains(&&*item.kind)) {
        let secret = if item.digest.is_none() {
            style.faint(" (by value, never stored)")
        } else {
            String::new()
        };
        let _ = writeln!(out, "  {:<12} {}{secret}", item.kind, item.name);
    }
    out
}

fn said_of(compared: &Compared) -> String {
    match compared {
        Compared::With(commit) => format!("compared with the files of {}", short(commit)),
        Compared::Unlike(commit) => format!(
            "which files can't be told: the committed result was made from other files than those of \
             {}, or in another environment",
            short(commit)
        ),
        Compared::Uncommitted => {
            "which files can't be told: no commit at hand holds the result".into()
        }
    }
}

fn short(commit: &impl ToString) -> String {
    commit.to_string().chars().take(10).collect()
}
