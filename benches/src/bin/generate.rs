//! `generate --out DIR [--size S|M|L|XL] [--tool qik] [--packages N] [--files N] [--seed N] [--history 4]
//! [--commands lint,test:graph] [--tiny] [--no-git]` writes a Python monorepo with the commands written for a
//! tool, and commits it with some edits after; commands marked `:graph` depend on what a package reaches by
//! imports, the others on its files, and those marked `:out` write an artifact. Equal arguments, equal commits.
#![allow(clippy::print_stdout, reason = "it is a program of its own")]

use std::path::Path;
use std::process::ExitCode;

use qik_benches::{Arguments, Generated, Plan, Shape, Size, Tool, commit, program, write};

fn main() -> ExitCode {
    let options = ["packages", "files", "out", "seed", "commands", "size", "tool", "history"];
    program(&["tiny", "no-git"], &options, run)
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let size = arguments.option("size", Size::M)?;
    let shape = Shape {
        packages: arguments.option("packages", size.packages())?,
        files: arguments.option("files", size.files())?,
        seed: arguments.option("seed", 1)?,
        tiny: arguments.flag("tiny"),
    };
    if shape.packages == 0 || shape.files < shape.packages {
        return Err("each package needs at least one file".to_string());
    }
    let tool = arguments.option("tool", Tool::Qik)?;
    let commands = arguments.option("commands", "lint".to_string())?;
    let commands: Vec<Generated> = commands.split(',').map(Generated::parse).collect();
    let out = Path::new(arguments.required("out")?);
    let in_out = |error| format!("{}: {error}", out.display());
    let plan = Plan::new(&shape);
    let bytes = write(&shape, &plan, tool, &commands, out).map_err(in_out)?;
    if !arguments.flag("no-git") {
        commit(&plan, out, arguments.option("history", 4)?).map_err(in_out)?;
    }
    let Shape { packages, files, .. } = shape;
    let megabytes = bytes as f64 / 1e6;
    println!("{}: {packages} packages, {files} files, {megabytes:.1} MB", out.display());
    Ok(true)
}
