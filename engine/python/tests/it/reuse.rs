//! Which queries run after which edit: what a change can't have touched is not computed again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qik_db::TestDb;
use qik_model::Digest;
use qik_python::{
    ModuleName, SpaceKey, closure_digest, closure_of, component_node, digests, facts_store,
    graph_key, graph_of, outside_needs, reached_files,
};
use qik_toml::TomlSyntax;

/// Two islands, and what both stand on.
const FILES: [(&str, &str); 8] = [
    ("qik.toml", ""),
    ("requirements.txt", "web==1.0\n"),
    ("app/api.py", "import app.models, web\n"),
    ("app/models.py", "import base.util\n"),
    ("lib/main.py", "import lib.part\n"),
    ("lib/part.py", "import base.util\n"),
    ("base/util.py", ""),
    ("base/other.py", ""),
];

/// Asks for all that a fingerprint needs of two modules.
fn ask(test: &TestDb) {
    let db = &test.db;
    let key = graph_key(db, &[]);
    let space = SpaceKey::running(db, "default");
    for module in ["app", "lib"] {
        let module = ModuleName::new(db, Arc::<str>::from(module));
        closure_of(db, key, module).as_ref().unwrap();
        closure_digest(db, key, module).unwrap();
        outside_needs(db, key, space, module).as_ref().unwrap();
    }
}

/// The queries that run after `path` holds `text`, each with how often.
#[track_caller]
fn check(path: &str, text: &str, expected: &[(&str, usize)]) {
    let mut test = TestDb::new(vec![Arc::new(TomlSyntax)], "qik.toml", &FILES);
    ask(&test);
    let (_, ran) = test.executed(|_| ask(&test));
    assert!(ran.is_empty(), "nothing changed: {ran:?}");
    test.write(path, text);
    let (_, ran) = test.executed(|_| ask(&test));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for query in &ran {
        *counts.entry(query).or_default() += 1;
    }
    let expected: BTreeMap<&str, usize> = expected.iter().copied().collect();
    assert_eq!(counts, expected, "{path}");
}

/// What looks at the folder of an edited file: its imports, its identities.
const FOLDER: [(&str, usize); 3] = [("contents", 1), ("folder_facts", 1), ("graph_id", 1)];

