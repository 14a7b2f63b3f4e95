//! Why a module has no closure, for people: the nearest names, the places of syntax errors.

use qik_db::Db;
use qik_model::Diagnostic;

use crate::chain::facts_now;
use crate::closure::{Closure, ModuleName, NoClosure, closure_of};
use crate::layout::{GraphKey, layout_of};
use crate::names::FileId;
use crate::scan::FileFacts;

/// The closure of the module of that name.
///
/// # Errors
/// `python/unknown-module` with the nearest names; `python/syntax-error` for each broken file that it
/// reaches.
pub fn closure_or_reason<'db>(
    db: &'db dyn Db,
    key: GraphKey<'db>,
    module: ModuleName<'db>,
) -> Result<&'db Closure, Vec<Diagnostic>> {
    match closure_of(db, key, module) {
        Ok(closure) => Ok(closure),
        Err(NoClosure::Unknown) => Err(vec![unknown(db, key, module.dotted(db))]),
        Err(NoClosure::Broken(files)) => {
            Err(files.iter().map(|file| broken(db, key, *file)).collect())
        }
    }
}

fn unknown(db: &dyn Db, key: GraphKey<'_>, dotted: &str) -> Diagnostic {
    let layout = layout_of(db, key);
    let names = layout.names.all().collect::<Vec<_>>();
    let nearest = qik_config::names::nearest(dotted, names.iter().map(String::as_str));
    let roots = key.roots(db);
    let roots: Vec<String> = roots.iter().map(|root| format!("`{}`", shown(root))).collect();
    let help = match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!(
            "modules are looked for below {}; `python-path` under `[defaults]` sets that",
            roots.join(", ")
        ),
    };
    Diagnostic::error("python/unknown-module", format!("no module `{dotted}`")).help(help)
}

fn shown(root: &qik_model::RelPath) -> String {
    if root.is_root() { ".".into() } else { root.to_string() }
}

fn broken(db: &dyn Db, key: GraphKey<'_>, file: FileId) -> Diagnostic {
    let path = &layout_of(db, key).files[file as usize];
    let facts = facts_now(db, key, file);
    let message = match facts.as_ref().and_then(FileFacts::error) {
        Some(error) => format!("{path}:{}:{}: {}", error.line, error.column, error.message),
        None => format!("{path} can't be read as Python"),
    };
    Diagnostic::error("python/syntax-error", message)
        .help("what it imports can't be told while it is so; mend it")
}
