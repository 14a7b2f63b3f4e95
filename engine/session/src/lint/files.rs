//! Findings about the files that a configuration speaks of.

use std::collections::{BTreeMap, BTreeSet};

use qik_config::context_value;
use qik_config::template::{self, ContextName, Lookup, ModuleField};
use qik_db::{Database, Db};
use qik_graph::{definition_of, runnables};
use qik_model::{
    Command, ContextValue, Dep, DepKind, Diagnostic, GlobSet, Module, Name, Place, Project, RelPath,
};
use qik_system::{ProcessSpec, TreeNode};

use super::names::field;
use crate::Session;

/// Tools that import what they check or run, so that what a module imports counts too.
const IMPORTING: [&str; 7] = ["pytest", "unittest", "mypy", "pyright", "pylint", "nose2", "ty"];

pub(super) fn lint(session: &Session, project: &Project) -> Vec<Diagnostic> {
    let files = Files::of(session);
    let modules = modules_of(&session.db, project);
    let mut found = no_such_modules(session, project);
    for command in project.commands.values() {
        // What never runs is told as such.
        let Some(modules) = modules.get(&command.name) else { continue };
        let fills: Vec<Fill<'_>> = modules
            .iter()
            .map(|module| Fill { db: &session.db, module: module.as_ref() })
            .collect();
        found.extend(nothing_matches(&files, command, &command.deps, &fills));
        found.extend(own_artifacts(&files, command, &fills));
        found.extend(without_graph(command));
    }
    let plain = [Fill { db: &session.db, module: None }];
    if let Some(command) = project.commands.values().find(|command| !command.deps.is_empty()) {
        let base: Vec<Dep> = project.base.iter().filter(|dep| !per_module(dep)).cloned().collect();
        found.extend(nothing_matches(&files, command, &base, &plain));
    }
    found.extend(ignored_artifacts(session, project, &modules));
    found
}

/// The modules that each command runs over; `None` for one that runs for none.
fn modules_of(db: &Database, project: &Project) -> BTreeMap<Name, Vec<Option<Module>>> {
    let all: Vec<&Module> = project.spaces.values().flat_map(|space| &space.modules).collect();
    let mut modules: BTreeMap<Name, Vec<Option<Module>>> = BTreeMap::new();
    for key in runnables(db).by_name.values() {
        let module = all.iter().find(|module| key.module.as_ref() == Some(&module.name));
        modules
            .entry(key.command.clone())
            .or_default()
            .push(module.map(|module| (*module).clone()));
    }
    modules
}

/// What is in the work tree.
struct Files {
    paths: Vec<RelPath>,
    /// What any command makes may be missing now.
    made: Vec<GlobSet>,
}

impl Files {
    fn of(session: &Session) -> Self {
        let folders = session.tree.folders();
        let paths = folders.flat_map(|(folder, entries)| {
            let files = entries.iter().filter(|entry| matches!(entry.node, TreeNode::File { .. }));
            files.map(move |entry| folder.join(&entry.name))
        });
        let definitions = runnables(&session.db).by_name.keys().cloned().collect::<Vec<_>>();
        let made = definitions
            .iter()
            .filter_map(|name| Some(definition_of(&session.db, name).ok()?.artifact_globs.clone()))
            .filter(|globs| !globs.is_empty());
        Self { paths: paths.collect(), made: made.collect() }
    }

    fn any(&self, globs: &GlobSet) -> bool {
        self.paths.iter().any(|path| globs.matches(path))
            || self.made.iter().any(|made| meet(made, globs))
    }
}

/// Whether two sets of patterns may mean the same file: one reaches below where the other begins.
fn meet(one: &GlobSet, other: &GlobSet) -> bool {
    let reaches = |from: &GlobSet, to: &GlobSet| {
        to.bases().iter().any(|base| from.matches(base) || from.may_match_below(base))
    };
    reaches(one, other) || reaches(other, one)
}

