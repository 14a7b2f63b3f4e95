//! Paths inside a project: bytes with `/` between segments, relative to the project folder.
//! Knows nothing of the file system; a path that exists and one that does not look the same.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bstr::{BStr, ByteSlice};

/// A path relative to the project folder, with `/` between its segments and none at either end.
///
/// The bytes are those of the file system, so names that are not UTF-8 survive. The empty path is
/// the project folder itself. Paths order by bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RelPath(Box<[u8]>);

impl RelPath {
    /// The path with these bytes, cleaned of `.` segments and of doubled or trailing slashes.
    /// `None` where it is absolute or climbs out by `..`.
    pub fn new(bytes: impl AsRef<[u8]>) -> Option<Self> {
        let bytes = bytes.as_ref();
        if bytes.first() == Some(&b'/') {
            return None;
        }
        let mut segments: Vec<&[u8]> = Vec::new();
        for segment in bytes.split_str("/") {
            match segment {
                b"" | b"." => {}
                b".." => {
                    segments.pop()?;
                }
                other => segments.push(other),
            }
        }
        Some(Self(segments.join(&b'/').into()))
    }

    /// The path with exactly these bytes, which the caller knows to be clean.
    pub fn from_clean(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The project folder.
    pub fn root() -> Self {
        Self::default()
    }

    /// Whether this is the project folder.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as a string of an unknown encoding, for printing.
    pub fn as_bstr(&self) -> &BStr {
        self.0.as_bstr()
    }

    /// This path below `name`.
    pub fn join(&self, name: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        if self.0.is_empty() {
            return Self(name.into());
        }
        if name.is_empty() {
            return self.clone();
        }
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        bytes.extend_from_slice(&self.0);
        bytes.push(b'/');
        bytes.extend_from_slice(name);
        Self(bytes.into())
    }

    /// The folder that holds this path; `None` for the project folder.
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        Some(match self.0.rfind_byte(b'/') {
            Some(at) => Self(self.0[..at].into()),
            None => Self::root(),
        })
    }

    /// The last segment; empty for the project folder.
    pub fn name(&self) -> &[u8] {
        match self.0.rfind_byte(b'/') {
            Some(at) => &self.0[at + 1..],
            None => &self.0,
        }
    }

    /// The segments, from the top.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split_str("/").filter(|segment| !segment.is_empty())
    }

    /// Whether this path is `folder` or lies below it.
    pub fn is_within(&self, folder: &RelPath) -> bool {
        folder.is_root()
            || self.0 == folder.0
            || (self.0.starts_with(&folder.0) && self.0.get(folder.0.len()) == Some(&b'/'))
    }

    /// The path on disk, below `root`.
    pub fn to_path(&self, root: &Path) -> PathBuf {
        if self.0.is_empty() { root.to_path_buf() } else { root.join(OsStr::from_bytes(&self.0)) }
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str(".") } else { fmt::Display::fmt(self.as_bstr(), f) }
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_bstr(), f)
    }
}

impl From<&str> for RelPath {
    /// For literals: panics on a path that leaves the project.
    fn from(text: &str) -> Self {
        Self::new(text).expect("a path inside the project")
    }
}

#[cfg(test)]
mod tests {
    use super::RelPath;

    #[test]
    fn cleans_and_refuses() {
        let clean = |text: &str| RelPath::new(text).map(|path| path.to_string());
        assert_eq!(clean("./a//b/"), Some("a/b".into()));
        assert_eq!(clean("a/../b"), Some("b".into()));
        assert_eq!(clean("../b"), None);
        assert_eq!(clean("/b"), None);
        assert_eq!(clean(""), Some(".".into()));
    }

    #[test]
    fn a_sibling_with_the_same_beginning_is_not_within() {
        assert!(!RelPath::from("library/x").is_within(&"lib".into()));
        assert!(RelPath::from("lib/x").is_within(&"lib".into()));
        assert!(RelPath::from("lib").is_within(&"lib".into()));
    }
}
