//! What the caches mean for somebody who works with git every day.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::project::{Project, tell};

const CONFIG: &str = r#"
[commands.a]
exec = "note; cat src.txt"
deps = ["src.txt"]
cache = "repo"
"#;

fn project(config: &str) -> Project {
    let project = Project::new(config);
    project.write("src.txt", "1\n").commit();
    project
}

pub fn local() -> Project {
    project(&CONFIG.replace("\"repo\"", "\"local\""))
}

#[track_caller]
pub fn is_warm(project: &Project) {
    assert_eq!(project.qik("a").exits(0).summary(), "0 ran, 1 cached");
}

#[track_caller]
pub fn is_cold(project: &Project) {
    assert_eq!(project.qik("a").exits(0).summary(), "1 ran, 0 cached");
}

#[test]
fn new_entries_of_the_repo_cache_are_staged() {
    let project = project(CONFIG);
    project.qik("a").exits(0);
    let staged = project.git("diff --cached --name-only");
    assert_eq!(staged, ".qik/.gitattributes\n.qik/cache/a/a.json\n.qik/cache/a/a.log\n");
    assert_eq!(project.git("diff --name-only"), "", "as a plain `git add` does it");
}

#[test]
fn staging_can_be_left_to_the_user() {
    let project = project(&format!("{CONFIG}\n[caches.repo]\ntype = \"repo\"\ngit-add = false\n"));
    project.qik("a").exits(0);
    assert_eq!(project.git("diff --cached --name-only"), "");
    assert!(project.exists(".qik/cache/a/a.json"));
}

#[test]
fn staged_entries_do_not_stand_in_the_way_of_stash_and_rebase() {
    let project = project(CONFIG);
    project.qik("a").exits(0);
    project.git("stash");
    project.git("stash pop");
    is_warm(&project);
}

#[test]
fn entries_are_marked_as_generated() {
    let project = project(CONFIG);
    project.qik("a").exits(0);
    let told = project.git("check-attr linguist-generated -- .qik/cache/a/a.json");
    assert!(told.ends_with(": true\n") || told.ends_with(": set\n"), "{told}");
}

#[test]
fn attributes_of_the_user_are_left_alone() {
    let project = project(CONFIG);
    project.write(".gitattributes", "*.png binary").commit();
    project.qik("a").exits(0);
    assert_eq!(project.read(".gitattributes"), "*.png binary");
    let own = project.read(".qik/.gitattributes");
    project.qik("a -f").exits(0);
    assert_eq!(project.read(".qik/.gitattributes"), own);
}

#[test]
fn an_index_that_is_locked_is_a_note_and_no_failure() {
    let project = project(CONFIG);
    project.write(".git/index.lock", "");
    project.qik("a").exits(0).says("index.lock");
    project.remove(".git/index.lock");
    is_warm(&project);
}

/// The bytes of the entries.
fn entries(project: &Project) -> Vec<(String, Vec<u8>)> {
    let files = project.files_in(".qik");
    let read = |path: &String| fs::read(project.path(".qik").join(path)).unwrap();
    files.iter().map(|path| (path.clone(), read(path))).collect()
}

#[test]
fn another_clone_writes_the_same_bytes_but_for_the_time_taken() {
    let project = project(CONFIG);
    let clone = project.clone_to("some/where/else");
    project.qik("a").exits(0);
    clone.qik("a").exits(0);
    let without_time = |project: &Project| -> Vec<(String, String)> {
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            let lines =
                text.lines().filter(|line| !line.contains("millis") && !line.contains("checksum"));
            lines.collect::<Vec<_>>().join("\n")
        };
        entries(project).into_iter().map(|(path, bytes)| (path, text(bytes))).collect()
    };
    assert_eq!(without_time(&project), without_time(&clone));
}

#[test]
fn running_again_by_force_leaves_the_bytes_as_they_are() {
    let project = project(CONFIG);
    project.qik("a").exits(0);
    project.commit();
    let before = entries(&project);
    project.qik("a -f").exits(0);
    assert_eq!(entries(&project), before);
    assert_eq!(project.git("status --porcelain"), "");
}

#[test]
fn nothing_of_this_machine_is_in_an_entry() {
    let project = project(CONFIG);
    project.qik("a").exits(0);
    let root = project.root.to_string_lossy().into_owned();
    for (path, bytes) in entries(&project) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains(&root) && !text.contains("linux"), "{path}: {text}");
    }
}

#[test]
fn the_repo_cache_is_warm_in_a_clone_at_another_path() {
    let project = project(CONFIG);
    project.qik("a").exits(0);
    project.commit();
    let clone = project.clone_to("clones/second");
    project.executed();
    let told = clone.qik("a");
    assert_eq!((told.exits(0).summary(), &*told.out()), ("0 ran, 1 cached", "1\n"));
    assert_eq!(clone.git("status --porcelain"), "", "a replay changes nothing");
}

