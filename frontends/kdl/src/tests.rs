//! What nodes mean, and what is said of those that mean nothing.

use qik_model::document::{Node, Table, Value};

use super::*;

fn parse(text: &str) -> Parsed<ConfigDocument> {
    KdlSyntax.parse("qik.kdl".into(), text)
}

/// A document in a short form: tables in braces, lists in brackets.
fn shown(node: &Node) -> String {
    match &node.value {
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Str(text) => format!("{text:?}"),
        Value::List(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Value::Table(table) => shown_table(table),
    }
}

fn shown_table(table: &Table) -> String {
    let entries = table.entries.iter().map(|one| format!("{}: {}", one.key, shown(&one.value)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}

/// Checks what `text` means, without its outer braces.
#[track_caller]
fn check(text: &str, expected: &str) {
    let parsed = parse(text);
    assert_eq!(parsed.diagnostics, [], "{text}");
    assert_eq!(shown_table(&parsed.value.root), format!("{{{expected}}}"));
}

/// Checks what is said of `text`: each report as `code @ the text it points at`.
#[track_caller]
fn check_reports(text: &str, expected: &[&str]) {
    let found: Vec<String> = parse(text)
        .diagnostics
        .iter()
        .map(|report| match &report.labels[0].0 {
            Place::Span(span) => format!("{} @ {}", report.code, &text[span.start..span.end]),
            other => panic!("{other:?} is no span"),
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_command_is_a_name_properties_and_nodes() {
    check(
        r#"command "lint" cache="repo" {
            exec "ruff check {module.dir}"
            dep "{module.dir}/**.py"
            dep type="command" name="format" strict=#true
            artifact "out.xml"
        }"#,
        r#"commands: {lint: {cache: "repo", exec: "ruff check {module.dir}", deps: ["{module.dir}/**.py", {type: "command", name: "format", strict: true}], artifacts: ["out.xml"]}}"#,
    );
    check("command lint \"ruff\"\ncommand test", r#"commands: {lint: "ruff", test: {}}"#);
}

#[test]
fn all_else_of_a_project_is_written_alike() {
    check(
        r#"space "default" { module "a"; module "b_module" path="b"; venv "requirements.txt"; fence "other" }"#,
        r#"spaces: {default: {modules: ["a", {name: "b_module", path: "b"}], venv: "requirements.txt", fence: ["other"]}}"#,
    );
    check(
        "cache \"remote\" type=\"s3\" bucket=\"b\" trusted-keys=\"k\"",
        r#"caches: {remote: {type: "s3", bucket: "b", trusted-keys: "k"}}"#,
    );
    check(
        "ctx \"region\"\nctx \"name\" type=\"int\" default=3\nprofile \"ci\" { qik cache=\"remote\" }",
        r#"vars: ["region", {name: "name", type: "int", default: 3}], ctx: {ci: {qik: {cache: "remote"}}}"#,
    );
    check("base { dep \"a\" \"b\" }", r#"base: {deps: ["a", "b"]}"#);
    check("plugin \"pygraph\" \"qik.pygraph\"", r#"plugins: {pygraph: "qik.pygraph"}"#);
    check(
        "plugin graph pyimport=qik.pygraph { links { add { \"a.b\" \"c\" \"d\" } } }",
        r#"plugins: {graph: {pyimport: "qik.pygraph", links: {add: {a.b: ["c", "d"]}}}}"#,
    );
    check("include \"a.toml\"\ninclude \"b.kdl\"", r#"include: ["a.toml", "b.kdl"]"#);
    check(
        "pydist { modules yaml=PyYAML local=\"\" }",
        r#"pydist: {modules: {yaml: "PyYAML", local: ""}}"#,
    );
    check(
        "defaults cache=local python_path=src",
        r#"defaults: {cache: "local", python_path: "src"}"#,
    );
}

#[test]
fn a_list_can_be_written_where_a_single_value_may_stand() {
    check("profile ci { qik { caches a } }", r#"ctx: {ci: {qik: {caches: "a"}}}"#);
    check("profile ci { qik { caches a b } }", r#"ctx: {ci: {qik: {caches: ["a", "b"]}}}"#);
    check("profile ci { qik { caches { - a } } }", r#"ctx: {ci: {qik: {caches: ["a"]}}}"#);
    check("profile ci { qik { caches } }", r#"ctx: {ci: {qik: {caches: []}}}"#);
    check("space a { fence #true }", "spaces: {a: {fence: true}}");
    check("command a { env CI TERM }", r#"commands: {a: {env: ["CI", "TERM"]}}"#);
    check("command a { env CI=1 TERM=x }", r#"commands: {a: {env: {CI: 1, TERM: "x"}}}"#);
    check("command a { dep }", "commands: {a: {deps: []}}");
}

#[test]
fn nodes_end_where_kdl_ends_them() {
    let two = r#"commands: {a: "b", c: "d"}"#;
    check("\u{feff}command a b\r\ncommand c d\r\n", two);
    check("command a b; command c d", two);
    check("/- kdl-version 2\ncommand a \\\n  b\n\n/* x\n */ command c d // e", two);
    check("command a b\n/- command x {\n  exec y\n}\n/-\ncommand z\ncommand c /- e d", two);
    check(
        "command a {\n  exec \"\"\"\n    x\n      y\n    \"\"\"\n}",
        r#"commands: {a: {exec: "x\n  y"}}"#,
    );
    check("command a #\"b \"c\" \\\"#", r#"commands: {a: "b \"c\" \\"}"#);
}

#[test]
fn unknown_nodes_are_kept_for_the_check() {
    check("comand a { x 1 2; y z=3 }", "comand: {x: [1, 2], y: {z: 3}}");
}

#[test]
fn what_fits_into_no_document_is_reported() {
    check_reports("command { exec x }", &["config/kdl-node @ command"]);
    check_reports("command 1", &["config/kdl-node @ command 1"]);
    check_reports("command a b c=1", &["config/kdl-node @ b"]);
    check_reports("command a { hidden }", &["config/kdl-node @ hidden"]);
    check_reports("command a hidden=#null", &["config/kdl-node @ #null"]);
    check_reports("command (x)a (y)b", &["config/kdl-node @ x", "config/kdl-node @ y"]);
    check_reports("commands { a b }", &["config/unknown-key @ commands"]);
    check_reports("command a { deps b }", &["config/unknown-key @ deps"]);
    check_reports(
        "command a { retries 99999999999999999999 }",
        &["config/syntax @ 99999999999999999999"],
    );
    check_reports("command a b\ncommand a c\n", &["config/duplicate-key @ a"]);
    check_reports("command a hidden=#true hidden=#false", &["config/duplicate-key @ hidden"]);
    check_reports("command a hidden=#true { hidden #false }", &["config/duplicate-key @ hidden"]);
    check_reports("defaults cache=a\ndefaults cache=b", &["config/duplicate-key @ defaults"]);
}

#[test]
fn slips_are_told_one_a_line() {
    check_reports("command \"a", &["config/syntax @ \"a"]);
    check_reports(
        "command a {\n  hidden true\n  exec b=\n}\n",
        &["config/syntax @ true", "config/syntax @ "],
    );
    check_reports("a }", &["config/syntax @ }"]);
}

#[test]
fn the_first_version_is_recognised_and_can_be_written_anew() {
    let old = "command \"a\" hidden=true {\n    // why\n    exec r\"b\\c\"\n}\n";
    check_reports(old, &["config/kdl-version @ true"]);
    let new = KdlSyntax.upgraded(old).unwrap();
    assert!(new.contains("// why"), "{new}");
    check(&new, r#"commands: {a: {hidden: true, exec: "b\\c"}}"#);
    assert_eq!(KdlSyntax.upgraded(&new), None);
}

#[test]
fn spans_lead_to_names_and_values() {
    let text = "// ü\ncommand \"lint\" (x)cache=\"repo\" {\n  dep \"a\" \"b\"\n}\n";
    let text = text.replace("(x)", "");
    let parsed = parse(&text);
    let at = |span: &Span| &text[span.start..span.end];
    let commands = &parsed.value.root.entries[0];
    let Value::Table(commands) = &commands.value.value else { panic!() };
    let lint = &commands.entries[0];
    assert_eq!(at(&lint.key_span), "\"lint\"");
    assert_eq!(at(&lint.value.span), "command \"lint\" cache=\"repo\"");
    let Value::Table(lint) = &lint.value.value else { panic!() };
    assert_eq!(at(&lint.entries[0].key_span), "cache");
    assert_eq!(at(&lint.entries[0].value.span), "\"repo\"");
    let Value::List(deps) = &lint.entries[1].value.value else { panic!() };
    assert_eq!(at(&deps[1].span), "\"b\"");
}
