//! The files that a lock depends on: requirements, what they include, and what describes projects
//! that they name by their folders.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use qik_db::Db;
use qik_model::RelPath;
use qik_python::dist::Source;
use qik_python::dist::lock::requirements::requirements;

/// Files that say what a project needs.
const DESCRIPTIONS: [&str; 3] = ["pyproject.toml", "setup.cfg", "setup.py"];

/// These files and all that count with them, sorted. Also those that are not there: one that comes
/// to be there counts from then on.
pub(crate) fn with_included(db: &dyn Db, files: &[RelPath]) -> Vec<RelPath> {
    let mut all = BTreeSet::new();
    for file in files {
        all.insert(file.clone());
        if DESCRIPTIONS.iter().any(|name| file.name() == name.as_bytes()) {
            continue;
        }
        let read = |path: &Path| {
            let bytes = db.source(&inside(path)?).bytes(db).clone()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        let found = requirements(&PathBuf::from(file.to_string()), &read);
        all.extend(found.files.iter().filter_map(|path| inside(path)));
        let sources = found.lock.packages.iter().map(|package| &package.distribution.source);
        let folders = sources.filter_map(|source| match source {
            Source::Editable { folder: path } | Source::Local { path, .. } => inside(path),
            _ => None,
        });
        for folder in folders {
            all.extend(DESCRIPTIONS.map(|name| folder.join(name)));
        }
    }
    all.into_iter().collect()
}

fn inside(path: &Path) -> Option<RelPath> {
    let plain = |part: &Component<'_>| !matches!(part, Component::RootDir | Component::Prefix(_));
    path.components().all(|part| plain(&part)).then_some(())?;
    RelPath::new(path.as_os_str().as_encoded_bytes())
}
