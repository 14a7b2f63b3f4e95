//! `--watch`: a saved file runs what it affects and nothing else, whatever happens to the files, to git and
//! to the configuration; on a terminal and without one.

use rustix::process::Signal;

use crate::project::{Project, is_alive, until};
use crate::watching::{Terminal, Watching};

const CONFIG: &str = r#"
[spaces.default]
modules = ["app", "lib"]

[commands.lint]
exec = "note; echo linted {module.name}"
deps = ["{module.dir}/**.py"]

[commands.test]
exec = "note; echo tested {module.name}; ! grep -q broken {module.dir}/*.py"
deps = [{ type = "pygraph", pyimport = "{module.pyimport}" }]
"#;

fn project() -> Project {
    let project = Project::new(CONFIG);
    project.write("lib/__init__.py", "").write("lib/tool.py", "A = 1\n");
    project.write("app/__init__.py", "").write("app/main.py", "from lib.tool import A\n");
    project.write(".gitignore", "build\n").commit();
    project
}

#[test]
fn a_saved_file_runs_what_it_affects_and_nothing_else() {
    let project = project();
    let watching = Watching::start(&project, "");
    assert_eq!(project.executed(), ["lint@app", "lint@lib", "test@app", "test@lib"]);
    watching.change(
        |p| {
            p.write("app/main.py", "from lib.tool import A\nB = 2\n");
        },
        &["lint@app", "test@app"],
    );
    watching.change(
        |p| {
            p.write("lib/tool.py", "A = 3\n");
        },
        &["lint@lib", "test@app", "test@lib"],
    );
    watching.says("(lib/tool.py changed, imported by app/main.py:1)");
    // The same bytes, and files that do not count.
    watching.change(
        |p| {
            p.write("lib/tool.py", "A = 3\n");
        },
        &[],
    );
    watching.change(
        |p| {
            p.write("build/x.py", "").write("notes.txt", "x");
        },
        &[],
    );
    // An import that is gone.
    watching.change(
        |p| {
            p.write("app/main.py", "B = 2\n");
        },
        &["lint@app", "test@app"],
    );
    watching.change(
        |p| {
            p.write("lib/tool.py", "A = 4\n");
        },
        &["lint@lib", "test@lib"],
    );
    assert_eq!(watching.ends_by(Signal::INT), 130);
}

#[test]
fn files_come_go_and_move_as_editors_do_it() {
    let project = project();
    let watching = Watching::start(&project, "lint");
    watching.change(
        |p| {
            p.write("lib/deep/er/new.py", "");
        },
        &["lint@lib"],
    );
    watching.change(
        |p| {
            p.write("lib/deep/er/new.py", "x = 1\n");
        },
        &["lint@lib"],
    );
    let atomic = |project: &Project| {
        project.write("app/.main.py.swp", "C = 3\n");
        std::fs::rename(project.path("app/.main.py.swp"), project.path("app/main.py")).unwrap();
    };
    watching.change(atomic, &["lint@app"]);
    let moved = |project: &Project| {
        std::fs::rename(project.path("lib/deep"), project.path("app/deep")).unwrap();
    };
    // The other module is again as it was at first, and that is cached.
    watching.change(moved, &["lint@app"]);
    watching.change(
        |p| {
            p.write("app/deep/er/new.py", "x = 2\n");
        },
        &["lint@app"],
    );
    watching.change(
        |p| {
            p.remove("app/deep/er/new.py");
        },
        // That is cached.
        &[],
    );
}

#[test]
fn git_may_change_many_files_at_once() {
    let project = project();
    project.git("branch old");
    project.write("app/main.py", "B = 2\n").write("lib/tool.py", "A = 2\n").commit();
    let watching = Watching::start(&project, "");
    watching.change(
        |p| {
            p.git("switch -q old");
        },
        &["lint@app", "lint@lib", "test@app", "test@lib"],
    );
    // All of that is cached by now.
    watching.change(
        |p| {
            p.git("switch -q main");
        },
        &[],
    );
    watching.change(
        |p| {
            p.write("app/main.py", "B = 3\n");
        },
        &["lint@app", "test@app"],
    );
    watching.change(
        |p| {
            p.git("stash -q");
        },
        &[],
    );
    watching.change(
        |p| {
            p.git("stash pop -q");
        },
        &[],
    );
    watching.change(
        |p| {
            p.commit();
        },
        &[],
    );
}

#[test]
fn a_configuration_that_is_wrong_is_told_of_and_the_last_right_one_counts() {
    let project = project();
    let watching = Watching::start(&project, "");
    project.write("qik.toml", format!("{CONFIG}\noops\n"));
    watching.says("config/syntax");
    watching.says("the last configuration that was right goes on to count");
    watching.change(
        |p| {
            p.write("lib/tool.py", "A = 5\n");
        },
        &["lint@lib", "test@app", "test@lib"],
    );
    project.write("qik.toml", CONFIG);
    watching.says("the configuration was read anew");
    let edited = CONFIG.replace("echo linted", "echo checked");
    watching.change(
        |p| {
            p.write("qik.toml", edited);
        },
        &["lint@app", "lint@lib"],
    );
    let more = format!("{CONFIG}\n[commands.more]\nexec = \"note\"\ndeps = [\"lib\"]\n");
    watching.change(
        |p| {
            p.write("qik.toml", more);
        },
        &["more"],
    );
    watching.change(
        |p| {
            p.write("lib/tool.py", "A = 6\n");
        },
        &["lint@lib", "more", "test@app", "test@lib"],
    );
}

