//! What the commands of a space run in, with every template filled in: the Python environment, files
//! of variables, variables. Reads none of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qik_db::Db;
use qik_model::{
    Builtin, Constraint, Diagnostic, Inherit, Maker, Name, Origin, Place, RelPath, Template,
    UvProject, UvVenv, Venv, VenvKind,
};

use crate::lower::step_name;
use crate::rendered::{Rendered, rendered};
use crate::{project, space, venvs};

/// Where qik keeps the environments that it makes.
pub const VENVS: &str = "._qik/venv";
/// Where locks lie that nothing else is said of.
pub const LOCKS: &str = ".qik/artifacts/uv.lock";

/// How a shell line begins that runs in an environment that qik makes.
pub const ACTIVATION: &str = "export VIRTUAL_ENV=";

/// What the commands of a space run in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The Python environment.
    pub venv: Option<Arc<FilledVenv>>,
    /// Files of variables, in order.
    pub dotenv: Vec<RelPath>,
    /// Variables with a value, or passed on from qik's own environment.
    pub env: Vec<(Name, Option<Rendered>)>,
    /// What of qik's own environment is there.
    pub inherit: Inherit,
    /// Variables of qik's own environment that count.
    pub pass_env: Vec<Name>,
    /// Context variables that anything above mentions, with their values.
    pub context: Vec<(Name, Arc<str>)>,
}

/// A Python environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledVenv {
    /// The space whose environment it is.
    pub owner: Name,
    /// Where it is configured.
    pub origin: Origin,
    /// The files that say what it holds.
    pub files: Vec<RelPath>,
    /// The runnable that locks it.
    pub lock_step: Option<Name>,
    /// The runnable that makes it.
    pub install_step: Option<Name>,
    /// What it is.
    pub kind: FilledKind,
}

/// What a Python environment is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilledKind {
    /// Whichever is active.
    Active,
    /// One made by uv from requirements.
    Uv(FilledUv),
    /// One made by uv from a project.
    UvProject {
        /// The folder of the project.
        folder: RelPath,
        /// What is said to `uv sync` beside that.
        options: Vec<Rendered>,
        /// The Python version.
        python: Option<Rendered>,
    },
    /// One that something else makes.
    Prefix {
        /// Who.
        maker: Maker,
        /// Its folder, absolute or relative to the project.
        path: Rendered,
    },
}

/// An environment made by uv from requirements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledUv {
    /// Requirements files.
    pub reqs: Vec<RelPath>,
    /// The lock file.
    pub lock: RelPath,
    /// Files that keep versions in bounds.
    pub constraints: Vec<RelPath>,
    /// The runnables that write such files.
    pub constraint_steps: Vec<Name>,
    /// The Python version.
    pub python: Option<Rendered>,
    /// The package index.
    pub index_url: Option<Rendered>,
    /// Further ones.
    pub extra_index_url: Vec<Rendered>,
}

impl FilledVenv {
    /// Its folder in the project, where qik makes it.
    pub fn folder(&self) -> Option<RelPath> {
        self.install_step.as_ref().map(|_| venv_folder(&self.owner))
    }
}

impl Environment {
    /// What a shell line begins with that is to run in the Python environment; empty where any will
    /// do. It is for the project folder.
    pub fn activation(&self) -> String {
        let Some(venv) = &self.venv else { return String::new() };
        let (name, prefix) = match &venv.kind {
            FilledKind::Active => return String::new(),
            FilledKind::Prefix { path, .. } => ("CONDA_PREFIX", path.text.to_string()),
            _ => ("VIRTUAL_ENV", venv_folder(&venv.owner).to_string()),
        };
        let root = if prefix.starts_with('/') { "" } else { "$PWD/" };
        let prefix = prefix.replace('\'', r"'\''");
        format!("export {name}=\"{root}\"'{prefix}' PATH=\"{root}\"'{prefix}'/bin:\"$PATH\"; ")
    }
}

/// The folder of the environment that qik makes for a space.
pub fn venv_folder(space: &str) -> RelPath {
    RelPath::from(VENVS).join(space.replace('%', "%25").replace('/', "%2F"))
}

/// What the commands of a space run in.
///
/// # Errors
/// Values that are missing, files that are outside of the project.
pub fn environment<'db>(
    db: &'db dyn Db,
    name: &str,
) -> Result<&'db Arc<Environment>, &'db Diagnostic> {
    environment_of(db, SpaceNamed::new(db, Name::from(name))).as_ref()
}

