//! The files below a folder as plain data, and back. Knows nothing of git, nor of what qik thinks
//! of files.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Files by path.
pub type Tree = BTreeMap<Vec<u8>, Node>;

/// A file: `f` plain, `x` with its owner's exec bit, `l` a symbolic link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    pub kind: u8,
    pub bytes: Vec<u8>,
}

/// All files below `root`, but for what belongs to git or to qik.
pub fn load(root: &Path) -> Tree {
    let mut tree = Tree::new();
    load_into(root, &[], &mut tree);
    tree
}

/// All files below the folder at `at`, a path below `root`.
pub fn load_below(root: &Path, at: &[u8]) -> Tree {
    let mut tree = Tree::new();
    load_into(root, at, &mut tree);
    tree
}

fn load_into(root: &Path, folder: &[u8], tree: &mut Tree) {
    let Ok(items) = std::fs::read_dir(place(root, folder)) else { return };
    for item in items.flatten() {
        let name = item.file_name().into_vec();
        if matches!(&name[..], b".git" | b"._qik" | b".qik") {
            continue;
        }
        let path = if folder.is_empty() { name } else { [folder, b"/", &name].concat() };
        let Ok(kind) = item.file_type() else { continue };
        if kind.is_dir() {
            load_into(root, &path, tree);
        } else if let Some(node) = node_at(root, &path) {
            tree.insert(path, node);
        }
    }
}

/// The file at `path`.
pub fn node_at(root: &Path, path: &[u8]) -> Option<Node> {
    let at = place(root, path);
    let meta = std::fs::symlink_metadata(&at).ok()?;
    if meta.is_symlink() {
        return Some(Node {
            kind: b'l',
            bytes: std::fs::read_link(at).ok()?.into_os_string().into_vec(),
        });
    }
    let kind = if meta.permissions().mode() & 0o100 != 0 { b'x' } else { b'f' };
    meta.is_file().then(|| Some(Node { kind, bytes: std::fs::read(at).ok()? }))?
}

/// Writes a file, whatever is there, and the folders above it.
pub fn put(root: &Path, path: &[u8], node: &Node) -> io::Result<()> {
    let at = place(root, path);
    if let Some(above) = at.parent() {
        std::fs::create_dir_all(above)?;
    }
    let _ = std::fs::remove_file(&at);
    if node.kind == b'l' {
        return symlink(OsStr::from_bytes(&node.bytes), at);
    }
    std::fs::write(&at, &node.bytes)?;
    let mode = if node.kind == b'x' { 0o755 } else { 0o644 };
    std::fs::set_permissions(&at, std::fs::Permissions::from_mode(mode))
}

pub fn place(root: &Path, path: &[u8]) -> PathBuf {
    root.join(OsStr::from_bytes(path))
}

/// Whether `path` is `folder`, or lies below it.
pub fn is_within(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// Where two trees differ, in a line or two.
pub fn difference(expected: &Tree, found: &Tree) -> Option<String> {
    let paths: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let mut lines = Vec::new();
    for path in paths {
        let (wanted, got) = (expected.get(path), found.get(path));
        if wanted != got {
            let path = String::from_utf8_lossy(path);
            lines.push(format!("`{path}`: expected {}, found {}", tell(wanted), tell(got)));
        }
    }
    let more = lines.len().saturating_sub(4);
    lines.truncate(4);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn tell(node: Option<&Node>) -> String {
    node.map_or("nothing".into(), |node| {
        let text = String::from_utf8_lossy(&node.bytes);
        let short: String = text.chars().take(120).collect();
        format!("{} {short:?} ({} bytes)", char::from(node.kind), node.bytes.len())
    })
}
