//! The database itself: salsa's storage, and the maps from paths to inputs.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use qik_model::{ConfigSyntax, RelPath};
use qik_system::System;
use rustc_hash::{FxHashMap, FxHashSet};
use salsa::{Durability, Setter};

use crate::{Db, Folder, OutsideFile, Source, Tool, ToolOutput, World};

/// Runs a cheap command and yields what it printed.
pub type RunTool = Arc<dyn Fn(&str) -> ToolOutput + Send + Sync>;

/// The database of one session.
#[salsa::db]
#[derive(Clone)]
pub struct Database {
    storage: salsa::Storage<Self>,
    pub(crate) system: Arc<dyn System>,
    pub(crate) known: Arc<Known>,
    syntaxes: Arc<[Arc<dyn ConfigSyntax>]>,
    run_tool: RunTool,
}

/// The inputs that exist, by what they stand for.
#[derive(Default)]
pub(crate) struct Known {
    pub folders: Mutex<FxHashMap<RelPath, Folder>>,
    pub sources: Mutex<FxHashMap<RelPath, Source>>,
    /// Sources that count as they are here, and not as they are on disk.
    pub held: Mutex<FxHashSet<RelPath>>,
    pub outside: Mutex<FxHashMap<PathBuf, OutsideFile>>,
    pub tools: Mutex<FxHashMap<Arc<str>, Tool>>,
    /// Names of variables that queries asked for.
    pub variables: Mutex<FxHashSet<Box<str>>>,
}

/// Called with each event of salsa's, for tests that look at what ran.
pub(crate) type OnEvent = Box<dyn Fn(salsa::Event) + Send + Sync>;

impl Database {
    /// A database over `system` that reads configuration by `syntaxes`. `config` is the root
    /// configuration, `flags` the context values of the command line.
    pub fn new(
        system: Arc<dyn System>,
        syntaxes: Vec<Arc<dyn ConfigSyntax>>,
        run_tool: RunTool,
        config: RelPath,
        flags: BTreeMap<String, String>,
    ) -> Self {
        Self::with_events(system, syntaxes, run_tool, config, flags, None)
    }

    pub(crate) fn with_events(
        system: Arc<dyn System>,
        syntaxes: Vec<Arc<dyn ConfigSyntax>>,
        run_tool: RunTool,
        config: RelPath,
        flags: BTreeMap<String, String>,
        on_event: Option<OnEvent>,
    ) -> Self {
        let env: BTreeMap<String, String> = system
            .env()
            .iter()
            .filter_map(|(name, value)| Some((name.to_str()?.into(), value.to_str()?.into())))
            .collect();
        let db = Self {
            storage: salsa::Storage::new(on_event),
            system,
            known: Arc::default(),
            syntaxes: syntaxes.into(),
            run_tool,
        };
        let _singleton = World::builder(config, Arc::new(env), None, Arc::new(flags))
            .durability(Durability::MEDIUM)
            .new(&db);
        db
    }

    /// The running binary: an environment that holds it is meant where none is active.
    pub fn set_binary(&mut self, binary: PathBuf) {
        World::get(self).set_binary(self).to(Some(binary));
    }

    /// The files that queries read one by one, whether or not git ignores them.
    pub fn known_sources(&self) -> Vec<RelPath> {
        let sources = self.known.sources.lock().expect("no panic under this lock");
        sources.keys().cloned().collect()
    }

    /// The files and folders outside of the project that queries asked for.
    pub fn known_outside(&self) -> Vec<PathBuf> {
        let outside = self.known.outside.lock().expect("no panic under this lock");
        outside.keys().cloned().collect()
    }

    /// All folders that anything was told or asked of.
    pub(crate) fn known_folders(&self) -> FxHashMap<RelPath, Folder> {
        self.known.folders.lock().expect("no panic under this lock").clone()
    }

    /// Whether a file counts as it was, and not as it is.
    pub fn is_held(&self, path: &RelPath) -> bool {
        self.known.held.lock().expect("no panic under this lock").contains(path)
    }

    pub(crate) fn hold(&self, paths: &[RelPath], holds: bool) {
        let mut held = self.known.held.lock().expect("no panic under this lock");
        for path in paths {
            match holds {
                true => held.insert(path.clone()),
                false => held.remove(path),
            };
        }
    }

    /// Runs a cheap command anew.
    pub(crate) fn run_tool(&self, line: &str) -> ToolOutput {
        (self.run_tool)(line)
    }
}

#[salsa::db]
impl salsa::Database for Database {}

#[salsa::db]
impl Db for Database {
    fn folder(&self, path: &RelPath) -> Folder {
        let mut folders = self.known.folders.lock().expect("no panic under this lock");
        match folders.entry(path.clone()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(Folder::first_asked(self, path.clone())),
        }
    }

    fn source(&self, path: &RelPath) -> Source {
        let mut sources = self.known.sources.lock().expect("no panic under this lock");
        match sources.entry(path.clone()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let bytes = read(&*self.system, path);
                *new.insert(
                    Source::builder(path.clone(), bytes).durability(Durability::MEDIUM).new(self),
                )
            }
        }
    }

    fn outside_file(&self, path: &Path) -> OutsideFile {
        let mut outside = self.known.outside.lock().expect("no panic under this lock");
        if let Some(known) = outside.get(path) {
            return *known;
        }
        let state = self.system.outside().stamp(path).ok();
        let file =
            OutsideFile::builder(path.to_path_buf(), state).durability(Durability::HIGH).new(self);
        outside.insert(path.to_path_buf(), file);
        file
    }

    fn tool(&self, line: &Arc<str>) -> Tool {
        let known = self.known.tools.lock().expect("no panic under this lock").get(line).copied();
        known.unwrap_or_else(|| {
            // Not under the lock: the command may take a while, and others may want theirs.
            let output = Arc::new((self.run_tool)(line));
            let mut tools = self.known.tools.lock().expect("no panic under this lock");
            let made =
                || Tool::builder(line.clone(), output).durability(Durability::MEDIUM).new(self);
            *tools.entry(line.clone()).or_insert_with(made)
        })
    }

    fn variable(&self, name: &str) -> Option<Arc<str>> {
        let mut variables = self.known.variables.lock().expect("no panic under this lock");
        if !variables.contains(name) {
            variables.insert(name.into());
        }
        World::get(self).env(self).get(name).map(|value| value.as_str().into())
    }

    fn system(&self) -> &Arc<dyn System> {
        &self.system
    }

    fn syntaxes(&self) -> &[Arc<dyn ConfigSyntax>] {
        &self.syntaxes
    }
}

pub(crate) fn read(system: &dyn System, path: &RelPath) -> Option<Arc<[u8]>> {
    system.read(path).ok().map(Arc::from)
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}
