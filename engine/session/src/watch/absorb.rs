//! What stirred becomes a change of the database. A configuration that is wrong is told of, and the last right
//! one goes on to count.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use qik_config::project;
use qik_db::{Change, Database, Db};
use qik_model::{Diagnostic, RelPath};
use qik_run::Plan;
use qik_system::{StatKind, Stirred, Watcher, WorkTree};

use super::places::watch_new;
use super::{Watch, WatchEvent, WatchListener};
use crate::{Session, any_error, plan};

/// The bytes of configuration files.
pub(super) type Texts = BTreeMap<RelPath, Option<Arc<[u8]>>>;

/// Where to look.
pub(super) struct Scope {
    /// In the project.
    pub paths: Vec<RelPath>,
    /// Whether something outside of it may have changed, or in it where git does not look.
    outside: bool,
}

impl Scope {
    pub(super) fn of(db: &Database, stirred: Stirred) -> Self {
        let Stirred::Paths(paths) = stirred else {
            return Self { paths: vec![RelPath::root()], outside: true };
        };
        let root = db.system().root();
        let known = db.known_outside();
        let is_outside = |path: &PathBuf| {
            !path.starts_with(root)
                || known.iter().any(|known| known == path || path.parent() == Some(known))
        };
        let outside = paths.iter().any(is_outside);
        let inside = paths.iter().filter_map(|path| path.strip_prefix(root).ok());
        let inside = inside.filter_map(|path| RelPath::new(path.as_os_str().as_encoded_bytes()));
        let own = |path: &RelPath| {
            [".git", qik_system::STATE_FOLDER]
                .map(RelPath::from)
                .iter()
                .any(|own| path.is_within(own))
        };
        Self { paths: inside.filter(|path| !own(path)).collect(), outside }
    }

    /// Whether a file may have changed.
    fn holds(&self, file: &RelPath) -> bool {
        self.paths.iter().any(|path| file.is_within(path))
    }

    /// The files that are read one by one and may have changed.
    fn sources(&self, db: &Database) -> Vec<RelPath> {
        match self.paths.iter().any(RelPath::is_root) {
            true => db.known_sources(),
            false => self.paths.clone(),
        }
    }
}

/// Looks there, and tells the database, of configuration files only those that are released; the files that
/// changed, as far as the tree knows them.
pub(super) fn look(
    db: &mut Database,
    tree: &mut WorkTree,
    watcher: &mut Watcher,
    scope: &Scope,
    released: Vec<RelPath>,
) -> Vec<RelPath> {
    for path in &scope.paths {
        if path.is_root() {
            watcher.renew();
        } else if db.system().stat(path).is_ok_and(|stat| stat.kind == StatKind::Folder) {
            // It came, or was removed and came again.
            watch_new(&**db.system(), tree, watcher, path);
        }
    }
    let delta = tree.refresh(&scope.paths);
    let changed = delta.touched.clone();
    let change = Change::from_delta(delta).with_sources(scope.sources(db)).with_released(released);
    let change = if scope.outside { change.with_outside() } else { change };
    change.apply(db);
    changed
}

/// What the files of the configuration hold.
pub(super) fn texts(db: &Database) -> Texts {
    let sources = db.known_sources().into_iter();
    let is_config = |path: &RelPath| {
        let name = String::from_utf8_lossy(path.name()).into_owned();
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_owned());
        db.syntaxes().iter().any(|syntax| {
            syntax.file_names().contains(&&*name) || ending.as_deref() == Some(syntax.name())
        })
    };
    let text = |path: RelPath| {
        let bytes = db.source(&path).bytes(db).clone();
        (path, bytes)
    };
    sources.filter(is_config).map(text).collect()
}

