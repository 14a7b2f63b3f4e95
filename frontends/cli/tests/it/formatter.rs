//! A real formatter: a command that writes its own inputs. Needs Python and a package index;
//! `QIK_TEST_REQUIRE_TOOLS=1` turns the lack of them into a failure.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project::{Project, tell};

/// The folder with `black` in it, made once and kept in the target folder.
fn black() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("black");
    let bin = venv.join("bin");
    let works = |bin: &Path| {
        let black = bin.join("black");
        black.exists() && tell(Command::new(black).arg("--version")).code == 0
    };
    if !works(&bin) {
        let make = format!(
            "python3 -m venv --clear '{0}' && '{0}/bin/pip' -q --disable-pip-version-check install black==25.1.0",
            venv.display()
        );
        tell(Command::new("sh").args(["-c", &make]));
    }
    works(&bin).then_some(bin)
}

#[test]
fn a_formatter_settles_at_its_second_run_and_is_warm_afterwards() {
    let Some(bin) = black() else {
        assert!(std::env::var_os("QIK_TEST_REQUIRE_TOOLS").is_none(), "black can't be had");
        eprintln!("SKIPPED: black");
        return;
    };
    let project = Project::new(&format!(
        "[commands.format]\nexec = \"note; {}/black -q src\"\ndeps = [\"src/**.py\"]\n",
        bin.display()
    ));
    project.write("src/a.py", "x = {  'a':1 }\n").write("src/b.py", "y = 1\n").commit();

    let told = project.qik("");
    told.exits(0).says("src/a.py changed while it ran");
    assert_eq!(project.executed().len(), 2);
    assert_eq!(project.read("src/a.py"), "x = {\"a\": 1}\n");

    assert_eq!(project.qik("").exits(0).summary(), "0 ran, 1 cached");

    project.write("src/b.py", "y  =  2\n");
    project.qik("").exits(0).says("src/b.py changed while it ran");
    assert_eq!(project.qik("").exits(0).summary(), "0 ran, 1 cached");

    project.write("src/b.py", "y = 3\n");
    project.executed();
    project.qik("").exits(0).is_silent_on("while it ran");
    assert_eq!(project.executed().len(), 1, "what is in order already is settled at once");
}
