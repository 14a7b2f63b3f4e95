//! Values of variables: default, then profile `default`, then the chosen profile, then the
//! environment, then the command line; the last one that says something wins.
//!
//! Pure: the environment and the command line are handed in. It knows nothing of templates but the
//! names in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_model::document::same_key;
use qik_model::schema::{self, Shape};
use qik_model::{
    ContextValue, Diagnostic, Name, Origin, Place, Profile, Project, Variable, VariableKind,
};

use crate::names;
use crate::template::ContextName;

/// Where values come from, apart from the configuration.
pub trait Outside {
    /// A variable of the process environment.
    fn env(&self, name: &str) -> Option<Arc<str>>;
    /// A value given on the command line, by `qik.NAME` or `project.NAME`.
    fn flag(&self, name: &str) -> Option<Arc<str>>;
}

/// An environment and flags as they are, for callers that hold both.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// The environment.
    pub env: &'a BTreeMap<String, String>,
    /// The command line's values.
    pub flags: &'a BTreeMap<String, String>,
}

impl Outside for Snapshot<'_> {
    fn env(&self, name: &str) -> Option<Arc<str>> {
        self.env.get(name).map(|value| value.as_str().into())
    }

    fn flag(&self, name: &str) -> Option<Arc<str>> {
        self.flags.get(name).map(|value| value.as_str().into())
    }
}

/// What the values of a variable are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Str,
    /// Whole number.
    Int,
    /// Whole number, not negative.
    Count,
    /// Truth value.
    Bool,
    /// Texts, split at commas.
    List,
    /// One of these texts.
    Enum(&'static [&'static str]),
}

/// The chosen profile.
///
/// # Errors
/// `context/unknown-profile`.
pub fn profile(project: &Project, outside: &dyn Outside) -> Result<Name, Diagnostic> {
    let flag = outside.flag("qik.profile").map(|value| ("the command line", value));
    let env = || {
        let value = outside.env("QIK__PROFILE").filter(|value| !value.is_empty())?;
        Some(("`QIK__PROFILE`", value))
    };
    let Some((source, name)) = flag.or_else(env) else { return Ok("default".into()) };
    if project.profiles.contains_key(&name) {
        return Ok(name);
    }
    let known = project.profiles.keys().map(|name| &**name);
    Err(Diagnostic::error(
        "context/unknown-profile",
        format!("there is no profile `{name}`, which {source} chooses"),
    )
    .maybe_help(names::suggest(&name, known)))
}

/// The value of a variable under the profile `chosen`.
///
/// # Errors
/// `context/bad-value` where the environment or the command line says something that is no value
/// of its type, `context/missing-value` where a required variable has none, and
/// `config/unknown-variable`.
pub fn value(
    project: &Project,
    chosen: &str,
    outside: &dyn Outside,
    name: &ContextName,
) -> Result<ContextValue, Diagnostic> {
    match name {
        ContextName::Qik(name) => qik_value(project, chosen, outside, name),
        ContextName::Project(name) => project_value(project, chosen, outside, name),
    }
}

/// The project's variable called `name`, where `-` and `_` are one.
pub fn variable<'p>(project: &'p Project, name: &str) -> Option<&'p Variable> {
    project.variables.iter().find(|variable| same_key(&variable.name, name))
}

/// What the values of qik's own variable `name` are.
pub fn qik_kind(name: &str) -> Option<Kind> {
    schema::CONTEXT.key(name).map(|key| match key.shape {
        Shape::Bool => Kind::Bool,
        Shape::Int => Kind::Count,
        Shape::Enum(names) => Kind::Enum(names),
        Shape::Either(_) => Kind::List,
        _ => Kind::Str,
    })
}

/// The value of qik's own variable where nothing sets it.
pub fn qik_default(name: &str) -> ContextValue {
    match (name, qik_kind(name)) {
        ("verbosity", _) => ContextValue::Int(1),
        ("arch", _) => ContextValue::Str(arch().into()),
        ("profile", _) => ContextValue::Str("default".into()),
        (_, Some(Kind::Bool)) => ContextValue::Bool(false),
        (_, Some(Kind::List)) => ContextValue::List(Vec::new()),
        _ => ContextValue::None,
    }
}

