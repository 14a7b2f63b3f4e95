//! Folders that did not change are not listed by the next process, and none that did is missed.

use std::os::unix::ffi::OsStrExt;

use super::*;

/// A new process: what it listed, and whether what it found is what there is.
fn look(repo: &Repo, tick: Tick) -> (Vec<String>, bool) {
    let system = Arc::new(Watched::with_tick(OsSystem::new(&repo.project), tick));
    let mut tree = WorkTree::open(system.clone(), TreeOptions::default());
    assert_eq!(tree.scan().notes, []);
    tree.save().unwrap();
    let found: Vec<RelPath> = files_of(&tree).into_keys().collect();
    (system.listed(), found == on_disk(repo))
}

/// All files, by asking the disk alone.
fn on_disk(repo: &Repo) -> Vec<RelPath> {
    let mut files = Vec::new();
    let mut open = vec![RelPath::root()];
    while let Some(folder) = open.pop() {
        for item in std::fs::read_dir(folder.to_path(&repo.project)).unwrap() {
            let item = item.unwrap();
            let path = folder.join(item.file_name().as_bytes());
            match item.file_type().unwrap().is_dir() {
                true if path.name() == b"._qik" || path.name() == b".git" => {}
                true => open.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    files
}

/// A repository whose folders are all remembered.
fn remembered() -> Repo {
    let repo = Repo::plain();
    for path in ["a", "d/b", "d/e/c", "d/e/x", "f/g/h"] {
        repo.write(path, path);
    }
    // The first one makes qik's own folder.
    for _ in 0..2 {
        settle();
        look(&repo, Tick::OfTheDisk);
    }
    settle();
    repo
}

#[track_caller]
fn check(change: impl FnOnce(&Repo), expected: &[&str]) {
    let repo = remembered();
    change(&repo);
    let (listed, right) = look(&repo, Tick::OfTheDisk);
    assert!(right);
    assert_eq!(listed, expected);
}

#[test]
fn folders_that_did_not_change_are_not_listed_again() {
    check(|_| {}, &[]);
    check(|repo| repo.write("d/b", "other"), &[]);
}

#[test]
fn folders_whose_members_came_went_or_moved_are_listed_again() {
    check(|repo| repo.write("d/e/new", ""), &["d/e"]);
    check(|repo| repo.write("n/o/p", ""), &[".", "n", "n/o"]);
    check(|repo| repo.remove("d/e/c"), &["d/e"]);
    check(|repo| std::fs::remove_dir_all(repo.root.join("f")).unwrap(), &["."]);
    let move_to = |from: &'static str, to: &'static str| {
        move |repo: &Repo| std::fs::rename(repo.root.join(from), repo.root.join(to)).unwrap()
    };
    check(move_to("d/e/c", "d/e/z"), &["d/e"]);
    check(move_to("d/e/c", "f/g/h"), &["d/e", "f/g"]);
    check(move_to("d/e", "f/e"), &["d", "f", "f/e"]);
}

#[test]
fn a_file_that_became_a_folder_is_seen() {
    let swap = |repo: &Repo| {
        repo.remove("d/e/c");
        repo.write("d/e/c/inner", "");
    };
    check(swap, &["d/e", "d/e/c"]);
}

#[test]
fn a_stamp_that_was_put_back_is_no_stamp_of_old() {
    let change = |repo: &Repo| {
        let folder = std::fs::File::open(repo.root.join("d/e")).unwrap();
        let before = folder.metadata().unwrap().modified().unwrap();
        repo.write("d/e/new", "");
        folder.set_modified(before).unwrap();
    };
    check(change, &["d/e"]);
}

#[test]
fn rules_count_where_no_folder_is_listed() {
    let repo = Repo::new();
    for path in [".gitignore", "d/.gitignore", "d/x.log", "d/y"] {
        repo.write(path, "");
    }
    for _ in 0..2 {
        settle();
        look(&repo, Tick::OfTheDisk);
    }
    settle();
    repo.write(".gitignore", "*.log\n");
    repo.write("d/.gitignore", "y\n");
    let (mut tree, system) = repo.open(TreeOptions::default());
    tree.scan();
    assert_eq!(system.listed(), Vec::<String>::new());
    let names: Vec<String> = files_of(&tree).keys().map(ToString::to_string).collect();
    assert_eq!(names, [".gitignore", "d/.gitignore"]);
}

#[test]
fn a_torn_file_costs_a_listing_and_no_more() {
    let tear = |repo: &Repo| repo.write("._qik/folders", "qikdirs1");
    check(tear, &[".", "d", "d/e", "f", "f/g"]);
}

/// Whether processes that follow one another at once see each change between them.
fn sees_all(tick: Tick) -> bool {
    let repo = Repo::plain();
    for path in ["a", "d/b", "d/e/c"] {
        repo.write(path, path);
    }
    let at = |path: &str| repo.root.join(path);
    look(&repo, tick);
    (0..24).all(|round| {
        match round % 6 {
            0 => repo.write("d/new", ""),
            1 => std::fs::rename(at("d/new"), at("d/moved")).unwrap(),
            2 => std::fs::rename(at("d/e"), at("d/f")).unwrap(),
            3 => repo.remove("d/moved"),
            4 => repo.write("d/f/g/h", ""),
            _ => {
                std::fs::remove_dir_all(at("d/f/g")).unwrap();
                std::fs::rename(at("d/f"), at("d/e")).unwrap();
            }
        }
        look(&repo, tick).1
    })
}

#[test]
fn changes_within_one_tick_of_the_clock_are_seen() {
    assert!(sees_all(Tick::OfTheDisk));
    assert!(sees_all(Tick::Second));
    // The control: who takes a young stamp for an old one misses some.
    assert!(!sees_all(Tick::SecondTakenForOld));
}
