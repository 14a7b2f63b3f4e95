//! A corpus of real Python files: wheels from the package index, pinned, and the standard library.
//! Knows how to get them and to ask CPython about them; what is done with them is `bin/corpus.rs`'s.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Packages, and the version of Python that their wheels are for.
const WHEELS: [(&str, &str); 26] = [
    ("django==6.1.3", "3.13"),
    ("sympy==1.14.0", "3.13"),
    ("pandas==3.1.1", "3.13"),
    ("sqlalchemy==2.1.9", "3.13"),
    ("apache-airflow-core==3.3.2", "3.13"),
    ("homeassistant==2025.4.4", "3.13"),
    ("transformers==5.23.0", "3.13"),
    ("ansible-core==2.21.5", "3.13"),
    ("mypy==2.4.1", "3.13"),
    ("jedi==0.20.1", "3.13"),
    ("twisted==26.10.0", "3.13"),
    ("scipy==1.18.1", "3.13"),
    ("scikit-learn==1.9.1", "3.13"),
    ("botocore==1.44.5", "3.13"),
    ("tornado==6.6.1", "3.13"),
    ("nltk==3.10.4", "3.13"),
    ("networkx==3.7", "3.13"),
    ("celery==5.7.0", "3.13"),
    ("aiohttp==3.14.5", "3.13"),
    ("numpy==2.5.5", "3.13"),
    ("zulip==0.9.1", "3.13"),
    // Written for Python 2.
    ("boto==2.49.0", "2.7"),
    ("django==1.6.11", "2.7"),
    ("fabric==1.14.1", "2.7"),
    ("pylint==1.9.5", "2.7"),
    ("pyasn1-modules==0.0.8", "2.7"),
];

/// The folder that corpus files are kept in, and the script that knows Python.
#[derive(Clone, Debug)]
pub struct Corpus {
    folder: PathBuf,
    script: PathBuf,
    python: String,
}

impl Corpus {
    /// A corpus kept in `folder`; `script` is `benches/corpus.py`, run by `python`.
    pub fn new(folder: PathBuf, script: PathBuf, python: String) -> Self {
        Self { folder, script, python }
    }

    /// Downloads and unpacks what is not there; says what could not be had.
    ///
    /// # Errors
    /// Where the folder cannot be written or there is no Python.
    pub fn fill(&self) -> Result<Vec<String>, String> {
        let mut missing = Vec::new();
        for (package, python) in WHEELS {
            let folder = self.folder.join("src").join(package);
            if folder.is_dir() {
                continue;
            }
            match self.download(package, python)? {
                Some(wheel) => self.unpack(&wheel, &folder)?,
                None => missing.push(package.to_string()),
            }
        }
        Ok(missing)
    }

    fn download(&self, package: &str, python: &str) -> Result<Option<PathBuf>, String> {
        let wheels = self.folder.join("wheels").join(package);
        fs::create_dir_all(&wheels).map_err(|error| format!("{}: {error}", wheels.display()))?;
        let mut pip = Command::new(&self.python);
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"])
            .args(["--disable-pip-version-check", "--python-version", python]);
        if python.starts_with('2') {
            pip.args(["--implementation", "py", "--abi", "none", "--platform", "any"]);
        }
        let status = pip.arg("--dest").arg(&wheels).arg(package).stderr(Stdio::null()).status();
        status.map_err(|error| format!("{}: {error}", self.python))?;
        let files = fs::read_dir(&wheels).map_err(|error| error.to_string())?;
        let paths = files.flatten().map(|entry| entry.path());
        Ok(paths.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "whl")))
    }

    fn unpack(&self, wheel: &Path, folder: &Path) -> Result<(), String> {
        let mut python = self.python("unpack");
        let status = python.arg(wheel).arg(folder).status().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("{} is no wheel", wheel.display())) }
    }

    /// Every Python file of it and of the standard library, sorted.
    ///
    /// # Errors
    /// Where a folder cannot be read.
    pub fn files(&self) -> Result<Vec<PathBuf>, String> {
        let output = self.python("stdlib").output().map_err(|error| error.to_string())?;
        let library = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end());
        let mut files = Vec::new();
        python_files(&self.folder.join("src"), &mut files)?;
        python_files(&library, &mut files)?;
        files.sort();
        Ok(files)
    }

    /// CPython's lines about `files`, see `corpus.py`.
    ///
    /// # Errors
    /// Where Python does not run.
    pub fn ask_python(&self, files: &[PathBuf]) -> Result<Vec<String>, String> {
        let list = self.folder.join("files.txt");
        let lines: Vec<_> = files.iter().map(|path| format!("{}\n", path.display())).collect();
        fs::write(&list, lines.concat()).map_err(|error| format!("{}: {error}", list.display()))?;
        let list = File::open(&list).map_err(|error| error.to_string())?;
        let output = self.python("imports").stdin(list).stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| error.to_string())?;
        let lines = String::from_utf8_lossy(&output.stdout).lines().map(str::to_string).collect();
        Ok(lines)
    }

    fn python(&self, what: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(&self.script).arg(what);
        command
    }
}

fn python_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let (path, kind) = (entry.path(), entry.file_type().map_err(|error| error.to_string())?);
        let ending = path.extension().and_then(|ending| ending.to_str());
        if kind.is_dir() && path.file_name().is_some_and(|name| name != "site-packages") {
            python_files(&path, found)?;
        } else if kind.is_file() && matches!(ending, Some("py" | "pyi")) {
            found.push(path);
        }
    }
    Ok(())
}
