//! What a session does for Python beside asking queries: facts are made in parallel before they are
//! asked for and kept afterwards, and the maps from imports to distributions are written for
//! machines that have no environment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qik_config::project;
use qik_db::{Change, Db};
use qik_fingerprint::needs_python;
use qik_model::{Diagnostic, FileKind, Name};
use qik_python::dist::ImportMap;
use qik_python::{
    ModuleName, PackagesOrigin, SpaceKey, counts_distributions, facts_store, graph_key, graph_of,
    import_map_path, missing_warning, packages_of, prepare,
};
use qik_run::{Plan, Planned};

use crate::Session;

impl Session {
    /// To be called after the scan and before fingerprints of `plan` are asked for.
    pub(crate) fn prepare_python(&mut self, plan: &Plan) {
        let users: Vec<&Planned> = plan.runnables.iter().filter(|one| is_user(one)).collect();
        if users.is_empty() {
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
            let space = SpaceKey::running(db, space.clone());
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
        let tree = &self.tree;
        for root in &project(&self.db).defaults.python_path {
            prepare(&self.db, root, &|path| tree.proof(path));
        }
    }

    /// Keeps what was learnt of Python files and environments.
    pub(crate) fn save_python(&self) -> std::io::Result<()> {
        facts_store(&self.db).save()
    }

    /// Writes the map of each space whose environment is installed, if a result of it goes where
    /// machines without one may look for it.
    pub(crate) fn write_import_maps(&mut self, plan: &Plan) {
        let shared =
            |planned: &&Planned| is_user(planned) && !matches!(&*planned.cache, "none" | "local");
        let spaces: BTreeSet<Name> = plan
            .runnables
            .iter()
            .filter(shared)
            .map(|planned| planned.definition.space.clone())
            .collect();
        if !counts_distributions(&self.db) {
            return;
        }
        for space in spaces {
            self.write_import_map(&space);
        }
    }

    fn write_import_map(&mut self, space: &Name) {
        let packages = packages_of(&self.db, SpaceKey::running(&self.db, space.clone()));
        if !matches!(packages.origin, PackagesOrigin::Installed(_)) {
            return;
        }
        let path = import_map_path(space);
        let before = self.db.system().read(&path).unwrap_or_default();
        let before = String::from_utf8_lossy(&before);
        let graph = graph_of(&self.db, graph_key(&self.db, &[]));
        let used = || graph.external_names.iter().map(|name| &**name);
        let map = ImportMap::of(&packages.distributions, used(), &packages.extras, packages.python);
        let map = match ImportMap::decode(&before) {
            Ok(known) => known.merge(&map, used()),
            Err(_) => map,
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
    needs_python(&planned.definition) || planned.definition.builtin.is_some()
}
