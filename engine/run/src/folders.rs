//! Empty folders among the artifacts of a runnable. Inputs are files alone, so nobody else looks for
//! folders; a tool that finds its output folder missing after a replay is another matter.

use qik_model::{GlobSet, RelPath};
use qik_system::{StatKind, System};

/// The folders without anything in them in which every file would be an artifact. Where a pattern
/// begins with a wildcard the whole project would have to be walked, so those find none.
pub(crate) fn empty_folders(system: &dyn System, globs: &GlobSet) -> Vec<RelPath> {
    let mut found = Vec::new();
    for base in globs.bases().into_iter().filter(|base| !base.is_root()) {
        if system.stat(&base).is_ok_and(|stat| stat.kind == StatKind::Folder) {
            visit(system, globs, base, &mut found);
        }
    }
    found
}

/// Whether whatever comes to lie in the folder is an artifact.
pub(crate) fn takes_all_of(globs: &GlobSet, folder: &RelPath) -> bool {
    globs.matches(&folder.join("any name"))
}

fn visit(system: &dyn System, globs: &GlobSet, folder: RelPath, found: &mut Vec<RelPath>) {
    let Ok(look) = system.look(&folder) else { return };
    if look.items.is_empty() && takes_all_of(globs, &folder) {
        found.push(folder);
        return;
    }
    for item in look.items.iter().filter(|item| item.stat.kind == StatKind::Folder) {
        let is_other = [&b".git"[..], b"._qik"].iter().any(|name| *item.name == **name);
        let below = folder.join(&item.name);
        if !is_other && globs.may_match_below(&below) {
            visit(system, globs, below, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use qik_system::MemorySystem;

    use super::*;

    #[track_caller]
    fn check(globs: &[&str], expected: &[&str]) {
        let system = MemorySystem::new().with_file("dist/a/b.js", "").with_file("dist/c/d", "");
        for folder in ["dist/empty/er", "dist/a/x.js", "dist/.git/refs", "src/none", "dist/skip"] {
            system.create_dir_all(&folder.into()).unwrap();
        }
        let found = empty_folders(&system, &GlobSet::new(globs.iter().copied()).unwrap());
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{globs:?}");
    }

    #[test]
    fn folders_count_where_all_in_them_would() {
        let all = ["dist/a/x.js", "dist/empty/er", "dist/skip"];
        check(&["dist"], &all);
        check(&["dist/**"], &all);
        check(&["dist", "!dist/skip"], &all[..2]);
        check(&["src/none"], &["src/none"]);
        check(&["src/none/**"], &["src/none"]);
        check(&["dist/**.js", "dist/a/*.js"], &[]);
        check(&["**"], &[]);
        check(&["nowhere", "dist/c/d"], &[]);
    }
}
