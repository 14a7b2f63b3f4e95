//! What the project's own files say of distributions: lock files, requirements, the map of imports,
//! versions of Python.

use std::path::{Path, PathBuf};

use qik_config::{FilledKind, FilledVenv, context_value, template::ContextName};
use qik_db::Db;
use qik_model::{ContextValue, Diagnostic, RelPath};

use super::look::TrackedLook;
use super::{IMPORT_MAPS, Packages, PackagesOrigin, import_map_path};
use crate::dist::lock::{self, Format, Lock};
use crate::dist::{
    self, Distribution, Distributions, Environment, Extras, Found, ImportMap, PythonVersion,
    Requirement, Target, asked_extras, python,
};
use crate::modules::facts_store;

/// What the project's own files say of distributions.
pub(super) struct Sources {
    map: ImportMap,
    locks: Vec<Lock>,
    pub files: Vec<RelPath>,
    /// The project's own requirements.
    roots: Vec<Requirement>,
    /// What asks for a version of Python, the most binding first.
    pythons: Vec<(String, PythonVersion)>,
    notes: Vec<Diagnostic>,
}

impl Sources {
    /// Those that count for a space. Where its environment names files, these and no others.
    pub fn read(db: &dyn Db, space: &str, venv: Option<&FilledVenv>) -> Self {
        let mut sources = Self {
            map: ImportMap::default(),
            locks: Vec::new(),
            files: Vec::new(),
            roots: Vec::new(),
            pythons: Vec::new(),
            notes: Vec::new(),
        };
        sources.read_map(db, space);
        match venv.filter(|venv| venv.kind != FilledKind::Active || !venv.files.is_empty()) {
            Some(venv) => sources.read_own(db, venv),
            None => {
                sources.read_locks(db);
                if sources.locks.is_empty() {
                    sources.read_requirements(db);
                }
            }
        }
        sources.read_pythons(db, venv);
        sources
    }

    fn read_map(&mut self, db: &dyn Db, space: &str) {
        let path = import_map_path(space);
        match text(db, &path).map(|text| ImportMap::decode(&text)) {
            Some(Ok(map)) => self.map = map,
            Some(Err(error)) => self.notes.push(
                Diagnostic::warning("python/bad-import-map", format!("`{path}` can't be read"))
                    .help(error.to_string()),
            ),
            None => {}
        }
    }

    /// The files of the space's own environment.
    fn read_own(&mut self, db: &dyn Db, venv: &FilledVenv) {
        let python = match &venv.kind {
            FilledKind::Uv(uv) => uv.python.as_ref(),
            FilledKind::UvProject { python, .. } => python.as_ref(),
            FilledKind::Active | FilledKind::Prefix { .. } => None,
        };
        let python = python.and_then(|python| python.text.parse().ok());
        self.pythons.extend(python.map(|python| ("venv".to_string(), python)));
        for path in &venv.files {
            let name = String::from_utf8_lossy(path.name()).into_owned();
            let Some(text) = text(db, path) else { continue };
            match Format::of(&name) {
                Some(format) => match Lock::parse(format, &text) {
                    Ok(lock) => self.add_lock(lock, path),
                    Err(error) => self.notes.push(bad_lock(path, &error)),
                },
                None if name.ends_with(".txt") || name.ends_with(".lock") => {
                    self.read_pins(db, path);
                }
                // Requirements without versions, or what no Python tool reads.
                None => {}
            }
        }
    }

    /// Pinned requirements. Paths in them start at the project, where they are installed from.
    fn read_pins(&mut self, db: &dyn Db, path: &RelPath) {
        let name = PathBuf::from(String::from_utf8_lossy(path.name()).into_owned());
        let read = |file: &Path| match *file == name {
            true => text(db, path),
            false => text(db, &RelPath::new(file.as_os_str().as_encoded_bytes())?),
        };
        let found = lock::requirements::requirements(&name, &read);
        self.notes.extend(found.errors.iter().map(|(_, error)| bad_lock(path, error)));
        self.add_lock(found.lock, path);
    }

    fn add_lock(&mut self, lock: Lock, path: &RelPath) {
        self.roots.extend(lock.roots.iter().cloned());
        self.locks.push(lock);
        self.files.push(path.clone());
    }

