//! Names and filters: which runnables an invocation means.

use crate::project::Project;

const CONFIG: &str = r#"
[spaces.front]
root = "web"
modules = ["web/site", "web/shop"]

[spaces.back]
root = "svc"
modules = ["svc/api", { name = "jobs", path = "svc/background" }]

[commands.lint]
exec = "note; echo {module.name}"
deps = ["{module.dir}"]
tags = ["check", "quick"]

[commands.test]
exec = "note; echo {module.dir}"
deps = ["{module.dir}", { type = "command", name = "lint" }]
tags = ["check"]

[commands.api]
exec = "note; echo {module.name}"
deps = ["{module.dir}"]
space = "back"
cache = "repo"

[commands.docs]
exec = "note"
deps = ["docs"]

[commands.deploy]
exec = "note"
hidden = true

[commands.plain]
exec = "note"
"#;

fn project() -> Project {
    let project = Project::new(CONFIG);
    for folder in ["web/site", "web/shop", "svc/api", "svc/background", "docs"] {
        project.write(&format!("{folder}/a.txt"), "1\n");
    }
    project
}

const LINTS: [&str; 4] = ["lint@jobs", "lint@svc/api", "lint@web/shop", "lint@web/site"];

#[track_caller]
fn check(args: &str, expected: &[&str]) {
    assert_eq!(project().ls(args), expected, "{args}");
}

#[test]
fn without_names_every_command_that_is_not_hidden_is_meant() {
    let all = project().ls("");
    assert_eq!(all.len(), 12, "{all:?}");
    assert!(!all.contains(&"deploy".to_string()));
    assert!(all.is_sorted());
}

#[test]
fn a_hidden_command_can_be_named() {
    check("deploy", &["deploy"]);
}

#[test]
fn a_command_means_its_runnables_over_every_module() {
    check("lint", &LINTS);
    check("api", &["api@jobs", "api@svc/api"]);
}

#[test]
fn globs_choose_among_full_names() {
    check("lint@svc/*", &["lint@svc/api"]);
    check("*@jobs --isolated", &["api@jobs", "lint@jobs", "test@jobs"]);
    check("lint@web/**", &["lint@web/shop", "lint@web/site"]);
    check("d*", &["deploy", "docs"]);
}

#[test]
fn a_star_alone_means_hidden_ones_too() {
    assert!(project().ls("**").contains(&"deploy".to_string()));
}

#[test]
fn modules_spaces_and_tags_filter() {
    check("lint -m jobs", &["lint@jobs"]);
    check("lint -m jobs -m web/site", &["lint@jobs", "lint@web/site"]);
    check("-m web/site", &["lint@web/site", "test@web/site"]);
    check("lint -s front", &["lint@web/shop", "lint@web/site"]);
    check("lint -s front -s back", &LINTS);
    check("-t quick", &LINTS);
    assert_eq!(project().ls("-t quick -t check").len(), 8);
    check("-t check -m jobs", &["lint@jobs", "test@jobs"]);
    check("api -s front", &[]);
}

#[test]
fn tags_are_looked_at_after_upstream_came_along() {
    check("test@jobs -t quick", &["lint@jobs"]);
}

#[test]
fn upstream_comes_along_for_its_own_module() {
    check("test@jobs", &["lint@jobs", "test@jobs"]);
    check("test@jobs --isolated", &["test@jobs"]);
}

#[test]
fn what_is_named_beside_its_downstream_stays_when_isolated() {
    check("test@jobs lint@jobs --isolated", &["lint@jobs", "test@jobs"]);
}

#[test]
fn the_working_directory_chooses_the_space_whose_root_holds_it() {
    let project = project();
    assert_eq!(project.inside("web/site").ls("lint"), ["lint@web/shop", "lint@web/site"]);
    assert_eq!(project.inside("svc").ls("lint"), ["lint@jobs", "lint@svc/api"]);
    assert_eq!(project.inside("docs").ls("lint"), LINTS);
    assert_eq!(project.inside("svc").ls("lint -s front"), ["lint@web/shop", "lint@web/site"]);
    assert_eq!(project.ls("-C web lint"), ["lint@web/shop", "lint@web/site"]);
}

#[test]
fn a_root_does_not_claim_folders_whose_names_begin_like_it() {
    let project = project();
    project.write("website/x.txt", "");
    assert_eq!(project.inside("website").ls("lint"), LINTS);
}

#[test]
fn one_cache_sets_the_cache_of_what_is_named_and_configures_none() {
    let project = project();
    assert_eq!(project.ls("docs --cache repo"), ["docs"]);
    project.qik("docs --cache repo").exits(0);
    assert!(project.exists(".qik/cache/docs/docs.json"));
    check("lint@jobs api@jobs --cache local", &["lint@jobs"]);
}

