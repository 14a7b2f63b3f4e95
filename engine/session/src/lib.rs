//! What a front-end calls: open a project, plan, list, run, explain.
//!
//! A session holds the database, the picture of the work tree and the caches; nothing of the disk is
//! read before something asks for it, so listing names stays cheap.
//!
//! ```no_run
//! use qik_session::{OpenOptions, Session, Telling};
//!
//! let mut session = Session::open(OpenOptions::default()).expect("a project");
//! let prepared = session.prepare(Telling::Nothing).expect("a plan");
//! let report = session.run(&prepared, &mut |event| drop(event));
//! std::process::exit(report.code());
//! ```
#![deny(missing_docs)]

mod caches;
mod ci;
mod commit;
mod config;
mod discover;
mod events;
mod graph;
mod history;
mod lint;
mod listing;
mod parts;
mod plan;
mod python;
mod remember;
mod report;
mod running;
mod shards;
mod since;
mod venvs;
mod watch;
mod why;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use commit::{RunTool, once};
use qik_config::project;
use qik_db::{Change, Database, Db, ToolOutput};
use qik_graph::{definition_of, runnables};
use qik_model::{
    ConfigSyntax, Diagnostic, Fingerprint, GlobSet, Name, Place, RelPath, Severity, Span,
};
use qik_system::{Delta, OsSystem, ProcessSpec, Stop, System, TreeOptions, WorkTree, phase};

pub use ci::CiJob;
pub use config::ShownConfig;
pub use events::{EventLine, FinishedLine};
pub use graph::{DirectImport, GraphFile, GraphPart, GraphSize};
pub use history::Compared;
pub use listing::{ListedRunnable, ListedStatus, Listing};
pub use plan::{Part, Request, WantedStatus};
pub use qik_cache::{CacheSet, Listed, Verified, new_key, told as told_bytes};
pub use qik_config::convert;
pub use qik_fingerprint::Difference;
pub use qik_graph::{Definition, Selection};
pub use qik_model as model;
pub use qik_python::{Cause, FenceReport, Step, Violation};
pub use qik_run::{
    CacheStatus, ColdReason, Outcome, Plan, Planned, RunEvent, RunReport, RunnableReport,
    SkipCause, Telling,
};
pub use qik_system as system;
pub use report::{Counts, Ending, Report, ReportedRunnable};
pub use shards::Order;
pub use since::Since;
pub use watch::{WatchEvent, WatchListener, Wish};
pub use why::Why;

/// How to open a project.
#[derive(Debug, Default)]
pub struct OpenOptions {
    /// Where to look for the project from; the working directory if `None`.
    pub cwd: Option<PathBuf>,
    /// The root configuration, instead of looking for it.
    pub config: Option<PathBuf>,
    /// Context values of the command line, by `qik.NAME` and `project.NAME`.
    pub flags: BTreeMap<String, String>,
    /// The configuration formats, most wanted first.
    pub syntaxes: Vec<Arc<dyn ConfigSyntax>>,
}

/// A project that is open.
pub struct Session {
    db: Database,
    tree: WorkTree,
    caches: Option<caches::Opened>,
    stop: Stop,
    scanned: bool,
    /// What an earlier process found out, once that was asked for.
    recalled: Option<remember::Recalled>,
    /// A look at the files that began early.
    ahead: Option<JoinHandle<(WorkTree, Delta)>>,
    /// Runs the commands of `exec` deps, for all states of the project.
    tools: RunTool,
    notes: Vec<Diagnostic>,
    /// What was told once and need not be again.
    told: Vec<Diagnostic>,
    /// Where the user stands in the project, if inside.
    cwd: Option<RelPath>,
}

/// A plan, and what is known of it.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What is to be run, after every filter.
    pub plan: Plan,
    /// The status of each, where a filter or the caller asked for it.
    pub statuses: Option<Vec<CacheStatus>>,
    /// Beside a status, the fingerprint that it is about.
    pub fingerprints: Vec<Option<Fingerprint>>,
    /// What there is to warn of.
    pub warnings: Vec<Diagnostic>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("tree", &self.tree).finish_non_exhaustive()
    }
}

