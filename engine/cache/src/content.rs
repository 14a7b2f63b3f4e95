//! Bytes by their digest: logs, artifacts, and the nodes that explain fingerprints (the build
//! field's content-addressed store). Does not know what the bytes mean.

use std::sync::Arc;

use qik_model::{Content, Diagnostic, Digest, RelPath};

use crate::storage::{Storage, StorageError};
use crate::warnings::{self, Warnings};

/// Bytes by digest in a [`Storage`], below `cas/`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ContentStore {
    storage: Storage,
    warnings: Arc<Warnings>,
}

/// Why artifacts could not be collected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectError {
    /// An artifact could not be read.
    #[error("artifact `{0}` cannot be read: {1}")]
    Unreadable(RelPath, std::io::Error),
    /// It was written to after the command had ended.
    #[error("artifact `{0}` changed while it was being stored")]
    Moved(RelPath),
    /// Its bytes could not be kept.
    #[error("artifact `{0}` cannot be stored: {1}")]
    NotStored(RelPath, StorageError),
}

/// The identity of these bytes as stored ones.
pub fn content_of(bytes: &[u8]) -> Content {
    Content { digest: Digest(*blake3::hash(bytes).as_bytes()), size: bytes.len() as u64 }
}

impl ContentStore {
    /// The contents in `storage`.
    pub fn new(storage: Storage, warnings: Arc<Warnings>) -> Self {
        Self { storage, warnings }
    }

    /// Keeps these bytes; writes nothing where they are kept already.
    ///
    /// # Errors
    /// Where the storage cannot be written.
    pub fn put(&self, bytes: Vec<u8>) -> Result<Content, StorageError> {
        let content = content_of(&bytes);
        if !self.has(&content) {
            self.storage.write(&key(&content.digest), bytes)?;
        }
        Ok(content)
    }

    /// Keeps all of these.
    ///
    /// # Errors
    /// Where the storage cannot be written; those before the first that failed are kept.
    pub fn put_all(
        &self,
        contents: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<Vec<Content>, StorageError> {
        contents.into_iter().map(|bytes| self.put(bytes)).collect()
    }

    /// The bytes with this identity, checked. What is kept under it but is something else is put
    /// aside with a warning, so that it can be written anew, and counts as missing.
    ///
    /// # Errors
    /// Where the storage cannot be read.
    pub fn get(&self, content: &Content) -> Result<Option<Vec<u8>>, StorageError> {
        let key = key(&content.digest);
        let Some(bytes) = self.storage.read(&key)? else { return Ok(None) };
        if content_of(&bytes) == *content {
            return Ok(Some(bytes));
        }
        self.put_aside(&content.digest, &key);
        Ok(None)
    }

    /// The bytes with this digest, checked as by [`ContentStore::get`], whatever their size.
    ///
    /// # Errors
    /// Where the storage cannot be read.
    pub fn get_by_digest(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StorageError> {
        let key = key(digest);
        let Some(bytes) = self.storage.read(&key)? else { return Ok(None) };
        if content_of(&bytes).digest == *digest {
            return Ok(Some(bytes));
        }
        self.put_aside(digest, &key);
        Ok(None)
    }

    /// Whether bytes of that size are kept under that digest, without reading them.
    pub fn has(&self, content: &Content) -> bool {
        matches!(self.storage.size(&key(&content.digest)), Ok(Some(size)) if size == content.size)
    }

    /// Those that are not kept.
    pub fn missing<'a>(&self, contents: impl IntoIterator<Item = &'a Content>) -> Vec<Content> {
        contents.into_iter().filter(|content| !self.has(content)).copied().collect()
    }

    fn put_aside(&self, digest: &Digest, key: &str) {
        let text = format!("stored object `{digest}` is not what its name says");
        let help = "it was put aside; what needs it runs again";
        self.warnings.add(Diagnostic::warning(warnings::DAMAGED, text).help(help));
        // Where this fails the object stays a miss; nothing is built on it.
        let _ = self.storage.set_aside(key, &format!("bad/{digest}"));
    }
}

fn key(digest: &Digest) -> String {
    let text = digest.to_string();
    format!("cas/{}/{text}", &text[..2])
}

#[cfg(test)]
mod tests {
    use qik_system::MemorySystem;

    use super::*;

    /// The contract, over every back end there is.
    fn each_storage(check: impl Fn(Storage)) {
        let temp = tempfile::tempdir().unwrap();
        let system = Arc::new(MemorySystem::new());
        let real = qik_system::OsSystem::new(temp.path());
        check(Storage::in_memory());
        check(Storage::shared_folder(&temp.path().join("shared")).unwrap());
        check(Storage::in_project(system, "._qik/cache/v1".into()));
        check(Storage::in_project(Arc::new(real), "._qik/cache/v1".into()));
    }

    fn store(storage: &Storage) -> ContentStore {
        ContentStore::new(storage.clone(), Arc::default())
    }

    #[test]
    fn what_was_put_can_be_got() {
        each_storage(|storage| {
            let store = store(&storage);
            for bytes in [b"".to_vec(), b"x".to_vec(), vec![7; 3 << 20]] {
                assert!(!store.has(&content_of(&bytes)));
                let content = store.put(bytes.clone()).unwrap();
                assert!(store.has(&content));
                assert_eq!(store.get(&content).unwrap(), Some(bytes.clone()));
                assert_eq!(store.get_by_digest(&content.digest).unwrap(), Some(bytes));
            }
            assert_eq!(store.missing(&[content_of(b"x"), content_of(b"y")]), [content_of(b"y")]);
            assert_eq!(store.get(&content_of(b"y")).unwrap(), None);
            assert_eq!(store.warnings.drain(), []);
        });
    }

    #[test]
    fn what_was_changed_is_missing_and_can_be_put_again() {
        each_storage(|storage| {
            for bad in [&b"what"[..], b"torn", b"", b"much longer than it was"] {
                let store = store(&storage);
                let content = store.put(b"true".to_vec()).unwrap();
                storage.write(&key(&content.digest), bad.to_vec()).unwrap();
                assert_eq!(store.get(&content).unwrap(), None);
                let warnings = store.warnings.drain();
                assert_eq!(warnings.len(), 1);
                assert!(warnings[0].message.contains(&content.digest.to_string()));

                assert!(!store.has(&content));
                store.put(b"true".to_vec()).unwrap();
                assert_eq!(store.get(&content).unwrap(), Some(b"true".to_vec()));
            }
        });
    }

    #[test]
    fn a_storage_keeps_the_contract() {
        each_storage(|storage| {
            assert_eq!(storage.read("a/b").unwrap(), None);
            assert_eq!(storage.size("a/b").unwrap(), None);
            storage.remove("a/b").unwrap();
            storage.write("a/b", b"one".to_vec()).unwrap();
            storage.write("a/c/d", b"other".to_vec()).unwrap();
            storage.write("a/b", b"two!".to_vec()).unwrap();
            assert_eq!(storage.read("a/b").unwrap(), Some(b"two!".to_vec()));
            assert_eq!(storage.size("a/b").unwrap(), Some(4));
            assert_eq!(storage.keys("a/").unwrap(), ["a/b", "a/c/d"]);
            assert_eq!(storage.keys("nothing/").unwrap(), [""; 0]);
            storage.remove("a/b").unwrap();
            assert_eq!(storage.read("a/b").unwrap(), None);
            assert!(!matches!(storage.read("../outside"), Ok(Some(_))));
        });
    }
}
