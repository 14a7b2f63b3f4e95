//! The model as text, without what is at its default.

use std::fmt::Write;

use qik_config::lower::Lowered;
use qik_model::{
    CacheConfig, CacheWhen, Command, ContextValue, Dep, DepKind, Inherit, OnInputChange, Platform,
    Plugin, Profile, PydistConfig, PygraphConfig, Space, Variable, WatchConfig,
};

pub fn project(lowered: &Lowered) -> String {
    let project = &lowered.project;
    let mut out = String::new();
    let files: Vec<String> = lowered.files.iter().map(ToString::to_string).collect();
    writeln!(out, "files: {}", files.join(", ")).unwrap();
    project.commands.values().for_each(|one| command(&mut out, one));
    project.spaces.values().for_each(|one| space(&mut out, one));
    project.caches.values().for_each(|one| cache(&mut out, one));
    project.plugins.values().for_each(|one| plugin(&mut out, one));
    project.variables.iter().for_each(|one| variable(&mut out, one));
    project.profiles.iter().for_each(|(name, one)| profile(&mut out, name, one));
    if !project.base.is_empty() {
        writeln!(out, "base").unwrap();
        deps(&mut out, &project.base);
    }
    if project.pydist != PydistConfig::default() {
        writeln!(out, "{:#?}", project.pydist).unwrap();
    }
    if project.pygraph != PygraphConfig::default() {
        writeln!(out, "{:#?}", project.pygraph).unwrap();
    }
    if project.watch != WatchConfig::default() {
        writeln!(out, "{:#?}", project.watch).unwrap();
    }
    let defaults = &project.defaults;
    let path: Vec<String> = defaults.python_path.iter().map(ToString::to_string).collect();
    writeln!(
        out,
        "defaults\n  cache: {:?}\n  cache-when: {:?}\n  python-path: {path:?}\n  ignore: {:?}",
        defaults.cache, defaults.cache_when, defaults.ignore
    )
    .unwrap();
    out
}

fn command(out: &mut String, command: &Command) {
    writeln!(out, "command {:?} ({}: {})", command.name, command.origin.file, command.origin)
        .unwrap();
    field(out, "builtin", command.builtin.is_some(), &command.builtin);
    field(out, "exec", !command.exec.is_empty(), &command.exec);
    deps(out, &command.deps);
    field(out, "artifacts", !command.artifacts.is_empty(), &command.artifacts);
    field(out, "cache", command.cache.is_some(), &command.cache);
    field(out, "cache-when", command.cache_when.is_some(), &command.cache_when.map(cache_when));
    field(out, "space", command.space.is_some(), &command.space);
    field(out, "module", command.module.is_some(), &command.module);
    field(out, "tags", !command.tags.is_empty(), &command.tags);
    field(out, "hidden", command.hidden, &command.hidden);
    field(out, "description", command.description.is_some(), &command.description);
    field(out, "env", !command.env.is_empty(), &command.env);
    field(out, "timeout", command.timeout.is_some(), &command.timeout);
    field(out, "retries", command.retries > 0, &command.retries);
    field(out, "interactive", command.interactive, &command.interactive);
    field(out, "persistent", command.persistent, &command.persistent);
    field(out, "ready", command.ready.is_some(), &command.ready);
    field(out, "on-change", command.on_change.is_some(), &command.on_change);
    let on_change = command.on_input_change;
    field(out, "on-input-change", on_change != OnInputChange::default(), &on_change);
    field(out, "platform", command.platform != Platform::default(), &command.platform);
}

fn cache_when(when: CacheWhen) -> &'static str {
    match when {
        CacheWhen::Success => "success",
        CacheWhen::Failed => "failed",
        CacheWhen::Finished => "finished",
    }
}

fn deps(out: &mut String, deps: &[Dep]) {
    for dep in deps {
        let at = dep.origin.to_string();
        match &dep.kind {
            DepKind::Glob { pattern } => writeln!(out, "  dep glob {pattern:?} ({at})"),
            other => writeln!(out, "  dep {other:?} ({at})"),
        }
        .unwrap();
    }
}

fn space(out: &mut String, space: &Space) {
    let origin = space.origin.as_ref().map_or("implied".to_string(), ToString::to_string);
    writeln!(out, "space {:?} ({origin})", space.name).unwrap();
    field(out, "root", space.root.is_some(), &space.root);
    if let Some(fence) = &space.fence {
        let spaces: Vec<&str> = fence.spaces.iter().map(|(name, _)| &**name).collect();
        writeln!(out, "  fence {:?}, spaces {spaces:?} ({})", fence.paths, fence.origin).unwrap();
    }
    if let Some(venv) = &space.venv {
        writeln!(out, "  venv {:?} ({}: {})", venv.kind, venv.origin.file, venv.origin).unwrap();
    }
    let dotenv: Vec<&str> = space.dotenv.iter().map(|(file, _)| &**file).collect();
    field(out, "dotenv", !dotenv.is_empty(), &dotenv);
    field(out, "env", !space.env.is_empty(), &space.env);
    field(out, "environment", space.inherit != Inherit::default(), &space.inherit);
    field(out, "pass-env", !space.pass_env.is_empty(), &space.pass_env);
    for module in &space.modules {
        let (name, dir, pyimport) = (&module.name, &module.dir, &module.pyimport);
        writeln!(out, "  module {name:?} in {dir:?}, import {pyimport:?}").unwrap();
    }
}

fn cache(out: &mut String, cache: &CacheConfig) {
    writeln!(out, "cache {:?} of type {:?} {:?}", cache.name, cache.kind, cache.settings).unwrap();
}

fn plugin(out: &mut String, plugin: &Plugin) {
    writeln!(out, "plugin {:?} is {:?} {:?}", plugin.name, plugin.pyimport, plugin.settings)
        .unwrap();
}

fn variable(out: &mut String, variable: &Variable) {
    let Variable { name, kind, default, required, .. } = variable;
    writeln!(out, "variable {name:?} {kind:?}, default {default:?}, required {required}").unwrap();
}

fn profile(out: &mut String, name: &str, profile: &Profile) {
    writeln!(out, "profile {name:?}").unwrap();
    for (group, values) in [("qik", &profile.qik), ("project", &profile.project)] {
        for (name, (value, _)) in values {
            let value: &ContextValue = value;
            writeln!(out, "  {group}.{name} = {value:?}").unwrap();
        }
    }
}

fn field(out: &mut String, name: &str, show: bool, value: &dyn std::fmt::Debug) {
    if show {
        writeln!(out, "  {name}: {value:?}").unwrap();
    }
}
