//! Which runnables there are: commands, and commands applied to modules.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_config::{project, template};
use qik_db::Db;
use qik_model::{Builtin, Command, Module, Name, Project, Space, VenvKind};
use rustc_hash::FxHashMap;
use salsa::Id;
use salsa::plumbing::{AsId, FromId};

/// One executable unit, as a key of queries: a command, or a command applied to one module or to
/// one space. Never forgotten, so its id stays its own.
#[salsa::interned(debug, revisions = usize::MAX)]
pub struct Runnable<'db> {
    /// The command's full name.
    #[returns(ref)]
    pub command: Name,
    /// The module's name.
    #[returns(ref)]
    pub module: Option<Name>,
    /// The space's name, where the command is made per space.
    #[returns(ref)]
    pub per_space: Option<Name>,
}

/// All runnables of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runnables {
    /// By full name.
    pub by_name: BTreeMap<Name, RunnableKey>,
    /// The full names by command, in the order of the modules.
    pub by_command: BTreeMap<Name, Vec<Name>>,
    /// The runnables by full name, for those who ask often.
    ids: FxHashMap<Name, Id>,
}

/// What a runnable's name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnableKey {
    /// The command's full name.
    pub command: Name,
    /// The module's name, where the command is applied to one.
    pub module: Option<Name>,
    /// The space in which it runs.
    pub space: Name,
    /// Whether it is made for the space itself.
    pub is_per_space: bool,
}

impl RunnableKey {
    fn per_space(&self) -> Option<&Name> {
        self.is_per_space.then_some(&self.space)
    }
}

/// All runnables of the project.
#[salsa::tracked]
pub fn runnables(db: &dyn Db) -> Arc<Runnables> {
    let project = project(db);
    let mut all = Runnables::default();
    for command in project.commands.values() {
        let mut names = Vec::new();
        for key in keys(db, project, command) {
            let name = full_name(command, key.module.as_ref(), key.per_space());
            names.push(Name::clone(&name));
            let (of, over) = (key.command.clone(), key.module.clone());
            let runnable = Runnable::new(db, of, over, key.per_space().cloned());
            all.ids.insert(name.clone(), runnable.as_id());
            all.by_name.insert(name, key);
        }
        all.by_command.insert(command.name.clone(), names);
    }
    Arc::new(all)
}

fn keys(db: &dyn Db, project: &Project, command: &Command) -> Vec<RunnableKey> {
    let key = |module: Option<&Module>, space: &Name| RunnableKey {
        command: command.name.clone(),
        module: module.map(|module| module.name.clone()),
        space: space.clone(),
        is_per_space: command.builtin.is_some(),
    };
    if let Some(builtin) = command.builtin {
        let spaces = project.spaces.values().filter(|space| has_step(builtin, space));
        return spaces.map(|space| key(None, &space.name)).collect();
    }
    if let Some(owner) = &command.module {
        // It stands in a module's own configuration and speaks of that module.
        let module = module(db, project, owner);
        let space = module.map(|module| &module.space);
        return vec![key(module, command.space.as_ref().or(space).unwrap_or(&default_space()))];
    }
    if !is_parametrized(command) {
        return vec![key(None, command.space.as_ref().unwrap_or(&default_space()))];
    }
    modules(project)
        .filter(|module| command.space.as_ref().is_none_or(|space| *space == module.space))
        .map(|module| key(Some(module), &module.space))
        .collect()
}

fn has_step(builtin: Builtin, space: &Space) -> bool {
    let kind = space.venv.as_ref().map(|venv| &venv.kind);
    match builtin {
        Builtin::FenceCheck => space.fence.is_some(),
        Builtin::VenvLock => matches!(kind, Some(VenvKind::Uv(_))),
        Builtin::VenvInstall => matches!(kind, Some(VenvKind::Uv(_) | VenvKind::UvProject(_))),
    }
}

/// Whether the command runs once per module.
fn is_parametrized(command: &Command) -> bool {
    template::parse(&command.exec).is_ok_and(|parts| parts.mentions_module())
}

fn modules(project: &Project) -> impl Iterator<Item = &Module> {
    project.spaces.values().flat_map(|space| &space.modules)
}

/// Where each module stands: its space, and its place there.
#[salsa::tracked(returns(ref))]
fn module_places(db: &dyn Db) -> FxHashMap<Name, (Name, usize)> {
    let mut places = FxHashMap::default();
    for space in project(db).spaces.values() {
        for (at, module) in space.modules.iter().enumerate() {
            // The first of a name is meant; the configuration of two is refused.
            places.entry(module.name.clone()).or_insert_with(|| (space.name.clone(), at));
        }
    }
    places
}

fn module<'p>(db: &dyn Db, project: &'p Project, name: &Name) -> Option<&'p Module> {
    let (space, at) = module_places(db).get(name)?;
    project.spaces.get(space)?.modules.get(*at)
}

/// The space that always exists.
pub fn default_space() -> Name {
    "default".into()
}

/// The runnable of that full name.
pub fn runnable<'db>(db: &'db dyn Db, name: &str) -> Option<Runnable<'db>> {
    runnables(db).ids.get(name).map(|id| Runnable::from_id(*id))
}

/// The full name of a command's runnable.
pub(crate) fn full_name(command: &Command, module: Option<&Name>, space: Option<&Name>) -> Name {
    // A command out of a module's own configuration has its module in its name.
    match module.filter(|_| command.module.is_none()).or(space) {
        Some(over) => format!("{}@{over}", command.name).into(),
        None => command.name.clone(),
    }
}

/// The space of a runnable, and its module.
#[salsa::tracked]
pub(crate) fn place<'db>(db: &'db dyn Db, runnable: Runnable<'db>) -> Place {
    let project = project(db);
    let (command, module) = (runnable.command(db), runnable.module(db));
    let module = module.as_ref().and_then(|name| self::module(db, project, name));
    let space = project.commands.get(command).and_then(|command| command.space.clone());
    let owner = module.map(|module| module.space.clone());
    let space = runnable.per_space(db).clone().or(space);
    Place { module: module.cloned(), space: space.or(owner).unwrap_or_else(default_space) }
}

/// Where a runnable is at home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub module: Option<Module>,
    pub space: Name,
}

/// The full names of a command's runnables, with their modules.
#[salsa::tracked]
pub(crate) fn runnables_of<'db>(
    db: &'db dyn Db,
    command: CommandKey<'db>,
) -> Vec<(Option<Name>, Name)> {
    let all = runnables(db);
    let names = all.by_command.get(command.name(db)).map_or(&[][..], Vec::as_slice);
    names.iter().map(|name| (all.by_name[name].module.clone(), name.clone())).collect()
}

/// A command's name as a key of queries.
#[salsa::interned(debug, revisions = usize::MAX)]
pub(crate) struct CommandKey<'db> {
    #[returns(ref)]
    pub name: Name,
}
