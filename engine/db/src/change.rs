//! The one way to tell the database that the world moved: compare first, then set.
//!
//! Salsa's setters do not compare: setting an equal value would run everything again. So every
//! value is compared here, and a change that changes nothing starts no new revision.

use std::sync::Arc;

use qik_model::RelPath;
use qik_system::{Delta, TreeEntry};
use rustc_hash::FxHashSet;
use salsa::Setter;

use crate::Db;
use crate::database::{Database, read};

/// What moved.
#[derive(Debug, Default)]
pub struct Change {
    folders: Vec<(RelPath, Option<Arc<[TreeEntry]>>)>,
    sources: Vec<RelPath>,
    held: Vec<(RelPath, Option<Arc<[u8]>>)>,
    released: Vec<RelPath>,
    tools: bool,
    outside: bool,
}

impl Change {
    /// Folders of the work tree as a scan found them, and the files it saw touched.
    pub fn from_delta(delta: Delta) -> Self {
        let mut sources = delta.touched;
        // A file that came or went is in no list of touched files; its folder tells.
        sources.extend(delta.folders.iter().map(|(folder, _)| folder.clone()));
        Self { folders: delta.folders, sources, ..Self::default() }
    }

    /// Files whose content may have moved although no scan sees them (git ignores them, say).
    #[must_use]
    pub fn with_sources(mut self, paths: impl IntoIterator<Item = RelPath>) -> Self {
        self.sources.extend(paths);
        self
    }

    /// A file counts with these bytes, whatever it holds, until it is released.
    #[must_use]
    pub fn with_held(mut self, path: RelPath, bytes: Option<Arc<[u8]>>) -> Self {
        self.held.push((path, bytes));
        self
    }

    /// Files count again as they are.
    #[must_use]
    pub fn with_released(mut self, paths: impl IntoIterator<Item = RelPath>) -> Self {
        self.released.extend(paths);
        self
    }

    /// The outputs of tools may have changed: each known one is run again.
    #[must_use]
    pub fn with_tools(mut self) -> Self {
        self.tools = true;
        self
    }

    /// What lies outside of the project may have changed: what is known of it is looked at again.
    #[must_use]
    pub fn with_outside(mut self) -> Self {
        self.outside = true;
        self
    }

    /// Tells the database; says whether anything differed.
    pub fn apply(mut self, db: &mut Database) -> bool {
        let mut changed = false;
        for (path, entries) in self.folders {
            changed |= set_folder(db, &path, entries.unwrap_or_else(|| Arc::from([])));
        }
        db.hold(&self.released, false);
        self.sources.extend(self.released);
        for path in known_sources(db, &self.sources) {
            let bytes = read(&*db.system, &path);
            changed |= set_source(db, &path, bytes);
        }
        for (path, bytes) in self.held {
            db.hold(std::slice::from_ref(&path), true);
            changed |= set_source(db, &path, bytes);
        }
        if self.tools {
            changed |= refresh_tools(db);
        }
        if self.outside {
            changed |= refresh_outside(db);
        }
        changed
    }
}

fn set_folder(db: &mut Database, path: &RelPath, entries: Arc<[TreeEntry]>) -> bool {
    let folder = db.folder(path);
    if *folder.entries(db) == entries {
        return false;
    }
    db.forget();
    folder.tell(db, entries);
    true
}

/// The sources that queries know among `paths` and, for those that are folders, right inside them.
fn known_sources(db: &Database, paths: &[RelPath]) -> Vec<RelPath> {
    let sources = db.known.sources.lock().expect("no panic under this lock");
    if sources.is_empty() {
        return Vec::new();
    }
    let paths: FxHashSet<&RelPath> = paths.iter().collect();
    let moved = |source: &RelPath| {
        paths.contains(source) || source.parent().is_some_and(|folder| paths.contains(&folder))
    };
    let held = db.known.held.lock().expect("no panic under this lock");
    let open = sources.keys().filter(|source| !held.contains(source));
    open.filter(|source| moved(source)).cloned().collect()
}

fn set_source(db: &mut Database, path: &RelPath, bytes: Option<Arc<[u8]>>) -> bool {
    let source = db.source(path);
    if *source.bytes(db) == bytes {
        return false;
    }
    db.forget();
    source.set_bytes(db).to(bytes);
    true
}

fn refresh_outside(db: &mut Database) -> bool {
    let known: Vec<_> = {
        let outside = db.known.outside.lock().expect("no panic under this lock");
        outside.iter().map(|(path, file)| (path.clone(), *file)).collect()
    };
    let mut changed = false;
    for (path, file) in known {
        let state = db.system.outside().stamp(&path).ok();
        if *file.state(db) != state {
            db.forget();
            file.set_state(db).to(state);
            changed = true;
        }
    }
    changed
}

fn refresh_tools(db: &mut Database) -> bool {
    let known: Vec<_> = {
        let tools = db.known.tools.lock().expect("no panic under this lock");
        tools.iter().map(|(line, tool)| (line.clone(), *tool)).collect()
    };
    let mut changed = false;
    for (line, tool) in known {
        let output = Arc::new(db.run_tool(&line));
        if *tool.output(db) != output {
            db.forget();
            tool.set_output(db).to(output);
            changed = true;
        }
    }
    changed
}
