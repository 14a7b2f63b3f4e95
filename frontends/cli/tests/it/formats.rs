//! One configuration in two formats: found, mixed, converted and shown.

use crate::project::Project;

const TOML: &str =
    "# Style.\n[commands.lint]\nexec = \"note; echo linted\" # fast\ndeps = [\"src.txt\"]\n";
const KDL: &str = "command \"lint\" {\n    exec \"note; echo linted\"\n    dep \"src.txt\"\n}\n";

fn with_kdl(config: &str) -> Project {
    let project = Project::empty();
    project.git("init -q -b main .");
    project.write("qik.kdl", config).write("src.txt", "1\n");
    project
}

#[test]
fn a_configuration_in_kdl_is_found_and_runs() {
    let project = with_kdl(KDL);
    project.write("deep/er/x", "");
    assert_eq!(project.inside("deep/er").qik("lint").exits(0).out(), "linted\n");
    assert_eq!(project.qik("lint").exits(0).summary(), "0 ran, 1 cached");
}

#[test]
fn a_result_outlives_the_change_of_format() {
    let project = Project::new(TOML);
    project.write("src.txt", "1\n");
    assert_eq!(project.qik("lint").exits(0).summary(), "1 ran, 0 cached");
    let kdl = project.qik("config convert qik.toml --to kdl").exits(0).out();
    project.remove("qik.toml").write("qik.kdl", &kdl);
    assert_eq!(project.qik("lint").exits(0).summary(), "0 ran, 1 cached", "{kdl}");
    let toml = project.qik("config convert qik.kdl --to toml").exits(0).out();
    assert_eq!(toml, TOML);
}

#[test]
fn two_formats_side_by_side_are_an_error_that_names_both() {
    let project = with_kdl(KDL);
    project.write("qik.toml", TOML);
    project.qik("lint").exits(2).says("config/two-configs").says("qik.toml").says("qik.kdl");
    project.remove("qik.toml").write("pyproject.toml", "[tool.qik.commands]\na = \"x\"\n");
    project.qik("lint").exits(2).says("config/two-configs").says("qik.kdl").says("pyproject.toml");
}

#[test]
fn a_module_has_its_own_in_either_format_and_not_in_both() {
    let project = with_kdl(
        "space \"default\" { module \"api\"; module \"web\" }\ncommand \"all\" \"echo all\"\n",
    );
    project.write("api/qik.kdl", "command \"test\" \"echo api\"\n");
    project.write("web/qik.toml", "[commands]\ntest = \"echo web\"\n");
    assert_eq!(project.ls(""), ["all", "api/test", "web/test"]);
    assert_eq!(project.qik("web/test").exits(0).out(), "web\n");
    project.write("web/qik.kdl", "command \"test\" \"echo web\"\n");
    project
        .qik("--ls")
        .exits(2)
        .says("config/two-configs")
        .says("web/qik.toml")
        .says("web/qik.kdl");
}

#[test]
fn included_files_may_be_in_another_format() {
    let project = with_kdl("include \"ci/more.toml\"\ncommand \"a\" \"echo a\"\n");
    project.write("ci/more.toml", "include = [\"ci/last.kdl\"]\n[commands]\nb = \"echo b\"\n");
    project.write("ci/last.kdl", "command \"c\" \"echo c\"\n");
    assert_eq!(project.ls(""), ["a", "b", "c"]);
}

#[test]
fn reports_point_into_a_file_of_kdl() {
    let project =
        with_kdl("command \"lint\" cahce=\"repo\" {\n    exec \"x\"\n    artifcat \"y\"\n}\n");
    let told = project.qik("");
    told.exits(2).says("qik.kdl:1:16").says("did you mean `cache`?");
    told.says("qik.kdl:3:5").says("did you mean `artifact`?");
    project.write("qik.kdl", "command \"lint\" {\n    exec \"x\n}\n");
    project.qik("").exits(2).says("config/syntax").says("qik.kdl:2:10");
}

#[test]
fn a_file_of_the_first_version_is_recognised_and_converted() {
    let project = with_kdl("// Why.\ncommand \"a\" hidden=false {\n    exec r\"echo 'a b'\"\n}\n");
    let told = project.qik("a");
    told.exits(2).says("config/kdl-version").says("qik config convert qik.kdl --to kdl");
    let new = project.qik("config convert qik.kdl --to kdl").exits(0).out();
    assert!(new.contains("// Why."), "{new}");
    project.write("qik.kdl", &new);
    assert_eq!(project.qik("a").exits(0).out(), "a b\n");
}

#[test]
fn what_cannot_be_converted_is_told_at_its_place() {
    let project = with_kdl("command {\n}\n");
    project
        .qik("config convert qik.kdl --to toml")
        .exits(2)
        .says("config/kdl-node")
        .says("qik.kdl:1:1");
    project.qik("config convert no.kdl --to toml").exits(2).says("config/not-found").says("no.kdl");
    project.qik("config convert src.txt --to toml").exits(2).says("args/unknown-format");
    project.write("bad.kdl", b"command \xff");
    project.qik("config convert bad.kdl --to toml").exits(2).says("config/not-utf8");
}

/// A project over three files, in which each value has another place.
fn spread() -> Project {
    let project = Project::new(
        "include = [\"ci/more.kdl\"]\n[spaces.default]\nmodules = [\"api\"]\n\n[commands.all]\ndeps = [\n  { type = \"command\", name = \"api.test\" },\n  \"x\",\n]\n",
    );
    project.write("ci/more.kdl", "defaults cache=\"repo\"\nbase {\n    dep \"base.txt\"\n}\n");
    project.write("api/qik.toml", "[commands]\ntest = \"pytest\"\n");
    project
}

