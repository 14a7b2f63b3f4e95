//! The command line as clap reads it, and what of it becomes context.

mod context;
mod run;
mod verbs;

#[cfg(test)]
mod tests;

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use context::merge;

pub(crate) use run::{Format, ProjectArgs, RunArgs};
pub(crate) use verbs::{
    Ask, CacheVerb, CheckFormat, CiArgs, CiService, ConfigFormat, ConfigVerb, GraphFormat,
    GraphVerb, Language, VERBS, Verb,
};

/// Runs the commands of a monorepo, and never does work twice.
#[derive(Debug, Parser)]
#[command(
    name = "qik",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    subcommand_precedence_over_arg = true,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    after_help = "A project's own command wins over a verb of the same name; `qik :why` is always \
                  the verb.\nqik --explain-error CODE tells more about an error."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// Print the page of an error's code, and exit
    #[arg(long, value_name = "CODE", exclusive = true)]
    pub explain_error: Option<String>,
}

/// What the user wants done.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub verb: &'static str,
    /// Whether the verb can't be a command of the project.
    pub verb_is_sure: bool,
    /// What is wrong with the line, unless the verb is a command of the project.
    pub fault: Option<clap::Error>,
    pub args: RunArgs,
    pub ask: Option<Ask>,
    pub explain_error: Option<String>,
}

/// Reads the command line.
///
/// # Errors
/// What clap says, usage and help included.
pub(crate) fn parse(args: &[OsString]) -> Result<Invocation, clap::Error> {
    let (prepared, sure) = prepare(args);
    let cli = match Cli::try_parse_from(&prepared) {
        Ok(cli) => cli,
        Err(fault) if sure || !fault.use_stderr() => return Err(fault),
        Err(fault) => return or_name(args, &prepared, fault),
    };
    let Cli { run, verb, explain_error } = cli;
    let Some(verb) = verb else {
        return Ok(Invocation { explain_error, ..Invocation::plain(run) });
    };
    let name = verb.name();
    let (own, ask) = verb.args();
    Ok(Invocation { verb: name, verb_is_sure: sure, ask, ..Invocation::plain(merge(run, own)) })
}

/// A line with something wrong for its verb, which may be right if that is the name of a command.
fn or_name(
    args: &[OsString],
    prepared: &[OsString],
    fault: clap::Error,
) -> Result<Invocation, clap::Error> {
    let verbs = VERBS.iter().copied();
    let first = |arg: &OsString| verbs.clone().find(|verb| arg == *verb);
    let Some(verb) = prepared.iter().skip(1).find_map(first) else { return Err(fault) };
    match parse_as_name(args, verb) {
        Ok(named) => Ok(Invocation { verb, verb_is_sure: false, fault: Some(fault), ..named }),
        Err(_) => Err(fault),
    }
}

impl Invocation {
    /// A run, and nothing else that could be meant.
    fn plain(args: RunArgs) -> Self {
        Self { verb: "run", verb_is_sure: true, fault: None, args, ask: None, explain_error: None }
    }
}

/// The command line read with `verb` as the name of a command.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_as_name(args: &[OsString], verb: &str) -> Result<Invocation, clap::Error> {
    let (args, _) = prepare(args);
    let at = args.iter().position(|arg| arg == verb).unwrap_or(args.len());
    let mut with_run = args.clone();
    with_run.insert(at, "run".into());
    let cli = Cli::try_parse_from(with_run)?;
    let args = match cli.verb {
        Some(verb) => merge(cli.run, verb.args().0),
        None => cli.run,
    };
    Ok(Invocation::plain(args))
}

/// `-v 1` and `-v1` as `-v=1` (a name may follow a plain `-v`), `-vv` as `-v=2`, `:verb` as `verb`,
/// and `-p ci` as `-p=ci`: the value of an option is no verb.
fn prepare(args: &[OsString]) -> (Vec<OsString>, bool) {
    let mut out: Vec<OsString> = Vec::with_capacity(args.len());
    let mut sure = false;
    for arg in args {
        let text = arg.to_str().unwrap_or_default();
        let last = out.last().and_then(|last| last.to_str());
        if let Some(level) = short_verbosity(text) {
            out.push(format!("-v={level}").into());
            continue;
        }
        if matches!(last, Some("-v" | "--verbosity")) && text.parse::<u8>().is_ok() {
            let joined = format!("{}={text}", last.unwrap_or_default());
            out.pop();
            out.push(joined.into());
            continue;
        }
        let is_verb = VERBS.contains(&text);
        if let Some(option) = last.filter(|last| is_verb && takes_value(last)) {
            let joined = format!("{option}={text}");
            out.pop();
            out.push(joined.into());
            continue;
        }
        match text.strip_prefix(':').filter(|verb| VERBS.contains(verb)) {
            Some(verb) if !sure => {
                sure = true;
                out.push(verb.into());
            }
            _ => out.push(arg.clone()),
        }
    }
    (out, sure)
}

/// Whether what follows this option is its value.
fn takes_value(option: &str) -> bool {
    Cli::command().get_arguments().filter(|arg| arg.get_action().takes_values()).any(|arg| {
        let long = arg.get_long().is_some_and(|long| option == format!("--{long}"));
        long || arg.get_short().is_some_and(|short| option == format!("-{short}"))
    })
}

/// The level in `-v1` and `-vv`.
fn short_verbosity(text: &str) -> Option<u8> {
    let level = text.strip_prefix("-v").filter(|level| !level.is_empty())?;
    if level.bytes().all(|byte| byte == b'v') { Some(2) } else { level.parse().ok() }
}
