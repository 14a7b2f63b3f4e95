//! The queries: a document per file, the project, and narrow views of it, so that an edit of one
//! command leaves what depends on another alone.

use std::sync::Arc;

use qik_db::{Db, Source, World};
use qik_model::{
    Command, ConfigDocument, ConfigSyntax, ContextValue, Diagnostic, Name, Origin, Parsed, Place,
    Project, RelPath, Severity, Space, Span,
};

use crate::context::{self, Outside};
use crate::lower::{self, Files, Found, Lowered};
use crate::template::ContextName;

/// The document in a file; `None` where there is no such file, or its name tells no known format.
pub fn document<'db>(db: &'db dyn Db, path: &RelPath) -> Option<&'db Parsed<ConfigDocument>> {
    source_document(db, db.source(path)).as_deref()
}

/// The project, as far as it could be read. [`diagnostics`] says what could not.
#[salsa::tracked(returns(ref))]
pub fn project(db: &dyn Db) -> Arc<Project> {
    lowered(db).project.clone()
}

/// The files that configure the project, the root first.
#[salsa::tracked(returns(ref))]
pub fn config_files(db: &dyn Db) -> Vec<RelPath> {
    lowered(db).files.clone()
}

/// One command, by its full name.
pub fn command<'db>(db: &'db dyn Db, name: &str) -> Option<&'db Arc<Command>> {
    command_named(db, Named::new(db, name)).as_ref()
}

/// One space.
pub fn space<'db>(db: &'db dyn Db, name: &str) -> Option<&'db Arc<Space>> {
    space_named(db, Named::new(db, name)).as_ref()
}

/// The chosen profile.
///
/// # Errors
/// `context/unknown-profile`.
#[salsa::tracked(returns(ref))]
pub fn profile(db: &dyn Db) -> Result<Name, Diagnostic> {
    context::profile(project(db), &FromWorld(db))
}

/// The value of a variable.
///
/// # Errors
/// As [`context::value`] and [`profile`] have them.
pub fn context_value<'db>(
    db: &'db dyn Db,
    name: &ContextName,
) -> Result<&'db ContextValue, &'db Diagnostic> {
    variable_value(db, Variable::new(db, name.clone())).as_ref()
}

/// A variable of the process environment.
pub fn env_var<'db>(db: &'db dyn Db, name: &str) -> Option<&'db Arc<str>> {
    env_named(db, Named::new(db, name)).as_ref()
}

/// A context value given on the command line, by `qik.NAME` or `project.NAME`.
pub fn flag<'db>(db: &'db dyn Db, name: &str) -> Option<&'db Arc<str>> {
    flag_named(db, Named::new(db, name)).as_ref()
}

/// All that is wrong with the configuration, the chosen profile and the environment.
///
/// Where a file cannot be parsed, what its parser says comes first.
#[salsa::tracked(returns(ref))]
pub fn diagnostics(db: &dyn Db) -> Vec<Diagnostic> {
    let lowered = lowered(db);
    let parsed = lowered.files.iter().filter_map(|path| document(db, path));
    let mut all: Vec<Diagnostic> =
        parsed.flat_map(|parsed| parsed.diagnostics.iter().cloned()).collect();
    all.extend(lowered.diagnostics.iter().cloned());
    all.extend(profile(db).as_ref().err().cloned());
    all.extend(context::check_env(World::get(db).env(db)));
    // Of a configuration that can't be read no variable is known.
    if !all.iter().any(|report| report.severity == Severity::Error) {
        all.extend(context::check_flags(project(db), World::get(db).flags(db)));
    }
    all
}

/// The text that a place stands for; `None` where its file is no configuration.
pub fn locate(db: &dyn Db, place: &Place) -> Option<Span> {
    match place {
        Place::Span(span) => Some(span.clone()),
        Place::Value(Origin { file, .. }) | Place::Key(Origin { file, .. }) => {
            let path = RelPath::new(file.as_bytes())?;
            Some(document(db, &path)?.value.locate(place))
        }
    }
}

