//! The import graph against what Python really loads, and against grimp: the small form of
//! `benches/reality.py`, on packages that are installed with their tests.

use std::path::Path;
use std::process::Command;

use crate::project::{Told, tell};

/// Whether Python has what the script needs.
fn can_compare() -> bool {
    let ask = ["-c", "import grimp, pytest, simplejson, toolz"];
    let works = Command::new("python3").args(ask).output().is_ok_and(|told| told.status.success());
    assert!(works || std::env::var_os("QIK_TEST_REQUIRE_TOOLS").is_none(), "grimp can't be had");
    works
}

/// Compares a few modules and test files of these packages, with more configuration.
fn compare(packages: &[&str], planted: &str) -> Told {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/reality.py");
    let mut command = Command::new("python3");
    command.arg(script).arg("--installed").args(packages).env("QIK", env!("CARGO_BIN_EXE_qik"));
    tell(command.env("SAMPLE", "3").env("PLANTED", planted))
}

#[test]
fn whatever_python_loads_is_in_the_closure_and_grimp_has_the_same_edges() {
    if !can_compare() {
        eprintln!("SKIPPED: grimp");
        return;
    }
    compare(&["simplejson", "toolz"], "").exits(0).prints("2 packages, 0 failures");
}

#[test]
fn an_import_that_is_left_out_is_noticed() {
    if !can_compare() {
        eprintln!("SKIPPED: grimp");
        return;
    }
    let planted = "[plugins.pygraph]\npyimport = \"qik.pygraph\"\n\
                   [plugins.pygraph.links.remove]\n\"**\" = [\"simplejson.compat\"]\n";
    let told = compare(&["simplejson"], planted);
    told.exits(1).says("loaded simplejson/compat.py, which is not in its closure");
    told.says("only grimp has ('simplejson.decoder', 'simplejson.compat')");
}
