//! Real environments and real lock files: what qik reads must be what Python and uv say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use qik_python::dist::lock::requirements::requirements;
use qik_python::dist::lock::{Format, Lock};
use qik_python::dist::{
    Distributions, Environment, Extras, Found, ImportMap, Requirement, Site, Source, Target,
    asked_extras, closure, environment, is_stdlib, read_site, stdlib_names,
};

use crate::tools::{Disk, have, run, write};

fn read(prefix: &Path) -> (Environment, Site) {
    let environment = environment(&Disk, prefix, Found::Configured).expect("an environment");
    let site = read_site(&Disk, &environment.folders);
    assert!(site.is_fresh(&Disk, &environment.folders));
    (environment, site)
}

/// For each top-level name, who brings it, as Python's own metadata reader infers it.
const ASK: &str = "
import importlib.metadata as m, json, re
names = {}
for dist in m.distributions():
    name = re.sub('[-_.]+', '-', dist.metadata['Name']).lower()
    for file in dist.files or []:
        if file.suffix in ('.py', '.pyi', '.so') and '__pycache__' not in file.parts:
            top = file.parts[0] if len(file.parts) > 1 else file.name.split('.')[0]
            names.setdefault(top, set()).add(name)
for top, found in m.packages_distributions().items():
    names.setdefault(top, set()).update(re.sub('[-_.]+', '-', name).lower() for name in found)
print(json.dumps({top: sorted(found) for top, found in names.items()}))
";

