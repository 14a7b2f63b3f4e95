//! Samples of each format, after the documentation of its tool, and rubbish.

use std::path::Path;

use proptest::prelude::*;

use super::requirements::requirements;
use super::*;
use crate::dist::distribution::Source;

fn target(python: &str, arch: &str) -> Target {
    Target::new(python.parse().unwrap(), None, arch)
}

fn shown(one: &Distribution) -> String {
    let requires: Vec<String> = one
        .requires
        .iter()
        .map(|need| {
            let extras = if need.extras.is_empty() {
                String::new()
            } else {
                format!("[{}]", need.extras.join(","))
            };
            let marker = need.marker.as_ref().map_or(String::new(), |marker| format!("; {marker}"));
            format!("{}{extras}{marker}", need.name)
        })
        .collect();
    let source = match &one.source {
        Source::Index => String::new(),
        Source::Editable { folder } => format!(" editable {}", folder.display()),
        Source::Local { path, .. } => format!(" local {}", path.display()),
        Source::Archive { url, hash } => {
            format!(" archive {url} {}", hash.as_deref().unwrap_or("-"))
        }
        Source::Commit { url, commit } => format!(" commit {url} {commit}"),
    };
    format!("{} {} ({}){source}", one.name, one.version, requires.join(" | "))
}

#[track_caller]
fn check(format: Format, text: &str, python: &str, expected: &[&str]) -> Lock {
    let lock = Lock::parse(format, text).unwrap();
    let found: Vec<String> =
        lock.distributions(&target(python, "linux-64")).iter().map(shown).collect();
    assert_eq!(found, expected, "{python}");
    lock
}

fn roots(lock: &Lock) -> String {
    let roots = lock.roots.iter().map(|one| format!("{}[{}]", one.name, one.extras.join(",")));
    roots.collect::<Vec<_>>().join(" ")
}

#[test]
fn uv_forks_are_told_apart_by_version() {
    let text = r#"
version = 1
requires-python = ">=3.9"
[[package]]
name = "app"
source = { virtual = "." }
dependencies = [{ name = "numpy", version = "2", marker = "python_full_version >= '3.10'" }]
[package.dev-dependencies]
dev = [{ name = "coverage", extra = ["toml"] }]
[[package]]
name = "numpy"
version = "1.0"
source = { registry = "https://x/simple" }
resolution-markers = ["python_full_version < '3.10'"]
[[package]]
name = "numpy"
version = "2.0"
source = { registry = "https://x/simple" }
resolution-markers = ["python_full_version == '3.10.*'", "python_full_version >= '3.11'"]
[[package]]
name = "coverage"
version = "7"
[package.optional-dependencies]
toml = [{ name = "tomli", marker = "python_full_version <= '3.11'" }]
[[package]]
name = "g"
version = "1"
source = { git = "https://u:p@h/g?rev=main#0123abc" }
[[package]]
name = "lib"
version = "1"
source = { editable = "libs/lib" }
[[package]]
name = "copied"
version = "1"
source = { directory = "libs/copied" }
[[package]]
name = "u"
version = "1"
source = { url = "https://h/u-1.whl" }
wheels = [{ url = "https://h/u-1.whl", hash = "sha256:12" }]
"#;
    let rest = |numpy: &'static str| {
        [
            "app  (numpy; python_full_version >= '3.10') editable .",
            "copied 1 () local libs/copied",
            "coverage 7 (tomli; (python_full_version <= '3.11') and (extra == 'toml'))",
            "g 1 () commit https://h/g 0123abc",
            "lib 1 () editable libs/lib",
            numpy,
            "u 1 () archive https://h/u-1.whl sha256=12",
        ]
    };
    let lock = check(Format::Uv, text, "3.9", &rest("numpy 1.0 ()"));
    check(Format::Uv, text, "3.12", &rest("numpy 2.0 ()"));
    assert_eq!(roots(&lock), "coverage[toml]");
    assert_eq!(lock.python().map(|python| python.to_string()).as_deref(), Some("3.9"));
}

#[test]
fn uv_conflicts_without_a_choice_count_whole() {
    let text = r#"
[[package]]
name = "torch"
version = "2.0+cpu"
resolution-markers = ["extra == 'extra-3-app-cpu'"]
[[package]]
name = "torch"
version = "2.0"
resolution-markers = ["extra == 'extra-3-app-gpu'"]
"#;
    check(Format::Uv, text, "3.11", &["torch 2.0 ()", "torch 2.0+cpu ()"]);
}

