//! What a distribution is, in one line that two machines share: its version, and where that says too
//! little its content.

use std::fmt::Write as _;
use std::path::Path;

use qik_db::{Db, TreeNode};
use qik_model::{Digest, PydistConfig, RelPath};

use super::owners::by_config;
use crate::dist::{Distribution, Look, Source};
use crate::packages::TrackedLook;

/// What a distribution is, in one line: its version, and of those that are not from an index their
/// content, as far as it can be told. Nothing of this machine.
pub(super) fn line(db: &dyn Db, one: &Distribution, config: &PydistConfig) -> String {
    let mut line = match by_config(config, &one.name) {
        Some(version) => return format!("{}=={version}", one.name),
        None => format!("{}=={}", one.name, one.canonical_version()),
    };
    match &one.source {
        Source::Index => {}
        Source::Editable { folder } => push(&mut line, content(db, folder)),
        Source::Local { path, content: installed } => {
            push(&mut line, installed.or_else(|| content(db, path)));
        }
        Source::Archive { url, hash } => {
            let _ = write!(line, "@{}", hash.as_ref().unwrap_or(url));
        }
        Source::Commit { url, commit } => {
            let _ = write!(line, "@{url}#{commit}");
        }
    }
    line
}

fn push(line: &mut String, content: Option<Digest>) {
    if let Some(content) = content {
        let _ = write!(line, "@{content}");
    }
}

/// The digest of a distribution's folder: where it lies in the project, of its files there; else of
/// the Python files in it.
fn content(db: &dyn Db, folder: &Path) -> Option<Digest> {
    let root = db.system().root();
    let inside = if folder.is_absolute() { folder.strip_prefix(root).ok() } else { Some(folder) };
    let mut hasher = blake3::Hasher::new();
    match inside.and_then(|inside| RelPath::new(inside.as_os_str().as_encoded_bytes())) {
        Some(path) => hash_inside(db, &path, path.as_bytes().len(), &mut hasher),
        None => hash_outside(db, folder, &mut hasher),
    }
    Some(Digest(*hasher.finalize().as_bytes()))
}

fn hash_inside(db: &dyn Db, folder: &RelPath, skip: usize, hasher: &mut blake3::Hasher) {
    for entry in db.folder(folder).entries(db).iter() {
        let path = folder.join(&entry.name);
        match entry.node {
            TreeNode::File { kind, id } => {
                let below = &path.as_bytes()[skip..];
                hasher.update(&(below.len() as u32).to_le_bytes()).update(below);
                hasher.update(&[kind as u8]).update(id.as_bytes());
            }
            TreeNode::Folder => hash_inside(db, &path, skip, hasher),
        }
    }
}

/// No distribution's own sources are more.
const MOST_FILES: usize = 20_000;

/// Hashes the Python files below a folder outside of the project: their paths in it and their bytes.
fn hash_outside(db: &dyn Db, folder: &Path, hasher: &mut blake3::Hasher) {
    let look = TrackedLook(db);
    let mut open = vec![folder.to_path_buf()];
    let mut files = Vec::new();
    while let Some(path) = open.pop().filter(|_| files.len() < MOST_FILES) {
        for item in look.list(&path).unwrap_or_default() {
            let at = path.join(&item.name);
            let name = item.name.as_encoded_bytes();
            if item.is_folder && !name.starts_with(b".") && name != b"__pycache__" {
                open.push(at);
            } else if name.ends_with(b".py") || name.ends_with(b".pyi") {
                files.push(at);
            }
        }
    }
    files.sort_unstable();
    for file in files {
        let bytes = look.read(&file).unwrap_or_default();
        let below = file.strip_prefix(folder).unwrap_or(&file).as_os_str().as_encoded_bytes();
        hasher.update(&(below.len() as u32).to_le_bytes()).update(below);
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
    }
}
