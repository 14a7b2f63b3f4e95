//! Where installed distributions lie, told from the layout of folders alone: no Python is started.
//! Knows venvs, conda environments, Debian's folders and the plain installation; not what is in them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::look::{self, Look};
use super::python::{self, PythonVersion};

/// The places to look at, as the caller found them in configuration and process environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// The venvs that the space names.
    pub configured: Vec<PathBuf>,
    /// `VIRTUAL_ENV`, then `CONDA_PREFIX`, where set.
    pub active: Vec<PathBuf>,
    /// The qik binary.
    pub binary: Option<PathBuf>,
    /// The project folder.
    pub project: PathBuf,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
}

/// Why an environment was looked at; also its rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Found {
    /// The space names it.
    Configured,
    /// It is active in the shell.
    Active,
    /// The qik binary lies in it.
    HoldsQik,
    /// It is the project's `.venv`.
    Project,
    /// Its `python3` is the first one on `PATH`.
    OnPath,
}

/// An environment: a version of Python and the folders in which distributions are installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Why it was looked at.
    pub found: Found,
    /// Its folder.
    pub prefix: PathBuf,
    /// Its version, where the layout tells.
    pub python: Option<PythonVersion>,
    /// The patch release, where the layout tells.
    pub patch: Option<u16>,
    /// Whether it is PyPy.
    pub pypy: bool,
    /// Folders of distributions, in the order of `sys.path`.
    pub folders: Vec<PathBuf>,
}

/// All environments that exist among the candidates, the most binding one first.
///
/// `.venv` and the plain `python3` of a machine come after the others; a lock file of the project
/// is meant to be asked before the one that is [`Found::OnPath`].
pub fn environments(look: &dyn Look, candidates: &Candidates) -> Vec<Environment> {
    let mut found: Vec<Environment> = Vec::new();
    let mut add = |environment: Option<Environment>| {
        if let Some(new) = environment
            && found.iter().all(|old| old.folders != new.folders)
        {
            found.push(new);
        }
    };
    for prefix in &candidates.configured {
        add(environment(look, prefix, Found::Configured));
    }
    for prefix in &candidates.active {
        add(environment(look, prefix, Found::Active));
    }
    if let Some(binary) = &candidates.binary {
        add(holding(look, binary));
    }
    add(environment(look, &candidates.project.join(".venv"), Found::Project));
    add(on_path(look, candidates));
    found
}

/// The environment in the folder `prefix`, if there is one.
pub fn environment(look: &dyn Look, prefix: &Path, found: Found) -> Option<Environment> {
    let config = look::text(look, &prefix.join("pyvenv.cfg")).map(|text| VenvConfig::parse(&text));
    let known = config.as_ref().and_then(|config| config.python);
    let layout = layout(look, prefix, known.map(|(python, _)| python))?;
    let (python, patch) = match (known, layout.python) {
        (Some((python, patch)), _) => (Some(python), patch),
        (None, Some((python, patch))) => (Some(python), patch),
        (None, None) => (None, None),
    };
    let mut folders = layout.folders;
    if let Some(home) = config.filter(|config| config.system_site).and_then(|config| config.home) {
        let base = if home.ends_with("bin") { home.parent().unwrap_or(&home) } else { &home };
        if let Some(system) = self::layout(look, base, python) {
            folders.extend(system.folders);
        }
    }
    let pypy = layout.pypy;
    Some(Environment { found, prefix: prefix.to_path_buf(), python, patch, pypy, folders })
}

/// A file of `KEY = VALUE` lines.
#[derive(Debug, Default)]
struct VenvConfig {
    python: Option<(PythonVersion, Option<u16>)>,
    home: Option<PathBuf>,
    system_site: bool,
}

impl VenvConfig {
    fn parse(text: &str) -> Self {
        let mut config = Self::default();
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "version" | "version_info" => config.python = PythonVersion::find(value),
                "home" => config.home = Some(value.into()),
                "include-system-site-packages" => {
                    config.system_site = value.eq_ignore_ascii_case("true");
                }
                _ => {}
            }
        }
        config
    }
}

#[derive(Debug, Default)]
struct Layout {
    python: Option<(PythonVersion, Option<u16>)>,
    pypy: bool,
    folders: Vec<PathBuf>,
}

