//! Commands and their deps.

use std::collections::BTreeMap;
use std::time::Duration;

use qik_model::{
    Builtin, CacheWhen, Command, Dep, DepKind, Diagnostic, Name, OnChange, OnInputChange, Origin,
    Place, Platform, Project, Template, units,
};

use super::view::{Fields, View};
use super::watch;
use crate::shape;

/// The command behind `view`; `module` is the one in whose own configuration it stands.
pub(super) fn command(
    name: Name,
    module: Option<Name>,
    view: &View<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Command {
    let mut command = bare(name, module, view.at.clone());
    let Some(fields) = view.fields() else {
        command.exec = view.text().unwrap_or_default();
        return command;
    };
    command.exec = fields.text("exec").unwrap_or_default();
    command.deps = fields.get("deps").map(|list| deps(&list)).unwrap_or_default();
    command.artifacts = fields.texts("artifacts");
    command.cache = fields.text("cache");
    command.cache_when = fields.text("cache-when").and_then(|text| CacheWhen::parse(&text));
    command.space = fields.text("space");
    command.tags = tags(&fields, diagnostics);
    command.hidden = fields.bool("hidden").unwrap_or_default();
    command.description = fields.text("description").map(|text| text.to_string());
    command.env = env(&fields, diagnostics);
    command.timeout = fields.get("timeout").and_then(|view| duration(&view));
    command.retries = retries(&fields, diagnostics);
    command.interactive = fields.bool("interactive").unwrap_or_default();
    command.persistent = fields.bool("persistent").unwrap_or_default();
    command.ready = fields.fields("ready").and_then(|table| watch::ready(&table, diagnostics));
    command.on_change = fields.text("on-change").and_then(|text| OnChange::parse(&text));
    watch::check_persistent(&command, &fields, diagnostics);
    command.on_input_change = fields
        .text("on-input-change")
        .and_then(|text| OnInputChange::parse(&text))
        .unwrap_or_default();
    if fields.text("platform").as_deref() == Some("any") {
        command.platform = Platform::Any;
    }
    let runs = fields
        .get("exec")
        .is_some_and(|exec| exec.str().is_none_or(|text| !text.trim().is_empty()));
    if !runs && fields.get("deps").is_none() {
        diagnostics.push(
            Diagnostic::error("config/nothing-to-run", format!("`{}` runs nothing", command.name))
                .at(Place::Key(view.at.clone()), "neither `exec` nor `deps`")
                .help("give it an `exec`, or `deps` of the commands that it groups"),
        );
    }
    command
}

/// The command that checks the fences of the project, where there are any and no command of the
/// project has its name. It goes with all others where the plugin is named.
pub(super) fn fence_check(
    project: &Project,
    commands: &BTreeMap<Name, Command>,
) -> Option<Command> {
    let fence = project.spaces.values().find_map(|space| space.fence.as_ref())?;
    let plugin = project.plugins.values().find(|plugin| &*plugin.pyimport == "qik.pygraph");
    let prefix = plugin.map_or("pygraph", |plugin| &*plugin.name);
    let name: Name = format!("{prefix}.check").into();
    let origin = plugin.map_or(&fence.origin, |plugin| &plugin.origin).clone();
    let config = &project.pygraph;
    let command = Command {
        cache: config.check_cache.clone().or_else(|| config.cache.clone()),
        description: Some("Checks that imports stay within the fences of their spaces".into()),
        hidden: plugin.is_none(),
        builtin: Some(Builtin::FenceCheck),
        ..bare(name.clone(), None, origin)
    };
    (!commands.contains_key(&name)).then_some(command)
}

/// The deps of a list.
pub(super) fn deps(list: &View<'_>) -> Vec<Dep> {
    list.items().iter().filter_map(dep).collect()
}

pub(super) fn bare(name: Name, module: Option<Name>, origin: Origin) -> Command {
    Command {
        name,
        origin,
        exec: Template::default(),
        deps: Vec::new(),
        artifacts: Vec::new(),
        cache: None,
        cache_when: None,
        space: None,
        module,
        tags: Vec::new(),
        hidden: false,
        description: None,
        env: Vec::new(),
        timeout: None,
        retries: 0,
        interactive: false,
        persistent: false,
        ready: None,
        on_change: None,
        on_input_change: OnInputChange::default(),
        platform: Platform::default(),
        builtin: None,
    }
}

fn dep(view: &View<'_>) -> Option<Dep> {
    let kind = match (view.text(), view.fields()) {
        (Some(pattern), _) => DepKind::Glob { pattern },
        (None, Some(fields)) => dep_kind(&fields)?,
        (None, None) => return None,
    };
    Some(Dep { kind, origin: view.at.clone() })
}

fn dep_kind(fields: &Fields<'_>) -> Option<DepKind> {
    Some(match &*fields.text("type")? {
        "glob" => DepKind::Glob { pattern: fields.text("pattern")? },
        "const" => DepKind::Const { val: fields.text("val")? },
        "command" => DepKind::Command {
            name: fields.text("name")?,
            strict: fields.bool("strict").unwrap_or_default(),
            isolated: fields.bool("isolated"),
        },
        "pydist" => {
            DepKind::Pydist { name: fields.text("name")?, transitive: fields.bool("transitive") }
        }
        "pygraph" => DepKind::Pygraph {
            pyimport: fields.text("pyimport")?,
            include: fields.texts("include"),
        },
        "load" => DepKind::Load { path: fields.text("path")?, default: fields.texts("default") },
        "val" => DepKind::Val { file: fields.text("file")?, key: fields.text("key")? },
        "env" => DepKind::Env { name: fields.text("name")? },
        "exec" => DepKind::Exec { run: fields.text("run")? },
        _ => return None,
    })
}

fn tags(fields: &Fields<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Name> {
    let views = fields.get("tags").map(|view| view.items()).unwrap_or_default();
    let mut tags = Vec::new();
    for view in views {
        let Some(tag) = view.text() else { continue };
        if let Some(fault) = crate::names::fault(&tag) {
            diagnostics.push(shape::bad_name("tag", &tag, fault, Place::Value(view.at.clone())));
        } else if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// Variables with a value, or names of variables that are passed on.
pub(super) fn env(
    fields: &Fields<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(Name, Option<Template>)> {
    let Some(view) = fields.get("env") else { return Vec::new() };
    if let Some(table) = view.fields() {
        return table
            .entries()
            .filter_map(|(name, value)| Some((name, Some(value.text()?))))
            .collect();
    }
    let mut names: Vec<(Name, Option<Template>)> = Vec::new();
    for item in view.items() {
        let Some(name) = item.text() else { continue };
        if let Some(fault) = shape::env_fault(&name) {
            let place = Place::Value(item.at.clone());
            diagnostics.push(
                shape::bad_name("variable", &name, fault, place)
                    .help("to set a variable give it as a key of `env`: the name, and its value"),
            );
        } else if names.iter().all(|(known, _)| *known != name) {
            names.push((name, None));
        }
    }
    names
}

/// A time as a number of seconds or as a text.
pub(super) fn duration(view: &View<'_>) -> Option<Duration> {
    match view.int() {
        Some(seconds) => u64::try_from(seconds).ok().map(Duration::from_secs),
        None => units::duration(view.str()?),
    }
}

fn retries(fields: &Fields<'_>, diagnostics: &mut Vec<Diagnostic>) -> u32 {
    const MOST: i64 = 100;
    let Some(view) = fields.get("retries") else { return 0 };
    let number = view.int().unwrap_or_default();
    if number > MOST {
        diagnostics.push(
            Diagnostic::error("config/bad-value", format!("`{}` must be at most {MOST}", view.at))
                .at(Place::Value(view.at.clone()), "too many")
                .help("a command that fails that often is not worth its retries"),
        );
    }
    number.clamp(0, MOST) as u32
}
