//! `qik cache`: what caches hold, whether it is whole, and to carry it from one to another.

use std::fmt::Write;

use qik_session::model::Diagnostic;
use qik_session::{CacheSet, Listed, Session, Verified, new_key, told_bytes};

use crate::args::CacheVerb;
use crate::style::{Style, duration};
use crate::{print, refuse};

/// Answers on stdout; the exit code.
pub(crate) fn answer(session: &mut Session, style: &Style, ask: CacheVerb) -> i32 {
    let caches = session.open_caches();
    let answered = match ask {
        CacheVerb::Status => Ok(status(&caches)),
        CacheVerb::Show { runnable } => show(session, &caches, &runnable),
        CacheVerb::Ls => Ok(ls(session, &caches)),
        CacheVerb::Gc => Ok(gc(&caches)),
        CacheVerb::Clear { cache } => clear(&caches, cache.as_deref()),
        CacheVerb::Verify { cache } => verify(&caches, cache.as_deref()),
        CacheVerb::Push { cache } => push(session, &caches, cache.as_deref()),
        CacheVerb::Pull { cache } => pull(session, &caches, cache.as_deref()),
        CacheVerb::NewKey => key(),
    };
    let notes = caches.warnings();
    crate::diagnostics::print(style, Some(session), &notes);
    match answered {
        Ok((text, code)) => print(&text).max(code),
        Err(why) => {
            let error = Diagnostic::error("cache/cannot", why)
                .help("`qik cache status` tells which caches there are, and how they are");
            let code = refuse(style, Some(session), &[error]);
            code.min(1)
        }
    }
}

type Answer = Result<(String, i32), String>;

fn status(caches: &CacheSet) -> (String, i32) {
    let mut text = String::new();
    for state in caches.states() {
        let _ = write!(text, "{}: {}", state.name, state.what);
        if let Some(entries) = state.entries {
            let _ = write!(text, ", {}", counted(entries, "entry", "entries"));
        }
        if let Some(unshared) = state.unshared.filter(|unshared| *unshared > 0) {
            let _ = write!(text, ", {} not shared", counted(unshared, "result", "results"));
        }
        match state.trouble {
            Some(trouble) => {
                let _ = writeln!(text, "\n  cannot be used: {trouble}");
            }
            None => text.push('\n'),
        }
    }
    (text, 0)
}

fn ls(session: &Session, caches: &CacheSet) -> (String, i32) {
    let mut text = String::new();
    for one in caches.list() {
        let result = &one.stored.result;
        let _ = writeln!(
            text,
            "{} {} code {} {} {} {}",
            result.runnable,
            result.fingerprint.short(),
            result.code,
            platform(&one),
            told_bytes(size(&one)),
            age(session, one.used.unwrap_or(one.stored.about.written)),
        );
    }
    (text, 0)
}

fn show(session: &Session, caches: &CacheSet, name: &str) -> Answer {
    let of_it = |one: &Listed| {
        let runnable = &one.stored.result.runnable;
        runnable == name || runnable.split_once('@').is_some_and(|(command, _)| command == name)
    };
    let found: Vec<Listed> = caches.list().into_iter().filter(of_it).collect();
    if found.is_empty() {
        return Err(format!("the local cache has no entry of `{name}`"));
    }
    Ok((found.iter().map(|one| one_shown(session, one)).collect::<Vec<_>>().join("\n"), 0))
}

fn one_shown(session: &Session, one: &Listed) -> String {
    let (result, about) = (&one.stored.result, &one.stored.about);
    let mut text = format!("{} {}\n", result.runnable, result.fingerprint);
    let took = duration(std::time::Duration::from_millis(result.millis));
    let _ = writeln!(text, "  exit code {}, took {took}, {}", result.code, platform(one));
    let by = if about.writer.is_empty() { String::new() } else { format!(" by {}", about.writer) };
    let _ = writeln!(text, "  made {}{by}, qik {}", age(session, about.written), about.qik);
    match &one.stored.origin {
        None => text.push_str("  made here\n"),
        Some(origin) => {
            let scope = origin.scope.trim_end_matches('/');
            let scope = if scope.is_empty() { String::new() } else { format!(", scope {scope}") };
            let signed = origin.signature.as_ref().map(|one| format!(", signed by {}", one.key));
            let signed = signed.unwrap_or_default();
            let _ = writeln!(text, "  from cache {}{scope}{signed}", origin.cache);
        }
    }
    let _ = writeln!(text, "  $ {}", about.command);
    for item in &result.explanation.items {
        let digest = item.digest.map(|digest| digest.short()).unwrap_or_default();
        let _ = writeln!(text, "  input {} {} {digest}", item.kind, item.name);
    }
    let _ = writeln!(text, "  log {}", told_bytes(result.log.size));
    for artifact in &result.artifacts {
        let size = told_bytes(artifact.content.size);
        let digest = artifact.content.digest.short();
        let _ = writeln!(text, "  artifact {} {size} {digest}", artifact.path);
    }
    for folder in &result.folders {
        let _ = writeln!(text, "  artifact {folder}/ (empty)");
    }
    text
}

