//! `--since`: what depends on anything that changed between a commit and the files as they are.

use crate::project::{Project, until};

const CONFIG: &str = r#"
[commands.glob]
exec = "note"
deps = ["docs"]

[commands.app]
exec = "note"
deps = [{ type = "pygraph", pyimport = "app" }]

[commands.lib]
exec = "note"
deps = [{ type = "pygraph", pyimport = "lib" }]

[commands.after]
exec = "note"
deps = ["after", { type = "command", name = "glob", strict = true }]

[commands.beside]
exec = "note"
deps = ["beside", { type = "command", name = "glob" }]
"#;

fn project() -> Project {
    let project = Project::new(CONFIG);
    for (path, text) in [
        ("docs/a", ""),
        ("after/a", ""),
        ("beside/a", ""),
        ("app/main.py", "import base.one\n"),
        ("lib/main.py", "import base.two, web\n"),
        ("base/one.py", ""),
        ("base/two.py", ""),
        ("requirements.txt", "web==1\n"),
        (".gitignore", "out\n"),
    ] {
        project.write(path, text);
    }
    project.commit();
    project
}

/// What is selected since HEAD after a change, alone.
#[track_caller]
fn check(change: impl FnOnce(&Project), expected: &[&str]) {
    let project = project();
    change(&project);
    assert_eq!(project.ls("--since HEAD --isolated"), expected);
    // Also once it is committed.
    project.commit();
    assert_eq!(project.ls("--since HEAD~1 --isolated"), expected);
    assert_eq!(project.ls("--since HEAD --isolated"), [""; 0]);
}

/// The next look need not list again what did not change, as after a run.
#[test]
fn what_was_seen_of_folders_is_kept() {
    let project = project();
    // Of a folder that was just made nothing is kept: it may change without another stamp.
    until("listings are kept", || {
        project.ls("--since HEAD");
        project.exists("._qik/folders")
    });
}

#[test]
fn nothing_changed() {
    assert_eq!(project().ls("--since HEAD"), [""; 0]);
    project().qik("--since HEAD --fail").exits(0);
}

#[test]
fn edits_additions_deletions_and_renames_count() {
    check(|p| _ = p.write("docs/a", "x"), &["after", "glob"]);
    check(|p| _ = p.write("docs/new", ""), &["after", "glob"]);
    check(|p| _ = p.remove("docs/a").write("docs/b", "2"), &["after", "glob"]);
    check(|p| _ = p.write("after/a", "x"), &["after"]);
    check(|p| _ = p.write("elsewhere", "x"), &[]);
}

#[test]
fn imports_of_both_states_count() {
    check(|p| _ = p.write("base/one.py", "x = 1"), &["app"]);
    // What was imported before alone.
    check(|p| _ = p.write("app/main.py", "").write("base/one.py", "x = 1"), &["app"]);
    check(|p| _ = p.write("base/three.py", ""), &[]);
    check(|p| _ = p.write("base/two.py", "import base.one\n"), &["lib"]);
}

#[test]
fn a_lock_file_counts_for_what_imports_its_distributions() {
    check(|p| _ = p.write("requirements.txt", "web==2\n"), &["lib"]);
    check(|p| _ = p.write("requirements.txt", "web==1\nother==1\n"), &[]);
}

#[test]
fn a_changed_configuration_selects_what_it_changed() {
    check(
        |p| {
            _ = p.write(
                "qik.toml",
                CONFIG.replacen("note", "note x", 1) + "\n[commands.new]\nexec = \"note\"\n",
            )
        },
        &["after", "glob", "new"],
    );
    check(|p| _ = p.write("qik.toml", CONFIG.to_string() + "# a remark\n"), &[]);
}

#[test]
fn upstream_comes_along_unless_isolated() {
    let project = project();
    project.write("beside/a", "x");
    assert_eq!(project.ls("--since HEAD"), ["beside", "glob"]);
    assert_eq!(project.ls("--since HEAD --isolated"), ["beside"]);
    project.qik("--since HEAD").exits(0);
    assert_eq!(project.executed(), ["beside", "glob"]);
}

#[test]
fn the_index_alone_and_a_stash_count_as_files_are() {
    let project = project();
    project.write("docs/a", "x").git("add docs/a");
    assert_eq!(project.ls("--since HEAD --isolated"), ["after", "glob"]);
    project.git("stash -q");
    assert_eq!(project.ls("--since HEAD --isolated"), [""; 0]);
}