    fn read_locks(&mut self, db: &dyn Db) {
        for name in Format::NAMES {
            let path = RelPath::from(name);
            let (Some(format), Some(text)) = (Format::of(name), text(db, &path)) else { continue };
            match Lock::parse(format, &text) {
                Ok(lock) => {
                    self.roots.extend(lock.roots.iter().cloned());
                    self.locks.push(lock);
                    self.files.push(path);
                    return;
                }
                Err(error) => self.notes.push(bad_lock(&path, &error)),
            }
        }
    }

    /// Pinned requirements at the project's top: all of them together.
    fn read_requirements(&mut self, db: &dyn Db) {
        let top = db.folder(&RelPath::root());
        let is_requirements = |name: &[u8]| {
            name.starts_with(b"requirements")
                && (name.ends_with(b".txt") || name.ends_with(b".lock"))
        };
        let names = top.names(db).iter().filter(|(name, _)| is_requirements(name));
        for (name, _) in names {
            let path = RelPath::root().join(name);
            let read = |path: &Path| text(db, &RelPath::new(path.as_os_str().as_encoded_bytes())?);
            let file = PathBuf::from(path.to_string());
            let found = lock::requirements::requirements(&file, &read);
            self.notes.extend(
                found
                    .errors
                    .iter()
                    .map(|(file, error)| bad_lock(&RelPath::from(&*file.to_string_lossy()), error)),
            );
            self.roots.extend(found.lock.roots.iter().cloned());
            if !found.lock.packages.is_empty() {
                self.locks.push(found.lock);
                self.files.push(path);
            }
        }
    }

    fn read_pythons(&mut self, db: &dyn Db, venv: Option<&FilledVenv>) {
        let mut add = |from: &str, version: Option<PythonVersion>| {
            self.pythons.extend(version.map(|version| (from.to_string(), version)));
        };
        let dot_file = text(db, &".python-version".into());
        add(".python-version", dot_file.and_then(|text| python::from_dot_file(&text)));
        add(IMPORT_MAPS, self.map.python);
        // One that can't be used any more still tells what the next one is likely to have.
        let folder = venv.and_then(FilledVenv::folder).map(|at| at.to_path(db.system().root()));
        let made =
            folder.and_then(|at| dist::environment(&TrackedLook(db), &at, Found::Configured));
        add("venv", made.and_then(|made| made.python));
        let pyproject = text(db, &"pyproject.toml".into());
        let requires = pyproject.as_deref().and_then(python::requires_of_pyproject);
        for (lock, file) in self.locks.iter().zip(&self.files) {
            add(&file.to_string(), lock.python());
        }
        add("pyproject.toml", requires.and_then(|text| python::from_requires(&text)));
        self.roots.extend(pyproject.iter().flat_map(|text| requirements_of_pyproject(text)));
    }

    /// What is installed in this environment.
    pub fn installed(self, db: &dyn Db, environment: &Environment) -> Packages {
        let site = facts_store(db).sites().read(&TrackedLook(db), &environment.folders);
        let asked = self.pythons.first().map(|(_, version)| *version);
        let python = environment.python.or(asked);
        let target = target(db, python, environment.patch, environment.pypy);
        let distributions = site.distributions();
        let mut notes = self.notes;
        notes.extend(disagreement(&distributions, &self.locks, &self.files, &target, environment));
        if let (Some((from, wanted)), Some(python)) = (self.pythons.first(), environment.python)
            && from == ".python-version"
            && *wanted != python
        {
            notes.push(other_python(*wanted, python, &environment.prefix));
        }
        let origin = PackagesOrigin::Installed(environment.prefix.clone());
        let extras = asked_extras(&distributions, &self.roots, &target);
        Packages { distributions, origin, python, target, extras, notes }
    }

    /// What the lock files name.
    pub fn locked(self, db: &dyn Db) -> Packages {
        let python = self.pythons.first().map(|(_, version)| *version);
        let target = target(db, python, None, false);
        let locked = self.locks.iter().flat_map(|lock| {
            lock.distributions(&target).iter().cloned().collect::<Vec<Distribution>>()
        });
        let mut locked: Vec<Distribution> = locked.collect();
        locked.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        locked.dedup();
        let known = self.map.complete(&Distributions::new(locked));
        let distributions = guessed(&known, &self.map);
        let extras = asked_extras(&distributions, &self.roots, &target);
        let origin = PackagesOrigin::Locked(self.files);
        Packages { distributions, origin, python, target, extras, notes: self.notes }
    }

