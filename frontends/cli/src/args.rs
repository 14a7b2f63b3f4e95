//! The command line as clap reads it, and what of it becomes context.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

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

/// What is built in beside running commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run commands (what a plain `qik` does)
    Run(RunArgs),
    /// Tell why a command is warm or cold, whole
    Why(RunArgs),
    /// Ask about the import graph
    Graph(GraphArgs),
    /// Print a pipeline that executes what is cold, and nothing else
    Ci(Box<CiArgs>),
    /// Ask about caches, and carry results between them
    Cache(CacheVerbArgs),
    /// Show, convert and check the configuration
    Config(ConfigArgs),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub ask: ConfigVerb,
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// What can be asked about the configuration.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Print all of it, included files and modules' own merged, with the place of each value
    Show {
        /// How it is printed
        #[arg(long, value_name = "FORMAT", default_value = "toml")]
        format: ConfigFormat,
    },
    /// Print a file in another format, with its comments; nothing is written
    Convert {
        /// A `qik.toml`, a `qik.kdl`, or a `pyproject.toml`
        file: PathBuf,
        /// The other format
        #[arg(long, value_name = "FORMAT")]
        to: Language,
    },
    /// Look for what is allowed and yet not meant
    Check,
}

/// How a configuration is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConfigFormat {
    Toml,
    Kdl,
    /// Each value as an object of `value` and `origin`
    Json,
}

/// A format of configuration files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Toml,
    Kdl,
}

#[derive(Debug, Args)]
pub(crate) struct CacheVerbArgs {
    #[command(subcommand)]
    pub ask: CacheVerb,
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// What can be asked about caches.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CacheVerb {
    /// How large the local cache is, and whether those that others share can be used
    Status,
    /// What the local cache holds of a command
    Show {
        /// A name as `--ls` prints it, or a command
        runnable: String,
    },
    /// Every entry of the local cache
    Ls,
    /// Remove what is too much or too old in the local cache
    Gc,
    /// Forget everything in a cache
    Clear {
        /// The cache; the local one if not given
        cache: Option<String>,
    },
    /// Read everything in a cache, and tell what is damaged
    Verify {
        /// The cache; the local one if not given
        cache: Option<String>,
    },
    /// Share every local result that a cache lacks
    Push {
        /// The cache; may be left out where there is one alone
        cache: Option<String>,
    },
    /// Fetch every result of a cache that the local one lacks
    Pull {
        /// The cache; may be left out where there is one alone
        cache: Option<String>,
    },
    /// Make a pair of keys to sign results with
    NewKey,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CiArgs {
    /// For which service
    pub service: CiService,
    /// How many jobs run at a time
    #[arg(long, value_name = "N", default_value = "4", value_parser = shards)]
    pub shards: usize,
    /// A line that each job runs before qik; may be given more than once
    #[arg(long, value_name = "LINE")]
    pub setup: Vec<String>,
    /// The container that jobs run in (GitLab, CircleCI)
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// The machine that jobs run on (GitHub)
    #[arg(long, value_name = "LABEL", default_value = "ubuntu-latest")]
    pub runs_on: String,
    #[command(flatten)]
    pub run: RunArgs,
}

/// A service that runs pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CiService {
    /// A whole workflow of GitHub Actions
    Github,
    /// The matrix of a job of GitHub Actions, as JSON for `fromJSON`
    GithubMatrix,
    /// A child pipeline of GitLab
    Gitlab,
    /// A configuration to continue with of CircleCI
    Circleci,
    /// Steps to upload of Buildkite
    Buildkite,
}

fn shards(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a whole number from 1".into()),
        Ok(shards) => Ok(shards),
    }
}

