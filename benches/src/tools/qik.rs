//! For qik, in both of its formats.

use std::fmt::Write as _;

use super::Generated;
use crate::plan::Plan;

/// The `qik.toml`.
pub fn toml(plan: &Plan, commands: &[Generated]) -> String {
    let mut out = String::from("[spaces.default]\nmodules = [\n");
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
        if command.writes {
            let _ = writeln!(out, "artifacts = [\"out/{name}/{{module.dir}}\"]");
        }
    }
    out
}

/// The `qik.kdl`.
pub(super) fn kdl(plan: &Plan, commands: &[Generated]) -> String {
    let mut out = String::from("space \"default\" {\n");
    for package in &plan.packages {
        let _ = writeln!(out, "    module \"{}\"", package.name);
    }
    out.push_str("}\n");
    for command in commands {
        let dep = match command.reads_graph {
            true => r#"type="pygraph" pyimport="{module.pyimport}""#,
            false => r#""{module.dir}/**.py""#,
        };
        let (name, line) = (&command.name, command.line("{module.dir}"));
        let _ = write!(out, "\ncommand \"{name}\" {{\n    exec \"{line}\"\n    dep {dep}\n");
        if command.writes {
            let _ = writeln!(out, "    artifact \"out/{name}/{{module.dir}}\"");
        }
        out.push_str("}\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{commands, plan};
    use super::*;

    #[test]
    fn each_command_runs_over_each_package() {
        let expected = "[spaces.default]\nmodules = [\n    \"pkg_0000\",\n    \"pkg_0001\",\n]\n\n\
            [commands.lint]\nexec = \"true {module.dir}\"\ndeps = [\"{module.dir}/**.py\"]\n\n\
            [commands.test]\nexec = \"true {module.dir}\"\n\
            deps = [{ type = \"pygraph\", pyimport = \"{module.pyimport}\" }]\n";
        assert_eq!(toml(&plan(), &commands()), expected);
        let expected = "space \"default\" {\n    module \"pkg_0000\"\n    module \"pkg_0001\"\n}\n\n\
            command \"lint\" {\n    exec \"true {module.dir}\"\n    dep \"{module.dir}/**.py\"\n}\n\n\
            command \"test\" {\n    exec \"true {module.dir}\"\n    \
            dep type=\"pygraph\" pyimport=\"{module.pyimport}\"\n}\n";
        assert_eq!(kdl(&plan(), &commands()), expected);
    }

    #[test]
    fn artifacts_are_declared() {
        let build = [Generated::parse("build:out")];
        assert!(toml(&plan(), &build).ends_with("artifacts = [\"out/build/{module.dir}\"]\n"));
        assert!(kdl(&plan(), &build).ends_with("    artifact \"out/build/{module.dir}\"\n}\n"));
    }
}
