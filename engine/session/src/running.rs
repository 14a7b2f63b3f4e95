//! Running a plan, and what is kept of that beside the results.

use std::collections::BTreeMap;
use std::time::SystemTime;

use qik_db::Db;
use qik_model::{Diagnostic, FileKind, Fingerprint, Name, RelPath};
use qik_run::{Plan, Planned, RunEvent, RunReport};
use qik_system::{STATE_FOLDER, phase};

use crate::{Prepared, Report, Session, plan};

impl Session {
    /// Runs a plan.
    pub fn run(&mut self, prepared: &Prepared, listen: &mut dyn FnMut(RunEvent)) -> RunReport {
        self.scan();
        self.recall();
        self.prepare_python(&prepared.plan);
        let force = plan::flag(&self.db, "force").unwrap_or_default();
        let mut report = self.run_plan(&prepared.plan, force, false, listen);
        if let Err(error) = self.keep_fingerprints(&prepared.plan, true) {
            listen(RunEvent::Note(not_kept(&error)));
        }
        // What the user waited for, the look at the files included.
        report.time = self.db.system().elapsed();
        if let Err(error) = self.keep_report(&self.report(prepared, &report)) {
            let message = format!("`._qik/out/report.json` can't be written: {error}");
            listen(RunEvent::Note(Diagnostic::warning("run/out-not-written", message)));
        }
        report
    }

    /// Runs a plan over files that were looked at. `stays`: whether it is one of many in a session that watches.
    pub(crate) fn run_plan(
        &mut self,
        plan: &Plan,
        force: bool,
        stays: bool,
        listen: &mut dyn FnMut(RunEvent),
    ) -> RunReport {
        self.write_import_maps(plan);
        let caches = self.caches();
        for note in self.take_notes() {
            listen(RunEvent::Note(note));
        }
        let workers = plan::number(&self.db, "workers").ok().flatten();
        let options = qik_run::RunOptions {
            workers: workers
                .and_then(|workers| usize::try_from(workers).ok())
                .unwrap_or_else(qik_system::cpu_count)
                .max(1),
            force,
            fail_fast: plan::flag(&self.db, "fail-fast").unwrap_or_default(),
            stays,
        };
        let stage = qik_run::Stage {
            db: &mut self.db,
            tree: &mut self.tree,
            caches,
            stop: self.stop.clone(),
        };
        let running = phase("run");
        let report = qik_run::run(stage, plan, &options, listen);
        drop(running);
        if report.runnables.iter().any(|one| one.made_venv(plan)) {
            // Only now can it be told whose imports are whose.
            self.write_import_maps(plan);
            self.caches().stage();
        }
        self.save(listen);
        report
    }

    /// The fingerprints of what is selected, for the files as they were last looked at; `None` of what can't be
    /// told what it depends on.
    ///
    /// # Errors
    /// As [`Session::prepare`].
    pub fn fingerprints(&self) -> Result<BTreeMap<Name, Option<Fingerprint>>, Vec<Diagnostic>> {
        let request = self.request().map_err(|error| vec![error])?;
        let plan = plan::plan(&self.db, &request)?;
        let of = |planned: &Planned| {
            (planned.name().clone(), qik_run::fingerprint_of(&self.db, planned).ok())
        };
        Ok(plan.runnables.iter().map(of).collect())
    }

    /// The report of a run, for printers and for other programs.
    pub fn report(&self, prepared: &Prepared, run: &RunReport) -> Report {
        let system = self.db.system();
        let began = system.now().checked_sub(run.time).unwrap_or(SystemTime::UNIX_EPOCH);
        Report::new(&prepared.plan, run, began)
    }

    /// Always written, also where nothing executed: what lies there is the last run's.
    fn keep_report(&self, report: &Report) -> std::io::Result<()> {
        let _phase = phase("report");
        let path = RelPath::from(STATE_FOLDER).join("out/report.json");
        self.db.system().write_atomic(&path, report.json().as_bytes(), FileKind::File)
    }

    /// Keeps what was learnt of files, so that the next process need not read them.
    fn save(&mut self, listen: &mut dyn FnMut(RunEvent)) {
        let _phase = phase("keep what was learnt");
        if let Err(error) = self.tree.save().and_then(|_| self.save_python()) {
            listen(RunEvent::Note(not_kept(&error)));
        }
    }
}

fn not_kept(error: &std::io::Error) -> Diagnostic {
    let message = format!("what was learnt of the files can't be kept: {error}");
    Diagnostic::warning("system/state-not-written", message)
        .help("nothing is lost but time; may `._qik` be written?")
}
