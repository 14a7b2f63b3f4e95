//! Spaces and their modules.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_model::{
    Diagnostic, Inherit, Module, Name, Origin, Place, Project, RelPath, Space, Template, Venv,
};

use super::view::{Fields, View};
use super::{python, venv};
use crate::{names, shape};

/// The space behind `view`.
pub(super) fn space(
    name: Name,
    view: &View<'_>,
    defaults: &SpaceDefaults,
    project: &Project,
    diagnostics: &mut Vec<Diagnostic>,
) -> Space {
    let mut space = Space { name: name.clone(), origin: Some(view.at.clone()), ..Space::default() };
    let Some(fields) = view.fields() else {
        // The short form is the environment alone: requirements files.
        space.venv = venv::venv(view, project).map(Arc::new);
        defaults.complete(&mut space, None, diagnostics);
        return space;
    };
    space.root = fields.text("root").and_then(|text| RelPath::new(text.as_bytes()));
    let python_path = &project.defaults.python_path;
    let views = fields.get("modules").map(|list| list.items()).unwrap_or_default();
    space.modules =
        views.iter().filter_map(|view| module(view, &name, python_path, diagnostics)).collect();
    space.fence = fields.get("fence").and_then(|view| python::fence(&view));
    space.venv = fields.get("venv").and_then(|view| venv::venv(&view, project)).map(Arc::new);
    space.env = super::command::env(&fields, diagnostics);
    defaults.complete(&mut space, Some(&fields), diagnostics);
    space
}

/// What spaces take where they say nothing.
#[derive(Debug, Default)]
pub(super) struct SpaceDefaults {
    /// The environment, which all of these share.
    venv: Option<Arc<Venv>>,
    dotenv: Vec<(Template, Origin)>,
    inherit: Inherit,
    pass_env: Vec<Name>,
}

impl SpaceDefaults {
    /// Takes over what a `defaults` table says.
    pub fn add(
        &mut self,
        table: &Fields<'_>,
        project: &Project,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        if let Some(view) = table.get("venv") {
            self.venv = venv::venv(&view, project).map(Arc::new);
        }
        if let Some(files) = dotenv(table) {
            self.dotenv = files;
        }
        self.inherit = inherit(table).unwrap_or(self.inherit);
        self.pass_env.extend(pass_env(table, diagnostics));
    }

    /// Puts what a space does not say itself. The environment that is the default is that of one
    /// space, [`venv::share_default`] says of which.
    pub fn complete(
        &self,
        space: &mut Space,
        fields: Option<&Fields<'_>>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        space.dotenv = fields.and_then(dotenv).unwrap_or_else(|| self.dotenv.clone());
        space.inherit = fields.and_then(inherit).unwrap_or(self.inherit);
        space.pass_env.clone_from(&self.pass_env);
        let own = fields.map(|fields| pass_env(fields, diagnostics)).unwrap_or_default();
        space.pass_env.extend(own);
        space.pass_env.sort();
        space.pass_env.dedup();
    }

    /// The environment that is the default.
    pub fn venv(&self) -> Option<&Arc<Venv>> {
        self.venv.as_ref()
    }
}

fn dotenv(fields: &Fields<'_>) -> Option<Vec<(Template, Origin)>> {
    let views = fields.get("dotenv")?.one_or_more();
    Some(views.iter().filter_map(|view| Some((view.text()?, view.at.clone()))).collect())
}

fn inherit(fields: &Fields<'_>) -> Option<Inherit> {
    Inherit::parse(&fields.text("environment")?)
}