    /// Nothing.
    pub fn nowhere(self, db: &dyn Db) -> Packages {
        let python = self.pythons.first().map(|(_, version)| *version);
        Packages {
            distributions: Distributions::default(),
            origin: PackagesOrigin::Nowhere,
            python,
            target: target(db, python, None, false),
            extras: Extras::default(),
            notes: self.notes,
        }
    }
}

/// Where no map tells what a distribution is imported by, its own name does.
fn guessed(distributions: &Distributions, map: &ImportMap) -> Distributions {
    let taken =
        |import: &str| map.imports.keys().any(|known| known.split('.').next() == Some(import));
    let guess = |one: &Distribution| {
        let mut one = one.clone();
        let import = one.name.replace('-', "_");
        if one.imports.is_empty() && !taken(&import) {
            one.imports.push(import.into());
        }
        one
    };
    Distributions::new(distributions.iter().map(guess).collect())
}

fn target(db: &dyn Db, python: Option<PythonVersion>, patch: Option<u16>, pypy: bool) -> Target {
    let arch = match context_value(db, &ContextName::Qik("arch")) {
        Ok(ContextValue::Str(arch)) => arch.clone(),
        _ => "linux-64".into(),
    };
    let python = python.unwrap_or(PythonVersion { major: 3, minor: 12 });
    if pypy { Target::pypy(python, patch, &arch) } else { Target::new(python, patch, &arch) }
}

/// The project's own requirements, extras and groups included.
fn requirements_of_pyproject(text: &str) -> Vec<Requirement> {
    let Ok(table) = toml::from_str::<toml::Table>(text) else { return Vec::new() };
    let project = table.get("project");
    let lists = project
        .and_then(|project| project.get("dependencies"))
        .into_iter()
        .chain(groups(project.and_then(|project| project.get("optional-dependencies"))))
        .chain(groups(table.get("dependency-groups")));
    let texts = lists.filter_map(toml::Value::as_array).flatten().filter_map(toml::Value::as_str);
    texts.filter_map(Requirement::parse).collect()
}

fn groups(table: Option<&toml::Value>) -> impl Iterator<Item = &toml::Value> {
    table.and_then(toml::Value::as_table).into_iter().flat_map(|table| table.values())
}

/// Where what is installed is not what the lock says, for the distributions that are in both.
fn disagreement(
    installed: &Distributions,
    locks: &[Lock],
    files: &[RelPath],
    target: &Target,
    environment: &Environment,
) -> Option<Diagnostic> {
    let mut other = Vec::new();
    for lock in locks {
        for locked in lock.distributions(target).iter().filter(|one| !one.is_direct()) {
            let here = installed.get(&locked.name);
            if let [here] = here
                && !here.is_direct()
                && !locked.version.is_empty()
                && here.canonical_version() != locked.canonical_version()
            {
                other.push(format!("{} {} ({})", here.name, here.version, locked.version));
            }
        }
    }
    let first = other.first()?.clone();
    let more = match other.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let message = format!(
        "`{}` does not have the versions of `{}`: {first}{more}",
        environment.prefix.display(),
        files.first().map(ToString::to_string).unwrap_or_default(),
    );
    Some(
        Diagnostic::warning("python/environment-differs", message)
            .help("what is installed counts; install what the lock says, or lock anew"),
    )
}

fn other_python(wanted: PythonVersion, python: PythonVersion, prefix: &Path) -> Diagnostic {
    let message =
        format!("`{}` has Python {python}, `.python-version` says {wanted}", prefix.display());
    Diagnostic::warning("python/environment-differs", message)
        .help("what is installed counts; make the environment anew, or change `.python-version`")
}

fn bad_lock(path: &RelPath, error: &lock::LockError) -> Diagnostic {
    let line = error.line.map(|line| format!(":{line}")).unwrap_or_default();
    let message = format!("`{path}{line}`: {}", error.message);
    Diagnostic::warning("python/bad-lock", message)
        .help("mend it, or lock anew; until then it counts for nothing")
}

fn text(db: &dyn Db, path: &RelPath) -> Option<String> {
    let bytes = db.source(path).bytes(db).as_ref()?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}
