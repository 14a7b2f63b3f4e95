//! `qikx`: becomes a program in the environment of a space, which is made first if it has to be.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use qik_session::model::{Diagnostic, Name};
use qik_session::system::{current_dir, exec, signals};
use qik_session::{OpenOptions, Outcome, Prepared, RunEvent, Session, any_error};
use qik_toml::TomlSyntax;

use crate::style::Style;
use crate::{USAGE, diagnostics, refuse};

/// Runs a program in the environment of a space.
#[derive(Debug, Parser)]
#[command(
    name = "qikx",
    version,
    max_term_width = 100,
    override_usage = "qikx [OPTIONS] CMD[@SPACE] [ARGS]...\n       qikx [OPTIONS] --install [SPACE]...",
    after_help = "Without @SPACE it is the space whose root holds the working directory, else `default`.\n\
                  qikx replaces itself by CMD, so exit codes and signals are those of CMD."
)]
struct Qikx {
    /// Make the environments of these spaces, of all spaces without any, and run nothing
    #[arg(short, long)]
    install: bool,
    /// The profile of context values
    #[arg(short, long, value_name = "NAME")]
    profile: Option<String>,
    /// Set a context variable of the project
    #[arg(long = "ctx", value_name = "NAME=VALUE")]
    context: Vec<String>,
    /// As if started in this folder
    #[arg(short = 'C', long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The root configuration, instead of looking for it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The program and what it is given
    #[arg(value_name = "CMD[@SPACE]", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Runs the command line `args` of this process; comes back where it did not become another program.
pub(crate) fn run(args: &[OsString]) -> i32 {
    let asked = match Qikx::try_parse_from(args) {
        Ok(asked) => asked,
        Err(error) => {
            // Where even this can't be printed there is nobody to tell.
            let _ = error.print();
            return error.exit_code();
        }
    };
    let style = Style::detect();
    if asked.words.is_empty() && !asked.install {
        let error = Diagnostic::error("args/nothing-to-run", "no program is named")
            .help("write `qikx CMD[@SPACE] ARGS…`, or `qikx --install`");
        return refuse(&style, None, &[error]);
    }
    let mut session = match open(&asked) {
        Ok(session) => session,
        Err(error) => return refuse(&style, None, &[error]),
    };
    let found = session.diagnostics();
    diagnostics::print(&style, Some(&session), &found);
    if any_error(&found) {
        return USAGE;
    }
    if asked.install {
        let spaces = match asked.words.is_empty() {
            true => session.spaces(),
            false => asked.words.iter().map(|word| word.to_string_lossy().into()).collect(),
        };
        return install(&mut session, &style, &spaces, true).unwrap_or_else(|code| code);
    }
    let (program, space) = program_and_space(&asked.words[0]);
    let space = space.unwrap_or_else(|| session.space_here());
    if let Err(code) = install(&mut session, &style, std::slice::from_ref(&space), false) {
        return code;
    }
    let env = match session.variables_in(&space) {
        Ok(env) => env,
        Err(error) => return refuse(&style, Some(&session), &[error]).min(1),
    };
    let here = current_dir().unwrap_or_default();
    let cwd = asked.directory.map_or_else(|| here.clone(), |directory| here.join(directory));
    let error = exec(program, &asked.words[1..], &env, &cwd);
    let is_missing = error.kind() == std::io::ErrorKind::NotFound;
    let told = format!("`{}` can't be started in the space `{space}`: {error}", program.display());
    let help = "is it among the requirements of the space, or on PATH?";
    refuse(&style, None, &[Diagnostic::error("space/no-program", told).help(help)]);
    if is_missing { 127 } else { 126 }
}

fn open(asked: &Qikx) -> Result<Session, Diagnostic> {
    let mut flags = std::collections::BTreeMap::new();
    flags.extend(asked.profile.iter().map(|name| ("qik.profile".to_string(), name.clone())));
    for text in &asked.context {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Diagnostic::error("args/bad-context", format!("`--ctx {text}` sets nothing"))
                .help("write --ctx NAME=VALUE")
        })?;
        let name = name.strip_prefix("project.").unwrap_or(name);
        flags.insert(format!("project.{name}"), value.into());
    }
    Session::open(OpenOptions {
        cwd: asked.directory.clone(),
        config: asked.config.clone(),
        flags,
        syntaxes: vec![Arc::new(TomlSyntax)],
    })
}

/// What stands before the last `@`, and the space behind it.
fn program_and_space(word: &OsStr) -> (&OsStr, Option<Name>) {
    let bytes = word.as_bytes();
    match bytes.iter().rposition(|byte| *byte == b'@').filter(|at| *at > 0) {
        Some(at) => {
            let space = String::from_utf8_lossy(&bytes[at + 1..]);
            (OsStr::from_bytes(&bytes[..at]), Some(space.into()))
        }
        None => (word, None),
    }
}

/// Makes the environments of these spaces. `Err` is the exit code where that did not work.
fn install(
    session: &mut Session,
    style: &Style,
    spaces: &[Name],
    says_so: bool,
) -> Result<i32, i32> {
    let prepared = match session.prepare_venvs(spaces) {
        Ok(prepared) => prepared,
        Err(errors) => return Err(refuse(style, Some(session), &errors)),
    };
    diagnostics::print(style, Some(session), &prepared.warnings);
    if prepared.plan.runnables.is_empty() {
        if says_so {
            say("qik all environments are as they should be");
        }
        return Ok(0);
    }
    make(session, style, &prepared)
}

/// Nothing of it goes to stdout: that is the program's.
fn make(session: &mut Session, style: &Style, prepared: &Prepared) -> Result<i32, i32> {
    if let Err(error) = signals(session.stop()) {
        let what = format!("an interrupt would not be noticed: {error}");
        return Err(refuse(style, None, &[Diagnostic::error("system/no-signals", what)]));
    }
    let mut notes = Vec::new();
    let report = session.run(prepared, &mut |event| match event {
        RunEvent::Started { name, reason, .. } => say(&format!("qik {name}  ({reason})")),
        RunEvent::Finished(report) => {
            if report.outcome == Outcome::Ran && report.code != 0 {
                let _ = std::io::stderr().write_all(&report.log);
            }
            notes.extend(report.diagnostics);
        }
        RunEvent::Note(note) => notes.push(note),
        _ => {}
    });
    diagnostics::print(style, Some(session), &notes);
    match report.code() {
        0 => Ok(0),
        code => Err(code),
    }
}

/// Where nobody reads it there is nobody to tell.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_space_stands_behind_the_last_at_sign() {
        let check = |word: &str, program: &str, space: Option<&str>| {
            let (found, of) = program_and_space(OsStr::new(word));
            assert_eq!((found.to_str().unwrap(), of.as_deref()), (program, space), "{word}");
        };
        check("pytest", "pytest", None);
        check("pytest@web", "pytest", Some("web"));
        check("a@b@web", "a@b", Some("web"));
        check("@web", "@web", None);
        check("pytest@", "pytest", Some(""));
    }

    #[test]
    fn options_behind_the_program_are_the_programs() {
        let read = |line: &str| Qikx::try_parse_from(line.split(' ')).unwrap();
        assert_eq!(
            read("qikx pytest -p no:x --install").words,
            ["pytest", "-p", "no:x", "--install"]
        );
        assert_eq!(read("qikx -p ci pytest -x").profile.as_deref(), Some("ci"));
        assert!(read("qikx --install web jobs").install);
    }
}
