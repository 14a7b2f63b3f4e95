//! A command with an import graph as its dep runs again after each edit that its module could notice,
//! and after no other. Each case has its twin: an edit beside it that the module can't notice.

use crate::project::Project;

/// A project of these files whose command depends on the module `app`.
fn project(settings: &str, files: &[(&str, &str)]) -> Project {
    let config = format!(
        "{settings}\n[commands.a]\nexec = \"note\"\n\
         deps = [{{ type = \"pygraph\", pyimport = \"app\" }}]\n"
    );
    let project = Project::new(&config);
    for (path, text) in files {
        project.write(path, text);
    }
    project.commit();
    project
}

/// Runs once, edits `noticed` and sees the command cold; then edits `unnoticed` and sees it warm.
#[track_caller]
fn check_with(settings: &str, files: &[(&str, &str)], noticed: &str, unnoticed: &str) {
    let project = project(settings, files);
    let is_cold = || {
        let told = project.qik("--cache-status cold --ls");
        told.exits(0);
        told.out() == "a\n"
    };
    project.qik("").exits(0);
    assert_eq!(project.executed(), ["a"]);
    assert!(!is_cold(), "nothing changed");
    edit(&project, noticed);
    assert!(is_cold(), "{noticed} was edited");
    project.qik("").exits(0);
    assert_eq!(project.executed(), ["a"], "{noticed} was edited");
    edit(&project, unnoticed);
    assert!(!is_cold(), "{unnoticed} was edited");
    project.qik("").exits(0);
    assert!(project.executed().is_empty(), "{unnoticed} was edited");
}

#[track_caller]
fn check(files: &[(&str, &str)], noticed: &str, unnoticed: &str) {
    check_with("", files, noticed, unnoticed);
}

/// Appends a comment, or makes the file.
fn edit(project: &Project, path: &str) {
    let before = if project.exists(path) { project.read(path) } else { String::new() };
    project.write(path, before + "# edited\n");
}

#[test]
fn a_file_that_is_imported_through_others() {
    check(
        &[
            ("app/__init__.py", ""),
            ("app/api.py", "def f():\n    from lib import util\n"),
            ("lib/__init__.py", ""),
            ("lib/util.py", "import lib.deep\n"),
            ("lib/deep.py", ""),
            ("lib/other.py", ""),
        ],
        "lib/deep.py",
        "lib/other.py",
    );
}

#[test]
fn the_init_of_a_package_above() {
    check(
        &[
            ("app/main.py", "import lib.inner.util\n"),
            ("lib/__init__.py", ""),
            ("lib/inner/__init__.py", ""),
            ("lib/inner/util.py", ""),
            ("lib/other/__init__.py", ""),
        ],
        "lib/__init__.py",
        "lib/other/__init__.py",
    );
}

#[test]
fn the_conftest_of_a_folder_above_a_test() {
    check(
        &[
            ("conftest.py", "import fixtures\n"),
            ("fixtures.py", ""),
            ("app/tests/test_a.py", ""),
            ("other/conftest.py", ""),
        ],
        "conftest.py",
        "other/conftest.py",
    );
    check(
        &[
            ("conftest.py", "import fixtures\n"),
            ("fixtures.py", ""),
            ("app/tests/test_a.py", ""),
            ("unused.py", ""),
        ],
        "fixtures.py",
        "unused.py",
    );
}

#[test]
fn a_conftest_above_the_roots_of_imports() {
    check_with(
        "[defaults]\npython-path = \"backend\"",
        &[("conftest.py", ""), ("backend/app/test_a.py", ""), ("frontend/conftest.py", "")],
        "conftest.py",
        "frontend/conftest.py",
    );
}

#[test]
fn a_stub_beside_a_module_and_in_a_stub_package() {
    check(
        &[
            ("app/main.py", "import lib.util\n"),
            ("lib/util.py", ""),
            ("lib/util.pyi", ""),
            ("lib/other.pyi", ""),
        ],
        "lib/util.pyi",
        "lib/other.pyi",
    );
    check(
        &[
            ("app/main.py", "import lib.util\n"),
            ("lib/util.py", ""),
            ("lib-stubs/util.pyi", ""),
            ("other-stubs/util.pyi", ""),
        ],
        "lib-stubs/util.pyi",
        "other-stubs/util.pyi",
    );
}