#[test]
fn all_of_a_configuration_is_shown_with_the_place_of_each_value() {
    let project = spread();
    let shown = project.qik("config show").exits(0).out();
    for line in [
        "modules = [\"api\"] # qik.toml:3",
        "    { type = \"command\", name = \"api/test\" }, # qik.toml:7",
        "    \"x\", # qik.toml:8",
        "cache = \"repo\" # ci/more.kdl:1",
        "deps = [\"base.txt\"] # ci/more.kdl:3",
        "\"api/test\" = \"pytest\" # api/qik.toml:2",
    ] {
        assert!(shown.lines().any(|found| found == line), "no `{line}` in\n{shown}");
    }
    let shown = project.qik("config show --format kdl").exits(0).out();
    for line in [
        "    module \"api\" // qik.toml:3",
        "    dep type=\"command\" name=\"api/test\" // qik.toml:7",
        "command \"api/test\" \"pytest\" // api/qik.toml:2",
    ] {
        assert!(shown.lines().any(|found| found == line), "no `{line}` in\n{shown}");
    }
    let shown = project.qik("config show --format json").exits(0).out();
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let dep = &shown["commands"]["all"]["deps"][0];
    assert_eq!((&dep["value"]["name"], &dep["origin"]), (&"api/test".into(), &"qik.toml:7".into()));
    assert_eq!(shown["defaults"]["cache"]["origin"], "ci/more.kdl:1");
}

#[test]
fn what_is_shown_is_a_configuration_that_means_the_same() {
    let project = spread();
    let listed = project.ls("");
    for (format, name) in [("toml", "qik.toml"), ("kdl", "qik.kdl")] {
        let shown = project.qik(&format!("config show --format {format}")).exits(0).out();
        let copy = Project::empty();
        copy.git("init -q .");
        copy.write(name, &shown);
        assert_eq!(copy.ls(""), listed, "{shown}");
    }
}

#[test]
fn a_broken_configuration_is_reported_instead_of_shown() {
    let project = Project::new("[commands.a]\nexce = \"x\"\n");
    assert_eq!(project.qik("config show").exits(2).says("config/unknown-key").out(), "");
}

/// Variables from every source there is.
fn with_variables() -> Project {
    let project = Project::new(
        "ctx = [\"region\", { name = \"level\", type = \"int\", default = 1 }, \"owner\"]\n\
         include = [\"more.toml\"]\n[commands]\na = \"echo {ctx.region} {ctx.level} {ctx.owner}\"\n",
    );
    project.write(
        "more.toml",
        "[ctx.default.project]\nowner = \"me\"\nregion = \"us\"\n\
         [ctx.ci.project]\nlevel = 2\n[ctx.ci.qik]\nworkers = 2\ncommands = [\"a\"]\n",
    );
    project
}

#[test]
fn values_are_shown_with_what_sets_them() {
    const ENV: [(&str, &str); 2] = [("LEVEL", "3"), ("QIK__WORKERS", "8")];
    const FLAGS: &str = "-p ci --ctx region=eu config show";
    let project = with_variables();
    let shown = project.qik_in(FLAGS, &ENV).exits(0).out();
    let ci = &shown[shown.find("[ctx.ci").unwrap()..];
    for line in [
        "region = \"eu\" # command line",
        "level = 3 # environment LEVEL",
        "owner = \"me\" # more.toml:2",
        "workers = 8 # environment QIK__WORKERS",
        "commands = [\"a\"] # more.toml:8",
    ] {
        assert!(ci.lines().any(|found| found == line), "no `{line}` in\n{shown}");
    }
    let kdl = project.qik_in(&format!("{FLAGS} --format kdl"), &ENV).exits(0).out();
    for line in ["region \"eu\" // command line", "workers 8 // environment QIK__WORKERS"] {
        assert!(kdl.lines().any(|found| found.trim() == line), "no `{line}` in\n{kdl}");
    }
    let json = project.qik_in(&format!("{FLAGS} --format json"), &ENV).exits(0).out();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let level = &json["ctx"]["ci"]["project"]["level"];
    assert_eq!((&level["value"], &level["origin"]), (&3.into(), &"environment LEVEL".into()));
    // What is shown means the same where nothing else sets anything.
    for (name, text) in [("qik.toml", shown), ("qik.kdl", kdl)] {
        let copy = Project::empty();
        copy.git("init -q .");
        copy.write(name, &text);
        assert_eq!(copy.qik("-p ci a").exits(0).out(), "eu 3 me\n", "{text}");
    }
}

#[test]
fn without_a_profile_the_default_one_has_the_values() {
    let project = with_variables();
    let shown = project.qik_in("-n 3 config show", &[("REGION", "eu")]).exits(0).out();
    let default = shown.split("[ctx.ci").next().unwrap();
    for line in ["region = \"eu\" # environment REGION", "workers = 3 # command line"] {
        assert!(default.lines().any(|found| found == line), "no `{line}` in\n{shown}");
    }
    assert!(!shown.contains("\"us\""), "{shown}");
    project.qik_in("config show", &[("LEVEL", "x")]).exits(2).says("context/bad-value");
    project.qik("-p cl config show").exits(2).says("context/unknown-profile");
}
