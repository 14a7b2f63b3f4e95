//! The same work, written for qik and for what people would use instead: a command of every package that
//! looks at the package's files, and one that looks at what the package imports, too.
//!
//! Tools that know nothing of files are told which packages import which. Where a tool can't express
//! something its module says so.

mod make;
mod moon;
mod ninja;
mod nx;
mod python_qik;
mod qik;
mod turbo;

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use crate::plan::Plan;

pub use qik::toml;

/// A command over all packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Its name.
    pub name: String,
    /// Whether it depends on what a package reaches by imports, and not on the package's own files.
    pub reads_graph: bool,
    /// Whether it writes `out/NAME/PACKAGE`, as an artifact.
    pub writes: bool,
}

impl Generated {
    /// Reads `lint`, `test:graph` and `build:out`.
    pub fn parse(text: &str) -> Self {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default().into();
        let kinds: Vec<&str> = parts.collect();
        let is = |kind| kinds.contains(&kind);
        Self { name, reads_graph: is("graph"), writes: is("out") }
    }

    /// The shell line over one package, as qik is told it.
    fn line(&self, package: &str) -> String {
        match self.writes {
            false => format!("true {package}"),
            true => {
                let name = &self.name;
                format!("mkdir -p out/{name} && cat {package}/__init__.py > out/{name}/{package}")
            }
        }
    }
}

/// A tool that commands are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// This project, by `qik.toml`.
    Qik,
    /// This project, by `qik.kdl`.
    QikKdl,
    /// What this project is a second go at.
    PythonQik,
    /// Turborepo.
    Turbo,
    /// Nx.
    Nx,
    /// moon.
    Moon,
    /// GNU make.
    Make,
    /// Ninja.
    Ninja,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Qik,
        Self::QikKdl,
        Self::PythonQik,
        Self::Turbo,
        Self::Nx,
        Self::Moon,
        Self::Make,
        Self::Ninja,
    ];

    /// Writes what it needs to be told below `out`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(self, plan: &Plan, commands: &[Generated], out: &Path) -> io::Result<()> {
        match self {
            Self::Qik => std::fs::write(out.join("qik.toml"), qik::toml(plan, commands)),
            Self::QikKdl => std::fs::write(out.join("qik.kdl"), qik::kdl(plan, commands)),
            Self::PythonQik => {
                std::fs::write(out.join("qik.toml"), python_qik::toml(plan, commands))
            }
            Self::Turbo => turbo::write(plan, commands, out),
            Self::Nx => nx::write(plan, commands, out),
            Self::Moon => moon::write(plan, commands, out),
            Self::Make => std::fs::write(out.join("Makefile"), make::makefile(plan, commands)),
            Self::Ninja => std::fs::write(out.join("build.ninja"), ninja::build(plan, commands)),
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Qik => "qik",
            Self::QikKdl => "qik-kdl",
            Self::PythonQik => "python-qik",
            Self::Turbo => "turbo",
            Self::Nx => "nx",
            Self::Moon => "moon",
            Self::Make => "make",
            Self::Ninja => "ninja",
        })
    }
}

impl FromStr for Tool {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|tool| tool.to_string() == text);
        named.ok_or_else(|| {
            let all = Self::ALL.map(|tool| tool.to_string()).join(", ");
            format!("no tool `{text}`; there are {all}")
        })
    }
}

/// Writes JSON as people do.
fn write_json(path: &Path, value: &serde_json::Value) -> io::Result<()> {
    std::fs::write(path, format!("{value:#}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Shape;

    /// Of a repo with two packages, where the second imports the first.
    pub(super) fn plan() -> Plan {
        let mut plan = Plan::new(&Shape { packages: 2, files: 3, seed: 0, tiny: true });
        plan.packages[1].files[0].imports = vec!["pkg_0000.api".into()];
        plan
    }

    pub(super) fn commands() -> Vec<Generated> {
        ["lint", "test:graph"].map(Generated::parse).into()
    }

    #[test]
    fn tools_are_read_as_they_are_told() {
        for tool in Tool::ALL {
            assert_eq!(tool.to_string().parse(), Ok(tool));
        }
        assert!("bazel".parse::<Tool>().unwrap_err().contains("ninja"));
    }

    #[test]
    fn commands_are_read_with_what_they_do() {
        let read = |text| Generated::parse(text);
        assert!(!read("lint").reads_graph && !read("lint").writes);
        assert!(read("test:graph").reads_graph && !read("test:graph").writes);
        assert!(read("build:out").writes && read("build:graph:out").reads_graph);
        assert_eq!(read("build:out").name, "build");
    }

    #[test]
    fn every_tool_is_told_of_every_package() {
        for tool in Tool::ALL {
            let folder = std::env::temp_dir().join(format!("tool-{tool}-{}", std::process::id()));
            for package in ["pkg_0000", "pkg_0001"] {
                std::fs::create_dir_all(folder.join(package)).unwrap();
            }
            tool.write(&plan(), &commands(), &folder).unwrap();
            let mut text = String::new();
            each_file(&folder, &mut |path, bytes| text += &format!("{path}\n{bytes}\n"));
            std::fs::remove_dir_all(&folder).unwrap();
            for word in ["pkg_0000", "pkg_0001", "lint", "test"] {
                assert!(text.contains(word), "{tool}: {word} is not in\n{text}");
            }
        }
    }

    fn each_file(folder: &Path, visit: &mut impl FnMut(String, String)) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => each_file(&path, visit),
                false => {
                    let text = std::fs::read_to_string(&path).unwrap();
                    visit(path.display().to_string(), text);
                }
            }
        }
    }
}