#[test]
fn a_compiled_module() {
    check(
        &[
            ("app/main.py", "from lib import _speed\n"),
            ("lib/__init__.py", ""),
            ("lib/_speed.cpython-311-x86_64-linux-gnu.so", ""),
            ("lib/_other.so", ""),
        ],
        "lib/_speed.cpython-311-x86_64-linux-gnu.so",
        "lib/_other.so",
    );
}

#[test]
fn the_mark_of_typed_packages() {
    check(
        &[
            ("app/main.py", "import lib.util\n"),
            ("lib/__init__.py", ""),
            ("lib/util.py", ""),
            ("lib/py.typed", ""),
            ("other/py.typed", ""),
        ],
        "lib/py.typed",
        "other/py.typed",
    );
}

#[test]
fn data_of_a_package_where_it_is_included() {
    let files = [
        ("app/main.py", "import lib.util\n"),
        ("lib/__init__.py", ""),
        ("lib/util.py", ""),
        ("lib/data/rates.json", ""),
        ("lib/data/notes.txt", ""),
    ];
    let include = "[plugins.pygraph]\npyimport = \"qik.pygraph\"\ninclude = [\"**/*.json\"]";
    check_with(include, &files, "lib/data/rates.json", "lib/data/notes.txt");
    let project = Project::new(
        "[commands.a]\nexec = \"note\"\n\
         deps = [{ type = \"pygraph\", pyimport = \"app\", include = [\"lib/data/*.json\"] }]\n",
    );
    for (path, text) in files {
        project.write(path, text);
    }
    project.qik("").exits(0);
    edit(&project, "lib/data/rates.json");
    project.qik("").exits(0);
    edit(&project, "lib/data/notes.txt");
    project.qik("").exits(0);
    assert_eq!(project.executed(), ["a", "a"]);
}

#[test]
fn a_module_that_is_imported_by_a_literal_name() {
    let files = [
        ("app/main.py", "import importlib\nm = importlib.import_module(\"plugins.one\")\n"),
        ("plugins/one.py", ""),
        ("plugins/two.py", ""),
    ];
    check(&files, "plugins/one.py", "plugins/two.py");
    check(
        &[("app/main.py", "__import__('plugins.one')\n"), files[1], files[2]],
        "plugins/one.py",
        "plugins/two.py",
    );
}

#[test]
fn a_package_that_loads_its_modules_by_computed_names_counts_whole() {
    for text in [
        "import pkgutil\nfor m in pkgutil.iter_modules(__path__):\n    pass\n",
        "import importlib\ndef load(name):\n    return importlib.import_module(name, __package__)\n",
        "def __getattr__(name):\n    return _load(name)\n",
    ] {
        check(
            &[
                ("app/main.py", "import plugins\n"),
                ("plugins/__init__.py", text),
                ("plugins/inner/one.py", ""),
                ("others/one.py", ""),
            ],
            "plugins/inner/one.py",
            "others/one.py",
        );
    }
}

#[test]
fn plugins_of_pytest() {
    check(
        &[
            ("app/test_a.py", ""),
            ("conftest.py", "pytest_plugins = [\"fixtures.db\"]\n"),
            ("fixtures/db.py", ""),
            ("fixtures/web.py", ""),
        ],
        "fixtures/db.py",
        "fixtures/web.py",
    );
}

#[test]
fn dotted_strings_of_settings_where_they_count() {
    let files = [
        ("app/settings.py", "INSTALLED_APPS = [\n    \"shop.apps.ShopConfig\",\n]\n"),
        ("shop/apps.py", ""),
        ("shop/views.py", ""),
    ];
    let on = "[plugins.pygraph]\npyimport = \"qik.pygraph\"\ndotted-strings = true";
    check_with(on, &files, "shop/apps.py", "shop/views.py");
    check(&files, "app/settings.py", "shop/apps.py");
}

