//! What is built in beside running commands, and what each verb takes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::run::{ProjectArgs, RunArgs};

/// The names of the verbs.
pub(crate) const VERBS: [&str; 6] = ["run", "why", "graph", "ci", "cache", "config"];

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
    pub fn args(self) -> (RunArgs, Option<Ask>) {
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
