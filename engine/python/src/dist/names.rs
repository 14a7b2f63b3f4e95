//! From installed files to import names: what a distribution can be imported by, told from the paths
//! of its files. Knows paths, not contents.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// The import names of a set of files, each a path below `site-packages` with `/` between segments.
///
/// A package is named by its topmost folder with an `__init__`; folders without one (and those in
/// `namespaces`, whose `__init__` several distributions bring) are only the way to it.
pub(super) fn of_files<'a>(
    files: impl IntoIterator<Item = &'a str>,
    namespaces: &[String],
) -> Vec<Arc<str>> {
    let modules: Vec<(&str, &str)> = files.into_iter().filter_map(module).collect();
    let shared: HashSet<String> = namespaces.iter().map(|name| name.replace('.', "/")).collect();
    let packages: HashSet<&str> = modules
        .iter()
        .filter(|(folder, stem)| *stem == "__init__" && !shared.contains(*folder))
        .map(|(folder, _)| *folder)
        .collect();
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut last = ("", false);
    for (folder, stem) in modules {
        if folder != last.0 || folder.is_empty() {
            let package = ancestors(folder).find(|above| packages.contains(above));
            last = (folder, package.is_some());
            if let Some(package) = package {
                names.insert(package.replace('/', "."));
            }
        }
        match (last.1, folder) {
            (true, _) => {}
            (false, _) if matches!(stem, "__init__" | "__main__") => {}
            (false, "") => drop(names.insert(stem.to_string())),
            (false, folder) => drop(names.insert(format!("{}.{stem}", folder.replace('/', ".")))),
        }
    }
    names.into_iter().map(Arc::from).collect()
}

/// The folder and stem of a file that can be imported: `.py`, `.pyi`, `.pyc` beside, an extension
/// module such as `_x.cpython-311-x86_64-linux-gnu.so`.
fn module(file: &str) -> Option<(&str, &str)> {
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let stem = stem(name)?;
    let importable = |(i, segment): (usize, &str)| {
        is_identifier(segment)
            || (i == 0 && segment.strip_suffix("-stubs").is_some_and(is_identifier))
    };
    let whole = folder.is_empty() || folder.split('/').enumerate().all(importable);
    (whole && !folder.ends_with("__pycache__")).then_some((folder, stem))
}

/// The name that the file `name` is imported by.
pub(super) fn stem(name: &str) -> Option<&str> {
    let (first, _) = name.split_once('.')?;
    let (rest, suffix) = name.rsplit_once('.')?;
    let stem = match suffix {
        "py" | "pyi" | "pyc" if rest == first => first,
        "so" | "pyd" => first,
        _ => return None,
    };
    is_identifier(stem).then_some(stem)
}

/// What may stand after `import`, near enough.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}

/// `a`, `a/b`, `a/b/c`.
fn ancestors(folder: &str) -> impl Iterator<Item = &str> {
    let ends = folder.match_indices('/').map(|(at, _)| at).chain([folder.len()]);
    ends.map(|end| &folder[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &str, namespaces: &str, expected: &str) {
        let namespaces: Vec<String> = namespaces.split_whitespace().map(str::to_string).collect();
        assert_eq!(of_files(files.split_whitespace(), &namespaces).join(" "), expected);
    }

    #[test]
    fn packages_and_modules_are_named_by_their_top() {
        check("yaml/__init__.py yaml/cyaml.py yaml/sub/x.py _yaml/__init__.py", "", "_yaml yaml");
        check("six.py six-1.0.dist-info/METADATA x.pth README.txt", "", "six");
        check("__init__.py __main__.py setup.txt", "", "");
        check("__pycache__/six.cpython-311.pyc six.py", "", "six");
        check("../../bin/x.py 9lives.py a-b/c.py foo-1.0.data/x.py", "", "");
    }

    #[test]
    fn extension_modules_count() {
        check(
            "_x.cpython-311-x86_64-linux-gnu.so y.abi3.so z.pyd w.cp311-win_amd64.pyd",
            "",
            "_x w y z",
        );
        check("lib/libfoo.so.1 numpy.libs/libz.so", "", "");
        check("pkg/__init__.cpython-311-darwin.so pkg/a.py", "", "pkg");
        check("bare.pyc", "", "bare");
    }

    #[test]
    fn parts_of_a_namespace_are_named_apart() {
        check(
            "google/cloud/storage/__init__.py google/cloud/storage/blob.py google/cloud/_x.py",
            "",
            "google.cloud._x google.cloud.storage",
        );
        check("zope/__init__.py zope/interface/__init__.py", "zope", "zope.interface");
        check("a/__init__.py a/b/__init__.py a/b/c/__init__.py", "a a.b", "a.b.c");
        check("a/__init__.py a/b/c/d.py", "", "a");
    }

    #[test]
    fn stubs_keep_their_name() {
        check("requests-stubs/__init__.pyi requests-stubs/api.pyi", "", "requests-stubs");
        check("google-stubs/protobuf/__init__.pyi", "", "google-stubs.protobuf");
        check("typed.pyi", "", "typed");
        check("a/b-stubs/__init__.pyi", "", "");
    }
}
