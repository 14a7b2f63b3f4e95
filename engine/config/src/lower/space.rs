//! Spaces and their modules.

use std::collections::BTreeMap;

use qik_model::{Diagnostic, Module, Name, Place, RelPath, Space};

use super::python;
use super::view::View;
use crate::{names, shape};

/// The space behind `view`.
pub(super) fn space(
    name: Name,
    view: &View<'_>,
    python_path: &[RelPath],
    diagnostics: &mut Vec<Diagnostic>,
) -> Space {
    let origin = Some(view.at.clone());
    let Some(fields) = view.fields() else {
        // The short form is the environment alone: requirements files.
        diagnostics.push(shape::not_supported(
            "a space of requirements files",
            Place::Value(view.at.clone()),
        ));
        return Space { name, origin, ..Space::default() };
    };
    let root = fields.text("root").and_then(|text| RelPath::new(text.as_bytes()));
    let views = fields.get("modules").map(|list| list.items()).unwrap_or_default();
    let modules =
        views.iter().filter_map(|view| module(view, &name, python_path, diagnostics)).collect();
    let fence = fields.get("fence").and_then(|view| python::fence(&view));
    Space { name, origin, root, modules, fence }
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