#[test]
fn the_repo_cache_keeps_the_newest_result_alone() {
    let project = project(CONFIG);
    project.qik("a").exits(0);
    project.write("src.txt", "2\n");
    project.qik("a").exits(0);
    assert_eq!(project.files_in(".qik/cache"), ["a/a.json", "a/a.log"]);
    project.write("src.txt", "1\n");
    is_cold(&project);
}

#[test]
fn a_damaged_repo_entry_is_a_miss_with_a_warning() {
    let project = project(CONFIG);
    project.qik("a").exits(0);
    project.write(".qik/cache/a/a.json", "<<<<<<< ours\n");
    let told = project.qik("a");
    told.exits(0).says("a.json");
    assert_eq!(told.summary(), "1 ran, 0 cached");
    is_warm(&project);
}

#[test]
fn a_changed_log_of_a_repo_entry_is_a_miss() {
    let project = project(CONFIG);
    project.qik("a").exits(0);
    project.write(".qik/cache/a/a.log", "forged\n");
    let told = project.qik("a");
    assert_eq!((told.exits(0).summary(), &*told.out()), ("1 ran, 0 cached", "1\n"));
}

#[test]
fn a_missing_artifact_of_a_repo_entry_is_a_miss() {
    let project = project(
        &format!("{CONFIG}artifacts = [\"out.txt\"]\n")
            .replace("src.txt\"\n", "src.txt > out.txt\"\n"),
    );
    project.qik("a").exits(0);
    is_warm(&project);
    project.remove("out.txt");
    let told = project.qik("a");
    told.exits(0).says("out.txt");
    assert_eq!(project.read("out.txt"), "1\n");
    project.write("out.txt", "edited\n");
    is_cold(&project);
    assert_eq!(project.read("out.txt"), "1\n");
}

#[test]
fn failures_are_kept_only_where_cache_when_says_so() {
    let config = |when: &str| {
        format!("[commands.a]\nexec = \"note; exit $(cat src.txt)\"\ndeps = [\"src.txt\"]\n{when}")
    };
    let runs = |when: &str, code: &str| {
        let project = project(&config(when));
        project.write("src.txt", code);
        let told = [project.qik("a"), project.qik("a")];
        assert!(told.iter().all(|told| told.code.to_string() == code));
        project.executed().len()
    };
    assert_eq!((runs("", "0"), runs("", "3")), (1, 2));
    assert_eq!(
        (runs("cache-when = \"success\"", "0"), runs("cache-when = \"success\"", "3")),
        (1, 2)
    );
    assert_eq!(
        (runs("cache-when = \"failed\"", "0"), runs("cache-when = \"failed\"", "3")),
        (2, 1)
    );
    assert_eq!(
        (runs("cache-when = \"finished\"", "0"), runs("cache-when = \"finished\"", "3")),
        (1, 1)
    );
    assert_eq!(
        (runs("cache-when = \"always\"", "0"), runs("cache-when = \"always\"", "3")),
        (1, 1)
    );
}

#[test]
fn a_timeout_is_a_failure_like_any() {
    let project = project(
        "[commands.a]\nexec = \"note; sleep 9\"\ntimeout = \"100ms\"\ndeps = [\"src.txt\"]\ncache-when = \"finished\"\n",
    );
    project.qik("a").exits(124);
    project.qik("a").exits(124);
    assert_eq!(project.executed().len(), 1);
}

#[test]
fn force_ignores_entries_upstream_too_and_writes_new_ones() {
    let project = Project::new(
        r#"
[commands.date]
exec = "note; date +%N > date.txt"
deps = ["src.txt"]
artifacts = ["date.txt"]

[commands.use]
exec = "note; cat date.txt"
deps = [{ type = "command", name = "date" }]
"#,
    );
    project.write("src.txt", "1\n");
    project.qik("use").exits(0);
    let first = project.read("date.txt");
    project.executed();
    project.qik("use -f").exits(0);
    assert_eq!(project.executed_in_order(), ["date", "use"]);
    let second = project.read("date.txt");
    assert_ne!(first, second);
    project.remove("date.txt");
    project.qik("use").exits(0);
    assert!(project.executed().is_empty());
    assert_eq!(project.read("date.txt"), second, "the new entry is the one that is replayed");
}

#[test]
fn artifacts_come_back_with_their_modes_and_links() {
    let project = project(
        "[commands.a]\nexec = \"note; mkdir -p out/deep; echo x > out/run.sh; chmod +x out/run.sh; ln -sf run.sh out/link; echo y > 'out/deep/a b.txt'\"\ndeps = [\"src.txt\"]\nartifacts = [\"out\"]\n",
    );
    project.write(".gitignore", "out/\n");
    project.qik("a").exits(0);
    fs::remove_dir_all(project.path("out")).unwrap();
    is_warm(&project);
    let is_executable =
        tell(Command::new("test").arg("-x").arg(project.path("out/run.sh"))).code == 0;
    assert!(is_executable);
    assert_eq!(fs::read_link(project.path("out/link")).unwrap().to_str(), Some("run.sh"));
    assert_eq!(project.read("out/deep/a b.txt"), "y\n");
}

