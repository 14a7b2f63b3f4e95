//! Finding the project: the configuration that the working directory lies under.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use qik_model::{ConfigSyntax, Diagnostic};
use qik_system::{ancestors_to_git_root, read_file};

/// A project's root configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The folder, absolute.
    pub root: PathBuf,
    /// The file's name in it.
    pub file: String,
}

/// The configuration for work in `cwd`: the outermost one up to the git root; without a git
/// repository the nearest one.
///
/// # Errors
/// `config/not-found`, or `config/two-configs` where two lie side by side.
pub fn discover(cwd: &Path, syntaxes: &[Arc<dyn ConfigSyntax>]) -> Result<Found, Diagnostic> {
    let (folders, git_root) = ancestors_to_git_root(cwd);
    let mut found = None;
    for folder in &folders {
        let configs = configs_in(folder, syntaxes);
        if let [first, second, ..] = &configs[..] {
            return Err(two_configs(folder, first, second));
        }
        if let Some(file) = configs.into_iter().next() {
            found = Some(Found { root: folder.clone(), file });
            if git_root.is_none() {
                break;
            }
        }
    }
    found.ok_or_else(|| not_found(cwd, syntaxes))
}

/// The configuration at exactly this path.
///
/// # Errors
/// `config/not-found` where there is no such file.
pub fn at(path: &Path) -> Result<Found, Diagnostic> {
    let missing = || {
        Diagnostic::error("config/not-found", format!("no configuration at `{}`", path.display()))
            .help("name a `qik.toml`, a `qik.kdl`, or a `pyproject.toml` with `[tool.qik]`")
    };
    let file = path.file_name().and_then(|name| name.to_str()).ok_or_else(missing)?;
    read_file(path).map_err(|_| missing())?;
    let root = path.parent().map(Path::to_path_buf).unwrap_or_default();
    Ok(Found { root, file: file.to_string() })
}

fn configs_in(folder: &Path, syntaxes: &[Arc<dyn ConfigSyntax>]) -> Vec<String> {
    let names = syntaxes
        .iter()
        .flat_map(|syntax| syntax.file_names().iter().map(move |name| (syntax, *name)));
    names
        .filter(|(syntax, name)| {
            read_file(&folder.join(name))
                .is_ok_and(|bytes| syntax.is_config(name, &String::from_utf8_lossy(&bytes)))
        })
        .map(|(_, name)| name.to_string())
        .collect()
}

fn two_configs(folder: &Path, first: &str, second: &str) -> Diagnostic {
    let message = format!("`{first}` and `{second}` both configure `{}`", folder.display());
    Diagnostic::error("config/two-configs", message)
        .help("keep one of them; under another name, `include` in it can take the other up")
}

fn not_found(cwd: &Path, syntaxes: &[Arc<dyn ConfigSyntax>]) -> Diagnostic {
    let names: Vec<&str> = syntaxes.iter().flat_map(|s| s.file_names()).copied().collect();
    let message = format!("no configuration in `{}` or above it", cwd.display());
    Diagnostic::error("config/not-found", message).help(format!(
        "make one of {} in the project's folder, or name one by --config",
        names.join(", ")
    ))
}