#[test]
fn pylock_packages_count_where_their_markers_hold() {
    let text = r#"
lock-version = "1.0"
requires-python = ">=3.10"
[[packages]]
name = "a"
version = "1"
dependencies = [{ name = "B" }]
[[packages]]
name = "b"
version = "2"
marker = "sys_platform == 'win32'"
[[packages]]
name = "b"
version = "3"
marker = "sys_platform != 'win32'"
[[packages]]
name = "c"
version = "1"
marker = "'dev' in dependency_groups"
requires-python = ">=3.11"
[[packages]]
name = "v"
vcs = { type = "git", url = "https://h/v", commit-id = "abc" }
[[packages]]
name = "d"
directory = { path = "d", editable = true }
[[packages]]
name = "z"
archive = { url = "https://h/z.zip", hashes = { sha256 = "1f" } }
"#;
    check(
        Format::Pylock,
        text,
        "3.11",
        &[
            "a 1 (b)",
            "b 3 ()",
            "c 1 ()",
            "d  () editable d",
            "v  () commit https://h/v abc",
            "z  () archive https://h/z.zip sha256=1f",
        ],
    );
    let old = Lock::parse(Format::Pylock, text).unwrap().distributions(&target("3.10", "win-64"));
    assert_eq!(&*old.get("b")[0].version, "2");
    assert!(old.get("c").is_empty());
}

#[test]
fn poetry_says_extras_and_markers_in_three_ways() {
    let text = r#"
[[package]]
name = "Uvicorn"
version = "0.30"
optional = false
python-versions = ">=3.8"
[package.dependencies]
click = ">=7.0"
colorama = { version = ">=0.4", optional = true, markers = "sys_platform == 'win32' and extra == 'standard'" }
httptools = { version = ">=0.5", optional = true }
typing-extensions = { version = ">=4", markers = "python_version < '3.11'" }
multi = [{ version = "1", markers = "os_name == 'nt'" }, { version = "2", extras = ["x"] }]
[package.extras]
standard = ["colorama (>=0.4) ; sys_platform == 'win32'", "httptools (>=0.5)"]
[[package]]
name = "old"
version = "1"
python-versions = "<3.10"
[[package]]
name = "grouped"
version = "1"
python-versions = "*"
markers = { main = "os_name == 'nt'", dev = "os_name == 'posix'" }
[[package]]
name = "never"
version = "1"
python-versions = "*"
markers = "os_name == 'nt'"
[[package]]
name = "g"
version = "1"
python-versions = "*"
[package.source]
type = "git"
url = "https://h/g.git"
reference = "main"
resolved_reference = "abc"
[metadata]
python-versions = "^3.9"
"#;
    let lock = check(
        Format::Poetry,
        text,
        "3.11",
        &[
            "g 1 () commit https://h/g.git abc",
            "grouped 1 ()",
            "uvicorn 0.30 (click | multi; os_name == 'nt' | multi[x] | typing-extensions; python_version < '3.11' \
             | colorama; (sys_platform == 'win32') and (extra == 'standard') | httptools; extra == 'standard')",
        ],
    );
    assert_eq!(lock.python().map(|python| python.to_string()).as_deref(), Some("3.9"));
}

#[test]
fn pdm_writes_one_entry_more_for_extras() {
    let text = r#"
[metadata]
groups = ["default"]
[[metadata.targets]]
requires_python = ">=3.10"
[[package]]
name = "requests"
version = "2"
requires_python = ">=3.8"
dependencies = ["idna<4,>=2.5", "certifi; python_version > '3'"]
[[package]]
name = "requests"
version = "2"
extras = ["socks"]
dependencies = ["PySocks!=1.5.7", "requests==2"]
[[package]]
name = "local"
version = "1"
path = "./local"
editable = true
[[package]]
name = "winonly"
version = "1"
marker = "sys_platform == 'win32'"
"#;
    let lock = check(
        Format::Pdm,
        text,
        "3.11",
        &[
            "local 1 () editable ./local",
            "requests 2 (idna | certifi; python_version > '3' | pysocks; extra == 'socks')",
        ],
    );
    assert_eq!(lock.python().map(|python| python.to_string()).as_deref(), Some("3.10"));
}

#[test]
fn a_pipfile_lock_is_flat() {
    let text = r#"{
  "_meta": {"requires": {"python_version": "3.11"}},
  "default": {
    "requests": {"version": "==2.31", "extras": ["socks"], "markers": "python_version >= '3.7'"},
    "old": {"version": "==1", "markers": "python_version < '3'"},
    "lib": {"editable": true, "path": "."},
    "g": {"git": "https://h/g.git", "ref": "abc"}
  },
  "develop": {"requests": {"version": "==2.31"}, "pytest": {"version": "==8"}}
}"#;
    let lock = check(
        Format::Pipfile,
        text,
        "3.11",
        &[
            "g  () commit https://h/g.git abc",
            "lib  () editable .",
            "pytest 8 ()",
            "requests 2.31 ()",
        ],
    );
    assert_eq!(roots(&lock), "requests[socks]");
    assert_eq!(lock.python().map(|python| python.to_string()).as_deref(), Some("3.11"));
}