impl Session {
    /// Looks where something stirred; the files that changed, as far as the tree knows them.
    pub(super) fn absorb(
        &mut self,
        watch: &mut Watch,
        stirred: Stirred,
        listen: &mut dyn WatchListener,
    ) -> Vec<RelPath> {
        let scope = Scope::of(&self.db, stirred);
        let known = self.db.known_sources().len();
        let before = texts(&self.db);
        // What stirred while commands ran is told of once more after them.
        let release: Vec<RelPath> =
            before.keys().filter(|path| scope.holds(path)).cloned().collect();
        let is_released = !release.is_empty();
        let changed = look(&mut self.db, &mut self.tree, &mut watch.watcher, &scope, release);
        if is_released {
            // At once: whatever is looked at from here on, the configuration is what was read just now.
            self.hold_config();
        }
        let head = self.head();
        let moved = std::mem::replace(&mut watch.head, head.clone()) != head;
        if self.edited(&before) {
            self.reload(watch, before, listen);
            watch.is_reloaded = true;
        } else if std::mem::take(&mut watch.is_wrong) {
            // It is as it was when it was right.
            watch.told.clear();
            watch.is_reloaded = true;
            listen.tell(self, WatchEvent::Config(Vec::new()));
        } else if moved || self.text("since").ok().flatten().is_some() {
            self.replan(watch, listen);
        }
        if self.db.known_sources().len() != known {
            // It names files that were not known before.
            self.hold_config();
        }
        changed
    }

    /// The configuration counts as it is now, also while commands run and people go on to edit it.
    pub(super) fn hold_config(&mut self) {
        self.hold(texts(&self.db));
    }

    fn hold(&mut self, texts: Texts) {
        let held = |change: Change, (path, bytes)| change.with_held(path, bytes);
        texts.into_iter().fold(Change::default(), held).apply(&mut self.db);
    }

    fn edited(&self, before: &Texts) -> bool {
        let differs = |(path, then): (&RelPath, &Option<Arc<[u8]>>)| {
            self.db.source(path).bytes(&self.db) != then
        };
        before.iter().any(differs)
    }

    /// The configuration changed: it counts if it is right.
    fn reload(&mut self, watch: &mut Watch, before: Texts, listen: &mut dyn WatchListener) {
        let found = self.diagnostics();
        let selected = match any_error(&found) {
            true => Err(found),
            false => self.selected().map(|plan| (plan, found)),
        };
        match selected {
            Ok((plan, notes)) => {
                watch.plan = plan;
                watch.is_wrong = false;
                self.take_over();
                watch.watcher.set_pause(project(&self.db).watch.debounce);
                listen.tell(self, WatchEvent::Config(notes.clone()));
                watch.told = notes;
            }
            Err(errors) => {
                // Told while the text is there that is wrong.
                if watch.told != errors {
                    listen.tell(self, WatchEvent::Config(errors.clone()));
                    watch.told = errors;
                }
                watch.is_wrong = true;
                self.hold(before);
            }
        }
    }

    /// The same configuration may select something else now.
    fn replan(&mut self, watch: &mut Watch, listen: &mut dyn WatchListener) {
        match self.selected() {
            Ok(plan) => watch.plan = plan,
            Err(errors) if watch.told != errors => {
                listen.tell(self, WatchEvent::Config(errors.clone()));
                watch.told = errors;
            }
            Err(_) => {}
        }
    }

    fn selected(&mut self) -> Result<Plan, Vec<Diagnostic>> {
        let request = self.request().map_err(|error| vec![error])?;
        let plan = plan::plan(&self.db, &request)?;
        let plan = match &request.since {
            Some(since) => {
                let isolated = request.selection.isolated;
                self.changed_since(plan, since, isolated).map_err(|error| vec![error])?
            }
            None => plan,
        };
        self.check_caches(&plan)?;
        Ok(plan)
    }

    /// What stands outside of the database and follows from the configuration.
    fn take_over(&mut self) {
        self.caches = None;
        let artifacts = self.artifacts();
        let delta = self.tree.set_artifacts(artifacts);
        Change::from_delta(delta).apply(&mut self.db);
    }
}