fn nothing_matches(
    files: &Files,
    command: &Command,
    deps: &[Dep],
    fills: &[Fill<'_>],
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for dep in deps {
        let DepKind::Glob { pattern } = &dep.kind else { continue };
        let filled: Vec<String> = fills.iter().filter_map(|fill| fill.text(pattern)).collect();
        if pattern.starts_with('!') || filled.is_empty() {
            continue;
        }
        let sets = filled.iter().filter_map(|text| GlobSet::new([text]).ok());
        if sets.into_iter().any(|set| files.any(&set)) {
            continue;
        }
        let of = &command.name;
        found.push(
            Diagnostic::warning("lint/matches-nothing", format!("`{pattern}` matches no file"))
                .at(
                    Place::Value(dep.origin.clone()),
                    format!("so `{of}` does not depend on anything by it"),
                )
                .help("correct it, or remove it; patterns start at the project folder"),
        );
    }
    found
}

fn own_artifacts(files: &Files, command: &Command, fills: &[Fill<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, artifact) in command.artifacts.iter().enumerate() {
        let dep = command.deps.iter().find(|dep| {
            let DepKind::Glob { pattern } = &dep.kind else { return false };
            fills.iter().any(|fill| includes(files, command, fill, pattern, artifact))
        });
        let Some(dep) = dep else { continue };
        let name = &command.name;
        let message = format!("`{name}` depends on what it makes: `{artifact}`");
        found.push(
            Diagnostic::warning("lint/own-artifact", message)
                .at(Place::Value(dep.origin.clone()), "matches it")
                .at(Place::Value(field(command, "artifacts", index)), "made by the command itself")
                .help(format!("take it out: `!{artifact}` among its deps")),
        );
    }
    found
}

/// Whether a dep of a command takes in what the artifact's pattern means, and no exclusion takes it
/// out again.
fn includes(files: &Files, command: &Command, fill: &Fill<'_>, dep: &str, artifact: &str) -> bool {
    let out = command.deps.iter().filter_map(|dep| match &dep.kind {
        DepKind::Glob { pattern } if pattern.starts_with('!') => fill.text(pattern),
        _ => None,
    });
    let Some(dep) = fill.text(dep).filter(|dep| !dep.starts_with('!')) else { return false };
    let Ok(deps) = GlobSet::new(std::iter::once(dep).chain(out)) else { return false };
    let Some(artifact) = fill.text(artifact) else { return false };
    let Ok(made) = GlobSet::new([&artifact]) else { return false };
    let sample = sample(&artifact);
    let there = files.paths.iter().filter(|path| made.matches(path));
    there.chain(&sample).any(|path| deps.matches(path))
}

fn without_graph(command: &Command) -> Option<Diagnostic> {
    let tool = IMPORTING.into_iter().find(|tool| {
        let words = command.exec.split(|c: char| !c.is_ascii_alphanumeric());
        words.into_iter().any(|word| word == *tool)
    })?;
    if command.deps.iter().any(|dep| matches!(dep.kind, DepKind::Pygraph { .. })) {
        return None;
    }
    let dep = command.deps.iter().find(|dep| match &dep.kind {
        DepKind::Glob { pattern } => pattern.contains("{module.") && pattern.ends_with(".py"),
        _ => false,
    })?;
    let name = &command.name;
    Some(
        Diagnostic::warning(
            "lint/python-without-graph",
            format!("`{name}` does not depend on what its modules import"),
        )
        .at(
            Place::Value(dep.origin.clone()),
            format!("the module alone, but `{tool}` imports more"),
        )
        .help("add a dep of type `pygraph` with the pyimport `{module.pyimport}`"),
    )
}

fn no_such_modules(session: &Session, project: &Project) -> Vec<Diagnostic> {
    let modules = project.spaces.values().flat_map(|space| &space.modules);
    let missing = modules.filter(|module| {
        let folder = &module.dir;
        !folder.is_root() && !session.tree.folders().any(|(path, _)| path.is_within(folder))
    });
    missing
        .map(|module| {
            let message = format!("the module `{}` has no folder", module.name);
            Diagnostic::warning("lint/no-such-module", message)
                .at(
                    Place::Value(module.origin.clone()),
                    format!("`{}` is not there, or holds no file", module.dir),
                )
                .help("correct its path, or remove it; paths start at the project folder")
        })
        .collect()
}

/// Artifacts that stay in the work tree and are not committed, beside an entry that is.
fn ignored_artifacts(
    session: &Session,
    project: &Project,
    modules: &BTreeMap<Name, Vec<Option<Module>>>,
) -> Vec<Diagnostic> {
    let mut asked: BTreeMap<String, (&Command, usize)> = BTreeMap::new();
    for command in project.commands.values() {
        let cache = command.cache.as_ref().or(project.defaults.cache.as_ref());
        if cache.map(|cache| &**cache) != Some("repo") {
            continue;
        }
        for module in modules.get(&command.name).into_iter().flatten() {
            let fill = Fill { db: &session.db, module: module.as_ref() };
            for (index, artifact) in command.artifacts.iter().enumerate() {
                let path = fill.text(artifact).and_then(|text| sample(&text));
                asked.extend(path.map(|path| (path.to_string(), (&**command, index))));
            }
        }
    }
    let ignored = ignored(session, asked.keys());
    let mut told = BTreeSet::new();
    let found = ignored.iter().filter_map(|path| asked.get(path));
    found
        .filter(|(command, index)| told.insert((command.name.clone(), *index)))
        .map(|(command, index)| {
            let artifact = &command.artifacts[*index];
            let message = format!("git ignores `{artifact}`, which the repo cache needs committed");
            Diagnostic::warning("lint/ignored-artifact", message)
                .at(Place::Value(field(command, "artifacts", *index)), "missing in every other checkout")
                .help("take it out of `.gitignore`, or use a cache that keeps contents, such as `local`")
        })
        .collect()
}

/// Those of `paths` that git ignores.
fn ignored<'p>(session: &Session, paths: impl Iterator<Item = &'p String>) -> Vec<String> {
    let quoted: Vec<String> =
        paths.map(|path| format!("'{}'", path.replace('\'', "'\\''"))).collect();
    if quoted.is_empty() {
        return Vec::new();
    }
    let system = session.db.system();
    let spec = ProcessSpec {
        shell_line: format!("git check-ignore -- {}", quoted.join(" ")),
        cwd: system.root().to_path_buf(),
        env: system.env().iter().map(|(n, v)| (n.to_os_string(), v.to_os_string())).collect(),
        timeout: Some(std::time::Duration::from_secs(30)),
        terminal: false,
    };
    let mut told = Vec::new();
    // Without git nothing is ignored.
    let _ = system.run(&spec, session.stop(), &mut |bytes| told.extend_from_slice(bytes));
    String::from_utf8_lossy(&told).lines().map(str::to_string).collect()
}

/// A path that a pattern means.
fn sample(pattern: &str) -> Option<RelPath> {
    let plain = pattern.replace("**/", "").replace("**", "x").replace(['*', '?'], "x");
    if plain.contains(['[', '{', '!']) { None } else { RelPath::new(&*plain) }
}

fn per_module(dep: &Dep) -> bool {
    qik_config::resolve::templates(&dep.kind).any(|text| text.contains("{module."))
}

/// Fills templates in for one module.
struct Fill<'a> {
    db: &'a Database,
    module: Option<&'a Module>,
}

impl Fill<'_> {
    /// `None` where a variable has no value.
    fn text(&self, text: &str) -> Option<String> {
        template::render(&template::parse(text).ok()?, self).ok()
    }
}

impl Lookup for Fill<'_> {
    fn context(&self, name: &ContextName) -> Result<ContextValue, Diagnostic> {
        context_value(self.db, name).cloned().map_err(Clone::clone)
    }

    fn module(&self, field: ModuleField) -> Option<String> {
        let module = self.module?;
        Some(match field {
            ModuleField::Name => module.name.to_string(),
            ModuleField::Dir => module.dir.to_string(),
            ModuleField::PyImport => module.pyimport.to_string(),
        })
    }
}
