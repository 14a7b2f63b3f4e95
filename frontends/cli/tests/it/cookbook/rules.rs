//! The page on continuous integration in small: each rule by itself, with commands that note that they ran.

use crate::project::Project;

/// Two modules; `lint` in the repo cache, `cover` with artifacts in the cache of the profile.
const CONFIG: &str = r#"
[ctx.ci.qik]
cache = "none"

[spaces.default]
modules = ["app", "lib"]

[spaces.tools]
modules = ["tool"]

[commands.lint]
exec = "note; echo linted {module.name}"
deps = ["{module.dir}/**.py"]
cache = "repo"

[commands.cover]
exec = "note; echo covered {module.name}; cat {module.dir}/*.py > {module.name}-coverage.xml"
deps = ["{module.dir}/**.py"]
artifacts = ["{module.name}-coverage.xml"]
"#;

fn project() -> Project {
    let project = Project::new(CONFIG);
    project.write("app/a.py", "a = 1\n").write("lib/b.py", "b = 2\n").write("tool/c.py", "c = 3\n");
    project.write(".gitignore", "*-coverage.xml\n").commit();
    project
}

/// As the page puts it.
const CHECK: &str = "--cache repo --cache-status cold --fail --ls";

#[test]
fn the_repo_cache_check_prints_what_is_not_cached_and_fails() {
    let told = project().qik(CHECK);
    assert_eq!(told.exits(1).out(), "lint@app\nlint@lib\nlint@tool\n");
}

#[test]
fn the_repo_cache_check_runs_nothing_and_writes_no_entry() {
    let project = project();
    project.qik(CHECK).exits(1);
    assert!(project.executed().is_empty());
    assert!(!project.exists(".qik"));
}

#[test]
fn the_repo_cache_check_passes_in_silence_once_all_is_cached() {
    let project = project();
    project.qik("--cache repo").exits(0);
    let told = project.qik(CHECK);
    assert_eq!((told.exits(0).out(), &*told.stderr), (String::new(), ""));
}

#[test]
fn the_repo_cache_check_names_only_what_an_edit_made_cold() {
    let project = project();
    project.qik("--cache repo").exits(0);
    project.write("lib/b.py", "b = 3\n");
    assert_eq!(project.qik(CHECK).exits(1).out(), "lint@lib\n");
}

#[test]
fn each_filter_of_the_check_does_its_part() {
    let project = project();
    assert_eq!(project.ls("--cache repo"), ["lint@app", "lint@lib", "lint@tool"]);
    assert_eq!(project.ls("--cache-status cold").len(), 6);
    assert_eq!(project.qik("--cache repo --fail").exits(1).out(), "");
    project.qik("--cache repo").exits(0);
    assert_eq!(
        project.ls("--cache-status cold"),
        ["cover@app", "cover@lib", "cover@tool"],
        "those of the repo cache are warm now"
    );
}

#[test]
fn running_by_the_repo_cache_runs_only_what_goes_there_and_replays_the_rest_of_the_time() {
    let project = project();
    project.qik("--cache repo").exits(0);
    assert_eq!(project.executed(), ["lint@app", "lint@lib", "lint@tool"]);
    let told = project.qik("--cache repo -v 2");
    assert_eq!(told.exits(0).summary(), "0 ran, 3 cached");
    told.prints("linted app\n").prints("linted lib\n");
    assert!(project.executed().is_empty());
}

/// The two steps of the page, where failures are kept.
const FAILING: &str = r#"
[commands.check]
exec = "note; echo found a mistake; exit 3"
deps = ["src.txt"]
cache = "repo"
cache-when = "finished"
"#;

#[test]
fn the_second_step_catches_cached_failures_with_their_code_and_log() {
    let project = Project::new(FAILING);
    project.write("src.txt", "1\n").commit();
    project.qik("--cache repo").exits(3);
    assert_eq!(project.executed(), ["check"]);
    assert_eq!(project.qik(CHECK).exits(0).out(), "", "the failure is warm");
    let told = project.qik("--cache repo");
    told.exits(3).prints("found a mistake\n");
    assert_eq!(told.summary(), "0 ran, 1 cached, 1 failed");
    assert!(project.executed().is_empty(), "it was replayed");
}

