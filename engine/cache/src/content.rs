//! Bytes by their digest: logs, artifacts, and the nodes that explain fingerprints (the build
//! field's content-addressed store). Does not know what the bytes mean.

use std::io::{self, Write};
use std::sync::Arc;

use qik_model::{BlobId, Content, Diagnostic, Digest, FileKind, RelPath};
use qik_system::{BlobHasher, Facts, Stat, System};

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

    /// Keeps the bytes of a file of the project without holding them all, if they have this identity
    /// in the copy, which nobody else writes to. `known`: the facts of the file as it was looked at.
    ///
    /// # Errors
    /// Where the file cannot be read, or the storage not be written.
    pub(crate) fn put_file(
        &self,
        path: &RelPath,
        id: &BlobId,
        known: Option<Facts>,
    ) -> io::Result<Option<(Content, Facts)>> {
        let name = format!("tmp/{}", crate::trash::unique(&**self.system()?));
        let (system, copy) = self.storage.file(&name).ok_or_else(no_files)?;
        system.copy_file(path, &copy, FileKind::File)?;
        let kept = (|| {
            let (content, facts) = look_at(&**system, &copy, known)?;
            if !facts.allow(id) {
                return Ok(None);
            }
            if !self.has(&content) {
                let (_, place) = self.storage.file(&key(&content.digest)).ok_or_else(no_files)?;
                system.rename(&copy, &place)?;
            }
            Ok(Some((content, facts)))
        })();
        let _ = system.remove_file(&copy);
        kept
    }

    /// Keeps what `fill` writes, if it is what it should be.
    ///
    /// # Errors
    /// Where `fill` fails or writes something else, or the storage cannot be written.
    pub(crate) fn put_with(
        &self,
        content: &Content,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let (system, place) = self.storage.file(&key(&content.digest)).ok_or_else(no_files)?;
        system.write_with(&place, FileKind::File, &mut |out| {
            let mut checked = Checked { out, hasher: blake3::Hasher::new(), left: content.size };
            fill(&mut checked)?;
            match checked.left == 0 && checked.hasher.finalize().as_bytes() == &content.digest.0 {
                true => Ok(()),
                false => Err(other_bytes()),
            }
        })?;
        Ok(())
    }

    /// Hands the bytes over piece by piece. Unchecked: whoever takes them checks them by the digest.
    pub(crate) fn read_chunks(
        &self,
        content: &Content,
        sink: &mut dyn FnMut(&[u8]),
    ) -> io::Result<()> {
        let (system, place) = self.storage.file(&key(&content.digest)).ok_or_else(no_files)?;
        system.read_chunks(&place, sink)
    }

    /// What git calls the bytes, found out by reading them.
    ///
    /// # Errors
    /// Where they are not there, or not what they should be.
    pub(crate) fn facts(&self, content: &Content) -> io::Result<Option<Facts>> {
        Facts::of_stream(content.size, &|sink| {
            let mut hasher = blake3::Hasher::new();
            self.read_chunks(content, &mut |chunk| {
                hasher.update(chunk);
                sink(chunk);
            })?;
            let is_whole = hasher.finalize().as_bytes() == &content.digest.0;
            if is_whole { Ok(()) } else { Err(other_bytes()) }
        })
    }

    /// Puts the bytes at `path` as a file, checked, without holding them all. The stat by which the
    /// file is known to hold them, where there is one.
    pub(crate) fn copy_to(
        &self,
        content: &Content,
        path: &RelPath,
        kind: FileKind,
    ) -> io::Result<Option<Stat>> {
        let (system, place) = self.storage.file(&key(&content.digest)).ok_or_else(no_files)?;
        let gone = || io::Error::new(io::ErrorKind::NotFound, "its bytes are gone");
        if system.shares_blocks() {
            let before = system.stat(&place)?;
            let is_settled = before.settled_at(system.now());
            if !self.check(content).map_err(io::Error::other)? {
                return Err(gone());
            }
            let known = system.copy_file(&place, path, kind)?;
            // What was looked at is what was copied.
            let held_still = is_settled && system.stat(&place)?.same_state(&before);
            return Ok(known.filter(|_| held_still));
        }
        // They are looked at on their way: what was read once is not read again.
        let mut is_damaged = false;
        let copied = system.write_with(path, kind, &mut |out| {
            let mut hasher = blake3::Hasher::new();
            let mut failed = None;
            system.read_chunks(&place, &mut |chunk| {
                hasher.update(chunk);
                if failed.is_none() {
                    failed = out.write_all(chunk).err();
                }
            })?;
            failed.map_or(Ok(()), Err)?;
            is_damaged = hasher.finalize().as_bytes() != &content.digest.0;
            if is_damaged { Err(gone()) } else { Ok(()) }
        });
        if is_damaged {
            self.put_aside(&content.digest, &key(&content.digest));
        }
        copied
    }

    /// Whether the bytes are kept and are what they should be, as [`ContentStore::get`] finds out.
    ///
    /// # Errors
    /// Where the storage cannot be read.
    pub fn check(&self, content: &Content) -> Result<bool, StorageError> {
        let key = key(&content.digest);
        let Some((system, place)) = self.storage.file(&key) else {
            return Ok(self.get(content)?.is_some());
        };
        match content_of_file(&**system, &place) {
            Ok(found) if found == *content => Ok(true),
            Ok(_) => {
                self.put_aside(&content.digest, &key);
                Ok(false)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StorageError(error.to_string())),
        }
    }

    fn system(&self) -> io::Result<&Arc<dyn System>> {
        self.storage.file("").map(|(system, _)| system).ok_or_else(no_files)
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

/// The identity of the bytes of a file.
pub(crate) fn content_of_file(system: &dyn System, path: &RelPath) -> io::Result<Content> {
    let mut hasher = blake3::Hasher::new();
    system.read_chunks(path, &mut |chunk| {
        hasher.update(chunk);
    })?;
    Ok(Content { digest: Digest(*hasher.finalize().as_bytes()), size: hasher.count() })
}

/// The identities of a file that nobody writes to. `known` spares a second reading where they are its
/// facts.
fn look_at(
    system: &dyn System,
    path: &RelPath,
    known: Option<Facts>,
) -> io::Result<(Content, Facts)> {
    let size = system.stat(path)?.size;
    let (mut hasher, mut blob) = (blake3::Hasher::new(), BlobHasher::new(size));
    system.read_chunks(path, &mut |chunk| {
        hasher.update(chunk);
        blob.update(chunk);
    })?;
    let content = Content { digest: Digest(*hasher.finalize().as_bytes()), size: hasher.count() };
    let raw = blob.finish();
    let facts = match known.filter(|known| known.is_of(&raw)) {
        Some(known) => Some(known),
        None => Facts::of_stream(size, &|sink| system.read_chunks(path, sink))?,
    };
    Ok((content, facts.ok_or_else(other_bytes)?))
}

fn other_bytes() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "other bytes than named")
}

/// Passes bytes on, as many as there should be, and keeps their digest.
struct Checked<'a> {
    out: &'a mut dyn Write,
    hasher: blake3::Hasher,
    left: u64,
}

impl Write for Checked<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self
            .left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "more bytes than named"))?;
        self.hasher.update(bytes);
        self.out.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn no_files() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "the storage is no folder of the project")
}

pub(crate) fn key(digest: &Digest) -> String {
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
