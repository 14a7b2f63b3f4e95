//! What a project says of its Python code: how imports are read, how distributions are found, what a
//! space may import. Plain data; what any of it means for a file is the business of `python`.

use std::collections::BTreeMap;

use crate::diagnostic::Origin;
use crate::project::{Name, Template};

/// The folders whose code a space's code may import, beside the space's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fence {
    /// Globs of further files; `!pattern` takes out.
    pub paths: Vec<Name>,
    /// Spaces whose modules, and whose fences, are inside too.
    pub spaces: Vec<(Name, Origin)>,
    /// Where it is configured.
    pub origin: Origin,
}

/// How distributions are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PydistConfig {
    /// Versions that count instead of what is installed or locked, by name of the distribution.
    pub versions: BTreeMap<Name, Name>,
    /// A distribution that a dep names and that is not there is no error.
    pub ignore_missing: bool,
    /// The distribution behind an import; an empty text leaves the import out.
    pub modules: BTreeMap<Name, Name>,
    /// An import that belongs to no distribution: `None` warns of it, `true` says nothing, `false` is
    /// an error of what reaches it.
    pub ignore_missing_modules: Option<bool>,
    /// Whether the dependencies of distributions count too.
    pub transitive: bool,
}

impl Default for PydistConfig {
    fn default() -> Self {
        Self {
            versions: BTreeMap::new(),
            ignore_missing: false,
            modules: BTreeMap::new(),
            ignore_missing_modules: None,
            transitive: true,
        }
    }
}

/// How the import graph is made and kept.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PygraphConfig {
    /// How imports are read.
    pub reading: Reading,
    /// Leave out distributions: only the project's own files count.
    pub ignore_pydists: bool,
    /// The cache of the plugin's commands.
    pub cache: Option<Template>,
    /// The cache of `pygraph.check`, before `cache`.
    pub check_cache: Option<Template>,
}

/// How imports are read: what counts beside plain import statements. The defaults leave nothing out
/// that may make a result stale.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reading {
    /// Leave out what is imported for type checkers alone.
    pub ignore_type_checking: bool,
    /// A test needs the `conftest.py` of each folder above it.
    pub conftest: bool,
    /// Stub files count beside what they describe.
    pub stubs: bool,
    /// `import_module("a.b")` and `__import__("a.b")` import.
    pub dynamic_imports: bool,
    /// A package that loads its submodules by computed names needs all of them.
    pub whole_packages: bool,
    /// Literal `pytest_plugins` import.
    pub pytest_plugins: bool,
    /// Dotted strings in settings (`INSTALLED_APPS`) import.
    pub dotted_strings: bool,
    /// Globs of data files that count with the package that they lie in.
    pub include: Vec<Name>,
    /// Imports that no statement says.
    pub add_links: Vec<Link>,
    /// Imports that do not count.
    pub remove_links: Vec<Link>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            ignore_type_checking: false,
            conftest: true,
            stubs: true,
            dynamic_imports: true,
            whole_packages: true,
            pytest_plugins: true,
            dotted_strings: false,
            include: Vec::new(),
            add_links: Vec::new(),
            remove_links: Vec::new(),
        }
    }
}

/// Edges of the import graph by pattern. A pattern is a dotted name in which `*` stands for one
/// segment and `**` for any number; a package stands for all that is in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// What imports.
    pub from: Name,
    /// What is imported.
    pub to: Vec<Name>,
}