#[test]
fn requirements_files_are_read_as_pip_reads_them() {
    let files = [
        (
            "req/main.txt",
            "\u{feff}# top\n--index-url https://u:p@h\n-r base.txt\n-cconstraints.txt\n\
             a==1.0 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n    # via\n    #   b\n    #   -r main.in\n\
             B[x]==2 ; python_version > '3' # via c\n\
             loose>=1\nstar==1.*\nwin==1; sys_platform == 'win32'\n\
             wheel @ https://h/wheel-1.whl#sha256=ab ; os_name == 'posix'\n\
             https://h/my_pkg-1.2-py3-none-any.whl\n\
             -e git+https://u@h/g.git@v1#egg=g-it\n-e ../lib\n./copied\n!bad\n",
        ),
        ("req/base.txt", "c===3\n-r main.txt\n-r absent.txt\n"),
        ("req/constraints.txt", "d==4\n"),
    ];
    let read = |path: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| text.to_string())
    };
    let found = requirements(Path::new("req/main.txt"), &read);
    let all: Vec<String> =
        found.lock.distributions(&target("3.11", "linux-64")).iter().map(shown).collect();
    assert_eq!(
        all,
        [
            "a 1.0 ()",
            "b 2 (a)",
            "c 3 (b)",
            "copied  () local req/copied",
            "d 4 ()",
            "g-it  () commit https://h/g.git v1",
            "lib  () editable lib",
            "my-pkg 1.2 () archive https://h/my_pkg-1.2-py3-none-any.whl -",
            "wheel  () archive https://h/wheel-1.whl sha256=ab",
        ]
    );
    assert_eq!(roots(&found.lock), "b[x] loose[] star[]");
    let files: Vec<_> = found.files.iter().map(|file| file.to_str().unwrap()).collect();
    assert_eq!(files, ["req/main.txt", "req/base.txt", "req/absent.txt", "req/constraints.txt"]);
    let errors: Vec<_> = found
        .errors
        .iter()
        .map(|(file, error)| format!("{}:{}: {error}", file.display(), error.line.unwrap()))
        .collect();
    assert_eq!(
        errors,
        [
            "req/base.txt:3: requirements file `req/absent.txt` does not exist",
            "req/main.txt:20: `!bad` is no requirement",
        ]
    );
}

#[test]
fn errors_name_their_line() {
    let check = |format: Format, text: &str, line: usize| {
        let error = Lock::parse(format, text).unwrap_err();
        assert_eq!(error.line, Some(line), "{error}");
    };
    check(Format::Uv, "version = 1\n[[package]\n", 2);
    check(Format::Uv, "[[package]]\nname = 'a'\n\n[[package]]\nversion = '1'\n", 4);
    check(Format::Pylock, "\n\nx = \n", 3);
    check(Format::Pipfile, "{\n  \"a\": ,\n}", 2);
}

#[test]
fn formats_are_known_by_name() {
    for name in Format::NAMES {
        assert!(Format::of(name).is_some(), "{name}");
    }
    assert_eq!(Format::of("pylock.dev.toml"), Some(Format::Pylock));
    assert_eq!(Format::of("requirements.txt"), None);
}

/// Pieces from which rubbish is made that comes near to the real thing.
const PIECES: [&str; 24] = [
    "[[package]]\n",
    "[[packages]]\n",
    "name = \"a\"\n",
    "version = 3\n",
    "version = \"1\"\n",
    "[package.source]\n",
    "source = { git = \"#\" }\n",
    "dependencies = [{ name = \"b\", marker = \"((\" }]\n",
    "dependencies = [\"b[\"]\n",
    "marker = \"os_name\"\n",
    "python-versions = \"^\"\n",
    "markers = { a = 1 }\n",
    "extras = [\"x\"]\n",
    "\\\n",
    "-e ",
    "-r ",
    "a==",
    " @ ",
    "git+",
    "://",
    "@",
    "#egg=",
    " # via\n",
    "\u{e9}",
];

proptest! {
    #[test]
    fn rubbish_is_refused_or_read_but_never_a_panic(picks in prop::collection::vec(0..PIECES.len(), 0..24), noise in ".{0,40}") {
        let text: String = picks.iter().map(|pick| PIECES[*pick]).chain([noise.as_str()]).collect();
        for format in [Format::Uv, Format::Pylock, Format::Poetry, Format::Pdm, Format::Pipfile] {
            if let Ok(lock) = Lock::parse(format, &text) {
                lock.distributions(&target("3.11", "linux-64"));
            }
        }
        requirements(Path::new("r.txt"), &|_| Some(text.clone()));
    }

    #[test]
    fn no_marker_is_a_panic(marker in "[a-z_ '\"<>=!().,0-9]{0,40}", version in "[0-9.v+!*^~<>=a-z|, ]{0,20}") {
        target("3.11", "linux-64").holds(Some(&marker), &["x".into()]);
        allows(&version, "3.11".parse().unwrap());
        python::from_requires(&version);
    }
}