/// The platform that this binary was made for.
pub const fn arch() -> &'static str {
    match (cfg!(target_os = "macos"), cfg!(target_os = "windows"), cfg!(target_arch = "aarch64")) {
        (true, _, true) => "osx-arm64",
        (true, _, false) => "osx-64",
        (_, true, true) => "win-arm64",
        (_, true, false) => "win-64",
        (_, _, true) => "linux-aarch64",
        (_, _, false) => "linux-64",
    }
}

/// Reads a text as a value of `kind`.
///
/// # Errors
/// What it is not, as a fragment that follows the text.
pub fn parse(kind: Kind, text: &str) -> Result<ContextValue, String> {
    let trimmed = text.trim();
    match kind {
        Kind::Str => Ok(ContextValue::Str(text.into())),
        Kind::Int => trimmed.parse().map(ContextValue::Int).map_err(|_| "is not an integer".into()),
        Kind::Count => match trimmed.parse() {
            Ok(number) if number >= 0 => Ok(ContextValue::Int(number)),
            Ok(_) => Err("is negative".into()),
            Err(_) => Err("is not an integer".into()),
        },
        Kind::Bool => match trimmed.to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" => Ok(ContextValue::Bool(true)),
            "no" | "false" | "0" => Ok(ContextValue::Bool(false)),
            _ => Err("is not a boolean (yes, true, 1, no, false or 0)".into()),
        },
        Kind::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(ContextValue::List(items.map(Arc::from).collect()))
        }
        Kind::Enum(known) => match known.iter().find(|known| **known == trimmed) {
            Some(known) => Ok(ContextValue::Str((*known).into())),
            None => Err(format!("is not {}", Shape::Enum(known).expected())),
        },
    }
}

/// The environment variables that set the project's variable `name`, the strongest first.
pub fn env_names(name: &str) -> [String; 2] {
    let upper = upper(name);
    [format!("PROJECT__{upper}"), upper]
}

/// Variables of the environment that look like qik's own but are none: slips that would otherwise
/// be of no effect in silence.
pub fn check_env(env: &BTreeMap<String, String>) -> Vec<Diagnostic> {
    /// What qik tells the commands that it runs.
    const TOLD: [&str; 4] = ["QIK__CMD", "QIK__RUNNABLE", "QIK__WITHIN", "QIK__WORKER"];
    let known: Vec<String> =
        schema::CONTEXT.keys.iter().map(|key| format!("QIK__{}", upper(key.name))).collect();
    env.keys()
        .filter(|name| name.starts_with("QIK__"))
        .filter(|name| !TOLD.contains(&name.as_str()) && !known.contains(name))
        .map(|name| {
            Diagnostic::warning(
                "context/unknown-env",
                format!("`{name}` in the environment is no variable of qik's"),
            )
            .maybe_help(names::suggest(name, known.iter().map(String::as_str)))
        })
        .collect()
}

/// Variables that the command line sets, and that the project does not have.
pub fn check_flags(project: &Project, flags: &BTreeMap<String, String>) -> Vec<Diagnostic> {
    let known = || project.variables.iter().map(|variable| &*variable.name);
    let given = flags.keys().filter_map(|name| name.strip_prefix("project."));
    let unknown = given.filter(|name| !known().any(|known| known == *name));
    unknown
        .map(|name| {
            let message = format!("there is no variable `{name}`, which `--ctx` sets");
            Diagnostic::error("context/unknown-variable", message)
                .maybe_help(names::suggest(name, known()))
        })
        .collect()
}

fn upper(name: &str) -> String {
    name.replace('-', "_").to_ascii_uppercase()
}

fn qik_value(
    project: &Project,
    chosen: &str,
    outside: &dyn Outside,
    name: &'static str,
) -> Result<ContextValue, Diagnostic> {
    if name == "profile" {
        return Ok(ContextValue::Str(chosen.into()));
    }
    let found = qik_sourced(project, chosen, outside, name)?;
    Ok(found.map_or_else(|| qik_default(name), |(value, _)| value))
}

fn project_value(
    project: &Project,
    chosen: &str,
    outside: &dyn Outside,
    name: &str,
) -> Result<ContextValue, Diagnostic> {
    let variable = variable(project, name).ok_or_else(|| unknown_variable(project, name))?;
    match project_sourced(project, chosen, outside, variable)? {
        Some((value, _)) => Ok(value),
        None => match &variable.default {
            Some(value) => Ok(value.clone()),
            None if variable.required => Err(missing(variable)),
            None => Ok(ContextValue::None),
        },
    }
}

