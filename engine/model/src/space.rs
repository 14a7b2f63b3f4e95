//! Spaces: the environment that commands run in, and the modules that they run over. Plain data as
//! configured, templates not filled in.

use std::sync::Arc;

use crate::diagnostic::Origin;
use crate::path::RelPath;
use crate::project::{Name, Template};
use crate::python::Fence;

/// A named environment.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Space {
    /// Its name.
    pub name: Name,
    /// Where it is configured; `None` for an implied `default`.
    pub origin: Option<Origin>,
    /// The folder below which it is selected.
    pub root: Option<RelPath>,
    /// In the order of the file.
    pub modules: Vec<Module>,
    /// What its code may import; `None` where it may import everything.
    pub fence: Option<Fence>,
    /// Its Python environment; `None` where it says nothing, and no default does.
    pub venv: Option<Arc<Venv>>,
    /// Files of variables, with the places that name them.
    pub dotenv: Vec<(Template, Origin)>,
    /// Variables of its commands: with a value set here, or passed on.
    pub env: Vec<(Name, Option<Template>)>,
    /// What of qik's own environment reaches its commands.
    pub inherit: Inherit,
    /// Variables that reach its commands and count as inputs of theirs.
    pub pass_env: Vec<Name>,
}

/// A folder over which commands are parametrized.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Module {
    /// Its name, unique in the project.
    pub name: Name,
    /// The folder.
    pub dir: RelPath,
    /// What the folder is called in an `import`.
    pub pyimport: Name,
    /// The space that owns it.
    pub space: Name,
    /// Where it is configured.
    pub origin: Origin,
}

/// What of qik's own environment reaches a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Inherit {
    /// All of it.
    #[default]
    All,
    /// What programs cannot do without, and what is named.
    Strict,
}

impl Inherit {
    /// The spellings.
    pub const NAMES: [&'static str; 2] = ["all", "strict"];

    /// The one spelt so.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "all" => Self::All,
            "strict" => Self::Strict,
            _ => return None,
        })
    }
}

/// A Python environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Venv {
    /// Where it is configured.
    pub origin: Origin,
    /// What it is.
    pub kind: VenvKind,
}

/// The kinds of environments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VenvKind {
    /// Whichever is active. The files say what it holds.
    Active {
        /// Requirements files.
        reqs: Vec<Template>,
        /// The lock file, instead of these.
        lock: Option<Template>,
    },
    /// One that qik makes from requirements.
    Uv(UvVenv),
    /// One that qik makes from a project with a `uv.lock`.
    UvProject(UvProject),
    /// One that something else makes, by its folder.
    Prefix(Prefix),
    /// That of another space.
    Space {
        /// The space.
        name: Name,
    },
}

/// An environment made from requirements files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UvVenv {
    /// Requirements files.
    pub reqs: Vec<Template>,
    /// The lock file; `None` for one that qik chooses.
    pub lock: Option<Template>,
    /// The Python version.
    pub python: Option<Template>,
    /// What keeps versions in bounds.
    pub constraints: Vec<Constraint>,
    /// The package index.
    pub index_url: Option<Template>,
    /// Further package indexes.
    pub extra_index_url: Vec<Template>,
}

/// What keeps versions in bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// A file of constraints.
    File(Template),
    /// The lock of another space, and the place that names it.
    Space(Name, Origin),
}

/// An environment made from a project with a `uv.lock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UvProject {
    /// The folder of the project.
    pub path: Template,
    /// Dependency groups instead of those that are the project's default.
    pub groups: Vec<Template>,
    /// Extras of the project.
    pub extras: Vec<Template>,
    /// The member of a workspace.
    pub package: Option<Template>,
    /// The Python version.
    pub python: Option<Template>,
}

/// An environment by its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Who made it.
    pub maker: Maker,
    /// The folder, absolute or relative to the project.
    pub path: Template,
    /// The files that it was made from.
    pub files: Vec<Template>,
}

/// What makes environments beside qik.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Maker {
    /// conda, mamba, micromamba.
    Conda,
    /// pixi, whose environments are conda's.
    Pixi,
}

/// What holds for environments that uv makes, where they say nothing themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UvConfig {
    /// The cache of locks.
    pub cache: Option<Template>,
    /// The Python version.
    pub python: Option<Template>,
    /// What keeps versions in bounds.
    pub constraints: Vec<Constraint>,
    /// The package index.
    pub index_url: Option<Template>,
    /// Further package indexes.
    pub extra_index_url: Vec<Template>,
}
