//! The walk: everything that a runnable's result depends on, told to a [`Manifest`] in a fixed order.
//!
//! Cache settings, tags and the like are not told; neither is anything absolute, any time, any host.

use std::sync::Arc;

use qik_db::Db;
use qik_graph::{Definition, Load, Rendered, definition_of};
use qik_model::{Builtin, Diagnostic, GlobSet, Place, RelPath};
use qik_python::{PackagesView, SpaceKey, fence_report};

use crate::environment;
use crate::file_set::{FilesNode, Globs, files};
use crate::manifest::{Manifest, Part};
use crate::python_inputs::python_inputs;
use crate::value::value_at;

/// A set of files that enters a fingerprint.
#[derive(Clone, Debug)]
pub struct InputSet {
    /// `files`, `load`, `venv` or `upstream`.
    pub kind: &'static str,
    /// The patterns, the file that lists them, or the upstream runnable.
    pub name: Arc<str>,
    /// What is meant.
    pub globs: GlobSet,
    /// What there is.
    pub node: Arc<FilesNode>,
}

/// Tells `manifest` everything that the result of `definition` depends on.
///
/// # Errors
/// Where a file that a `val` or `load` dep names cannot be read as such, a tool fails, or Python
/// modules or distributions are not there.
pub fn walk(
    db: &dyn Db,
    definition: &Definition,
    manifest: &mut dyn Manifest,
) -> Result<(), Vec<Diagnostic>> {
    tell_definition(definition, manifest);
    environment::tell(db, definition, manifest)?;
    for set in input_sets(db, definition).map_err(|error| vec![error])? {
        manifest.item(set.kind, &set.name, Part::Identity(set.node.digest));
    }
    tell_beside_files(db, definition, PackagesView::Running, manifest)
}

/// As [`walk`], without the sets of files, and with the distributions of that view.
///
/// # Errors
/// As [`walk`].
pub(crate) fn walk_beside_files(
    db: &dyn Db,
    definition: &Definition,
    view: PackagesView,
    manifest: &mut dyn Manifest,
) -> Result<(), Vec<Diagnostic>> {
    tell_definition(definition, manifest);
    environment::tell(db, definition, manifest)?;
    tell_beside_files(db, definition, view, manifest)
}

fn tell_beside_files(
    db: &dyn Db,
    definition: &Definition,
    view: PackagesView,
    manifest: &mut dyn Manifest,
) -> Result<(), Vec<Diagnostic>> {
    let one = |error: Diagnostic| vec![error];
    for val in &definition.deps.vals {
        let path = path_of(definition, &val.file).map_err(one)?;
        let value = value_at(db, &path, &val.key.text)
            .map_err(|error| vec![error.at(whole(definition), "needed by this command")])?;
        let name = format!("{}:{}", val.file.told, val.key.told);
        manifest.item("val", &name, Part::Plain(value.as_bytes()));
    }
    let activation = definition.environment.activation();
    for tool in &definition.deps.tools {
        let line = match activation.is_empty() {
            true => tool.text.clone(),
            false => format!("{activation}{}", tool.text).into(),
        };
        let output = db.tool(&line).output(db);
        if output.code != 0 {
            return Err(vec![tool_failed(definition, tool, &output.text)]);
        }
        manifest.item("tool", &tool.told, Part::Plain(&output.text));
    }
    let loaded = loaded_distributions(db, definition).map_err(one)?;
    python_inputs(db, definition, &loaded, view)?.tell(manifest);
    if definition.builtin == Some(Builtin::FenceCheck) {
        let report = fence_report(db, SpaceKey::new(db, definition.space.clone(), view));
        manifest.item("check", &definition.space, Part::Plain(report.text().as_bytes()));
    }
    Ok(())
}

fn tell_definition(definition: &Definition, manifest: &mut dyn Manifest) {
    tell(manifest, "exec", "", &definition.exec);
    for artifact in &definition.artifacts {
        tell(manifest, "artifact", &artifact.told, artifact);
    }
    for (kind, patterns) in [("glob", &definition.deps.globs), ("const", &definition.deps.consts)] {
        for pattern in patterns {
            tell(manifest, kind, &pattern.told, pattern);
        }
    }
    for (name, value) in &definition.context {
        manifest.item("context", name, Part::Secret(value.as_bytes()));
    }
}

pub(crate) fn tell(manifest: &mut dyn Manifest, kind: &'static str, name: &str, text: &Rendered) {
    let part = Part::Told { bytes: text.text.as_bytes(), told: text.told.as_bytes() };
    manifest.item(kind, name, part);
}

