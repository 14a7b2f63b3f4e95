//! What the world tells the queries: folders, texts, facts of the invocation, outputs of tools.
//!
//! An input exists from the moment that a query asks for it, also for a folder or file that does
//! not: making it later then counts as a change. Only [`crate::Change`] writes to them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use qik_model::RelPath;
use qik_system::{OutsideStamp, TreeEntry, TreeNode};
use salsa::{Durability, Setter};

use crate::Database;

/// A folder of the project. The folder with its listing is the input, not each file: a monorepo has
/// twenty times fewer folders than files.
///
/// Its names are apart from the rest, and more durable: a file that is edited sends nobody who asked
/// for names alone to look through thousands of folders whether any of them has others.
#[salsa::input(debug)]
pub struct Folder {
    /// Where it is.
    pub path: RelPath,
    /// What it holds, sorted by name; nothing where the folder does not exist.
    pub entries: Arc<[TreeEntry]>,
    /// The names of what it holds.
    pub names: FolderNames,
}

/// The names in a folder, sorted, and which of them are folders. It is the listing as it was when they last
/// changed: what else that tells is nobody's business.
#[derive(Clone, Debug)]
pub struct FolderNames(Arc<[TreeEntry]>);

impl FolderNames {
    /// Each name, with whether it is a folder's.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], bool)> {
        self.0.iter().map(|entry| (&*entry.name, entry.node == TreeNode::Folder))
    }
}

impl PartialEq for FolderNames {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for FolderNames {}

impl Folder {
    /// A folder of which nobody asked before.
    pub(crate) fn first_asked(db: &Database, path: RelPath) -> Self {
        let none: Arc<[TreeEntry]> = Arc::from([]);
        Self::builder(path, none.clone(), FolderNames(none))
            .path_durability(Durability::NEVER_CHANGE)
            .names_durability(Durability::MEDIUM)
            .new(db)
    }

    /// From now on it holds these, which are not those that it held.
    pub(crate) fn tell(self, db: &mut Database, entries: Arc<[TreeEntry]>) {
        let names = FolderNames(entries.clone());
        self.set_entries(db).to(entries);
        if *self.names(db) != names {
            self.set_names(db).to(names);
        }
    }
}

/// The bytes of one file, for the few files whose content queries read (configuration, values).
#[salsa::input(debug)]
pub struct Source {
    /// Where it is.
    pub path: RelPath,
    /// Its bytes; `None` where it cannot be read.
    pub bytes: Option<Arc<[u8]>>,
}

/// A file or folder outside of the project, such as an installed distribution. Its state is the
/// input; its content is read by whoever looked at the state first.
#[salsa::input(debug)]
pub struct OutsideFile {
    /// Where it is, absolute.
    pub path: PathBuf,
    /// What changes when it is written; `None` where there is nothing.
    pub state: Option<OutsideStamp>,
}

/// What a cheap command printed, such as a tool's version.
#[salsa::input(debug)]
pub struct Tool {
    /// The shell line.
    pub line: Arc<str>,
    /// What it printed, and whether it succeeded.
    pub output: Arc<ToolOutput>,
}

/// The outcome of a cheap command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ToolOutput {
    /// Exit code.
    pub code: i32,
    /// stdout and stderr.
    pub text: Vec<u8>,
}

/// Facts of this invocation.
#[salsa::input(singleton, debug)]
pub struct World {
    /// The project's root configuration.
    pub config: RelPath,
    /// The environment of the process, as far as it is UTF-8. Queries ask for one variable at a time:
    /// [`crate::Db::variable`].
    pub env: Arc<BTreeMap<String, String>>,
    /// The running binary, where it is known: an environment that holds it is meant.
    pub binary: Option<PathBuf>,
    /// Context values given on the command line, by `qik.NAME` and `project.NAME`.
    pub flags: Arc<BTreeMap<String, String>>,
}
