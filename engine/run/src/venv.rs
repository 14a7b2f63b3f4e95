//! The step that makes an environment: whether what is there can be used, and making it whole or
//! not at all. What it makes is marked last, and the mark is taken away first.

use qik_config::{FilledVenv, environment};
use qik_db::{Database, Db};
use qik_model::{ActionResult, Content, Digest, Explanation, FileKind, Fingerprint, RelPath};
use qik_python::venv::{self, MARK};
use qik_system::System;

use crate::decide::{CacheStatus, ColdReason};
use crate::execute::Executed;
use crate::plan::Planned;

/// Whether the environment is there as `fingerprint` wants it.
pub(crate) fn status(db: &Database, planned: &Planned, fingerprint: Fingerprint) -> CacheStatus {
    let Some((of, folder)) = venv_of(db, planned) else {
        return CacheStatus::Cold(ColdReason::NoEntry);
    };
    let system = db.system();
    let cold = |reason: &str| CacheStatus::Cold(ColdReason::Rejected(reason.into()));
    match venv::state(&**system, &folder.to_path(system.root())) {
        Err(unusable) => cold(&unusable.to_string()),
        Ok(made) if made.key == Some(fingerprint) => {
            CacheStatus::Warm(Box::new(entry(planned, fingerprint)))
        }
        Ok(made) if made.declared != declared(db, &of) => cold("its lock changed"),
        Ok(_) => cold("its settings changed"),
    }
}

fn venv_of(db: &dyn Db, planned: &Planned) -> Option<(FilledVenv, RelPath)> {
    let found = environment(db, &planned.definition.space).ok()?.venv.as_deref()?;
    Some((found.clone(), found.folder()?))
}

fn declared(db: &dyn Db, venv: &FilledVenv) -> Digest {
    venv::declared(&venv.files, &|path| db.source(path).bytes(db).clone())
}

/// What stands for an environment among results.
fn entry(planned: &Planned, fingerprint: Fingerprint) -> ActionResult {
    ActionResult {
        runnable: planned.name().to_string(),
        fingerprint,
        code: 0,
        log: Content { digest: qik_fingerprint::digest_of(&[]), size: 0 },
        artifacts: Vec::new(),
        folders: Vec::new(),
        millis: 0,
        explanation: Explanation::default(),
    }
}

/// An environment to be made by a worker.
#[derive(Clone, Debug)]
pub(crate) struct VenvJob {
    folder: RelPath,
    key: Option<Fingerprint>,
    declared: Digest,
    /// Whether it is made even if it is there.
    forced: bool,
}

impl VenvJob {
    /// The environment that `planned` makes, if it makes one.
    pub fn of(
        db: &dyn Db,
        planned: &Planned,
        key: Option<Fingerprint>,
        forced: bool,
    ) -> Option<Self> {
        if !planned.makes_venv() {
            return None;
        }
        let (of, folder) = venv_of(db, planned)?;
        Some(Self { folder, key, declared: declared(db, &of), forced })
    }

    /// Makes it by `run`, alone among all processes in this project.
    pub fn make(&self, system: &dyn System, run: impl FnOnce() -> Executed) -> Executed {
        let mut lock = self.folder.as_bytes().to_vec();
        lock.extend(b".lock");
        let _alone = system.lock(&RelPath::from_clean(lock));
        let prefix = self.folder.to_path(system.root());
        let mark = self.folder.join(MARK);
        if let Ok(made) = venv::state(system, &prefix)
            && made.key == self.key
            && made.declared == self.declared
            && !self.forced
        {
            // Another process made it meanwhile.
            let time = std::time::Duration::ZERO;
            let (log, turn) = (Vec::new(), None);
            return Executed { code: 0, stopped: false, log, time, attempts: 1, turn };
        }
        let _ = system.remove_file(&mark);
        let mut executed = run();
        if executed.code == 0 && !executed.stopped {
            let text = venv::mark(system, &prefix, self.key, self.declared);
            let written =
                text.map(|text| system.write_atomic(&mark, text.as_bytes(), FileKind::File));
            if !matches!(written, Some(Ok(()))) {
                let line = format!("qik: no environment came to be in {}\n", self.folder);
                executed.log.extend(line.as_bytes());
                executed.code = 1;
            }
        }
        executed
    }
}
