//! `qik config check`: each finding with its code, its place and a remedy; and nothing is found in what
//! is meant.

use crate::project::Project;

/// The codes that are told of a project with this configuration, and how it ends.
fn codes(project: &Project) -> (Vec<String>, i32) {
    let told = project.qik("config check");
    let words = told.stderr.split_whitespace();
    let codes = words.filter(|word| word.starts_with("lint/")).map(str::to_string).collect();
    (codes, told.code)
}

#[track_caller]
fn check(project: &Project, expected: &[&str]) {
    let (found, code) = codes(project);
    assert_eq!(found, expected, "{}", project.qik("config check").stderr);
    assert_eq!(code, i32::from(!expected.is_empty()));
}

fn project(config: &str) -> Project {
    let project = Project::new(config);
    project.write("app/a.py", "import b\n").write("b.py", "").write("src.txt", "1\n");
    project
}

#[test]
fn nothing_is_said_of_what_is_meant() {
    let project = project(
        "vars = [\"region\"]\n[spaces.default]\nmodules = [\"app\"]\n[defaults]\ncache = \"local\"\n\
         [commands.test]\nexec = \"pytest {module.dir} {ctx.region}\"\n\
         deps = [\"{module.dir}/**.py\", { type = \"pygraph\", pyimport = \"{module.pyimport}\" }]\n\
         [commands.pack]\nexec = \"pack\"\ndeps = [\"src.txt\", \"!out\", \"!nowhere\"]\nartifacts = [\"out/*.tar\"]\n\
         [commands.ship]\nexec = \"ship\"\ndeps = [\"out\", { type = \"command\", name = \"pack\" }]\n",
    );
    check(&project, &[]);
    assert_eq!(project.qik("config check").out(), "nothing to say\n");
}

#[test]
fn the_shop_has_no_findings() {
    let shop = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/shop/qik.toml");
    let told = Project::empty().qik(&format!("--config {shop} config check"));
    told.exits(0).prints("nothing to say");
}

#[test]
fn a_command_over_no_module_never_runs() {
    let project = project("[commands.lint]\nexec = \"lint {module.dir}\"\n");
    check(&project, &["lint/never-runs"]);
    project.qik("config check").says("qik.toml:1:").says("list modules");
}

#[test]
fn a_pattern_that_matches_nothing_is_told_at_its_place() {
    let project = project(
        "[base]\ndeps = [\"gone.lock\"]\n[commands.a]\nexec = \"a\"\ndeps = [\n  \"src.txt\",\n  \"scr/**.txt\",\n]\n",
    );
    check(&project, &["lint/matches-nothing", "lint/matches-nothing"]);
    project.qik("config check").says("qik.toml:2:").says("qik.toml:7:").says("`scr/**.txt`");
}

#[test]
fn what_nothing_uses_is_told() {
    let project = project(
        "vars = [\"region\", { name = \"dry-run\", type = \"bool\", default = false }]\n\
         [spaces.idle]\nroot = \"app\"\n[caches.team]\ntype = \"memory\"\n\
         [commands.a]\nexec = \"a {ctx.dry_run}\"\n",
    );
    check(&project, &["lint/unused-variable", "lint/unused-space", "lint/unused-cache"]);
    project
        .qik("config check")
        .says("`region`")
        .says("`idle`")
        .says("`team`")
        .is_silent_on("`dry-run`");
}

#[test]
fn a_variable_without_a_value_hides_no_finding_and_makes_none() {
    let project = project(
        "vars = [\"region\"]\n[spaces.web]\nmodules = [\"app\"]\n\
         [commands.a]\nexec = \"a {module.dir} {ctx.region}\"\nspace = \"web\"\ndeps = [\"app\", \"scr\"]\n",
    );
    check(&project, &["lint/matches-nothing"]);
}

#[test]
fn a_cache_that_a_variable_may_choose_is_used() {
    check(
        &project(
            "vars = [{ name = \"where\", default = \"team\" }]\n[caches.team]\ntype = \"memory\"\n\
             [commands.a]\nexec = \"a\"\ndeps = [\"src.txt\"]\ncache = \"{ctx.where}\"\n",
        ),
        &[],
    );
}

#[test]
fn an_artifact_that_git_ignores_is_no_use_to_the_repo_cache() {
    let config = "[commands.a]\nexec = \"a\"\ndeps = [\"src.txt\"]\ncache = \"repo\"\nartifacts = [\"out/**\", \"kept.txt\"]\n";
    let project = project(config);
    check(&project, &[]);
    project.write(".gitignore", "out/\n");
    check(&project, &["lint/ignored-artifact"]);
    project.qik("config check").says("`out/**`").says(".gitignore");
    project.write("qik.toml", config.replace("\"repo\"", "\"local\""));
    check(&project, &[]);
}

#[test]
fn a_command_that_depends_on_what_it_makes_is_told() {
    let project = project(
        "[commands.a]\nexec = \"a\"\ndeps = [\"**.txt\"]\nartifacts = [\"out/report.txt\"]\n",
    );
    check(&project, &["lint/own-artifact"]);
    project.qik("config check").says("`!out/report.txt`");
    project.write(
        "qik.toml",
        "[commands.a]\nexec = \"a\"\ndeps = [\"**.txt\", \"!out/report.txt\"]\nartifacts = [\"out/report.txt\"]\n",
    );
    check(&project, &[]);
}

#[test]
fn a_module_that_is_not_there_is_told() {
    let project = project(
        "[spaces.default]\nmodules = [\"app\", \"apq\"]\n[commands.a]\nexec = \"a {module.dir}\"\n",
    );
    check(&project, &["lint/no-such-module"]);
    project.qik("config check").says("qik.toml:2:19").says("`apq`");
}

#[test]
fn a_test_runner_without_the_graph_is_told() {
    let project = project(
        "[spaces.default]\nmodules = [\"app\"]\n[commands.test]\nexec = \"pytest {module.dir}\"\ndeps = [\"{module.dir}/**.py\"]\n\
         [commands.lint]\nexec = \"ruff check {module.dir}\"\ndeps = [\"{module.dir}/**.py\"]\n",
    );
    check(&project, &["lint/python-without-graph"]);
    project.qik("config check").says("pygraph").says("`test`");
}

#[test]
fn each_code_has_a_page_and_findings_point_into_kdl_too() {
    let project = Project::empty();
    project.git("init -q .");
    project.write(
        "qik.kdl",
        "ctx \"region\"\n// …\ncommand \"a\" {\n    exec \"a {module.dir}\"\n}\n",
    );
    check(&project, &["lint/unused-variable", "lint/never-runs"]);
    project.qik("config check").says("qik.kdl:1:5").says("qik.kdl:3:9");
    project.qik("--explain-error lint/never-runs").exits(0).prints("lint/never-runs");
}
