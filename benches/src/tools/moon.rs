//! For moon: a `moon.yml` in each package, with the packages that it imports. Of cycles it knows nothing:
//! imports that close one are left out.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use super::Generated;
use crate::plan::Plan;

pub(super) fn write(plan: &Plan, commands: &[Generated], out: &Path) -> io::Result<()> {
    fs::create_dir_all(out.join(".moon"))?;
    let workspace = "projects:\n  - 'pkg_*'\nvcs:\n  client: 'git'\n  defaultBranch: 'main'\n\
                     telemetry: false\n";
    fs::write(out.join(".moon/workspace.yml"), workspace)?;
    for (package, imported) in plan.packages.iter().zip(plan.package_imports()) {
        let mut text = String::from("language: 'python'\n");
        if !imported.is_empty() {
            text.push_str("dependsOn:\n");
        }
        for other in imported {
            let _ = writeln!(text, "  - '{}'", plan.packages[other].name);
        }
        text.push_str("tasks:\n");
        // Its hash covers the package's own files, and so on upwards.
        let _ = write!(
            text,
            "  transit:\n    command: 'true'\n    inputs: ['**/*.py']\n    deps: ['^:transit']\n"
        );
        for command in commands {
            let (name, package) = (&command.name, &package.name);
            let _ =
                write!(text, "  {name}:\n    command: 'true {package}'\n    inputs: ['**/*.py']\n");
            if command.reads_graph {
                text.push_str("    deps: ['transit']\n");
            }
        }
        fs::write(out.join(&package.name).join("moon.yml"), text)?;
    }
    Ok(())
}
