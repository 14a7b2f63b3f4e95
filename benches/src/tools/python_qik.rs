//! For the Python original, 0.2.10: the same keys, with its plugin named, and without artifacts of modules,
//! which it cannot name. Its globs are git's pathspecs.

use std::fmt::Write as _;

use super::Generated;
use crate::plan::Plan;

/// The `qik.toml`.
pub(super) fn toml(plan: &Plan, commands: &[Generated]) -> String {
    let mut out = String::from("[plugins]\npygraph = \"qik.pygraph\"\n\n");
    out.push_str("[pydist]\nignore-missing = true\nignore-missing-modules = true\n\n");
    out.push_str("[spaces.default]\nmodules = [\n");
    for package in &plan.packages {
        let _ = writeln!(out, "    \"{}\",", package.name);
    }
    out.push_str("]\n");
    for command in commands {
        let dep = match command.reads_graph {
            true => r#"{ type = "pygraph", pyimport = "{module.pyimport}" }"#,
            false => r#""{module.dir}/**.py""#,
        };
        let (name, line) = (&command.name, command.line("{module.dir}"));
        let _ = write!(out, "\n[commands.{name}]\nexec = \"{line}\"\ndeps = [{dep}]\n");
    }
    out
}
