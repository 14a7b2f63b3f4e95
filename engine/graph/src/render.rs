//! From a configured command to the definition of one of its runnables.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_config::template::{self, ContextName, Lookup, ModuleField, Part};
use qik_config::{FilledVenv, context_value, environment, project};
use qik_db::Db;
use qik_model::{
    BadGlob, Command, ContextValue, Dep, DepKind, Diagnostic, GlobSet, Module, Name, Origin, Place,
};

use crate::enumerate::{self, CommandKey, Runnable, runnable, runnables_of};
use crate::filled::{Definition, Deps, Rendered, Settings, Upstream};
use crate::venv_steps;

/// What `runnable` is, with every template filled in; or what stands in the way.
#[salsa::tracked]
pub fn definition<'db>(
    db: &'db dyn Db,
    runnable: Runnable<'db>,
) -> Result<Arc<Definition>, Vec<Diagnostic>> {
    let name = runnable.command(db);
    let Some(command) = qik_config::command(db, name) else {
        return Err(vec![Diagnostic::error("run/no-such-command", format!("no command `{name}`"))]);
    };
    let place = enumerate::place(db, runnable);
    Renderer { db, command, module: place.module.as_ref(), context: BTreeMap::new() }
        .definition(&place.space)
        .map(Arc::new)
        .map_err(|error| vec![error])
}

/// [`definition`] of the runnable of that full name.
///
/// # Errors
/// Those of [`definition`], and where there is no such runnable.
pub fn definition_of<'db>(
    db: &'db dyn Db,
    name: &str,
) -> Result<&'db Arc<Definition>, Vec<Diagnostic>> {
    let Some(runnable) = runnable(db, name) else {
        return Err(vec![Diagnostic::error("run/no-such-command", format!("no command `{name}`"))]);
    };
    definition(db, runnable).as_ref().map_err(Clone::clone)
}

/// The deps of every command that has deps of its own.
#[salsa::tracked(returns(ref))]
fn base(db: &dyn Db) -> Vec<Dep> {
    project(db).base.clone()
}

struct Renderer<'a> {
    db: &'a dyn Db,
    command: &'a Command,
    module: Option<&'a Module>,
    /// Variables that were mentioned, with their values.
    context: BTreeMap<Name, Arc<str>>,
}

impl Renderer<'_> {
    fn definition(mut self, space: &Name) -> Result<Definition, Diagnostic> {
        let command = self.command;
        let origin = command.origin.clone();
        if let Some(builtin) = command.builtin.filter(|builtin| builtin.is_venv_step()) {
            let cache = self.cache(&origin)?;
            return venv_steps::definition(
                self.db,
                command,
                builtin,
                space,
                settings(command, cache),
            );
        }
        let is_group = command.exec.is_empty() && command.builtin.is_none();
        let environment = match is_group {
            true => Arc::default(),
            false => environment(self.db, space).map_err(Clone::clone)?.clone(),
        };
        let exec = self.render(&command.exec, &origin.key("exec"))?;
        let (deps, upstream) = self.deps(environment.venv.as_deref())?;
        let artifacts = self.artifacts(&origin)?;
        let env = self.env(&origin)?;
        let cache = self.cache(&origin)?;
        self.context.extend(environment.context.iter().cloned());
        Ok(Definition {
            name: enumerate::full_name(
                command,
                self.module.map(|module| &module.name),
                command.builtin.map(|_| space),
            ),
            command: command.name.clone(),
            module: self.module.cloned(),
            space: space.clone(),
            exec,
            builtin: command.builtin,
            dep_globs: glob_set(&deps.globs, &origin.key("deps"))?,
            deps,
            has_deps: !command.deps.is_empty() || command.builtin.is_some(),
            upstream,
            artifact_globs: glob_set(&artifacts, &origin.key("artifacts"))?,
            artifacts,
            environment,
            env,
            context: self.context.into_iter().collect(),
            settings: settings(command, cache),
        })
    }

    fn cache(&self, origin: &Origin) -> Result<Option<Name>, Diagnostic> {
        // Not through `render`: where a result is kept is no input of it.
        let fill = Fill { renderer: self };
        let cache = self.command.cache.as_ref();
        cache.map(|cache| Ok(fill.text(cache, &origin.key("cache"))?.into())).transpose()
    }

    fn deps(&mut self, venv: Option<&FilledVenv>) -> Result<(Deps, Vec<Upstream>), Diagnostic> {
        let command = self.command;
        let mut deps = Deps::default();
        let mut upstream = BTreeMap::new();
        let base: &[Dep] = if command.deps.is_empty() { &[] } else { base(self.db) };
        for dep in base.iter().chain(&command.deps) {
            let taken = deps.add(&dep.kind, |text| self.render(text, &dep.origin))?;
            if let (false, DepKind::Command { name, strict, isolated }) = (taken, &dep.kind) {
                self.add_upstream(name, *strict, *isolated, &mut upstream);
            }
        }
        if let Some(lock) = venv.and_then(|venv| venv.lock_step.as_ref()) {
            upstream.insert(lock.clone(), venv_steps::upstream(lock));
        }
        deps.settle();
        Ok((deps, upstream.into_values().collect()))
    }

    /// A runnable over a module depends on the same module's runnable of a command that is
    /// parametrized too; on all of them where there is none for its module, or it has no module.
    fn add_upstream(
        &self,
        command: &Name,
        strict: bool,
        isolated: Option<bool>,
        upstream: &mut BTreeMap<Name, Upstream>,
    ) {
        let all = runnables_of(self.db, CommandKey::new(self.db, command.clone()));
        let own = self.module.map(|module| &module.name);
        let same = all.iter().find(|(module, _)| own.is_some() && module.as_ref() == own);
        let chosen = same.map_or(all.as_slice(), std::slice::from_ref);
        for (_, name) in chosen {
            let known = upstream.entry(name.clone()).or_insert_with(|| Upstream {
                name: name.clone(),
                strict: false,
                isolated: None,
            });
            known.strict |= strict;
            known.isolated = isolated.or(known.isolated);
        }
    }

    fn artifacts(&mut self, origin: &Origin) -> Result<Vec<Rendered>, Diagnostic> {
        let artifacts = self.command.artifacts.iter().enumerate();
        let mut rendered: Vec<Rendered> = artifacts
            .map(|(i, text)| self.render(text, &origin.key("artifacts").index(i)))
            .collect::<Result<_, _>>()?;
        rendered.sort();
        rendered.dedup();
        Ok(rendered)
    }

    fn env(&mut self, origin: &Origin) -> Result<Vec<(Name, Option<Rendered>)>, Diagnostic> {
        let mut env = Vec::new();
        for (name, value) in &self.command.env {
            let value = match value {
                Some(value) => Some(self.render(value, &origin.key("env").key(name.clone()))?),
                None => None,
            };
            env.push((name.clone(), value));
        }
        env.sort();
        Ok(env)
    }

    fn render(&mut self, text: &str, origin: &Origin) -> Result<Rendered, Diagnostic> {
        let parts = parse(text, origin)?;
        let fill = Fill { renderer: self };
        let filled = template::render(&parts, &fill).map_err(|error| at(error, origin))?;
        if parts.context_names().next().is_none() {
            let text: Arc<str> = filled.into();
            return Ok(Rendered { told: text.clone(), text });
        }
        let told = parts.0.iter().map(|part| fill.told(part)).collect::<String>();
        for name in parts.context_names() {
            let value = context_value(self.db, name).map_err(Clone::clone)?;
            self.context.insert(name.to_string().into(), template::text_of(value).into());
        }
        Ok(Rendered { text: filled.into(), told: told.into() })
    }
}

