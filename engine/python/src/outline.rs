//! Which files a graph is about, as one text: kept with it, to tell what came and went since.
//!
//! ```text
//! for each folder, in the order of the layout:
//!   the length of its path u32 · how many files it lists u32 · the length of their names u32
//!   its path · the name of each file and NUL
//! ```
//! Numbers are little endian. Files are numbered in this order, so the text tells the numbers too.

use std::ops::Range;

use qik_model::RelPath;

use crate::layout::Layout;
use crate::names::FileId;

/// A folder of an outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutlinedFolder<'t> {
    pub path: &'t [u8],
    /// The number of its first file.
    pub first: FileId,
    /// The number after that of its last file.
    pub end: FileId,
    names: &'t [u8],
}

/// The outline of a layout. Data files are not in it.
pub(crate) fn outline(layout: &Layout) -> Vec<u8> {
    let mut text = Vec::with_capacity(layout.data_from as usize * 24);
    for (at, (path, _)) in layout.folders.iter().enumerate() {
        let Range { start, end } = layout.files_in(at);
        let files = &layout.files[start as usize..end as usize];
        let length = files.iter().map(|file| file.name().len() + 1).sum();
        for number in [path.as_bytes().len(), files.len(), length] {
            text.extend_from_slice(&(number as u32).to_le_bytes());
        }
        text.extend_from_slice(path.as_bytes());
        for file in files {
            text.extend_from_slice(file.name());
            text.push(0);
        }
    }
    text
}

/// The folders of an outline, in its order.
pub(crate) fn folders(text: &[u8]) -> impl Iterator<Item = OutlinedFolder<'_>> {
    let (mut rest, mut first) = (text, 0);
    std::iter::from_fn(move || {
        let [path, count, names] = [number(&mut rest)?, number(&mut rest)?, number(&mut rest)?];
        let (path, after) = rest.split_at_checked(path as usize)?;
        let (names, after) = after.split_at_checked(names as usize)?;
        let folder = OutlinedFolder { path, first, end: first.checked_add(count)?, names };
        (rest, first) = (after, folder.end);
        Some(folder)
    })
}

fn number(text: &mut &[u8]) -> Option<u32> {
    let (number, rest) = text.split_first_chunk()?;
    *text = rest;
    Some(u32::from_le_bytes(*number))
}

impl<'t> OutlinedFolder<'t> {
    /// Its files, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'t [u8]> + use<'t> {
        let names = self.names.strip_suffix(b"\0");
        names.into_iter().flat_map(|names| names.split(|byte| *byte == 0))
    }

    /// Whether it holds files of the same names.
    pub fn lists_the_same(&self, other: &Self) -> bool {
        self.names == other.names
    }

    pub fn rel_path(&self) -> RelPath {
        RelPath::from_clean(self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_read_as_they_were_written() {
        let mut layout = Layout::default();
        layout.files.extend(["a.py", "b.py", "pkg/sub/c.py"].map(RelPath::from));
        let folders_at = [("", 0), ("empty", 2), ("pkg/sub", 2)];
        layout.folders.extend(folders_at.map(|(path, first)| (RelPath::from(path), first)));
        layout.data_from = 3;
        let text = outline(&layout);
        let all: Vec<_> = folders(&text).collect();
        let places: Vec<_> = all.iter().map(|one| (one.path, one.first, one.end)).collect();
        assert_eq!(places, [(&b""[..], 0, 2), (b"empty", 2, 2), (b"pkg/sub", 2, 3)]);
        assert_eq!(all[0].names().collect::<Vec<_>>(), [b"a.py", b"b.py"]);
        assert_eq!(all[1].names().count(), 0);
        assert!(!all[0].lists_the_same(&all[1]));
        assert_eq!(folders(&text[..text.len() - 1]).count(), 2);
    }
}
