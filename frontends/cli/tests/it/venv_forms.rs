//! What environments of spaces can be made from, and what else counts with them.

use crate::project::{Project, Told, tell};
use crate::venvs::{CONFIG, bare, can_make, log, project, qik, qik_in, steps, with_uv};

#[test]
fn a_project_of_uv_is_synchronized_by_group() {
    if !can_make() {
        return;
    }
    let project = Project::new(
        r#"
[spaces.app]
root = "app"
venv = { type = "uv-project", path = "app", groups = ["old"] }
[spaces.bare]
venv = { type = "uv-project", path = "app" }
[commands.show]
exec = "note && python -c 'import six; print(six.__version__)'"
space = "app"
deps = ["x"]
[commands.none]
exec = "note && python -c 'import six'"
space = "bare"
deps = ["x"]
"#,
    );
    project.write(
        "app/pyproject.toml",
        "[project]\nname = \"app\"\nversion = \"1\"\nrequires-python = \">=3.8\"\ndependencies = []\n\
         [dependency-groups]\nold = [\"six==1.14.0\"]\n[tool.uv]\npackage = false\n",
    );
    let told = tell(with_uv(project.command("uv")).args(["lock", "-q", "--project", "app"]));
    told.exits(0);
    let told = qik(&project, "show -v 2");
    told.exits(0).prints("1.14.0\n");
    assert_eq!(steps(&told), ["uv.install@app"]);
    assert_eq!(qik(&project, "show").exits(0).summary(), "0 ran, 1 cached");
    qik(&project, "none").exits(1).prints("No module named 'six'");
    // A lock that is behind its project is told by uv, and nothing half made is used.
    let pyproject = project.read("app/pyproject.toml");
    project.write("app/pyproject.toml", pyproject.replace("1.14.0", "1.15.0"));
    qik(&project, "show").exits(1).says("1 skipped");
    tell(with_uv(project.command("uv")).args(["lock", "-q", "--project", "app"])).exits(0);
    qik(&project, "show -v 2").exits(0).prints("1.15.0\n");
    assert_eq!(project.inside("app").qik("--ls").exits(0).out(), "show\n");
}

#[test]
fn a_cheap_command_whose_output_counts_runs_in_the_environment() {
    if !can_make() {
        return;
    }
    let project = project();
    let version = "{ type = \"exec\", run = \"python -c 'import six; print(six.__version__)'\" }";
    project.write(
        "qik.toml",
        CONFIG.replace("\"{module.dir}/**\"", &format!("\"{{module.dir}}/test.py\", {version}")),
    );
    qik(&project, "test").exits(0);
    assert_eq!(project.executed(), ["test@new", "test@old"]);
    assert_eq!(qik(&project, "test").exits(0).summary(), "0 ran, 4 cached");
}

#[test]
fn a_command_can_wait_for_an_environment_by_name() {
    if !can_make() {
        return;
    }
    let project = project();
    let dep = "deps = [\"qik.toml\", { type = \"command\", name = \"uv.install\" }]";
    project.write("qik.toml", CONFIG.replace("deps = [\"qik.toml\"]", dep));
    let told = qik(&project, "alone");
    assert_eq!(
        steps(told.exits(0)),
        ["uv.install@new", "uv.install@old", "uv.lock@new", "uv.lock@old"]
    );
    assert_eq!(project.executed(), ["alone"]);
}

#[test]
fn an_index_with_credentials_is_told_nowhere() {
    const SECRET: &str = "hunter2-5b1d";
    let project = project();
    project.write(
        "qik.toml",
        format!(
            "vars = [\"token\"]\n{}",
            CONFIG.replace(
                "uv = \"qik.uv\"",
                "uv = { pyimport = \"qik.uv\", index-url = \"http://{ctx.token}@127.0.0.1:9/simple\" }",
            ),
        ),
    );
    let fake = "#!/bin/sh\ncase \"$UV_DEFAULT_INDEX\" in *5b1d*) ;; *) exit 4;; esac\n\
                while [ $# -gt 1 ]; do [ \"$1\" = --output-file ] && mkdir -p .qik/artifacts/uv.lock && echo six==1.14.0 > \"$2\"; shift; done\n";
    project.write("fake/uv", fake);
    project.make_executable("fake/uv");
    let path = format!("{}:{}", project.path("fake").display(), bare(&project));
    let run = |args, token| qik_in(&project, args, &[("PATH", &path), ("TOKEN", token)]);
    run("uv.lock", SECRET).exits(0);
    let told = [
        run("uv.lock -f -v 2", SECRET),
        run("why uv.lock", SECRET),
        run("--ls --format json", SECRET),
    ];
    for told in &told {
        assert!(!format!("{}{}", told.exits(0).out(), told.stderr).contains(SECRET));
    }
    let mut grep = project.command("grep");
    assert_eq!(tell(grep.args(["-rla", SECRET, "."])).out(), "");
    // Another token is no other lock.
    assert_eq!(run("uv.lock", "another").exits(0).summary(), "0 ran, 2 cached");
}

