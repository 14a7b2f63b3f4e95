//! For Nx: a `project.json` in each package, with the packages that it imports. Of cycles it knows nothing:
//! imports that close one are left out.

use std::io;
use std::path::Path;

use serde_json::{Map, json};

use super::{Generated, write_json};
use crate::plan::Plan;

pub(super) fn write(plan: &Plan, commands: &[Generated], out: &Path) -> io::Result<()> {
    write_json(&out.join("package.json"), &json!({ "name": "generated", "private": true }))?;
    let own = json!(["{projectRoot}/**/*.py"]);
    let with_imported = json!(["own", "^own"]);
    let defaults: Map<_, _> = commands
        .iter()
        .map(|command| {
            let inputs = if command.reads_graph { with_imported.clone() } else { json!(["own"]) };
            (command.name.clone(), json!({ "cache": true, "inputs": inputs }))
        })
        .collect();
    let settings = json!({
        "namedInputs": { "own": own },
        "targetDefaults": defaults,
        "defaultBase": "HEAD~1",
        "neverConnectToCloud": true,
        "analytics": false,
    });
    write_json(&out.join("nx.json"), &settings)?;
    for (package, imported) in plan.packages.iter().zip(plan.package_imports()) {
        let targets: Map<_, _> = commands
            .iter()
            .map(|command| {
                let line = format!("true {}", package.name);
                (command.name.clone(), json!({ "command": line, "outputs": [] }))
            })
            .collect();
        let imported: Vec<_> =
            imported.into_iter().map(|other| plan.packages[other].name.clone()).collect();
        let project = json!({
            "name": package.name,
            "root": package.name,
            "implicitDependencies": imported,
            "targets": targets,
        });
        write_json(&out.join(&package.name).join("project.json"), &project)?;
    }
    Ok(())
}