/// The folders below `prefix`, for `python` if that is known.
fn layout(look: &dyn Look, prefix: &Path, python: Option<PythonVersion>) -> Option<Layout> {
    let conda = conda_python(look, prefix);
    let wanted = python.or(conda.map(|(python, _)| python)).or_else(|| linked_python(look, prefix));
    let mut layout = Layout { python: conda, ..Layout::default() };
    let bases: &[&str] = match prefix == Path::new("/usr") {
        true => &["local/lib", "lib", "lib64"],
        false => &["lib", "lib64"],
    };
    let mut homes: Vec<(PythonVersion, &str, String)> = Vec::new();
    for base in bases {
        let members = look.list(&prefix.join(base)).unwrap_or_default();
        let names = members.iter().filter_map(|member| member.name.to_str());
        homes.extend(names.filter_map(|name| Some((home_version(name)?, *base, name.to_string()))));
    }
    let newest = homes.iter().map(|home| home.0).filter(|version| version.minor > 0).max();
    if let Some(version) = wanted.or(newest) {
        layout.python = layout.python.or(Some((version, None)));
        homes.retain(|home| home.0 == version);
    }
    homes.sort_by_key(|home| bases.iter().position(|base| *base == home.1));
    for (_, base, name) in &homes {
        layout.pypy |= name.starts_with("pypy");
        let home = prefix.join(base).join(name);
        layout.add(look, home.join("site-packages"));
        layout.add(look, home.join("dist-packages"));
    }
    layout.add(look, prefix.join("lib/python3/dist-packages"));
    layout.add(look, prefix.join("Lib/site-packages"));
    (!layout.folders.is_empty()).then_some(layout)
}

impl Layout {
    /// Adds a folder that exists, and is not one that is there already under another name.
    fn add(&mut self, look: &dyn Look, folder: PathBuf) {
        let Ok(real) = look.canonical(&folder) else { return };
        let known = |old: &PathBuf| look.canonical(old).is_ok_and(|old| old == real);
        if !self.folders.iter().any(known) {
            self.folders.push(folder);
        }
    }
}

/// `python3.11`, `python3.13t`, `pypy3.10`; not `python3`, nor anything else in a `lib` folder.
fn home_version(name: &str) -> Option<PythonVersion> {
    let version = name.strip_prefix("python").or_else(|| name.strip_prefix("pypy"))?;
    let version = version.trim_end_matches('t');
    let plain = version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { version.parse().ok() } else { None }
}

/// Conda notes each package that it installed: `conda-meta/python-3.11.7-h955ad1f_0.json`.
fn conda_python(look: &dyn Look, prefix: &Path) -> Option<(PythonVersion, Option<u16>)> {
    let members = look.list(&prefix.join("conda-meta")).ok()?;
    members.iter().find_map(|member| {
        let rest = member.name.to_str()?.strip_prefix("python-")?;
        rest.starts_with(|c: char| c.is_ascii_digit()).then(|| PythonVersion::find(rest))?
    })
}

/// `bin/python3` is mostly a link to a file whose name says more.
fn linked_python(look: &dyn Look, prefix: &Path) -> Option<PythonVersion> {
    let file = look.canonical(&prefix.join("bin/python3")).ok()?;
    home_version(file.file_name()?.to_str()?)
}

/// The environment in whose `bin` the qik binary lies: a venv or conda environment. An installation
/// for the whole machine (`/usr/bin`, `~/.cargo/bin`) is not meant.
fn holding(look: &dyn Look, binary: &Path) -> Option<Environment> {
    let prefix = binary.parent()?.parent()?;
    let made_for_it = look.stamp(&prefix.join("pyvenv.cfg")).is_ok()
        || look.stamp(&prefix.join("conda-meta")).is_ok();
    if made_for_it { environment(look, prefix, Found::HoldsQik) } else { None }
}

fn on_path(look: &dyn Look, candidates: &Candidates) -> Option<Environment> {
    for bin in &candidates.path {
        let Ok(file) = look.canonical(&bin.join("python3")) else { continue };
        if bin.file_name() == Some(OsStr::new("shims")) {
            match pyenv(look, &candidates.project, bin) {
                Some(environment) => return Some(environment),
                None => continue,
            }
        }
        // A venv is where its link lies; an installation is where the link leads.
        let places = [bin.parent(), file.parent().and_then(Path::parent)];
        let found = places.into_iter().flatten().find_map(|prefix| {
            let mut found = environment(look, prefix, Found::OnPath)?;
            if let Some(version) = file.file_name().and_then(OsStr::to_str).and_then(home_version)
                && found.python.is_some_and(|python| python != version)
            {
                let layout = layout(look, prefix, Some(version))?;
                found = Environment { python: Some(version), folders: layout.folders, ..found };
            }
            Some(found)
        });
        if found.is_some() {
            return found;
        }
    }
    None
}

