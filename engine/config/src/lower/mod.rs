//! From documents to the project: the root configuration, what it includes, and the modules' own
//! files, merged. Pure: files are handed in by whoever calls.

mod command;
mod layers;
mod python;
mod space;
mod variables;
mod venv;
mod view;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_model::document::{Notation, Table};
use qik_model::{
    CacheConfig, CacheWhen, Command, ConfigDocument, ConfigSyntax, Diagnostic, Module, Name,
    OnChange, Origin, Parsed, Place, Plugin, Profile, Project, RelPath, Setting, Space, Span,
};

use crate::resolve;
use crate::shape::Check;
use layers::{Layer, Layers};
pub(crate) use venv::step_name;
use view::{Fields, View};

/// What lowering asks of the world.
pub trait Files {
    /// The document at `path`.
    fn document(&self, path: &RelPath) -> Found<'_>;

    /// The configuration files right inside a module's folder.
    fn module_configs(&self, dir: &RelPath) -> Vec<RelPath>;
}

/// What there is at a path.
#[derive(Debug)]
pub enum Found<'a> {
    /// No such file.
    Absent,
    /// A file whose name tells no known format.
    UnknownFormat,
    /// A document, as far as it could be read.
    Document(&'a Parsed<ConfigDocument>),
}

/// The outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lowered {
    /// What could be read.
    pub project: Arc<Project>,
    /// What is wrong with it, without what the documents' own parsers said.
    pub diagnostics: Vec<Diagnostic>,
    /// The configuration files that it was read from, the root first.
    pub files: Vec<RelPath>,
}

/// Lowers the project whose root configuration is `config`.
pub fn lower(config: &RelPath, files: &dyn Files) -> Lowered {
    let mut lowering = Lowering::default();
    let mut layers = Layers::load(config, files, &mut lowering.diagnostics);
    for layer in &layers.project {
        lowering.check.notation = layer.notation;
        lowering.check.table(&qik_model::schema::ROOT, layer.table, &layer.top);
    }
    lowering.outer(&layers.project);
    let modules: Vec<Module> =
        lowering.spaces.values().flat_map(|space| space.modules.iter().cloned()).collect();
    layers.load_modules(&modules, files, &mut lowering.diagnostics);
    for (_, layer) in &layers.modules {
        lowering.check.notation = layer.notation;
        lowering.check.table(&qik_model::schema::MODULE_ROOT, layer.table, &layer.top);
    }
    lowering.commands(&layers);
    lowering.finish(layers)
}

/// Reads the bytes of a configuration file by its format.
pub fn read(syntax: &dyn ConfigSyntax, file: Arc<str>, bytes: &[u8]) -> Parsed<ConfigDocument> {
    match std::str::from_utf8(bytes) {
        Ok(text) => syntax.parse(file, text),
        Err(error) => {
            let start = error.valid_up_to();
            let bad = Span { file: file.clone(), start, end: start };
            let report = Diagnostic::error("config/not-utf8", format!("`{file}` is not UTF-8"))
                .at(Place::Span(bad), "the first byte that is not")
                .help("save the file as UTF-8");
            let span = Span { file, start: 0, end: bytes.len() };
            let value =
                ConfigDocument { root: Table::default(), span, notation: Notation::default() };
            Parsed { value, diagnostics: vec![report] }
        }
    }
}

/// That the same name stands in two places.
fn twice(what: &str, name: &str, second: &Origin, first: &Origin) -> Diagnostic {
    Diagnostic::error("config/duplicate-name", format!("the {what} `{name}` is there twice"))
        .at(Place::Key(second.clone()), "here for the second time")
        .at(Place::Key(first.clone()), "first here")
        .help("a name stands in one of the project's files; rename or remove one of the two")
}

#[derive(Default)]
struct Lowering {
    check: Check,
    diagnostics: Vec<Diagnostic>,
    project: Project,
    commands: BTreeMap<Name, Command>,
    spaces: BTreeMap<Name, Space>,
    profiles: BTreeMap<Name, Profile>,
    space_defaults: space::SpaceDefaults,
    /// Where each single setting was first made.
    settings: BTreeMap<&'static str, Origin>,
}

