//! What a session does for Python beside asking queries: facts are made in parallel before they are
//! asked for and kept afterwards, and the maps from imports to distributions are written for
//! machines that have no environment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qik_config::environment;
use qik_db::{Change, Db};
use qik_fingerprint::needs_python;
use qik_model::{Builtin, Diagnostic, FileKind, Name};
use qik_python::dist::ImportMap;
use qik_python::{
    ModuleName, PackagesOrigin, SpaceKey, counts_distributions, facts_store, graph_key, graph_of,
    import_map_path, missing_warning, packages_of, prepare,
};
use qik_run::{Plan, Planned};
use qik_system::phase;

use crate::Session;

impl Session {
    /// To be called after the scan and before fingerprints of `plan` are asked for.
    pub(crate) fn prepare_python(&mut self, plan: &Plan) {
        let _phase = phase("python");
        let users: Vec<&Planned> = plan.runnables.iter().filter(|one| is_user(one)).collect();
        if users.iter().all(|planned| self.is_recalled(planned)) {
            return;
        }
        self.prepare_facts();
        let mut modules: BTreeMap<&Name, BTreeSet<Arc<str>>> = BTreeMap::new();
        for definition in users.iter().map(|planned| &planned.definition) {
            let named = definition.deps.pygraphs.iter().map(|dep| dep.pyimport.text.clone());
            modules.entry(&definition.space).or_default().extend(named);
        }
        if !counts_distributions(&self.db) {
            return;
        }
        let mut notes = Vec::new();
        for (space, modules) in modules {
            let (db, key) = (&self.db, graph_key(&self.db, &[]));
            // Of an environment that is still to be made nothing is amiss yet.
            let venv = environment(db, space).ok().and_then(|found| found.venv.clone());
            let is_made_here = venv.is_some_and(|venv| venv.install_step.is_some());
            let space = SpaceKey::running(db, space.clone());
            let origin = &packages_of(db, space).origin;
            if is_made_here && !matches!(origin, PackagesOrigin::Installed(_)) {
                continue;
            }
            notes.extend(packages_of(db, space).notes.iter().cloned());
            let modules: Vec<_> =
                modules.into_iter().map(|module| ModuleName::new(db, module)).collect();
            notes.extend(missing_warning(db, key, space, &modules));
        }
        notes.into_iter().for_each(|note| self.tell_once(note));
    }

    fn tell_once(&mut self, note: Diagnostic) {
        if !self.told.contains(&note) {
            self.told.push(note.clone());
            self.notes.push(note);
        }
    }

    /// Reads what all Python files import, in parallel.
    pub(crate) fn prepare_facts(&self) {
        let _phase = phase("facts");
        let tree = &self.tree;
        prepare(&self.db, &|path| tree.proof(path));
    }

    /// Keeps what was learnt of Python files and environments.
    pub(crate) fn save_python(&self) -> std::io::Result<()> {
        facts_store(&self.db).save()
    }

    /// Writes the map of each space whose environment is installed, if a result of it goes where
    /// machines without one may look for it.
    pub(crate) fn write_import_maps(&mut self, plan: &Plan) {
        if self.has_all_written() {
            return;
        }
        let is_shared = |planned: &&Planned| !matches!(&*planned.cache, "none" | "local");
        // Of each space, whether anything asks for more than the version of Python.
        let mut spaces: BTreeMap<Name, bool> = BTreeMap::new();
        for planned in plan.runnables.iter().filter(is_shared) {
            let definition = &planned.definition;
            if is_user(planned) || definition.environment.venv.is_some() {
                *spaces.entry(definition.space.clone()).or_default() |= is_user(planned);
            }
        }
        if !counts_distributions(&self.db) {
            return;
        }
        for (space, asks_for_imports) in spaces {
            self.write_import_map(&space, asks_for_imports);
        }
    }

    fn write_import_map(&mut self, space: &Name, asks_for_imports: bool) {
        let packages = packages_of(&self.db, SpaceKey::running(&self.db, space.clone()));
        if !matches!(packages.origin, PackagesOrigin::Installed(_)) {
            return;
        }
        let path = import_map_path(space);
        let before = self.db.system().read(&path).unwrap_or_default();
        let before = String::from_utf8_lossy(&before);
        let known = ImportMap::decode(&before);
        let map = match asks_for_imports {
            true => {
                let graph = graph_of(&self.db, graph_key(&self.db, &[]));
                let used = || graph.structure.external_names.iter().map(|name| &**name);
                let (all, extras) = (&packages.distributions, &packages.extras);
                let map = ImportMap::of(all, used(), extras, packages.python);
                known.map(|known| known.merge(&map, used())).unwrap_or(map)
            }
            false => ImportMap { python: packages.python, ..known.unwrap_or_default() },
        };
        let text = map.encode();
        if text == before {
            return;
        }
        match self.db.system().write_atomic(&path, text.as_bytes(), FileKind::File) {
            Ok(()) => {
                Change::default().with_sources([path.clone()]).apply(&mut self.db);
                self.caches().stage_with(path);
            }
            Err(error) => self.notes.push(
                Diagnostic::warning(
                    "python/import-map-not-written",
                    format!("`{path}` can't be written: {error}"),
                )
                .help("machines without the environment can't tell what imports belong to"),
            ),
        }
    }
}

fn is_user(planned: &Planned) -> bool {
    needs_python(&planned.definition) || planned.definition.builtin == Some(Builtin::FenceCheck)
}
