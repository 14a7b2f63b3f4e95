//! The tools that qik is held against: got from the registries into a folder of their own, each version
//! pinned. What cannot be had is named and left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::machine::said;

const NPM: [(Peer, &str, &str); 3] = [
    (Peer::Turbo, "turbo@2.11.11", "@turbo/*/bin/turbo"),
    (Peer::Nx, "nx@24.0.6", ".bin/nx"),
    (Peer::Moon, "@moonrepo/cli@2.5.5", "@moonrepo/core-*/moon"),
];
const PIP: [(Peer, &str, &str); 3] = [
    (Peer::Ninja, "ninja==1.13.2", "ninja"),
    (Peer::Ruff, "ruff==0.17.6", "ruff"),
    (Peer::ImportLinter, "import-linter==2.17", "python"),
];
/// In an environment of its own, for it pins what others need newer.
const PYTHON_QIK: &str = "qik[dev]==0.2.10";

/// A tool beside qik.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// git, which has to be there.
    Git,
    /// GNU make, of the system.
    Make,
    /// Ninja.
    Ninja,
    /// Turborepo.
    Turbo,
    /// Nx.
    Nx,
    /// moon.
    Moon,
    /// ruff, for its import graph.
    Ruff,
    /// import-linter with grimp below it, for their import graph: the Python of an environment with both.
    ImportLinter,
    /// The Python original.
    PythonQik,
}

/// Where the tools are.
#[derive(Clone, Debug)]
pub struct Peers {
    folder: PathBuf,
    found: BTreeMap<Peer, PathBuf>,
    missing: BTreeMap<Peer, String>,
}

impl Peers {
    /// Gets what is not in `folder` yet, of those that are `wanted`.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn get(folder: &Path, wanted: impl Fn(Peer) -> bool) -> Result<Self, String> {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let (found, missing) = (BTreeMap::new(), BTreeMap::new());
        let mut peers = Self { folder: folder.to_path_buf(), found, missing };
        for (peer, program) in [(Peer::Git, "git"), (Peer::Make, "make")] {
            peers.note(peer, "is not installed", find_program(program));
        }
        for (peer, package, program) in NPM.into_iter().filter(|(peer, ..)| wanted(*peer)) {
            let place = peers.npm(package, program);
            peers.note_result(peer, place);
        }
        for (peer, package, program) in PIP.into_iter().filter(|(peer, ..)| wanted(*peer)) {
            let place = peers.pip(package, program);
            peers.note_result(peer, place);
        }
        if wanted(Peer::PythonQik) {
            let place = peers.pip(PYTHON_QIK, "qik");
            peers.note_result(Peer::PythonQik, place);
        }
        Ok(peers)
    }

    /// The program of a tool.
    ///
    /// # Errors
    /// Why there is none.
    pub fn program(&self, peer: Peer) -> Result<&Path, String> {
        self.found.get(&peer).map(PathBuf::as_path).ok_or_else(|| {
            let why = self.missing.get(&peer).map_or("is not asked for", String::as_str);
            format!("{peer:?} {why}")
        })
    }

    /// The `node_modules` that Nx has to find in a tree.
    pub fn node_modules(&self) -> PathBuf {
        self.folder.join("nx@24.0.6/node_modules")
    }

    /// The tools with their versions, and those that could not be had with the reason.
    pub fn told(&self) -> BTreeMap<String, String> {
        let told = |(peer, program): (&Peer, &PathBuf)| {
            let pinned = NPM.iter().chain(&PIP).find(|(of, ..)| of == peer);
            let version = match (peer, pinned) {
                (Peer::PythonQik, _) => PYTHON_QIK.to_string(),
                (_, Some((_, package, _))) => package.to_string(),
                _ => said(&program.to_string_lossy(), &["--version"]),
            };
            (format!("{peer:?}"), version)
        };
        let missing = self.missing.iter().map(|(peer, why)| (format!("{peer:?}"), why.clone()));
        self.found.iter().map(told).chain(missing).collect()
    }

    fn note(&mut self, peer: Peer, otherwise: &str, place: Option<PathBuf>) {
        self.note_result(peer, place.ok_or_else(|| otherwise.to_string()));
    }

    fn note_result(&mut self, peer: Peer, place: Result<PathBuf, String>) {
        match place {
            Ok(place) => drop(self.found.insert(peer, place)),
            Err(why) => drop(self.missing.insert(peer, why)),
        }
    }

    fn npm(&self, package: &str, program: &str) -> Result<PathBuf, String> {
        let folder = self.folder.join(package.trim_start_matches('@').replace('/', "-"));
        let modules = folder.join("node_modules");
        // Where there is a binary it is measured without the script of Node that looks for it.
        let place = || find(&modules, &program.split('/').collect::<Vec<_>>());
        if place().is_none() {
            fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
            let mut npm = Command::new("npm");
            npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]);
            quiet(npm.arg(&folder).arg(package), "npm")?;
        }
        place().ok_or_else(|| format!("is not in {package}"))
    }

    fn pip(&self, package: &str, program: &str) -> Result<PathBuf, String> {
        let folder = self.folder.join(package.replace(['[', ']'], "-"));
        let (place, done) = (folder.join("bin").join(program), folder.join("done"));
        if !done.exists() {
            let _ = fs::remove_dir_all(&folder);
            quiet(Command::new("python3").args(["-m", "venv"]).arg(&folder), "python3 -m venv")?;
            let mut pip = Command::new(folder.join("bin/pip"));
            pip.args(["install", "--quiet", "--disable-pip-version-check", package]);
            quiet(&mut pip, "pip")?;
            fs::write(&done, "").map_err(|error| error.to_string())?;
        }
        place.exists().then_some(place).ok_or_else(|| format!("is not in {package}"))
    }
}

/// Runs an installer; what it says does not matter as long as it works.
fn quiet(command: &mut Command, name: &str) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("can't be had: {name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let last = told.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(format!("can't be had: {name}: {last}"))
}

/// The first file below `folder` at a path in whose parts `*` stands for anything.
fn find(folder: &Path, parts: &[&str]) -> Option<PathBuf> {
    let (first, rest) = parts.split_first()?;
    let (before, behind) = first.split_once('*').unwrap_or((first, ""));
    let is_meant = |name: &str| match first.contains('*') {
        true => name.starts_with(before) && name.ends_with(behind),
        false => name == *first,
    };
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let meant = entries
        .into_iter()
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_meant));
    let mut found =
        meant.filter_map(|path| if rest.is_empty() { Some(path) } else { find(&path, rest) });
    found.next()
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|place| place.is_file())
}
