//! For GNU make: a stamp for each command and package, below `out/stamps`. It goes by times alone.

use std::fmt::Write as _;

use super::Generated;
use crate::plan::Plan;

/// The `Makefile`.
pub(super) fn makefile(plan: &Plan, commands: &[Generated]) -> String {
    let mut out = String::from("MAKEFLAGS += --no-builtin-rules\n.SUFFIXES:\n\nall:");
    for command in commands {
        for package in &plan.packages {
            let _ = write!(out, " \\\n  out/stamps/{}-{}", command.name, package.name);
        }
    }
    out.push('\n');
    for (package, imported) in plan.packages.iter().zip(plan.package_imports()) {
        let name = &package.name;
        let _ = write!(out, "\nFILES_{name} :=");
        package.files.iter().for_each(|file| _ = write!(out, " \\\n  {}", file.path));
        // What a package holds and imports, as one stamp that others can name.
        let _ = write!(out, "\n\nout/stamps/src-{name}: $(FILES_{name})");
        for other in &imported {
            let _ = write!(out, " out/stamps/src-{}", plan.packages[*other].name);
        }
        out.push_str("\n\t@mkdir -p out/stamps; touch $@\n");
        for command in commands {
            let inputs = match command.reads_graph {
                true => format!("out/stamps/src-{name}"),
                false => format!("$(FILES_{name})"),
            };
            let (title, line) = (&command.name, command.line(name));
            let _ = write!(out, "\nout/stamps/{title}-{name}: {inputs}\n");
            let _ = writeln!(out, "\t@mkdir -p out/stamps; {line} && touch $@");
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
        let text = makefile(&plan(), &commands());
        assert!(text.contains("\nout/stamps/lint-pkg_0001: $(FILES_pkg_0001)\n"), "{text}");
        assert!(text.contains("\nout/stamps/test-pkg_0001: out/stamps/src-pkg_0001\n"), "{text}");
        let sources = "\nout/stamps/src-pkg_0001: $(FILES_pkg_0001) out/stamps/src-pkg_0000\n";
        assert!(text.contains(sources), "{text}");
    }
}
