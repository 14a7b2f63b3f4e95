//! How git would convert a file on its way into the repository, by the attributes that apply to
//! it. Does not read files: texts are handed in.

use std::path::{Path, PathBuf};

use bstr::{BStr, ByteSlice};
use gix::attrs::search::{MetadataCollection, Outcome};
use gix::attrs::{Search, StateRef};
use gix::glob::pattern::Case;

/// How the bytes of a file become those that git stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    /// Not at all. Also the lot of what an external filter, `ident` or an encoding applies to: its
    /// identity is that of its raw bytes, and the index says nothing about those.
    Raw,
    /// `\r\n` becomes `\n`.
    Text,
    /// The same, if it looks like text.
    Guess,
}

/// What applies to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Treatment {
    pub conversion: Conversion,
    /// Whether what the index holds may be other bytes than those on disk, by more than line ends.
    pub index_differs: bool,
}

impl Treatment {
    pub const PLAIN: Self = Self { conversion: Conversion::Raw, index_differs: false };
}

/// The attribute files that apply below a folder.
#[derive(Clone, Debug)]
pub(super) struct Attributes {
    search: Search,
    collection: MetadataCollection,
    /// `info/attributes`, which overrides all others.
    last: Option<Vec<u8>>,
    /// What files get that no attribute speaks of.
    by_config: Conversion,
    /// Whether any file names an attribute that matters here. Most projects never do, and then no
    /// path is matched at all.
    speaks_of_filters: bool,
    speaks_of_line_ends: bool,
    case: Case,
}

const NAMES: [&str; 6] = ["crlf", "ident", "filter", "eol", "text", "working-tree-encoding"];

impl Attributes {
    /// Before any attribute file.
    pub fn new(by_config: Conversion, case: Case) -> Self {
        let mut collection = MetadataCollection::default();
        let no_files: [PathBuf; 0] = [];
        let search =
            Search::new_globals(no_files, &mut Vec::new(), &mut collection).unwrap_or_default();
        Self {
            search,
            collection,
            last: None,
            by_config,
            speaks_of_filters: false,
            speaks_of_line_ends: false,
            case,
        }
    }

    /// With a file of the user or the machine.
    pub fn with_global(mut self, text: &[u8]) -> Self {
        self.add(text, None, true);
        self
    }

    /// With the repository's `info/attributes`.
    pub fn with_last(mut self, text: Vec<u8>) -> Self {
        self.add(&text, None, true);
        self.last = Some(text);
        self
    }

    /// With the `.gitattributes` of a folder of the repository.
    pub fn with_folder(&self, folder: &Path, text: &[u8]) -> Self {
        let mut more = self.clone();
        if more.last.is_some() {
            more.search.pop_pattern_list();
        }
        more.add(text, Some(folder), folder.as_os_str().is_empty());
        if let Some(last) = more.last.clone() {
            more.add(&last, None, true);
        }
        more
    }

    /// Whether some path below may be treated unlike plain bytes.
    pub fn matter(&self) -> bool {
        self.speaks_of_filters || self.line_ends_matter()
    }

    /// Whether a file whose index entry is clean may need to be read all the same.
    pub fn clean_entries_need_a_look(&self) -> bool {
        self.speaks_of_filters
    }

    /// What applies to `path`, relative to the git root.
    pub fn treatment(&self, path: &BStr, out: &mut Outcome) -> Treatment {
        if !self.matter() {
            return Treatment::PLAIN;
        }
        out.initialize_with_selection(&self.collection, NAMES);
        self.search.pattern_matching_relative_path(path, self.case, Some(false), out);
        let states: Vec<StateRef<'_>> =
            out.iter_selected().map(|found| found.assignment.state).collect();
        let &[crlf, ident, filter, eol, text, encoding] = states.as_slice() else {
            return Treatment::PLAIN;
        };
        let index_differs =
            ident.is_set() || is_value(filter) || filter.is_set() || is_value(encoding);
        let conversion = match index_differs {
            true => Conversion::Raw,
            false => self.line_ends(text, crlf, eol),
        };
        Treatment { conversion, index_differs }
    }

