//! The command line: arguments, printers, exit codes. Nothing is decided here.

mod args;
mod cache;
mod checks;
mod ci;
mod diagnostics;
mod graph;
mod listing;
mod printer;
mod qikx;
mod style;
mod why;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use qik_session::model::{Diagnostic, codes};
use qik_session::system::{STATE_FOLDER, Stream, is_terminal, signals};
use qik_session::{OpenOptions, RunReport, Session, any_error};
use qik_toml::TomlSyntax;

use args::{Ask, Format, Invocation, RunArgs};
use printer::Printer;
use style::Style;

/// Wrong usage or configuration.
const USAGE: i32 = 2;

/// Runs the command line of this process.
#[expect(clippy::disallowed_methods, reason = "the arguments are this room's to read")]
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let code = match args::parse(&args) {
        Ok(invocation) => run(&args, invocation),
        Err(error) => {
            // Where even this can't be printed there is nobody to tell.
            let _ = error.print();
            error.exit_code()
        }
    };
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// Runs the command line of this process as `qikx`.
#[expect(clippy::disallowed_methods, reason = "the arguments are this room's to read")]
pub fn qikx() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    ExitCode::from(u8::try_from(qikx::run(&args)).unwrap_or(1))
}

fn run(args: &[OsString], invocation: Invocation) -> i32 {
    if let Some(code) = &invocation.explain_error {
        return explain_error(code);
    }
    let style = Style::detect();
    let mut session = match open(&invocation.args) {
        Ok(session) => session,
        Err(error) => return refuse(&style, None, &[error]),
    };
    if !invocation.args.select.ls {
        session.scan_ahead();
    }
    let found = session.diagnostics();
    diagnostics::print(&style, Some(&session), &found);
    if any_error(&found) {
        return USAGE;
    }
    if !invocation.verb_is_sure && session.has_command(invocation.verb) {
        return match args::parse_as_name(args, invocation.verb) {
            Ok(named) => run(args, named),
            Err(error) => {
                let _ = error.print();
                error.exit_code()
            }
        };
    }
    let code = match invocation.verb {
        "graph" | "ci" | "cache" => match invocation.ask {
            Some(Ask::Graph(ask)) => graph::answer(&mut session, &style, ask),
            Some(Ask::Ci(args)) => ci::answer(&mut session, &style, &args, &invocation.args),
            Some(Ask::Cache(ask)) => cache::answer(&mut session, &style, ask),
            None => USAGE,
        },
        "why" => explain(&mut session, &style),
        _ => run_commands(&mut session, &style, invocation.args.select.format),
    };
    // The process ends: taking a large database apart piece by piece would only take time.
    std::mem::forget(session);
    code
}

fn open(args: &RunArgs) -> Result<Session, Diagnostic> {
    let flags = args.flags().map_err(|text| {
        Diagnostic::error("args/bad-context", format!("`--ctx {text}` sets nothing"))
            .help("write --ctx NAME=VALUE")
    })?;
    Session::open(OpenOptions {
        cwd: args.project.directory.clone(),
        config: args.project.config.clone(),
        flags,
        syntaxes: vec![Arc::new(TomlSyntax)],
    })
}

fn run_commands(session: &mut Session, style: &Style, format: Format) -> i32 {
    let settings = (|| {
        Ok((
            session.is_set("ls")?,
            session.is_set("fail")?,
            session.number("verbosity")?.unwrap_or(1),
            session.text("logger")?,
        ))
    })();
    let (ls, fail, verbosity, logger) = match settings {
        Ok(settings) => settings,
        Err(error) => return refuse(style, Some(session), &[error]),
    };
    let mut prepared = match session.prepare() {
        Ok(prepared) => prepared,
        Err(errors) => return refuse(style, Some(session), &errors),
    };
    diagnostics::print(style, Some(session), &prepared.warnings);
    if ls || fail {
        if ls && listing::print(session, &mut prepared, format).is_err() {
            return 1;
        }
        let count = if fail { prepared.listed().count() } else { 0 };
        if count > 0 && !ls {
            let are = if count == 1 { "is" } else { "are" };
            let _ =
                writeln!(std::io::stderr(), "qik {count} {are} selected; --ls prints the names");
        }
        return i32::from(count > 0);
    }
    if let Err(error) = signals(session.stop()) {
        let what = format!("an interrupt would not be noticed: {error}");
        return refuse(style, None, &[Diagnostic::error("system/no-signals", what)]);
    }
    let workers = session.number("workers").ok().flatten();
    let commands = prepared.plan.runnables.iter().filter(|one| !one.definition.is_venv_step());
    let streams = commands.count() == 1 || workers == Some(1);
    let live =
        logger.as_deref() != Some("stdout") && is_terminal(Stream::Stderr) && style.may_animate;
    let mut printer = Printer::new(style.clone(), verbosity, streams, live && !streams);
    let report = session.run(&prepared, &mut |event| printer.hear(event));
    printer.finish(session, &report);
    code_of(&report)
}

fn code_of(report: &RunReport) -> i32 {
    report.code()
}

fn explain(session: &mut Session, style: &Style) -> i32 {
    let prepared = match session.prepare() {
        Ok(prepared) => prepared,
        Err(errors) => return refuse(style, Some(session), &errors),
    };
    let told = session.why(&prepared);
    let text: String = told.iter().map(|why| why::text(style, why)).collect::<Vec<_>>().join("\n");
    print(&text)
}

fn explain_error(code: &str) -> i32 {
    match codes::find(code) {
        Some(found) => {
            print(&format!("{}: {}\n\n{}\n", found.code, found.title, found.page.trim()))
        }
        None => {
            let style = Style::detect();
            let error =
                Diagnostic::error("args/unknown-code", format!("no error has the code `{code}`"))
                    .help("a code is what a report begins with, such as `config/unknown-key`");
            refuse(&style, None, &[error])
        }
    }
}

/// Prints to stdout. A reader that went away early is no failure.
pub(crate) fn print(text: &str) -> i32 {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => 1,
        _ => 0,
    }
}

pub(crate) fn refuse(style: &Style, session: Option<&Session>, errors: &[Diagnostic]) -> i32 {
    diagnostics::print(style, session, errors);
    USAGE
}

/// Where logs lie, for people.
pub(crate) fn log_hint(name: &str) -> String {
    format!("{STATE_FOLDER}/out/{}.out", name.replace('%', "%25").replace('/', "%2F"))
}