/// Fills in from the database and the module.
struct Fill<'a> {
    renderer: &'a Renderer<'a>,
}

impl Fill<'_> {
    fn text(&self, text: &str, origin: &Origin) -> Result<String, Diagnostic> {
        template::render(&parse(text, origin)?, self).map_err(|error| at(error, origin))
    }

    fn told(&self, part: &Part) -> String {
        match part {
            Part::Text(text) => text.to_string(),
            Part::Context(name) => format!("{{{name}}}"),
            Part::Module(field) => self.module(*field).unwrap_or_default(),
        }
    }
}

impl Lookup for Fill<'_> {
    fn context(&self, name: &ContextName) -> Result<ContextValue, Diagnostic> {
        context_value(self.renderer.db, name).cloned().map_err(Clone::clone)
    }

    fn module(&self, field: ModuleField) -> Option<String> {
        let module = self.renderer.module?;
        Some(match field {
            ModuleField::Name => module.name.to_string(),
            ModuleField::Dir => module.dir.to_string(),
            ModuleField::PyImport => module.pyimport.to_string(),
        })
    }
}

fn parse(text: &str, origin: &Origin) -> Result<template::Parts, Diagnostic> {
    // The configuration's own check has told of it with all the help there is.
    template::parse(text).map_err(|bad| {
        let name = bad.first().map(|bad| bad.reference.clone()).unwrap_or_default();
        at(
            Diagnostic::error("config/unknown-reference", format!("`{{{name}}}` means nothing")),
            origin,
        )
    })
}

fn at(error: Diagnostic, origin: &Origin) -> Diagnostic {
    if error.labels.is_empty() {
        error.at(Place::Value(origin.clone()), "used here")
    } else {
        error
    }
}

pub(crate) fn glob_set(patterns: &[Rendered], origin: &Origin) -> Result<GlobSet, Diagnostic> {
    GlobSet::new(patterns.iter().map(|pattern| &*pattern.text)).map_err(
        |BadGlob { pattern, reason }| {
            Diagnostic::error("config/bad-glob", format!("`{pattern}` is no pattern: {reason}"))
                .at(Place::Value(origin.clone()), "among these")
        },
    )
}

fn settings(command: &Command, cache: Option<Name>) -> Settings {
    Settings {
        origin: command.origin.clone(),
        cache,
        cache_when: command.cache_when,
        tags: command.tags.clone(),
        hidden: command.hidden,
        description: command.description.clone(),
        timeout: command.timeout,
        retries: command.retries,
        interactive: command.interactive,
        persistent: command.persistent,
        ready: command.ready.clone(),
        on_change: command.on_change,
        on_input_change: command.on_input_change,
        platform: command.platform,
    }
}
