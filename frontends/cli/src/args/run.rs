//! The options of a run, by what they are about.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::report::Target;

#[derive(Clone, Debug, Default, Args)]
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

#[derive(Clone, Debug, Default, Args)]
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
    /// Only the I-th of N parts, for as many machines: balanced, and each part the same wherever it
    /// is made
    #[arg(long, value_name = "I/N", value_parser = part)]
    pub shard: Option<String>,
    /// Leave out what the selected commands depend on
    #[arg(long)]
    pub isolated: bool,
    /// Stay, and run again what a saved file affects
    #[arg(short, long, conflicts_with_all = ["ls", "fail"])]
    pub watch: bool,
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

#[derive(Clone, Debug, Default, Args)]
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

#[derive(Clone, Debug, Default, Args)]
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
    /// Live progress, plain lines, or what happens as JSON: one object a line on stdout
    #[arg(short, long, value_name = "LOGGER")]
    pub logger: Option<Logger>,
    /// Begin nothing more after the first failure; what runs then is let finish
    #[arg(long, overrides_with = "keep_going")]
    pub fail_fast: bool,
    /// Go on after failures with all that does not need what failed (what holds if nothing is said)
    #[arg(long, overrides_with = "fail_fast")]
    pub keep_going: bool,
    /// Also write a report: junit=FILE, json=FILE or markdown=FILE; may be given more than once
    #[arg(long = "report", value_name = "FORMAT=FILE")]
    pub reports: Vec<Target>,
    /// For which service logs are folded and failures marked; found out if not given
    #[arg(long, value_name = "SERVICE")]
    pub ci_format: Option<CiFormat>,
}

#[derive(Clone, Debug, Default, Args)]
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
    /// Tell at the end how long each phase of qik's own work took
    #[arg(long)]
    pub timings: bool,
    /// Write the phases of qik's own work for `chrome://tracing` or ui.perfetto.dev
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One name a line
    #[default]
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
    Json,
}

/// How logs are marked up for a service that runs pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CiFormat {
    /// As the service wants it in which qik runs
    Auto,
    /// Not at all
    None,
    /// Groups and annotations of GitHub Actions
    Github,
    /// Sections of GitLab
    Gitlab,
}

fn part(text: &str) -> Result<String, String> {
    match qik_session::Part::parse(text) {
        Some(_) => Ok(text.into()),
        None => Err("the second of eight is `2/8`".into()),
    }
}
