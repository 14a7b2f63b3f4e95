//! Python environments: what is written of them, and the commands that make them.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_model::{
    Builtin, CacheWhen, Command, Constraint, Maker, Name, Platform, Plugin, Prefix, Project, Space,
    Template, UvConfig, UvProject, UvVenv, Venv, VenvKind,
};

use super::command::bare;
use super::view::{Fields, View};

/// The environment behind `view`. Plain requirements files are of an environment of uv's where that
/// plugin is named, else of the active one. What uv's settings leave open is as the plugin says.
pub(super) fn venv(view: &View<'_>, project: &Project) -> Option<Venv> {
    let mut kind = match view.fields() {
        Some(fields) => kind(&fields)?,
        None if plugin(project).is_some() => {
            VenvKind::Uv(UvVenv { reqs: view.texts(), ..UvVenv::default() })
        }
        None => VenvKind::Active { reqs: view.texts(), lock: None },
    };
    complete(&mut kind, &project.uv);
    Some(Venv { origin: view.at.clone(), kind })
}

fn plugin(project: &Project) -> Option<&Arc<Plugin>> {
    project.plugins.values().find(|plugin| &*plugin.pyimport == "qik.uv")
}

fn complete(kind: &mut VenvKind, config: &UvConfig) {
    match kind {
        VenvKind::Uv(uv) => {
            uv.python = uv.python.take().or_else(|| config.python.clone());
            uv.index_url = uv.index_url.take().or_else(|| config.index_url.clone());
            if uv.extra_index_url.is_empty() {
                uv.extra_index_url.clone_from(&config.extra_index_url);
            }
            if uv.constraints.is_empty() {
                uv.constraints.clone_from(&config.constraints);
            }
        }
        VenvKind::UvProject(of) => of.python = of.python.take().or_else(|| config.python.clone()),
        VenvKind::Active { .. } | VenvKind::Prefix(_) | VenvKind::Space { .. } => {}
    }
}

fn kind(fields: &Fields<'_>) -> Option<VenvKind> {
    let maker = match &*fields.text("type")? {
        "active" => {
            let (reqs, lock) = (fields.texts("reqs"), fields.text("lock"));
            return Some(VenvKind::Active { reqs, lock });
        }
        "uv" => return Some(VenvKind::Uv(uv(fields))),
        "uv-project" => return Some(VenvKind::UvProject(uv_project(fields))),
        "space" => return Some(VenvKind::Space { name: fields.text("name")? }),
        "conda" => Maker::Conda,
        "pixi" => Maker::Pixi,
        _ => return None,
    };
    Some(VenvKind::Prefix(Prefix {
        maker,
        path: fields.text("prefix")?,
        files: fields.texts("lock"),
    }))
}

fn uv(fields: &Fields<'_>) -> UvVenv {
    UvVenv {
        reqs: fields.texts("reqs"),
        lock: fields.text("lock"),
        python: fields.text("python"),
        constraints: constraints(fields),
        index_url: fields.text("index-url"),
        extra_index_url: fields.texts("extra-index-url"),
    }
}

fn uv_project(fields: &Fields<'_>) -> UvProject {
    UvProject {
        path: fields.text("path").unwrap_or_else(|| ".".into()),
        groups: fields.texts("groups"),
        extras: fields.texts("extras"),
        package: fields.text("package"),
        python: fields.text("python"),
    }
}

/// What the settings of the uv plugin say.
pub(super) fn uv_config(fields: &Fields<'_>) -> UvConfig {
    UvConfig {
        cache: fields.text("cache"),
        python: fields.text("python"),
        constraints: constraints(fields),
        index_url: fields.text("index-url"),
        extra_index_url: fields.texts("extra-index-url"),
    }
}

fn constraints(fields: &Fields<'_>) -> Vec<Constraint> {
    let views = fields.get("constraint").map(|view| view.one_or_more()).unwrap_or_default();
    let one = |view: &View<'_>| match view.fields() {
        None => Some(Constraint::File(view.text()?)),
        Some(fields) => {
            let name = fields.get("name")?;
            Some(Constraint::Space(name.text()?, name.at))
        }
    };
    views.iter().filter_map(one).collect()
}

/// Gives the environment that is the default to one of the spaces that name none, `default` if it
/// is among them; the others share it.
pub(super) fn share_default(spaces: &mut BTreeMap<Name, Space>, venv: Option<&Arc<Venv>>) {
    let Some(venv) = venv else { return };
    let without = || spaces.values().filter(|space| space.venv.is_none());
    let first = without().find(|space| &*space.name == "default").or_else(|| without().next());
    let Some(owner) = first.map(|space| space.name.clone()) else { return };
    let shared = Arc::new(Venv {
        origin: venv.origin.clone(),
        kind: VenvKind::Space { name: owner.clone() },
    });
    for space in spaces.values_mut().filter(|space| space.venv.is_none()) {
        space.venv = Some(if space.name == owner { venv.clone() } else { shared.clone() });
    }
}

/// The commands that make environments, where there are any to be made.
pub(super) fn steps(project: &Project) -> Vec<Command> {
    let venvs = || project.spaces.values().filter_map(|space| space.venv.as_ref());
    let locked = venvs().find(|venv| matches!(venv.kind, VenvKind::Uv(_)));
    let made = venvs().find(|venv| matches!(venv.kind, VenvKind::Uv(_) | VenvKind::UvProject(_)));
    let plugin = plugin(project);
    let step = |builtin, venv: &Venv, description: &str| Command {
        description: Some(description.into()),
        builtin: Some(builtin),
        ..bare(
            step_name(project, builtin),
            None,
            plugin.map_or(&venv.origin, |one| &one.origin).clone(),
        )
    };
    let lock = locked.map(|venv| Command {
        cache: Some(project.uv.cache.clone().unwrap_or_else(|| Template::from("repo"))),
        // A failure may be one of the network; and a lock is for all platforms.
        cache_when: Some(CacheWhen::Success),
        platform: Platform::Any,
        hidden: plugin.is_none(),
        ..step(Builtin::VenvLock, venv, "Locks the versions of the environments of spaces")
    });
    let install = made.map(|venv| Command {
        // It comes along with what needs it.
        hidden: true,
        ..step(Builtin::VenvInstall, venv, "Makes the environments of spaces")
    });
    lock.into_iter().chain(install).collect()
}

/// What the command that takes this step is called.
pub(crate) fn step_name(project: &Project, builtin: Builtin) -> Name {
    let prefix = plugin(project).map_or("uv", |plugin| &*plugin.name);
    let step = if builtin == Builtin::VenvLock { "lock" } else { "install" };
    format!("{prefix}.{step}").into()
}
