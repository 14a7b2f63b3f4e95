//! Folders of a commit that the index holds as they are there. Git keeps in its index which tree each
//! folder was read from or written as, so where that is the commit's the tree need not be read.

use std::ops::Range;
use std::sync::Arc;

use bstr::ByteSlice;
use gix::ObjectId;
use gix::index::entry::{Flags, Mode, Stage};
use qik_model::{BlobId, FileKind, RelPath};

use super::index::{Division, Repository};
use super::{TreeEntry, TreeNode, WorkTree, is_never_listed};

impl WorkTree {
    /// The folders at and below `path` as that tree of git's holds them, in no order; `None` where the
    /// tree has to be read. Folders that are the same on disk share their listings with those.
    pub(crate) fn folders_of_tree(
        &self,
        path: &RelPath,
        tree: ObjectId,
    ) -> Option<Vec<(RelPath, Arc<[TreeEntry]>)>> {
        let repository = self.repository.as_ref()?;
        let from_top = match path.is_root() {
            true => repository.prefix().to_vec(),
            false => [repository.prefix(), path.as_bytes(), b"/"].concat(),
        };
        let range = repository.entries_of_tree(&from_top, tree)?;
        let mut folders = Vec::new();
        let mut open = vec![(path.clone(), range, from_top.len())];
        while let Some((path, range, skip)) = open.pop() {
            let division = repository.divide(range, skip);
            for (name, range) in division.folders() {
                if is_never_listed(&path, name) {
                    return None;
                }
                open.push((path.join(name), range.clone(), skip + name.len() + 1));
            }
            let entries = self.listing(repository, &division, &path)?;
            folders.push((path, entries));
        }
        Some(folders)
    }

    fn listing(
        &self,
        repository: &Repository,
        division: &Division<'_>,
        path: &RelPath,
    ) -> Option<Arc<[TreeEntry]>> {
        let mut members: Vec<(&[u8], TreeNode)> =
            division.folders().map(|(name, _)| (name, TreeNode::Folder)).collect();
        for (name, at) in division.files() {
            members.push((name, repository.node(at)?));
        }
        members.sort_unstable_by_key(|(name, _)| *name);
        let same = |entry: &TreeEntry, (name, node): &(&[u8], TreeNode)| {
            *entry.name == **name && entry.node == *node
        };
        if let Some(on_disk) = self.folder(path)
            && on_disk.len() == members.len()
            && on_disk.iter().zip(&members).all(|(entry, member)| same(entry, member))
        {
            return Some(on_disk.clone());
        }
        let entry = |(name, node): (&[u8], TreeNode)| TreeEntry { name: name.into(), node };
        Some(members.into_iter().map(entry).collect())
    }
}

impl Repository {
    /// The entries below a folder, given by its path from the git root with `/` at its end, if they are
    /// certainly what that tree holds.
    fn entries_of_tree(&self, folder: &[u8], tree: ObjectId) -> Option<Range<usize>> {
        if !self.ids_are_ours() {
            return None;
        }
        let mut at = self.index().tree()?;
        for segment in folder.split_str("/").filter(|segment| !segment.is_empty()) {
            at = at.children.iter().find(|child| *child.name == *segment)?;
        }
        let range = self.entries_below(folder);
        let is_whole = at.id == tree && at.num_entries == u32::try_from(range.len()).ok();
        is_whole.then_some(range)
    }

    /// What an entry stands for; `None` where that is no file, or not what a tree holds.
    fn node(&self, at: usize) -> Option<TreeNode> {
        let entry = &self.index().entries()[at];
        let kind = match entry.mode {
            Mode::FILE => FileKind::File,
            Mode::FILE_EXECUTABLE => FileKind::Executable,
            Mode::SYMLINK => FileKind::Link,
            _ => return None,
        };
        let is_plain =
            entry.stage() == Stage::Unconflicted && !entry.flags.contains(Flags::INTENT_TO_ADD);
        let id = entry.id.as_slice().try_into().ok().filter(|_| is_plain)?;
        Some(TreeNode::File { kind, id: BlobId(id) })
    }
}