/// A name as a key.
#[salsa::interned(debug, revisions = usize::MAX)]
struct Named<'db> {
    #[returns(ref)]
    name: Name,
}

/// A variable as a key.
#[salsa::interned(debug, revisions = usize::MAX)]
struct Variable<'db> {
    #[returns(ref)]
    name: ContextName,
}

#[salsa::tracked(returns(ref))]
fn command_named<'db>(db: &'db dyn Db, name: Named<'db>) -> Option<Arc<Command>> {
    project(db).commands.get(name.name(db)).cloned()
}

#[salsa::tracked(returns(ref))]
fn space_named<'db>(db: &'db dyn Db, name: Named<'db>) -> Option<Arc<Space>> {
    project(db).spaces.get(name.name(db)).cloned()
}

#[salsa::tracked(returns(ref))]
fn variable_value<'db>(db: &'db dyn Db, name: Variable<'db>) -> Result<ContextValue, Diagnostic> {
    let chosen = profile(db).as_ref().map_err(Clone::clone)?;
    context::value(project(db), chosen, &FromWorld(db), name.name(db))
}

#[salsa::tracked(returns(ref))]
fn env_named<'db>(db: &'db dyn Db, name: Named<'db>) -> Option<Arc<str>> {
    db.variable(name.name(db))
}

#[salsa::tracked(returns(ref))]
fn flag_named<'db>(db: &'db dyn Db, name: Named<'db>) -> Option<Arc<str>> {
    World::get(db).flags(db).get(&**name.name(db)).map(|value| value.as_str().into())
}

/// Everything at once; wide, so only the narrow queries above read it.
#[salsa::tracked(returns(ref))]
fn lowered(db: &dyn Db) -> Lowered {
    lower::lower(World::get(db).config(db), &Documents(db))
}

#[salsa::tracked(returns(ref))]
fn source_document(db: &dyn Db, source: Source) -> Option<Arc<Parsed<ConfigDocument>>> {
    let path = source.path(db);
    let syntax = syntax_for(db, path)?;
    let bytes = source.bytes(db).as_ref()?;
    let file: Arc<str> = path.to_string().into();
    Some(Arc::new(lower::read(&**syntax, file, bytes)))
}

/// The format of a file, by its name or its ending.
fn syntax_for<'db>(db: &'db dyn Db, path: &RelPath) -> Option<&'db Arc<dyn ConfigSyntax>> {
    let name = std::str::from_utf8(path.name()).ok()?;
    let by_name = |syntax: &&Arc<dyn ConfigSyntax>| syntax.file_names().contains(&name);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let by_ending = |syntax: &&Arc<dyn ConfigSyntax>| ending == Some(syntax.name());
    let syntaxes = db.syntaxes();
    syntaxes.iter().find(by_name).or_else(|| syntaxes.iter().find(by_ending))
}

struct Documents<'db>(&'db dyn Db);

impl Files for Documents<'_> {
    fn document(&self, path: &RelPath) -> Found<'_> {
        let db = self.0;
        match document(db, path) {
            Some(parsed) => Found::Document(parsed),
            None if db.source(path).bytes(db).is_none() => Found::Absent,
            None => Found::UnknownFormat,
        }
    }

    fn module_configs(&self, dir: &RelPath) -> Vec<RelPath> {
        let db = self.0;
        // `pyproject.toml` stands in most modules and configures their packages, not qik.
        let names = db.syntaxes().iter().flat_map(|syntax| syntax.file_names());
        names
            .filter(|name| name.starts_with("qik."))
            .map(|name| dir.join(name))
            .filter(|path| db.source(path).bytes(db).is_some())
            .collect()
    }
}

/// Where values come from, as the database has it.
pub(crate) struct FromWorld<'db>(pub &'db dyn Db);

impl Outside for FromWorld<'_> {
    fn env(&self, name: &str) -> Option<Arc<str>> {
        env_var(self.0, name).cloned()
    }

    fn flag(&self, name: &str) -> Option<Arc<str>> {
        flag(self.0, name).cloned()
    }
}
