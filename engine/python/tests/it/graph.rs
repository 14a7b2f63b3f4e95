//! The graph of a project's files and the closures over it, by a small project in memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use qik_db::{Db, TestDb};
use qik_model::{Digest, Reading, RelPath};
use qik_python::{GraphKey, ModuleName, closure_digest, closure_of, graph_of, reached_files};
use qik_toml::TomlSyntax;

const FILES: [(&str, &str); 12] = [
    ("qik.toml", ""),
    ("app/__init__.py", ""),
    ("app/api.py", "from app.models import user\nimport requests\n"),
    ("app/models/__init__.py", "from .user import User\n"),
    ("app/models/user.py", "import typing\nclass User: pass\n"),
    ("app/models/unused.py", "import lib.deep.leaf as leaf\n"),
    ("lib/deep/leaf.py", "from ..other import *\n"),
    ("lib/other.py", "try:\n    from app import api\nexcept ImportError:\n    pass\n"),
    ("tests/conftest.py", "import lib.other\n"),
    ("tests/unit/test_api.py", "import app.api\n"),
    ("tests/unit/helper.py", ""),
    ("single.py", "import app.models.user\nfrom google.cloud import storage\n"),
];

fn project() -> TestDb {
    TestDb::new(vec![Arc::new(TomlSyntax)], "qik.toml", &FILES)
}

fn key<'db>(db: &'db dyn Db, roots: &[&str]) -> GraphKey<'db> {
    let roots = roots.iter().map(|root| RelPath::new(root).unwrap()).collect::<Vec<_>>();
    GraphKey::new(db, roots, Reading::default())
}

/// Everything that `module` needs.
fn reached(test: &TestDb, module: &str) -> BTreeSet<String> {
    let db: &dyn Db = &test.db;
    let key = key(db, &[""]);
    let graph = graph_of(db, key);
    let name = ModuleName::new(db, Arc::<str>::from(module));
    let closure = closure_of(db, key, name).as_ref().unwrap();
    let files = reached_files(graph, closure);
    files.into_iter().map(|file| graph.layout.files[file as usize].to_string()).collect()
}

fn digest(test: &TestDb, module: &str) -> Option<Digest> {
    let db: &dyn Db = &test.db;
    let name = ModuleName::new(db, Arc::<str>::from(module));
    *closure_digest(db, key(db, &[""]), name)
}

#[track_caller]
fn check_reached(module: &str, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
    assert_eq!(reached(&project(), module), expected);
}

#[test]
fn a_module_needs_what_it_imports_and_the_packages_above_that() {
    let models = ["app/__init__.py", "app/models/__init__.py", "app/models/user.py"];
    check_reached("app.models.user", &models);
    check_reached("single", &[&models[..], &["single.py"]].concat());
    check_reached("app.api", &[&models[..], &["app/api.py"]].concat());
}

#[test]
fn a_package_needs_what_its_submodules_need() {
    check_reached(
        "app.models",
        &[
            "app/__init__.py",
            "app/api.py",
            "app/models/__init__.py",
            "app/models/unused.py",
            "app/models/user.py",
            "lib/deep/leaf.py",
            "lib/other.py",
        ],
    );
}

#[test]
fn folders_without_an_init_are_packages_and_tests_need_their_conftest() {
    let test = project();
    assert!(reached(&test, "lib.deep").contains("lib/other.py"));
    let unit = reached(&test, "tests.unit");
    assert!(unit.contains("tests/conftest.py") && unit.contains("lib/other.py"));
    assert!(!reached(&test, "tests.unit.helper").contains("tests/conftest.py"));
}

#[test]
fn what_lies_outside_is_named() {
    let test = project();
    let db: &dyn Db = &test.db;
    let graph = graph_of(db, key(db, &[""]));
    let names: Vec<&str> = graph.structure.external_names.iter().map(|name| &**name).collect();
    assert_eq!(names, ["google.cloud.storage", "requests"]);
}

