//! Names in a project that must lead somewhere: commands in deps, spaces, caches, variables, and
//! no circle of commands.

use std::collections::{BTreeMap, BTreeSet};

use qik_model::{
    Command, ContextValue, Dep, DepKind, Diagnostic, Name, Origin, Place, Project, Template,
};

use crate::template::ContextName;
use crate::{context, fences, names, template, venvs};

/// Caches that exist without being configured.
pub const BUILT_IN_CACHES: [&str; 3] = ["local", "none", "repo"];

/// A project whose names are being resolved.
#[derive(Debug)]
pub(crate) struct Names {
    /// All but the commands.
    pub project: Project,
    /// Where the default cache is named.
    pub default_cache: Option<Origin>,
    pub commands: BTreeMap<Name, Command>,
    pub diagnostics: Vec<Diagnostic>,
}

/// The names of all caches.
pub fn cache_names(project: &Project) -> BTreeSet<&str> {
    project.caches.keys().map(|name| &**name).chain(BUILT_IN_CACHES).collect()
}

/// The full name of the command that `written` means in a configuration file: as it stands,
/// `MODULE.COMMAND` for `MODULE/COMMAND`, or in a module's own file a command of the same file.
pub fn command_name<'p, T>(
    commands: &'p BTreeMap<Name, T>,
    module: Option<&str>,
    written: &str,
) -> Option<&'p Name> {
    let known = |name: &str| commands.get_key_value(name).map(|(name, _)| name);
    known(written)
        .or_else(|| {
            let (module, command) = written.rsplit_once('.')?;
            known(&format!("{module}/{command}"))
        })
        .or_else(|| known(&format!("{}/{written}", module?)))
}

impl Names {
    /// Checks every name, and puts full names into deps.
    pub fn resolve(&mut self, references: &[(Origin, ContextName)]) {
        self.variables(references);
        self.profiles();
        let default = self.project.defaults.cache.as_ref().zip(self.default_cache.clone());
        if let Some((cache, at)) = default
            && let Some(report) = self.unknown_cache(cache)
        {
            self.diagnostics.push(report.at(Place::Value(at), "not known"));
        }
        let names: Vec<Name> = self.commands.keys().cloned().collect();
        for name in &names {
            self.command(name);
        }
        let base = std::mem::take(&mut self.project.base);
        self.project.base = base.into_iter().map(|dep| self.dep(dep, None)).collect();
        self.base_modules();
        self.diagnostics.extend(fences::check(&self.project));
        self.diagnostics.extend(venvs::check(&self.project));
        self.cycles();
    }

    fn variables(&mut self, references: &[(Origin, ContextName)]) {
        for (at, name) in references {
            let ContextName::Project(name) = name else { continue };
            if context::variable(&self.project, name).is_none() {
                let report = context::unknown_variable(&self.project, name)
                    .at(Place::Value(at.clone()), format!("mentions `ctx.{name}`"));
                self.diagnostics.push(report);
            }
        }
    }

    fn command(&mut self, name: &Name) {
        let mut command = self.commands[name].clone();
        if let Some(space) = &command.space
            && !self.project.spaces.contains_key(space)
        {
            let known = self.project.spaces.keys().map(|name| &**name);
            self.diagnostics.push(
                Diagnostic::error("config/unknown-space", format!("there is no space `{space}`"))
                    .at(Place::Value(command.origin.key("space")), "not known")
                    .maybe_help(names::suggest(space, known)),
            );
        }
        self.command_cache(&command);
        self.module_fields(&command);
        let module = command.module.clone();
        let deps = std::mem::take(&mut command.deps);
        command.deps = deps.into_iter().map(|dep| self.dep(dep, module.as_deref())).collect();
        self.commands.insert(name.clone(), command);
    }

    fn command_cache(&mut self, command: &Command) {
        let Some(cache) = &command.cache else { return };
        let place = Place::Value(command.origin.key("cache"));
        if let Some(report) = self.unknown_cache(cache) {
            self.diagnostics.push(report.at(place, "not known"));
        } else if command.deps.is_empty() && command.builtin.is_none() && &**cache != "none" {
            self.diagnostics.push(
                Diagnostic::warning(
                    "config/cache-without-deps",
                    format!("`{}` is never cached, since it has no deps", command.name),
                )
                .at(place, "of no effect")
                .help("list what its result depends on under `deps`"),
            );
        }
    }

    /// The report where `cache` is no cache; a name with variables in it is not known yet.
    fn unknown_cache(&self, cache: &Template) -> Option<Diagnostic> {
        let parts = template::parse(cache).ok()?;
        let name = parts.as_text()?;
        let known = cache_names(&self.project);
        (!known.contains(name)).then(|| {
            Diagnostic::error("config/unknown-cache", format!("there is no cache `{name}`"))
                .maybe_help(names::suggest(name, known))
        })
    }