/// pyenv's shims are scripts; the version that they start stands in the project's `.python-version`
/// or in a file of pyenv's own.
fn pyenv(look: &dyn Look, project: &Path, shims: &Path) -> Option<Environment> {
    let root = shims.parent()?;
    let text = look::text(look, &project.join(".python-version"))
        .or_else(|| look::text(look, &root.join("version")))?;
    let wanted = text.split_ascii_whitespace().next()?;
    let versions = root.join("versions");
    let exact = environment(look, &versions.join(wanted), Found::OnPath);
    exact.or_else(|| {
        let python = python::from_dot_file(&text)?;
        let members = look.list(&versions).ok()?;
        let newest = members
            .iter()
            .filter_map(|member| Some((PythonVersion::find(member.name.to_str()?)?, &member.name)))
            .filter(|((version, _), _)| *version == python)
            .max()?;
        environment(look, &versions.join(newest.1), Found::OnPath)
    })
}

#[cfg(test)]
mod tests {
    use super::super::look::memory::Memory;
    use super::*;

    fn shown(found: &Environment) -> String {
        let python = found.python.map_or("-".into(), |python| python.to_string());
        let patch = found.patch.map_or(String::new(), |patch| format!(".{patch}"));
        let pypy = if found.pypy { " pypy" } else { "" };
        let folders: Vec<String> = found.folders.iter().map(|f| f.display().to_string()).collect();
        format!("{:?} {python}{patch}{pypy} {}", found.found, folders.join(":"))
    }

    #[track_caller]
    fn check(look: &Memory, candidates: &Candidates, expected: &[&str]) {
        let found: Vec<String> = environments(look, candidates).iter().map(shown).collect();
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn check_prefix(files: &[(&str, &str)], prefix: &str, expected: &str) {
        let found = environment(&Memory::new(files), Path::new(prefix), Found::Configured);
        assert_eq!(found.as_ref().map_or("-".into(), shown), expected);
    }

    #[test]
    fn a_venv_tells_its_version() {
        check_prefix(
            &[
                ("/v/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.7\n"),
                ("/v/lib/python3.11/site-packages/a.py", ""),
            ],
            "/v",
            "Configured 3.11.7 /v/lib/python3.11/site-packages",
        );
        check_prefix(
            &[
                ("/v/pyvenv.cfg", "version_info = 3.12.1.final.0\n"),
                ("/v/lib/python3.11/site-packages/a.py", ""),
                ("/v/lib/python3.12/site-packages/a.py", ""),
            ],
            "/v",
            "Configured 3.12.1 /v/lib/python3.12/site-packages",
        );
        check_prefix(&[("/v/lib/python3.12/x.py", "")], "/v", "-");
        check_prefix(&[], "/v", "-");
    }

    #[test]
    fn without_a_note_the_folder_tells_the_version() {
        check_prefix(
            &[("/v/lib/pypy3.10/site-packages/a.py", "")],
            "/v",
            "Configured 3.10 pypy /v/lib/pypy3.10/site-packages",
        );
        check_prefix(
            &[
                ("/v/lib/python3.13t/site-packages/a.py", ""),
                ("/v/lib/python3.9/site-packages/a.py", ""),
            ],
            "/v",
            "Configured 3.13 /v/lib/python3.13t/site-packages",
        );
        check_prefix(
            &[("/v/Lib/site-packages/a.py", "")],
            "/v",
            "Configured - /v/Lib/site-packages",
        );
    }

    #[test]
    fn the_two_lib_folders_count_once_where_one_is_a_link() {
        let mut look = Memory::new(&[
            ("/v/lib/python3.11/site-packages/a.py", ""),
            ("/v/lib64/python3.11/site-packages/b.py", ""),
        ]);
        let two = "Active 3.11 /v/lib/python3.11/site-packages:/v/lib64/python3.11/site-packages";
        let candidates = Candidates { active: vec!["/v".into()], ..Candidates::default() };
        check(&look, &candidates, &[two]);
        look.link("/v/lib64/python3.11/site-packages", "/v/lib/python3.11/site-packages");
        check(&look, &candidates, &["Active 3.11 /v/lib/python3.11/site-packages"]);
    }

    #[test]
    fn the_system_folders_follow_where_the_venv_says_so() {
        let files = |system: &'static str| {
            [
                ("/v/pyvenv.cfg", system),
                ("/v/lib/python3.11/site-packages/a.py", ""),
                ("/usr/local/lib/python3.11/dist-packages/b.py", ""),
                ("/usr/lib/python3/dist-packages/c.py", ""),
                ("/usr/lib/python3.12/d.py", ""),
            ]
        };
        check_prefix(
            &files("home = /usr/bin\nversion = 3.11.2\ninclude-system-site-packages = true"),
            "/v",
            "Configured 3.11.2 /v/lib/python3.11/site-packages:\
             /usr/local/lib/python3.11/dist-packages:/usr/lib/python3/dist-packages",
        );
        check_prefix(
            &files("home = /usr/bin\nversion = 3.11.2\ninclude-system-site-packages = false"),
            "/v",
            "Configured 3.11.2 /v/lib/python3.11/site-packages",
        );
    }

