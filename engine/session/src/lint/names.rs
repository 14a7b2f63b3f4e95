//! Findings that need no look at any file: what is configured and never used.

use std::collections::BTreeSet;

use qik_config::template::{self, ContextName};
use qik_db::Database;
use qik_graph::runnables;
use qik_model::document::same_key;
use qik_model::{Command, Diagnostic, Name, Origin, Place, Project, Setting};

pub(super) fn lint(db: &Database, project: &Project) -> Vec<Diagnostic> {
    let all = runnables(db);
    let mut found = Vec::new();
    let ran: BTreeSet<&Name> = all.by_name.values().map(|key| &key.command).collect();
    let never = project.commands.values().filter(|one| !ran.contains(&one.name));
    found.extend(never.map(|command| never_runs(command)));
    let spaces: BTreeSet<&Name> = all.by_name.values().map(|key| &key.space).collect();
    found.extend(unused_spaces(project, &spaces));
    found.extend(unused_variables(project));
    found.extend(unused_caches(project));
    found
}

fn never_runs(command: &Command) -> Diagnostic {
    let message = format!("`{}` never runs", command.name);
    let where_to = match &command.space {
        Some(space) => format!("list modules in the space `{space}`"),
        None => "list modules in a space".into(),
    };
    Diagnostic::warning("lint/never-runs", message)
        .at(Place::Key(command.origin.clone()), "runs once per module, and there is none")
        .help(format!("{where_to}, or take `{{module…}}` out of its `exec`"))
}

fn unused_spaces(project: &Project, used: &BTreeSet<&Name>) -> Vec<Diagnostic> {
    let fences = project.spaces.values().filter_map(|space| space.fence.as_ref());
    let named: BTreeSet<&Name> =
        fences.flat_map(|fence| fence.spaces.iter().map(|(name, _)| name)).collect();
    let unused = project.spaces.values().filter(|space| {
        !used.contains(&space.name) && !named.contains(&space.name) && space.fence.is_none()
    });
    unused
        .filter(|space| &*space.name != "default")
        .filter_map(|space| {
            let message = format!("nothing runs in the space `{}`", space.name);
            Some(
                Diagnostic::warning("lint/unused-space", message)
                    .at(Place::Key(space.origin.clone()?), "no command and no fence names it")
                    .help("remove it, or let a command run in it: `space` of the command"),
            )
        })
        .collect()
}

fn unused_variables(project: &Project) -> Vec<Diagnostic> {
    let texts = texts(project);
    let parsed = texts.iter().filter_map(|text| template::parse(text).ok());
    let mut used: BTreeSet<Name> = BTreeSet::new();
    for parts in parsed {
        used.extend(parts.context_names().filter_map(|name| match name {
            ContextName::Project(name) => Some(Name::from(&**name)),
            ContextName::Qik(_) => None,
        }));
    }
    let unused = project
        .variables
        .iter()
        .filter(|variable| !used.iter().any(|name| same_key(name, &variable.name)));
    unused
        .map(|variable| {
            Diagnostic::warning(
                "lint/unused-variable",
                format!("nothing mentions the variable `{}`", variable.name),
            )
            .at(Place::Value(variable.origin.clone()), "never filled in")
            .help(format!("remove it, or write `{{ctx.{}}}` where its value goes", variable.name))
        })
        .collect()
}

fn unused_caches(project: &Project) -> Vec<Diagnostic> {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    let commands = project.commands.values().filter_map(|command| command.cache.as_deref());
    named.extend(commands);
    named.extend(project.defaults.cache.as_deref());
    named.extend(project.pygraph.cache.as_deref());
    named.extend(project.pygraph.check_cache.as_deref());
    // What is chosen by a variable is known only when the variable is.
    if named.iter().any(|name| name.contains("{ctx.")) {
        return Vec::new();
    }
    let profiles = project.profiles.values();
    let chosen: Vec<String> = profiles
        .filter_map(|profile| profile.qik.get("cache"))
        .map(|(value, _)| template::text_of(value).into_owned())
        .collect();
    named.extend(chosen.iter().map(String::as_str));
    let unused = project.caches.values().filter(|cache| {
        !named.contains(&*cache.name)
            && !qik_config::resolve::BUILT_IN_CACHES.contains(&&*cache.name)
    });
    unused
        .map(|cache| {
            let message = format!("nothing goes to the cache `{}`", cache.name);
            Diagnostic::warning("lint/unused-cache", message)
                .at(Place::Key(cache.origin.clone()), "no command, profile or default names it")
                .help("remove it, or name it: `cache` of a command, of a profile, or of `defaults`")
        })
        .collect()
}

/// All texts in which variables may be filled in.
fn texts(project: &Project) -> Vec<Name> {
    let mut texts: Vec<Name> = Vec::new();
    for command in project.commands.values() {
        texts.push(command.exec.clone());
        texts.extend(command.artifacts.iter().cloned());
        texts.extend(command.cache.clone());
        texts.extend(command.env.iter().filter_map(|(_, value)| value.clone()));
    }
    let deps = project.commands.values().flat_map(|command| &command.deps).chain(&project.base);
    texts.extend(deps.flat_map(|dep| qik_config::resolve::templates(&dep.kind)).cloned());
    let caches = project.caches.values().map(|cache| &cache.settings);
    let plugins = project.plugins.values().map(|plugin| &plugin.settings);
    for setting in caches.chain(plugins).flat_map(|settings| settings.values()) {
        match setting {
            Setting::Str(text) => texts.push(text.clone()),
            Setting::List(list) => texts.extend(list.iter().cloned()),
            Setting::Bool(_) | Setting::Int(_) => {}
        }
    }
    texts.extend(project.defaults.cache.clone());
    texts.extend(project.defaults.ignore.iter().cloned());
    texts.extend(
        [&project.pygraph.cache, &project.pygraph.check_cache].into_iter().flatten().cloned(),
    );
    texts
}

/// Where a field of a command stands.
pub(super) fn field(command: &Command, key: &str, index: usize) -> Origin {
    command.origin.key(key).index(index)
}