impl Session {
    /// Opens the project. What is wrong with its configuration is told by [`Session::diagnostics`].
    ///
    /// # Errors
    /// `config/not-found` and `config/two-configs`; `system/…` where the world can't be reached.
    pub fn open(options: OpenOptions) -> Result<Self, Diagnostic> {
        let _phase = phase("open");
        let here = qik_system::current_dir().map_err(|error| no_world(&error))?;
        let asked = options.cwd.as_ref().map_or_else(|| here.clone(), |cwd| here.join(cwd));
        let cwd = qik_system::canonical(&asked).map_err(|error| no_folder(&asked, &error))?;
        let found = match &options.config {
            Some(path) => discover::at(&cwd.join(path))?,
            None => discover::discover(&cwd, &options.syntaxes)?,
        };
        let system: Arc<dyn System> = Arc::new(OsSystem::new(&found.root));
        let stop = Stop::new().map_err(|error| no_world(&error))?;
        let config = RelPath::from_clean(found.file.as_bytes());
        let tools = once(run_tool(system.clone(), stop.clone()));
        let mut db =
            Database::new(system.clone(), options.syntaxes, tools.clone(), config, options.flags);
        if let Ok(binary) = qik_system::current_binary() {
            db.set_binary(binary);
        }
        let below = cwd.strip_prefix(system.root()).ok();
        let below = below.and_then(|below| RelPath::new(below.as_os_str().as_encoded_bytes()));
        Ok(Self {
            tree: WorkTree::open(system, TreeOptions::default()),
            db,
            caches: None,
            stop,
            scanned: false,
            recalled: None,
            ahead: None,
            tools,
            notes: Vec::new(),
            told: Vec::new(),
            cwd: below,
        })
    }

