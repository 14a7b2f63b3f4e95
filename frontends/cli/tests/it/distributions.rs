//! What is installed or locked counts: versions, their dependencies, the version of Python, and the
//! map that stands in for an environment where there is only a lock file.

use crate::project::Project;

const CONFIG: &str = "[commands.a]\nexec = \"note\"\ncache = \"repo\"\n\
    deps = [{ type = \"pygraph\", pyimport = \"app\" }]\n\
    [commands.b]\nexec = \"note\"\ndeps = [{ type = \"pydist\", name = \"Tool\" }]\n";

fn project(app: &str) -> Project {
    let project = Project::new(CONFIG);
    project.write("app/main.py", app).write(".gitignore", ".venv\n");
    venv(&project, ".venv", "3.11");
    install(&project, "web", "1.0", "web", &["deep>=1"]);
    install(&project, "deep", "1.0", "deep", &[]);
    install(&project, "tool", "1.0", "tool", &["deep"]);
    install(&project, "unused", "1.0", "unused", &[]);
    project
}

/// An environment as far as its layout goes: no Python is in it.
fn venv(project: &Project, folder: &str, python: &str) {
    let site = format!("{folder}/lib/python{python}/site-packages");
    project
        .write(&format!("{folder}/pyvenv.cfg"), format!("home = /usr/bin\nversion = {python}.4\n"));
    project.write(&format!("{site}/README.txt"), "");
}

fn install(project: &Project, name: &str, version: &str, import: &str, requires: &[&str]) {
    let site = project.path(".venv/lib/python3.11/site-packages");
    for item in std::fs::read_dir(&site).unwrap() {
        let path = item.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        if file.starts_with(&format!("{name}-")) {
            std::fs::remove_dir_all(&path).unwrap();
        }
    }
    let folder = format!(".venv/lib/python3.11/site-packages/{name}-{version}.dist-info");
    let requires: String = requires.iter().map(|one| format!("Requires-Dist: {one}\n")).collect();
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}");
    project.write(&format!("{folder}/METADATA"), metadata);
    project.write(&format!("{folder}/top_level.txt"), format!("{import}\n"));
    project.write(&format!("{folder}/RECORD"), format!("{import}/__init__.py,,\n"));
}

#[track_caller]
fn executes(project: &Project, expected: &[&str]) {
    project.qik("").exits(0);
    assert_eq!(project.executed(), expected);
}

#[test]
fn an_upgrade_makes_cold_what_imports_it_or_depends_on_what_needs_it() {
    let project = project("import web\n");
    executes(&project, &["a", "b"]);
    install(&project, "unused", "2.0", "unused", &[]);
    executes(&project, &[]);
    install(&project, "web", "2.0", "web", &["deep>=1"]);
    project.qik("why a").exits(0).prints("cold: web 1 -> 2\n");
    executes(&project, &["a"]);
    install(&project, "deep", "1.5", "deep", &[]);
    project.qik("why b").exits(0).prints("cold: deep 1 -> 1.5\n");
    executes(&project, &["a", "b"]);
}

#[test]
fn dependencies_of_dependencies_can_be_left_out() {
    let project = project("import web\n");
    project.write("qik.toml", format!("{CONFIG}\n[pydist]\ntransitive = false\n"));
    executes(&project, &["a", "b"]);
    install(&project, "deep", "1.5", "deep", &[]);
    executes(&project, &[]);
}

#[test]
fn an_optional_import_may_be_absent_and_counts_when_it_is_installed() {
    let project = project("try:\n    import extra\nexcept ImportError:\n    extra = None\n");
    executes(&project, &["a", "b"]);
    install(&project, "extra-lib", "1.0", "extra", &[]);
    project.qik("why a").exits(0).prints("extra-lib 1 added");
    executes(&project, &["a"]);
}

#[test]
fn an_import_that_nothing_brings_counts_as_absent_and_is_told() {
    let project = project("import web\nimport nothing.here\n");
    let told = project.qik("");
    told.exits(0).says("python/missing-distribution").says("app/main.py:2").says("count as absent");
    assert_eq!(project.executed(), ["a", "b"]);
    install(&project, "nothing", "1.0", "nothing", &[]);
    project.qik("why a").prints("cold: nothing 1 added").prints("nothing.here was not installed");
    project.qik("a").exits(0).is_silent_on("python/missing-distribution");
    assert_eq!(project.executed(), ["a"]);
}

#[test]
fn an_import_that_nothing_brings_can_be_an_error_or_of_no_account() {
    let project = project("import web\nimport nothing.here\n");
    let set = |settings: &str| project.write("qik.toml", format!("{CONFIG}\n{settings}"));
    set("[pydist]\nignore-missing-modules = false\n");
    let told = project.qik("");
    told.exits(1).says("python/missing-distribution").says("app/main.py:2").says("pydist.modules");
    assert_eq!(project.executed(), ["b"]);
    for settings in [
        "[pydist]\nignore-missing-modules = true\n",
        "[pydist.modules]\nnothing = \"\"\n",
        "[pydist.modules]\n\"nothing.here\" = \"deep\"\n",
        "[plugins.pygraph]\npyimport = \"qik.pygraph\"\nignore-pydists = true\n",
    ] {
        set(settings);
        project.qik("a -f").exits(0).is_silent_on("python/missing-distribution");
        assert_eq!(project.executed(), ["a"], "{settings}");
    }
}