#[test]
fn the_import_map_is_what_python_says() {
    if !have("uv") || !have("python3") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    let setuptools =
        "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n";
    let hatchling = "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n";
    write(
        root,
        &[
            (
                "one/pyproject.toml",
                &format!(
                    "{setuptools}[project]\nname = 'Ed.One'\nversion = '0.1'\ndependencies = ['attrs']\n"
                ),
            ),
            ("one/ed_one/__init__.py", ""),
            (
                "two/pyproject.toml",
                &format!("{hatchling}[project]\nname = 'ed-two'\nversion = '0.2'\n"),
            ),
            ("two/src/ed_two/__init__.py", ""),
            (
                "three/pyproject.toml",
                &format!(
                    "{setuptools}[project]\nname = 'ed-three'\nversion = '3'\n[tool.setuptools]\npackages = ['ed_three']\n"
                ),
            ),
            ("three/ed_three/__init__.py", ""),
        ],
    );
    run(root, "python3", &["-m", "venv", "--without-pip", "v"]);
    run(
        root,
        "uv",
        &[
            "pip",
            "install",
            "-q",
            "-p",
            "v",
            "attrs",
            "requests",
            "google-cloud-storage",
            "google-cloud-core",
            "PyYAML",
            "Pillow",
            "python-dateutil",
            "types-PyYAML",
            "zope.interface",
            "zope.event",
            "cffi",
            "-e",
            "./one",
            "-e",
            "./two",
            "./three",
        ],
    );
    let (environment, site) = read(&root.join("v"));
    let ours = site.distributions();

    let said = run(
        root,
        root.join("v/bin/python"),
        &["-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
    );
    assert_eq!(environment.python.unwrap().to_string(), said.trim());

    let said: BTreeMap<String, BTreeSet<String>> =
        serde_json::from_str(&run(root, root.join("v/bin/python"), &["-c", ASK])).unwrap();
    let importable = |name: &str| {
        let plain = name.strip_suffix("-stubs").unwrap_or(name);
        !plain.contains(['.', '-', ' ']) && !plain.starts_with("__editable__") && !plain.is_empty()
    };
    let mut said: BTreeMap<_, _> = said.into_iter().filter(|(name, _)| importable(name)).collect();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, owners) in ours.imports() {
        let top = name.split('.').next().unwrap().to_string();
        found.entry(top).or_default().extend(owners.iter().map(|owner| owner.name.to_string()));
    }
    // What is imported in place is not in the files that Python lists; one of them is declared.
    for (top, name) in [("ed_one", "ed-one"), ("ed_two", "ed-two")] {
        assert_eq!(found.remove(top), Some(BTreeSet::from([name.to_string()])));
    }
    said.remove("ed_one");
    assert_eq!(found, said);

    let owners = |module: &str| {
        ours.owners(module).iter().map(|one| one.name.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(owners("google.cloud.storage.blob"), "google-cloud-storage");
    assert_eq!(owners("google.cloud.client"), "google-cloud-core");
    assert_eq!(owners("zope.event"), "zope-event");
    assert_eq!(owners("PIL.Image"), "pillow");
    assert_eq!(owners("yaml"), "pyyaml");
    let source = |name: &str| &ours.get(name)[0].source;
    let place = |name: &str| std::fs::canonicalize(root.join(name)).unwrap();
    let editable = |name: &str| match source(name) {
        Source::Editable { folder } => std::fs::canonicalize(folder).unwrap(),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(editable("ed-one"), place("one"));
    assert_eq!(editable("ed-two"), place("two"));
    assert!(matches!(source("ed-three"), Source::Local { content: Some(_), .. }));
    assert_eq!(source("requests"), &Source::Index);

    run(root, "uv", &["pip", "uninstall", "-q", "-p", "v", "cffi"]);
    assert!(!site.is_fresh(&Disk, &environment.folders));
}

const PROJECT: &str = "
[project]
name = 'proj'
version = '0.1.0'
requires-python = '>=3.9'
dependencies = ['requests[socks]>=2', 'attrs', 'PyYAML', 'rich', \"colorama; sys_platform == 'win32'\", 'python-dateutil']
[dependency-groups]
dev = ['coverage[toml]', 'pytest']
";

const USED: [&str; 8] = [
    "requests",
    "attr",
    "yaml",
    "rich.console",
    "dateutil.parser",
    "coverage",
    "pytest",
    "urllib3",
];

fn versions(
    distributions: &Distributions,
    name: &str,
    extras: &Extras,
    target: &Target,
) -> Vec<String> {
    let found = closure(distributions, name, extras, target);
    assert!(!found.is_empty(), "{name}");
    found.iter().map(|one| format!("{} {}", one.name, one.canonical_version())).collect()
}

/// The heart of it: a machine with nothing but a lock file and the committed map must answer as the
/// one where everything is installed.
#[test]
fn every_lock_answers_as_the_environment_that_was_made_from_it() {
    if !have("uv") || !have("python3") {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    write(root, &[("pyproject.toml", PROJECT)]);
    run(root, "uv", &["lock", "-q"]);
    run(root, "python3", &["-m", "venv", "--without-pip", ".venv"]);
    run(root, "uv", &["sync", "-q", "--frozen", "--inexact", "-p", ".venv/bin/python3"]);
    run(root, "uv", &["export", "-q", "--frozen", "--format", "pylock.toml", "-o", "pylock.toml"]);
    run(
        root,
        "uv",
        &["export", "-q", "--frozen", "--format", "requirements-txt", "-o", "requirements.txt"],
    );

    let (environment, site) = read(&root.join(".venv"));
    let python = environment.python.unwrap();
    let roots = ["requests[socks]", "coverage[toml]"].map(|text| Requirement::parse(text).unwrap());
    let here = Target::new(python, environment.patch, "linux-64");
    let elsewhere = Target::new(python, None, "linux-64");
    let installed = site.distributions();
    let extras = asked_extras(&installed, &roots, &here);
    let map = ImportMap::of(&installed, USED, &extras, Some(python));
    let map = ImportMap::decode(&map.encode()).unwrap();

    let text = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let pinned = requirements(Path::new("requirements.txt"), &|path| {
        std::fs::read_to_string(root.join(path)).ok()
    });
    assert_eq!(pinned.errors, []);
    let locks = [
        ("uv.lock", Lock::parse(Format::Uv, &text("uv.lock")).unwrap()),
        ("pylock.toml", Lock::parse(Format::Pylock, &text("pylock.toml")).unwrap()),
        ("requirements.txt", pinned.lock),
    ];
    for (name, lock) in locks {
        let locked = map.complete(&lock.distributions(&elsewhere));
        let all_roots: Vec<Requirement> = roots.iter().chain(&lock.roots).cloned().collect();
        let locked_extras = asked_extras(&locked, &all_roots, &elsewhere);
        for module in USED {
            let owners = |all: &Distributions| {
                all.loaded_by(module).iter().map(|one| one.name.clone()).collect::<Vec<_>>()
            };
            assert_eq!(owners(&locked), owners(&installed), "{name}: {module}");
            for owner in owners(&installed) {
                assert_eq!(
                    versions(&locked, &owner, &locked_extras, &elsewhere),
                    versions(&installed, &owner, &extras, &here),
                    "{name}: {owner}"
                );
            }
        }
    }
    assert!(
        versions(&installed, "requests", &extras, &here)
            .iter()
            .any(|one| one.starts_with("pysocks "))
    );
    assert!(
        !versions(&installed, "requests", &Extras::new(), &here)
            .iter()
            .any(|one| one.starts_with("pysocks "))
    );
}

#[test]
fn the_standard_library_is_what_python_says() {
    if !have("python3") {
        return;
    }
    let ask = "import sys, json; print(json.dumps([list(sys.version_info[:2]), sorted(sys.stdlib_module_names)]))";
    let said = run(Path::new("/"), "python3", &["-c", ask]);
    let ((major, minor), names): ((u8, u8), Vec<String>) = serde_json::from_str(&said).unwrap();
    let python = format!("{major}.{minor}").parse().unwrap();
    let missing: Vec<&String> = names.iter().filter(|name| !is_stdlib(name, python)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // Left out of Python's own list; parts of some builds only.
    let besides =
        ["__main__", "test", "_wmi", "_apple_support", "_xxsubinterpreters", "_xxinterpchannels"];
    let more: Vec<&str> = stdlib_names(python)
        .into_iter()
        .filter(|name| !names.iter().any(|known| known == name) && !besides.contains(name))
        .collect();
    assert!(more.is_empty(), "{more:?}");
}
