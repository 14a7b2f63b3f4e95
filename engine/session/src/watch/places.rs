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
        let empty = watch.watcher.watched().difference(&places).filter(|path| self.may_fill(path));
        let empty: Vec<PathBuf> = empty.cloned().collect();
        places.extend(empty);
        watch.watcher.watch(places);
    }

    /// Whether a folder that is watched and holds nothing any more may come to hold something: no event
    /// would tell that it does.
    fn may_fill(&self, folder: &Path) -> bool {
        let system = self.db.system();
        let below = folder.strip_prefix(system.root()).ok();
        let path = below.and_then(|below| RelPath::new(below.as_os_str().as_encoded_bytes()));
        path.is_some_and(|path| {
            self.tree.may_hold_files(&path)
                && system.stat(&path).is_ok_and(|stat| stat.kind == StatKind::Folder)
        })
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
