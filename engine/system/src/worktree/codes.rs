//! The codes of what a look at the tree may have to say.

/// A folder that cannot be listed.
pub(super) const FOLDER_UNREADABLE: &str = "tree/unreadable-folder";
/// A file that cannot be read.
pub(super) const FILE_UNREADABLE: &str = "tree/unreadable-file";
/// A file that does not hold still.
pub(super) const FILE_UNSTEADY: &str = "tree/unsteady-file";
/// A git repository or index that cannot be used.
pub(super) const GIT_UNUSABLE: &str = "tree/git-unusable";
