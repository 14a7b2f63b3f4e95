//! The runnables that make the environment of a space: its versions locked by `uv pip compile`, then
//! installed. Each is a shell line, so that it is told, run and explained like any other.

use std::sync::Arc;

use qik_config::{FilledKind, FilledUv, FilledVenv, environment};
use qik_db::Db;
use qik_model::{Builtin, Command, Diagnostic, GlobSet, Name, Place, RelPath};

use crate::filled::{Definition, Deps, Rendered, Settings, Upstream};
use crate::render::glob_set;
use crate::requirements::with_included;

/// The lock of an environment as it is upstream of what runs in it: never left out, and a change of
/// what it is made from counts for all of that.
pub(crate) fn upstream(lock: &Name) -> Upstream {
    Upstream { name: lock.clone(), strict: true, isolated: Some(false) }
}

/// What the step `builtin` is for the space.
pub(crate) fn definition(
    db: &dyn Db,
    command: &Command,
    builtin: Builtin,
    space: &Name,
    settings: Settings,
) -> Result<Definition, Diagnostic> {
    let venv = environment(db, space).map_err(Clone::clone)?.venv.clone();
    let Some(venv) = venv else {
        let message = format!("the space `{space}` has no environment");
        let place = Place::Key(command.origin.clone());
        return Err(Diagnostic::error("config/no-venv", message).at(place, "made for spaces"));
    };
    let name: Name = format!("{}@{space}", command.name).into();
    let mut step = Step { name: name.clone(), ..Step::default() };
    match (&venv.kind, builtin) {
        (FilledKind::Uv(uv), Builtin::VenvLock) => step.lock(db, uv),
        (FilledKind::Uv(uv), _) => step.install(&venv, uv),
        (FilledKind::UvProject { folder, options, python }, _) => {
            step.sync(&venv, folder, options, python.as_ref());
        }
        (FilledKind::Active | FilledKind::Prefix { .. }, _) => {}
    }
    let origin = &settings.origin;
    Ok(Definition {
        name,
        command: command.name.clone(),
        module: None,
        space: space.clone(),
        exec: step.line.rendered(),
        builtin: Some(builtin),
        dep_globs: glob_set(&step.inputs, origin)?,
        deps: Deps { globs: step.inputs, ..Deps::default() },
        has_deps: true,
        upstream: step.upstream,
        artifact_globs: glob_set(&step.outputs, origin)?,
        artifacts: step.outputs,
        environment: Arc::default(),
        env: step.env,
        context: Vec::new(),
        settings,
    })
}

#[derive(Default)]
struct Step {
    name: Name,
    line: Line,
    inputs: Vec<Rendered>,
    outputs: Vec<Rendered>,
    upstream: Vec<Upstream>,
    env: Vec<(Name, Option<Rendered>)>,
}

impl Step {
    fn lock(&mut self, db: &dyn Db, uv: &FilledUv) {
        self.line.words("uv pip compile --quiet --universal");
        if let Some(python) = &uv.python {
            let is_version = python.text.starts_with(|c: char| c.is_ascii_digit());
            self.line.words(if is_version { "--python-version" } else { "--python" });
            self.line.word(python);
        }
        for constraint in &uv.constraints {
            self.line.words("--constraint");
            self.line.path(constraint);
        }
        self.line.words("--custom-compile-command");
        self.line.plain(&format!("qik {}", self.name));
        self.line.words("--output-file");
        self.line.path(&uv.lock);
        uv.reqs.iter().for_each(|file| self.line.path(file));
        let files: Vec<RelPath> = uv.reqs.iter().chain(&uv.constraints).cloned().collect();
        self.inputs = literals(&with_included(db, &files));
        self.outputs = literals(std::slice::from_ref(&uv.lock));
        self.upstream = uv.constraint_steps.iter().map(upstream).collect();
        self.index(uv);
    }

