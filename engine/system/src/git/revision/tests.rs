//! What git says of names, held against real repositories.

use std::path::PathBuf;
use std::process::Command;

use super::*;

struct Repo {
    _temp: tempfile::TempDir,
    root: PathBuf,
}

impl Repo {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap().join("repo");
        std::fs::create_dir(&root).unwrap();
        let repo = Self { _temp: temp, root };
        repo.run(&["init", "-q", "-b", "main"]);
        repo
    }

    fn run(&self, args: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgSign=false"]);
        let output = command.args(args).current_dir(&self.root).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().into()
    }

    fn commit(&self, path: &str, text: &str) -> CommitId {
        std::fs::write(self.root.join(path), text).unwrap();
        self.run(&["add", "-A"]);
        self.run(&["commit", "-q", "-m", &format!("{path} is {text}")]);
        self.run(&["rev-parse", "HEAD"]).parse().unwrap()
    }

    fn open(&self) -> Git {
        Git::discover(&self.root).unwrap()
    }

    /// A clone with the newest commit alone.
    fn shallow(&self) -> Git {
        let url = format!("file://{}", self.root.display());
        self.run(&["clone", "-q", "--depth", "1", &url, "../shallow"]);
        Git::discover(&self.root.parent().unwrap().join("shallow")).unwrap()
    }
}

#[test]
fn a_commit_is_found_by_every_name_that_git_has_for_it() {
    let repo = Repo::new();
    let first = repo.commit("a", "1");
    let second = repo.commit("a", "2");
    repo.run(&["tag", "-a", "-m", "x", "v1", &first.to_string()]);
    let git = repo.open();
    let full = first.to_string();
    for name in ["HEAD~1", "main^", "v1", "v1^{}", &full, &full[..12], ":/a is 1", "HEAD^{/is 1}"] {
        assert_eq!(git.resolve(name), Ok(first), "{name}");
    }
    assert_eq!(git.resolve("main"), Ok(second));
    assert_eq!(first.to_string().parse(), Ok(first));
}

#[test]
fn a_name_of_nothing_and_a_name_of_something_else_are_told_apart() {
    let repo = Repo::new();
    let git = repo.open();
    assert_eq!(git.resolve("HEAD"), Err(NoCommit::Unknown("HEAD".into())));
    let commit = repo.commit("a", "1");
    let absent = "1".repeat(commit.to_string().len());
    for name in ["nope", "", "-x", "--all", "^HEAD", "HEAD..HEAD", "HEAD~5", "HEAD:nope", &absent] {
        assert_eq!(git.resolve(name), Err(NoCommit::Unknown(name.into())), "{name}");
    }
    for name in ["HEAD:a", "HEAD:", "HEAD^{tree}"] {
        assert_eq!(git.resolve(name), Err(NoCommit::NotACommit(name.into())), "{name}");
    }
}

#[test]
fn a_shallow_clone_says_so_where_it_lacks_a_commit() {
    let repo = Repo::new();
    let first = repo.commit("a", "1");
    let second = repo.commit("b", "2");
    let git = repo.shallow();
    assert_eq!(git.resolve("HEAD"), Ok(second));
    for name in ["HEAD~1", &first.to_string()] {
        assert_eq!(git.resolve(name), Err(NoCommit::Shallow(name.into())));
    }
    let lacks_first = Err(NoCommit::Shallow(first.to_string()));
    assert_eq!(git.merge_base(second, first), lacks_first);
}

#[test]
fn a_repository_that_git_refuses_is_unreadable() {
    let repo = Repo::new();
    repo.commit("a", "1");
    let git = repo.open();
    std::fs::write(repo.root.join(".git/HEAD"), "nonsense\n").unwrap();
    assert!(matches!(git.resolve("main"), Err(NoCommit::Unreadable(_))));
}

#[test]
fn a_merge_base_is_where_two_histories_part() {
    let repo = Repo::new();
    let base = repo.commit("a", "1");
    let left = repo.commit("b", "2");
    repo.run(&["checkout", "-q", "-b", "other", &base.to_string()]);
    let right = repo.commit("c", "3");
    repo.run(&["checkout", "-q", "--orphan", "alone"]);
    let alone = repo.commit("d", "4");
    let git = repo.open();
    assert_eq!(git.merge_base(left, right), Ok(Some(base)));
    assert_eq!(git.merge_base(left, base), Ok(Some(base)));
    assert_eq!(git.merge_base(left, alone), Ok(None));
}

#[test]
fn the_last_commit_of_a_file_is_the_newest_that_changed_it() {
    let repo = Repo::new();
    let first = repo.commit("a", "1");
    let star = repo.commit("*", "2");
    repo.commit("b", "3");
    let git = repo.open();
    assert_eq!(git.last_commit_of(Path::new("a")), Some(first));
    assert_eq!(git.last_commit_of(&repo.root.join("a")), Some(first));
    assert_eq!(git.last_commit_of(Path::new("*")), Some(star));
    assert_eq!(git.last_commit_of(Path::new("never")), None);
    assert_eq!(git.last_commit_of(Path::new("/elsewhere")), None);
    repo.run(&["mv", "a", "c"]);
    let moved = repo.commit("d", "4");
    assert_eq!(git.last_commit_of(Path::new("c")), Some(moved));
}

#[test]
fn where_the_history_is_cut_off_no_commit_is_the_last_of_a_file() {
    let repo = Repo::new();
    repo.commit("a", "1");
    repo.commit("b", "2");
    assert_eq!(repo.shallow().last_commit_of(Path::new("a")), None);
}
