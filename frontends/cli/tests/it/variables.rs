//! Variables that the commands of a space find: files of variables, those of the space, and what of
//! qik's own environment reaches them.

use crate::project::{Project, tell};

const SECRET: &str = "hunter2-7f3a9c1e";

fn project(space: &str) -> Project {
    let project = Project::new(&format!(
        "[spaces.web]\n{space}\n\
         [commands.show]\nexec = \"note && echo [$A] [$B] [$C]\"\nspace = \"web\"\ndeps = [\"x\"]\n\
         [commands.other]\nexec = \"note && echo [$A] [$B] [$C]\"\ndeps = [\"x\"]\n"
    ));
    project.write("x", "1\n");
    project
}

#[test]
fn files_of_variables_are_read_in_order_and_stay_in_their_space() {
    let project = project("dotenv = [\".env\", \"more.env\"]");
    project.write(".env", "# ours\nexport A='one two' # why\nB=${A}!\nC=$HOME\n");
    project.write("more.env", "C=\"${B}\nlast\"\n");
    assert_eq!(project.qik("show").exits(0).out(), "[one two] [one two!] [one two! last]\n");
    assert_eq!(project.qik("other").exits(0).out(), "[] [] []\n");
    let sub = project.inside("sub");
    std::fs::create_dir(&sub.root).unwrap();
    assert_eq!(sub.qik("show -f").exits(0).out(), "[one two] [one two!] [one two! last]\n");
}

#[test]
fn what_a_file_of_variables_sets_counts_and_its_comments_do_not() {
    let project = project("dotenv = \".env\"");
    project.write(".gitignore", ".env\n").write(".env", "A=1\n");
    project.qik("").exits(0);
    project.executed();
    project.write(".env", "# nothing new\nA=1\n");
    project.qik("").exits(0);
    assert!(project.executed().is_empty());
    project.write(".env", "A=2\n");
    project.qik("why show").exits(0).prints("cold: dotenv A changed");
    project.qik("").exits(0);
    assert_eq!(project.executed(), ["show"]);
}

#[test]
fn a_missing_file_of_variables_fails_those_that_need_it() {
    let project = project("dotenv = \".env\"");
    let told = project.qik("");
    told.exits(1).says("space/no-dotenv").says("`.env`").says("[commands.show]");
    assert_eq!(project.executed(), ["other"]);
    project.write(
        "qik.toml",
        project.read("qik.toml").replace("space = \"web\"\ndeps = [\"x\"]", "space = \"web\""),
    );
    project.qik("show").exits(1).says("space/no-dotenv");
    assert!(project.executed().is_empty(), "also without deps");
    project.write(".env", format!("A=1\n\nB='{SECRET}\n"));
    project.qik("show").exits(1).says("space/bad-dotenv").says("line 3").is_silent_on(SECRET);
    project.write(".env", b"A=\xff\n");
    project.qik("show").exits(1).says("is not UTF-8");
}

#[test]
fn later_ones_win() {
    let project = project("dotenv = \".env\"\nenv = { B = \"space\", C = \"space\" }");
    project.write(".env", "A=file\nB=file\n");
    let config = project.read("qik.toml");
    project.write(
        "qik.toml",
        config.replacen("deps = [\"x\"]", "deps = [\"x\"]\nenv = { C = \"command\" }", 1),
    );
    let told = project.qik_in("show", &[("A", "process"), ("B", "process"), ("C", "process")]);
    assert_eq!(told.exits(0).out(), "[file] [space] [command]\n");
}

#[test]
fn variables_of_a_space_count() {
    let project = project("env = { A = \"1\" }");
    project.qik("").exits(0);
    project.executed();
    project.write("qik.toml", project.read("qik.toml").replace("A = \"1\"", "A = \"2\""));
    project.qik("").exits(0);
    assert_eq!(project.executed(), ["show"]);
}

#[test]
fn a_strict_environment_hides_what_nothing_names() {
    let project = project("environment = \"strict\"\npass-env = [\"RAN\"]");
    let env = |value| [("A", value), ("TZ", "UTC")];
    assert_eq!(project.qik_in("show", &env("1")).exits(0).out(), "[] [] []\n");
    project.executed();
    // It can't be seen, so it can't make a stale hit.
    project.qik_in("show", &env("2")).exits(0);
    assert!(project.executed().is_empty());
    let config = project.read("qik.toml");
    let declared = [
        config.replace("[\"RAN\"]", "[\"RAN\", \"A\"]"),
        config.replace("[\"RAN\"]", "[\"RAN\"]\nenv = [\"A\"]"),
        config.replacen("deps = [\"x\"]", "deps = [\"x\"]\nenv = [\"A\"]", 1),
        config.replacen("deps = [\"x\"]", "deps = [\"x\", { type = \"env\", name = \"A\" }]", 1),
        config.replace("environment = \"strict\"\n", "")
            + "[defaults]\nenvironment = \"strict\"\npass-env = [\"A\"]\n",
    ];
    for config in declared {
        project.write("qik.toml", &config);
        project.qik("cache clear").exits(0);
        assert_eq!(project.qik_in("show", &env("1")).exits(0).out(), "[1] [] []\n", "{config}");
        project.qik_in("why show", &env("2")).exits(0).prints("cold: env A ");
        assert_eq!(project.qik_in("show", &env("2")).exits(0).out(), "[2] [] []\n", "{config}");
        assert_eq!(project.executed(), ["show", "show"], "{config}");
        project.qik_in("show", &env("1")).exits(0);
        assert!(project.executed().is_empty(), "{config}");
    }
}

