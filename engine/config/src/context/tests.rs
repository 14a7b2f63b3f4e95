//! Which source of a value wins, and what is said of those that are none.

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