#[test]
fn the_fork_point_is_what_a_branch_is_compared_with() {
    let project = project();
    project.git("switch -q -c feature");
    project.write("beside/a", "x").commit();
    project.git("switch -q main");
    project.write("docs/a", "x").commit();
    project.git("switch -q feature");
    assert_eq!(project.ls("--since main --isolated"), ["after", "beside", "glob"]);
    assert_eq!(project.ls("--since main --merge-base --isolated"), ["beside"]);
    project.git("merge -q --no-edit main");
    assert_eq!(project.ls("--since main --isolated"), ["beside"]);
}

#[test]
fn artifacts_that_git_ignores_are_in_no_commit() {
    let project = Project::new(
        "[commands.make]\nexec = \"note; mkdir -p out; echo x > out/x\"\ndeps = [\"src\"]\nartifacts = [\"out/x\"]\n\
         [commands.use]\nexec = \"note\"\ndeps = [\"out\", \"use\", { type = \"command\", name = \"make\" }]\n",
    );
    project.write("src/a", "").write("use/a", "").write(".gitignore", "out\n").commit();
    project.qik("").exits(0);
    assert_eq!(project.ls("--since HEAD --isolated"), [""; 0]);
    project.write("src/a", "x");
    assert_eq!(project.ls("--since HEAD --isolated"), ["make"]);
}

#[test]
fn what_git_cannot_tell_is_an_error_and_never_nothing() {
    let project = project();
    project.qik("--since nowhere --ls").exits(2).says("since/unknown-commit");
    project.write("docs/a", "x").commit();
    let url = format!("file://{}", project.root.display());
    let clone = project.clone_to("whole");
    clone.git(&format!("clone -q --depth 1 {url} shallow"));
    let shallow = clone.inside("shallow");
    let id = project.git("rev-parse HEAD~1");
    let told = shallow.qik(&format!("--since {} --ls", id.trim()));
    told.exits(2).says("since/shallow").says("--unshallow");
    shallow.qik("--since HEAD --ls").exits(0);
    let plain = Project::without_git("[commands.a]\nexec = \"a\"\ndeps = [\"a\"]\n");
    plain.qik("--since HEAD --ls").exits(2).says("since/no-git");
}

#[test]
fn without_a_configuration_at_the_commit_everything_changed() {
    let project = Project::empty();
    project.git("init -q -b main .");
    project.write("docs/a", "").commit();
    project.write("qik.toml", CONFIG);
    assert_eq!(project.ls("--since HEAD").len(), 5);
    project.write("qik.toml", "[commands]\nx = 1\n").commit();
    project.write("qik.toml", CONFIG);
    project.qik("--since HEAD --ls").exits(0).says("since/no-config");
}

#[test]
fn a_submodule_counts_by_what_it_holds() {
    let project = Project::new(
        "[commands.build]\nexec = \"note\"\ndeps = [\"vendor/**\"]\n[commands.other]\nexec = \"note\"\ndeps = [\"own\"]\n",
    );
    let inner = project.trace("inner");
    std::fs::create_dir_all(&inner).unwrap();
    let inner = inner.display().to_string();
    let git = |args: &[&str]| project.git_args(args);
    git(&["init", "-q", &inner]);
    std::fs::write(format!("{inner}/x.c"), "1\n").unwrap();
    git(&["-C", &inner, "add", "-A"]);
    git(&["-C", &inner, "commit", "-q", "-m", "inner"]);
    git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &inner, "vendor"]);
    project.write("own", "").commit();
    assert!(project.ls("--since HEAD").is_empty());
    project.write("vendor/x.c", "2\n");
    assert_eq!(project.ls("--since HEAD"), ["build"]);
    git(&["-C", "vendor", "commit", "-q", "-a", "-m", "more"]);
    assert_eq!(project.ls("--since HEAD"), ["build"], "the commit of the submodule is another");
    project.commit();
    assert!(project.ls("--since HEAD").is_empty());
    assert_eq!(project.ls("--since HEAD~1"), ["build"]);
}

#[test]
fn what_a_merge_brought_in_counts_from_either_side() {
    let project = project();
    project.git("switch -q -c side");
    project.write("base/two.py", "A = 2\n").commit();
    project.git("switch -q main");
    project.write("notes.txt", "x").commit();
    project.git("merge -q --no-edit side");
    assert_eq!(project.ls("--since HEAD~1"), ["lib"], "the first parent lacks it");
    assert!(project.ls("--since side").is_empty(), "the second has it");
}