    /// Made anew each time: what somebody else put into it, or a stopped step left, is gone.
    fn install(&mut self, venv: &FilledVenv, uv: &FilledUv) {
        let folder = qik_config::venv_folder(&venv.owner);
        self.line.words("uv venv --quiet --clear");
        self.python(uv.python.as_ref());
        self.line.path(&folder);
        self.line.words("&& uv pip sync --quiet --allow-empty-requirements --python");
        self.line.path(&folder.join("bin/python"));
        self.line.path(&uv.lock);
        self.inputs = literals(&venv.files);
        self.upstream = venv.lock_step.iter().map(upstream).collect();
        self.index(uv);
    }

    fn sync(
        &mut self,
        venv: &FilledVenv,
        project: &RelPath,
        options: &[Rendered],
        python: Option<&Rendered>,
    ) {
        let folder = qik_config::venv_folder(&venv.owner);
        self.line.words("uv venv --quiet --clear --project");
        self.line.path(project);
        self.python(python);
        self.line.path(&folder);
        // uv takes a relative one as relative to its own project.
        self.line.words("&& UV_PROJECT_ENVIRONMENT=\"$PWD\"/");
        self.line.glued_path(&folder);
        self.line.words("uv sync --quiet --locked --project");
        self.line.path(project);
        options.iter().for_each(|option| self.line.word(option));
        self.inputs = literals(&venv.files);
    }

    fn python(&mut self, python: Option<&Rendered>) {
        if let Some(python) = python {
            self.line.words("--python");
            self.line.word(python);
        }
    }

    /// By variables: addresses may hold credentials, which are no part of what is told or compared.
    fn index(&mut self, uv: &FilledUv) {
        let join = |text: fn(&Rendered) -> &str| {
            let urls: Vec<&str> = uv.extra_index_url.iter().map(text).collect();
            Arc::<str>::from(urls.join(" "))
        };
        if !uv.extra_index_url.is_empty() {
            let value = Rendered { text: join(|url| &url.text), told: join(|url| &url.told) };
            self.env.push(("UV_INDEX".into(), Some(value)));
        }
        if let Some(url) = &uv.index_url {
            self.env.push(("UV_DEFAULT_INDEX".into(), Some(url.clone())));
        }
    }
}

fn literals(paths: &[RelPath]) -> Vec<Rendered> {
    let one = |path: &RelPath| {
        let text: Arc<str> = GlobSet::literal(path).into();
        Rendered { told: text.clone(), text }
    };
    let mut patterns: Vec<Rendered> = paths.iter().map(one).collect();
    patterns.sort();
    patterns.dedup();
    patterns
}

/// A shell line in the making, as it runs and as it is told.
#[derive(Default)]
struct Line {
    text: String,
    told: String,
}

impl Line {
    /// Words that need no quotes.
    fn words(&mut self, words: &str) {
        self.separate();
        self.text.push_str(words);
        self.told.push_str(words);
    }

    fn plain(&mut self, word: &str) {
        self.separate();
        let word = quoted(word);
        self.text.push_str(&word);
        self.told.push_str(&word);
    }

    fn word(&mut self, word: &Rendered) {
        self.separate();
        self.text.push_str(&quoted(&word.text));
        self.told.push_str(&quoted(&word.told));
    }

    fn path(&mut self, path: &RelPath) {
        // What begins with a dash would be an option.
        let text = path.to_string();
        self.plain(&if text.starts_with('-') { format!("./{text}") } else { text });
    }

    fn glued_path(&mut self, path: &RelPath) {
        let word = quoted(&path.to_string());
        self.text.push_str(&word);
        self.told.push_str(&word);
    }

    fn separate(&mut self) {
        if !self.text.is_empty() {
            self.text.push(' ');
            self.told.push(' ');
        }
    }

    fn rendered(&self) -> Rendered {
        Rendered { text: self.text.as_str().into(), told: self.told.as_str().into() }
    }
}

fn quoted(word: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+".contains(c);
    match !word.is_empty() && word.chars().all(is_safe) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_reach_the_shell_as_they_are() {
        assert_eq!(quoted("requirements/web.in"), "requirements/web.in");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's; rm *"), r"'it'\''s; rm *'");
        assert_eq!(quoted(""), "''");
    }
}