#[test]
fn an_edit_changes_the_digests_of_what_reaches_the_file_and_no_others() {
    let modules =
        ["app.api", "app.models", "app.models.user", "lib", "single", "tests.unit.helper"];
    #[track_caller]
    fn check(path: &str, text: &str, modules: &[&str], expected: &[&str]) {
        let mut test = project();
        let before: Vec<_> = modules.iter().map(|module| digest(&test, module)).collect();
        test.write(path, text);
        let after: Vec<_> = modules.iter().map(|module| digest(&test, module)).collect();
        let changed = modules.iter().zip(before.iter().zip(&after)).filter(|(_, (b, a))| b != a);
        assert_eq!(changed.map(|(module, _)| *module).collect::<Vec<_>>(), expected, "{path}");
    }
    check("app/models/user.py", "x = 1\n", &modules, &modules[..5]);
    check(
        "app/api.py",
        "from app.models import user\nimport requests\nx = 1\n",
        &modules,
        &["app.api", "app.models", "lib"],
    );
    check("lib/other.py", "from app import api\n", &modules, &["app.models", "lib"]);
    check("app/__init__.py", "x = 1\n", &modules, &modules[..5]);
    check("tests/conftest.py", "", &modules, &[]);
    check("app/models/user/__init__.py", "", &modules, &modules[..5]);
}

#[test]
fn an_edit_that_imports_the_same_makes_no_graph_again() {
    let mut test = project();
    digest(&test, "app.api").unwrap();
    test.write("app/models/user.py", "# moved down\nimport typing\nclass User: x = 1\n");
    let (_, ran) = test.executed(|_| digest(&test, "app.api"));
    assert!(ran.iter().any(|query| query == "digests"), "{ran:?}");
    assert!(!ran.iter().any(|query| query == "graph_of"), "{ran:?}");
    test.write("app/models/user.py", "import typing, lib.other\n");
    let (_, ran) = test.executed(|_| digest(&test, "app.api"));
    assert!(ran.iter().any(|query| query == "graph_of"), "{ran:?}");
}

#[test]
fn a_broken_file_stops_only_what_reaches_it() {
    let mut test = project();
    test.write("lib/other.py", "import (\n");
    assert_eq!(digest(&test, "lib"), None);
    assert!(digest(&test, "single").is_some());
    assert_eq!(digest(&test, "nothing.here"), None);
}

#[test]
fn tests_and_scripts_import_what_lies_beside_them() {
    let mut test = project();
    test.write("tests/helper.py", "import lib.other\n");
    test.write("tests/common/__init__.py", "");
    test.write("tests/common/users.py", "");
    test.write("tests/conftest.py", "pytest_plugins = ['plugin']\n");
    test.write("tests/plugin.py", "");
    test.write("tests/unit/test_beside.py", "def test():\n    from helper import a\n");
    test.write("tests/unit/test_deep.py", "from common import users\n");
    test.write("tools/lib/beside.py", "");
    test.write("tools/run.py", "import lib.beside\n");
    let needs = reached(&test, "tests.unit.test_beside");
    assert!(needs.contains("tests/helper.py") && needs.contains("lib/other.py"), "{needs:?}");
    assert!(needs.contains("tests/plugin.py"), "{needs:?}");
    assert!(!needs.contains("tests/common/__init__.py"), "{needs:?}");
    let needs = reached(&test, "tests.unit.test_deep");
    assert!(needs.contains("tests/common/__init__.py") && needs.contains("tests/common/users.py"));
    assert!(reached(&test, "tools.run").contains("tools/lib/beside.py"));
}

#[test]
fn what_lies_beside_a_file_hides_no_distribution() {
    let mut test = project();
    test.write("tools/requests.py", "");
    test.write("tools/run.py", "import requests\n");
    test.write("tools/package/__init__.py", "");
    test.write("tools/package/inner.py", "import requests\n");
    for module in ["tools.run", "tools.package.inner"] {
        assert!(reached(&test, module).contains("tools/requests.py"), "{module}");
        let db: &dyn Db = &test.db;
        let key = key(db, &[""]);
        let graph = graph_of(db, key);
        let path = RelPath::new(format!("{}.py", module.replace('.', "/"))).unwrap();
        let file = graph.layout.find(&path).unwrap();
        let names = graph.structure.externals.of(file).iter();
        let names: Vec<_> =
            names.map(|one| &*graph.structure.external_names[one.name as usize]).collect();
        assert_eq!(names, ["requests"], "{module}");
    }
    assert!(!reached(&test, "app.api").contains("tools/requests.py"));
}