fn pass_env(fields: &Fields<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Name> {
    let views = fields.get("pass-env").map(|view| view.items()).unwrap_or_default();
    let mut names = Vec::new();
    for view in views {
        let Some(name) = view.text() else { continue };
        match shape::env_fault(&name) {
            Some(fault) => {
                let place = Place::Value(view.at.clone());
                diagnostics.push(shape::bad_name("variable", &name, fault, place));
            }
            None => names.push(name),
        }
    }
    names
}

/// Reports modules that share a name or a folder, over all spaces.
pub(super) fn clashes(spaces: &BTreeMap<Name, Space>, diagnostics: &mut Vec<Diagnostic>) {
    let mut by_name: BTreeMap<&str, &Module> = BTreeMap::new();
    let mut by_dir: BTreeMap<&RelPath, &Module> = BTreeMap::new();
    for module in spaces.values().flat_map(|space| &space.modules) {
        if let Some(first) = by_name.insert(&module.name, module) {
            let message = format!("two modules are called `{}`", module.name);
            diagnostics.push(clash("config/duplicate-name", message, first, module).help(
                "names of modules are unique in the project; beside its `path` a module may have a `name`",
            ));
        } else if let Some(first) = by_dir.insert(&module.dir, module) {
            let message = format!("two modules have the folder `{}`", module.dir);
            diagnostics.push(
                clash("config/duplicate-folder", message, first, module)
                    .help("a folder is one module of one space; remove one of the two"),
            );
        }
    }
}

/// Reports roots inside of each other: a folder is at home in one space.
pub(super) fn nested_roots(spaces: &BTreeMap<Name, Space>, diagnostics: &mut Vec<Diagnostic>) {
    let rooted = |space: &&Space| space.root.as_ref().is_some_and(|root| !root.is_root());
    let rooted: Vec<&Space> = spaces.values().filter(rooted).collect();
    for inner in &rooted {
        let is_outer = |outer: &&&Space| match (&outer.root, &inner.root) {
            // Of two that are the same, one is told.
            (Some(outer_root), Some(root)) if outer_root == root => outer.name < inner.name,
            (Some(outer_root), Some(root)) => root.is_within(outer_root),
            _ => false,
        };
        let Some(outer) = rooted.iter().find(is_outer) else { continue };
        let at =
            |space: &Space| space.origin.as_ref().map(|origin| Place::Value(origin.key("root")));
        let message = format!(
            "the root of the space `{}` lies in that of the space `{}`",
            inner.name, outer.name
        );
        let mut report = Diagnostic::error("config/nested-root", message)
            .help("spaces lie beside each other; move the root, or drop one of the two");
        for (space, label) in [(*inner, "the inner one"), (*outer, "the outer one")] {
            if let Some(place) = at(space) {
                report = report.at(place, label);
            }
        }
        diagnostics.push(report);
    }
}

fn clash(code: &'static str, message: String, first: &Module, second: &Module) -> Diagnostic {
    Diagnostic::error(code, message)
        .at(Place::Value(second.origin.clone()), format!("in the space `{}`", second.space))
        .at(Place::Value(first.origin.clone()), format!("and in the space `{}`", first.space))
}

fn module(
    view: &View<'_>,
    space: &Name,
    python_path: &[RelPath],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Module> {
    let (path, name, at) = match view.fields() {
        None => (view.text()?, None, view.at.clone()),
        Some(fields) => {
            let name = fields.get("name")?;
            (fields.text("path")?, Some(name.text()?), name.at)
        }
    };
    let dir = RelPath::new(path.as_bytes())?;
    let name = name.unwrap_or_else(|| dir.to_string().into());
    if let Some(fault) = names::fault(&name) {
        diagnostics.push(
            shape::bad_name("module", &name, fault, Place::Value(at))
                .help("give it another: beside its `path` a module may have a `name`"),
        );
    }
    let pyimport = pyimport(&dir, python_path);
    Some(Module { name, dir, pyimport, space: space.clone(), origin: view.at.clone() })
}

/// What an `import` calls the folder: its path below the innermost root of imports that holds it.
fn pyimport(dir: &RelPath, python_path: &[RelPath]) -> Name {
    let roots = python_path.iter().filter(|root| dir.is_within(root));
    let skipped = roots.map(|root| root.segments().count()).max().unwrap_or(0);
    let segments: Vec<String> = dir
        .segments()
        .skip(skipped)
        .map(|segment| String::from_utf8_lossy(segment).into_owned())
        .collect();
    segments.join(".").into()
}

#[cfg(test)]
mod tests {
    use super::pyimport;

    #[test]
    fn imports_start_at_the_innermost_root() {
        let check = |dir: &str, roots: &[&str], expected: &str| {
            let roots: Vec<_> = roots.iter().map(|root| (*root).into()).collect();
            assert_eq!(&*pyimport(&dir.into(), &roots), expected);
        };
        check("backend/my/module", &["backend"], "my.module");
        check("backend/my/module", &["."], "backend.my.module");
        check("libs/a/src/a", &[".", "libs/a/src", "libs"], "a");
        check("library/a", &["lib"], "library.a");
        check("backend", &["backend"], "");
    }
}