    fn dep(&mut self, mut dep: Dep, module: Option<&str>) -> Dep {
        if let DepKind::Command { name, .. } = &mut dep.kind {
            match command_name(&self.commands, module, name) {
                Some(full) => *name = full.clone(),
                None => {
                    let report = self.unknown_command(name, module);
                    let place = Place::Value(dep.origin.key("name"));
                    self.diagnostics.push(report.at(place, "not known"));
                }
            }
        }
        dep
    }

    fn unknown_command(&self, name: &str, module: Option<&str>) -> Diagnostic {
        let known = self.commands.keys().map(|name| &**name);
        let own = known.clone().filter_map(|name| name.strip_prefix(module?)?.strip_prefix('/'));
        let known = known.chain(own);
        Diagnostic::error("config/unknown-command", format!("there is no command `{name}`"))
            .maybe_help(names::suggest(name, known))
    }

    /// `{module…}` in a command that never has a module.
    fn module_fields(&mut self, command: &Command) {
        if command.module.is_some() || is_modular(command) {
            return;
        }
        let at = |key: &str, index: usize| command.origin.key(key).index(index);
        let artifacts = command.artifacts.iter().enumerate();
        let mut texts: Vec<(&Template, Origin)> =
            artifacts.map(|(index, text)| (text, at("artifacts", index))).collect();
        texts.extend(command.cache.iter().map(|cache| (cache, command.origin.key("cache"))));
        for (name, value) in &command.env {
            texts.extend(
                value.iter().map(|value| (value, command.origin.key("env").key(name.clone()))),
            );
        }
        for dep in &command.deps {
            texts.extend(templates(&dep.kind).map(|text| (text, dep.origin.clone())));
        }
        for (text, at) in texts {
            if mentions_module(text) {
                self.diagnostics
                    .push(no_module(&command.name).at(Place::Value(at), "no module here"));
            }
        }
    }

    fn base_modules(&mut self) {
        let plain = self
            .commands
            .values()
            .find(|one| one.module.is_none() && !one.deps.is_empty() && !is_modular(one));
        let Some(plain) = plain else { return };
        for dep in &self.project.base {
            if templates(&dep.kind).any(mentions_module) {
                self.diagnostics.push(
                    no_module(&plain.name)
                        .at(Place::Value(dep.origin.clone()), "a dep of every command with deps")
                        .at(Place::Key(plain.origin.clone()), "also of this one"),
                );
            }
        }
    }

    /// Names in profiles. Patterns and full names of runnables are for the selection to resolve.
    fn profiles(&mut self) {
        let caches: Vec<Name> = cache_names(&self.project).into_iter().map(Name::from).collect();
        let spaces: Vec<Name> = self.project.spaces.keys().cloned().collect();
        let modules = self.project.spaces.values().flat_map(|space| &space.modules);
        let modules: Vec<Name> = modules.map(|module| module.name.clone()).collect();
        let tags = self.commands.values().flat_map(|command| command.tags.iter().cloned());
        let tags: Vec<Name> = tags.collect();
        let commands: Vec<Name> = self.commands.keys().cloned().collect();
        let known: [(&str, &str, &'static str, &[Name]); 6] = [
            ("cache", "cache", "config/unknown-cache", &caches),
            ("caches", "cache", "config/unknown-cache", &caches),
            ("spaces", "space", "config/unknown-space", &spaces),
            ("modules", "module", "config/unknown-module", &modules),
            ("tags", "tag", "config/unknown-tag", &tags),
            ("commands", "command", "config/unknown-command", &commands),
        ];
        for profile in self.project.profiles.values() {
            for (key, what, code, known) in known {
                let Some((value, Some(origin))) = profile.qik.get(key) else { continue };
                for (index, name) in texts(value).enumerate() {
                    if known.contains(name) || name.contains(['*', '?', '[', '{', '@', '#']) {
                        continue;
                    }
                    // In a text with commas the index leads nowhere: then all of it is shown.
                    let place = match value {
                        ContextValue::List(_) => Place::Value(origin.index(index)),
                        _ => Place::Value(origin.clone()),
                    };
                    let help = names::suggest(name, known.iter().map(|one| &**one));
                    let none = || format!("the project has no {what} that could be meant");
                    self.diagnostics.push(
                        Diagnostic::error(code, format!("there is no {what} `{name}`"))
                            .at(place, "not known")
                            .help(help.unwrap_or_else(none)),
                    );
                }
            }
        }
    }

    fn cycles(&mut self) {
        let mut search =
            Search { names: self, entered: BTreeSet::new(), path: Vec::new(), found: Vec::new() };
        for name in search.names.commands.keys() {
            search.from(name);
        }
        let found = search.found;
        self.diagnostics.extend(found);
    }

    /// Whether a circle of these commands is surely one of runnables too: what runs per module
    /// relates to the same module only, so commands over other modules may never meet.
    fn is_certain(&self, circle: &[&Command]) -> bool {
        let spaces: BTreeSet<Option<&Name>> =
            circle.iter().filter(|one| is_modular(one)).map(|one| one.space.as_ref()).collect();
        let mut spaces = spaces.into_iter();
        match (spaces.next(), spaces.next()) {
            (None, _) => true,
            (Some(Some(space)), None) => {
                self.project.spaces.get(space).is_some_and(|space| !space.modules.is_empty())
            }
            (Some(None), None) => self.project.spaces.values().any(|one| !one.modules.is_empty()),
            _ => false,
        }
    }
}

/// A depth-first search for circles; each command is entered once. Without recursion, since chains
/// of commands may be long.
struct Search<'n> {
    names: &'n Names,
    entered: BTreeSet<&'n str>,
    path: Vec<Step<'n>>,
    found: Vec<Diagnostic>,
}

