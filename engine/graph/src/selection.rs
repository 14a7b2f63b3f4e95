//! From what the user asks for to the runnables meant, as far as no cache needs to be asked:
//! names, modules, spaces, then upstream, then tags.

use std::collections::{BTreeMap, BTreeSet};

use qik_config::{names, project};
use qik_db::{Database, Db};
use qik_model::{Diagnostic, GlobSet, Name, RelPath};

use crate::enumerate::{RunnableKey, Runnables, runnables};
use crate::filled::Definition;
use crate::render::definition_of;

/// What the user asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Commands, runnables, or globs of them; none means every command that is not hidden.
    pub names: Vec<String>,
    /// Modules; none means all.
    pub modules: Vec<String>,
    /// Spaces; none means all.
    pub spaces: Vec<String>,
    /// Tags; none means all.
    pub tags: Vec<String>,
    /// Leave upstream out.
    pub isolated: bool,
}

/// What is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Full names, upstream before what depends on it, otherwise sorted.
    pub order: Vec<Name>,
    /// Commands that were named, not only brought along or listed as one of all.
    pub named: BTreeSet<Name>,
}

/// The runnables that `selection` means.
///
/// # Errors
/// Names that mean nothing, each with the nearest that does; definitions of selected runnables that
/// can't be made; a cycle among them.
pub fn select(db: &Database, selection: &Selection) -> Result<Selected, Vec<Diagnostic>> {
    let all = runnables(db);
    let mut errors = Vec::new();
    let mut named = BTreeSet::new();
    let mut chosen: BTreeSet<Name> = if selection.names.is_empty() {
        visible(db, all)
    } else {
        let mut chosen = BTreeSet::new();
        for name in &selection.names {
            match resolve(all, name) {
                Ok(found) => chosen.extend(found),
                Err(error) => errors.push(error),
            }
        }
        named.extend(chosen.iter().map(|name| all.by_name[name].command.clone()));
        chosen
    };
    check_filters(db, selection, &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let kept = |name: &Name| keeps(&all.by_name[name], selection);
    chosen.retain(kept);
    let names: Vec<&Name> = chosen.iter().collect();
    db.each(&names, |db, name| _ = definition_of(db, name));
    let mut order = closure(db, chosen, selection.isolated)?;
    if !selection.tags.is_empty() {
        order = with_steps(db, order, &|definition| {
            let tags = &definition.settings.tags;
            tags.iter().any(|tag| selection.tags.iter().any(|wanted| **wanted == **tag))
        });
    }
    Ok(Selected { order, named })
}

/// What of `order` is kept, with the steps towards the environments of that.
fn with_steps(db: &dyn Db, order: Vec<Name>, keeps: &dyn Fn(&Definition) -> bool) -> Vec<Name> {
    let mut needed: BTreeSet<Name> = BTreeSet::new();
    let mut kept = Vec::new();
    // A step comes before what needs it.
    for name in order.into_iter().rev() {
        let Ok(definition) = definition_of(db, &name) else { continue };
        if needed.contains(&name) || keeps(definition) {
            needed.extend(steps_of(db, definition));
            kept.push(name);
        }
    }
    kept.reverse();
    kept
}

/// The steps towards the environment that a runnable executes in.
fn steps_of(db: &dyn Db, definition: &Definition) -> Vec<Name> {
    let is_step = |name: &Name| definition_of(db, name).is_ok_and(|one| one.is_venv_step());
    let upstream = definition.upstream.iter().map(|upstream| &upstream.name);
    upstream.filter(|name| is_step(name)).chain(definition.install_step()).cloned().collect()
}

fn visible(db: &dyn Db, all: &Runnables) -> BTreeSet<Name> {
    let hidden = |key: &RunnableKey| project(db).commands[&key.command].hidden;
    all.by_name.iter().filter(|(_, key)| !hidden(key)).map(|(name, _)| name.clone()).collect()
}

/// The runnables that one name of the command line means: a command, a full name, the original's
/// `command#module` and `command@space#module`, or a glob over full names.
fn resolve(all: &Runnables, text: &str) -> Result<Vec<Name>, Diagnostic> {
    if let Some(names) = all.by_command.get(text) {
        return Ok(names.clone());
    }
    if let Some((name, _)) = all.by_name.get_key_value(text) {
        return Ok(vec![name.clone()]);
    }
    if let Some((head, module)) = text.split_once('#') {
        let (command, space) = head.split_once('@').map_or((head, None), |(c, s)| (c, Some(s)));
        let found: Vec<Name> = all
            .by_name
            .iter()
            .filter(|(_, key)| *key.command == *command && key.module.as_deref() == Some(module))
            .filter(|(_, key)| space.is_none_or(|space| *key.space == *space))
            .map(|(name, _)| name.clone())
            .collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    if text.contains(['*', '?', '[', '{'])
        && let Ok(glob) = GlobSet::new([text])
    {
        let found: Vec<Name> = all
            .by_name
            .keys()
            .filter(|name| glob.matches(&RelPath::from_clean(name.as_bytes())))
            .cloned()
            .collect();
        if !found.is_empty() {
            return Ok(found);
        }
        return Err(unknown("command", text, []).help("`qik --ls` lists every name"));
    }
    let commands = || all.by_command.keys().map(|name| &**name);
    let full_names = all.by_name.keys().map(|name| &**name);
    // Any full name may be meant, but a list of them all helps nobody.
    Err(match names::nearest(text, commands().chain(full_names)) {
        Some(nearest) => unknown("command", text, [nearest]),
        None => unknown("command", text, commands()),
    })
}

fn check_filters(db: &dyn Db, selection: &Selection, errors: &mut Vec<Diagnostic>) {
    let project = project(db);
    let modules: Vec<&str> =
        project.spaces.values().flat_map(|space| &space.modules).map(|m| &*m.name).collect();
    let spaces: Vec<&str> = project.spaces.keys().map(|name| &**name).collect();
    let tags: BTreeSet<&str> =
        project.commands.values().flat_map(|command| &command.tags).map(|tag| &**tag).collect();
    let tags: Vec<&str> = tags.into_iter().collect();
    let asked = [
        ("module", &selection.modules, &modules),
        ("space", &selection.spaces, &spaces),
        ("tag", &selection.tags, &tags),
    ];
    for (what, names, known) in asked {
        for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
            errors.push(unknown(what, name, known.iter().copied()));
        }
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let code = match what {
        "command" => "select/unknown-command",
        "module" => "select/unknown-module",
        "space" => "select/unknown-space",
        _ => "select/unknown-tag",
    };
    let known: Vec<&str> = known.into_iter().collect();
    Diagnostic::error(code, format!("no {what} `{name}`"))
        .maybe_help(names::suggest(name, known.iter().copied()).or_else(|| list(what, &known)))
}

fn list(what: &str, known: &[&str]) -> Option<String> {
    match known.len() {
        0 => Some(format!("this project has no {what}s")),
        1..=12 => Some(format!("there are: {}", known.join(", "))),
        many => Some(format!("`qik --ls` lists all {many}")),
    }
}

fn keeps(key: &RunnableKey, selection: &Selection) -> bool {
    let module =
        || key.module.as_ref().is_some_and(|m| selection.modules.iter().any(|n| **n == **m));
    (selection.modules.is_empty() || module())
        && (selection.spaces.is_empty() || selection.spaces.iter().any(|n| **n == *key.space))
}

/// `chosen` and everything upstream of it that is to come along, upstream first.
fn closure(
    db: &dyn Db,
    chosen: BTreeSet<Name>,
    isolated: bool,
) -> Result<Vec<Name>, Vec<Diagnostic>> {
    let mut walk = Walk {
        db,
        isolated,
        chosen: &chosen,
        state: BTreeMap::new(),
        order: Vec::new(),
        errors: Vec::new(),
    };
    for name in &chosen {
        walk.visit(name, &mut Vec::new());
    }
    if walk.errors.is_empty() { Ok(walk.order) } else { Err(walk.errors) }
}

struct Walk<'a> {
    db: &'a dyn Db,
    isolated: bool,
    chosen: &'a BTreeSet<Name>,
    /// `false` while a name is on the path, `true` when it is done.
    state: BTreeMap<Name, bool>,
    order: Vec<Name>,
    errors: Vec<Diagnostic>,
}

impl Walk<'_> {
    fn visit(&mut self, name: &Name, path: &mut Vec<Name>) {
        match self.state.get(name) {
            Some(true) => return,
            Some(false) => {
                self.errors.push(cycle(self.db, name, path));
                return;
            }
            None => {}
        }
        self.state.insert(name.clone(), false);
        path.push(name.clone());
        match definition_of(self.db, name) {
            Err(errors) => {
                self.errors.extend(
                    errors.into_iter().filter(|e| !self.errors.contains(e)).collect::<Vec<_>>(),
                );
            }
            Ok(definition) => {
                for upstream in &definition.upstream {
                    let alone = upstream.isolated.unwrap_or(self.isolated);
                    if !alone || self.chosen.contains(&upstream.name) {
                        self.visit(&upstream.name, path);
                    }
                }
                if let Some(install) = definition.install_step() {
                    self.visit(install, path);
                }
            }
        }
        path.pop();
        self.state.insert(name.clone(), true);
        self.order.push(name.clone());
    }
}

fn cycle(db: &dyn Db, name: &Name, path: &[Name]) -> Diagnostic {
    let start = path.iter().position(|on_path| on_path == name).unwrap_or(0);
    let round: Vec<&str> = path[start..].iter().chain([name]).map(|name| &**name).collect();
    let message = format!("commands depend on each other: {}", round.join(" -> "));
    let mut error = Diagnostic::error("graph/cycle", message)
        .help("remove one of these deps; a command can't wait for itself");
    if let Ok(definition) = definition_of(db, name) {
        let deps = definition.settings.origin.key("deps");
        error = error.at(qik_model::Place::Value(deps), "one of these");
    }
    error
}
