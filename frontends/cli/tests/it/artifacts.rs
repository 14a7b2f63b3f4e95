//! Every kind of artifact that a command may leave behind, lost or changed in every manner, and put
//! back without running anything: from the local cache, and from one that others share.

use std::os::unix::fs::{PermissionsExt, symlink};

use crate::project::Project;

const CONFIG: &str = r#"
[commands.build]
exec = "note; sh make"
deps = ["make"]
artifacts = ["dist", "report.txt", "more/**"]

[caches.shared]
type = "fs"
path = "../shared"
"#;

const MAKE: &str = r#"
rm -rf dist more report.txt
mkdir -p dist/empty/er dist/bin more/none "dist/mit Umlaut ü"
echo built > dist/a.txt
echo 'grüße' > "dist/mit Umlaut ü/日本 1.txt"
printf '#!/bin/sh\necho runs\n' > dist/bin/run
chmod +x dist/bin/run
ln -s ../a.txt dist/bin/link
ln -s nowhere dist/dangling
: > dist/nothing
echo report > report.txt
"#;

fn project() -> Project {
    let project = Project::new(CONFIG);
    project.write("make", MAKE).write(".gitignore", "dist\nmore\nreport.txt\n").commit();
    project.qik("build --cache shared").exits(0).is_silent_on("warning");
    assert_eq!(project.executed(), ["build"]);
    project
}

/// What lies where artifacts go: kind, bytes or target, by path.
fn state(project: &Project) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for top in ["dist", "more", "report.txt"] {
        visit(project, top.to_owned(), &mut found);
    }
    found.sort();
    found
}

fn visit(project: &Project, path: String, found: &mut Vec<(String, String)>) {
    let place = project.path(&path);
    let Ok(meta) = place.symlink_metadata() else { return };
    if meta.is_symlink() {
        found.push((path, format!("-> {}", std::fs::read_link(place).unwrap().display())));
    } else if meta.is_dir() {
        for item in std::fs::read_dir(&place).unwrap() {
            let name = item.unwrap().file_name().into_string().unwrap();
            visit(project, format!("{path}/{name}"), found);
        }
        found.push((path, "folder".into()));
    } else {
        let mode = if meta.permissions().mode() & 0o111 == 0 { "" } else { "x " };
        found.push((path, format!("{mode}{}", std::fs::read_to_string(place).unwrap())));
    }
}

/// Puts things in disorder, and sees them put right.
#[track_caller]
fn check(disorder: impl Fn(&Project)) {
    let project = project();
    let whole = state(&project);
    disorder(&project);
    assert_ne!(state(&project), whole, "nothing was put in disorder");
    let told = project.qik("build --cache shared");
    assert_eq!(told.exits(0).summary(), "0 ran, 1 cached");
    assert_eq!(state(&project), whole);
    assert!(project.executed().is_empty());
    project.qik("build --cache shared").exits(0).is_silent_on("in the way");
}

fn change(project: &Project, path: &str) {
    std::fs::write(project.path(path), "by hand\n").unwrap();
}

#[test]
fn whatever_is_deleted_comes_back() {
    for path in ["dist", "more", "dist/empty", "dist/mit Umlaut ü"] {
        check(|project| std::fs::remove_dir_all(project.path(path)).unwrap());
    }
    for path in ["report.txt", "dist/mit Umlaut ü/日本 1.txt", "dist/bin/link", "dist/dangling"]
    {
        check(|project| {
            project.remove(path);
        });
    }
    check(|project| std::fs::remove_dir(project.path("dist/empty/er")).unwrap());
    check(|project| std::fs::remove_dir(project.path("more/none")).unwrap());
}

#[test]
fn whatever_is_changed_by_hand_is_noticed_and_put_right() {
    for path in ["report.txt", "dist/a.txt", "dist/nothing", "dist/mit Umlaut ü/日本 1.txt"] {
        check(|project| change(project, path));
    }
    check(|project| {
        std::fs::set_permissions(
            project.path("dist/bin/run"),
            std::fs::Permissions::from_mode(0o644),
        )
        .unwrap();
    });
    check(|project| {
        project.make_executable("dist/a.txt");
    });
    check(|project| {
        project.remove("dist/bin/link");
        symlink("../nothing", project.path("dist/bin/link")).unwrap();
    });
    check(|project| {
        project.remove("dist/dangling");
        std::fs::create_dir(project.path("dist/dangling")).unwrap();
        change(project, "dist/dangling/in it");
    });
    check(|project| {
        std::fs::remove_dir_all(project.path("dist/empty")).unwrap();
        change(project, "dist/empty");
    });
}

#[test]
fn what_the_command_did_not_make_is_taken_away_and_kept_in_the_trash() {
    let project = project();
    let whole = state(&project);
    change(&project, "dist/empty/er/mine");
    change(&project, "more/mine");
    let told = project.qik("build --cache shared");
    assert_eq!(told.exits(0).summary(), "0 ran, 1 cached");
    told.says("dist/empty/er/mine").says("more/mine");
    assert_eq!(state(&project), whole);
    let trash = project.files_in("._qik/trash");
    assert_eq!(trash.len(), 2, "{trash:?}");
}

#[test]
fn a_second_clone_gets_everything_from_a_shared_folder() {
    let first = project();
    let second = first.clone_to("second");
    let told = second.qik("build --cache shared");
    assert_eq!(told.exits(0).summary(), "0 ran, 1 cached");
    assert_eq!(state(&second), state(&first));
    assert!(second.executed().is_empty());
}

/// What was just put in place is known without being read, which must not outlive an edit, however
/// soon it comes and whatever it leaves the same.
#[test]
fn an_edit_right_after_a_restore_is_seen() {
    let project = Project::new(
        "[commands.build]\nexec = \"note; mkdir -p out; yes built | head -c 200000 > out/a\"\n\
         deps = [\"x\"]\nartifacts = [\"out\"]\n\
         [commands.use]\nexec = \"note; tail -c 3 out/a\"\ndeps = [\"out/**\", {type = \"command\", name = \"build\"}]\n",
    );
    project.write("x", "").commit();
    project.qik("use").exits(0);
    std::fs::remove_dir_all(project.path("out")).unwrap();
    assert_eq!(project.qik("use").exits(0).summary(), "0 ran, 2 cached");
    let place = project.path("out/a");
    let whole = std::fs::read(&place).unwrap();
    let before = std::fs::metadata(&place).unwrap();
    let mut other = whole.clone();
    other[7] ^= 1;
    std::fs::write(&place, &other).unwrap();
    let file = std::fs::File::options().write(true).open(&place).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    drop(file);
    assert_eq!(project.qik("use").exits(0).summary(), "0 ran, 2 cached");
    assert_eq!(std::fs::read(&place).unwrap(), whole, "it is put back");
    assert_eq!(project.executed(), ["build", "use"]);
}

#[test]
fn an_empty_folder_is_an_artifact_by_itself() {
    let project = Project::new(
        "[commands.build]\nexec = \"note; mkdir -p out/logs\"\ndeps = [\"x\"]\n\
         artifacts = [\"out/logs\"]\n",
    );
    project.write("x", "").commit();
    project.qik("build").exits(0).is_silent_on("missing-artifact");
    std::fs::remove_dir_all(project.path("out")).unwrap();
    assert_eq!(project.qik("build").exits(0).summary(), "0 ran, 1 cached");
    assert!(project.path("out/logs").is_dir());
    project.qik("cache show build").exits(0).prints("  artifact out/logs/ (empty)\n");
    assert_eq!(project.executed(), ["build"]);
}
