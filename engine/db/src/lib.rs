//! The salsa database: its inputs, the one way to change them, and the record of what ran.
//!
//! This room knows no query of any other room. What a query may read of the world it reads through
//! the inputs here, so nothing is ever read that salsa does not know of.

mod as_of;
mod change;
mod database;
mod each;
mod inputs;
mod overlay;
mod remembered;
#[cfg(feature = "testing")]
mod testing;

use std::path::Path;
use std::sync::Arc;

pub use change::Change;
pub use database::Database;
pub use inputs::{Folder, FolderNames, OutsideFile, Source, Tool, ToolOutput, World};
pub use overlay::FolderOverlay;
use qik_model::{ConfigSyntax, RelPath};
pub use qik_system::{
    OutsideItem, OutsideStamp, Stat, System, TreeEntry, TreeNode, is_content_of, phase,
};
pub use remembered::remembered;
#[cfg(feature = "testing")]
pub use testing::TestDb;

/// What queries see of the database.
#[salsa::db]
pub trait Db: salsa::Database {
    /// The folder of the tree, made known on the first request.
    fn folder(&self, path: &RelPath) -> Folder;

    /// The bytes of a file of the work tree, read on the first request.
    fn source(&self, path: &RelPath) -> Source;

    /// A file or folder outside of the project, looked at on the first request.
    fn outside_file(&self, path: &Path) -> OutsideFile;

    /// The output of a cheap command, run on the first request.
    fn tool(&self, line: &Arc<str>) -> Tool;

    /// A variable of the process's environment, as far as it is UTF-8.
    fn variable(&self, name: &str) -> Option<Arc<str>>;

    /// The door to the world, for what depends on nothing but the question: the bytes of an
    /// identity.
    fn system(&self) -> &Arc<dyn System>;

    /// The configuration formats, most wanted first.
    fn syntaxes(&self) -> &[Arc<dyn ConfigSyntax>];
}
