//! Files outside of a project that lives in memory. Folders are there as long as they hold a file;
//! links are not known.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::outside::{Outside, OutsideItem, OutsideStamp};

/// Files by absolute path.
#[derive(Debug, Default)]
pub(super) struct OutsideFiles(Mutex<Files>);

#[derive(Debug, Default)]
struct Files {
    nodes: BTreeMap<PathBuf, Node>,
    writes: u64,
}

#[derive(Debug)]
struct Node {
    /// `None` for a folder.
    bytes: Option<Arc<[u8]>>,
    /// The write that made it what it is.
    written: u64,
}

impl OutsideFiles {
    pub fn write(&self, path: &Path, bytes: &[u8]) {
        let mut files = self.files();
        let path = clean(path);
        files.writes += 1;
        let written = files.writes;
        for folder in path.ancestors().skip(1) {
            let is_news = !files.nodes.contains_key(folder);
            if is_news {
                files.nodes.insert(folder.to_path_buf(), Node { bytes: None, written });
            }
        }
        let is_news = files.nodes.insert(path.clone(), Node { bytes: Some(bytes.into()), written });
        if is_news.is_none() {
            files.touch_parent(&path);
        }
    }

    pub fn remove(&self, path: &Path) {
        let mut files = self.files();
        let path = clean(path);
        files.writes += 1;
        files.nodes.retain(|known, _| !known.starts_with(&path));
        files.touch_parent(&path);
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    fn node(&self, path: &Path) -> io::Result<&Node> {
        self.nodes.get(&clean(path)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The folder that something came into or went from has another stamp.
    fn touch_parent(&mut self, path: &Path) {
        let written = self.writes;
        if let Some(node) = path.parent().and_then(|folder| self.nodes.get_mut(folder)) {
            node.written = written;
        }
    }
}

impl Outside for OutsideFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match &self.files().node(path)?.bytes {
            Some(bytes) => Ok(bytes.to_vec()),
            None => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OutsideItem>> {
        let files = self.files();
        if files.node(folder)?.bytes.is_some() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let folder = clean(folder);
        let members = files.nodes.iter().filter(|(path, _)| path.parent() == Some(&folder));
        Ok(members
            .filter_map(|(path, node)| {
                let name = path.file_name()?.to_os_string();
                Some(OutsideItem { name, is_folder: node.bytes.is_none() })
            })
            .collect())
    }

    fn stamp(&self, path: &Path) -> io::Result<OutsideStamp> {
        let files = self.files();
        let node = files.node(path)?;
        Ok(OutsideStamp {
            mtime_ns: node.written.into(),
            ctime_ns: node.written.into(),
            size: node.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            inode: node.written,
        })
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.files().node(path)?;
        Ok(clean(path))
    }
}

/// Without `.` and `..`; there are no links that would make that wrong.
fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                cleaned.pop();
            }
            other => cleaned.push(other),
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &OutsideFiles, folder: &str) -> Vec<(String, bool)> {
        let items = files.list(Path::new(folder)).unwrap();
        items.into_iter().map(|item| (item.name.into_string().unwrap(), item.is_folder)).collect()
    }

    #[test]
    fn folders_are_there_with_their_files() {
        let files = OutsideFiles::default();
        files.write(Path::new("/venv/lib/a.py"), b"1");
        files.write(Path::new("/venv/pyvenv.cfg"), b"2");
        assert_eq!(names(&files, "/"), [("venv".into(), true)]);
        assert_eq!(names(&files, "/venv"), [("lib".into(), true), ("pyvenv.cfg".into(), false)]);
        assert_eq!(files.read(Path::new("/venv/lib/../lib/a.py")).unwrap(), b"1");
        let canonical = files.canonical(Path::new("/venv/./lib/../pyvenv.cfg")).unwrap();
        assert_eq!(canonical, Path::new("/venv/pyvenv.cfg"));
        files.remove(Path::new("/venv/lib"));
        assert_eq!(names(&files, "/venv"), [("pyvenv.cfg".into(), false)]);
        let gone = files.read(Path::new("/venv/lib/a.py")).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn each_write_gives_another_stamp_to_the_file_and_news_to_its_folder() {
        let files = OutsideFiles::default();
        let stamp = |path: &str| files.stamp(Path::new(path)).unwrap();
        files.write(Path::new("/a/b"), b"1");
        let (file, folder) = (stamp("/a/b"), stamp("/a"));
        assert_eq!((stamp("/a/b"), stamp("/a")), (file, folder));
        files.write(Path::new("/a/b"), b"1");
        assert_ne!(stamp("/a/b"), file);
        assert_eq!(stamp("/a"), folder);
        files.write(Path::new("/a/c"), b"1");
        assert_ne!(stamp("/a"), folder);
    }
}