#[test]
fn a_space_can_share_an_environment_or_be_kept_to_its_versions() {
    if !can_make() {
        return;
    }
    let project = project();
    project.write(
        "qik.toml",
        CONFIG.replace(
            "venv = \"new/requirements.in\"",
            "venv = { type = \"space\", name = \"old\" }",
        ),
    );
    let told = qik(&project, "test -v 2");
    told.exits(0);
    assert_eq!([log(&project, "test@new"), log(&project, "test@old")], ["1.14.0\n", "1.14.0\n"]);
    assert_eq!(steps(&told), ["uv.install@old", "uv.lock@old"]);
    project.write("qik.toml", CONFIG.replace(
        "venv = \"new/requirements.in\"",
        "venv = { type = \"uv\", reqs = \"new/requirements.in\", constraint = { type = \"space\", name = \"old\" } }",
    ));
    let told = qik(&project, "test@new -v 2");
    told.exits(0).prints("1.14.0\n");
    assert_eq!(steps(&told), ["uv.install@new", "uv.lock@new"]);
    project.write("old/requirements.in", "six<1.14\n");
    qik(&project, "test@new -v 2").exits(0).prints("1.13.0\n");
}

#[test]
fn what_requirements_include_counts() {
    if !can_make() {
        return;
    }
    let project = project();
    project.write("old/requirements.in", "-r shared.in\n").write("old/shared.in", "six<1.15\n");
    qik(&project, "test@old -v 2").exits(0).prints("1.14.0\n");
    project.write("old/shared.in", "six<1.14\n");
    qik(&project, "test@old -v 2").exits(0).prints("1.13.0\n");
    assert_eq!(qik(&project, "uv.lock@old").exits(0).summary(), "0 ran, 1 cached");
}

#[test]
fn a_graph_has_the_same_fingerprint_before_and_after_the_environment_is_made() {
    if !can_make() {
        return;
    }
    let project = Project::new(
        r#"
[plugins]
uv = "qik.uv"
pygraph = "qik.pygraph"
[defaults]
cache = "repo"
[spaces.app]
modules = ["app"]
venv = "requirements.in"
fence = true
[commands.load]
exec = "note && python -c 'import {module.pyimport}'"
deps = [{ type = "pygraph", pyimport = "{module.pyimport}" }, { type = "pydist", name = "six" }]
"#,
    );
    // The import is called otherwise than the distribution: only the environment tells.
    project
        .write("requirements.in", "six<1.16\npython-dateutil==2.8.2\n")
        .write(".gitignore", "__pycache__\n");
    project.write("app/__init__.py", "import six\nimport dateutil.tz\n");
    let told = qik(&project, "");
    told.exits(0).is_silent_on("python/missing-distribution");
    assert_eq!(project.executed(), ["load@app"]);
    assert_eq!(qik(&project, "").exits(0).summary(), "0 ran, 3 cached");
    project.commit();
    let clone = project.clone_to("clone");
    let told = qik_in(&clone, "--cache-status cold --ls", &[("PATH", &bare(&project))]);
    assert_eq!(told.exits(0).out(), "", "from the lock and the committed map alone");
    let fingerprint = |told: Told| {
        let line = told.exits(0).out();
        line.lines().find(|line| line.contains("fingerprint")).unwrap_or_default().to_string()
    };
    let before = fingerprint(qik(&clone, "why load@app"));
    qik(&clone, "uv.install").exits(0);
    assert_eq!(fingerprint(qik(&clone, "why load@app")), before);
    clone.write("app/__init__.py", "import six\nimport requests\n");
    qik(&clone, "pygraph.check").exits(1).prints("app imports requests");
}

#[test]
fn since_a_commit_a_changed_lock_or_requirement_selects_its_space() {
    if !can_make() {
        return;
    }
    let project = project();
    project.write("qik.toml", CONFIG.replace("{module.dir}/**", "{module.dir}/test.py"));
    qik(&project, "test").exits(0);
    project.commit();
    assert_eq!(qik(&project, "--since HEAD --ls").exits(0).out(), "");
    project.write("old/requirements.in", "six<1.14\n");
    assert_eq!(qik(&project, "test --since HEAD --ls").exits(0).out(), "test@old\nuv.lock@old\n");
    project.git("checkout -q old");
    let lock = project.read(".qik/artifacts/uv.lock/old.txt");
    project.write(".qik/artifacts/uv.lock/old.txt", lock.replace("1.14.0", "1.13.0"));
    let told = qik(&project, "test --since HEAD --ls");
    assert!(told.exits(0).out().starts_with("test@old\n"), "{}", told.out());
}

#[test]
fn a_lock_keeps_its_versions_until_it_is_removed() {
    if !can_make() {
        return;
    }
    let project = project();
    let lock = ".qik/artifacts/uv.lock/old.txt";
    qik(&project, "uv.lock@old").exits(0);
    project.write("old/requirements.in", "six<1.16\n");
    assert_eq!(qik(&project, "uv.lock@old -v 2").exits(0).summary(), "1 ran, 0 cached");
    assert!(project.read(lock).contains("six==1.14.0"));
    project.remove(lock);
    qik(&project, "-f uv.lock@old").exits(0);
    assert!(project.read(lock).contains("six==1.15.0"));
}

#[test]
fn spaces_that_name_no_environment_share_the_default() {
    if !can_make() {
        return;
    }
    let project = project();
    let without = |config: &str, space: &str| {
        config.replace(&format!("venv = \"{space}/requirements.in\"\n"), "")
    };
    let config = without(&without(CONFIG, "old"), "new");
    project.write("qik.toml", format!("{config}[defaults]\nvenv = \"old/requirements.in\"\n"));
    let told = qik(&project, "test");
    assert_eq!(steps(told.exits(0)), ["uv.install@default", "uv.lock@default"]);
    assert_eq!([log(&project, "test@new"), log(&project, "test@old")], ["1.14.0\n", "1.14.0\n"]);
}