#[test]
fn a_distribution_that_is_not_there_is_an_error_with_the_nearest() {
    let project = project("");
    project.write("qik.toml", CONFIG.replace("Tool", "tol"));
    project.qik("b").exits(1).says("python/missing-distribution").says("did you mean `tool`?");
    project.write(
        "qik.toml",
        format!("{}[pydist]\nignore-missing = true\n", CONFIG.replace("Tool", "tol")),
    );
    project.qik("b").exits(0);
    project.write(
        "qik.toml",
        format!("{}[pydist.versions]\ntol = \"3\"\n", CONFIG.replace("Tool", "tol")),
    );
    project.qik("b").exits(0);
}

#[test]
fn no_result_crosses_versions_of_python() {
    let project = project("import web\n");
    executes(&project, &["a", "b"]);
    let site = |python: &str| project.path(&format!(".venv/lib/python{python}"));
    std::fs::rename(site("3.11"), site("3.13")).unwrap();
    project.write(".venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.13.1\n");
    project.qik("why a").exits(0).prints("cold: Python 3.11 -> 3.13\n");
    executes(&project, &["a", "b"]);
    std::fs::rename(site("3.13"), site("3.11")).unwrap();
    project.write(".venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.4\n");
    // The repo cache keeps the newest result alone.
    executes(&project, &["a"]);
}

#[test]
fn the_active_environment_comes_before_the_projects() {
    let project = project("import web\n");
    executes(&project, &["a", "b"]);
    venv(&project, "other", "3.12");
    let other = project.path("other").display().to_string();
    let told = project.qik_in("--cache-status cold --ls", &[("VIRTUAL_ENV", &other)]);
    assert_eq!(told.exits(0).out(), "a\nb\n");
    let told = project.qik_in("a", &[("VIRTUAL_ENV", &other)]);
    told.exits(0).says("belongs to no distribution").says("other");
}

/// `requirements.txt` with what [`project`] installs.
const PINS: &str = "web==1.0\ndeep==1.0\n    # via web, tool\ntool==1.0\nunused==1.0\n";

#[test]
fn a_job_with_only_qik_finds_warm_what_a_machine_with_the_environment_filled() {
    let project = project("import web\nfrom webnames import thing\n");
    // The import is called otherwise than the distribution: only the environment tells.
    install(&project, "names-of-web", "3.0", "webnames", &["deep"]);
    project.write("requirements.txt", format!("{PINS}names-of-web==3.0\n"));
    executes(&project, &["a", "b"]);
    assert!(project.exists(".qik/artifacts/pygraph/default.json"));
    project.commit();
    let job = project.clone_to("job");
    assert!(!job.exists(".venv"));
    let told = job.qik("a --cache repo --cache-status cold --fail --ls");
    assert_eq!(told.exits(0).out(), "");
    job.qik("a --cache repo").exits(0);
    assert!(job.executed().is_empty());
    job.write("requirements.txt", job.read("requirements.txt").replace("deep==1.0", "deep==1.1"));
    job.qik("why a").exits(0).prints("cold");
    job.qik("a --cache repo --cache-status cold --fail --ls").exits(1).prints("a");
}

#[test]
fn the_map_of_imports_is_small_and_stays_as_it_is() {
    let project = project("import web\nimport json\n");
    executes(&project, &["a", "b"]);
    let map = project.read(".qik/artifacts/pygraph/default.json");
    let expected = "{\n  \"python\": \"3.11\",\n  \"imports\": {\n    \"web\": [\"web\"]\n  },\n  \"requires\": {\n    \"web\": [\"deep\"]\n  }\n}\n";
    assert_eq!(map, expected);
    install(&project, "web", "1.1", "web", &["deep>=1"]);
    executes(&project, &["a"]);
    assert_eq!(project.read(".qik/artifacts/pygraph/default.json"), expected);
}

#[test]
fn an_environment_that_differs_from_the_lock_is_told_once() {
    let project = project("import web\n");
    project.write("requirements.txt", PINS.replace("web==1.0", "web==2.0"));
    let told = project.qik("");
    told.exits(0).says("python/environment-differs").says("`requirements.txt`: web 1.0");
    assert_eq!(told.stderr.matches("python/environment-differs").count(), 1);
}

#[test]
fn a_load_dep_may_name_distributions() {
    let project = project("");
    project.write(
        "qik.toml",
        "[commands.c]\nexec = \"note\"\ndeps = [{ type = \"load\", path = \"uses.json\" }]\n",
    );
    project.write("uses.json", "{\"pydists\": [\"web\"]}");
    executes(&project, &["c"]);
    install(&project, "web", "2.0", "web", &["deep>=1"]);
    executes(&project, &["c"]);
    install(&project, "unused", "2.0", "unused", &[]);
    executes(&project, &[]);
}