#[test]
fn a_restore_does_not_lose_what_the_user_wrote_there() {
    let project = project(
        "[commands.a]\nexec = \"note; cp src.txt out.txt\"\ndeps = [\"src.txt\"]\nartifacts = [\"out.txt\"]\n",
    );
    project.qik("a").exits(0);
    project.write("out.txt", "precious\n");
    project.qik("a").exits(0).says("out.txt");
    assert_eq!(project.read("out.txt"), "1\n");
    let trash = project.files_in("._qik/trash");
    assert!(
        trash.iter().any(|path| project.read(&format!("._qik/trash/{path}")) == "precious\n"),
        "{trash:?}"
    );
}

#[test]
fn an_artifact_that_was_not_made_is_told_and_the_result_not_kept() {
    let project = project(
        "[commands.a]\nexec = \"note\"\ndeps = [\"src.txt\"]\nartifacts = [\"never.txt\"]\n",
    );
    project.qik("a").exits(0).says("never.txt").says("not kept");
    is_cold(&project);
}

#[test]
fn names_with_spaces_newlines_and_odd_bytes_are_files_like_any() {
    use std::os::unix::ffi::OsStrExt;
    let project = project("[commands.a]\nexec = \"note\"\ndeps = [\"src\"]\n");
    fs::create_dir(project.path("src")).unwrap();
    for name in [&b"with space"[..], b"new\nline", b"\xff\xfe", "grüße".as_bytes(), b"-dash", b"*"]
    {
        let path = project.path("src").join(std::ffi::OsStr::from_bytes(name));
        fs::write(&path, "1").unwrap();
        is_cold(&project);
        is_warm(&project);
        project.git("add -A");
        is_warm(&project);
        fs::write(&path, "2").unwrap();
        is_cold(&project);
    }
}

#[test]
fn a_restore_takes_away_what_another_state_left() {
    let project = project(
        "[commands.a]\nexec = \"note; rm -rf out; mkdir out; echo x > out/$(cat src.txt)\"\ndeps = [\"src.txt\"]\nartifacts = [\"out\"]\n",
    );
    project.write(".gitignore", "out\n");
    project.qik("a").exits(0);
    project.write("src.txt", "2\n");
    project.qik("a").exits(0);
    assert_eq!(project.files_in("out"), ["2"]);
    project.write("src.txt", "1\n");
    is_warm(&project);
    assert_eq!(project.files_in("out"), ["1"], "the whole of the artifacts and nothing else");
}

#[test]
fn edits_in_quick_succession_are_all_seen() {
    for staged in [false, true] {
        let project = local();
        for i in 0..12 {
            project.write("src.txt", format!("{i:02}\n"));
            if staged {
                project.git("add src.txt");
                project.write("src.txt", format!("{:02}\n", i + 50));
            }
            let expected = project.read("src.txt");
            assert_eq!(project.qik("a").exits(0).out(), expected);
        }
    }
}

#[test]
fn droppings_of_tools_are_no_inputs_until_git_tracks_them() {
    let config =
        "[defaults]\nignore = [\"**/*.tmp\"]\n[commands.a]\nexec = \"note\"\ndeps = [\"src\"]\n";
    let project = project(config);
    project.write("src/a.py", "1\n");
    project.qik("a").exits(0);
    for path in
        ["src/__pycache__/a.pyc", "src/.coverage.1", "src/.x_cache/y", "src/.DS_Store", "src/b.tmp"]
    {
        project.write(path, "x");
        is_warm(&project);
    }
    project.git("add -f src/b.tmp");
    is_cold(&project);
}

#[test]
fn entries_of_modules_in_folders_have_files_of_their_own() {
    let project = Project::new(
        "[spaces.default]\nmodules = [\"svc/api\", \"svc\"]\n[commands.a]\nexec = \"note; echo {module.name}\"\ndeps = [\"{module.dir}/*.txt\"]\ncache = \"repo\"\n",
    );
    project.write("svc/api/x.txt", "1").write("svc/x.txt", "1");
    project.qik("a").exits(0);
    assert_eq!(project.qik("a").exits(0).summary(), "0 ran, 2 cached");
    assert_eq!(project.files_in(".qik/cache/a").len(), 4);
    project.commit();
    let clone = project.clone_to("clone");
    assert_eq!(clone.qik("a").exits(0).summary(), "0 ran, 2 cached");
}

#[test]
fn a_killed_qik_leaves_nothing_that_counts() {
    let project = project(
        "[commands.a]\nexec = \"note; echo half > out.txt; : > $RAN/half; sleep 0.3; echo whole > out.txt\"\ndeps = [\"src.txt\"]\nartifacts = [\"out.txt\"]\n",
    );
    let qik = project.start("a");
    crate::project::until("it is half done", || project.trace("half").exists());
    qik.signal(rustix::process::Signal::KILL);
    assert_eq!(qik.ends().code, -9);
    // Nobody stops what a killed qik had started; it ends by itself.
    std::thread::sleep(Duration::from_millis(400));
    is_cold(&project);
    is_warm(&project);
    assert_eq!(project.read("out.txt"), "whole\n");
}
