//! `generate --packages 500 --files 20000 --out DIR [--seed N] [--commands a,b:graph] [--tiny]
//! [--no-git]` writes a Python monorepo with a `qik.toml` and commits it; commands marked `:graph` depend on
//! what a package reaches by imports, the others on its files. Equal arguments, equal commit.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program of its own")]
#![allow(clippy::disallowed_methods, reason = "benches read their arguments themselves")]

use std::path::Path;
use std::process::ExitCode;

use qik_benches::{Arguments, Generated, Plan, Shape, commit, write};

fn main() -> ExitCode {
    match run() {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<String, String> {
    let arguments = Arguments::parse(
        std::env::args().skip(1),
        &["tiny", "no-git"],
        &["packages", "files", "out", "seed", "commands"],
    )?;
    let shape = Shape {
        packages: arguments.option("packages", 500)?,
        files: arguments.option("files", 20_000)?,
        seed: arguments.option("seed", 1)?,
        tiny: arguments.flag("tiny"),
    };
    if shape.packages == 0 || shape.files < shape.packages {
        return Err("each package needs at least one file".to_string());
    }
    let commands = arguments.option("commands", "lint".to_string())?;
    let commands: Vec<Generated> = commands.split(',').map(Generated::parse).collect();
    let out = Path::new(arguments.required("out")?);
    let in_out = |error| format!("{}: {error}", out.display());
    let bytes = write(&shape, &Plan::new(&shape), &commands, out).map_err(in_out)?;
    if !arguments.flag("no-git") {
        commit(out).map_err(in_out)?;
    }
    let Shape { packages, files, .. } = shape;
    let megabytes = bytes as f64 / 1e6;
    Ok(format!("{}: {packages} packages, {files} files, {megabytes:.1} MB", out.display()))
}
