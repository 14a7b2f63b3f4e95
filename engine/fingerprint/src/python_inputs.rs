//! What a runnable needs of Python: modules with all that they import, and distributions.

use std::sync::Arc;

use qik_db::Db;
use qik_graph::{Definition, Pygraph};
use qik_model::{Diagnostic, Digest, Place, RelPath};
use qik_python::dist::PythonVersion;
use qik_python::{
    Closure, DistributionKey, GraphKey, ModuleName, OutsideNeeds, PackagesView, SpaceKey,
    closure_digest, closure_or_reason, components_of, counts_distributions, distribution_needs,
    graph_key, graph_of, outside_needs, packages_of, reach,
};

use crate::manifest::{Manifest, Part};

/// A module with all that it imports.
#[derive(Clone, Debug)]
pub struct ModuleInput<'db> {
    /// As the dep names it.
    pub name: Arc<str>,
    /// The graph that it is looked for in.
    pub key: GraphKey<'db>,
    /// What it needs of the project.
    pub closure: &'db Closure,
    /// The digest of that.
    pub digest: Digest,
    /// What it needs of distributions; `None` where those do not count.
    pub outside: Option<&'db OutsideNeeds>,
}

/// A distribution, with what it needs where that counts.
#[derive(Clone, Debug)]
pub struct DistributionInput<'db> {
    /// As the dep names it.
    pub name: Arc<str>,
    /// What counts.
    pub needs: &'db OutsideNeeds,
}

/// What a runnable needs of Python.
#[derive(Clone, Debug, Default)]
pub struct PythonInputs<'db> {
    /// The version of the space, where anything tells.
    pub python: Option<PythonVersion>,
    /// Modules.
    pub modules: Vec<ModuleInput<'db>>,
    /// Distributions.
    pub distributions: Vec<DistributionInput<'db>>,
    /// Whether the runnable runs in an environment that is configured.
    pub in_venv: bool,
}

/// Whether any dep of `definition` is about Python.
pub fn needs_python(definition: &Definition) -> bool {
    !definition.deps.pygraphs.is_empty() || !definition.deps.pydists.is_empty()
}

/// What the deps of `definition` need of Python; `loaded` are distributions that `load` deps name.
///
/// # Errors
/// `python/…`: modules and distributions that are not there, syntax errors on the way.
pub fn python_inputs<'db>(
    db: &'db dyn Db,
    definition: &Definition,
    loaded: &[Arc<str>],
    view: PackagesView,
) -> Result<PythonInputs<'db>, Vec<Diagnostic>> {
    let in_venv = definition.environment.venv.is_some();
    let mut inputs = PythonInputs { in_venv, ..PythonInputs::default() };
    if !needs_python(definition) && loaded.is_empty() && !inputs.in_venv {
        return Ok(inputs);
    }
    let space = SpaceKey::new(db, definition.space.clone(), view);
    inputs.python = packages_of(db, space).python;
    let mut errors = Vec::new();
    for pygraph in &definition.deps.pygraphs {
        match module_input(db, space, pygraph) {
            Ok(input) => inputs.modules.push(input),
            Err(found) => errors.extend(found),
        }
    }
    let named = definition.deps.pydists.iter().map(|dep| (&dep.name.text, dep.transitive));
    let by_default = qik_config::project(db).pydist.transitive;
    for (name, transitive) in named.chain(loaded.iter().map(|name| (name, None))) {
        let wanted = DistributionKey::new(db, name.clone(), transitive.unwrap_or(by_default));
        match distribution_needs(db, space, wanted) {
            Ok(needs) => inputs.distributions.push(DistributionInput { name: name.clone(), needs }),
            Err(error) => errors.push(error.clone()),
        }
    }
    if errors.is_empty() {
        return Ok(inputs);
    }
    let at = Place::Key(definition.settings.origin.clone());
    Err(errors.into_iter().map(|error| error.at(at.clone(), "needed by this command")).collect())
}

fn module_input<'db>(
    db: &'db dyn Db,
    space: SpaceKey<'db>,
    dep: &Pygraph,
) -> Result<ModuleInput<'db>, Vec<Diagnostic>> {
    let include: Vec<Arc<str>> = dep.include.iter().map(|glob| glob.text.clone()).collect();
    let key = graph_key(db, &include);
    let module = ModuleName::new(db, dep.pyimport.text.clone());
    let closure = closure_or_reason(db, key, module)?;
    let outside = match counts_distributions(db) {
        true => Some(outside_needs(db, key, space, module).as_ref().map_err(Clone::clone)?),
        false => None,
    };
    let digest = closure_digest(db, key, module).unwrap_or(Digest([0; 32]));
    Ok(ModuleInput { name: dep.pyimport.told.clone(), key, closure, digest, outside })
}

impl PythonInputs<'_> {
    /// Tells of a path whether any of the modules reaches the file there.
    pub fn reaches<'a>(&'a self, db: &'a dyn Db) -> impl Fn(&RelPath) -> bool + 'a {
        let each = self.modules.iter().map(|module| {
            let graph = graph_of(db, module.key);
            (graph, reach(graph, &components_of(graph, &module.closure.own)))
        });
        let each: Vec<_> = each.collect();
        move |path| {
            each.iter().any(|(graph, reached)| {
                let file = graph.layout.find(path);
                file.is_some_and(|file| {
                    reached[graph.structure.components.of[file as usize] as usize]
                })
            })
        }
    }

    /// Tells all of it.
    pub(crate) fn tell(&self, manifest: &mut dyn Manifest) {
        if self.modules.is_empty() && self.distributions.is_empty() && !self.in_venv {
            return;
        }
        let python = self.python.map(|version| version.to_string()).unwrap_or_default();
        manifest.item("python", "", Part::Plain(python.as_bytes()));
        for module in &self.modules {
            manifest.item("pygraph", &module.name, Part::Identity(module.digest));
            if let Some(outside) = module.outside {
                manifest.item("imports", &module.name, Part::Identity(outside.digest));
            }
        }
        for one in &self.distributions {
            manifest.item("pydist", &one.name, Part::Identity(one.needs.digest));
        }
    }
}
