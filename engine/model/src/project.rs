//! The project as the user described it: commands, deps, spaces, modules, caches, variables.
//! Plain data without spans; [`Origin`]s lead back to the text.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::diagnostic::Origin;
use crate::path::RelPath;
use crate::python::{PydistConfig, PygraphConfig};
use crate::space::{Space, UvConfig};
use crate::watch::{OnChange, Ready, WatchConfig};

/// A name that the user chose.
pub type Name = Arc<str>;

/// A text in which `{ctx.…}` and `{module.…}` are still to be filled in.
pub type Template = Arc<str>;

/// A whole project, merged from its root configuration, its includes and its modules' own files.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Project {
    /// By full name: `lint`, or `MODULE/lint` for a command from a module's own configuration.
    pub commands: BTreeMap<Name, Arc<Command>>,
    /// Always holds `default`.
    pub spaces: BTreeMap<Name, Arc<Space>>,
    /// The configured ones; `local`, `repo` and `none` exist without being named here.
    pub caches: BTreeMap<Name, Arc<CacheConfig>>,
    /// Named plugins.
    pub plugins: BTreeMap<Name, Arc<Plugin>>,
    /// Project variables, in the order of the file.
    pub variables: Vec<Variable>,
    /// Always holds `default` and `ci`.
    pub profiles: BTreeMap<Name, Arc<Profile>>,
    /// Deps of every command that has deps of its own.
    pub base: Vec<Dep>,
    /// What commands and spaces take where they say nothing.
    pub defaults: Defaults,
    /// How distributions are found.
    pub pydist: PydistConfig,
    /// How imports are read.
    pub pygraph: PygraphConfig,
    /// How uv makes environments.
    pub uv: UvConfig,
    /// How `--watch` behaves.
    pub watch: WatchConfig,
}

/// A configured shell string with deps, artifacts and a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Full name.
    pub name: Name,
    /// Where it is configured.
    pub origin: Origin,
    /// What the shell runs; empty for a command that only groups others.
    pub exec: Template,
    /// Its own deps, without the base.
    pub deps: Vec<Dep>,
    /// Globs of the files that it makes.
    pub artifacts: Vec<Template>,
    /// The cache it names.
    pub cache: Option<Template>,
    /// Which results it keeps.
    pub cache_when: Option<CacheWhen>,
    /// The space it runs in; with `{module…}` in `exec`, the space whose modules it runs over.
    pub space: Option<Name>,
    /// The module in whose own configuration it stands.
    pub module: Option<Name>,
    /// For selection.
    pub tags: Vec<Name>,
    /// Left out of a plain `qik`.
    pub hidden: bool,
    /// For people.
    pub description: Option<String>,
    /// Variables that enter the fingerprint and the process: with a value set here, or passed on.
    pub env: Vec<(Name, Option<Template>)>,
    /// After which it is stopped and has failed.
    pub timeout: Option<Duration>,
    /// How often it is tried again after a failure.
    pub retries: u32,
    /// Runs alone with the terminal for itself, and is never cached.
    pub interactive: bool,
    /// Does not end by itself: others run beside it, and it is never cached.
    pub persistent: bool,
    /// When a persistent one is ready for what depends on it; `None`: as soon as it runs.
    pub ready: Option<Ready>,
    /// What a change of its inputs does to it while it runs, in a session that watches.
    pub on_change: Option<OnChange>,
    /// What happens where its inputs changed while it ran.
    pub on_input_change: OnInputChange,
    /// For which machines its results hold.
    pub platform: Platform,
    /// What qik does itself instead of running `exec`.
    pub builtin: Option<Builtin>,
}

/// What qik does itself, once per space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Builtin {
    /// Checks that the imports of a space stay within its fence.
    FenceCheck,
    /// Locks the versions of a space's environment.
    VenvLock,
    /// Makes a space's environment.
    VenvInstall,
}

impl Builtin {
    /// Whether it is a step towards an environment that commands run in.
    pub fn is_venv_step(self) -> bool {
        matches!(self, Self::VenvLock | Self::VenvInstall)
    }
}

/// Something that a runnable's result depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dep {
    /// What it is.
    pub kind: DepKind,
    /// Where it is configured.
    pub origin: Origin,
}

