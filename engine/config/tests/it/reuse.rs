//! What is not computed again after an edit.

use std::sync::Arc;

use qik_config::template::ContextName;
use qik_db::TestDb;
use qik_model::{ConfigDocument, ConfigSyntax, Parsed};
use qik_toml::TomlSyntax;

const BEFORE: &str = "
ctx = ['region']

[commands]
lint = 'ruff check'
test = 'pytest'

[spaces.web]
root = 'web'
";

fn project(text: &str) -> TestDb {
    TestDb::new(vec![Arc::new(TomlSyntax)], "qik.toml", &[("qik.toml", text)])
}

/// Edits the configuration and asks for one command and what rests on it.
#[track_caller]
fn check(edited: &str, changed: bool, not_run: &[&str]) {
    let mut test = project(BEFORE);
    let before = qik_config::command(&test.db, "lint").cloned();
    test.write("qik.toml", edited);
    let (after, ran) = test.executed(|db| qik_config::command(db, "lint").cloned());
    assert_eq!(before != after, changed);
    for query in not_run {
        assert!(!ran.iter().any(|name| name == query), "{query} ran: {ran:?}");
    }
}

#[test]
fn an_edit_of_one_command_leaves_others_equal() {
    check(&BEFORE.replace("pytest", "pytest -q"), false, &[]);
    check(&BEFORE.replace("ruff check", "ruff check --fix"), true, &[]);
}

#[test]
fn what_moves_no_value_stops_at_the_model() {
    let moved = format!("# a line above\n\n{BEFORE}\n# and one below\n");
    check(&moved, false, &["project", "command_named"]);
    check(&BEFORE.replace("'", "\""), false, &["project", "command_named"]);
}

#[test]
fn a_second_question_runs_nothing() {
    let test = project(BEFORE);
    qik_config::command(&test.db, "lint");
    let (_, ran) = test.executed(|db| {
        qik_config::command(db, "lint");
        qik_config::project(db);
    });
    assert_eq!(ran, [""; 0]);
}

#[test]
fn an_edit_of_a_command_leaves_values_and_spaces_alone() {
    let mut test = project(BEFORE);
    let region = ContextName::Project("region".into());
    let workers = ContextName::Qik("workers");
    let _ = qik_config::context_value(&test.db, &workers);
    let before = qik_config::space(&test.db, "web").cloned();
    test.write("qik.toml", &BEFORE.replace("pytest", "pytest -q"));
    let (after, _) = test.executed(|db| qik_config::space(db, "web").cloned());
    assert_eq!(before, after);
    let (value, ran) = test.executed(|db| qik_config::context_value(db, &workers).is_ok());
    assert!(value);
    assert!(!ran.iter().any(|name| name == "env_named"), "{ran:?}");
    let missing = qik_config::context_value(&test.db, &region).unwrap_err();
    assert_eq!(missing.code, "context/missing-value");
}

#[test]
fn a_module_configuration_that_appears_is_seen() {
    let mut test = project("[spaces.default]\nmodules = ['api']\n");
    assert!(qik_config::command(&test.db, "api/lint").is_none());
    test.write("api/qik.toml", "[commands]\nlint = 'ruff check'\n");
    assert!(qik_config::command(&test.db, "api/lint").is_some());
    let files: Vec<String> =
        qik_config::config_files(&test.db).iter().map(ToString::to_string).collect();
    assert_eq!(files, ["qik.toml", "api/qik.toml"]);
    assert_eq!(qik_config::diagnostics(&test.db), &[]);
}

#[test]
fn reports_lead_to_their_lines_after_an_edit_above() {
    let bad = "[commands.lint]\nexce = 'x'\nexec = 'y'\n";
    let mut test = project(bad);
    let start = |test: &TestDb, text: &str| {
        let reports = qik_config::diagnostics(&test.db);
        assert_eq!(reports.len(), 1, "{reports:?}");
        let span = qik_config::locate(&test.db, &reports[0].labels[0].0).unwrap();
        assert_eq!(&text[span.start..span.end], "exce");
        span.start
    };
    assert_eq!(start(&test, bad), 16);
    let moved = format!("# one line more\n{bad}");
    test.write("qik.toml", &moved);
    assert_eq!(start(&test, &moved), 32);
}

#[test]
fn a_missing_root_is_told() {
    let test = TestDb::new(vec![Arc::new(TomlSyntax)], "qik.toml", &[]);
    let codes: Vec<&str> =
        qik_config::diagnostics(&test.db).iter().map(|report| report.code).collect();
    assert_eq!(codes, ["config/not-found"]);
}

#[derive(Debug)]
struct OtherSyntax;

impl ConfigSyntax for OtherSyntax {
    fn name(&self) -> &'static str {
        "other"
    }

    fn file_names(&self) -> &'static [&'static str] {
        &["qik.other"]
    }

    fn is_config(&self, _: &str, _: &str) -> bool {
        true
    }

    fn parse(&self, file: Arc<str>, text: &str) -> Parsed<ConfigDocument> {
        TomlSyntax.parse(file, text)
    }
}

#[test]
fn two_configurations_of_a_module_are_told() {
    let test = TestDb::new(
        vec![Arc::new(TomlSyntax), Arc::new(OtherSyntax)],
        "qik.toml",
        &[
            ("qik.toml", "include = ['more.other']\nspaces.default.modules = ['api']\n"),
            ("more.other", "commands.more = 'true'\n"),
            ("api/qik.toml", "commands.lint = 'ruff check'\n"),
            ("api/qik.other", ""),
        ],
    );
    let reports = qik_config::diagnostics(&test.db);
    let codes: Vec<&str> = reports.iter().map(|report| report.code).collect();
    assert_eq!(codes, ["config/two-configs"]);
    assert!(
        reports[0].message.contains("api/qik.toml") && reports[0].message.contains("api/qik.other")
    );
    assert!(qik_config::command(&test.db, "api/lint").is_some());
    assert!(qik_config::command(&test.db, "more").is_some(), "formats mix by ending");
}

const VENVS: &str = "
vars = [{ name = 'python', default = '3.12' }]

[plugins]
uv = 'qik.uv'

[commands]
lint = 'ruff check'

[spaces.web]
venv = { type = 'uv', reqs = 'web.in', python = '{ctx.python}' }

[spaces.jobs]
venv = { type = 'space', name = 'web' }
dotenv = 'a.env'
";

#[test]
fn an_edit_elsewhere_leaves_the_environment_of_a_space_alone() {
    let mut test = project(VENVS);
    let environment =
        |test: &TestDb| test.executed(|db| qik_config::environment(db, "jobs").cloned().unwrap());
    let (before, _) = environment(&test);
    for edited in [
        VENVS.replace("ruff check", "ruff check --fix"),
        format!("{VENVS}[spaces.other]\nvenv = 'other.in'\n"),
        format!("# a line above\n{VENVS}"),
    ] {
        test.write("qik.toml", &edited);
        let (after, ran) = environment(&test);
        assert_eq!(before, after);
        assert!(!ran.iter().any(|name| name == "environment_of"), "{ran:?}");
    }
    for (old, new) in
        [("3.12", "3.13"), ("web.in", "more.in"), ("a.env", "b.env"), ("uv = ", "u = ")]
    {
        test.write("qik.toml", &VENVS.replace(old, new));
        let (after, ran) = environment(&test);
        assert_ne!(before, after, "{new}");
        assert!(ran.iter().any(|name| name == "environment_of"), "{ran:?}");
    }
}
