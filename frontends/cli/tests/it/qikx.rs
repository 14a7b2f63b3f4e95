//! `qikx`: a program in the environment of a space.

use std::process::Stdio;

use crate::project::{Project, Told, tell};
use crate::venvs::{can_make, with_uv};

const CONFIG: &str = r#"
[defaults]
dotenv = []
[spaces.web]
root = "web"
dotenv = ".env"
[spaces.tools]
venv = { type = "uv", reqs = "tools.in" }
[commands]
hello = "true"
"#;

fn project() -> Project {
    let project = Project::new(CONFIG);
    project
        .write("web/.keep", "")
        .write(".env", "A=of web\n")
        .write("tools.in", "pyflakes==3.2.0\n");
    project
}

fn qikx(project: &Project, args: &[&str]) -> Told {
    let mut command = with_uv(project.command(env!("CARGO_BIN_EXE_qikx")));
    tell(command.args(args))
}

#[test]
fn a_program_finds_the_variables_of_its_space_and_stands_where_it_was_started() {
    let project = project();
    let show = ["-c", "echo [$A] $1; pwd", "sh", "two words"];
    let with = |word| [&[word][..], &show].concat();
    let root = project.root.display().to_string();
    let told = qikx(&project, &with("sh@web"));
    assert_eq!(told.exits(0).out(), format!("[of web] two words\n{root}\n"));
    assert_eq!(qikx(&project, &with("sh")).exits(0).out(), format!("[] two words\n{root}\n"));
    let told = qikx(&project.inside("web"), &with("sh"));
    assert_eq!(told.exits(0).out(), format!("[of web] two words\n{root}/web\n"));
    let told = qikx(&project, &[&["-C", "web"][..], &with("sh")].concat());
    assert_eq!(told.exits(0).out(), format!("[of web] two words\n{root}/web\n"));
}

#[test]
fn it_becomes_the_program() {
    let project = project();
    let mut command = project.command(env!("CARGO_BIN_EXE_qikx"));
    let child = command.args(["sh", "-c", "echo $$"]).stdout(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{pid}\n"));
    qikx(&project, &["sh", "-c", "exit 7"]).exits(7);
    qikx(&project, &["sh", "-c", "kill -TERM $$"]).exits(-15);
}

#[test]
fn what_cannot_be_started_has_the_codes_of_a_shell() {
    let project = project();
    qikx(&project, &["no-such-program"]).exits(127).says("space/no-program");
    project.write("plain", "no program");
    qikx(&project, &["./plain"]).exits(126).says("space/no-program");
    qikx(&project, &["sh@wbe"]).exits(2).says("select/unknown-space").says("did you mean `web`?");
    qikx(&project, &["--install", "wbe"]).exits(2).says("did you mean `web`?");
    qikx(&project, &[]).exits(2).says("args/nothing-to-run");
    qikx(&project, &["--ctx", "x=1", "sh"]).exits(2).says("x");
    project.remove(".env");
    qikx(&project, &["sh@web"]).exits(1).says("space/no-dotenv");
    qikx(&project, &["--help"]).exits(0).prints("CMD[@SPACE]");
}

#[test]
fn an_environment_is_made_first_if_it_has_to_be() {
    if !can_make() {
        return;
    }
    let project = project();
    let told = qikx(&project, &["pyflakes@tools", "--version"]);
    told.exits(0).says("uv.lock@tools").says("uv.install@tools");
    assert!(told.out().starts_with("3.2.0 "), "stdout is the program's: {}", told.out());
    let told = qikx(&project, &["pyflakes@tools", "--version"]);
    assert_eq!(told.exits(0).stderr, "");
    let told = qikx(&project, &["sh@tools", "-c", "echo $VIRTUAL_ENV; command -v python"]);
    let venv = project.path("._qik/venv/tools").display().to_string();
    assert_eq!(told.exits(0).out(), format!("{venv}\n{venv}/bin/python\n"));
    project.write("tools.in", "pyflakes==3.1.0\n");
    assert!(qikx(&project, &["pyflakes@tools", "--version"]).exits(0).out().starts_with("3.1.0 "));
    project.write("tools.in", "no-such-distribution-of-qik\n");
    let told = qikx(&project, &["pyflakes@tools", "--version"]);
    told.exits(1).says("no-such-distribution-of-qik");
    assert_eq!(told.out(), "", "not in an environment that is not what is asked for");
}

#[test]
fn all_environments_are_made_at_once() {
    if !can_make() {
        return;
    }
    let project = project();
    qikx(&project, &["--install"]).exits(0).says("uv.install@tools");
    assert!(project.exists("._qik/venv/tools/bin/pyflakes"));
    qikx(&project, &["--install", "tools", "web"]).exits(0).says("as they should be");
}
