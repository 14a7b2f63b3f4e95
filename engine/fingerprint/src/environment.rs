//! What a runnable depends on of the environment that it runs in: variables that it or its space
//! names, what files of variables set, what an environment made by something else holds.

use qik_config::{Environment, FilledKind};
use qik_db::Db;
use qik_graph::Definition;
use qik_model::{Diagnostic, Inherit, Maker, Name};

use crate::manifest::{Manifest, Part, digest_of};
use crate::walk::{tell as tell_text, whole};

/// Tells it.
///
/// # Errors
/// Files of variables that are not there, an environment that is not there.
pub(crate) fn tell(
    db: &dyn Db,
    definition: &Definition,
    manifest: &mut dyn Manifest,
) -> Result<(), Vec<Diagnostic>> {
    let environment = &*definition.environment;
    tell_passed(db, definition, manifest);
    tell_set(definition, manifest);
    if environment.inherit == Inherit::Strict {
        manifest.item("environment", "strict", Part::Plain(b""));
    }
    let located = |error: Diagnostic| vec![error.at(whole(definition), "needed by this command")];
    for variable in environment.dotenv_variables(db).map_err(located)? {
        manifest.item("dotenv", &variable.name, Part::Secret(variable.value.as_bytes()));
    }
    tell_packages(db, environment, manifest).map_err(located)
}

/// Variables of qik's own environment.
fn tell_passed(db: &dyn Db, definition: &Definition, manifest: &mut dyn Manifest) {
    let mut told: Vec<&str> = Vec::new();
    let mut tell_variable = |name: &'_ str| {
        // An empty variable is not an absent one.
        let value =
            db.variable(name).map_or_else(Vec::new, |value| [b"=", value.as_bytes()].concat());
        manifest.item("env", name, Part::Secret(&value));
    };
    for name in &definition.deps.envs {
        tell_variable(&name.text);
        told.push(&name.text);
    }
    for (name, _) in definition.env.iter().filter(|(_, value)| value.is_none()) {
        tell_variable(name);
        told.push(name);
    }
    let space = &definition.environment;
    let passed = space.env.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name);
    let mut passed: Vec<&Name> = passed.chain(&space.pass_env).collect();
    passed.sort();
    passed.dedup();
    for name in passed.into_iter().filter(|name| !told.contains(&&***name)) {
        tell_variable(name);
    }
}

/// Variables with a value.
fn tell_set(definition: &Definition, manifest: &mut dyn Manifest) {
    let own = |name: &str| definition.env.iter().any(|(known, _)| **known == *name);
    for (name, value) in &definition.environment.env {
        if let Some(value) = value.as_ref().filter(|_| !own(name)) {
            tell_text(manifest, "set-env", name, value);
        }
    }
    for (name, value) in &definition.env {
        match value {
            // Where packages are fetched from, credentials and all, is no part of what is locked.
            Some(value) if definition.is_venv_step() => {
                manifest.item("set-env", name, Part::Plain(value.told.as_bytes()));
            }
            Some(value) => tell_text(manifest, "set-env", name, value),
            None => {}
        }
    }
}

/// What an environment holds that something else made and that no file says anything of.
fn tell_packages(
    db: &dyn Db,
    environment: &Environment,
    manifest: &mut dyn Manifest,
) -> Result<(), Diagnostic> {
    let Some(venv) = &environment.venv else { return Ok(()) };
    let FilledKind::Prefix { maker, path } = &venv.kind else { return Ok(()) };
    let prefix = db.system().root().join(&*path.text);
    let notes = prefix.join("conda-meta");
    // Not through a listing alone: the database hears of what it looks at.
    let stamp = *db.outside_file(&notes).state(db);
    let items = stamp.and_then(|_| db.system().outside().list(&notes).ok());
    let Some(items) = items else {
        let maker = match maker {
            Maker::Conda => "conda",
            Maker::Pixi => "pixi",
        };
        let message = format!("there is no {maker} environment in `{}`", path.told);
        let help = format!("make it by {maker}, or name its folder by `prefix`");
        return Err(Diagnostic::error("space/no-prefix", message).help(help));
    };
    if venv.files.is_empty() {
        let mut names: Vec<Vec<u8>> =
            items.into_iter().map(|item| item.name.as_encoded_bytes().to_vec()).collect();
        names.retain(|name| name.ends_with(b".json"));
        names.sort();
        manifest.item("packages", &path.told, Part::Identity(digest_of(&names.join(&b'\n'))));
    }
    Ok(())
}