#[test]
fn a_strict_environment_has_what_programs_cannot_do_without() {
    let project = Project::new(
        "[spaces.web]\nenvironment = \"strict\"\n[commands.all]\nexec = \"env\"\nspace = \"web\"\n",
    );
    let told =
        project.qik_in("all", &[("LD_PRELOAD_X", "1"), ("PYTHONPATH", "x"), ("LC_TIME", "C")]);
    let mut names: Vec<String> = told
        .exits(0)
        .out()
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0.to_string()))
        .collect();
    names.sort();
    let set_by_shells = |name: &String| !["PWD", "OLDPWD", "SHLVL", "_"].contains(&name.as_str());
    names.retain(set_by_shells);
    assert_eq!(
        names,
        [
            "HOME",
            "LC_ALL",
            "LC_TIME",
            "PATH",
            "QIK__CMD",
            "QIK__RUNNABLE",
            "QIK__WITHIN",
            "QIK__WORKER"
        ]
    );
}

#[test]
fn values_of_files_are_in_no_file_of_qik_and_told_nowhere() {
    for cache in ["local", "repo"] {
        let project = project(&format!(
            "dotenv = \".env\"\nenv = {{ D = \"x\" }}\n[defaults]\ncache = \"{cache}\""
        ));
        project.write("qik.toml", project.read("qik.toml").replace("echo [$A] [$B] [$C]", "true"));
        project.write(".env", format!("A={SECRET}\n"));
        let mut told = vec![
            project.qik("show -v 2"),
            project.qik("why show"),
            project.qik("--ls --format json"),
        ];
        project.write(".env", "A=another\n");
        told.push(project.qik("why show"));
        for told in &told {
            assert!(!format!("{}{}", told.out(), told.stderr).contains(SECRET));
        }
        project.remove(".env");
        let mut grep = project.command("grep");
        assert_eq!(tell(grep.args(["-rlaE", SECRET, "."])).out(), "", "with the {cache} cache");
    }
}

#[test]
fn files_that_the_active_environment_was_made_from_count_for_its_space() {
    let project = project("venv = \"requirements.txt\"");
    project.write("requirements.txt", "six==1.14.0\n");
    project.qik("").exits(0);
    project.executed();
    project.write("requirements.txt", "six==1.15.0\n");
    project.qik("why show").exits(0).prints("cold: requirements.txt changed");
    project.qik("").exits(0);
    assert_eq!(project.executed(), ["show"]);
    project.commit();
    project.write("requirements.txt", "six==1.16.0\n");
    assert_eq!(project.qik("--since HEAD --ls").exits(0).out(), "show\n");
}

#[test]
fn an_environment_of_conda_is_used_by_its_folder() {
    let project = Project::new(
        "[spaces.web]\nvenv = { type = \"pixi\", prefix = \".pixi/envs/default\" }\n\
         [commands.show]\nexec = \"note && tool && echo $CONDA_PREFIX [$VIRTUAL_ENV]\"\nspace = \"web\"\ndeps = [\"x\"]\n\
         [commands.six]\nexec = \"note\"\nspace = \"web\"\ndeps = [{ type = \"pydist\", name = \"six\" }]\n",
    );
    project.qik("show").exits(1).says("space/no-prefix").says(".pixi/envs/default");
    let prefix = ".pixi/envs/default";
    project.write(".gitignore", ".pixi\n");
    project.write(&format!("{prefix}/conda-meta/python-3.11.7-h1_0.json"), "{}");
    project.write(&format!("{prefix}/conda-meta/six-1.16.0-py_0.json"), "{}");
    project.write(
        &format!("{prefix}/lib/python3.11/site-packages/six-1.16.0.dist-info/METADATA"),
        "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n",
    );
    project.write(&format!("{prefix}/bin/tool"), "#!/bin/sh\necho tool of pixi\n");
    project.make_executable(&format!("{prefix}/bin/tool"));
    let told = project.qik_in("show", &[("VIRTUAL_ENV", "/other")]);
    let folder = project.path(prefix).display().to_string();
    assert_eq!(told.exits(0).out(), format!("tool of pixi\n{folder} []\n"));
    project.qik("").exits(0);
    project.executed();
    // Another build of what is installed is another environment.
    std::fs::rename(
        project.path(&format!("{prefix}/conda-meta/six-1.16.0-py_0.json")),
        project.path(&format!("{prefix}/conda-meta/six-1.17.0-py_0.json")),
    )
    .unwrap();
    project.qik("why show").exits(0).prints("packages of .pixi/envs/default changed");
    project.qik("show").exits(0);
    assert_eq!(project.executed(), ["show"]);
}
