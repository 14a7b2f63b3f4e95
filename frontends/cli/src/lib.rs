//! The command line: arguments, printers, exit codes. Nothing is decided here.

mod args;
mod cache;
mod checks;
mod ci;
mod ci_log;
mod config;
mod diagnostics;
mod graph;
mod listing;
mod printer;
mod qikx;
mod report;
mod served;
mod style;
mod timings;
mod watch;
mod why;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use qik_session::model::{Diagnostic, codes};
use qik_session::system::{STATE_FOLDER, Stream, is_terminal, phase, signals};
use qik_session::{OpenOptions, Session, Telling, any_error};

use args::{Ask, ConfigVerb, Format, Invocation, RunArgs};
use ci_log::{CiLog, Service};
use printer::Printer;
use style::Style;

/// Wrong usage or configuration.
const USAGE: i32 = 2;

/// Runs the command line of this process.
#[expect(clippy::disallowed_methods, reason = "the arguments are this room's to read")]
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let code = match args::parse(&args) {
        Ok(invocation) => {
            let asked = invocation.args.project.clone();
            timings::over(&asked, || run(&args, invocation))
        }
        Err(fault) => tell(&fault),
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
    // A file can be converted while the project is in no order.
    if let Some(Ask::Config(ConfigVerb::Convert { file, to })) = &invocation.ask {
        return config::convert(&style, &invocation.args.project, file, *to);
    }
    let mut session = match open(&invocation.args) {
        Ok(session) => session,
        Err(error) => {
            return invocation.fault.as_ref().map_or_else(|| refuse(&style, None, &[error]), tell);
        }
    };
    if invocation.args.asks_for_files() {
        session.scan_ahead();
    }
    let found = session.diagnostics();
    let is_command = !invocation.verb_is_sure && session.has_command(invocation.verb);
    if let Some(fault) = invocation.fault.as_ref().filter(|_| !is_command) {
        return tell(fault);
    }
    diagnostics::print(&style, Some(&session), &found);
    if any_error(&found) {
        return USAGE;
    }
    if is_command {
        return run_named(args, &session, invocation.verb);
    }
    let code = match invocation.verb {
        "graph" | "ci" | "cache" | "config" => match invocation.ask {
            Some(Ask::Graph(ask)) => graph::answer(&mut session, &style, ask),
            Some(Ask::Ci(args)) => ci::answer(&mut session, &style, &args, &invocation.args),
            Some(Ask::Cache(ask)) => cache::answer(&mut session, &style, ask),
            Some(Ask::Config(ask)) => config::answer(&mut session, &style, &ask),
            None => USAGE,
        },
        "why" => explain(&mut session, &style),
        _ => run_commands(&mut session, &style, &invocation.args),
    };
    // The process ends: taking a large database apart piece by piece would only take time.
    std::mem::forget(session);
    code
}

/// Runs the command that is called like a verb.
fn run_named(args: &[OsString], session: &Session, verb: &str) -> i32 {
    let named = args::parse_as_name(args, verb);
    let is_name = |name: &String| {
        session.has_command(name) || name.contains(|c: char| !c.is_alphanumeric() && c != '-')
    };
    // What follows the verb is of no use to the command.
    if !named.as_ref().is_ok_and(|named| named.args.names.iter().all(is_name)) {
        let _ = writeln!(
            std::io::stderr(),
            "qik: `{verb}` is a command of this project; `qik :{verb}` is the verb"
        );
    }
    match named {
        Ok(named) => run(args, named),
        Err(fault) => tell(&fault),
    }
}

/// Prints what is wrong with the command line.
fn tell(fault: &clap::Error) -> i32 {
    // Where even this can't be printed there is nobody to tell.
    let _ = fault.print();
    fault.exit_code()
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
        syntaxes: config::syntaxes(),
    })
}

fn run_commands(session: &mut Session, style: &Style, args: &RunArgs) -> i32 {
    let settings = (|| {
        Ok((
            session.is_set("ls")?,
            session.is_set("fail")?,
            session.is_set("watch")?,
            session.number("verbosity")?.unwrap_or(1),
            session.text("logger")?,
            session.text("ci-format")?,
        ))
    })();
    let (ls, fail, watches, verbosity, logger, ci_format) = match settings {
        Ok(settings) => settings,
        Err(error) => return refuse(style, Some(session), &[error]),
    };
    let telling = match args.select.format {
        Format::Json if ls => Telling::First,
        _ => Telling::Nothing,
    };
    let prepared = match session.prepare(telling) {
        Ok(prepared) => prepared,
        Err(errors) => return refuse(style, Some(session), &errors),
    };
    diagnostics::print(style, Some(session), &prepared.warnings);
    if ls || fail {
        let _phase = phase("print");
        if ls && listing::print(session, &prepared, args.select.format).is_err() {
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
    let alone = commands.count() == 1;
    let streams = alone || workers == Some(1);
    let json = logger.as_deref() == Some("json");
    let service = if json { None } else { Service::detect(ci_format.as_deref()) };
    let live = logger.as_deref().is_none_or(|logger| logger == "progress")
        && service.is_none()
        && is_terminal(Stream::Stderr)
        && style.may_animate;
    if watches {
        return watch::stay(session, prepared, style, verbosity, live, json);
    }
    let ci = service.map(CiLog::new);
    let mut printer = Printer::new(style.clone(), verbosity, streams, live, ci).with_json(json);
    if alone {
        printer.with_nothing_beside();
    }
    let run = session.run(&prepared, &mut |event| printer.hear(event));
    let targets = &args.how.reports;
    let summary = ci_format.as_deref() != Some("none") && report::wants_summary();
    let mut code = run.code();
    // Mostly nobody wants more of it than the file that the run has written.
    let wanted = service.is_some() || summary || !targets.is_empty();
    let report = wanted.then(|| session.report(&prepared, &run));
    if let Some(report) = &report {
        let unwritten = report::write(report, targets, args.project.directory.as_deref());
        code = code.max(i32::from(!unwritten.is_empty()));
        let no_summary = if summary { report::summarize(report) } else { None };
        unwritten.into_iter().chain(no_summary).for_each(|note| printer.add_note(note));
    }
    let _phase = phase("print");
    printer.finish(session, &run, report.as_ref());
    code
}

fn explain(session: &mut Session, style: &Style) -> i32 {
    let prepared = match session.prepare(Telling::Nothing) {
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
