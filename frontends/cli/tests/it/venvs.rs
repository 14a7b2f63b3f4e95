//! Environments of spaces, made by the real uv with packages of the registry.

use std::process::{Command, Stdio};

use crate::project::{Project, Told, tell, until};

pub const CONFIG: &str = r#"
[plugins]
uv = "qik.uv"

[spaces.old]
modules = ["old"]
venv = "old/requirements.in"

[spaces.new]
modules = ["new"]
venv = "new/requirements.in"

[commands.test]
exec = "note && python {module.dir}/test.py"
deps = ["{module.dir}/**"]

[commands.alone]
exec = "note"
deps = ["qik.toml"]
"#;

const TEST: &str = "import six\nprint(six.__version__)\n";

/// Whether uv can be had.
pub fn can_make() -> bool {
    let works =
        Command::new("uv").arg("--version").output().is_ok_and(|told| told.status.success());
    assert!(works || std::env::var_os("QIK_TEST_REQUIRE_TOOLS").is_none(), "uv can't be had");
    if !works {
        eprintln!("SKIPPED: uv");
    }
    works
}

/// qik, with what uv needs to reach the registry and to share what it fetched.
pub fn qik(project: &Project, args: &str) -> Told {
    qik_in(project, args, &[])
}

pub fn qik_in(project: &Project, args: &str, env: &[(&str, &str)]) -> Told {
    tell(with_uv(project.qik_command(args)).envs(env.iter().copied()))
}

/// A command with what uv needs of this machine.
pub fn with_uv(mut command: Command) -> Command {
    let home = std::env::var("HOME").unwrap_or_default();
    let cache = std::env::var("UV_CACHE_DIR").unwrap_or_else(|_| format!("{home}/.cache/uv"));
    command.env("UV_CACHE_DIR", cache);
    let plumbing = |name: &str| {
        name.starts_with("UV_") && name != "UV_CACHE_DIR"
            || name.to_ascii_lowercase().ends_with("_proxy")
            || name.starts_with("SSL_CERT_")
    };
    command.envs(std::env::vars().filter(|(name, _)| plumbing(name)));
    command
}

pub fn project() -> Project {
    let project = Project::new(CONFIG);
    project.write("old/requirements.in", "six<1.15\n").write("old/test.py", TEST);
    project.write("new/requirements.in", "six<1.16\n").write("new/test.py", TEST);
    project.write(".gitignore", "__pycache__\n");
    project
}