    #[test]
    fn conda_tells_its_version_among_several() {
        check_prefix(
            &[
                ("/c/conda-meta/python-3.10.4-h1_0.json", "{}"),
                ("/c/conda-meta/python-dateutil-2.9.0-0.json", "{}"),
                ("/c/lib/python3.10/site-packages/a.py", ""),
                ("/c/lib/python3.11/site-packages/a.py", ""),
                ("/c/lib/python3.1/site-packages/a.py", ""),
            ],
            "/c",
            "Configured 3.10.4 /c/lib/python3.10/site-packages",
        );
    }

    #[test]
    fn candidates_are_found_in_the_order_that_binds() {
        let mut look = Memory::new(&[("/usr/bin/python3.11", "")]);
        for prefix in ["/named", "/active", "/qik", "/p/.venv", "/usr"] {
            look.put(&format!("{prefix}/lib/python3.11/site-packages/a.py"), "");
        }
        look.put("/qik/pyvenv.cfg", "version = 3.11.1");
        look.link("/usr/bin/python3", "/usr/bin/python3.11");
        let mut candidates = Candidates {
            configured: vec!["/named".into(), "/absent".into()],
            active: vec!["/active".into(), "/named".into()],
            binary: Some("/qik/bin/qik".into()),
            project: "/p".into(),
            path: vec!["/absent/bin".into(), "/usr/bin".into()],
        };
        check(
            &look,
            &candidates,
            &[
                "Configured 3.11 /named/lib/python3.11/site-packages",
                "Active 3.11 /active/lib/python3.11/site-packages",
                "HoldsQik 3.11.1 /qik/lib/python3.11/site-packages",
                "Project 3.11 /p/.venv/lib/python3.11/site-packages",
                "OnPath 3.11 /usr/lib/python3.11/site-packages",
            ],
        );
        candidates.binary = Some("/usr/bin/qik".into());
        assert!(environments(&look, &candidates).iter().all(|one| one.found != Found::HoldsQik));
    }

    #[test]
    fn a_python_on_the_path_is_the_one_that_its_link_names() {
        let mut look = Memory::new(&[
            ("/usr/bin/python3.9", ""),
            ("/usr/lib/python3.9/site-packages/a.py", ""),
            ("/usr/lib/python3.11/site-packages/a.py", ""),
            ("/usr/lib/python3/dist-packages/a.py", ""),
        ]);
        look.link("/usr/bin/python3", "/usr/bin/python3.9");
        let path = vec![PathBuf::from("/usr/bin")];
        let candidates = Candidates { path, ..Candidates::default() };
        check(
            &look,
            &candidates,
            &["OnPath 3.9 /usr/lib/python3.9/site-packages:/usr/lib/python3/dist-packages"],
        );
    }

    #[test]
    fn shims_lead_to_the_version_that_the_project_names() {
        let mut look = Memory::new(&[
            ("/e/shims/python3", "#!/bin/sh"),
            ("/e/version", "3.12.1\n"),
            ("/e/versions/3.11.7/lib/python3.11/site-packages/a.py", ""),
            ("/e/versions/3.11.9/lib/python3.11/site-packages/a.py", ""),
            ("/e/versions/3.12.1/lib/python3.12/site-packages/a.py", ""),
        ]);
        let path = vec![PathBuf::from("/e/shims")];
        let candidates = Candidates { path, project: "/p".into(), ..Candidates::default() };
        check(&look, &candidates, &["OnPath 3.12 /e/versions/3.12.1/lib/python3.12/site-packages"]);
        look.put("/p/.python-version", "3.11");
        check(&look, &candidates, &["OnPath 3.11 /e/versions/3.11.9/lib/python3.11/site-packages"]);
        look.put("/p/.python-version", "3.9");
        check(&look, &candidates, &[]);
    }
}
