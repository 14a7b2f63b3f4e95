//! Environments in memory.

use super::super::codec::{decode, encode};
use super::super::look::memory::Memory;
use super::*;

const SITE: &str = "/v/lib/python3.11/site-packages";

/// Files below the environment's folder, or absolute.
fn memory(files: &[(&str, &str)]) -> Memory {
    let mut look = Memory::default();
    look.put(&format!("{SITE}/README.txt"), "");
    for (path, text) in files {
        put(&mut look, path, text);
    }
    look
}

fn put(look: &mut Memory, path: &str, text: &str) {
    let path = if path.starts_with('/') { path.to_string() } else { format!("{SITE}/{path}") };
    look.put(&path, text);
}

fn shown(one: &Distribution) -> String {
    let requires: Vec<&str> = one.requires.iter().map(|need| &*need.name).collect();
    let source = match &one.source {
        Source::Index => String::new(),
        Source::Editable { folder } => format!(" editable {}", folder.display()),
        Source::Local { path, content } => {
            format!(" local {} {}", path.display(), content.is_some())
        }
        Source::Archive { url, .. } => format!(" archive {url}"),
        Source::Commit { url, commit } => format!(" commit {url} {commit}"),
    };
    format!(
        "{} {} [{}] ({}){source}",
        one.name,
        one.version,
        one.imports.join(" "),
        requires.join(" ")
    )
}

#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let look = memory(files);
    let folders = [PathBuf::from(SITE)];
    let site = read_site(&look, &folders);
    let found: Vec<String> = site.distributions.iter().map(shown).collect();
    assert_eq!(found, expected);
    assert!(site.is_fresh(&look, &folders));
    assert_eq!(decode(&encode(&site)).as_ref(), Some(&site));
}

#[test]
fn a_wheel_is_read_by_its_record() {
    check(
        &[
            ("PyYAML-6.0.dist-info/METADATA", "Name: PyYAML\nVersion: 6.0\nRequires-Dist: a\n\n"),
            (
                "PyYAML-6.0.dist-info/RECORD",
                "yaml/__init__.py,,\n_yaml/__init__.py,,\nPyYAML-6.0.dist-info/RECORD,,\n",
            ),
            ("PyYAML-6.0.dist-info/top_level.txt", "wrong\n"),
        ],
        &["pyyaml 6.0 [_yaml yaml] (a)"],
    );
}

#[test]
fn without_a_record_the_declared_names_or_the_folder_tell() {
    check(
        &[
            ("a-1.dist-info/METADATA", "Name: A\nVersion: 1\n"),
            ("a-1.dist-info/top_level.txt", "x\n_y\n"),
            ("b_c-2.dist-info/METADATA", "Metadata-Version: 2\n"),
            ("b_c.py", ""),
            ("python_dateutil-3.dist-info/METADATA", "Name: python-dateutil\nVersion: 3\n"),
            ("dateutil/__init__.py", ""),
            ("lost-4.dist-info/METADATA", "Name: lost\nVersion: 4\n"),
        ],
        &["a 1 [_y x] ()", "b-c 2 [b_c] ()", "lost 4 [] ()", "python-dateutil 3 [dateutil] ()"],
    );
}

#[test]
fn leavings_of_installers_and_broken_folders_are_no_distributions() {
    check(
        &[
            ("~ip-1.dist-info/METADATA", "Name: pip\nVersion: 1\n"),
            ("empty-1.dist-info/RECORD", ""),
            ("plain.dist-info", "a file"),
            ("x.egg-link", ""),
        ],
        &[],
    );
}

#[test]
fn namespaces_declared_in_the_old_way_are_told_apart() {
    check(
        &[
            ("a-1.dist-info/METADATA", "Name: zope.event\nVersion: 1\n"),
            (
                "a-1.dist-info/RECORD",
                "zope/__init__.py,,\nzope/event/__init__.py,,\na-1.dist-info/namespace_packages.txt,,\n",
            ),
            ("a-1.dist-info/namespace_packages.txt", "zope\n"),
        ],
        &["zope-event 1 [zope.event] ()"],
    );
}

#[test]
fn an_editable_install_is_read_through_its_pth() {
    check(
        &[
            ("two-1.dist-info/METADATA", "Name: two\nVersion: 1\n"),
            (
                "two-1.dist-info/RECORD",
                "_editable_impl_two.pth,,\ntwo-1.dist-info/direct_url.json,,\n",
            ),
            (
                "two-1.dist-info/direct_url.json",
                r#"{"url":"file:///p","dir_info":{"editable":true}}"#,
            ),
            ("_editable_impl_two.pth", "/p/src\n"),
            ("/p/src/two/__init__.py", ""),
            ("/p/src/alone.py", ""),
            ("/p/pyproject.toml", ""),
        ],
        &["two 1 [alone two] () editable /p"],
    );
}

#[test]
fn an_editable_install_is_read_through_its_finder() {
    check(
        &[
            ("one-1.dist-info/METADATA", "Name: one\nVersion: 1\n"),
            (
                "one-1.dist-info/RECORD",
                "__editable___one_1_finder.py,,\n__editable__.one-1.pth,,\n",
            ),
            ("__editable__.one-1.pth", "import __editable___one_1_finder; x()\n"),
            ("__editable___one_1_finder.py", "MAPPING: dict[str, str] = {'one': '/p/one'}\n"),
            ("/p/setup.py", ""),
        ],
        &["one 1 [one] () editable /p"],
    );
}

