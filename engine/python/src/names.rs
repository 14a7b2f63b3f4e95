//! The dotted names that a project's files have: one tree for all roots.
//!
//! Where Python would take the first of several candidates (`a.py` beside `a/__init__.py`, the same
//! package below two roots), all of them stand under the name: an input too many costs a run, an
//! input too few a wrong result.

use std::hash::{Hash, Hasher};

use hashbrown::HashTable;
use rustc_hash::FxHasher;
use smallvec::SmallVec;

/// A name in the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(pub u32);

/// A file, by its place in the list of all.
pub type FileId = u32;

/// All dotted names, from the roots down. Made for each state and asked for each import: a step down is one look
/// into a table and one at the name found.
#[derive(Clone, Debug, Default)]
pub struct Names {
    nodes: Vec<Node>,
    /// All but the root, by their parent and segment; with their hashes, so that it grows without a look at them.
    table: HashTable<(u64, NameId)>,
    /// The segments, one after the other.
    text: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    parent: NameId,
    /// Where in the text its segment stands.
    segment: (u32, u32),
    /// Hardly ever more than a module and its stub.
    files: SmallVec<[FileId; 2]>,
    /// The name right below it that came last, and the one beside it that came before. The root is neither.
    last_child: NameId,
    before: NameId,
}

// The table is made from the rest.
impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.nodes == other.nodes && self.text == other.text
    }
}

impl Eq for Names {}

/// What a dotted name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The last name on the way that exists.
    pub last: NameId,
    /// How many segments of the way exist.
    pub depth: usize,
    /// Whether all of them do.
    pub whole: bool,
}

impl Names {
    /// A tree that holds nothing but its root, the empty name.
    pub fn new() -> Self {
        Self { nodes: vec![Node::default()], ..Self::default() }
    }

    /// The empty name.
    pub fn root(&self) -> NameId {
        NameId(0)
    }

    /// The name `segment` below `parent`, made if it does not exist.
    pub fn enter(&mut self, parent: NameId, segment: &[u8]) -> NameId {
        let hash = hash(parent, segment);
        if let Some(known) = self.find_hashed(hash, parent, segment) {
            return known;
        }
        let id = NameId(self.nodes.len() as u32);
        let start = self.text.len() as u32;
        self.text.extend_from_slice(segment);
        let segment = (start, self.text.len() as u32);
        let before = std::mem::replace(&mut self.nodes[parent.0 as usize].last_child, id);
        self.nodes.push(Node { parent, segment, before, ..Node::default() });
        self.table.insert_unique(hash, (hash, id), |(hash, _)| *hash);
        id
    }

    /// The name of that segment below `parent`.
    pub(crate) fn find(&self, parent: NameId, segment: &[u8]) -> Option<NameId> {
        self.find_hashed(hash(parent, segment), parent, segment)
    }

    fn find_hashed(&self, hash: u64, parent: NameId, segment: &[u8]) -> Option<NameId> {
        let is_it = |(known, id): &(u64, NameId)| {
            *known == hash
                && self.nodes[id.0 as usize].parent == parent
                && self.segment(*id) == segment
        };
        self.table.find(hash, is_it).map(|(_, id)| *id)
    }

    fn segment(&self, name: NameId) -> &[u8] {
        let (start, end) = self.nodes[name.0 as usize].segment;
        &self.text[start as usize..end as usize]
    }

    /// Puts a file under a name.
    pub fn add_file(&mut self, name: NameId, file: FileId) {
        let files = &mut self.nodes[name.0 as usize].files;
        if !files.contains(&file) {
            files.push(file);
        }
    }

    /// The name `segment` below `parent`.
    pub fn child(&self, parent: NameId, segment: &str) -> Option<NameId> {
        self.find(parent, segment.as_bytes())
    }

    /// The name above; `None` above the root.
    pub fn parent(&self, name: NameId) -> Option<NameId> {
        (name != self.root()).then(|| self.nodes[name.0 as usize].parent)
    }

    /// The files of a name itself.
    pub fn files(&self, name: NameId) -> &[FileId] {
        &self.nodes[name.0 as usize].files
    }

    /// The names right below.
    pub fn children(&self, name: NameId) -> impl Iterator<Item = NameId> {
        let below = |name: NameId| Some(name).filter(|name| *name != self.root());
        let last = below(self.nodes[name.0 as usize].last_child);
        std::iter::successors(last, move |name| below(self.nodes[name.0 as usize].before))
    }

    /// Calls `visit` with each file at or below a name.
    pub fn each_file_below(&self, name: NameId, visit: &mut dyn FnMut(FileId)) {
        let mut open = vec![name];
        while let Some(name) = open.pop() {
            self.files(name).iter().for_each(|file| visit(*file));
            open.extend(self.children(name));
        }
    }

    /// Follows a dotted name from `start`; `visit` hears of each name on the way that exists.
    pub fn follow(&self, start: NameId, dotted: &str, visit: &mut dyn FnMut(NameId)) -> Found {
        let mut found = Found { last: start, depth: 0, whole: true };
        for segment in dotted.split('.').filter(|segment| !segment.is_empty()) {
            match self.child(found.last, segment) {
                Some(next) => {
                    visit(next);
                    found.last = next;
                    found.depth += 1;
                }
                None => {
                    found.whole = false;
                    break;
                }
            }
        }
        found
    }

    /// The dotted name.
    pub fn dotted(&self, mut name: NameId) -> String {
        let mut segments = Vec::new();
        while let Some(parent) = self.parent(name) {
            segments.push(String::from_utf8_lossy(self.segment(name)).into_owned());
            name = parent;
        }
        segments.reverse();
        segments.join(".")
    }

    /// Every dotted name, for suggestions.
    pub fn all(&self) -> impl Iterator<Item = String> {
        (1..self.nodes.len()).map(|at| self.dotted(NameId(at as u32)))
    }
}

fn hash(parent: NameId, segment: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    parent.hash(&mut hasher);
    hasher.write(segment);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    #[test]
    fn a_way_is_followed_as_far_as_it_goes() {
        let mut names = Names::new();
        let a = names.enter(names.root(), b"a");
        let b = names.enter(a, b"b");
        names.add_file(b, 7);
        let mut seen = Vec::new();
        let found = names.follow(names.root(), "a.b.c", &mut |name| seen.push(names.dotted(name)));
        assert_eq!(seen, ["a", "a.b"]);
        assert_eq!((found.last, found.depth, found.whole), (b, 2, false));
        assert_eq!(names.files(b), [7]);
        assert_eq!(names.parent(b), Some(a));
        assert_eq!(names.enter(a, b"b"), b);
    }

    /// The table grows on the way.
    #[test]
    fn each_name_is_found_however_many_there_are() {
        let mut names = Names::new();
        let segments = ["a", "b", "util", "models"];
        let mut open = VecDeque::from([names.root()]);
        for _ in 0..3_000 {
            let parent = open.pop_front().unwrap();
            for segment in segments {
                assert_eq!(names.child(parent, segment), None);
                let child = names.enter(parent, segment.as_bytes());
                assert_eq!(names.parent(child), Some(parent));
                open.push_back(child);
            }
            for segment in segments {
                assert_eq!(names.parent(names.child(parent, segment).unwrap()), Some(parent));
            }
        }
    }
}
