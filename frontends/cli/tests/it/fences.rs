//! Fences: imports that leave them are found, told with their place, and fail the check.

use crate::project::Project;

const CONFIG: &str = r#"
[plugins]
pygraph = "qik.pygraph"

[spaces.web]
modules = ["web"]
fence = ["shared", "!shared/private", { type = "space", name = "core" }]

[spaces.core]
modules = ["core"]
fence = true

[spaces.free]
modules = ["free"]
"#;

fn project() -> Project {
    let project = Project::new(CONFIG);
    project
        .write("web/__init__.py", "")
        .write("core/__init__.py", "")
        .write("free/a.py", "import web\n");
    project.write("shared/util.py", "").write("shared/private/deep.py", "").write("outside.py", "");
    project.write("web/views.py", "import core, shared.util, json\nfrom . import forms\n");
    project.write("web/forms.py", "");
    project
}

#[test]
fn what_stays_inside_passes_and_is_cached() {
    let project = project();
    let names = ["pygraph.check@core", "pygraph.check@web"];
    assert_eq!(project.ls(""), names);
    assert_eq!(project.qik("").exits(0).summary(), "2 ran, 0 cached");
    assert_eq!(project.qik("").exits(0).summary(), "0 ran, 2 cached");
    project.write("web/forms.py", "import core\n");
    assert_eq!(project.qik("").exits(0).summary(), "0 ran, 2 cached");
}

#[test]
fn what_leaves_is_told_with_its_place() {
    let project = project();
    project.write("web/forms.py", "x = 1\n\nfrom shared.private import deep\nimport free.a\n");
    project.write("core/__init__.py", "def f():\n    import outside\n");
    project.qik("pygraph.check@web").exits(1).prints(
        "web/forms.py:3:28: web.forms imports shared.private.deep\n\
         web/forms.py:4:8: web.forms imports free.a\n\
         2 imports leave the fence of `web`\n",
    );
    project.qik("pygraph.check@core").exits(1).prints(
        "core/__init__.py:2:12: core imports outside\n1 import leaves the fence of `core`\n",
    );
    project.qik("graph check web").exits(1).prints("web.forms imports free.a");
    project.qik("graph check free").exits(2).says("there are `core`, `web`");
    let told = project.qik("graph check core --format github");
    told.exits(1).prints("::error file=core/__init__.py,line=2,col=12,");
    let sarif = project.qik("graph check --format sarif").exits(1).out();
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "core/__init__.py");
    assert_eq!(place["region"]["startLine"], 2);
}

#[test]
fn an_edit_moves_the_lines_that_are_told() {
    let project = project();
    project.write("web/forms.py", "import outside\n");
    project.qik("pygraph.check@web").exits(1).prints("web/forms.py:1:8");
    project.write("web/forms.py", "\n\nimport outside\n");
    project.qik("pygraph.check@web").exits(1).prints("web/forms.py:3:8");
}

#[test]
fn a_distribution_that_the_space_does_not_have_leaves_too() {
    let project = project();
    project.write(
        "web/forms.py",
        "import absent\ntry:\n    import optional\nexcept ImportError: ...\n",
    );
    project.write("requirements.txt", "present==1\n");
    project.qik("graph check web").exits(1).prints(
        "web/forms.py:1:8: web.forms imports absent, which no distribution of the space has\n\
         1 import leaves",
    );
}

#[test]
fn without_the_plugin_the_check_is_there_but_hidden() {
    let project = project();
    project.write(
        "qik.toml",
        CONFIG.replace("[plugins]\npygraph = \"qik.pygraph\"\n", "[commands]\na = \"true\"\n"),
    );
    assert_eq!(project.ls(""), ["a"]);
    assert_eq!(project.ls("pygraph.check").len(), 2);
    project.write("qik.toml", CONFIG.replace("pygraph = \"qik", "graph = \"qik"));
    assert_eq!(project.ls(""), ["graph.check@core", "graph.check@web"]);
}