/// What sets a variable, beside the default that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Flag,
    /// A variable of the environment.
    Env(String),
    /// A profile, at this place.
    Profile(Option<Origin>),
}

/// The value that something sets, and what does; `None` where nothing does.
type Sourced = Option<(ContextValue, Source)>;

/// The value of qik's own variable `name`, as far as something sets it.
///
/// # Errors
/// `context/bad-value`.
pub fn qik_sourced(
    project: &Project,
    chosen: &str,
    outside: &dyn Outside,
    name: &'static str,
) -> Result<Sourced, Diagnostic> {
    let kind = qik_kind(name).expect("names of qik's variables come from their table");
    if let Some(text) = outside.flag(&format!("qik.{name}")) {
        return Ok(Some((read(kind, &text, &format!("--{name}"))?, Source::Flag)));
    }
    let env = format!("QIK__{}", upper(name));
    // CI systems define variables as empty where they mean "not set".
    if let Some(text) = outside.env(&env).filter(|text| !text.is_empty()) {
        return Ok(Some((read(kind, &text, &env)?, Source::Env(env))));
    }
    Ok(of_profiles(project, chosen, |profile| profile.qik.get(name)))
}

/// The value of a variable of the project, as far as something sets it.
///
/// # Errors
/// `context/bad-value`.
pub fn project_sourced(
    project: &Project,
    chosen: &str,
    outside: &dyn Outside,
    variable: &Variable,
) -> Result<Sourced, Diagnostic> {
    let kind = kind_of(variable.kind);
    let name = format!("project.{}", variable.name);
    if let Some(text) = outside.flag(&name) {
        return Ok(Some((read(kind, &text, &name)?, Source::Flag)));
    }
    for env in env_names(&variable.name) {
        if let Some(text) = outside.env(&env) {
            return Ok(Some((read(kind, &text, &env)?, Source::Env(env))));
        }
    }
    Ok(of_profiles(project, chosen, |profile| profile.project.get(&variable.name)))
}

/// What the kinds of project variables are here.
pub fn kind_of(kind: VariableKind) -> Kind {
    match kind {
        VariableKind::Str => Kind::Str,
        VariableKind::Int => Kind::Int,
        VariableKind::Bool => Kind::Bool,
    }
}

/// That no variable of the project is called `name`.
pub(crate) fn unknown_variable(project: &Project, name: &str) -> Diagnostic {
    let known = project.variables.iter().map(|variable| &*variable.name);
    let help = match crate::template::qik_name(name) {
        Some(own) => Some(format!("qik's own variable is `ctx.qik.{own}`")),
        None => names::suggest(name, known),
    };
    Diagnostic::error("config/unknown-variable", format!("there is no variable `{name}`"))
        .maybe_help(help.or_else(|| Some(format!("list it as a variable: `{name}` under `ctx`"))))
}

fn of_profiles<'p>(
    project: &'p Project,
    chosen: &str,
    pick: impl Fn(&'p Profile) -> Option<&'p (ContextValue, Option<Origin>)>,
) -> Sourced {
    let found = [chosen, "default"].iter().find_map(|name| pick(project.profiles.get(*name)?));
    found.map(|(value, at)| (value.clone(), Source::Profile(at.clone())))
}

fn read(kind: Kind, text: &str, source: &str) -> Result<ContextValue, Diagnostic> {
    parse(kind, text).map_err(|reason| {
        let report = Diagnostic::error("context/bad-value", format!("`{source}={text}` {reason}"));
        match kind {
            Kind::Enum(known) => report.maybe_help(names::suggest(text, known.iter().copied())),
            _ => report,
        }
    })
}

fn missing(variable: &Variable) -> Diagnostic {
    let [_, env] = env_names(&variable.name);
    Diagnostic::error(
        "context/missing-value",
        format!("the variable `{}` has no value", variable.name),
    )
    .at(Place::Value(variable.origin.clone()), "it is required")
    .help(format!("set `{env}` in the environment, give it a `default`, or set it in a profile"))
}

#[cfg(test)]
mod tests;
