//! Values of variables: default, then profile `default`, then the chosen profile, then the
//! environment, then the command line; the last one that says something wins.
//!
//! Pure: the environment and the command line are handed in. It knows nothing of templates but the
//! names in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_model::document::same_key;
use qik_model::schema::{self, Shape};
use qik_model::{ContextValue, Diagnostic, Name, Place, Profile, Project, Variable, VariableKind};

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
    let kind = qik_kind(name).expect("names of qik's variables come from their table");
    if let Some(text) = outside.flag(&format!("qik.{name}")) {
        return read(kind, &text, &format!("--{name}"));
    }
    let env = format!("QIK__{}", upper(name));
    // CI systems define variables as empty where they mean "not set".
    if let Some(text) = outside.env(&env).filter(|text| !text.is_empty()) {
        return read(kind, &text, &env);
    }
    let value = of_profiles(project, chosen, |profile| profile.qik.get(name));
    Ok(value.unwrap_or_else(|| qik_default(name)))
}

fn project_value(
    project: &Project,
    chosen: &str,
    outside: &dyn Outside,
    name: &str,
) -> Result<ContextValue, Diagnostic> {
    let variable = variable(project, name).ok_or_else(|| unknown_variable(project, name))?;
    let kind = kind_of(variable.kind);
    if let Some(text) = outside.flag(&format!("project.{}", variable.name)) {
        return read(kind, &text, &format!("project.{}", variable.name));
    }
    for env in env_names(&variable.name) {
        if let Some(text) = outside.env(&env) {
            return read(kind, &text, &env);
        }
    }
    let value = of_profiles(project, chosen, |profile| profile.project.get(&variable.name));
    match value.or_else(|| variable.default.clone()) {
        Some(value) => Ok(value),
        None if variable.required => Err(missing(variable)),
        None => Ok(ContextValue::None),
    }
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

fn of_profiles<'p, O: 'p>(
    project: &'p Project,
    chosen: &str,
    pick: impl Fn(&'p Profile) -> Option<&'p (ContextValue, O)>,
) -> Option<ContextValue> {
    [chosen, "default"]
        .iter()
        .find_map(|name| pick(project.profiles.get(*name)?))
        .map(|(value, _)| value.clone())
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
mod tests {
    use super::*;
    use qik_model::Origin;

    fn project() -> Project {
        let variable = |name: &str, kind, default, required| Variable {
            name: name.into(),
            origin: Origin::top("qik.toml"),
            kind,
            default,
            required,
        };
        let mut project = Project {
            variables: vec![
                variable("region", VariableKind::Str, Some(ContextValue::Str("eu".into())), true),
                variable("level", VariableKind::Int, None, true),
                variable("dry-run", VariableKind::Bool, None, false),
            ],
            ..Project::default()
        };
        let mut base = Profile::default();
        base.qik.insert("workers".into(), (ContextValue::Int(2), None));
        base.project.insert("region".into(), (ContextValue::Str("us".into()), None));
        let mut ci = Profile::default();
        ci.qik.insert("workers".into(), (ContextValue::Int(8), None));
        project.profiles.insert("default".into(), base.into());
        project.profiles.insert("ci".into(), ci.into());
        project
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    fn name(text: &str) -> ContextName {
        match text.strip_prefix("qik.") {
            Some(own) => ContextName::Qik(crate::template::qik_name(own).unwrap()),
            None => ContextName::Project(text.into()),
        }
    }

    /// The value of `variable` as a template would read it, or the message.
    #[track_caller]
    fn check(variable: &str, env: &[(&str, &str)], flags: &[(&str, &str)], expected: &str) {
        let (project, env, flags) = (project(), map(env), map(flags));
        let outside = Snapshot { env: &env, flags: &flags };
        let found = profile(&project, &outside)
            .and_then(|chosen| value(&project, &chosen, &outside, &name(variable)));
        let found = match &found {
            Ok(value) => crate::template::text_of(value).into_owned(),
            Err(report) => format!("{report}"),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_last_source_wins() {
        let ci = ("QIK__PROFILE", "ci");
        check("qik.workers", &[], &[], "2");
        check("qik.workers", &[ci], &[], "8");
        check("qik.workers", &[ci, ("QIK__WORKERS", "16")], &[], "16");
        check("qik.workers", &[ci, ("QIK__WORKERS", "16")], &[("qik.workers", "32")], "32");
        check("qik.workers", &[], &[("qik.profile", "ci")], "8");
        check("qik.workers", &[("QIK__WORKERS", "")], &[], "2");
        check("qik.verbosity", &[], &[], "1");
        check("qik.profile", &[ci], &[], "ci");
    }

    #[test]
    fn a_chosen_profile_rests_on_default() {
        check("region", &[("QIK__PROFILE", "ci")], &[], "us");
        check("region", &[("REGION", "a")], &[], "a");
        check("region", &[("REGION", "a"), ("PROJECT__REGION", "b")], &[], "b");
        check("region", &[("REGION", "a")], &[("project.region", "c")], "c");
        check("region", &[("REGION", "")], &[], "");
    }

    #[test]
    fn types_are_held_and_the_source_is_named() {
        check(
            "qik.workers",
            &[("QIK__WORKERS", "abc")],
            &[],
            "`QIK__WORKERS=abc` is not an integer [context/bad-value]",
        );
        check(
            "qik.workers",
            &[("QIK__WORKERS", "-1")],
            &[],
            "`QIK__WORKERS=-1` is negative [context/bad-value]",
        );
        check("level", &[("LEVEL", "-1")], &[], "-1");
        check("level", &[("LEVEL", "x")], &[], "`LEVEL=x` is not an integer [context/bad-value]");
        check("qik.force", &[("QIK__FORCE", "Yes")], &[], "True");
        check("qik.force", &[("QIK__FORCE", "0")], &[], "False");
        check(
            "qik.force",
            &[("QIK__FORCE", "maybe")],
            &[],
            "`QIK__FORCE=maybe` is not a boolean (yes, true, 1, no, false or 0) [context/bad-value]",
        );
        check(
            "qik.cache-status",
            &[("QIK__CACHE_STATUS", "wram")],
            &[],
            "`QIK__CACHE_STATUS=wram` is not one of `warm`, `cold` [context/bad-value]",
        );
        check("qik.tags", &[("QIK__TAGS", "a, b,,c")], &[], "a,b,c");
    }

    #[test]
    fn a_missing_value_is_an_error_only_where_required() {
        check("level", &[], &[], "the variable `level` has no value [context/missing-value]");
        check("dry_run", &[], &[], "None");
        check("dry-run", &[("DRY_RUN", "yes")], &[], "True");
        check("nothing", &[], &[], "there is no variable `nothing` [config/unknown-variable]");
    }

    #[test]
    fn an_unknown_profile_names_the_nearest() {
        let (env, flags) = (map(&[("QIK__PROFILE", "cl")]), map(&[]));
        let report = profile(&project(), &Snapshot { env: &env, flags: &flags }).unwrap_err();
        assert_eq!(report.code, "context/unknown-profile");
        assert_eq!(report.help.as_deref(), Some("did you mean `ci`?"));
    }

    #[test]
    fn slips_in_the_environment_are_told() {
        let reports = check_env(&map(&[
            ("QIK__WORKER", "1"),
            ("QIK__CACHES", "repo"),
            ("QIK__PROFLIE", "ci"),
            ("HOME", "/"),
        ]));
        assert_eq!(reports.len(), 1);
        assert_eq!(reports[0].help.as_deref(), Some("did you mean `QIK__PROFILE`?"));
    }

    #[test]
    fn every_variable_of_qik_has_a_kind_and_a_default() {
        for key in schema::CONTEXT.keys {
            let kind = qik_kind(key.name).unwrap();
            let default = qik_default(key.name);
            let fits = matches!(
                (kind, &default),
                (_, ContextValue::None)
                    | (Kind::Bool, ContextValue::Bool(_))
                    | (Kind::List, ContextValue::List(_))
                    | (Kind::Count, ContextValue::Int(_))
                    | (Kind::Str, ContextValue::Str(_))
            );
            assert!(fits, "{}", key.name);
        }
    }
}
