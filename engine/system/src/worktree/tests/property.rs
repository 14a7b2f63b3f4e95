//! For any history of edits, a refresh of what was edited yields what a fresh scan yields, and what
//! git says.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Write(&'static str, &'static str),
    Remove(&'static str),
    Link(&'static str, &'static str),
    Move(&'static str, &'static str),
    Execute(&'static str),
    Add,
    Save,
}

fn place() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a", "b", "d/a", "d/b", "d/e/a", "d/e", "d", "d-x/a", "no.log", "d/no.log", "build/x",
        "f/g/h/i",
    ])
}

fn text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "one", "two", "x\r\ny\r\n", "x\ny\n", "*.log\nbuild/\n"])
}

fn step() -> impl Strategy<Value = Step> {
    let rules = prop::sample::select(vec![".gitignore", "d/.gitignore", ".gitattributes"]);
    let rule =
        prop::sample::select(vec!["", "a\n", "*.log\n", "/build/\n!b\n", "* text\n", "d/\n"]);
    prop_oneof![
        6 => (place(), text()).prop_map(|(path, text)| Step::Write(path, text)),
        2 => place().prop_map(Step::Remove),
        1 => (place(), place()).prop_map(|(path, target)| Step::Link(path, target)),
        2 => (place(), place()).prop_map(|(from, to)| Step::Move(from, to)),
        1 => place().prop_map(Step::Execute),
        1 => (rules, rule).prop_map(|(path, text)| Step::Write(path, text)),
        1 => Just(Step::Add),
        1 => Just(Step::Save),
    ]
}

impl Step {
    /// Does it, as far as that is possible, and answers what was touched.
    fn take(&self, repo: &Repo, tree: &mut WorkTree) -> Vec<RelPath> {
        let full = |path: &str| repo.project.join(path);
        let through_link = |path: &str| {
            Path::new(path).ancestors().skip(1).any(|above| full_of(repo, above).is_symlink())
        };
        match *self {
            Self::Write(path, text) if !through_link(path) && !full(path).is_symlink() => {
                let _ = std::fs::create_dir_all(full(path).parent().unwrap());
                let _ = std::fs::write(full(path), text);
                if path == ".gitattributes" {
                    // Git takes an entry that is clean by its stamps as it was added, even if it
                    // would be converted otherwise by now. Which answer it gives then depends on
                    // how fast it was asked; with the index in line there is one.
                    repo.git(&["rm", "-rfq", "--cached", "--ignore-unmatch", "."]);
                    repo.git(&["-c", "core.safecrlf=false", "add", "-A"]);
                }
                vec![path.into()]
            }
            Self::Remove(path) if !through_link(path) => {
                let _ = std::fs::remove_file(full(path));
                if !full(path).is_symlink() {
                    let _ = std::fs::remove_dir_all(full(path));
                }
                vec![path.into()]
            }
            Self::Link(path, target) if !through_link(path) => {
                let _ = std::os::unix::fs::symlink(target, full(path));
                vec![path.into()]
            }
            Self::Move(from, to) if !through_link(from) && !through_link(to) => {
                let _ = std::fs::rename(full(from), full(to));
                vec![from.into(), to.into()]
            }
            Self::Execute(path) if full(path).is_file() && !full(path).is_symlink() => {
                repo.set_mode(path, 0o755);
                vec![path.into()]
            }
            Self::Add => {
                repo.git(&["-c", "core.safecrlf=false", "add", "-A"]);
                Vec::new()
            }
            Self::Save => {
                tree.save().unwrap();
                Vec::new()
            }
            _ => Vec::new(),
        }
    }
}

fn full_of(repo: &Repo, path: &Path) -> PathBuf {
    repo.project.join(path)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_refreshed_tree_is_a_fresh_one(steps in prop::collection::vec(prop::collection::vec(step(), 1..6), 1..8)) {
        let repo = Repo::new();
        let (mut tree, _) = repo.open(TreeOptions::default());
        tree.scan();
        for batch in &steps {
            let before = files_of(&tree);
            let revision = tree.revision();
            let mut scope = Vec::new();
            for step in batch {
                scope.extend(step.take(&repo, &mut tree));
            }
            let delta = tree.refresh(&scope);
            let after = files_of(&tree);
            prop_assert_eq!(&after, &repo.scan());
            prop_assert_eq!(&after, &repo.oracle());
            // Every difference is told as a touch.
            let touched = tree.touched_since(revision, &|_| true);
            prop_assert_eq!(&touched, &delta.touched);
            for path in before.keys().chain(after.keys()) {
                if before.get(path) != after.get(path) {
                    prop_assert!(touched.contains(path), "{} was not told", path);
                }
            }
        }
    }
}