#[test]
fn what_failed_runs_again_when_it_may_have_been_mended() {
    let project = project();
    let watching = Watching::start(&project, "");
    watching.change(
        |p| {
            p.write("app/main.py", "broken = 1\n");
        },
        &["lint@app", "test@app"],
    );
    watching.says("qik watching 4 runnables, test@app failed");
    watching.change(
        |p| {
            p.write("lib/tool.py", "A = 7\n");
        },
        &["lint@lib", "test@lib"],
    );
    watching.change(
        |p| {
            p.write("app/main.py", "mended = 1\n");
        },
        &["lint@app", "test@app"],
    );
}

#[test]
fn a_formatter_settles_and_what_does_not_is_told_of() {
    let project = Project::new(
        "[commands.format]\nexec = \"note; sed -i 's/  */ /g' code.txt\"\ndeps = [\"code.txt\"]\n\
         [commands.count]\nexec = \"note; echo x >> seen.txt\"\ndeps = [\"seen.txt\"]\ncache = \"none\"\n",
    );
    project.write("code.txt", "a  b\n").write("seen.txt", "").commit();
    let watching = Watching::start(&project, "format");
    watching.change(
        |p| {
            p.write("code.txt", "a    c\n");
        },
        &["format", "format"],
    );
    watching.change(
        |p| {
            p.write("code.txt", "a c\n");
        },
        &[],
    );
    drop(watching);
    project.executed();
    let watching = Watching::start(&project, "count");
    watching.says("watch/does-not-settle");
    assert!(project.executed().len() <= 6);
    watching.change(
        |p| {
            p.write("other.txt", "");
        },
        &[],
    );
}

#[test]
fn artifacts_of_one_affect_another() {
    let project = Project::new(
        "[commands.build]\nexec = \"note; cp src.txt out.txt\"\ndeps = [\"src.txt\"]\nartifacts = [\"out.txt\"]\n\
         [commands.pack]\nexec = \"note; cat out.txt\"\n\
         deps = [\"out.txt\", { type = \"command\", name = \"build\" }]\n",
    );
    project.write("src.txt", "1").write(".gitignore", "out.txt\n").commit();
    let watching = Watching::start(&project, "");
    watching.change(
        |p| {
            p.write("src.txt", "2");
        },
        &["build", "pack"],
    );
    // Changed by hand: it is put back, and what reads it finds it as it was.
    watching.change(
        |p| {
            p.remove("src.txt").write("src.txt", "2");
        },
        &[],
    );
}

#[test]
fn since_follows_head() {
    let project = project();
    let watching = Watching::start(&project, "lint --since HEAD");
    watching.says("qik watching 0 runnables");
    watching.change(
        |p| {
            p.write("lib/tool.py", "A = 8\n");
        },
        &["lint@lib"],
    );
    watching.change(
        |p| {
            p.commit();
        },
        &[],
    );
    watching.change(
        |p| {
            p.write("app/main.py", "B = 8\n");
        },
        &["lint@app"],
    );
}

#[test]
fn the_repo_cache_is_kept_current() {
    let project = Project::new(&CONFIG.replace(
        "deps = [\"{module.dir}/**.py\"]",
        "deps = [\"{module.dir}/**.py\"]\ncache = \"repo\"",
    ));
    project.write("lib/tool.py", "").write("app/main.py", "").commit();
    let watching = Watching::start(&project, "--cache repo");
    watching.change(
        |p| {
            p.write("lib/tool.py", "A = 1\n");
        },
        &["lint@lib"],
    );
    project.qik("--cache repo --cache-status cold --fail --ls").exits(0);
}

#[test]
fn nothing_is_left_running_when_it_ends() {
    let project = Project::new(
        "[commands.serve]\nexec = \"sleep 300 & echo $! > $RAN/pid; wait\"\ndeps = [\"x\"]\n",
    );
    project.write("x", "").commit();
    let watching = Watching::begin(&project, "");
    let pid = project.trace("pid");
    until("it runs", || std::fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n')));
    assert_eq!(watching.ends_by(Signal::TERM), 143);
    assert!(!is_alive(&std::fs::read_to_string(&pid).unwrap()));
}

#[test]
fn on_a_terminal_keys_ask_for_more() {
    let project = project();
    let Some(terminal) = Terminal::start(&project, "keys", "") else { return };
    terminal.shows(
        "qik watching 4 runnables  r run all · f run failed · enter again · o logs · q quit",
    );
    project.executed();
    project.write("app/main.py", "broken = 1\n");
    terminal.shows("qik watching 4 runnables, test@app failed");
    assert_eq!(project.executed(), ["lint@app", "test@app"]);
    terminal.asks("f", &["test@app"]);
    project.write("qik.toml", format!("{CONFIG}\noops\n"));
    terminal.shows("the last configuration that was right goes on to count");
    project.write("qik.toml", CONFIG);
    terminal.shows("the configuration was read anew");
    project.write("app/main.py", "mended = 1\n");
    let mut executed = Vec::new();
    until("it ran", || {
        executed.extend(project.executed());
        executed.sort();
        executed == ["lint@app", "test@app"]
    });
    terminal.asks("Enter", &["lint@app", "test@app"]);
    terminal.press("o");
    terminal.shows("--- lint@app");
    terminal.press("q");
    terminal.shows("ended with 0");
}
