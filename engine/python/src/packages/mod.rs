//! Which distributions the code of a space finds: those of an environment, or where there is none
//! those that a lock file would install. Reads the world through inputs alone; which file means what
//! is the business of `dist`.

mod look;
mod sources;

use std::path::PathBuf;
use std::sync::Arc;

use qik_config::{FilledKind, FilledVenv, env_var, environment};
use qik_db::{Db, World};
use qik_model::{Diagnostic, Name, RelPath};

use crate::dist::{
    self, Candidates, Distributions, Environment, Extras, Found, PythonVersion, Target,
    environments,
};
use sources::Sources;

pub(crate) use look::TrackedLook;

/// Where the maps from imports to distributions lie, one file a space.
pub const IMPORT_MAPS: &str = ".qik/artifacts/pygraph";

/// A space as a key of queries.
#[salsa::interned(debug, revisions = usize::MAX)]
pub struct SpaceKey<'db> {
    /// Its name.
    #[returns(ref)]
    pub name: Name,
    /// Which of its distributions are meant.
    #[returns(copy)]
    pub view: PackagesView,
}

/// Which distributions are meant where there are both an environment and a lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PackagesView {
    /// Those that commands run with: the environment's.
    Running,
    /// Those that the project's files name: two states of the project are told apart by them.
    Declared,
}

impl<'db> SpaceKey<'db> {
    /// The space, with what commands run with.
    pub fn running(db: &'db dyn Db, name: impl Into<Name>) -> Self {
        Self::new(db, name.into(), PackagesView::Running)
    }
}

/// The distributions of a space, with all that it takes to ask about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Packages {
    /// The distributions.
    pub distributions: Distributions,
    /// Where they come from.
    pub origin: PackagesOrigin,
    /// The version of Python, where anything tells.
    pub python: Option<PythonVersion>,
    /// What markers are judged against.
    pub target: Target,
    /// The extras that somebody asked for.
    pub extras: Extras,
    /// What there is to warn of.
    pub notes: Vec<Diagnostic>,
}

/// Where distributions come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackagesOrigin {
    /// They are installed in the environment with this folder.
    Installed(PathBuf),
    /// These lock files of the project name them.
    Locked(Vec<RelPath>),
    /// There is neither environment nor lock.
    Nowhere,
}

impl std::fmt::Display for PackagesOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Installed(prefix) => write!(f, "{}", prefix.display()),
            Self::Locked(files) => {
                let files: Vec<String> = files.iter().map(ToString::to_string).collect();
                f.write_str(&files.join(", "))
            }
            Self::Nowhere => f.write_str("no environment and no lock file"),
        }
    }
}

/// The map of a space's imports that the project keeps.
pub fn import_map_path(space: &str) -> RelPath {
    RelPath::from(IMPORT_MAPS).join(format!("{}.json", space.replace('/', "%2F")))
}

/// The distributions of a space.
#[salsa::tracked(returns(ref))]
pub fn packages_of<'db>(db: &'db dyn Db, space: SpaceKey<'db>) -> Arc<Packages> {
    let look = TrackedLook(db);
    let venv = environment(db, space.name(db)).ok().and_then(|found| found.venv.clone());
    if let Some(venv) = venv.as_deref().filter(|venv| venv.kind != FilledKind::Active) {
        return Arc::new(packages_of_venv(db, space, venv));
    }
    let found = environments(&look, &candidates(db));
    let (last, before): (Vec<Environment>, Vec<Environment>) =
        found.into_iter().partition(|environment| environment.found == Found::OnPath);
    let sources = Sources::read(db, space.name(db), venv.as_deref());
    if space.view(db) == PackagesView::Declared && !sources.files.is_empty() {
        return Arc::new(sources.locked(db));
    }
    if let Some(environment) = before.first() {
        return Arc::new(sources.installed(db, environment));
    }
    if !sources.files.is_empty() {
        return Arc::new(sources.locked(db));
    }
    Arc::new(match last.first() {
        Some(environment) => sources.installed(db, environment),
        None => sources.nowhere(db),
    })
}

/// The distributions of a space with an environment of its own: those that are installed in it, or as
/// long as it is not made (anew) those that it will hold. Never those of another environment.
fn packages_of_venv(db: &dyn Db, space: SpaceKey<'_>, venv: &FilledVenv) -> Packages {
    let look = TrackedLook(db);
    let sources = Sources::read(db, space.name(db), Some(venv));
    let is_declared = space.view(db) == PackagesView::Declared && !sources.files.is_empty();
    let prefix = match &venv.kind {
        _ if is_declared => None,
        FilledKind::Prefix { path, .. } => Some(db.system().root().join(&*path.text)),
        _ => ready_venv(db, venv),
    };
    let found = prefix.and_then(|prefix| dist::environment(&look, &prefix, Found::Configured));
    match found {
        Some(environment) => sources.installed(db, &environment),
        None if sources.files.is_empty() => sources.nowhere(db),
        None => sources.locked(db),
    }
}

/// The folder of an environment that qik made for what its files say now.
fn ready_venv(db: &dyn Db, venv: &FilledVenv) -> Option<PathBuf> {
    let root = db.system().root();
    let prefix = venv.folder()?.to_path(root);
    let made = crate::venv::look_at(&TrackedLook(db), root, &prefix).ok()?;
    let bytes = |path: &RelPath| db.source(path).bytes(db).clone();
    (made.declared == crate::venv::declared(&venv.files, &bytes)).then_some(prefix)
}

fn candidates(db: &dyn Db) -> Candidates {
    let path = |name: &str| env_var(db, name).filter(|text| !text.is_empty());
    let active = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(path);
    Candidates {
        configured: Vec::new(),
        active: active.map(|prefix| PathBuf::from(&**prefix)).collect(),
        binary: World::get(db).binary(db).clone(),
        project: db.system().root().to_path_buf(),
        path: path("PATH")
            .map(|path| path.split(':').map(PathBuf::from).collect())
            .unwrap_or_default(),
    }
}