/// A command on the way, with the dep that leads on from it.
struct Step<'n> {
    command: &'n Command,
    taken: Option<&'n Dep>,
    ahead: std::slice::Iter<'n, Dep>,
}

impl<'n> Search<'n> {
    fn from(&mut self, name: &'n str) {
        self.enter(name);
        while let Some(step) = self.path.last_mut() {
            // What is never selected with the command does not make it wait.
            let waits = |dep: &&Dep| {
                matches!(&dep.kind, DepKind::Command { isolated: None | Some(false), .. })
            };
            step.taken = step.ahead.find(waits);
            match step.taken.map(|dep| &dep.kind) {
                Some(DepKind::Command { name, .. }) => self.enter(name),
                _ => {
                    self.path.pop();
                }
            }
        }
    }

    fn enter(&mut self, name: &'n str) {
        let Some(command) = self.names.commands.get(name) else { return };
        if self.entered.insert(name) {
            self.path.push(Step { command, taken: None, ahead: command.deps.iter() });
        } else if let Some(start) = self.path.iter().position(|step| &*step.command.name == name) {
            self.report(start);
        }
    }

    fn report(&mut self, start: usize) {
        let circle = &self.path[start..];
        let commands: Vec<&Command> = circle.iter().map(|step| step.command).collect();
        if !self.names.is_certain(&commands) {
            return;
        }
        let mut line: Vec<&str> = commands.iter().map(|command| &*command.name).collect();
        line.push(line[0]);
        let message = format!("commands wait for each other: `{}`", line.join(" -> "));
        let mut report = Diagnostic::error("config/cycle", message)
            .help("remove one of these deps, or put what they share into a command of its own");
        for (index, step) in circle.iter().enumerate() {
            if let Some(dep) = step.taken {
                let label = format!("`{}` waits for `{}`", step.command.name, line[index + 1]);
                report = report.at(Place::Value(dep.origin.clone()), label);
            }
        }
        self.found.push(report);
    }
}

/// Whether a command runs once per module.
pub fn is_modular(command: &Command) -> bool {
    mentions_module(&command.exec)
}

/// The templates in a dep.
pub fn templates(kind: &DepKind) -> impl Iterator<Item = &Template> {
    let (first, second, more): (Option<&Template>, Option<&Template>, &[Template]) = match kind {
        DepKind::Glob { pattern } => (Some(pattern), None, &[]),
        DepKind::Const { val } => (Some(val), None, &[]),
        DepKind::Command { .. } => (None, None, &[]),
        DepKind::Pydist { name, .. } | DepKind::Env { name } => (Some(name), None, &[]),
        DepKind::Pygraph { pyimport, include } => (Some(pyimport), None, include),
        DepKind::Load { path, default } => (Some(path), None, default),
        DepKind::Val { file, key } => (Some(file), Some(key), &[]),
        DepKind::Exec { run } => (Some(run), None, &[]),
    };
    first.into_iter().chain(second).chain(more)
}

fn mentions_module(text: &Template) -> bool {
    template::parse(text).is_ok_and(|parts| parts.mentions_module())
}

fn no_module(command: &str) -> Diagnostic {
    Diagnostic::error("config/no-module", format!("`{command}` runs for no module"))
        .help("mention `{module…}` in the command's `exec`, and it runs once per module")
}

fn texts(value: &ContextValue) -> impl Iterator<Item = &Name> {
    let (one, many): (Option<&Name>, &[Name]) = match value {
        ContextValue::Str(text) => (Some(text), &[]),
        ContextValue::List(items) => (None, items),
        _ => (None, &[]),
    };
    one.into_iter().chain(many)
}