fn with_folder(more: &[(&'static str, usize)]) -> Vec<(&'static str, usize)> {
    FOLDER.iter().chain(more).copied().collect()
}

#[test]
fn an_edit_of_a_body_makes_no_resolution_and_no_closure_again() {
    let digests = with_folder(&[("digests", 1), ("closure_digest", 2)]);
    check("app/models.py", "import base.util\nx = 1\n", &digests);
    check("app/models.py", "\n\n# moved\nimport base.util\n", &digests);
    check("base/other.py", "x = 1\n", &digests);
}

#[test]
fn an_import_resolves_the_files_of_its_folder_alone() {
    let structure = with_folder(&[
        ("graph_of", 1),
        ("closure_of", 2),
        ("digests", 1),
        ("closure_digest", 2),
        ("owners_of", 1),
    ]);
    check("app/models.py", "import base.other\n", &structure);
    // Names from outside are numbered: a new one is looked at for all modules.
    let outside = [&structure[..], &[("outside_needs", 2)]].concat();
    check(
        "app/models.py",
        "import base.util\ntry:\n    import other\nexcept ImportError:\n    pass\n",
        &outside,
    );
}

/// The digest of each component is that of its node, whichever way they are made: a level that is wide on
/// all processors, a narrow one on this, and after an edit those alone that it reaches.
#[test]
fn digests_are_those_of_the_nodes_however_wide_a_level_is() {
    let names: Vec<String> = (0..700).map(|at| format!("wide/m{at:03}.py")).collect();
    let wide = names.iter().map(|name| (name.as_str(), "import base.util\n"));
    let files: Vec<_> = FILES.iter().copied().chain(wide).collect();
    let mut test = TestDb::new(vec![Arc::new(TomlSyntax)], "qik.toml", &files);
    let check = |test: &TestDb| -> Vec<Digest> {
        let key = graph_key(&test.db, &[]);
        let (graph, digests) = (graph_of(&test.db, key), digests(&test.db, key));
        for component in 0..graph.structure.components.len() as u32 {
            let node = blake3::hash(&component_node(graph, digests, component));
            assert_eq!(digests.components[component as usize].0, *node.as_bytes());
        }
        digests.components.clone()
    };
    let before = check(&test);
    test.write("base/util.py", "x = 1\n");
    let after = check(&test);
    let differ = before.iter().zip(&after).filter(|(one, other)| one != other).count();
    // All but what imports nothing of it.
    assert_eq!(differ, before.len() - 1);
    assert_eq!(after, check(&test.reopened()));
    // Other edges, and files that come before others, move components; what is as it was keeps its digest.
    test.write("wide/m000.py", "import base.other\n");
    check(&test);
    test.write("app/first.py", "import wide.m001\n");
    check(&test);
    test.write("wide/m002.py", "import base.other, base.util, lib.part\n");
    test.system.remove("app/api.py");
    test.sync();
    assert_eq!(check(&test), check(&test.reopened()));
}

/// Files are numbered folder by folder, so those of a folder come before those below it.
#[test]
fn a_circle_is_told_in_the_order_of_paths_however_files_are_numbered() {
    let circle = [
        ("qik.toml", ""),
        ("app/z.py", "import app.lower.b\n"),
        ("app/lower/b.py", "import app.upper.c\n"),
        ("app/upper/c.py", "import app.z\n"),
    ];
    let test = TestDb::new(vec![Arc::new(TomlSyntax)], "qik.toml", &circle);
    let key = graph_key(&test.db, &[]);
    let (graph, digests) = (graph_of(&test.db, key), digests(&test.db, key));
    assert_eq!(graph.structure.components.len(), 1);
    let node = component_node(graph, digests, 0);
    let place = |path: &str| node.windows(path.len()).position(|part| part == path.as_bytes());
    let places = ["app/lower/b.py", "app/upper/c.py", "app/z.py"].map(place);
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
}

#[test]
fn the_next_process_resolves_nothing_that_the_last_one_did() {
    let mut test = TestDb::new(vec![Arc::new(TomlSyntax)], "qik.toml", &FILES);
    ask(&test);
    facts_store(&test.db).save().unwrap();
    test.write("app/models.py", "import base.util\nx = 1\n");
    let ran = |test: &TestDb| {
        let (_, ran) = test.executed(|_| ask(test));
        let structural = ["folder_facts", "graph_of"];
        ran.into_iter().filter(|query| structural.contains(&query.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(ran(&test.reopened()), ["graph_of"]);
    // Of another import only its folder is resolved.
    test.write("app/models.py", "import base.other\n");
    assert_eq!(ran(&test.reopened()), ["graph_of", "folder_facts"]);
}

#[test]
fn an_upgrade_reads_no_source() {
    check(
        "requirements.txt",
        "web==1.1\n",
        &[
            ("contents", 1),
            ("digests", 1),
            ("folder_facts", 1),
            ("graph_id", 1),
            ("packages_of", 1),
            ("lines_of", 1),
            ("owners_of", 1),
            ("outside_needs", 2),
        ],
    );
}

/// Beside the folder of a file that came or went, only those that come by its package are looked at.
#[test]
fn a_file_that_comes_or_goes_concerns_who_comes_by_its_package() {
    let files = [
        ("qik.toml", ""),
        ("a/__init__.py", ""),
        ("a/one.py", ""),
        ("b/__init__.py", ""),
        ("b/two.py", "import a.one\n"),
        ("c/__init__.py", ""),
        ("c/three.py", "import d.four\n"),
        ("d/__init__.py", ""),
        ("d/four.py", ""),
    ];
    let needed = |test: &TestDb, module: &str| {
        let module = ModuleName::new(&test.db, Arc::<str>::from(module));
        let key = graph_key(&test.db, &[]);
        let closure = closure_of(&test.db, key, module).as_ref().unwrap();
        let graph = graph_of(&test.db, key);
        let files = reached_files(graph, closure).into_iter();
        files.map(|file| graph.layout.files[file as usize].to_string()).collect::<BTreeSet<_>>()
    };
    let looked_at = |test: &TestDb| {
        let (_, ran) = test.executed(|_| _ = needed(test, "b"));
        ran.into_iter().filter(|query| query == "folder_facts").count()
    };
    let mut test = TestDb::new(vec![Arc::new(TomlSyntax)], "qik.toml", &files);
    needed(&test, "b");
    facts_store(&test.db).save().unwrap();
    test.write("a/new.py", "");
    assert_eq!(looked_at(&test), 1, "that of `b` is known");
    assert_eq!(looked_at(&test.reopened()), 2, "`a` and `b`");
    test.system.remove("a/one.py");
    test.sync();
    let left = ["a/__init__.py", "b/__init__.py", "b/two.py"].map(String::from);
    assert_eq!(needed(&test, "b"), BTreeSet::from(left));
    assert_eq!(needed(&test.reopened(), "c").len(), 4);
}
