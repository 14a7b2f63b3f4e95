//! Nodes of stored results, as they are walked to explain differences: each is looked up and decoded
//! once, however many results name it.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use qik_model::{BlobId, Digest, FileKind};
use rustc_hash::FxHashMap;

/// A member as a stored node names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredKind {
    /// A file.
    File(FileKind, BlobId),
    /// The node of a folder.
    Folder(Digest),
}

/// The members of a node with their names.
pub type StoredMembers = Rc<[(Box<[u8]>, StoredKind)]>;

/// Looks up the bytes of a node.
type Find<'a> = dyn Fn(&Digest) -> Option<Vec<u8>> + 'a;

/// See the module.
pub struct StoredNodes<'a> {
    find: Box<Find<'a>>,
    decoded: RefCell<FxHashMap<Digest, StoredMembers>>,
}

impl fmt::Debug for StoredNodes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredNodes").finish_non_exhaustive()
    }
}

impl<'a> StoredNodes<'a> {
    /// Nodes whose bytes `find` knows.
    pub fn new(find: impl Fn(&Digest) -> Option<Vec<u8>> + 'a) -> Self {
        Self { find: Box::new(find), decoded: RefCell::default() }
    }

    /// The members of a node; `None` where it is not at hand.
    pub(crate) fn members(&self, digest: &Digest) -> Option<StoredMembers> {
        if let Some(known) = self.decoded.borrow().get(digest) {
            return Some(known.clone());
        }
        // One that is not there may still come, with an entry that is looked up later.
        let members: StoredMembers = decode(&(self.find)(digest)?)?.into();
        self.decoded.borrow_mut().insert(*digest, members.clone());
        Some(members)
    }

    /// The bytes of a node that is a plain text.
    pub(crate) fn text(&self, digest: &Digest) -> Option<String> {
        (self.find)(digest).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The members of an encoded node; `None` where the bytes are not one.
fn decode(mut bytes: &[u8]) -> Option<Vec<(Box<[u8]>, StoredKind)>> {
    let mut members = Vec::new();
    while let Some((&tag, rest)) = bytes.split_first() {
        let (len, rest) = rest.split_first_chunk::<4>()?;
        let (name, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        let file = |kind| {
            let (id, rest) = rest.split_first_chunk::<20>()?;
            Some((StoredKind::File(kind, BlobId(*id)), rest))
        };
        let (kind, rest) = match tag {
            b'f' => file(FileKind::File)?,
            b'x' => file(FileKind::Executable)?,
            b'l' => file(FileKind::Link)?,
            b'd' => {
                let (id, rest) = rest.split_first_chunk::<32>()?;
                (StoredKind::Folder(Digest(*id)), rest)
            }
            _ => return None,
        };
        members.push((name.into(), kind));
        bytes = rest;
    }
    Some(members)
}
