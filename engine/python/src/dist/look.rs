//! The little that this part asks of the world: a file, a folder, a stamp. Whoever calls brings it,
//! tracked or not; nothing here reaches a file in another way.

use std::io;
use std::path::{Path, PathBuf};

use qik_db::{OutsideItem, OutsideStamp};

/// Eyes for absolute paths outside of the project: environments lie anywhere.
pub trait Look {
    /// The bytes of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The members of a folder, in any order.
    fn list(&self, folder: &Path) -> io::Result<Vec<OutsideItem>>;

    /// What changes with a file or folder.
    fn stamp(&self, path: &Path) -> io::Result<OutsideStamp>;

    /// The path without links.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;
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
    use std::ffi::OsString;

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

        fn list(&self, folder: &Path) -> io::Result<Vec<OutsideItem>> {
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
            Ok(members
                .into_iter()
                .map(|(name, is_folder)| OutsideItem { name, is_folder })
                .collect())
        }

        fn stamp(&self, path: &Path) -> io::Result<OutsideStamp> {
            let bytes = match self.files.get(path) {
                Some(bytes) => bytes.clone(),
                None => format!("{:?}", self.list(path)?).into_bytes(),
            };
            let sum =
                bytes.iter().fold(7_i128, |sum, byte| sum * 31 % (1 << 60) + i128::from(*byte));
            let size = bytes.len() as u64;
            Ok(OutsideStamp { mtime_ns: sum, ctime_ns: sum, size, inode: 0 })
        }

        fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
            if let Some(target) = self.links.get(path) {
                return Ok(target.clone());
            }
            self.stamp(path).map(|_| path.to_path_buf())
        }
    }
}