#[test]
fn links_add_and_remove_imports() {
    let settings = "[plugins.pygraph]\npyimport = \"qik.pygraph\"\n[plugins.pygraph.links]\n\
                    add = { \"app.main\" = \"plugins.*\" }\nremove = { \"app.**\" = [\"legacy\"] }\n";
    check_with(
        settings,
        &[("app/main.py", "import legacy.old\n"), ("plugins/one.py", ""), ("legacy/old.py", "")],
        "plugins/one.py",
        "legacy/old.py",
    );
}

#[test]
fn a_comment_drops_one_import() {
    check(
        &[
            ("app/main.py", "import one\nimport two  # qik: ignore-import\n"),
            ("one.py", ""),
            ("two.py", ""),
        ],
        "one.py",
        "two.py",
    );
}

#[test]
fn imports_for_type_checkers_count_unless_they_are_left_out() {
    let text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import one\nelse:\n    import two\n";
    let files = [("app/main.py", text), ("one.py", ""), ("two.py", ""), ("three.py", "")];
    check(&files, "one.py", "three.py");
    let off = "[plugins.pygraph]\npyimport = \"qik.pygraph\"\nignore-type-checking = true";
    check_with(off, &files, "two.py", "one.py");
}

#[test]
fn roots_other_than_the_project_folder() {
    check_with(
        "[defaults]\npython-path = \"src\"",
        &[("src/app/main.py", "import lib.util\n"), ("src/lib/util.py", ""), ("lib/util.py", "")],
        "src/lib/util.py",
        "lib/util.py",
    );
}

#[test]
fn portions_of_a_namespace_below_several_roots() {
    check_with(
        "[defaults]\npython-path = [\"one\", \"two\"]",
        &[("one/app/main.py", "import space.b\n"), ("one/space/a.py", ""), ("two/space/b.py", "")],
        "two/space/b.py",
        "one/space/a.py",
    );
}

#[test]
fn a_single_module_at_the_top() {
    check(
        &[("app/main.py", "import single\n"), ("single.py", ""), ("double.py", "")],
        "single.py",
        "double.py",
    );
}

#[test]
fn relative_imports_and_stars() {
    check(
        &[
            ("app/__init__.py", ""),
            ("app/sub/main.py", "from ...lib.names import *\nfrom .. import near\n"),
            ("app/near.py", ""),
            ("lib/names.py", ""),
            ("lib/far.py", ""),
        ],
        "app/near.py",
        "lib/far.py",
    );
}

#[test]
fn a_file_that_git_does_not_know_yet() {
    check(
        &[("app/main.py", "import lib.fresh\n"), ("lib/__init__.py", "")],
        "lib/fresh.py",
        "lib/stale.py",
    );
}

#[test]
fn what_a_script_of_the_package_imports() {
    check(
        &[("app/__main__.py", "import lib\n"), ("lib.py", ""), ("bib.py", "")],
        "lib.py",
        "bib.py",
    );
}

#[test]
fn the_case_of_names_counts() {
    check(
        &[("app/main.py", "import Lib.util\n"), ("Lib/util.py", ""), ("lib/util2.py", "")],
        "Lib/util.py",
        "lib/util2.py",
    );
}

#[test]
fn a_syntax_error_fails_only_what_reaches_it() {
    let project = Project::new(
        "[commands.a]\nexec = \"note\"\ndeps = [{ type = \"pygraph\", pyimport = \"app\" }]\n\
         [commands.b]\nexec = \"note\"\ndeps = [{ type = \"pygraph\", pyimport = \"lib\" }]\n",
    );
    project.write("app/main.py", "import broken\n").write("lib/main.py", "");
    project.write("broken.py", "x = 1\nimport (\n");
    let told = project.qik("");
    told.exits(1).says("python/syntax-error").says("broken.py:2:").says("1 ran");
    assert_eq!(project.executed(), ["b"]);
    project.write("broken.py", "");
    project.qik("").exits(0);
    assert_eq!(project.executed(), ["a"]);
}

#[test]
fn a_module_that_is_not_there_is_an_error_with_the_nearest() {
    let project = Project::new(
        "[commands.a]\nexec = \"note\"\ndeps = [{ type = \"pygraph\", pyimport = \"app.modls\" }]\n",
    );
    project.write("app/models.py", "");
    project.qik("").exits(1).says("python/unknown-module").says("did you mean `app.models`?");
}

