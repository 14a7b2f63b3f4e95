//! The little that this part asks of the world: a file, a folder, a stamp. Whoever calls brings it,
//! tracked or not; nothing here reaches a file in another way.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Eyes for absolute paths outside of the project: environments lie anywhere.
pub trait Look {
    /// The bytes of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The members of a folder, in any order.
    fn list(&self, folder: &Path) -> io::Result<Vec<Member>>;

    /// What changes with a file or folder.
    fn stamp(&self, path: &Path) -> io::Result<Stamp>;

    /// The path without links.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;
}

/// A member of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Its name.
    pub name: OsString,
    /// Whether it is a folder, or a link to one.
    pub is_folder: bool,
}

/// What changes when a file or folder is written: cheap to take, and good enough as the key of
/// something that this machine keeps for itself. It never enters a fingerprint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stamp {
    /// Nanoseconds since the epoch.
    pub modified_ns: i128,
    /// Nanoseconds since the epoch, of the last change of the inode.
    pub changed_ns: i128,
    /// Length of a file.
    pub size_bytes: u64,
    /// The inode.
    pub inode: u64,
}

/// The text of a file, where it can be read; bytes that are not UTF-8 are replaced.
pub(super) fn text(look: &dyn Look, path: &Path) -> Option<String> {
    let bytes = look.read(path).ok()?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").map_or(&*bytes, |rest| rest);
    Some(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_string(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    })
}

#[cfg(test)]
pub(super) mod memory {
    //! Files that are only in memory.

    use std::collections::BTreeMap;

    use super::*;

    /// Files by absolute path; folders are there by what lies in them.
    #[derive(Debug, Default)]
    pub struct Memory {
        files: BTreeMap<PathBuf, Vec<u8>>,
        links: BTreeMap<PathBuf, PathBuf>,
    }

    impl Memory {
        pub fn new(files: &[(&str, &str)]) -> Self {
            let mut memory = Self::default();
            for (path, text) in files {
                memory.put(path, text);
            }
            memory
        }

        pub fn put(&mut self, path: &str, text: &str) {
            self.files.insert(path.into(), text.as_bytes().to_vec());
        }

        pub fn link(&mut self, path: &str, target: &str) {
            self.links.insert(path.into(), target.into());
        }
    }

    fn absent() -> io::Error {
        io::Error::from(io::ErrorKind::NotFound)
    }

    impl Look for Memory {
        fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
            self.files.get(path).cloned().ok_or_else(absent)
        }

        fn list(&self, folder: &Path) -> io::Result<Vec<Member>> {
            let mut members: BTreeMap<OsString, bool> = BTreeMap::new();
            for path in self.files.keys().chain(self.links.keys()) {
                let Ok(rest) = path.strip_prefix(folder) else { continue };
                let mut parts = rest.iter();
                let Some(name) = parts.next() else { continue };
                *members.entry(name.to_os_string()).or_default() |= parts.next().is_some();
            }
            if members.is_empty() {
                return Err(absent());
            }
            Ok(members.into_iter().map(|(name, is_folder)| Member { name, is_folder }).collect())
        }

        fn stamp(&self, path: &Path) -> io::Result<Stamp> {
            let bytes = match self.files.get(path) {
                Some(bytes) => bytes.clone(),
                None => format!("{:?}", self.list(path)?).into_bytes(),
            };
            let sum =
                bytes.iter().fold(7_i128, |sum, byte| sum * 31 % (1 << 60) + i128::from(*byte));
            Ok(Stamp { modified_ns: sum, size_bytes: bytes.len() as u64, ..Stamp::default() })
        }

        fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
            if let Some(target) = self.links.get(path) {
                return Ok(target.clone());
            }
            self.stamp(path).map(|_| path.to_path_buf())
        }
    }
}
