//! Which files a graph is about, as one text: kept with it, to tell what came and went since.
//!
//! ```text
//! for each folder: its path, NUL, the name of each of its files and NUL, NUL
//! ```
//! Files are numbered in this order, so the text tells the numbers too.

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
    for (at, (path, first)) in layout.folders.iter().enumerate() {
        push(&mut text, path.as_bytes());
        let end = layout.folders.get(at + 1).map_or(layout.data_from, |next| next.1);
        let files = &layout.files[*first as usize..end as usize];
        files.iter().for_each(|file| push(&mut text, file.name()));
        text.push(0);
    }
    text
}

fn push(text: &mut Vec<u8>, name: &[u8]) {
    text.extend_from_slice(name);
    text.push(0);
}

/// The folders of an outline, in its order.
pub(crate) fn folders(text: &[u8]) -> impl Iterator<Item = OutlinedFolder<'_>> {
    let (mut rest, mut first) = (text, 0);
    std::iter::from_fn(move || {
        let (path, files) = split(rest)?;
        let (mut after, mut end) = (files, first);
        loop {
            let (name, next) = split(after)?;
            after = next;
            if name.is_empty() {
                break;
            }
            end += 1;
        }
        let names = &files[..files.len() - after.len() - 1];
        let folder = OutlinedFolder { path, first, end, names };
        (rest, first) = (after, end);
        Some(folder)
    })
}

/// What stands before the first NUL, and what after it.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(0, text)?;
    Some((&text[..at], &text[at + 1..]))
}

impl<'t> OutlinedFolder<'t> {
    /// Its files, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'t [u8]> + use<'t> {
        let mut rest = self.names;
        std::iter::from_fn(move || {
            let (name, after) = split(rest)?;
            rest = after;
            Some(name)
        })
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
        let text = b"\0a.py\0b.py\0\0empty\0\0pkg/sub\0c.py\0\0";
        let all: Vec<_> = folders(text).collect();
        let places: Vec<_> = all.iter().map(|one| (one.path, one.first, one.end)).collect();
        assert_eq!(places, [(&b""[..], 0, 2), (b"empty", 2, 2), (b"pkg/sub", 2, 3)]);
        assert_eq!(all[0].names().collect::<Vec<_>>(), [b"a.py", b"b.py"]);
        assert_eq!(all[1].names().count(), 0);
        assert!(!all[0].lists_the_same(&all[1]));
        assert_eq!(folders(b"torn\0a.p").count(), 0);
    }
}