/// The steps that were executed, by what qik says.
pub fn steps(told: &Told) -> Vec<&str> {
    let names = told.stderr.lines().filter_map(|line| {
        let line = line.trim();
        let name = line.strip_prefix("ran ").unwrap_or(line).split(' ').next()?;
        (name.starts_with("uv.") && !line.contains("(cached")).then_some(name)
    });
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What a command printed, when it was executed or replayed.
pub fn log(project: &Project, name: &str) -> String {
    project.read(&format!("._qik/out/{name}.out"))
}

/// A `PATH` without uv.
pub fn bare(project: &Project) -> String {
    let path = project.command("true");
    let path = path.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap();
    format!("{}:/usr/bin:/bin", path.to_str().unwrap().split(':').next().unwrap())
}

#[test]
fn each_space_has_its_own_versions_and_only_the_changed_one_is_cold() {
    if !can_make() {
        return;
    }
    let project = project();
    let told = qik(&project, "-v 2 test");
    told.exits(0);
    assert_eq!([log(&project, "test@new"), log(&project, "test@old")], ["1.15.0\n", "1.14.0\n"]);
    assert_eq!(steps(&told), ["uv.install@new", "uv.install@old", "uv.lock@new", "uv.lock@old"]);
    assert_eq!(project.executed(), ["test@new", "test@old"]);

    let told = qik(&project, "");
    assert_eq!((steps(&told.exits(0).clone()), project.executed()), (vec![], vec!["alone".into()]));

    project.write("old/requirements.in", "six<1.14\n");
    // The module's own files are a dep of it, too: ask for what the environment alone brings about.
    project.write("qik.toml", CONFIG.replace("{module.dir}/**", "{module.dir}/test.py"));
    qik(&project, "test").exits(0);
    project.executed();
    project.write("old/requirements.in", "six<1.13\n");
    assert_eq!(
        qik(&project, "test --ls --cache-status cold").exits(0).out(),
        "test@old\nuv.lock@old\n"
    );
    let told = qik(&project, "why test@old");
    told.exits(0)
        .prints("upstream uv.lock@old is cold")
        .prints("venv         .qik/artifacts/uv.lock/old.txt (1 file)");
    assert!(!told.out().contains("uv.lock@old cold"), "only what was asked: {}", told.out());
    let told = qik(&project, "-v 2 test");
    told.exits(0);
    assert_eq!([log(&project, "test@new"), log(&project, "test@old")], ["1.15.0\n", "1.12.0\n"]);
    assert_eq!(steps(&told), ["uv.install@old", "uv.lock@old"]);
    assert_eq!(project.executed(), ["test@old"]);

    // A change that changes no version locks anew and no more.
    project.write("old/requirements.in", "six<1.13 # as before\n");
    let told = qik(&project, "test");
    assert_eq!(steps(&told.exits(0).clone()), ["uv.lock@old"]);
    assert!(project.executed().is_empty());
}

#[test]
fn a_moved_project_makes_its_environments_anew() {
    if !can_make() {
        return;
    }
    let project = project();
    qik(&project, "test").exits(0);
    let moved = project.moved_to("moved");
    moved.write("old/test.py", format!("{TEST}import sys; print(sys.prefix)\n"));
    let told = qik(&moved, "-v 2 test");
    let prefix = moved.path("._qik/venv/old").display().to_string();
    told.exits(0)
        .says("the project was moved since it was made")
        .prints(&format!("1.14.0\n{prefix}\n"));
    // Of the other space nothing is cold, so nothing is made.
    assert_eq!(steps(&told), ["uv.install@old"]);
    qik(&moved, "uv.install").exits(0).says("uv.install@new");
}

#[test]
fn a_second_clone_makes_its_own_and_shares_results() {
    if !can_make() {
        return;
    }
    let project = project();
    project.write("qik.toml", format!("{CONFIG}\n[defaults]\ncache = \"repo\"\n"));
    qik(&project, "test").exits(0);
    project.executed();
    project.commit();
    let clone = project.clone_to("clone");
    let told = qik_in(
        &clone,
        "test --cache repo --cache-status cold --fail --ls",
        &[("PATH", &bare(&project))],
    );
    assert_eq!(told.exits(0).out(), "", "a job with nothing but qik finds all of it done");
    let told = qik(&clone, "test");
    assert_eq!(steps(&told.exits(0).clone()), [""; 0]);
    assert!(!clone.exists("._qik/venv"), "a replay needs no environment");
    clone.write("new/test.py", format!("{TEST}print('edited')\n"));
    let told = qik(&clone, "-v 2 test");
    told.exits(0).prints("1.15.0\nedited\n");
    assert_eq!(steps(&told), ["uv.install@new"]);
    assert_eq!(project.executed(), ["test@new"]);
}

#[test]
fn an_environment_that_is_damaged_is_made_anew() {
    if !can_make() {
        return;
    }
    let project = project();
    qik(&project, "test@old").exits(0);
    let site = project.site("old");
    let remade = |why: &str| {
        let told = qik(&project, "uv.install@old");
        told.exits(0).says(why);
        assert_eq!(qik(&project, "uv.install@old").exits(0).summary(), "0 ran, 2 cached");
        assert!(site.join("six.py").exists());
    };
    std::fs::remove_file(site.join("six.py")).unwrap();
    remade("it was changed by something else than qik");
    std::fs::create_dir(site.join("other-1.0.dist-info")).unwrap();
    remade("it was changed by something else than qik");
    std::fs::remove_file(project.path("._qik/venv/old/.qik-made")).unwrap();
    remade("made only in part");
    std::fs::remove_file(project.path("._qik/venv/old/bin/python")).unwrap();
    std::os::unix::fs::symlink("/nowhere/python", project.path("._qik/venv/old/bin/python"))
        .unwrap();
    remade("the Python that it was made with is gone");
    std::fs::remove_dir_all(project.path("._qik/venv/old")).unwrap();
    remade("not made yet");
    // What Python itself leaves there is no damage.
    std::fs::create_dir_all(site.join("__pycache__")).unwrap();
    assert_eq!(qik(&project, "uv.install@old").exits(0).summary(), "0 ran, 2 cached");
}

#[test]
fn an_environment_whose_making_failed_is_not_used() {
    if !can_make() {
        return;
    }
    let project = project();
    qik(&project, "test").exits(0);
    project.executed();
    // The lock asks for what does not exist, as after a merge by hand.
    let lock = ".qik/artifacts/uv.lock/old.txt";
    project.write(
        "qik.toml",
        CONFIG.replace(
            "\"old/requirements.in\"",
            "{ type = \"uv\", reqs = \"old/requirements.in\", lock = \"old.txt\" }",
        ),
    );
    project.write("old/requirements.in", "six==1.14.0\nno-such-distribution-of-qik==1.0\n");
    qik(&project, "test --cache-when finished").exits(1);
    let told = qik(&project, "test --cache-when finished");
    told.exits(1).says("failed uv.lock@old").is_silent_on("(cached)");
    told.prints("no-such-distribution-of-qik");
    assert_eq!(project.executed(), [""; 0], "test@old is skipped, test@new is warm");
    assert!(project.exists(lock));
    // A step that is stopped half way: no mark, so it is made anew.
    project.write("old/requirements.in", "six<1.15\n");
    let fake = project.path("fake");
    std::fs::create_dir(&fake).unwrap();
    project.write(
        "fake/uv",
        "#!/bin/sh\ncase \"$*\" in *sync*) exit 9;; esac\nPATH=${PATH#*:}\nexec uv \"$@\"\n",
    );
    project.make_executable("fake/uv");
    let path = project
        .command("true")
        .get_envs()
        .find(|(name, _)| *name == "PATH")
        .unwrap()
        .1
        .unwrap()
        .to_owned();
    let path = format!("{}:{}", fake.display(), path.to_str().unwrap());
    std::fs::remove_dir_all(project.path("._qik/venv/old")).unwrap();
    let told = qik_in(&project, "-f test@old", &[("PATH", &path)]);
    told.exits(9).says("1 skipped");
    assert!(
        project.exists("._qik/venv/old/bin/python") && !project.exists("._qik/venv/old/.qik-made")
    );
    qik(&project, "-f -v 2 test@old").exits(0).says("made only in part").prints("1.14.0\n");
}

#[test]
fn filters_never_drop_what_makes_an_environment() {
    if !can_make() {
        return;
    }
    for args in [
        "test@old --isolated",
        "test@old --cache local",
        "-m old -t x",
        "test@old --cache-status cold",
        "test --shard 2/2",
    ] {
        let project = project();
        project.write("qik.toml", CONFIG.replace("deps = [\"{", "tags = [\"x\"]\ndeps = [\"{"));
        let told = qik(&project, &format!("{args} -v 2"));
        told.exits(0).prints("1.14.0\n");
        assert_eq!(steps(&told), ["uv.install@old", "uv.lock@old"], "{args}");
        assert_eq!(project.executed(), ["test@old"], "{args}");
    }
}

#[test]
fn a_pipeline_has_no_jobs_for_environments() {
    let project = project();
    let told = qik(&project, "ci github-matrix test");
    let matrix = told.exits(0).out();
    assert!(matrix.contains("test@old") && matrix.contains("test@new"), "{matrix}");
    assert!(!matrix.contains("qik uv."), "{matrix}");
}

#[test]
fn without_uv_it_is_said_how_to_get_it_and_what_is_cached_is_replayed() {
    if !can_make() {
        return;
    }
    let project = project();
    let bare = bare(&project);
    let bare = [("PATH", bare.as_str())];
    let told = qik_in(&project, "test", &bare);
    told.exits(1).says("space/no-uv").says("pip install uv");
    assert!(project.executed().is_empty());
    // In an environment that is active.
    let active = project.path("active");
    std::fs::create_dir_all(active.join("bin")).unwrap();
    let uv = tell(project.command("sh").args(["-c", "command -v uv"])).out();
    std::os::unix::fs::symlink(uv.trim(), active.join("bin/uv")).unwrap();
    let active = active.display().to_string();
    qik_in(&project, "test", &[bare[0], ("VIRTUAL_ENV", &active)]).exits(0);
    assert_eq!(log(&project, "test@old"), "1.14.0\n");
    assert_eq!(qik_in(&project, "test", &bare).exits(0).summary(), "0 ran, 4 cached");
}

#[test]
fn two_at_a_time_make_one_environment() {
    if !can_make() {
        return;
    }
    let project = project();
    qik(&project, "uv.lock").exits(0);
    let start = || {
        let mut command = with_uv(project.qik_command("test@old -f -v 2"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let both = [start(), start()].map(|child| child.wait_with_output().unwrap());
    for output in &both {
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("1.14.0"), "{told}");
    }
    assert_eq!(qik(&project, "uv.install@old").exits(0).summary(), "0 ran, 2 cached");
}

#[test]
fn a_run_that_is_stopped_while_it_makes_an_environment_leaves_none() {
    if !can_make() {
        return;
    }
    let project = project();
    qik(&project, "uv.lock").exits(0);
    project.write(
        "fake/uv",
        "#!/bin/sh\ncase \"$*\" in *sync*) touch \"$RAN/syncing\"; exec sleep 60;; esac\n\
         PATH=${PATH#*:}\nexec uv \"$@\"\n",
    );
    project.make_executable("fake/uv");
    let path = format!("{}:{}", project.path("fake").display(), std::env::var("PATH").unwrap());
    let mut command = with_uv(project.qik_command("test@old"));
    command.env("PATH", path).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    until("the step to be half way", || project.trace("syncing").exists());
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(project.executed().is_empty());
    assert!(project.exists("._qik/venv/old/bin/python"), "half of it is there");
    let told = qik(&project, "test@old uv.install@old");
    told.exits(0).says("made only in part");
    assert_eq!(log(&project, "test@old"), "1.14.0\n");
}