    /// As git's `convert_attrs` reads `text`, `crlf` and `eol`.
    fn line_ends(&self, text: StateRef<'_>, crlf: StateRef<'_>, eol: StateRef<'_>) -> Conversion {
        let by_text = text_state(text).or_else(|| text_state(crlf));
        let by_eol = matches!(value(eol), Some(b"lf" | b"crlf"));
        match by_text {
            Some(Conversion::Raw) => Conversion::Raw,
            Some(Conversion::Guess) => Conversion::Guess,
            Some(Conversion::Text) => Conversion::Text,
            None if by_eol => Conversion::Text,
            None => self.by_config,
        }
    }

    fn line_ends_matter(&self) -> bool {
        self.speaks_of_line_ends || self.by_config != Conversion::Raw
    }

    fn add(&mut self, text: &[u8], folder: Option<&Path>, macros: bool) {
        let mentions = |words: &[&str]| words.iter().any(|word| text.contains_str(word));
        self.speaks_of_filters |= mentions(&["filter", "ident", "working-tree-encoding"]);
        self.speaks_of_line_ends |= mentions(&["text", "eol", "crlf"]);
        let (source, root) = match folder {
            Some(folder) => (folder.join(".gitattributes"), Some(Path::new(""))),
            None => (PathBuf::from("attributes"), None),
        };
        // It fails only for a source without a parent, which these are not.
        let _ = self.search.add_patterns_buffer(text, source, root, &mut self.collection, macros);
    }
}

fn text_state(state: StateRef<'_>) -> Option<Conversion> {
    match state {
        StateRef::Set => Some(Conversion::Text),
        StateRef::Unset => Some(Conversion::Raw),
        StateRef::Unspecified => None,
        StateRef::Value(_) => match value(state) {
            Some(b"input") => Some(Conversion::Text),
            Some(b"auto") => Some(Conversion::Guess),
            _ => None,
        },
    }
}

fn value(state: StateRef<'_>) -> Option<&[u8]> {
    match state {
        StateRef::Value(value) => Some(value.as_bstr().as_bytes()),
        _ => None,
    }
}

fn is_value(state: StateRef<'_>) -> bool {
    matches!(state, StateRef::Value(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], path: &str, conversion: Conversion, index_differs: bool) {
        let mut attributes = Attributes::new(Conversion::Raw, Case::Sensitive);
        for (folder, text) in files {
            attributes = attributes.with_folder(Path::new(folder), text.as_bytes());
        }
        let got = attributes.treatment(path.into(), &mut Outcome::default());
        assert_eq!(got, Treatment { conversion, index_differs }, "{files:?} {path}");
    }

    #[test]
    fn the_deeper_file_and_the_later_line_win() {
        let files = [("", "* text=auto\n*.bin binary\n"), ("a", "*.bin text\n")];
        check(&files, "x.py", Conversion::Guess, false);
        check(&files, "x.bin", Conversion::Raw, false);
        check(&files, "a/x.bin", Conversion::Text, false);
        check(&[("a", "* text")], "b/x", Conversion::Raw, false);
    }

    #[test]
    fn an_end_of_line_alone_means_text() {
        check(&[("", "*.bat eol=crlf")], "x.bat", Conversion::Text, false);
        check(&[("", "*.bat -text eol=crlf")], "x.bat", Conversion::Raw, false);
        check(&[("", "* crlf=input")], "x", Conversion::Text, false);
    }

    #[test]
    fn filters_make_the_index_no_witness() {
        check(&[("", "*.psd filter=lfs -text")], "x.psd", Conversion::Raw, true);
        check(&[("", "*.c ident text")], "x.c", Conversion::Raw, true);
        check(&[("", "*.r working-tree-encoding=UTF-16 text")], "x.r", Conversion::Raw, true);
        check(&[("", "* filter=lfs\n*.c -filter")], "x.c", Conversion::Raw, false);
    }

    #[test]
    fn the_last_file_overrides_folders() {
        let attributes = Attributes::new(Conversion::Raw, Case::Sensitive)
            .with_global(b"* -text")
            .with_last(b"*.c text".to_vec())
            .with_folder(Path::new("a"), b"*.c -text\n*.d text");
        let mut out = Outcome::default();
        let mut conversion = |path: &str| attributes.treatment(path.into(), &mut out).conversion;
        assert_eq!(conversion("a/x.c"), Conversion::Text);
        assert_eq!(conversion("a/x.d"), Conversion::Text);
        assert_eq!(conversion("x.d"), Conversion::Raw);
    }
}
