//! The Merkle nodes that explain fingerprints, in one file that only grows: entries name the root of
//! a set of inputs, and two entries over the same folder share its node.
//!
//! Nodes are small and many, so they are not contents of their own: a cold run over five hundred
//! modules would write thousands of files. Each is checked against its digest when it is read; what
//! is torn is passed over, and costs an explanation, never a result. Does not know what nodes mean.

use std::sync::{Arc, Mutex, PoisonError};

use qik_model::{Digest, FileKind, RelPath};
use qik_system::System;
use rustc_hash::FxHashMap;

use crate::content::content_of;

const FILE: &str = "._qik/cache/v1/nodes";
const LOCK: &str = "._qik/cache/v1/nodes.lock";
/// Digest and length.
const HEAD: usize = 36;
/// A larger file is begun anew: explanations of old entries are then told in fewer words.
const MOST_BYTES: usize = 64 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct NodeStore {
    system: Arc<dyn System>,
    file: Mutex<Option<NodeFile>>,
}

#[derive(Debug, Default)]
struct NodeFile {
    bytes: Vec<u8>,
    places: FxHashMap<Digest, std::ops::Range<usize>>,
    /// What follows the last whole record can't be read, nor what would be added behind it.
    torn: bool,
}

impl NodeStore {
    pub(crate) fn new(system: Arc<dyn System>) -> Self {
        Self { system, file: Mutex::default() }
    }

    /// The bytes of a node.
    pub(crate) fn get(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.with_file(|file| {
            let bytes = file.bytes.get(file.places.get(digest)?.clone())?;
            (content_of(bytes).digest == *digest).then(|| bytes.to_vec())
        })
    }

    /// Whether a node is there, as far as can be told without reading it.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.with_file(|file| file.places.contains_key(digest))
    }

    /// Keeps these nodes, each under the digest of its bytes. Where that fails, what differs from
    /// an entry is told in fewer words.
    pub(crate) fn put(&self, nodes: Vec<(Digest, Vec<u8>)>) {
        self.with_file(|file| {
            let mut new = Vec::new();
            for (digest, bytes) in nodes {
                if !file.places.contains_key(&digest) {
                    let start = file.bytes.len() + HEAD;
                    file.places.insert(digest, start..start + bytes.len());
                    for part in [&digest.0[..], &(bytes.len() as u32).to_le_bytes(), &bytes] {
                        file.bytes.extend_from_slice(part);
                        new.extend_from_slice(part);
                    }
                }
            }
            if file.torn || file.bytes.len() > MOST_BYTES {
                self.begin_anew(file);
            } else if !new.is_empty() {
                let _ = self.system.append(&RelPath::from(FILE), &new);
            }
        });
    }

    fn begin_anew(&self, file: &mut NodeFile) {
        let Ok(_lock) = self.system.lock(&LOCK.into()) else { return };
        let _ = self.system.write_atomic(&FILE.into(), b"", FileKind::File);
        *file = NodeFile::default();
    }

    fn with_file<T>(&self, ask: impl FnOnce(&mut NodeFile) -> T) -> T {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        ask(file.get_or_insert_with(|| {
            NodeFile::parse(self.system.read(&FILE.into()).unwrap_or_default())
        }))
    }
}

impl NodeFile {
    fn parse(bytes: Vec<u8>) -> Self {
        let mut places = FxHashMap::default();
        let mut at = 0;
        while let Some(head) = bytes.get(at..at + HEAD) {
            let (digest, length) = head.split_at(32);
            let digest = Digest(digest.try_into().expect("32 bytes"));
            let length = u32::from_le_bytes(length.try_into().expect("4 bytes")) as usize;
            let start = at + HEAD;
            if start + length > bytes.len() {
                break;
            }
            places.insert(digest, start..start + length);
            at = start + length;
        }
        let torn = at != bytes.len();
        Self { bytes, places, torn }
    }
}

#[cfg(test)]
mod tests {
    use qik_system::MemorySystem;

    use super::*;

    fn node(bytes: &[u8]) -> (Digest, Vec<u8>) {
        (content_of(bytes).digest, bytes.to_vec())
    }

    #[test]
    fn nodes_outlive_the_process_and_are_kept_once() {
        let system = Arc::new(MemorySystem::new());
        let (one, two) = (node(b"one"), node(b"two"));
        NodeStore::new(system.clone()).put(vec![one.clone(), two.clone()]);
        let size = system.read(&FILE.into()).unwrap().len();

        let store = NodeStore::new(system.clone());
        store.put(vec![one.clone()]);
        assert_eq!(store.get(&one.0), Some(one.1));
        assert_eq!(store.get(&two.0), Some(two.1));
        assert_eq!(system.read(&FILE.into()).unwrap().len(), size);
    }

    #[test]
    fn what_was_changed_is_not_there() {
        let system = Arc::new(MemorySystem::new());
        let one = node(b"one");
        NodeStore::new(system.clone()).put(vec![one.clone()]);
        let mut bytes = system.read(&FILE.into()).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        system.write(RelPath::from(FILE), bytes);
        assert_eq!(NodeStore::new(system).get(&one.0), None);
    }
}
