//! Which folders are watched: those that hold files of the project, and those of whatever else queries read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use qik_db::Db;
use qik_model::RelPath;
use qik_system::{StatKind, System, Watcher, WorkTree};

use super::Watch;
use crate::Session;

impl Session {
    /// Watches what matters now, and nothing else.
    pub(super) fn watch_places(&self, watch: &mut Watch) {
        let mut places: BTreeSet<PathBuf> = BTreeSet::new();
        let root = self.db.system().root();
        places.extend(self.tree.folders().map(|(folder, _)| folder.to_path(root)));
        places.insert(root.to_path_buf());
        // What git ignores, and is read all the same.
        let sources = self.db.known_sources();
        places
            .extend(sources.iter().filter_map(RelPath::parent).map(|folder| folder.to_path(root)));
        for path in self.db.known_outside() {
            places.extend(path.parent().map(Path::to_path_buf));
            places.insert(path);
        }
        if let Some(git) = self.db.system().git() {
            // Each move of HEAD adds a line to a file here.
            places.insert(git.git_dir().join("logs"));
        }
        watch.watcher.watch(places);
    }
}

/// Watches folders that came, empty ones too: the tree knows none of these.
pub(super) fn watch_new(
    system: &dyn System,
    tree: &WorkTree,
    watcher: &mut Watcher,
    folder: &RelPath,
) {
    if !tree.may_hold_files(folder) {
        return;
    }
    let Ok(items) = system.list(folder) else { return };
    watcher.also(&folder.to_path(system.root()));
    for item in items.iter().filter(|item| item.stat.kind == StatKind::Folder) {
        watch_new(system, tree, watcher, &folder.join(&item.name));
    }
}