#[test]
fn by_default_only_successful_runs_are_cached() {
    let project = Project::new(&FAILING.replace("cache-when = \"finished\"", ""));
    project.write("src.txt", "1\n").commit();
    project.qik("--cache repo").exits(3);
    assert_eq!(project.qik(CHECK).exits(1).out(), "check\n");
    project.qik("--cache repo").exits(3);
    assert_eq!(project.executed(), ["check", "check"]);
}

#[test]
fn cache_when_of_the_command_line_overrides_the_default() {
    let project = Project::new(&FAILING.replace("cache-when = \"finished\"", ""));
    project.write("src.txt", "1\n").commit();
    project.qik("--cache repo --cache-when finished").exits(3);
    project.qik("--cache repo --cache-when finished").exits(3);
    assert_eq!(project.executed(), ["check"]);
    project.qik("--cache repo").exits(3);
    assert_eq!(project.executed(), ["check"], "by default the kept failure does not count");
}

#[test]
fn a_warm_cache_replays_the_output_and_restores_the_artifacts() {
    let project = project();
    project.qik("cover@app --cache local").exits(0);
    project.remove("app-coverage.xml");
    project.executed();
    let told = project.qik("cover@app --cache local");
    told.exits(0).prints("covered app\n");
    assert_eq!(project.read("app-coverage.xml"), "a = 1\n");
    assert!(project.executed().is_empty());
}

#[test]
fn a_cache_for_what_is_named_does_not_override_a_cache_that_is_configured() {
    let project = project();
    assert_eq!(project.ls("lint --cache local"), Vec::<String>::new());
    assert_eq!(project.ls("lint --cache repo").len(), 3);
}

#[test]
fn a_profile_sets_the_default_cache_by_flag_and_by_environment() {
    let project = project();
    project.qik("cover -p ci").exits(0);
    project.qik_in("cover", &[("QIK__PROFILE", "ci")]).exits(0);
    assert_eq!(project.executed().len(), 6, "the profile's cache is `none`");
    project.qik("cover").exits(0);
    project.qik("cover").exits(0);
    assert_eq!(project.executed().len(), 3, "without it they go to the local cache");
}

#[test]
fn the_cache_of_a_profile_leaves_commands_alone_that_configure_theirs() {
    let project = project();
    assert_eq!(project.ls("--cache none -p ci"), ["cover@app", "cover@lib", "cover@tool"]);
    assert_eq!(project.ls("--cache repo -p ci"), ["lint@app", "lint@lib", "lint@tool"]);
}

#[test]
fn the_environment_beats_the_profile_and_a_flag_beats_both() {
    let project = project();
    let local = |env: &[(&str, &str)], args: &str| {
        project.qik_in(&format!("--ls --cache local {args}"), env).exits(0).out().lines().count()
    };
    assert_eq!(local(&[], "-p ci"), 0);
    assert_eq!(local(&[("QIK__CACHE", "local")], "-p ci"), 3);
    assert_eq!(local(&[("QIK__CACHE", "none")], "-p ci --default-cache local"), 3);
}

const CHAIN: &str = r#"
[commands.gen]
exec = "note; cat in.txt > gen.txt"
deps = ["in.txt"]
artifacts = ["gen.txt"]

[commands.use]
exec = "note; cat gen.txt"
deps = [{ type = "command", name = "gen" }, "other.txt"]
"#;

fn chain(config: &str) -> Project {
    let project = Project::new(config);
    project.write("in.txt", "1\n").write("other.txt", "1\n").write(".gitignore", "gen.txt\n");
    project.commit();
    project
}

#[test]
fn what_a_command_depends_on_is_selected_with_it() {
    let project = chain(CHAIN);
    assert_eq!(project.ls("use"), ["gen", "use"]);
    project.qik("use").exits(0);
    assert_eq!(project.executed_in_order(), ["gen", "use"]);
}

