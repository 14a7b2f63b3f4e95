//! Whatever happens to the files of a project: what a database that saw it all answers is what a fresh
//! one answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use qik_db::TestDb;
use qik_model::Digest;
use qik_python::{
    ModuleName, SpaceKey, closure_digest, closure_of, facts_store, graph_key, outside_needs,
};
use qik_toml::TomlSyntax;

/// Few, so that names meet.
const PATHS: [&str; 22] = [
    "a/__init__.py",
    "a/one.py",
    "a/one.pyi",
    "a/b/__init__.py",
    "a/b/two.py",
    "a/b/test_two.py",
    "conftest.py",
    "a/conftest.py",
    "c.py",
    "c/three.py",
    "src/d.py",
    "src/a/four.py",
    "src/conftest.py",
    "a-stubs/one.pyi",
    "a/py.typed",
    "n/five.py",
    "n/m/six.py",
    "n/m/data/seven.py",
    "tests/test_eight.py",
    "tests/helper.py",
    "tests/sub/test_nine.py",
    "n/ten.json",
];

const LINES: [&str; 24] = [
    "import a",
    "import a.one",
    "from a import b, one",
    "from a.b import *",
    "from . import two",
    "from .. import one",
    "from ..one import x",
    "import c.three, c",
    "import d",
    "import a.four",
    "    import c",
    "try:\n    import outside\nexcept ImportError:\n    pass",
    "import importlib; importlib.import_module('a.b.two')",
    "import (",
    "from n import m",
    "from n.m import six",
    "from n.m import *",
    "import n.m.data.seven",
    "from .m import six, data",
    "from ..m.data import seven",
    "import helper",
    "from sub import test_nine",
    "def __getattr__(name): return __import__(name)",
    "pytest_plugins = ['tests.helper']",
];

const MODULES: [&str; 17] = [
    "a",
    "a.one",
    "a.b",
    "a.b.two",
    "a.b.test_two",
    "c",
    "c.three",
    "d",
    "conftest",
    "a.four",
    "n",
    "n.five",
    "n.m",
    "n.m.six",
    "n.m.data",
    "tests",
    "tests.sub",
];

const CONFIG: &str = "[defaults]\npython-path = [\".\", \"src\"]\n";

const SETTINGS: [&str; 5] = [
    "stubs = true\n",
    "stubs = false\n",
    "[plugins.g.links]\nadd = { \"a.one\" = \"n.*\" }\n",
    "[plugins.g.links]\nremove = { \"a.**\" = \"n.**\" }\n",
    "include = [\"a/**/*.pyi\", \"n/**\"]\n",
];

#[derive(Clone, Debug)]
enum Step {
    /// Writes lines by their places in [`LINES`].
    Write(usize, Vec<usize>),
    Remove(usize),
    Lock(u8),
    Settings(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..PATHS.len(), prop::collection::vec(0..LINES.len(), 0..4))
            .prop_map(|(path, lines)| Step::Write(path, lines)),
        3 => (0..PATHS.len()).prop_map(Step::Remove),
        1 => (0..3_u8).prop_map(Step::Lock),
        1 => (0..SETTINGS.len()).prop_map(Step::Settings),
    ]
}

type Answers = BTreeMap<&'static str, (Option<Digest>, String)>;

fn answers(test: &TestDb) -> Answers {
    let db = &test.db;
    let (key, space) = (graph_key(db, &[]), SpaceKey::running(db, "default"));
    let of = |module: &'static str| {
        let name = ModuleName::new(db, Arc::<str>::from(module));
        let closure = closure_of(db, key, name).as_ref().map(|closure| closure.own.len());
        let outside = outside_needs(db, key, space, name).as_ref().map(|needs| needs.text.clone());
        (module, (*closure_digest(db, key, name), format!("{closure:?} {outside:?}")))
    };
    MODULES.into_iter().map(of).collect()
}

fn new(files: &BTreeMap<String, String>) -> TestDb {
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    TestDb::new(vec![Arc::new(TomlSyntax)], "qik.toml", &files)
}

/// Applies a step to the files and to the world of `test`.
fn apply(step: &Step, files: &mut BTreeMap<String, String>, test: &mut TestDb) {
    let (path, text) = match step {
        Step::Write(path, lines) => {
            let lines: Vec<&str> = lines.iter().map(|line| LINES[*line]).collect();
            (PATHS[*path], Some(lines.join("\n") + "\n"))
        }
        Step::Remove(path) => (PATHS[*path], None),
        Step::Lock(version) => ("requirements.txt", Some(format!("outside==1.{version}\n"))),
        Step::Settings(at) => {
            let settings = SETTINGS[*at];
            (
                "qik.toml",
                Some(format!("{CONFIG}[plugins.g]\npyimport = \"qik.pygraph\"\n{settings}")),
            )
        }
    };
    match text {
        Some(text) => {
            test.write(path, &text);
            files.insert(path.into(), text);
        }
        None => {
            test.system.remove(path);
            test.sync();
            files.remove(path);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_database_that_saw_it_all_answers_as_a_fresh_one(steps in prop::collection::vec(step(), 1..25)) {
        let mut files = BTreeMap::from([("qik.toml".to_string(), CONFIG.to_string())]);
        let mut live = new(&files);
        for step in &steps {
            apply(step, &mut files, &mut live);
            let fresh = answers(&new(&files));
            prop_assert_eq!(answers(&live), fresh.clone(), "after {:?}", step);
            // And so does the next process, which finds the facts and the graph of this one.
            facts_store(&live.db).save().unwrap();
            prop_assert_eq!(answers(&live.reopened()), fresh, "reopened after {:?}", step);
        }
    }
}

/// The control: a database that was not told of an edit answers something else.
#[test]
fn the_answers_tell_edits_apart() {
    let mut files = BTreeMap::from([("qik.toml".to_string(), CONFIG.to_string())]);
    let mut live = new(&files);
    for (path, lines) in [(1, vec![7, 8]), (10, vec![]), (4, vec![4]), (8, vec![11])] {
        let before = answers(&live);
        apply(&Step::Write(path, lines), &mut files, &mut live);
        assert_ne!(before, answers(&live), "{}", PATHS[path]);
        assert_ne!(before, answers(&new(&files)), "{}", PATHS[path]);
    }
}
