//! The environments of spaces by themselves: making them, and what a program finds that is started in
//! one.

use std::collections::BTreeSet;
use std::ffi::OsString;

use qik_config::{environment, names, project};
use qik_graph::Selection;
use qik_model::{Diagnostic, Name};
use qik_run::{CacheStatus, Planned, Telling, space_variables};

use crate::plan::{self, Request};
use crate::{Prepared, Session};

impl Prepared {
    /// What is listed, by position: not what makes the environments of others where that is needed,
    /// since each machine does that for itself; nor locks that only came along and are as they are.
    pub fn listed(&self) -> impl Iterator<Item = (usize, &Planned)> {
        let is_done = |at: usize| {
            let statuses = self.statuses.as_ref();
            statuses.is_some_and(|statuses| matches!(statuses[at], CacheStatus::Warm(_)))
        };
        let all = self.plan.runnables.iter().enumerate();
        all.filter(move |(at, planned)| {
            !(planned.on_demand || planned.is_companion && is_done(*at))
        })
    }
}

impl Session {
    /// The space that the working directory belongs to.
    pub fn space_here(&self) -> Name {
        self.space_of_cwd().unwrap_or_else(qik_graph::default_space)
    }

    /// Every space of the project.
    pub fn spaces(&self) -> Vec<Name> {
        project(&self.db).spaces.keys().cloned().collect()
    }

    /// What it takes to have the environments of these spaces: nothing where all are as they should
    /// be.
    ///
    /// # Errors
    /// Spaces that do not exist, values that are missing.
    pub fn prepare_venvs(&mut self, spaces: &[Name]) -> Result<Prepared, Vec<Diagnostic>> {
        let mut steps: BTreeSet<Name> = BTreeSet::new();
        for space in spaces {
            self.check_space(space).map_err(|error| vec![error])?;
            let found = environment(&self.db, space).map_err(|error| vec![error.clone()])?;
            let venv = found.venv.as_deref();
            steps.extend(venv.and_then(|venv| venv.install_step.clone()));
        }
        if steps.is_empty() {
            let warnings = self.take_notes();
            return Ok(Prepared {
                plan: qik_run::Plan::default(),
                statuses: None,
                fingerprints: Vec::new(),
                warnings,
            });
        }
        let names = steps.iter().map(ToString::to_string).collect();
        let selection = Selection { names, ..Selection::default() };
        let plan = plan::plan(&self.db, &Request { selection, ..Request::default() })?;
        self.check_caches(&plan)?;
        let statuses = self.statuses(&plan, Telling::Nothing);
        let is_cold = |status: &CacheStatus| !matches!(status, CacheStatus::Warm(_));
        let colds: Vec<bool> = statuses.iter().map(is_cold).collect();
        let (plan, statuses) = plan.filtered_with(statuses, |at, _| colds[at]);
        let fingerprints = vec![None; statuses.len()];
        Ok(Prepared { plan, statuses: Some(statuses), fingerprints, warnings: self.take_notes() })
    }

    /// The variables of a program that is started in a space.
    ///
    /// # Errors
    /// A space that does not exist, files of variables that cannot be read.
    pub fn variables_in(&self, space: &str) -> Result<Vec<(OsString, OsString)>, Diagnostic> {
        self.check_space(space)?;
        let found = environment(&self.db, space).map_err(Clone::clone)?;
        space_variables(&self.db, found)
    }

    fn check_space(&self, space: &str) -> Result<(), Diagnostic> {
        let known = &project(&self.db).spaces;
        if known.contains_key(space) {
            return Ok(());
        }
        let known: Vec<&str> = known.keys().map(|name| &**name).collect();
        let help = names::suggest(space, known.iter().copied())
            .unwrap_or_else(|| format!("there are: {}", known.join(", ")));
        Err(Diagnostic::error("select/unknown-space", format!("no space `{space}`")).help(help))
    }
}