/// What a verb asks for beside a selection.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Graph(GraphVerb),
    Ci(Box<CiArgs>),
    Cache(CacheVerb),
    Config(ConfigVerb),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct GraphArgs {
    #[command(subcommand)]
    pub ask: GraphVerb,
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// What can be asked about the import graph.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum GraphVerb {
    /// Read the whole graph, and say how large it is
    Build {
        /// How it is printed; json lists every import of every file
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: GraphFormat,
    },
    /// What a module needs: its own files, and all that they import
    Deps {
        /// A dotted name, or the path of a file
        module: String,
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: GraphFormat,
    },
    /// What needs a file, directly or through others
    Rdeps {
        /// The path of a file, or a dotted name
        file: String,
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: GraphFormat,
    },
    /// The shortest chain of imports from one module or file to another
    Path {
        /// Where it starts
        from: String,
        /// Where it ends
        to: String,
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: GraphFormat,
    },
    /// Check that imports stay within the fences of their spaces
    Check {
        /// Spaces; without any, all that have a fence
        spaces: Vec<String>,
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: CheckFormat,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// For people, one item a line
    Text,
    /// One object
    Json,
    /// For Graphviz
    Dot,
    /// For Markdown that draws Mermaid
    Mermaid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// `FILE:LINE:COLUMN: a.b imports c.d`
    Text,
    /// One list of objects
    Json,
    /// For code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

impl Verb {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Why(_) => "why",
            Self::Graph(_) => "graph",
            Self::Ci(_) => "ci",
            Self::Cache(_) => "cache",
            Self::Config(_) => "config",
        }
    }

    /// What stands behind it, and what is asked for.
    fn args(self) -> (RunArgs, Option<Ask>) {
        match self {
            Self::Run(args) | Self::Why(args) => (args, None),
            Self::Graph(args) => (RunArgs::only(args.project), Some(Ask::Graph(args.ask))),
            Self::Ci(args) => (args.run.clone(), Some(Ask::Ci(args))),
            Self::Cache(args) => (RunArgs::only(args.project), Some(Ask::Cache(args.ask))),
            Self::Config(args) => (RunArgs::only(args.project), Some(Ask::Config(args.ask))),
        }
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// Commands, or names as `--ls` prints them (`lint@app`), or globs of those (`'lint@svc/*'`);
    /// without any, every command that is not hidden
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,

    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub cache: CacheArgs,
    #[command(flatten)]
    pub how: HowArgs,
    #[command(flatten)]
    pub project: ProjectArgs,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Which")]
pub(crate) struct SelectArgs {
    /// Only what runs over this module
    #[arg(short, long = "module", value_name = "MODULE")]
    pub modules: Vec<String>,
    /// Only what runs in this space
    #[arg(short, long = "space", value_name = "SPACE")]
    pub spaces: Vec<String>,
    /// Only commands with this tag
    #[arg(short, long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Only what depends on anything that changed between this commit and the files as they are
    #[arg(long, value_name = "REF")]
    pub since: Option<String>,
    /// With `--since`: since the commit at which the present branch left REF
    #[arg(long)]
    pub merge_base: bool,
    /// Leave out what the selected commands depend on
    #[arg(long)]
    pub isolated: bool,
    /// Print the names of what is selected, and run nothing
    #[arg(long)]
    pub ls: bool,
    /// How `--ls` prints
    #[arg(long, value_name = "FORMAT", default_value = "text", requires = "ls")]
    pub format: Format,
    /// Exit with 1 if anything is selected, and run nothing
    #[arg(long)]
    pub fail: bool,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Caches")]
pub(crate) struct CacheArgs {
    /// Only what goes to this cache; where one is given, commands that are named and configure no
    /// cache go to it
    #[arg(long = "cache", value_name = "CACHE")]
    pub caches: Vec<String>,
    /// Only what has a result for the present state (warm), or has none (cold)
    #[arg(long, value_name = "STATUS")]
    pub cache_status: Option<Status>,
    /// Where results of commands go that configure no cache
    #[arg(long, value_name = "CACHE")]
    pub default_cache: Option<String>,
    /// Which results are kept: success, failed or finished
    #[arg(long, value_name = "WHEN")]
    pub cache_when: Option<String>,
    /// Ignore what is cached, and write it anew
    #[arg(short, long)]
    pub force: bool,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "How")]
pub(crate) struct HowArgs {
    /// How many commands run at once; as many as there are processors if not given
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub workers: Option<u32>,
    /// 0: no logs, 1: logs of what failed, 2: all logs; `-v` alone is 2
    #[arg(
        short,
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2"
    )]
    pub verbosity: Option<u8>,
    /// Live progress, or plain lines
    #[arg(short, long, value_name = "LOGGER")]
    pub logger: Option<Logger>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Project")]
pub(crate) struct ProjectArgs {
    /// The profile of context values
    #[arg(short, long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Set a context variable of the project
    #[arg(long = "ctx", value_name = "NAME=VALUE")]
    pub context: Vec<String>,
    /// As if started in this folder
    #[arg(short = 'C', long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// The root configuration, instead of looking for it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One name a line
    Text,
    /// One array of objects
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Status {
    Warm,
    Cold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Logger {
    Progress,
    Stdout,
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

/// What stood before a verb and what stood behind it.
fn merge(before: RunArgs, mut after: RunArgs) -> RunArgs {
    fn join<T>(mut first: Vec<T>, second: &mut Vec<T>) {
        first.append(second);
        *second = first;
    }
    join(before.names, &mut after.names);
    join(before.select.modules, &mut after.select.modules);
    join(before.select.spaces, &mut after.select.spaces);
    join(before.select.tags, &mut after.select.tags);
    join(before.cache.caches, &mut after.cache.caches);
    join(before.project.context, &mut after.project.context);
    after.select.isolated |= before.select.isolated;
    after.select.merge_base |= before.select.merge_base;
    after.select.since = after.select.since.take().or(before.select.since);
    after.select.ls |= before.select.ls;
    after.select.fail |= before.select.fail;
    after.cache.force |= before.cache.force;
    if after.select.format == Format::Text {
        after.select.format = before.select.format;
    }
    let (cache, how, project) = (&mut after.cache, &mut after.how, &mut after.project);
    cache.cache_status = cache.cache_status.or(before.cache.cache_status);
    cache.default_cache = cache.default_cache.take().or(before.cache.default_cache);
    cache.cache_when = cache.cache_when.take().or(before.cache.cache_when);
    how.workers = how.workers.or(before.how.workers);
    how.verbosity = how.verbosity.or(before.how.verbosity);
    how.logger = how.logger.or(before.how.logger);
    project.profile = project.profile.take().or(before.project.profile);
    project.directory = project.directory.take().or(before.project.directory);
    project.config = project.config.take().or(before.project.config);
    after
}

impl RunArgs {
    /// Nothing but the project.
    fn only(project: ProjectArgs) -> Self {
        Self {
            names: Vec::new(),
            select: SelectArgs {
                modules: Vec::new(),
                spaces: Vec::new(),
                tags: Vec::new(),
                since: None,
                merge_base: false,
                isolated: false,
                ls: false,
                format: Format::Text,
                fail: false,
            },
            cache: CacheArgs {
                caches: Vec::new(),
                cache_status: None,
                default_cache: None,
                cache_when: None,
                force: false,
            },
            how: HowArgs { workers: None, verbosity: None, logger: None },
            project,
        }
    }

    /// What is given here, as context values. A `NAME=VALUE` without `=` is handed back.
    pub fn flags(&self) -> Result<BTreeMap<String, String>, String> {
        let mut flags = BTreeMap::new();
        let mut set = |name: &str, value: String| {
            flags.insert(format!("qik.{name}"), value);
        };
        let lists = [
            ("commands", &self.names),
            ("modules", &self.select.modules),
            ("spaces", &self.select.spaces),
            ("tags", &self.select.tags),
            ("caches", &self.cache.caches),
        ];
        for (name, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
            set(name, values.join(","));
        }
        let switches = [
            ("isolated", self.select.isolated),
            ("merge-base", self.select.merge_base),
            ("ls", self.select.ls),
            ("fail", self.select.fail),
            ("force", self.cache.force),
        ];
        for (name, _) in switches.into_iter().filter(|(_, on)| *on) {
            set(name, "true".into());
        }
        let status = self.cache.cache_status.map(|status| match status {
            Status::Warm => "warm".to_string(),
            Status::Cold => "cold".to_string(),
        });
        let logger = self.how.logger.map(|logger| match logger {
            Logger::Progress => "progress".to_string(),
            Logger::Stdout => "stdout".to_string(),
        });
        let values = [
            ("cache-status", status),
            ("since", self.select.since.clone()),
            ("cache", self.cache.default_cache.clone()),
            ("cache-when", self.cache.cache_when.clone()),
            ("workers", self.how.workers.map(|workers| workers.to_string())),
            ("verbosity", self.how.verbosity.map(|verbosity| verbosity.to_string())),
            ("logger", logger),
            ("profile", self.project.profile.clone()),
        ];
        for (name, value) in values {
            if let Some(value) = value {
                set(name, value);
            }
        }
        for text in &self.project.context {
            let (name, value) = text.split_once('=').ok_or_else(|| text.clone())?;
            let name = name.strip_prefix("project.").unwrap_or(name);
            let key =
                if name.starts_with("qik.") { name.into() } else { format!("project.{name}") };
            flags.insert(key, value.into());
        }
        Ok(flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Invocation {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&args).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn clap_finds_no_fault() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_plain_v_may_come_before_a_name() {
        assert_eq!(read("qik -v lint").args.how.verbosity, Some(2));
        assert_eq!(read("qik -v lint").args.names, ["lint"]);
        assert_eq!(read("qik -v 0 lint").args.how.verbosity, Some(0));
        assert_eq!(read("qik lint -v 1").args.how.verbosity, Some(1));
        assert_eq!(read("qik -v0 lint").args.how.verbosity, Some(0));
        assert_eq!(read("qik -vv lint").args.how.verbosity, Some(2));
    }

    #[test]
    fn a_verb_may_be_a_command_and_a_colon_makes_sure() {
        assert_eq!((read("qik why lint").verb, read("qik why lint").verb_is_sure), ("why", false));
        assert_eq!((read("qik :why lint").verb, read("qik :why lint").verb_is_sure), ("why", true));
        let args: Vec<OsString> = ["qik", "-n", "2", "why"].map(OsString::from).into();
        let named = parse_as_name(&args, "why").unwrap();
        assert_eq!(named.args.names, ["why"]);
        assert_eq!(named.args.how.workers, Some(2));
    }

    #[test]
    fn the_value_of_an_option_may_be_called_like_a_verb() {
        for line in ["qik -p ci", "qik --profile ci lint", "qik lint -p ci", "qik run -p ci"] {
            let read = read(line);
            assert_eq!(read.args.project.profile.as_deref(), Some("ci"), "{line}");
            assert_eq!(read.verb, "run", "{line}");
        }
        assert_eq!(read("qik -p ci ci github").verb, "ci");
        assert_eq!(read("qik -m graph why").args.select.modules, ["graph"]);
    }

    #[test]
    fn options_count_before_and_behind_a_verb() {
        let invocation = read("qik -C x -m a why lint -m b");
        assert_eq!(invocation.args.project.directory, Some("x".into()));
        assert_eq!(invocation.args.select.modules, ["a", "b"]);
    }
}
