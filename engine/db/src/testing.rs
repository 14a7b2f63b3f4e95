//! A database over an in-memory world that remembers which queries ran.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use qik_model::{ConfigSyntax, RelPath};
use qik_system::{MemorySystem, System, WorkTree};

use crate::{Change, Database, Db, ToolOutput, World};

/// See the module.
#[derive(Debug)]
pub struct TestDb {
    /// The database.
    pub db: Database,
    /// Its world.
    pub system: Arc<MemorySystem>,
    work_tree: WorkTree,
    log: Arc<Mutex<Vec<String>>>,
}

impl TestDb {
    /// A project of these files, configured by `config`.
    pub fn new(syntaxes: Vec<Arc<dyn ConfigSyntax>>, config: &str, files: &[(&str, &str)]) -> Self {
        let system = Arc::new(MemorySystem::new());
        for (path, text) in files {
            system.write(*path, text);
        }
        Self::over(system, syntaxes, config)
    }

    /// Another database over the same world, as the next process would make it.
    #[must_use]
    pub fn reopened(&self) -> Self {
        let config = World::get(&self.db).config(&self.db).to_string();
        Self::over(self.system.clone(), self.db.syntaxes().to_vec(), &config)
    }

    fn over(system: Arc<MemorySystem>, syntaxes: Vec<Arc<dyn ConfigSyntax>>, config: &str) -> Self {
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let on_event = {
            let log = log.clone();
            Box::new(move |event: salsa::Event| {
                if let salsa::EventKind::WillExecute { database_key } = event.kind {
                    log.lock().expect("log").push(format!("{database_key:?}"));
                }
            })
        };
        let no_tools = Arc::new(|_: &str| ToolOutput { code: 0, text: Vec::new() });
        let door: Arc<dyn System> = system.clone();
        let db = Database::with_events(
            door.clone(),
            syntaxes,
            no_tools,
            RelPath::from(config),
            BTreeMap::new(),
            Some(on_event),
        );
        let mut test =
            Self { db, system, work_tree: WorkTree::open(door, Default::default()), log };
        test.sync();
        test
    }

    /// Tells the database what the world is now.
    pub fn sync(&mut self) -> bool {
        Change::from_delta(self.work_tree.scan()).apply(&mut self.db)
    }

    /// Writes a file and tells the database.
    pub fn write(&mut self, path: &str, text: &str) {
        self.system.write(path, text);
        self.sync();
    }

    /// The queries that ran while `ask` did, by name, in order, without their keys' numbers.
    pub fn executed<T>(&self, ask: impl FnOnce(&Database) -> T) -> (T, Vec<String>) {
        self.log.lock().expect("log").clear();
        let answer = ask(&self.db);
        (answer, self.ran())
    }

    /// The same, where the question changes the database.
    pub fn executed_by<T>(&mut self, ask: impl FnOnce(&mut Database) -> T) -> (T, Vec<String>) {
        self.log.lock().expect("log").clear();
        let answer = ask(&mut self.db);
        (answer, self.ran())
    }

    fn ran(&self) -> Vec<String> {
        let ran = std::mem::take(&mut *self.log.lock().expect("log"));
        let bare = |entry: String| entry.split('(').next().unwrap_or_default().to_string();
        ran.into_iter().map(bare).collect()
    }
}
