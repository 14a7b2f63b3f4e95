//! Which states of a project's files are one and the same: what edits, times, modes, links, branches and stashes
//! mean to a command that depends on a file.

use std::fs;
use std::time::{Duration, SystemTime};

use crate::caches::{is_cold, is_warm, local};
use crate::project::Project;

#[test]
fn switching_branches_stays_warm_with_the_local_cache() {
    let project = local();
    project.qik("a").exits(0);
    project.git("switch -q -c other");
    project.write("src.txt", "2\n").commit();
    is_cold(&project);
    for branch in ["main", "other", "main"] {
        project.git(&format!("switch -q {branch}"));
        is_warm(&project);
    }
}

#[test]
fn an_edit_is_the_same_before_and_after_it_is_staged_and_committed() {
    let project = local();
    project.write("src.txt", "2\n");
    is_cold(&project);
    project.git("add src.txt");
    is_warm(&project);
    project.git("commit -q -m x");
    is_warm(&project);
    project.git("commit -q --allow-empty -m y");
    is_warm(&project);
}

#[test]
fn a_stash_is_the_state_before_the_edit() {
    let project = local();
    project.qik("a").exits(0);
    project.write("src.txt", "2\n");
    is_cold(&project);
    project.git("stash -q");
    is_warm(&project);
    project.git("stash pop -q");
    is_warm(&project);
}

#[test]
fn untracked_files_count_and_ignored_ones_do_not() {
    let project = local();
    project.write(
        "qik.toml",
        project.read("qik.toml").replace("deps = [\"src.txt\"]", "deps = [\"*.txt\"]"),
    );
    project.write(".gitignore", "ignored.txt\n");
    project.qik("a").exits(0);
    project.write("ignored.txt", "x");
    is_warm(&project);
    project.write("untracked.txt", "x");
    is_cold(&project);
    project.commit();
    is_warm(&project);
}

fn set_time(project: &Project, path: &str, time: SystemTime) {
    fs::File::options().write(true).open(project.path(path)).unwrap().set_modified(time).unwrap();
}

#[test]
fn touched_and_back_dated_files_stay_warm() {
    let project = local();
    project.qik("a").exits(0);
    set_time(&project, "src.txt", SystemTime::now());
    is_warm(&project);
    set_time(&project, "src.txt", SystemTime::now() - Duration::from_secs(86_400));
    is_warm(&project);
    project.remove("src.txt").write("src.txt", "1\n");
    is_warm(&project);
}

#[test]
fn an_edit_of_the_same_size_with_its_time_put_back_is_seen() {
    let project = local();
    let before = fs::metadata(project.path("src.txt")).unwrap().modified().unwrap();
    project.qik("a").exits(0);
    project.write("src.txt", "2\n");
    set_time(&project, "src.txt", before);
    assert_eq!(project.qik("a").exits(0).out(), "2\n");
}

#[test]
fn an_exec_bit_counts() {
    let project = local();
    project.qik("a").exits(0);
    project.make_executable("src.txt");
    is_cold(&project);
    is_warm(&project);
}

#[test]
fn a_symlink_counts_by_where_it_points() {
    let project = local();
    project.write("other.txt", "1\n").remove("src.txt");
    let link = |to: &str| {
        let _ = fs::remove_file(project.path("src.txt"));
        std::os::unix::fs::symlink(to, project.path("src.txt")).unwrap();
    };
    link("other.txt");
    is_cold(&project);
    is_warm(&project);
    project.write("third.txt", "1\n");
    link("third.txt");
    is_cold(&project);
}