    /// What is wrong with the configuration; nothing of this session is of use while there is an
    /// error.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let _phase = phase("configuration");
        qik_config::diagnostics(&self.db).clone()
    }

    /// How the user stops a run.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Whether the project has a command of that name.
    pub fn has_command(&self, name: &str) -> bool {
        project(&self.db).commands.contains_key(name)
    }

    /// The value of one of qik's own variables that is a number.
    ///
    /// # Errors
    /// Where what sets it is no number.
    pub fn number(&self, name: &'static str) -> Result<Option<i64>, Diagnostic> {
        plan::number(&self.db, name)
    }

    /// The value of one of qik's own variables that is a truth value.
    ///
    /// # Errors
    /// Where what sets it is none.
    pub fn is_set(&self, name: &'static str) -> Result<bool, Diagnostic> {
        plan::flag(&self.db, name)
    }

    /// The value of one of qik's own variables that is a text.
    ///
    /// # Errors
    /// As [`Session::number`].
    pub fn text(&self, name: &'static str) -> Result<Option<String>, Diagnostic> {
        plan::text(&self.db, name)
    }

    /// The range of text that `place` stands for.
    pub fn locate(&self, place: &Place) -> Option<Span> {
        qik_config::locate(&self.db, place)
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        self.db.system().root()
    }

    /// The text of a file of the project.
    pub fn source(&self, file: &str) -> Option<String> {
        let bytes = self.db.source(&RelPath::new(file)?).bytes(&self.db).clone()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What is asked for, as a plan: selected, filtered, in order. `telling` is how much is told of
    /// why something is cold, where a filter finds that out.
    ///
    /// # Errors
    /// Names that mean nothing, each with the nearest that does; cycles; values that are missing.
    pub fn prepare(&mut self, telling: Telling) -> Result<Prepared, Vec<Diagnostic>> {
        let _phase = phase("select");
        let request = self.request().map_err(|error| vec![error])?;
        let mut plan = plan::plan(&self.db, &request)?;
        if !self.is_set("watch").map_err(|error| vec![error])? {
            let asked = &request.selection;
            let is_asked_for = !asked.names.is_empty() || !asked.tags.is_empty();
            plan = plan.that_ends(|_| is_asked_for);
        }
        self.check_caches(&plan)?;
        if let Some(since) = &request.since {
            let isolated = request.selection.isolated;
            plan = self.changed_since(plan, since, isolated).map_err(|error| vec![error])?;
            // A look that can't be kept for the next one is as right as one that can.
            let _ = self.tree.save();
        }
        if let Some(part) = request.part {
            plan = self.part_of(plan, part, request.selection.isolated);
        }
        let Some(wanted) = request.status else {
            let (fingerprints, warnings) = (Vec::new(), self.take_notes());
            return Ok(Prepared { plan, statuses: None, fingerprints, warnings });
        };
        let examined = self.examine(&plan, telling);
        let kept = |status: &CacheStatus| match wanted {
            WantedStatus::Warm => matches!(status, CacheStatus::Warm(_)),
            WantedStatus::Cold => matches!(status, CacheStatus::Cold(_)),
        };
        let keeps: Vec<bool> = examined.iter().map(|(status, _)| kept(status)).collect();
        let (plan, examined) = plan.filtered_with(examined, |at, _| keeps[at]);
        let warnings = self.take_notes();
        if any_error(&warnings) {
            return Err(warnings);
        }
        let (statuses, fingerprints) = examined.into_iter().unzip();
        Ok(Prepared { plan, statuses: Some(statuses), fingerprints, warnings })
    }

    /// The status of each runnable of `plan`, in its order.
    pub fn statuses(&mut self, plan: &Plan, telling: Telling) -> Vec<CacheStatus> {
        self.examine(plan, telling).into_iter().map(|(status, _)| status).collect()
    }

    /// The status of each runnable of `plan`, and the fingerprint that it is about.
    fn examine(
        &mut self,
        plan: &Plan,
        telling: Telling,
    ) -> Vec<(CacheStatus, Option<Fingerprint>)> {
        self.scan();
        self.recall();
        self.prepare_python(plan);
        let _phase = phase("statuses");
        let caches = self.caches();
        let examined = qik_run::examine(&mut self.db, &caches, plan, telling);
        self.notes.extend(caches.warnings());
        // A listing that can't note down what it learnt is as right as one that can.
        let _ = self.tree.save();
        let _ = self.save_python();
        let _ = self.keep_fingerprints(plan, false);
        examined
    }

    /// What the user asks for, standing where they do.
    fn request(&self) -> Result<Request, Diagnostic> {
        let mut request = Request::from_context(&self.db)?;
        if request.selection.spaces.is_empty() {
            request.selection.spaces.extend(self.space_of_cwd().map(|space| space.to_string()));
        }
        Ok(request)
    }

    /// Begins to look at the files of the project, beside whatever else is done meanwhile: reading
    /// the configuration takes about as long. For callers that know that they will ask about files.
    pub fn scan_ahead(&mut self) {
        if self.scanned || self.ahead.is_some() {
            return;
        }
        // What a killed process left half restored is finished before anything is looked at.
        self.recover();
        let system = self.db.system().clone();
        self.ahead = Some(std::thread::spawn(move || look(system, TreeOptions::default())));
    }

    /// Looks at the files of the project, once.
    fn scan(&mut self) {
        if self.scanned {
            return;
        }
        let _phase = phase("files");
        let found = self.look_once();
        take(&mut self.db, &mut self.notes, found);
    }

    /// Looks at the files of the project, and asks something of them while they come into the database.
    fn scan_and<T: Send>(&mut self, ask: impl FnOnce(&WorkTree) -> T + Send) -> T {
        let _phase = phase("files");
        let found = self.look_once();
        let (tree, db, notes) = (&self.tree, &mut self.db, &mut self.notes);
        std::thread::scope(|scope| {
            let answer = scope.spawn(|| ask(tree));
            take(db, notes, found);
            answer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// What the first look at the files finds.
    fn look_once(&mut self) -> Vec<Delta> {
        if std::mem::replace(&mut self.scanned, true) {
            return Vec::new();
        }
        let artifacts = self.artifacts();
        let ignore = project(&self.db).defaults.ignore.iter().map(|glob| glob.to_string());
        let ignore = GlobSet::new(ignore).unwrap_or_default();
        let ahead = self.ahead.take().and_then(|ahead| ahead.join().ok());
        let (tree, found) = match ahead.filter(|_| ignore.is_empty()) {
            Some((mut tree, delta)) => {
                let of_artifacts = tree.set_artifacts(artifacts);
                (tree, vec![delta, of_artifacts])
            }
            None => {
                self.recover();
                let options = TreeOptions { artifacts, ignore };
                let (tree, delta) = look(self.db.system().clone(), options);
                (tree, vec![delta])
            }
        };
        self.tree = tree;
        found
    }

    /// Finishes restores that a killed process left half done. Needs no configuration: what is to
    /// be put in place stands in their journals.
    fn recover(&mut self) {
        let _phase = phase("recover");
        let caches = CacheSet::open(self.db.system().clone(), &BTreeMap::new(), "");
        caches.recover();
        self.notes.extend(caches.warnings());
    }

    /// What any command declares to make. It counts as input of others even where git ignores it.
    fn artifacts(&self) -> GlobSet {
        let all = runnables(&self.db);
        let patterns = all.by_name.keys().filter_map(|name| definition_of(&self.db, name).ok());
        let patterns: Vec<&str> = patterns
            .flat_map(|definition| definition.artifacts.iter().map(|artifact| &*artifact.text))
            .collect();
        GlobSet::new(patterns).unwrap_or_default()
    }

    fn take_notes(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.notes)
    }

    /// The space whose root holds the working directory.
    fn space_of_cwd(&self) -> Option<Name> {
        let cwd = self.cwd.as_ref()?;
        let spaces = project(&self.db).spaces.values();
        let holds = |root: &RelPath| !root.is_root() && cwd.is_within(root);
        spaces
            .filter(|space| space.root.as_ref().is_some_and(holds))
            .max_by_key(|space| space.root.as_ref().map(|root| root.as_bytes().len()))
            .map(|space| space.name.clone())
    }
}

/// Brings what was found on disk into the database.
fn take(db: &mut Database, notes: &mut Vec<Diagnostic>, found: Vec<Delta>) {
    for mut delta in found {
        let _phase = phase("files to database");
        notes.append(&mut delta.notes);
        Change::from_delta(delta).apply(db);
    }
}

fn look(system: Arc<dyn System>, options: TreeOptions) -> (WorkTree, Delta) {
    let mut tree = WorkTree::open(system, options);
    let delta = tree.scan();
    (tree, delta)
}

/// Whether any of these is an error.
pub fn any_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// Runs the commands of `exec` deps: in the project folder, in qik's own environment, for at most
/// half a minute.
fn run_tool(system: Arc<dyn System>, stop: Stop) -> RunTool {
    Arc::new(move |line| {
        let spec = ProcessSpec {
            shell_line: line.to_string(),
            cwd: system.root().to_path_buf(),
            env: system.env().iter().map(|(n, v)| (n.to_os_string(), v.to_os_string())).collect(),
            timeout: Some(std::time::Duration::from_secs(30)),
            terminal: false,
        };
        let mut text = Vec::new();
        let exit = system.run(&spec, &stop, &mut |chunk| text.extend_from_slice(chunk));
        let code = exit.map_or(127, |exit| exit.code());
        ToolOutput { code, text }
    })
}

fn no_folder(folder: &std::path::Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(
        "system/unreachable",
        format!("`{}` can't be entered: {error}", folder.display()),
    )
    .help("check that the folder exists and that you may read it")
}

fn no_world(error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("system/unreachable", format!("the project can't be reached: {error}"))
        .help("check that the folder exists and that you may read it")
}