#[test]
fn one_cache_without_names_only_filters() {
    check("--cache repo", &["api@jobs", "api@svc/api"]);
}

#[test]
fn what_only_came_along_keeps_its_cache() {
    let project = project();
    assert_eq!(
        project.ls("test@jobs --cache repo"),
        ["test@jobs"],
        "lint came along and stays local"
    );
}

#[test]
fn two_caches_only_filter() {
    check("docs api --cache repo --cache none", &["api@jobs", "api@svc/api"]);
    check("docs api --cache repo --cache local", &["api@jobs", "api@svc/api", "docs"]);
}

#[test]
fn a_default_cache_counts_for_all_that_configure_none_and_selects_nothing() {
    let project = project();
    assert_eq!(project.ls("--default-cache repo").len(), 12);
    project.qik("docs lint@jobs --default-cache repo").exits(0);
    assert!(project.exists(".qik/cache/docs/docs.json"));
    assert!(project.exists(".qik/cache/lint/lint@jobs.json"));
}

#[test]
fn defaults_are_weaker_than_a_profile() {
    let project = Project::new(
        "[defaults]\ncache = \"repo\"\n[ctx.ci.qik]\ncache = \"none\"\n[commands.a]\nexec = \"note\"\ndeps = [\"x\"]\n",
    );
    assert_eq!(project.ls("--cache repo"), ["a"]);
    assert_eq!(project.ls("--cache none -p ci"), ["a"]);
}

#[test]
fn a_default_does_not_count_as_a_cache_that_is_configured() {
    let project = Project::new(
        "[defaults]\ncache = \"repo\"\n[commands.a]\nexec = \"note\"\ndeps = [\"x\"]\n",
    );
    assert_eq!(project.ls("a --cache local"), ["a"]);
}

#[test]
fn a_command_without_deps_counts_as_never_cached() {
    let project = project();
    assert_eq!(project.ls("plain --cache none"), ["plain"]);
    assert_eq!(project.ls("plain --cache-status cold"), Vec::<String>::new());
    assert_eq!(project.ls("plain --cache-status warm"), Vec::<String>::new());
    project.qik("plain").exits(0);
    project.qik("plain").exits(0);
    assert_eq!(project.executed().len(), 2);
}

#[test]
fn base_deps_alone_do_not_make_a_command_cached() {
    let project = Project::new("[base]\ndeps = [\"x\"]\n[commands]\na = \"note\"\n");
    assert_eq!(project.ls("--cache none"), ["a"]);
}

#[test]
fn a_repo_cache_without_deps_is_warned_of() {
    let project = Project::new("[commands.a]\nexec = \"note\"\ncache = \"repo\"\n");
    let told = project.qik("a");
    told.exits(0).says("never cached").says("qik.toml:3");
    assert_eq!(told.stderr.matches("cache-without-deps").count(), 1, "once: {}", told.stderr);
    project.qik("a").exits(0);
    assert_eq!(project.executed().len(), 2);
    assert!(!project.exists(".qik"));
}

#[track_caller]
fn check_unknown(args: &str, code: &str, help: &str) {
    let told = project().qik(args);
    told.exits(2).says(code).says(help);
    assert_eq!(told.out(), "");
}

#[test]
fn unknown_names_are_errors_that_name_the_nearest() {
    check_unknown("lnt", "select/unknown-command", "did you mean `lint`?");
    check_unknown("lint@svc/app", "select/unknown-command", "did you mean `lint@svc/api`?");
    check_unknown("lint -m job", "select/unknown-module", "did you mean `jobs`?");
    check_unknown("lint -s bck", "select/unknown-space", "did you mean `back`?");
    check_unknown("-t chek", "select/unknown-tag", "did you mean `check`?");
    check_unknown("--cache rpo", "select/unknown-cache", "did you mean `repo`?");
    check_unknown("--default-cache loca", "select/unknown-cache", "did you mean `local`?");
    check_unknown("-p cii", "context/unknown-profile", "did you mean `ci`?");
    check_unknown("lint --cache-when sucess", "context/bad-value", "success");
    check_unknown("nothing-like-it", "select/unknown-command", "`lint`");
    check_unknown("zzz*", "select/unknown-command", "qik --ls");
}

#[test]
fn all_unknown_names_are_told_at_once() {
    let told = project().qik("lnt tset -m job");
    told.exits(2).says("`lnt`").says("`tset`").says("`job`");
}

#[test]
fn wrong_usage_is_told_with_2() {
    project().qik("--no-such-flag").exits(2).says("--no-such-flag");
    project().qik("--cache-status tepid").exits(2).says("warm");
    project().qik("-n nought").exits(2).says("nought");
    project().qik("-n 0").exits(2).says("0");
    project().qik("lint --format json").exits(2).says("--ls");
}

