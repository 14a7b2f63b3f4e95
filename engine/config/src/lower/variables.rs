//! Variables, and the values that profiles give them.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_model::document::Value;
use qik_model::schema::CONTEXT;
use qik_model::{
    ContextValue, Diagnostic, Name, Origin, Place, Profile, Project, Variable, VariableKind,
};

use super::view::{Fields, View};
use crate::context::{self, Kind};
use crate::{shape, template};

type Values = BTreeMap<Name, (ContextValue, Option<Origin>)>;

/// Adds the variables of a list.
pub(super) fn add_variables(
    list: &View<'_>,
    variables: &mut Vec<Variable>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for view in list.items() {
        let Some(variable) = variable(&view, diagnostics) else { continue };
        let [_, env] = context::env_names(&variable.name);
        let twin = variables.iter().find(|known| context::env_names(&known.name)[1] == env);
        match twin {
            Some(twin) => diagnostics.push(
                Diagnostic::error(
                    "config/duplicate-name",
                    format!("the variables `{}` and `{}` are one", twin.name, variable.name),
                )
                .at(Place::Value(variable.origin), format!("also set by `{env}`"))
                .at(Place::Value(twin.origin.clone()), "first here")
                .help("rename one of the two"),
            ),
            None => variables.push(variable),
        }
    }
}

/// Adds what the profiles in `table` say to `project`, whose variables are complete.
pub(super) fn add_profiles(
    table: &Fields<'_>,
    project: &Project,
    profiles: &mut BTreeMap<Name, Profile>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for (name, view) in table.entries() {
        let profile = profiles.entry(name).or_default();
        let Some(fields) = view.fields() else { continue };
        if let Some(own) = fields.fields("qik") {
            add_own(&own, &mut profile.qik, diagnostics);
        }
        if let Some(values) = fields.fields("project") {
            add_values(&values, project, &mut profile.project, diagnostics);
        }
    }
}

fn variable(view: &View<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Variable> {
    let origin = view.at.clone();
    let Some(fields) = view.fields() else {
        let name = view.text()?;
        check_name(&name, &origin, diagnostics);
        let kind = VariableKind::Str;
        return Some(Variable { name, origin, kind, default: None, required: true });
    };
    let name = fields.get("name")?;
    check_name(name.str()?, &name.at, diagnostics);
    let kind = match fields.text("type").as_deref() {
        Some("int") => VariableKind::Int,
        Some("bool") => VariableKind::Bool,
        _ => VariableKind::Str,
    };
    let default = fields.get("default").and_then(|view| {
        let value = convert(context::kind_of(kind), &view.node.value);
        report_type(value, context::kind_of(kind), &view, diagnostics)
    });
    let required = fields.bool("required").unwrap_or(true);
    Some(Variable { name: name.text()?, origin, kind, default, required })
}

fn check_name(name: &str, at: &Origin, diagnostics: &mut Vec<Diagnostic>) {
    let place = || Place::Value(at.clone());
    if !template::is_variable_name(name) {
        let fault = "is not made of letters, digits, `-` and `_`, as environment variables are";
        diagnostics.push(shape::bad_name("variable", name, fault, place()).help(
            "it is read from the environment under its name in capitals: `my-var` from `MY_VAR`",
        ));
    } else if matches!(name, "qik" | "project") {
        let fault = "is taken by `ctx.qik.…` and `ctx.project.…`";
        diagnostics
            .push(shape::bad_name("variable", name, fault, place()).help("choose another name"));
    }
}

fn add_own(fields: &Fields<'_>, values: &mut Values, diagnostics: &mut Vec<Diagnostic>) {
    for (written, view) in fields.entries() {
        let Some(key) = CONTEXT.key(&written) else { continue };
        let Some(kind) = context::qik_kind(key.name) else { continue };
        if key.name == "profile" {
            diagnostics.push(
                Diagnostic::error("config/bad-value", "a profile cannot choose a profile")
                    .at(Place::Key(view.at), "of no effect")
                    .help("choose it by `-p NAME` or `QIK__PROFILE=NAME`"),
            );
        } else if let Some(value) = convert(kind, &view.node.value) {
            insert(values, key.name.into(), value, view.at, diagnostics);
        }
    }
}

fn add_values(
    fields: &Fields<'_>,
    project: &Project,
    values: &mut Values,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for (name, view) in fields.entries() {
        let Some(variable) = context::variable(project, &name) else {
            let place = Place::Key(view.at);
            let report = context::unknown_variable(project, &name).at(place, "no such variable");
            diagnostics.push(report);
            continue;
        };
        let kind = context::kind_of(variable.kind);
        let value = convert(kind, &view.node.value);
        if let Some(value) = report_type(value, kind, &view, diagnostics) {
            insert(values, variable.name.clone(), value, view.at, diagnostics);
        }
    }
}

fn insert(
    values: &mut Values,
    name: Name,
    value: ContextValue,
    at: Origin,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if let Some((_, Some(first))) = values.get(&name) {
        diagnostics.push(super::twice("value", &name, &at, first));
        return;
    }
    values.insert(name, (value, Some(at)));
}

fn report_type(
    value: Option<ContextValue>,
    kind: Kind,
    view: &View<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ContextValue> {
    // Lists and numbers with a fraction fit no variable; all else is a matter of its type.
    if value.is_none() {
        let expected = match kind {
            Kind::Int | Kind::Count => "a whole number, as its variable is",
            Kind::Bool => "`true` or `false`, as its variable is",
            _ => "a string, as its variable is",
        };
        diagnostics.push(shape::wrong_type(expected, view.node.value.kind(), &view.at));
    }
    value
}

fn convert(kind: Kind, value: &Value) -> Option<ContextValue> {
    Some(match (kind, value) {
        (Kind::Str | Kind::Enum(_), Value::Str(text)) => ContextValue::Str(text.as_str().into()),
        (Kind::Int | Kind::Count, Value::Int(number)) => ContextValue::Int(*number),
        (Kind::Bool, Value::Bool(value)) => ContextValue::Bool(*value),
        (Kind::List, Value::Str(text)) => context::parse(Kind::List, text).ok()?,
        (Kind::List, Value::List(items)) => ContextValue::List(
            items
                .iter()
                .filter_map(|item| match &item.value {
                    Value::Str(text) => Some(Arc::from(text.as_str())),
                    _ => None,
                })
                .collect(),
        ),
        _ => return None,
    })
}
