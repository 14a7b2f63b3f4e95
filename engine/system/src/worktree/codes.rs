//! The codes of what a look at the tree may have to say.

/// A folder that cannot be listed.
pub(super) const FOLDER_UNREADABLE: &str = "tree1";
/// A file that cannot be read.
pub(super) const FILE_UNREADABLE: &str = "tree2";
/// A file that does not hold still.
pub(super) const FILE_UNSTEADY: &str = "tree3";
/// A git repository or index that cannot be used.
pub(super) const GIT_UNUSABLE: &str = "tree4";
