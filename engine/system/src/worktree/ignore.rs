//! Which names git ignores below a folder, and which are droppings of tools. Does not know what is
//! tracked, and reads no files: texts are handed in.

use std::path::Path;
use std::sync::Arc;

use bstr::{BStr, ByteSlice};
use gix::glob::pattern::Case;
use gix::ignore::search::{Ignore, pattern_matching_relative_path};
use qik_model::RelPath;

use super::attributes::Attributes;
use crate::STATE_FOLDER;

type List = gix::glob::search::pattern::List<Ignore>;

/// What the ignore and attribute files from the top down to a folder say.
#[derive(Debug)]
pub(super) struct Rules {
    pub ignore: Option<Arc<IgnoreFile>>,
    pub attributes: Arc<Attributes>,
    /// What tells these rules from others: the texts of the files in this folder, and the rules
    /// above.
    texts: Vec<Vec<u8>>,
    above: Option<Arc<Rules>>,
}

/// An ignore file, with the ones that it is asked before.
#[derive(Debug)]
pub(super) struct IgnoreFile {
    list: List,
    above: Option<Arc<IgnoreFile>>,
}

impl Rules {
    pub fn new(attributes: Attributes) -> Self {
        Self { ignore: None, attributes: Arc::new(attributes), texts: Vec::new(), above: None }
    }

    /// With a file that is no folder's: `info/exclude`, `core.excludesFile`.
    pub fn with_global_ignore(mut self, text: &[u8]) -> Self {
        self.ignore = Some(IgnoreFile::new(text, Path::new("exclude"), None, self.ignore));
        self.texts.push(text.to_vec());
        self
    }

    /// These rules with the files found in `folder`, a path from the top of the repository.
    pub fn enter(
        self: &Arc<Self>,
        folder: &Path,
        ignores: Vec<Vec<u8>>,
        attributes: Option<Vec<u8>>,
    ) -> Arc<Self> {
        if ignores.is_empty() && attributes.is_none() {
            return self.clone();
        }
        let mut ignore = self.ignore.clone();
        for text in &ignores {
            let source = folder.join(".gitignore");
            ignore = Some(IgnoreFile::new(text, &source, Some(Path::new("")), ignore));
        }
        let mut texts = ignores;
        let own = match attributes {
            Some(text) => {
                let own = Arc::new(self.attributes.with_folder(folder, &text));
                // Kept apart from ignore texts, so that neither can pass for the other.
                texts.push([b"attributes\n".as_slice(), &text].concat());
                own
            }
            None => self.attributes.clone(),
        };
        Arc::new(Self { ignore, attributes: own, texts, above: Some(self.clone()) })
    }

    /// Whether git ignores `path` (from the top of the repository), if it is not tracked and the
    /// folder that holds it is not ignored.
    pub fn ignores(&self, path: &BStr, is_folder: bool, case: Case) -> bool {
        let name_at = path.rfind_byte(b'/').map(|at| at + 1);
        let mut next = self.ignore.as_deref();
        while let Some(file) = next {
            let found =
                pattern_matching_relative_path(&file.list, path, name_at, Some(is_folder), case);
            if let Some(found) = found {
                return !found.pattern.is_negative();
            }
            next = file.above.as_deref();
        }
        false
    }

    /// Whether both say the same of everything below.
    pub fn same_as(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        let (mut one, mut two) = (self, other);
        loop {
            if Arc::ptr_eq(one, two) {
                return true;
            }
            if one.texts != two.texts {
                return false;
            }
            match (&one.above, &two.above) {
                (Some(a), Some(b)) => (one, two) = (a, b),
                (None, None) => return true,
                _ => return false,
            }
        }
    }
}

impl IgnoreFile {
    fn new(text: &[u8], source: &Path, root: Option<&Path>, above: Option<Arc<Self>>) -> Arc<Self> {
        let list = List::from_bytes(text, source.to_path_buf(), root, Ignore::default());
        // It fails only for a source without a parent, which these are not.
        Arc::new(Self { list: list.unwrap_or_default(), above })
    }
}

/// Whether the folder `name` in `parent` holds no files of the project, whatever git says of it.
pub(crate) fn is_never_listed(parent: &RelPath, name: &[u8]) -> bool {
    name == b".git"
        || name == STATE_FOLDER.as_bytes()
        || (name == b"cache" && parent.as_bytes() == b".qik")
        || (name == b"pygraph" && parent.as_bytes() == b".qik/artifacts")
}

/// Whether a file or folder of that name is what tools leave behind.
pub(super) fn is_dropping(name: &[u8], is_folder: bool) -> bool {
    if is_folder {
        return name == b"__pycache__" || name.starts_with(b".") && name.ends_with(b"_cache");
    }
    // `.coveragerc` is a configuration that somebody wrote.
    name.ends_with(b".pyc")
        || name == b".DS_Store"
        || name.starts_with(b".coverage") && name != b".coveragerc"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worktree::attributes::Conversion;

    fn rules(files: &[(&str, &str)]) -> Arc<Rules> {
        let top = Rules::new(Attributes::new(Conversion::Raw, Case::Sensitive));
        let mut rules = Arc::new(top.with_global_ignore(b"*.global\n"));
        for (folder, text) in files {
            rules = rules.enter(Path::new(folder), vec![text.as_bytes().to_vec()], None);
        }
        rules
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], path: &str, is_folder: bool, ignored: bool) {
        let got = rules(files).ignores(path.into(), is_folder, Case::Sensitive);
        assert_eq!(got, ignored, "{files:?} {path}");
    }

    #[test]
    fn the_deepest_file_that_speaks_decides() {
        let files = [("", "*.log\n/build/\n"), ("a", "!keep.log\n")];
        check(&files, "x.log", false, true);
        check(&files, "a/x.log", false, true);
        check(&files, "a/keep.log", false, false);
        check(&files, "build", true, true);
        check(&files, "build", false, false);
        check(&files, "a/build", true, false);
        check(&files, "a/x.global", false, true);
    }

    #[test]
    fn equal_texts_are_equal_rules() {
        assert!(rules(&[("", "a"), ("b", "c")]).same_as(&rules(&[("", "a"), ("b", "c")])));
        assert!(!rules(&[("", "a"), ("b", "c")]).same_as(&rules(&[("", "x"), ("b", "c")])));
        assert!(!rules(&[("", "a")]).same_as(&rules(&[])));
    }

    #[test]
    fn tools_droppings_are_known_by_name() {
        for (name, is_folder) in
            [("__pycache__", true), (".ruff_cache", true), ("a.pyc", false), (".coverage.1", false)]
        {
            assert!(is_dropping(name.as_bytes(), is_folder), "{name}");
            assert!(!is_dropping(name.as_bytes(), !is_folder), "{name}");
        }
        assert!(!is_dropping(b".coveragerc", false));
    }
}
