//! For Turborepo: a `package.json` in each package, with the packages that it imports, and a task that
//! only passes on what they hold. Of cycles it knows nothing: imports that close one are left out.

use std::io;
use std::path::Path;

use serde_json::{Map, json};

use super::{Generated, write_json};
use crate::plan::Plan;

pub(super) fn write(plan: &Plan, commands: &[Generated], out: &Path) -> io::Result<()> {
    let root = json!({
        "name": "generated",
        "private": true,
        "packageManager": "npm@11.0.0",
        "workspaces": ["pkg_*"],
    });
    write_json(&out.join("package.json"), &root)?;
    let mut tasks = Map::new();
    // Its hash covers the package's own files, and so on upwards.
    let inputs = json!(["**/*.py"]);
    tasks.insert("transit".into(), json!({ "dependsOn": ["^transit"], "inputs": inputs }));
    for command in commands {
        let after = if command.reads_graph { json!(["transit"]) } else { json!([]) };
        let outputs = match command.writes {
            true => json!([format!("$TURBO_ROOT$/out/{}/**", command.name)]),
            false => json!([]),
        };
        let task = json!({ "dependsOn": after, "inputs": inputs, "outputs": outputs });
        tasks.insert(command.name.clone(), task);
    }
    write_json(&out.join("turbo.json"), &json!({ "tasks": tasks }))?;
    // Without a lock it looks at nothing outside; this is one with nothing in it.
    let lock =
        json!({ "name": "generated", "lockfileVersion": 3, "requires": true, "packages": {} });
    write_json(&out.join("package-lock.json"), &lock)?;
    for (package, imported) in plan.packages.iter().zip(plan.package_imports()) {
        let scripts: Map<_, _> = commands
            .iter()
            .map(|command| (command.name.clone(), json!(format!("true {}", package.name))))
            .collect();
        let dependencies: Map<_, _> = imported
            .into_iter()
            .map(|other| (plan.packages[other].name.clone(), json!("*")))
            .collect();
        let manifest = json!({
            "name": package.name,
            "version": "1.0.0",
            "scripts": scripts,
            "dependencies": dependencies,
        });
        write_json(&out.join(&package.name).join("package.json"), &manifest)?;
    }
    Ok(())
}