#[salsa::interned(debug, revisions = usize::MAX)]
struct SpaceNamed<'db> {
    #[returns(ref)]
    name: Name,
}

#[salsa::tracked(returns(ref))]
fn environment_of<'db>(
    db: &'db dyn Db,
    name: SpaceNamed<'db>,
) -> Result<Arc<Environment>, Diagnostic> {
    let Some(space) = space(db, name.name(db)) else { return Ok(Arc::default()) };
    let filler = || Filler { db, context: BTreeMap::new() };
    let venv = match owner_of(db, &space.name) {
        // Of these texts the lock is what counts, and they may hold credentials that change.
        Some((owner, venv)) => Some(Arc::new(filler().venv(&owner, &venv)?)),
        None => None,
    };
    let mut filler = filler();
    let dotenv = space.dotenv.iter().map(|(text, at)| filler.path(text, at));
    let dotenv = dotenv.collect::<Result<_, _>>()?;
    let origin = space.origin.clone().unwrap_or_else(|| Origin::top(""));
    let mut env = Vec::new();
    for (name, value) in &space.env {
        let value = match value {
            Some(value) => Some(filler.text(value, &origin.key("env").key(name.clone()))?),
            None => None,
        };
        env.push((name.clone(), value));
    }
    env.sort();
    let (inherit, pass_env) = (space.inherit, space.pass_env.clone());
    let context = filler.context.into_iter().collect();
    Ok(Arc::new(Environment { venv, dotenv, env, inherit, pass_env, context }))
}

/// The space whose environment a space uses, and the environment. By narrow queries: an edit
/// elsewhere in the configuration leaves it alone.
fn owner_of(db: &dyn Db, name: &str) -> Option<(Name, Arc<Venv>)> {
    let mut seen = BTreeSet::new();
    let mut at = space(db, name)?;
    loop {
        let venv = at.venv.as_ref()?;
        match &venv.kind {
            VenvKind::Space { name } if seen.insert(name.clone()) => at = space(db, name)?,
            VenvKind::Space { .. } => return None,
            _ => return Some((at.name.clone(), venv.clone())),
        }
    }
}

/// What the command that takes a step towards environments is called.
#[salsa::tracked(returns(ref))]
fn step_of(db: &dyn Db, step: StepKey<'_>) -> Name {
    step_name(project(db), step.builtin(db))
}

#[salsa::interned(debug, revisions = usize::MAX)]
struct StepKey<'db> {
    #[returns(copy)]
    builtin: Builtin,
}

struct Filler<'db> {
    db: &'db dyn Db,
    context: BTreeMap<Name, Arc<str>>,
}

