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
    GraphVerb, Language, Verb,
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
    /// Whether the verb could also be a command of the project.
    pub verb_is_sure: bool,
    pub args: RunArgs,
    pub ask: Option<Ask>,
    pub explain_error: Option<String>,
}

/// Reads the command line.
///
/// # Errors
/// What clap says, usage and help included.
pub(crate) fn parse(args: &[OsString]) -> Result<Invocation, clap::Error> {
    let (args, sure) = prepare(args);
    let cli = Cli::try_parse_from(args)?;
    Ok(match cli.verb {
        Some(verb) => {
            let name = verb.name();
            let (args, ask) = verb.args();
            Invocation {
                verb: name,
                verb_is_sure: sure || name == "run",
                args: merge(cli.run, args),
                ask,
                explain_error: None,
            }
        }
        None => Invocation {
            verb: "run",
            verb_is_sure: true,
            args: cli.run,
            ask: None,
            explain_error: cli.explain_error,
        },
    })
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
    Ok(Invocation { verb: "run", verb_is_sure: true, args, ask: None, explain_error: None })
}

/// `-v 1` and `-v1` as `-v=1` (a name may follow a plain `-v`), `-vv` as `-v=2`, `:verb` as `verb`,
/// and `-p ci` as `-p=ci`: the value of an option is no verb.
fn prepare(args: &[OsString]) -> (Vec<OsString>, bool) {
    let verbs: Vec<String> =
        Cli::command().get_subcommands().map(|verb| verb.get_name().to_string()).collect();
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
        let is_verb = verbs.iter().any(|verb| verb == text);
        if let Some(option) = last.filter(|last| is_verb && takes_value(last)) {
            let joined = format!("{option}={text}");
            out.pop();
            out.push(joined.into());
            continue;
        }
        match text.strip_prefix(':').filter(|verb| verbs.iter().any(|known| known == verb)) {
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
