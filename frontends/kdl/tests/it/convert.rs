//! Every configuration of `testdata`, in both formats.

use qik_model::comments::Placed;

use crate::project::*;

/// All configurations of a project in the other format.
fn all_converted(files: &Files) -> Files {
    let mut out = Files::new();
    for (path, text) in files {
        if !is_config(path) {
            out.insert(path.clone(), text.clone());
            continue;
        }
        let (from, to) = syntaxes(path);
        let document = with_renamed_includes(parse(path, text));
        let comments = Placed::new(&document, &from.comments(path, text));
        out.insert(renamed(path), to.write(&document, comments).unwrap());
    }
    out
}

#[test]
fn a_converted_project_means_the_same() {
    let mut runnables = 0;
    for (name, files) in good() {
        // A module's `pyproject.toml` is no configuration, and would become one.
        let files: Files =
            files.into_iter().filter(|(path, _)| path != "lib/pyproject.toml").collect();
        let before = meaning(&files);
        let there = all_converted(&files);
        assert!(there.keys().any(|path| path.ends_with("qik.kdl")), "{name}");
        assert_eq!(before, meaning(&there), "{name}: {there:#?}");
        let back = all_converted(&there);
        assert_eq!(before, meaning(&back), "{name}: {back:#?}");
        runnables += before.runnables.iter().filter(|(_, print)| print.len() > 20).count();
    }
    assert!(runnables > 20, "only {runnables} fingerprints were compared");
}

#[test]
fn a_root_alone_may_be_converted_and_includes_cross_formats() {
    for (name, mut files) in good() {
        let before = meaning(&files);
        let root = ["qik.toml", "pyproject.toml"]
            .into_iter()
            .find(|root| files.contains_key(*root))
            .unwrap();
        let text = files.remove(root).unwrap();
        files.insert("qik.kdl".into(), converted(root, &text));
        assert_eq!(before.runnables, meaning(&files).runnables, "{name}");
    }
}

#[test]
fn comments_are_kept_both_ways() {
    let mut seen = 0;
    for (_, files) in good() {
        for (path, text) in files.iter().filter(|(path, _)| is_config(path)) {
            let said = syntaxes(path).0.comments(path, text);
            let there = converted(path, text);
            let back = converted(&renamed(path), &there);
            for line in said.iter().flat_map(|comment| &comment.lines) {
                assert!(there.contains(&format!("// {line}")), "{line}\n{there}");
                assert!(back.contains(&format!("# {line}")), "{line}\n{back}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 12, "only {seen} comments");
}

/// What conversions look like, comments and all.
#[track_caller]
fn check(toml: &str, kdl: &str) {
    let there = converted("qik.toml", toml);
    assert_eq!(there, kdl);
    assert_eq!(converted("qik.kdl", kdl), toml);
}

#[test]
fn what_is_written_is_what_a_person_would_write() {
    check(
        r#"# The whole.
include = ["ci/a.toml"]

# Of all.
[base]
deps = ["pyproject.toml"]

[spaces.default]
modules = ["app", { name = "lib", path = "libs/lib" }]

[commands]
format = "ruff format"

# Style.
[commands.lint]
exec = "ruff check {module.dir}"
cache = "repo" # so that CI need not
deps = [
    "{module.dir}/**.py",
    # Never unformatted.
    { type = "command", name = "format", strict = true },
]
"#,
        r#"// The whole.
include "ci/a.toml"

// Of all.
base {
    dep "pyproject.toml"
}

space "default" {
    module "app"
    module "lib" path="libs/lib"
}

command "format" "ruff format"

// Style.
command "lint" {
    exec "ruff check {module.dir}"
    cache "repo" // so that CI need not
    dep "{module.dir}/**.py"
    // Never unformatted.
    dep type="command" name="format" strict=#true
}
"#,
    );
}