impl Filler<'_> {
    fn venv(&mut self, owner: &Name, venv: &Venv) -> Result<FilledVenv, Diagnostic> {
        let at = &venv.origin;
        let mut filled = FilledVenv {
            owner: owner.clone(),
            origin: at.clone(),
            files: Vec::new(),
            lock_step: None,
            install_step: None,
            kind: FilledKind::Active,
        };
        match &venv.kind {
            VenvKind::Active { reqs, lock } => {
                let files: &[Template] = lock.as_ref().map_or(reqs, std::slice::from_ref);
                filled.files = self.paths(files, at)?;
            }
            VenvKind::Uv(uv) => {
                let uv = self.uv(owner, uv, at)?;
                filled.files = vec![uv.lock.clone()];
                filled.lock_step = Some(self.step(Builtin::VenvLock, owner));
                filled.install_step = Some(self.step(Builtin::VenvInstall, owner));
                filled.kind = FilledKind::Uv(uv);
            }
            VenvKind::UvProject(of) => {
                let folder = self.path(&of.path, at)?;
                filled.files = vec![folder.join("pyproject.toml"), self.lock_of(&folder)];
                filled.install_step = Some(self.step(Builtin::VenvInstall, owner));
                let python = self.maybe(of.python.as_ref(), at)?;
                let options = self.sync_options(of, at)?;
                filled.kind = FilledKind::UvProject { folder, options, python };
            }
            VenvKind::Prefix(prefix) => {
                filled.files = self.paths(&prefix.files, at)?;
                let path = self.text(&prefix.path, &at.key("prefix"))?;
                filled.kind = FilledKind::Prefix { maker: prefix.maker, path };
            }
            VenvKind::Space { .. } => {}
        }
        Ok(filled)
    }

    fn uv(&mut self, owner: &Name, uv: &UvVenv, at: &Origin) -> Result<FilledUv, Diagnostic> {
        let lock = self.lock(owner, uv, at)?;
        let (mut constraints, mut constraint_steps) = (Vec::new(), Vec::new());
        for constraint in &uv.constraints {
            match constraint {
                Constraint::File(file) => constraints.push(self.path(file, at)?),
                Constraint::Space(name, _) => {
                    let Some((owner, venv)) = owner_of(self.db, name) else { continue };
                    if let VenvKind::Uv(uv) = &venv.kind {
                        // Its lock is all there is to know, not what constrains that in turn: this
                        // may be one of a circle, which was reported and still is asked about.
                        constraints.push(self.lock(&owner, uv, &venv.origin)?);
                        constraint_steps.push(self.step(Builtin::VenvLock, &owner));
                    } else {
                        constraints.extend(self.venv(&owner, &venv)?.files);
                    }
                }
            }
        }
        Ok(FilledUv {
            reqs: self.paths(&uv.reqs, at)?,
            lock,
            constraints,
            constraint_steps,
            python: self.maybe(uv.python.as_ref(), &at.key("python"))?,
            index_url: self.maybe(uv.index_url.as_ref(), &at.key("index-url"))?,
            extra_index_url: uv
                .extra_index_url
                .iter()
                .map(|url| self.text(url, &at.key("extra-index-url")))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The lock of an environment that uv makes.
    fn lock(&mut self, owner: &Name, uv: &UvVenv, at: &Origin) -> Result<RelPath, Diagnostic> {
        if let Some(lock) = &uv.lock {
            return self.path(lock, &at.key("lock"));
        }
        let name = owner.replace('%', "%25").replace('/', "%2F");
        Ok(RelPath::from(LOCKS).join(format!("{name}.txt")))
    }

    /// The step towards the environment of a space.
    fn step(&self, builtin: Builtin, owner: &Name) -> Name {
        let name = step_of(self.db, StepKey::new(self.db, builtin));
        Name::from(format!("{name}@{owner}"))
    }

    /// The lock of a project: beside it, or that of the workspace that it is in.
    fn lock_of(&self, project: &RelPath) -> RelPath {
        let folders = std::iter::successors(Some(project.clone()), RelPath::parent);
        let mut locks = folders.map(|folder| folder.join("uv.lock"));
        let is_there = |lock: &RelPath| self.db.source(lock).bytes(self.db).is_some();
        locks.find(is_there).unwrap_or_else(|| project.join("uv.lock"))
    }

    fn sync_options(&mut self, of: &UvProject, at: &Origin) -> Result<Vec<Rendered>, Diagnostic> {
        let plain = |text: &str| Rendered { text: text.into(), told: text.into() };
        let mut options = Vec::new();
        if !of.groups.is_empty() {
            options.push(plain("--no-default-groups"));
        }
        let lists = [("--group", &of.groups[..]), ("--extra", &of.extras)];
        let package = ("--package", of.package.as_slice());
        for (option, values) in lists.into_iter().chain([package]) {
            for value in values {
                options.push(plain(option));
                options.push(self.text(value, at)?);
            }
        }
        Ok(options)
    }

    fn maybe(
        &mut self,
        text: Option<&Template>,
        at: &Origin,
    ) -> Result<Option<Rendered>, Diagnostic> {
        text.map(|text| self.text(text, at)).transpose()
    }

    fn paths(&mut self, texts: &[Template], at: &Origin) -> Result<Vec<RelPath>, Diagnostic> {
        texts.iter().map(|text| self.path(text, at)).collect()
    }

    fn path(&mut self, text: &str, at: &Origin) -> Result<RelPath, Diagnostic> {
        let filled = self.text(text, at)?;
        RelPath::new(filled.text.as_bytes()).ok_or_else(|| {
            venvs::bad_path(&filled.told).at(Place::Value(at.clone()), "leaves the project")
        })
    }

    fn text(&mut self, text: &str, at: &Origin) -> Result<Rendered, Diagnostic> {
        rendered(self.db, text, at, &mut |name, value| {
            self.context.insert(name, value);
        })
    }
}
