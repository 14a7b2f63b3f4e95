//! Distributions that are imported in place: what their `.pth` files and finders point at, and what
//! can be imported from there. Knows installers' habits, and nothing of metadata.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::look::{self, Look};
use super::names::{is_identifier, stem};

/// What a `.pth` file adds to the path: each line that is neither a comment nor code, as a path
/// relative to the folder of the file.
pub(super) fn pth_folders(text: &str, site: &Path) -> Vec<PathBuf> {
    let code = |line: &&str| line.starts_with("import ") || line.starts_with("import\t");
    let lines = text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
    lines
        .filter(|line| !line.starts_with('#'))
        .filter(|line| !code(line))
        .map(|line| site.join(line))
        .collect()
}

/// The import names that setuptools' finder module (`__editable___x_finder.py`) maps to places, and
/// the places: the literal that is assigned to `MAPPING`.
pub(super) fn finder_mapping(text: &str) -> Vec<(Arc<str>, PathBuf)> {
    let Some(line) = text.lines().find(|line| line.starts_with("MAPPING")) else {
        return Vec::new();
    };
    let Some((_, literal)) = line.split_once('{') else { return Vec::new() };
    let strings = string_literals(literal);
    let pairs = strings.chunks_exact(2);
    pairs.map(|pair| (Arc::from(pair[0].as_str()), PathBuf::from(&pair[1]))).collect()
}

/// The Python string literals in `text`, up to the brace that closes it.
fn string_literals(text: &str) -> Vec<String> {
    let mut strings = Vec::new();
    let mut chars = text.chars();
    while let Some(quote) = chars.find(|c| matches!(c, '\'' | '"' | '}')) {
        if quote == '}' {
            break;
        }
        let mut string = String::new();
        while let Some(c) = chars.next() {
            match c {
                '\\' => string.extend(chars.next()),
                c if c == quote => break,
                c => string.push(c),
            }
        }
        strings.push(string);
    }
    strings
}

/// How deep a namespace package is followed, and how many folders are looked at for one place: a
/// project's folder may hold anything.
const DEEPEST: usize = 3;
const MOST_FOLDERS: usize = 200;

/// What can be imported from `folder`, and the folders that were looked at to tell.
pub(super) fn importable(look: &dyn Look, folder: &Path) -> (Vec<Arc<str>>, Vec<PathBuf>) {
    let mut seen = Vec::new();
    let mut names = BTreeSet::new();
    let mut queue = vec![(folder.to_path_buf(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = queue.pop() {
        let Ok(members) = look.list(&folder) else { continue };
        let files = members.iter().filter(|member| !member.is_folder);
        let stems: Vec<&str> = files.filter_map(|file| stem(file.name.to_str()?)).collect();
        if depth > 0 && stems.contains(&"__init__") {
            names.insert(Arc::from(prefix.as_str()));
            continue;
        }
        // What is added to a package does not change its name, so its folder need not be watched.
        seen.push(folder.clone());
        let below =
            |name: &str| if depth == 0 { name.to_string() } else { format!("{prefix}.{name}") };
        let scripts = ["__init__", "__main__", "setup", "conftest"];
        let modules = stems.iter().filter(|stem| !scripts.contains(stem));
        names.extend(modules.map(|stem| Arc::from(below(stem))));
        if depth == DEEPEST || seen.len() >= MOST_FOLDERS {
            continue;
        }
        let folders = members.iter().filter(|member| member.is_folder);
        let named = folders.filter_map(|folder| folder.name.to_str());
        for name in named.filter(|name| is_identifier(name) && *name != "__pycache__") {
            queue.push((folder.join(name), below(name), depth + 1));
        }
    }
    (names.into_iter().collect(), seen)
}

/// The folder of the project that `place` belongs to: the nearest at or above it that says how it is
/// built, as `src` lies below it.
pub(super) fn project_of(look: &dyn Look, place: &Path) -> PathBuf {
    let built = |folder: &&Path| {
        ["pyproject.toml", "setup.py", "setup.cfg"]
            .iter()
            .any(|name| look.stamp(&folder.join(name)).is_ok())
    };
    place.ancestors().take(3).find(built).unwrap_or(place).to_path_buf()
}

/// The folder that an `.egg-link` points at: its first line.
pub(super) fn egg_link(look: &dyn Look, file: &Path) -> Option<PathBuf> {
    let text = look::text(look, file)?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| PathBuf::from(line))
}

#[cfg(test)]
mod tests {
    use super::super::look::memory::Memory;
    use super::*;

    #[test]
    fn pth_files_hold_folders_comments_and_code() {
        let found = pth_folders("# no\nimport sys; x()\n/a/src\n../b \n\n", Path::new("/site"));
        assert_eq!(found, [PathBuf::from("/a/src"), PathBuf::from("/site/../b")]);
    }

    #[test]
    fn a_finder_names_its_places() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let found = finder_mapping(text);
            let found: Vec<_> =
                found.iter().map(|(name, path)| (&**name, path.to_str().unwrap())).collect();
            assert_eq!(found, expected, "{text}");
        };
        check(
            "import sys\nMAPPING: dict[str, str] = {'a': '/x/a', \"b.c\": '/y/\\'c'}\nNAMESPACES: dict = {'n': ['/z']}\n",
            &[("a", "/x/a"), ("b.c", "/y/'c")],
        );
        check("MAPPING = {}\n", &[]);
        check("MAPPING = {'open", &[]);
        check("MAPPING", &[]);
        check("", &[]);
    }

    #[test]
    fn folders_are_searched_for_what_can_be_imported() {
        let look = Memory::new(&[
            ("/p/pkg/__init__.py", ""),
            ("/p/pkg/sub/__init__.py", ""),
            ("/p/single.py", ""),
            ("/p/setup.py", ""),
            ("/p/space/part/__init__.py", ""),
            ("/p/space/deep/er/still/x.py", ""),
            ("/p/.git/x.py", ""),
            ("/p/a-b/x.py", ""),
            ("/p/README.md", ""),
        ]);
        let (names, seen) = importable(&look, Path::new("/p"));
        assert_eq!(names.join(" "), "pkg single space.part");
        assert!(seen.contains(&"/p/space".into()) && !seen.contains(&"/p/.git".into()));
        assert_eq!(importable(&look, Path::new("/none")), (vec![], vec![]));
    }

    #[test]
    fn the_project_of_a_source_folder_is_above_it() {
        let look = Memory::new(&[("/p/pyproject.toml", ""), ("/p/src/a.py", ""), ("/q/a.py", "")]);
        assert_eq!(project_of(&look, Path::new("/p/src")), PathBuf::from("/p"));
        assert_eq!(project_of(&look, Path::new("/q")), PathBuf::from("/q"));
    }
}