fn gc(caches: &CacheSet) -> (String, i32) {
    let freed = caches.gc();
    let entries = counted(freed.entries, "entry", "entries");
    let left = counted(freed.left_entries, "entry", "entries");
    let (gone, kept) = (told_bytes(freed.bytes), told_bytes(freed.left));
    (format!("removed {entries} and {gone}; {left} and {kept} are left\n"), 0)
}

fn clear(caches: &CacheSet, cache: Option<&str>) -> Answer {
    let count = match cache {
        None | Some("local") => caches.clear_local().map_err(|error| error.to_string())?,
        Some(name) => caches.clear_remote(name)?,
    };
    Ok((format!("removed {}\n", counted(count, "entry", "entries")), 0))
}

fn verify(caches: &CacheSet, cache: Option<&str>) -> Answer {
    let Verified { entries, contents, damaged } = match cache {
        None | Some("local") => caches.verify(),
        Some(name) => caches.verify_remote(name)?,
    };
    let mut text: String = damaged.iter().map(|line| format!("{line}\n")).collect();
    let _ = write!(text, "{} whole", counted(entries, "entry is", "entries are"));
    if contents > 0 {
        let _ = write!(text, ", {} whole", counted(contents, "content is", "contents are"));
    }
    text.push('\n');
    Ok((text, i32::from(!damaged.is_empty())))
}

fn push(session: &Session, caches: &CacheSet, cache: Option<&str>) -> Answer {
    let stop = session.stop().clone();
    let name = the_one(caches, cache)?;
    let sharing = caches.push(&name, &mut |_| stop.requested().is_none())?;
    let shared = counted(sharing.shared, "result", "results");
    let rest = match sharing.unshared {
        0 => String::new(),
        unshared => format!(", {unshared} not"),
    };
    Ok((format!("shared {shared} with {name}{rest}\n"), i32::from(sharing.unshared > 0)))
}

fn pull(session: &Session, caches: &CacheSet, cache: Option<&str>) -> Answer {
    let stop = session.stop().clone();
    let name = the_one(caches, cache)?;
    let pulled = caches.pull(&name, &mut |_| stop.requested().is_none())?;
    let fetched = counted(pulled.fetched, "result", "results");
    let mut text = format!("fetched {fetched} from {name}, {} were here", pulled.known);
    if pulled.refused > 0 {
        let _ = write!(text, ", {} could not be had", pulled.refused);
    }
    Ok((text + "\n", i32::from(pulled.refused > 0)))
}

fn key() -> Answer {
    let (secret, public) = new_key()?;
    Ok((
        format!(
            "secret key, for the variable that `sign-key` names:\n{secret}\n\
             public key, for `trusted-keys`:\n{public}\n"
        ),
        0,
    ))
}

fn the_one(caches: &CacheSet, cache: Option<&str>) -> Result<String, String> {
    let names = caches.remote_names();
    match (cache, &names[..]) {
        (Some(name), _) => Ok(name.to_owned()),
        (None, [one]) => Ok(one.clone()),
        (None, []) => Err("there is no cache that others share".into()),
        (None, names) => Err(format!("which one? there are: {}", names.join(", "))),
    }
}

fn platform(one: &Listed) -> &str {
    if one.platform.is_empty() { "any" } else { &one.platform }
}

fn size(one: &Listed) -> u64 {
    let result = &one.stored.result;
    result.log.size + result.artifacts.iter().map(|one| one.content.size).sum::<u64>()
}

fn age(session: &Session, seconds: u64) -> String {
    let age = session.now().saturating_sub(seconds);
    match age {
        0..60 => "just now".into(),
        60..3_600 => format!("{} min ago", age / 60),
        3_600..86_400 => format!("{} h ago", age / 3_600),
        _ => format!("{} days ago", age / 86_400),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
