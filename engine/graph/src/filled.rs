//! What one runnable is, with every template filled in.
//!
//! Knows how to render and to merge deps; does not know which runnables there are, nor the state of
//! any file.

use std::sync::Arc;
use std::time::Duration;

use qik_config::Environment;
pub use qik_config::Rendered;
use qik_model::{
    Builtin, CacheWhen, DepKind, GlobSet, Module, Name, OnChange, OnInputChange, Origin, Platform,
    Ready,
};

/// An upstream runnable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Upstream {
    /// Its full name.
    pub name: Name,
    /// Its runs and selection carry over.
    pub strict: bool,
    /// Overrides `--isolated`.
    pub isolated: Option<bool>,
}

/// Globs and distributions that a JSON file lists.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Load {
    /// The file.
    pub path: Rendered,
    /// Globs to use while it does not exist.
    pub default: Vec<Rendered>,
}

/// A value out of a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Val {
    /// The file.
    pub file: Rendered,
    /// The dotted key.
    pub key: Rendered,
}

/// A distribution.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pydist {
    /// Its name on the package index.
    pub name: Rendered,
    /// Whether its own dependencies count too, where the dep says so.
    pub transitive: Option<bool>,
}

/// All that a module imports.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pygraph {
    /// What an `import` calls the module.
    pub pyimport: Rendered,
    /// Globs of data files that count too, sorted.
    pub include: Vec<Rendered>,
}

/// The deps of a runnable by kind, each sorted and without doubles: order and repetition in the
/// configuration mean nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Deps {
    /// Patterns of files.
    pub globs: Vec<Rendered>,
    /// Values that stand for anything.
    pub consts: Vec<Rendered>,
    /// Values out of files.
    pub vals: Vec<Val>,
    /// Files that list patterns.
    pub loads: Vec<Load>,
    /// Variables of the environment, by name.
    pub envs: Vec<Rendered>,
    /// Shell lines whose output counts.
    pub tools: Vec<Rendered>,
    /// Distributions.
    pub pydists: Vec<Pydist>,
    /// Modules with all that they import.
    pub pygraphs: Vec<Pygraph>,
}

/// One executable unit with everything filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Full name: `lint@app`.
    pub name: Name,
    /// The command.
    pub command: Name,
    /// The module that it is applied to.
    pub module: Option<Module>,
    /// The space that it runs in.
    pub space: Name,
    /// What the shell runs; empty where it only groups others, or qik itself does it.
    pub exec: Rendered,
    /// What qik does itself, for the space.
    pub builtin: Option<Builtin>,
    /// Its own deps and those of the base.
    pub deps: Deps,
    /// The globs among them, ready to match.
    pub dep_globs: GlobSet,
    /// Whether it has deps of its own: without, it is never cached.
    pub has_deps: bool,
    /// Upstream runnables, sorted by name.
    pub upstream: Vec<Upstream>,
    /// Patterns of the files that it makes.
    pub artifacts: Vec<Rendered>,
    /// The same, ready to match.
    pub artifact_globs: GlobSet,
    /// What it runs in.
    pub environment: Arc<Environment>,
    /// Variables for the process: with a value, or passed on from qik's own environment.
    pub env: Vec<(Name, Option<Rendered>)>,
    /// Context variables that anything above mentions, with their values.
    pub context: Vec<(Name, Arc<str>)>,
    /// How it is to be run and kept; nothing of it enters the fingerprint.
    pub settings: Settings,
}

impl Definition {
    /// The runnable that makes the Python environment that this one runs in.
    pub fn install_step(&self) -> Option<&Name> {
        self.environment.venv.as_ref()?.install_step.as_ref()
    }

    /// Whether it is a step towards an environment that others run in.
    pub fn is_venv_step(&self) -> bool {
        self.builtin.is_some_and(Builtin::is_venv_step)
    }
}

/// How a runnable is run and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where the command is configured.
    pub origin: Origin,
    /// The cache that the command itself names.
    pub cache: Option<Name>,
    /// Which results the command itself wants kept.
    pub cache_when: Option<CacheWhen>,
    /// For selection.
    pub tags: Vec<Name>,
    /// Left out of a plain `qik`.
    pub hidden: bool,
    /// For people.
    pub description: Option<String>,
    /// After which it is stopped.
    pub timeout: Option<Duration>,
    /// How often it is tried again.
    pub retries: u32,
    /// Runs alone with the terminal.
    pub interactive: bool,
    /// Does not end by itself.
    pub persistent: bool,
    /// When a persistent one is ready; `None`: as soon as it runs.
    pub ready: Option<Ready>,
    /// What a change does to it while it runs, where the command itself says so.
    pub on_change: Option<OnChange>,
    /// What happens where inputs change meanwhile.
    pub on_input_change: OnInputChange,
    /// For which machines results hold.
    pub platform: Platform,
}

impl Deps {
    /// Sorts `kind` in, rendered by `render`; says whether it was a dep of this room's concern
    /// (commands are the graph's).
    pub(crate) fn add<E>(
        &mut self,
        kind: &DepKind,
        mut render: impl FnMut(&str) -> Result<Rendered, E>,
    ) -> Result<bool, E> {
        match kind {
            DepKind::Glob { pattern } => self.globs.push(render(pattern)?),
            DepKind::Const { val } => self.consts.push(render(val)?),
            DepKind::Env { name } => self.envs.push(render(name)?),
            DepKind::Exec { run } => self.tools.push(render(run)?),
            DepKind::Val { file, key } => {
                self.vals.push(Val { file: render(file)?, key: render(key)? });
            }
            DepKind::Load { path, default } => {
                let default = default.iter().map(|glob| render(glob)).collect::<Result<_, E>>()?;
                self.loads.push(Load { path: render(path)?, default });
            }
            DepKind::Pydist { name, transitive } => {
                self.pydists.push(Pydist { name: render(name)?, transitive: *transitive });
            }
            DepKind::Pygraph { pyimport, include } => {
                let include = include.iter().map(|glob| render(glob)).collect::<Result<_, E>>()?;
                let mut pygraph = Pygraph { pyimport: render(pyimport)?, include };
                settle(&mut pygraph.include);
                self.pygraphs.push(pygraph);
            }
            DepKind::Command { .. } => return Ok(false),
        }
        Ok(true)
    }

    pub(crate) fn settle(&mut self) {
        settle(&mut self.globs);
        settle(&mut self.consts);
        settle(&mut self.vals);
        settle(&mut self.loads);
        settle(&mut self.envs);
        settle(&mut self.tools);
        settle(&mut self.pydists);
        settle(&mut self.pygraphs);
    }
}

fn settle<T: Ord>(items: &mut Vec<T>) {
    items.sort();
    items.dedup();
}
