//! Takes what a look at the disk found into the tree, and tells what is news. Does not look itself.

use std::cmp::Ordering;
use std::sync::Arc;

use qik_model::RelPath;

use super::walk::Outcome;
use super::{Delta, FileState, Folder, Revision, TreeEntry, TreeNode, WorkTree};

impl WorkTree {
    pub(super) fn apply(&mut self, outcome: Outcome) -> Delta {
        let _phase = crate::phase("apply");
        let first = self.folders.is_empty();
        let mut delta = Delta { notes: outcome.notes, ..Delta::default() };
        // In place once: a table that grows leaves the pages of each smaller one behind.
        let new = outcome.listed.len().saturating_sub(self.folders.len());
        self.folders.reserve(new);
        delta.folders.reserve(new);
        for (path, folder) in outcome.listed {
            self.replace(path, folder, first, &mut delta);
        }
        delta.folders.sort_unstable_by(|(one, _), (two, _)| one.cmp(two));
        delta.touched.sort_unstable();
        delta.touched.dedup();
        let touches = delta.touched.iter().map(|path| (self.revision, path.clone()));
        self.touches.extend(touches);
        self.compact_touches();
        delta
    }

    /// Forgets a folder with all below.
    fn remove(&mut self, path: RelPath, delta: &mut Delta) {
        let mut lost = vec![path];
        while let Some(path) = lost.pop() {
            let Some(folder) = self.folders.remove(&path) else { continue };
            for entry in folder.entries.iter() {
                let path = path.join(&entry.name);
                match entry.node {
                    TreeNode::Folder => lost.push(path),
                    TreeNode::File { .. } => delta.touched.push(path),
                }
            }
            delta.folders.push((path, None));
        }
    }

    fn replace(&mut self, path: RelPath, mut new: Folder, first: bool, delta: &mut Delta) {
        let revision = self.revision;
        let Some(old) = self.folders.remove(&path) else {
            for (entry, state) in new.entries.iter().zip(&mut new.files) {
                if let Some(state) = state {
                    state.touched = revision;
                    if !first {
                        delta.touched.push(path.join(&entry.name));
                    }
                }
            }
            delta.folders.push((path.clone(), Some(new.entries.clone())));
            self.folders.insert(path, new);
            return;
        };
        let mut lost_folders = Vec::new();
        pair(&old, &mut new, |name, before, after| {
            let touched = match (&before, &after) {
                (Some((_, Some(old))), Some((_, Some(new)))) => {
                    !old.stat.same_state(&new.stat) || before.map(node) != after.as_ref().map(node)
                }
                (Some((_, None)), Some((_, None))) => false,
                (Some((_, Some(_))), _) | (_, Some((_, Some(_)))) => true,
                _ => false,
            };
            if touched {
                delta.touched.push(path.join(name));
            }
            if before.is_some_and(|(entry, _)| entry.node == TreeNode::Folder)
                && after.as_ref().is_none_or(|(entry, _)| entry.node != TreeNode::Folder)
            {
                lost_folders.push(path.join(name));
            }
            match (touched, before) {
                (false, Some((_, Some(old)))) => old.touched,
                _ => revision,
            }
        });
        for lost in lost_folders {
            self.remove(lost, delta);
        }
        if old.entries == new.entries {
            new.entries = old.entries;
        } else {
            delta.folders.push((path.clone(), Some(Arc::clone(&new.entries))));
        }
        self.folders.insert(path, new);
    }
}

type Side<'a> = (&'a TreeEntry, Option<FileState>);

fn node(side: &Side<'_>) -> TreeNode {
    side.0.node
}

/// Walks two listings name by name; what is answered becomes the revision of the new one's file.
fn pair<'a>(
    old: &'a Folder,
    new: &'a mut Folder,
    mut judge: impl FnMut(&[u8], Option<&Side<'a>>, Option<Side<'_>>) -> Revision,
) {
    let (mut i, mut j) = (0, 0);
    while i < old.entries.len() || j < new.entries.len() {
        let order = match (old.entries.get(i), new.entries.get(j)) {
            (Some(one), Some(two)) => one.name.cmp(&two.name),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let before = (order != Ordering::Greater).then(|| (&old.entries[i], old.files[i]));
        let name = if order == Ordering::Greater {
            new.entries[j].name.clone()
        } else {
            old.entries[i].name.clone()
        };
        if order == Ordering::Less {
            judge(&name, before.as_ref(), None);
        } else {
            let after = (&new.entries[j], new.files[j]);
            let touched = judge(&name, before.as_ref(), Some(after));
            if let Some(state) = &mut new.files[j] {
                state.touched = touched;
            }
        }
        i += usize::from(order != Ordering::Greater);
        j += usize::from(order != Ordering::Less);
    }
}