#[test]
fn isolated_leaves_out_what_a_command_depends_on() {
    let project = chain(CHAIN);
    assert_eq!(project.ls("use --isolated"), ["use"]);
    project.write("gen.txt", "made elsewhere\n");
    project.qik("use --isolated").exits(0).prints("made elsewhere\n");
    assert_eq!(project.executed(), ["use"]);
}

#[test]
fn what_a_dep_says_of_isolation_beats_the_flag() {
    let dep = |isolated: &str| {
        CHAIN.replace("name = \"gen\" }", &format!("name = \"gen\", isolated = {isolated} }}"))
    };
    assert_eq!(chain(&dep("true")).ls("use"), ["use"]);
    assert_eq!(chain(&dep("false")).ls("use --isolated"), ["gen", "use"]);
}

#[test]
fn the_first_step_of_dynamic_configuration_runs_the_warm_and_leaves_their_artifacts() {
    let project = project();
    project.qik("cover -m app").exits(0);
    project.qik("cover -m lib").exits(0);
    project.remove("app-coverage.xml").remove("lib-coverage.xml").write("lib/b.py", "b = 9\n");
    project.executed();
    let told = project.qik("--cache-status warm");
    assert_eq!(told.exits(0).summary(), "0 ran, 1 cached");
    assert!(project.exists("app-coverage.xml"));
    assert!(!project.exists("lib-coverage.xml"), "it is not warm");
    assert!(project.executed().is_empty());
}

#[test]
fn the_cold_ones_are_listed_and_each_line_makes_a_job_of_its_own() {
    let project = project();
    project.qik("cover -m app").exits(0);
    let cold = project.ls("--cache-status cold");
    assert_eq!(cold, ["cover@lib", "cover@tool", "lint@app", "lint@lib", "lint@tool"]);
    project.executed();
    for job in &cold {
        project.qik(job).exits(0);
        assert_eq!(project.executed(), [&**job]);
    }
    assert!(project.ls("--cache-status cold").is_empty());
}

#[test]
fn cached_failures_make_the_warm_step_fail() {
    let project = Project::new(FAILING);
    project.write("src.txt", "1\n").commit();
    assert_eq!(project.qik("--cache-status warm").exits(0).summary(), "nothing is selected");
    project.qik("").exits(3);
    project.qik("--cache-status warm").exits(3).prints("found a mistake");
    assert_eq!(project.ls("--cache-status cold"), Vec::<String>::new());
}

#[test]
fn listed_names_are_command_at_module_and_the_original_forms_mean_the_same() {
    let project = project();
    assert_eq!(project.ls("lint -m app"), ["lint@app"]);
    for name in ["lint@app", "lint#app", "lint@default#app"] {
        assert_eq!(project.ls(name), ["lint@app"], "{name}");
    }
    assert_eq!(project.ls("lint@tools#tool"), ["lint@tool"]);
    assert_eq!(project.qik("--ls lint@tools#app").exits(2).out(), "", "app is of another space");
}

#[test]
fn a_const_base_dep_breaks_the_whole_cache() {
    let project = project();
    project.qik("").exits(0);
    assert!(project.ls("--cache-status cold").is_empty());
    let base = "[base]\ndeps = [{ type = \"const\", val = \"1\" }]\n";
    project.write("qik.toml", format!("{CONFIG}{base}"));
    assert_eq!(project.ls("--cache-status cold").len(), 6);
    project.qik("").exits(0);
    project.write("qik.toml", format!("{CONFIG}{}", base.replace('1', "2")));
    assert_eq!(project.ls("--cache-status cold").len(), 6, "another value is another state");
}

#[test]
fn commands_are_listed_by_the_type_of_their_cache() {
    let project = project();
    assert_eq!(project.ls("--cache local"), ["cover@app", "cover@lib", "cover@tool"]);
    assert_eq!(project.ls("--cache local --cache repo").len(), 6);
}

#[test]
fn repo_cached_commands_are_warm_on_a_machine_that_never_ran_them() {
    let project = project();
    project.qik("--cache repo").exits(0);
    project.commit();
    let clone = project.clone_to("elsewhere");
    assert_eq!(clone.qik(CHECK).exits(0).out(), "");
}