/// The kinds of deps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DepKind {
    /// Files by pattern; `!pattern` excludes from all globs of its list.
    Glob {
        /// The pattern.
        pattern: Template,
    },
    /// A value that stands for anything.
    Const {
        /// The value.
        val: Template,
    },
    /// Another command: order, and its artifacts.
    Command {
        /// Its full name.
        name: Name,
        /// Its runs and selection carry over to what depends on it.
        strict: bool,
        /// `Some(true)`: not selected with the command; `Some(false)`: selected even with
        /// `--isolated`.
        isolated: Option<bool>,
    },
    /// An installed distribution.
    Pydist {
        /// Its name on the package index.
        name: Template,
        /// Whether its own dependencies count too; `None` leaves it to [`PydistConfig::transitive`].
        transitive: Option<bool>,
    },
    /// Everything that a Python module or package imports.
    Pygraph {
        /// What an `import` calls it.
        pyimport: Template,
        /// Further globs of data files, beside [`crate::Reading::include`].
        include: Vec<Template>,
    },
    /// Globs and distributions listed in a JSON file.
    Load {
        /// The JSON file.
        path: Template,
        /// Globs to use while the file does not exist.
        default: Vec<Template>,
    },
    /// One value out of a TOML or JSON file; `key` is dotted.
    Val {
        /// The file.
        file: Template,
        /// The dotted key in it.
        key: Template,
    },
    /// A variable of the process environment.
    Env {
        /// Its name.
        name: Template,
    },
    /// The output of a cheap command.
    Exec {
        /// The shell line.
        run: Template,
    },
}

/// A configured cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheConfig {
    /// Its name.
    pub name: Name,
    /// Where it is configured.
    pub origin: Origin,
    /// Its type: `repo`, `local`, `s3`, …
    pub kind: Name,
    /// Settings as written, without `type`, by key in kebab-case.
    pub settings: BTreeMap<Name, Setting>,
}

/// A setting of a cache or plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text, with templates.
    Str(Template),
    /// Texts.
    List(Vec<Template>),
}

/// A named plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// The prefix of its commands.
    pub name: Name,
    /// `qik.pygraph`, `qik.s3` or `qik.uv`.
    pub pyimport: Name,
    /// Where it is named.
    pub origin: Origin,
    /// Its settings; those of pygraph are in [`Project::pygraph`].
    pub settings: BTreeMap<Name, Setting>,
}

/// A project variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: Name,
    /// Where it is configured.
    pub origin: Origin,
    /// What its values are.
    pub kind: VariableKind,
    /// Its value where nothing sets it.
    pub default: Option<ContextValue>,
    /// Whether a reference to it without a value is an error.
    pub required: bool,
}

/// Types of variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VariableKind {
    /// Text.
    Str,
    /// Whole number.
    Int,
    /// Truth value.
    Bool,
}

/// A value of a variable, or of one of qik's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ContextValue {
    /// Text.
    Str(Arc<str>),
    /// Whole number.
    Int(i64),
    /// Truth value; reads `True` or `False` in templates.
    Bool(bool),
    /// Texts; reads joined by commas.
    List(Vec<Arc<str>>),
    /// No value; reads `None`.
    None,
}

/// A named set of context values.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Profile {
    /// For qik's own variables, by name in kebab-case.
    pub qik: BTreeMap<Name, (ContextValue, Option<Origin>)>,
    /// For the project's.
    pub project: BTreeMap<Name, (ContextValue, Option<Origin>)>,
}

/// What holds where a command or space says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// The cache, weaker than any profile.
    pub cache: Option<Template>,
    /// Which results are kept.
    pub cache_when: Option<CacheWhen>,
    /// Roots of imports.
    pub python_path: Vec<RelPath>,
    /// More globs of untracked files that are no inputs.
    pub ignore: Vec<Template>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            cache: None,
            cache_when: None,
            python_path: vec![RelPath::root()],
            ignore: Vec::new(),
        }
    }
}

/// Which results are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum CacheWhen {
    /// Exit code 0.
    #[default]
    Success,
    /// Any other exit code.
    Failed,
    /// All of them.
    Finished,
}

impl CacheWhen {
    /// The spellings, for configuration and command line; `always` is the same as `finished`.
    pub const NAMES: [&'static str; 4] = ["success", "failed", "finished", "always"];

    /// The one spelt so.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "success" => Self::Success,
            "failed" => Self::Failed,
            "finished" | "always" => Self::Finished,
            _ => return None,
        })
    }

    /// Whether a result with this exit code is kept.
    pub fn keeps(self, code: i32) -> bool {
        match self {
            Self::Success => code == 0,
            Self::Failed => code != 0,
            Self::Finished => true,
        }
    }
}

/// What happens where a runnable's inputs changed while it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum OnInputChange {
    /// It runs once more, and is stored only if the inputs then held still.
    #[default]
    Rerun,
    /// It is stored under the last fingerprint.
    Accept,
    /// It is not stored.
    Skip,
}

impl OnInputChange {
    /// The spellings.
    pub const NAMES: [&'static str; 3] = ["rerun", "accept", "skip"];

    /// The one spelt so.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "rerun" => Self::Rerun,
            "accept" => Self::Accept,
            "skip" => Self::Skip,
            _ => return None,
        })
    }
}

/// For which machines a command's results hold in the local cache and in remotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Platform {
    /// For machines of the kind that made them (`linux-64`, …).
    #[default]
    Same,
    /// For all.
    Any,
}