#[test]
fn the_reason_names_the_chain() {
    let project = project(
        "",
        &[
            ("app/__init__.py", ""),
            ("app/api.py", "\n\nfrom app import models\n"),
            ("app/models.py", "\nimport lib.fields\n"),
            ("lib/fields.py", ""),
        ],
    );
    let cold = |path: &str, reason: &str| {
        project.qik("").exits(0);
        edit(&project, path);
        project.qik("why a").exits(0).prints(reason);
    };
    cold("app/models.py", "cold: app/models.py changed\n");
    cold("lib/fields.py", "cold: lib/fields.py changed, imported by app/models.py:2\n");
    project.qik("").exits(0);
    project.write("app/api.py", "import lib.extra\n").write("lib/extra.py", "");
    project
        .qik("why a")
        .prints("app/api.py changed\n")
        .prints("lib/extra.py added, imported by app/api.py:1");
}

#[test]
fn a_file_that_is_no_longer_imported_is_told_as_removed() {
    let project = project("", &[("app/api.py", "import lib\n"), ("lib.py", "")]);
    project.qik("").exits(0);
    project.write("app/api.py", "").remove("lib.py");
    project.qik("why a").prints("cold: app/api.py changed (and 1 more)").prints("lib.py removed");
}

#[test]
fn a_fresh_clone_explains_what_another_machine_committed() {
    let project = Project::new(
        "[commands.a]\nexec = \"note\"\ncache = \"repo\"\n\
         deps = [{ type = \"pygraph\", pyimport = \"app\" }, \"docs\"]\n",
    );
    project
        .write("app/api.py", "import lib.fields\n")
        .write("lib/fields.py", "")
        .write("docs/a", "");
    project.qik("").exits(0);
    project.commit();
    project.write("unrelated.txt", "").commit();
    let clone = project.clone_to("clone");
    clone.qik("why a").exits(0).prints("a warm");
    edit(&clone, "lib/fields.py");
    clone.write("docs/b", "");
    let told = clone.qik("why a");
    told.exits(0)
        .prints("lib/fields.py changed, imported by app/api.py:1\n")
        .prints("docs/b added");
    let commit = project.git("rev-parse --short=10 HEAD~1");
    told.prints(&format!("compared with the files of {}\n", commit.trim()));
    // A commit that holds other files than the result was made from is of no use, and that is told.
    project.write("lib/fields.py", "x = 1\n");
    project.qik("").exits(0);
    project.write("lib/fields.py", "x = 2\n").commit();
    let clone = project.clone_to("other");
    clone.qik("why a").exits(0).prints("the imports of app").prints("which files can't be told");
}

#[test]
fn the_graph_answers_questions() {
    let project = project(
        "",
        &[
            ("app/__init__.py", ""),
            ("app/api.py", "\nimport lib.fields\n"),
            ("lib/fields.py", "import lib.deep\n"),
            ("lib/deep.py", ""),
            ("lib/other.py", ""),
        ],
    );
    let asks = |question: &str, answer: &str| {
        assert_eq!(project.qik(&format!("graph {question}")).exits(0).out(), answer);
    };
    asks("deps app", "app/__init__.py\napp/api.py\nlib/deep.py\nlib/fields.py\n");
    asks("deps lib/fields.py", "lib/deep.py\nlib/fields.py\n");
    asks("rdeps lib/deep.py", "app/api.py\nlib/deep.py\nlib/fields.py\n");
    asks("path app.api lib.deep", "app/api.py:2 imports\nlib/fields.py:1 imports\nlib/deep.py\n");
    asks(
        "path app.api lib.deep --format mermaid",
        "graph LR\n  n0[\"app/api.py\"]\n  n1[\"lib/fields.py\"]\n  n0 --> n1\n  n2[\"lib/deep.py\"]\n  n1 --> n2\n",
    );
    project.qik("graph path lib app").exits(1).prints("`lib` does not need `app`");
    project.qik("graph deps libb").exits(2).says("did you mean `lib`?");
    let dot = project.qik("graph deps lib.fields --format dot").exits(0).out();
    assert!(dot.contains("\"lib.fields\" -> \"lib.deep\""), "{dot}");
    let json = project.qik("graph rdeps lib.deep --format json").exits(0).out();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["files"][2]["module"], "lib.fields");
}
