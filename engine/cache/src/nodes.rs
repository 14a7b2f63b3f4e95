//! The Merkle nodes that explain fingerprints, in one file that only grows: entries name the root of
//! a set of inputs, and two entries over the same folder share its node.
//!
//! Nodes are small and many, so they are not contents of their own: a cold run over five hundred
//! modules would write thousands of files. Each is checked against its digest when it is read; what
//! is torn is passed over, and costs an explanation, never a result. Entries that are shared take
//! theirs along, so that a miss is explained to others as well. Of what nodes mean it knows only how
//! they name those below them.

use std::sync::{Arc, Mutex, PoisonError};

use qik_model::{Digest, FileKind, RelPath};
use qik_system::System;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::content::content_of;

const FILE: &str = "._qik/cache/v1/nodes";
const LOCK: &str = "._qik/cache/v1/nodes.lock";
/// Digest and length.
const HEAD: usize = 36;
/// A larger file is begun anew: explanations of old entries are then told in fewer words.
const MOST_BYTES: usize = 64 << 20;
/// So many bytes of nodes go with an entry that is shared: those of about two thousand files.
const MOST_SHARED: usize = 128 << 10;

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

    /// What an entry takes along that explains itself by these digests: all nodes below each of
    /// them, or none of those where they are too many.
    pub(crate) fn to_share(&self, roots: &[Digest]) -> Vec<(Digest, Vec<u8>)> {
        whole_below(roots, &|digest| self.get(digest), &|_| false)
    }

    /// Keeps of the nodes that came with an entry those that explain it. Who knows a node knows all
    /// below it, so a set with a gap is left out.
    pub(crate) fn put_shared(&self, roots: &[Digest], came: &[(Digest, Vec<u8>)]) {
        let came: FxHashMap<Digest, &Vec<u8>> =
            came.iter().map(|(digest, bytes)| (*digest, bytes)).collect();
        let find = |digest: &Digest| came.get(digest).map(|bytes| bytes.to_vec());
        let nodes = whole_below(roots, &find, &|digest| self.has(digest));
        if !nodes.is_empty() {
            self.put(nodes);
        }
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

/// The nodes at and below each of `roots`, but for what is `known`; all of a root's, or none.
fn whole_below(
    roots: &[Digest],
    find: &dyn Fn(&Digest) -> Option<Vec<u8>>,
    known: &dyn Fn(&Digest) -> bool,
) -> Vec<(Digest, Vec<u8>)> {
    let mut nodes: Vec<(Digest, Vec<u8>)> = Vec::new();
    let mut taken: FxHashSet<Digest> = FxHashSet::default();
    let mut room = MOST_SHARED;
    'roots: for root in roots {
        let (mut own, mut size) = (Vec::new(), 0);
        let (mut open, mut seen) = (vec![*root], FxHashSet::default());
        while let Some(digest) = open.pop() {
            if taken.contains(&digest) || known(&digest) || !seen.insert(digest) {
                continue;
            }
            let Some(bytes) = find(&digest) else { continue 'roots };
            size += HEAD + bytes.len();
            if size > room {
                continue 'roots;
            }
            open.extend(below(&bytes).unwrap_or_default());
            own.push((digest, bytes));
        }
        room -= size;
        taken.extend(seen);
        nodes.extend(own);
    }
    nodes
}

/// The nodes that a node names: its members are a kind, the length of a name, the name, and the
/// identity of a file (20 bytes) or, of kind `d`, the digest of a node. Other nodes are plain texts.
fn below(mut bytes: &[u8]) -> Option<Vec<Digest>> {
    let mut found = Vec::new();
    while let Some((&kind, rest)) = bytes.split_first() {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (_, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        bytes = match kind {
            b'f' | b'x' | b'l' => rest.split_at_checked(20)?.1,
            b'd' => {
                let (digest, rest) = rest.split_first_chunk::<32>()?;
                found.push(Digest(*digest));
                rest
            }
            _ => return None,
        };
    }
    Some(found)
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

    /// A node with a file and these nodes below it.
    fn parent(name: &str, below: &[&(Digest, Vec<u8>)]) -> (Digest, Vec<u8>) {
        let mut bytes = vec![b'f'];
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes.extend([7; 20]);
        for (digest, _) in below {
            bytes.extend([b'd', 0, 0, 0, 0]);
            bytes.extend(digest.0);
        }
        node(&bytes)
    }

    #[test]
    fn what_an_entry_takes_along_is_whole_or_not_there() {
        let (leaf, text) = (parent("leaf", &[]), node(b"needs: a plain text"));
        let middle = parent("middle", &[&leaf]);
        let root = parent("root", &[&middle, &leaf]);
        let gap = parent("gap", &[&parent("lost", &[])]);
        let all = [&leaf, &middle, &root, &text, &gap].map(Clone::clone);
        let store = NodeStore::new(Arc::new(MemorySystem::new()));
        store.put(all.to_vec());
        let roots = [gap.0, root.0, text.0, Digest([9; 32])];
        let sent = store.to_share(&roots);
        let digests: FxHashSet<Digest> = sent.iter().map(|(digest, _)| *digest).collect();
        assert_eq!(digests, [root.0, middle.0, leaf.0, text.0].into_iter().collect());

        let other = NodeStore::new(Arc::new(MemorySystem::new()));
        let without_leaf: Vec<_> = sent.iter().filter(|one| one.0 != leaf.0).cloned().collect();
        other.put_shared(&roots, &without_leaf);
        assert!(!other.has(&root.0) && !other.has(&middle.0) && other.has(&text.0));
        other.put_shared(&[text.0], &sent);
        assert!(!other.has(&leaf.0), "nobody asked for it");
        other.put_shared(&roots, &sent);
        assert!(digests.iter().all(|digest| other.has(digest)));
    }

    #[test]
    fn a_set_that_is_too_large_to_go_along_leaves_room_for_others() {
        let leaves: Vec<_> =
            (0..4).map(|at| parent(&format!("{at}").repeat(40_000), &[])).collect();
        let large = parent("large", &leaves.iter().collect::<Vec<_>>());
        let small = parent("small", &[]);
        let store = NodeStore::new(Arc::new(MemorySystem::new()));
        store.put([leaves, vec![large.clone(), small.clone()]].concat());
        assert_eq!(store.to_share(&[large.0, small.0]), [small]);
    }

    #[test]
    fn bytes_that_are_no_node_name_nothing() {
        let whole = parent("root", &[&parent("leaf", &[])]).1;
        assert_eq!(below(&whole).unwrap().len(), 1);
        for cut in 1..whole.len() {
            let _ = below(&whole[..cut]);
        }
        assert_eq!(below(b"plain text"), None);
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