impl Lowering {
    /// All but commands: what must be known before modules' own files are looked for.
    fn outer(&mut self, layers: &[Layer<'_>]) {
        // What plain requirements files mean depends on the plugins.
        for layer in layers {
            self.plugins(&layer.fields());
        }
        for layer in layers {
            self.defaults(&layer.fields());
            self.base(&layer.fields());
            self.watch(&layer.fields());
            self.variables(&layer.fields());
        }
        self.profiles.extend(["default", "ci"].map(|name| (name.into(), Profile::default())));
        for layer in layers {
            let fields = layer.fields();
            self.spaces(&fields);
            self.caches(&fields);
            if let Some(table) = fields.fields("pydist") {
                python::pydist(&table, &mut self.project.pydist);
            }
            if let Some(table) = fields.fields("ctx") {
                let profiles = &mut self.profiles;
                variables::add_profiles(&table, &self.project, profiles, &mut self.diagnostics);
            }
        }
        self.spaces.entry("default".into()).or_insert_with(|| {
            let mut space = Space { name: "default".into(), ..Space::default() };
            self.space_defaults.complete(&mut space, None, &mut Vec::new());
            space
        });
        space::clashes(&self.spaces, &mut self.diagnostics);
        space::nested_roots(&self.spaces, &mut self.diagnostics);
        venv::share_default(&mut self.spaces, self.space_defaults.venv());
    }

    fn defaults(&mut self, fields: &Fields<'_>) {
        let Some(table) = fields.fields("defaults") else { return };
        let path = |view: &View<'_>| view.str().and_then(RelPath::new);
        if let Some(view) = self.once(&table, "cache") {
            self.project.defaults.cache = view.text();
        }
        if let Some(view) = self.once(&table, "cache-when") {
            self.project.defaults.cache_when = view.str().and_then(CacheWhen::parse);
        }
        if let Some(view) = self.once(&table, "python-path") {
            self.project.defaults.python_path =
                view.one_or_more().iter().filter_map(path).collect();
        }
        self.project.defaults.ignore.extend(table.texts("ignore"));
        for key in ["venv", "dotenv", "environment"] {
            self.once(&table, key);
        }
        self.space_defaults.add(&table, &self.project, &mut self.diagnostics);
    }

    /// A setting that has one value in the whole project.
    fn once<'a>(&mut self, table: &Fields<'a>, key: &'static str) -> Option<View<'a>> {
        let view = table.get(key)?;
        if let Some(first) = self.settings.get(key) {
            self.diagnostics.push(twice("setting", key, &view.at, first));
            return None;
        }
        self.settings.insert(key, view.at.clone());
        Some(view)
    }

    fn base(&mut self, fields: &Fields<'_>) {
        if let Some(list) = fields.fields("base").and_then(|base| base.get("deps")) {
            self.project.base.extend(command::deps(&list));
        }
    }

    fn watch(&mut self, fields: &Fields<'_>) {
        let Some(table) = fields.fields("watch") else { return };
        if let Some(view) = self.once(&table, "on-change") {
            self.project.watch.on_change = view.str().and_then(OnChange::parse).unwrap_or_default();
        }
        if let Some(view) = self.once(&table, "debounce") {
            self.project.watch.debounce = command::duration(&view);
        }
    }

    fn variables(&mut self, fields: &Fields<'_>) {
        for list in ["ctx", "vars"].into_iter().filter_map(|key| fields.get(key)) {
            let variables = &mut self.project.variables;
            variables::add_variables(&list, variables, &mut self.diagnostics);
        }
    }

    fn spaces(&mut self, fields: &Fields<'_>) {
        for (name, view) in fields.fields("spaces").iter().flat_map(Fields::entries) {
            if let Some(first) = self.spaces.get(&name).and_then(|space| space.origin.as_ref()) {
                self.diagnostics.push(twice("space", &name, &view.at, first));
                continue;
            }
            let space = space::space(
                name.clone(),
                &view,
                &self.space_defaults,
                &self.project,
                &mut self.diagnostics,
            );
            self.spaces.insert(name, space);
        }
    }

    fn caches(&mut self, fields: &Fields<'_>) {
        for (name, view) in fields.fields("caches").iter().flat_map(Fields::entries) {
            if let Some(first) = self.project.caches.get(&name) {
                self.diagnostics.push(twice("cache", &name, &view.at, &first.origin));
                continue;
            }
            let Some((table, kind)) = view.fields().and_then(|table| {
                let kind = table.text("type")?;
                Some((table, kind))
            }) else {
                continue;
            };
            let built_in = matches!(&*name, "none" | "local" | "repo");
            if built_in && kind != name {
                self.diagnostics.push(reserved_cache(&name, &view.at));
            }
            let settings = settings(&table, "type");
            let cache = CacheConfig { name: name.clone(), origin: view.at, kind, settings };
            self.project.caches.insert(name, cache.into());
        }
    }

    fn plugins(&mut self, fields: &Fields<'_>) {
        for (name, view) in fields.fields("plugins").iter().flat_map(Fields::entries) {
            if let Some(first) = self.project.plugins.get(&name) {
                self.diagnostics.push(twice("plugin", &name, &view.at, &first.origin));
                continue;
            }
            let table = view.fields();
            let pyimport = table.as_ref().map_or_else(|| view.text(), |one| one.text("pyimport"));
            let Some(pyimport) = pyimport else { continue };
            let known = self.project.plugins.values().find(|plugin| plugin.pyimport == pyimport);
            if let Some(known) = known {
                self.diagnostics.push(twice("plugin", &pyimport, &view.at, &known.origin));
                continue;
            }
            if let (Some(table), "qik.pygraph") = (&table, &*pyimport) {
                self.project.pygraph = python::pygraph(table);
                self.diagnostics.extend(python::without_effect(table));
            }
            if let (Some(table), "qik.uv") = (&table, &*pyimport) {
                self.project.uv = venv::uv_config(table);
            }
            let settings = table.filter(|_| !matches!(&*pyimport, "qik.pygraph" | "qik.uv"));
            let settings = settings.map(|table| self::settings(&table, "pyimport"));
            let settings = settings.unwrap_or_default();
            let plugin = Plugin { name: name.clone(), pyimport, origin: view.at, settings };
            self.project.plugins.insert(name, plugin.into());
        }
    }

    fn commands(&mut self, layers: &Layers<'_>) {
        let own = layers.modules.iter().map(|(module, layer)| (Some(module.clone()), layer));
        for (module, layer) in layers.project.iter().map(|layer| (None, layer)).chain(own) {
            for (name, view) in layer.fields().fields("commands").iter().flat_map(Fields::entries) {
                let name: Name = match &module {
                    Some(module) => format!("{module}/{name}").into(),
                    None => name,
                };
                if let Some(first) = self.commands.get(&name) {
                    self.diagnostics.push(twice("command", &name, &view.at, &first.origin));
                    continue;
                }
                let diagnostics = &mut self.diagnostics;
                let command = command::command(name.clone(), module.clone(), &view, diagnostics);
                self.commands.insert(name, command);
            }
        }
    }

    fn finish(self, layers: Layers<'_>) -> Lowered {
        let Lowering { mut project, check, commands, mut settings, .. } = self;
        let default_cache = settings.remove("cache");
        let mut diagnostics = check.diagnostics;
        diagnostics.extend(self.diagnostics);
        project.spaces = shared(self.spaces);
        let mut commands = commands;
        if let Some(check) = command::fence_check(&project, &commands) {
            commands.insert(check.name.clone(), check);
        }
        for step in venv::steps(&project) {
            match commands.get(&step.name) {
                Some(own) => diagnostics.push(taken(own, &step)),
                None => drop(commands.insert(step.name.clone(), step)),
            }
        }
        project.profiles = shared(self.profiles);
        let mut names =
            resolve::Names { project, commands, default_cache, diagnostics: Vec::new() };
        names.resolve(&check.references);
        // Where a file could not be read, names that it defines would be missed everywhere.
        if !layers.broken {
            diagnostics.append(&mut names.diagnostics);
        }
        diagnostics.sort_by_cached_key(|report| layers.position(report));
        let mut project = names.project;
        project.commands = shared(names.commands);
        Lowered { project: project.into(), diagnostics, files: layers.files }
    }
}

fn shared<T>(map: BTreeMap<Name, T>) -> BTreeMap<Name, Arc<T>> {
    map.into_iter().map(|(name, value)| (name, Arc::new(value))).collect()
}

fn settings(table: &Fields<'_>, tag: &str) -> BTreeMap<Name, Setting> {
    table
        .entries()
        .map(|(key, view)| (Name::from(key.replace('_', "-")), view))
        .filter(|(key, _)| &**key != tag)
        .filter_map(|(key, view)| Some((key, setting(&view)?)))
        .collect()
}

fn setting(view: &View<'_>) -> Option<Setting> {
    view.bool()
        .map(Setting::Bool)
        .or_else(|| view.int().map(Setting::Int))
        .or_else(|| view.text().map(Setting::Str))
        .or_else(|| Some(Setting::List(view.items().iter().filter_map(View::text).collect())))
}

/// That a command of the project has the name of a step that environments need.
fn taken(own: &Command, step: &Command) -> Diagnostic {
    let message = format!("`{}` is what makes environments of spaces", step.name);
    Diagnostic::error("config/duplicate-name", message)
        .at(Place::Key(own.origin.clone()), "has the same name")
        .at(Place::Key(step.origin.clone()), "needs it")
        .help("rename the command, or name the plugin otherwise: `[plugins] python = \"qik.uv\"`")
}

fn reserved_cache(name: &str, at: &Origin) -> Diagnostic {
    let report = Diagnostic::error("config/bad-name", format!("the cache `{name}` is built in"))
        .at(Place::Key(at.clone()), "cannot be of another type");
    match name {
        "none" => report.help("it keeps nothing and has no settings; choose another name"),
        _ => report.help(format!("its `type` is `{name}`; for another one choose another name")),
    }
}
