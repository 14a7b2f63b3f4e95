//! For Ninja: a stamp for each command and package, below `out/stamps`. It goes by times alone.

use std::fmt::Write as _;

use super::Generated;
use crate::plan::Plan;

/// The `build.ninja`.
pub(super) fn build(plan: &Plan, commands: &[Generated]) -> String {
    let mut out = String::from("builddir = out\n");
    for command in commands {
        let (name, line) = (&command.name, command.line("$package"));
        let _ = write!(out, "\nrule {name}\n  command = {line} && touch $out\n");
    }
    for (package, imported) in plan.packages.iter().zip(plan.package_imports()) {
        let name = &package.name;
        let files = package.files.iter().fold(String::new(), |text, file| text + " " + &file.path);
        let _ = write!(out, "\nbuild src-{name}: phony{files}");
        for other in &imported {
            let _ = write!(out, " src-{}", plan.packages[*other].name);
        }
        out.push('\n');
        for command in commands {
            let inputs = match command.reads_graph {
                true => format!(" src-{name}"),
                false => files.clone(),
            };
            let title = &command.name;
            let _ = writeln!(out, "build out/stamps/{title}-{name}: {title}{inputs}");
            let _ = writeln!(out, "  package = {name}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{commands, plan};
    use super::*;

    #[test]
    fn what_reads_the_graph_comes_after_what_is_imported() {
        let text = build(&plan(), &commands());
        let sources = "\nbuild src-pkg_0001: phony pkg_0001/__init__.py src-pkg_0000\n";
        assert!(text.contains(sources), "{text}");
        let lint = "\nbuild out/stamps/lint-pkg_0001: lint pkg_0001/__init__.py\n";
        assert!(text.contains(lint), "{text}");
        assert!(text.contains("\nbuild out/stamps/test-pkg_0001: test src-pkg_0001\n"), "{text}");
    }
}