#[test]
fn fail_exits_with_1_if_anything_is_selected_and_runs_nothing() {
    let project = project();
    assert_eq!(project.qik("lint --fail").exits(1).says("4 are selected").out(), "");
    assert_eq!(project.qik("api -s front --fail").exits(0).out(), "");
    assert_eq!(project.qik("docs --fail --ls").exits(1).out(), "docs\n");
    assert!(project.executed().is_empty());
}

#[test]
fn a_listing_can_be_json() {
    let told = project().qik("lint@jobs docs plain --ls --format json");
    let all: serde_json::Value = serde_json::from_slice(&told.exits(0).stdout).unwrap();
    assert_eq!(all.as_array().unwrap().len(), 3);
    let lint = &all[1];
    assert_eq!(lint["name"], "lint@jobs");
    assert_eq!(
        (&lint["command"], &lint["module"], &lint["space"]),
        (&"lint".into(), &"jobs".into(), &"back".into())
    );
    assert_eq!((&lint["cache"], &lint["status"]), (&"local".into(), &"cold".into()));
    assert_eq!(lint["reason"], "no entry yet");
    assert_eq!((&all[2]["cache"], &all[2]["status"]), (&"none".into(), &"none".into()));
}

#[test]
fn a_cycle_is_printed_as_a_cycle() {
    let project = Project::new(
        r#"
[commands]
a = { exec = "x", deps = [{ type = "command", name = "b" }] }
b = { exec = "x", deps = [{ type = "command", name = "c" }] }
c = { exec = "x", deps = [{ type = "command", name = "a" }] }
free = "note"
"#,
    );
    project.qik("a").exits(2).says("a -> b -> c -> a");
}

#[test]
fn commands_of_a_module_are_called_after_it() {
    let project =
        Project::new("[spaces.default]\nmodules = [{ name = \"jobs\", path = \"svc/jobs\" }]\n");
    project.write(
        "svc/jobs/qik.toml",
        "[commands.seed]\nexec = \"note; echo {module.dir}\"\ndeps = [\"{module.dir}\"]\n",
    );
    assert_eq!(project.ls(""), ["jobs/seed"]);
    assert_eq!(project.qik("jobs/seed").exits(0).out(), "svc/jobs\n");
    assert_eq!(project.inside("svc/jobs").ls(""), ["jobs/seed"], "the root's configuration counts");
    assert_eq!(project.ls("-m jobs"), ["jobs/seed"]);
}

#[test]
fn the_environment_selects_too() {
    let project = project();
    let told = project.qik_in(
        "",
        &[("QIK__LS", "yes"), ("QIK__COMMANDS", "lint,docs"), ("QIK__MODULES", "jobs")],
    );
    assert_eq!(told.exits(0).out(), "lint@jobs\n");
    let told = project.qik_in("docs", &[("QIK__LS", "perhaps")]);
    told.exits(2).says("context/bad-value");
}

#[test]
fn a_misspelt_variable_of_qik_is_told() {
    let told = project().qik_in("docs", &[("QIK__PROFIL", "ci")]);
    told.exits(0).says("QIK__PROFIL").says("QIK__PROFILE");
}

/// Something cached below a group, which executes nothing itself.
const GROUP: &str = r#"
[commands.gen]
exec = "note; cat src.txt > gen.txt"
deps = ["src.txt"]
artifacts = ["gen.txt"]

[commands.all]
deps = [{ type = "command", name = "gen" }]

[commands.use]
exec = "note; cat gen.txt"
deps = ["gen.txt", { type = "command", name = "all" }]
"#;

fn group() -> Project {
    let project = Project::new(GROUP);
    project.write("src.txt", "1\n");
    project
}

#[test]
fn a_group_is_neither_warm_nor_cold() {
    let project = group();
    project.qik("").exits(0);
    assert!(project.ls("--cache-status cold").is_empty());
    assert_eq!(project.ls("--cache-status warm"), ["gen", "use"]);
    assert_eq!(project.ls("--cache none"), ["all"]);
}

#[test]
fn what_is_cold_is_passed_on_through_a_group() {
    let project = group();
    project.qik("").exits(0);
    project.write("src.txt", "2\n");
    assert_eq!(project.ls("--cache-status cold"), ["gen", "use"]);
    project.executed();
    project.qik("--cache-status cold -n 4").exits(0);
    assert_eq!(project.executed_in_order(), ["gen", "use"]);
}

#[test]
fn a_group_is_no_line_of_a_report_and_does_not_count_as_run() {
    let told = group().qik("");
    assert_eq!(told.exits(0).summary(), "2 ran, 0 cached");
    told.is_silent_on("all");
}
