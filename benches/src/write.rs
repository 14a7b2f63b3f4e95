//! Puts a plan on disk, with a `qik.toml`, and into git.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::plan::{Plan, Shape};
use crate::python;

/// A command over all packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Its name.
    pub name: String,
    /// Whether it depends on what a package reaches by imports, and not on the package's own files.
    pub reads_graph: bool,
}

impl Generated {
    /// Reads `lint` and `test:graph`.
    pub fn parse(text: &str) -> Self {
        match text.strip_suffix(":graph") {
            Some(name) => Self { name: name.into(), reads_graph: true },
            None => Self { name: text.into(), reads_graph: false },
        }
    }
}

/// Writes all files below `out`, which must not exist yet, and `commands` over all packages.
///
/// # Errors
/// If a file cannot be written.
pub fn write(shape: &Shape, plan: &Plan, commands: &[Generated], out: &Path) -> io::Result<u64> {
    fs::create_dir(out)?;
    let mut bytes = 0;
    let mut folder = None;
    for (index, file) in plan.files().enumerate() {
        let path = out.join(&file.path);
        let parent = path.parent().map(Path::to_path_buf);
        if folder != parent {
            fs::create_dir_all(parent.as_deref().unwrap_or(out))?;
            folder = parent;
        }
        let text = python::text(shape, index, file);
        bytes += text.len() as u64;
        fs::write(path, text)?;
    }
    fs::write(out.join("qik.toml"), config(plan, commands))?;
    fs::write(out.join(".gitignore"), "._qik/\n__pycache__/\n")?;
    Ok(bytes)
}

/// Commits all of `tree` as one commit, whose id depends on the files alone.
///
/// # Errors
/// If git is not there or does not succeed.
pub fn commit(tree: &Path) -> io::Result<()> {
    git(tree, &["init", "--quiet", "--initial-branch=main"])?;
    git(tree, &["config", "gc.auto", "0"])?;
    git(tree, &["add", "--all"])?;
    git(tree, &["commit", "--quiet", "--no-gpg-sign", "--no-verify", "--message=generated"])?;
    git(tree, &["status", "--porcelain"])
}

fn config(plan: &Plan, commands: &[Generated]) -> String {
    let mut out = String::from("[spaces.default]\nmodules = [\n");
    for package in &plan.packages {
        let _ = writeln!(out, "    \"{}\",", package.name);
    }
    out.push_str("]\n");
    for Generated { name, reads_graph } in commands {
        let dep = match reads_graph {
            true => r#"{ type = "pygraph", pyimport = "{module.pyimport}" }"#,
            false => r#""{module.dir}/**.py""#,
        };
        let _ =
            write!(out, "\n[commands.{name}]\nexec = \"true {{module.dir}}\"\ndeps = [{dep}]\n");
    }
    out
}

/// Runs git in `tree`, as somebody who is the same on every machine.
///
/// # Errors
/// If git is not there or does not succeed.
pub fn git(tree: &Path, arguments: &[&str]) -> io::Result<()> {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(tree).stdin(Stdio::null()).stdout(Stdio::null());
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "bench");
        command.env(format!("GIT_{role}_EMAIL"), "bench@example.invalid");
        command.env(format!("GIT_{role}_DATE"), "2020-01-01T00:00:00Z");
    }
    let status = command.status()?;
    let failed = || io::Error::other(format!("`git {}` failed: {status}", arguments.join(" ")));
    status.success().then_some(()).ok_or_else(failed)
}

#[cfg(test)]
mod tests {
    use super::{Generated, config};
    use crate::plan::{Plan, Shape};

    #[test]
    fn the_configuration_runs_each_command_over_each_package() {
        let plan = Plan::new(&Shape { packages: 2, files: 2, seed: 0, tiny: true });
        let expected = "[spaces.default]\nmodules = [\n    \"pkg_0000\",\n    \"pkg_0001\",\n]\n\n\
            [commands.lint]\nexec = \"true {module.dir}\"\ndeps = [\"{module.dir}/**.py\"]\n\n\
            [commands.test]\nexec = \"true {module.dir}\"\n\
            deps = [{ type = \"pygraph\", pyimport = \"{module.pyimport}\" }]\n";
        assert_eq!(config(&plan, &["lint", "test:graph"].map(Generated::parse)), expected);
    }
}