/// The sets of files that enter the fingerprint of `definition`, in `tree`.
///
/// # Errors
/// Where the file of a `load` dep is not what it should be.
pub fn input_sets(db: &dyn Db, definition: &Definition) -> Result<Vec<InputSet>, Diagnostic> {
    let mut sets = Vec::new();
    let mut add = |kind, name: Arc<str>, globs: GlobSet| {
        let node = files(db, Globs::new(db, globs.clone())).clone();
        sets.push(InputSet { kind, name, globs, node });
    };
    if !definition.dep_globs.is_empty() {
        let name = join(definition.deps.globs.iter().map(|glob| &*glob.told));
        add("files", name, definition.dep_globs.clone());
    }
    for load in &definition.deps.loads {
        add("load", load.path.told.clone(), loaded_globs(db, definition, load)?);
    }
    let venv = definition.environment.venv.as_ref();
    if let Some(venv) = venv.filter(|venv| !venv.files.is_empty()) {
        let names = venv.files.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let globs = GlobSet::new(venv.files.iter().map(GlobSet::literal)).unwrap_or_default();
        add("venv", names.into(), globs);
    }
    // The lock that it makes was told.
    let lock = venv.and_then(|venv| venv.lock_step.as_ref());
    for upstream in definition.upstream.iter().filter(|upstream| Some(&upstream.name) != lock) {
        if let Ok(upstream) = definition_of(db, &upstream.name) {
            add("upstream", upstream.name.clone(), upstream.artifact_globs.clone());
        }
    }
    Ok(sets)
}

fn join<'a>(texts: impl Iterator<Item = &'a str>) -> Arc<str> {
    texts.collect::<Vec<_>>().join(" ").into()
}

/// The files whose bytes count beside the input sets: those of `val` and `load` deps, and files of
/// variables.
pub fn single_files(definition: &Definition) -> Vec<RelPath> {
    let vals = definition.deps.vals.iter().map(|val| &val.file);
    let loads = definition.deps.loads.iter().map(|load| &load.path);
    let named = vals.chain(loads).filter_map(|path| RelPath::new(path.text.as_bytes()));
    named.chain(definition.environment.dotenv.iter().cloned()).collect()
}

#[derive(serde::Deserialize)]
struct Loaded {
    #[serde(default)]
    globs: Vec<String>,
    #[serde(default)]
    pydists: Vec<String>,
}

fn loaded(db: &dyn Db, definition: &Definition, load: &Load) -> Result<Loaded, Diagnostic> {
    let path = path_of(definition, &load.path)?;
    match db.source(&path).bytes(db) {
        None => Ok(Loaded {
            globs: load.default.iter().map(|glob| glob.text.to_string()).collect(),
            pydists: Vec::new(),
        }),
        Some(bytes) => serde_json::from_slice(bytes)
            .map_err(|error| bad_load(definition, &path, format!("cannot be read: {error}"))),
    }
}

fn loaded_globs(db: &dyn Db, definition: &Definition, load: &Load) -> Result<GlobSet, Diagnostic> {
    GlobSet::new(loaded(db, definition, load)?.globs).map_err(|glob| {
        let path = RelPath::from(&*load.path.text);
        bad_load(definition, &path, format!("holds `{}`: {}", glob.pattern, glob.reason))
    })
}

/// The distributions that the files of `load` deps name.
///
/// # Errors
/// As [`input_sets`].
pub fn loaded_distributions(
    db: &dyn Db,
    definition: &Definition,
) -> Result<Vec<Arc<str>>, Diagnostic> {
    let mut names = Vec::new();
    for load in &definition.deps.loads {
        names.extend(loaded(db, definition, load)?.pydists.into_iter().map(Arc::from));
    }
    names.sort();
    names.dedup();
    Ok(names)
}

fn bad_load(definition: &Definition, path: &RelPath, reason: String) -> Diagnostic {
    Diagnostic::error("deps/bad-load-file", format!("`{path}` {reason}"))
        .at(whole(definition), "needed by this command")
        .help("a load file is JSON such as {\"globs\": [\"src/**.py\"], \"pydists\": [\"black\"]}")
}

fn path_of(definition: &Definition, text: &Rendered) -> Result<RelPath, Diagnostic> {
    RelPath::new(text.text.as_bytes()).ok_or_else(|| {
        Diagnostic::error("deps/outside-project", format!("`{}` leaves the project", text.told))
            .at(whole(definition), "needed by this command")
            .help("name a file by its path below the project folder")
    })
}

fn tool_failed(definition: &Definition, tool: &Rendered, output: &[u8]) -> Diagnostic {
    let output = String::from_utf8_lossy(output);
    let message = match output.lines().find(|line| !line.trim().is_empty()) {
        Some(line) => format!("`{}` failed: {}", tool.told, line.trim()),
        None => format!("`{}` failed", tool.told),
    };
    Diagnostic::error("deps/exec-failed", message)
        .at(whole(definition), "its output is a dep of this command")
        .help("make the command succeed in the project folder, or remove the dep")
}

pub(crate) fn whole(definition: &Definition) -> Place {
    Place::Key(definition.settings.origin.clone())
}
