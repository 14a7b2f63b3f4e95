//! The page on continuous integration as scripts: `testdata/cookbook` holds a project, and a script for each
//! thing that the page says, run here with real git, ruff, pytest, coverage and an S3 server.

mod rules;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project::tell;
use crate::server::{KEY, SECRET, Server};

/// A test for each script.
macro_rules! scripts {
    ($($test:ident: $script:literal,)*) => {
        $(#[test] fn $test() { run($script); })*
        const SCRIPTS: &[&str] = &[$($script),*];
    };
}

scripts! {
    page_01_core_is_enough: "01-core-is-enough",
    page_02_cold_check_lists_and_fails: "02-cold-check-lists-and-fails",
    page_03_filter_by_cache: "03-filter-by-cache",
    page_04_all_cached_runs_all: "04-all-cached-runs-all",
    page_05_cached_failures_are_caught: "05-cached-failures-are-caught",
    page_06_remote_replays_and_restores: "06-remote-replays-and-restores",
    page_07_remote_runs_what_changed: "07-remote-runs-what-changed",
    page_08_profile_sets_the_cache: "08-profile-sets-the-cache",
    page_09_aws_variables: "09-aws-variables",
    page_10_upstream_is_selected: "10-upstream-is-selected",
    page_11_graph_needs_no_commands: "11-graph-needs-no-commands",
    page_12_warm_first: "12-warm-first",
    page_13_cold_as_jobs: "13-cold-as-jobs",
    page_14_warm_step_fails_by_failures: "14-warm-step-fails-by-failures",
    page_15_generated_pipelines: "15-generated-pipelines",
    page_16_since_a_branch: "16-since-a-branch",
    page_17_since_makes_no_other_artifacts: "17-since-makes-no-other-artifacts",
    page_18_const_breaks_the_cache: "18-const-breaks-the-cache",
    page_19_graph_commands_are_not_needed: "19-graph-commands-are-not-needed",
}

#[test]
fn each_script_is_run_and_says_what_it_shows() {
    let mut there: Vec<String> = fs::read_dir(folder().join("scripts"))
        .unwrap()
        .map(|item| item.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    there.sort();
    assert_eq!(there, SCRIPTS);
    for script in SCRIPTS {
        let text = fs::read_to_string(script_file(script)).unwrap();
        assert!(text.starts_with("# ") && text.contains("\n. ../lib.sh\n"), "{script}");
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/cookbook").canonicalize().unwrap()
}

fn script_file(script: &str) -> PathBuf {
    folder().join("scripts").join(format!("{script}.sh"))
}

/// Runs a script in a checkout of the project.
fn run(script: &str) {
    let Some(tools) = tools() else { return };
    let world = tempfile::tempdir().unwrap();
    let checkout = world.path().join("checkout");
    copy(&folder().join("project"), &checkout);
    fs::copy(folder().join("lib.sh"), world.path().join("lib.sh")).unwrap();
    programs(world.path(), &tools);
    let server = Server::start();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!(
        "git init -qb main && git add -A && git commit -qm project && . '{}'",
        script_file(script).display()
    ));
    let path = std::env::var("PATH").unwrap_or_default();
    shell
        .current_dir(&checkout)
        .env_clear()
        .env("PATH", format!("{}:{path}", world.path().join("bin").display()))
        .env("HOME", world.path())
        .env("LC_ALL", "C.UTF-8")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "qik")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "qik@localhost")))
        .env("WORLD", world.path())
        .env("URL", &server.url)
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let told = tell(&mut shell);
    assert_eq!(told.code, 0, "{script}\n{}{}", told.out(), told.stderr);
}

/// Where ruff and pytest are, if pytest measures coverage.
fn tools() -> Option<[PathBuf; 2]> {
    let covers = Command::new("pytest").args(["--cov=nothing", "--version"]).output();
    let covers = covers.is_ok_and(|told| told.status.success());
    let tools = [find("ruff"), find("pytest").filter(|_| covers)];
    let missing = ["ruff", "pytest-cov"].into_iter().zip(&tools).find(|(_, tool)| tool.is_none());
    if let Some((name, _)) = missing {
        assert!(std::env::var_os("QIK_TEST_REQUIRE_TOOLS").is_none(), "{name} is missing");
        eprintln!("SKIPPED: {name}");
        return None;
    }
    let [Some(ruff), Some(pytest)] = tools else { return None };
    Some([ruff, pytest])
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// `bin` has qik, and programs that note that they were called; `bare` has qik and git alone.
fn programs(world: &Path, tools: &[PathBuf]) {
    let (bin, bare) = (world.join("bin"), world.join("bare"));
    fs::create_dir(&bin).unwrap();
    fs::create_dir(&bare).unwrap();
    for tool in tools {
        let name = tool.file_name().unwrap();
        let told = name.to_string_lossy();
        let text = format!(
            "#!/bin/sh\necho {told} >> \"$WORLD/calls\"\nexec '{}' \"$@\"\n",
            tool.display()
        );
        fs::write(bin.join(name), text).unwrap();
        tell(Command::new("chmod").arg("+x").arg(bin.join(name))).exits(0);
    }
    let link = |from: &Path, to: PathBuf| std::os::unix::fs::symlink(from, to).unwrap();
    for folder in [&bin, &bare] {
        link(Path::new(env!("CARGO_BIN_EXE_qik")), folder.join("qik"));
    }
    link(&find("git").unwrap(), bare.join("git"));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let path = item.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target)
        } else {
            let _ = fs::copy(&path, target).unwrap();
        }
    }
}
