//! The variables of a command's process: qik's own, then those of its Python environment, then what
//! files of variables set, then what its space and it itself set.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use qik_config::{Environment, FilledKind};
use qik_db::{Db, World};
use qik_graph::Definition;
use qik_model::Diagnostic;
use qik_system::find_program;

type Variables = BTreeMap<OsString, OsString>;

/// The variables for the process of a runnable.
///
/// # Errors
/// Files of variables that cannot be read, an environment that is not there, no uv to make one.
pub fn variables_for(
    db: &dyn Db,
    definition: &Definition,
) -> Result<Vec<(OsString, OsString)>, Diagnostic> {
    let named = |name: &str| {
        definition.deps.envs.iter().any(|dep| *dep.text == *name)
            || definition.env.iter().any(|(own, _)| **own == *name)
    };
    let mut variables = of_space(db, &definition.environment, &named)?;
    for (name, value) in &definition.env {
        if let Some(value) = value {
            variables.insert((&**name).into(), (&*value.text).into());
        }
    }
    if definition.is_venv_step() {
        let uv = find_uv(db)?;
        add_path(&mut variables, &uv, Side::Back);
    }
    Ok(variables.into_iter().collect())
}

/// The variables of a program that is started in a space.
///
/// # Errors
/// As [`variables_for`].
pub fn space_variables(
    db: &dyn Db,
    environment: &Environment,
) -> Result<Vec<(OsString, OsString)>, Diagnostic> {
    Ok(of_space(db, environment, &|_| false)?.into_iter().collect())
}

/// The variables that the commands of a space find; `named` are those that a command names itself.
fn of_space(
    db: &dyn Db,
    environment: &Environment,
    named: &dyn Fn(&str) -> bool,
) -> Result<Variables, Diagnostic> {
    let inherited = db.system().env().iter();
    let passes = |name: &OsStr| match name.to_str() {
        Some(name) => environment.passes(name, named),
        None => environment.passes("", named),
    };
    let mut variables: Variables = inherited
        .filter(|(name, _)| passes(name))
        .map(|(name, value)| (name.to_os_string(), value.to_os_string()))
        .collect();
    activate(db, environment, &mut variables)?;
    for one in environment.dotenv_variables(db)? {
        variables.insert(one.name.into(), one.value.into());
    }
    for (name, value) in &environment.env {
        if let Some(value) = value {
            variables.insert((&**name).into(), (&*value.text).into());
        }
    }
    Ok(variables)
}

/// As the scripts named `activate` do it.
fn activate(
    db: &dyn Db,
    environment: &Environment,
    variables: &mut Variables,
) -> Result<(), Diagnostic> {
    let Some(venv) = &environment.venv else { return Ok(()) };
    let root = db.system().root();
    match &venv.kind {
        FilledKind::Active => return Ok(()),
        FilledKind::Prefix { path, .. } => {
            let prefix = root.join(&*path.text);
            if db.system().outside().stamp(&prefix.join("conda-meta")).is_err() {
                let message = format!("there is no environment in `{}`", path.told);
                return Err(Diagnostic::error("space/no-prefix", message)
                    .help("make it, or name its folder by `prefix`"));
            }
            add_path(variables, &prefix.join("bin"), Side::Front);
            let name = prefix.file_name().map(OsStr::to_os_string).unwrap_or_default();
            variables.insert("CONDA_DEFAULT_ENV".into(), name);
            variables.insert("CONDA_PREFIX".into(), prefix.into());
            variables.remove(OsStr::new("VIRTUAL_ENV"));
        }
        FilledKind::Uv(_) | FilledKind::UvProject { .. } => {
            let Some(folder) = venv.folder() else { return Ok(()) };
            let prefix = folder.to_path(root);
            add_path(variables, &prefix.join("bin"), Side::Front);
            variables.insert("VIRTUAL_ENV".into(), prefix.into());
            variables.remove(OsStr::new("CONDA_PREFIX"));
        }
    }
    variables.remove(OsStr::new("PYTHONHOME"));
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Front,
    Back,
}

fn add_path(variables: &mut Variables, folder: &Path, side: Side) {
    let path = variables.entry("PATH".into()).or_default();
    let folder = folder.as_os_str();
    if path.is_empty() {
        *path = folder.to_os_string();
        return;
    }
    let (front, back) = match side {
        Side::Front => (folder, path.as_os_str()),
        Side::Back => (path.as_os_str(), folder),
    };
    let mut joined = front.to_os_string();
    joined.push(":");
    joined.push(back);
    *path = joined;
}

/// The folder of uv: on `PATH`, in the active environment, in the project's, beside qik.
fn find_uv(db: &dyn Db) -> Result<PathBuf, Diagnostic> {
    let env = db.system().env();
    let active = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(|name| env.get(name));
    let mut folders: Vec<PathBuf> = active.map(|prefix| Path::new(prefix).join("bin")).collect();
    folders.push(db.system().root().join(".venv/bin"));
    let binary = World::get(db).binary(db).as_deref().and_then(Path::parent);
    folders.extend(binary.map(Path::to_path_buf));
    let path = env.get("PATH").unwrap_or_default();
    let found = find_program("uv", path)
        .or_else(|| folders.iter().find_map(|folder| find_program("uv", folder.as_os_str())));
    found.and_then(|file| Some(file.parent()?.to_path_buf())).ok_or_else(|| {
        Diagnostic::error("space/no-uv", "uv is not there, and environments are made with it")
            .help("`pip install uv`, or see https://docs.astral.sh/uv for other ways; it is looked for on PATH and in the active environment")
    })
}
