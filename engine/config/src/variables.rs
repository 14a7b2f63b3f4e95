//! The variables that the commands of a space find: what of qik's own environment reaches them, and
//! what files of variables set.

use qik_db::Db;
use qik_model::{Diagnostic, Inherit, RelPath};

use crate::dotenv;
use crate::environment::Environment;

/// What programs cannot do without: it says where things are on this machine and how to talk to it,
/// and is no input of theirs.
const ALWAYS: [&str; 16] = [
    "ALL_PROXY",
    "COLORTERM",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TMPDIR",
    "USER",
];

/// A variable that a file sets.
#[derive(Clone, PartialEq, Eq)]
pub struct DotenvVariable {
    /// The file.
    pub file: RelPath,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Values may be secrets.
impl std::fmt::Debug for DotenvVariable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}=…", self.file, self.name)
    }
}

impl Environment {
    /// Whether a variable of qik's own environment reaches the commands; `named` are those that a
    /// command names itself.
    pub fn passes(&self, name: &str, named: &dyn Fn(&str) -> bool) -> bool {
        self.inherit == Inherit::All
            || ALWAYS.contains(&name.to_ascii_uppercase().as_str())
            || name.starts_with("LC_")
            || name == "TZ"
            || self.pass_env.iter().any(|passed| **passed == *name)
            || self.env.iter().any(|(passed, value)| value.is_none() && **passed == *name)
            || named(name)
    }

    /// The variables that files set, in order: of two of a name the last one counts.
    ///
    /// # Errors
    /// `space/no-dotenv` and `space/bad-dotenv`.
    pub fn dotenv_variables(&self, db: &dyn Db) -> Result<Vec<DotenvVariable>, Diagnostic> {
        let mut found: Vec<DotenvVariable> = Vec::new();
        for file in &self.dotenv {
            let Some(bytes) = db.source(file).bytes(db) else { return Err(no_dotenv(file)) };
            let Ok(text) = std::str::from_utf8(bytes) else {
                return Err(bad_dotenv(file, "is not UTF-8"));
            };
            let known = |name: &str| {
                let before = found.iter().rev().find(|one| one.name == name);
                before.map(|one| one.value.clone()).or_else(|| {
                    let value = db.variable(name).map(|value| value.to_string());
                    value.filter(|_| self.passes(name, &|_| false))
                })
            };
            let variables = dotenv::read(text, &known).map_err(|bad| {
                bad_dotenv(file, &format!("has no `NAME=value` on line {}", bad.line))
            })?;
            let of_file = |(name, value)| DotenvVariable { file: file.clone(), name, value };
            found.extend(variables.into_iter().map(of_file));
        }
        Ok(found)
    }
}

fn no_dotenv(file: &RelPath) -> Diagnostic {
    Diagnostic::error("space/no-dotenv", format!("the file of variables `{file}` is not there"))
        .help("make it, or take it out of `dotenv` of the space")
}

fn bad_dotenv(file: &RelPath, what: &str) -> Diagnostic {
    Diagnostic::error("space/bad-dotenv", format!("the file of variables `{file}` {what}"))
        .help("a line is `NAME=value`; values with spaces stand in quotes")
}