#[test]
fn eggs_of_all_kinds_are_read() {
    check(
        &[
            ("a-1.egg-info/PKG-INFO", "Name: a\nVersion: 1\nRequires-Dist: wrong\n"),
            ("a-1.egg-info/requires.txt", "b\n"),
            ("a-1.egg-info/installed-files.txt", "../a/__init__.py\n../a/x.py\nPKG-INFO\n"),
            ("b-2.egg-info", "Name: b\nVersion: 2\n"),
            ("b.py", ""),
            ("c-3-py3.11.egg/EGG-INFO/PKG-INFO", "Name: c\nVersion: 3\n"),
            ("c-3-py3.11.egg/c/__init__.py", ""),
            ("d-4.egg-info/PKG-INFO", "Name: d\nVersion: 4\n"),
            ("d-4.egg-info/top_level.txt", "dd\n"),
        ],
        &["a 1 [a] (b)", "b 2 [b] ()", "c 3 [c] ()", "d 4 [dd] ()"],
    );
}

#[test]
fn a_development_install_is_found_by_its_link() {
    check(
        &[
            ("d-ev.egg-link", "/p/src\n../"),
            ("easy-install.pth", "/p/src\n"),
            ("/p/src/d_ev.egg-info/PKG-INFO", "Name: D.ev\nVersion: 1\n"),
            ("/p/src/d_ev.egg-info/top_level.txt", "dev\n"),
            ("/p/src/d_ev.egg-info/SOURCES.txt", ""),
            ("/p/setup.py", ""),
        ],
        &["d-ev 1 [dev] () editable /p"],
    );
}

#[test]
fn a_folder_that_a_pth_adds_is_read_too() {
    check(
        &[
            ("more.pth", "/more\n/absent\n"),
            ("/more/a-1.dist-info/METADATA", "Name: a\nVersion: 1\n"),
            ("/more/a-1.dist-info/RECORD", "a.py,,\n"),
        ],
        &["a 1 [a] ()"],
    );
}

#[test]
fn of_two_folders_the_first_wins() {
    let look = memory(&[
        ("a-2.dist-info/METADATA", "Name: a\nVersion: 2\n"),
        ("/usr/a-1.dist-info/METADATA", "Name: a\nVersion: 1\n"),
        ("/usr/b-1.dist-info/METADATA", "Name: b\nVersion: 1\n"),
    ]);
    let site = read_site(&look, &[SITE.into(), "/usr".into()]);
    let found: Vec<String> = site.distributions.iter().map(shown).collect();
    assert_eq!(found, ["a 2 [] ()", "b 1 [] ()"]);
}

#[test]
fn a_copied_folder_counts_by_what_was_installed() {
    let content = |record: &str| {
        let look = memory(&[
            ("a-1.dist-info/METADATA", "Name: a\nVersion: 1\n"),
            ("a-1.dist-info/RECORD", record),
            ("a-1.dist-info/direct_url.json", r#"{"url":"file:///p","dir_info":{}}"#),
        ]);
        match &read_site(&look, &[SITE.into()]).distributions[0].source {
            Source::Local { path, content } if path == Path::new("/p") => content.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let one = content("a.py,sha256=x,1\n../../bin/a,sha256=1,1\na-1.dist-info/direct_url.json,,\n");
    assert_eq!(
        one,
        content(
            "../../bin/a,sha256=2,1\na-1.dist-info/direct_url.json,sha256=z,\na.py,sha256=x,1\n"
        )
    );
    assert_ne!(one, content("a.py,sha256=y,1\na-1.dist-info/direct_url.json,,\n"));
}

#[test]
fn what_is_installed_written_or_removed_makes_a_reading_stale() {
    let files = [
        ("a-1.dist-info/METADATA", "Name: a\nVersion: 1\n"),
        ("a-1.dist-info/RECORD", "a.pth,,\n"),
        ("a.pth", "/p/src\n"),
        ("/p/src/a/__init__.py", ""),
    ];
    let folders = [PathBuf::from(SITE)];
    let site = read_site(&memory(&files), &folders);
    let stale = |change: &dyn Fn(&mut Memory)| {
        let mut look = memory(&files);
        change(&mut look);
        !site.is_fresh(&look, &folders)
    };
    assert!(!stale(&|_| {}));
    assert!(!stale(&|look| put(look, "/p/src/a/new.py", "")), "inside of a package");
    assert!(stale(&|look| put(look, "b-1.dist-info/METADATA", "")), "installed");
    assert!(stale(&|look| put(look, "a-1.dist-info/METADATA", "Name: a\nVersion: 2\n")), "written");
    assert!(stale(&|look| put(look, "a.pth", "/q\n")), "pointed elsewhere");
    assert!(stale(&|look| put(look, "/p/src/b.py", "")), "something else to import in place");
    assert!(!site.is_fresh(&memory(&files), &[PathBuf::from("/other")]), "another environment");
}

#[test]
fn foreign_bytes_are_no_site() {
    let look =
        memory(&[("a-1.dist-info/METADATA", "Name: a\nVersion: 1\nRequires-Dist: b[c]; x\n")]);
    let bytes = encode(&read_site(&look, &[SITE.into()]));
    assert!(decode(&bytes).is_some());
    for cut in 0..bytes.len() {
        assert_eq!(decode(&bytes[..cut]), None);
        let mut bent = bytes.clone();
        bent[cut] ^= 0x41;
        assert_eq!(decode(&bent), None);
    }
    // A right sum over wrong lengths must not allocate by them.
    let mut huge = b"qikdist1\xff\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec();
    let sum = blake3::hash(&huge);
    huge.extend_from_slice(&sum.as_bytes()[..8]);
    assert_eq!(decode(&huge), None);
}
