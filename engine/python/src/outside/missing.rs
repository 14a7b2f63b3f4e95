//! What to say of imports that belong to no distribution, and of distributions that are not there.

use std::collections::BTreeMap;

use qik_db::Db;
use qik_model::Diagnostic;

use super::owners::{Owner, owners_of, pydist_config};
use crate::chain::line_of_outside;
use crate::closure::{Closure, ModuleName, closure_of, reached_files};
use crate::dist::normalise;
use crate::layout::GraphKey;
use crate::module_graph::graph_of;
use crate::packages::{Packages, PackagesOrigin, SpaceKey, packages_of};

/// The warning of imports that belong to no distribution of the space, among what these modules reach:
/// they count as absent. `None` where there is none, or the configuration has its mind made up.
pub fn missing_warning(
    db: &dyn Db,
    key: GraphKey<'_>,
    space: SpaceKey<'_>,
    modules: &[ModuleName<'_>],
) -> Option<Diagnostic> {
    let packages = packages_of(db, space);
    let is_asked = pydist_config(db).ignore_missing_modules.is_none();
    if !is_asked || packages.origin == PackagesOrigin::Nowhere {
        return None;
    }
    let owners = owners_of(db, key, space);
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for module in modules {
        let Ok(closure) = closure_of(db, key, *module) else { continue };
        let is_missing = |name: &&u32| owners.of[**name as usize] == Owner::Missing;
        let missing: Vec<u32> = closure.outside.iter().filter(is_missing).copied().collect();
        for (import, place) in required(db, key, closure, &missing) {
            found.entry(import).or_insert(place);
        }
    }
    let (import, place) = found.first_key_value()?;
    let more: Vec<&str> = found.keys().skip(1).map(String::as_str).collect();
    let message = match &more[..] {
        [] => format!(
            "`{import}`, imported at {place}, belongs to no distribution of {}",
            packages.origin
        ),
        more => format!(
            "`{import}`, imported at {place}, and {} more ({}) belong to no distribution of {}",
            more.len(),
            listed(more),
            packages.origin
        ),
    };
    Some(Diagnostic::warning("python/missing-distribution", message).help(format!(
        "they count as absent; {} `ignore-missing-modules = true` under `[pydist]` says that all is well",
        remedy(import, &packages.origin)
    )))
}

/// A few of them.
fn listed(names: &[&str]) -> String {
    const FEW: usize = 5;
    let shown = names[..names.len().min(FEW)].join(", ");
    if names.len() > FEW { format!("{shown}, …") } else { shown }
}

/// Those of the missing names that some file of a closure can't be imported without, by their first
/// segment, each with a place.
pub(super) fn required(
    db: &dyn Db,
    key: GraphKey<'_>,
    closure: &Closure,
    missing: &[u32],
) -> BTreeMap<String, String> {
    if missing.is_empty() {
        return BTreeMap::new();
    }
    let graph = graph_of(db, key);
    let mut found = BTreeMap::new();
    for file in reached_files(graph, closure) {
        for external in
            graph.structure.externals.of(file).iter().filter(|external| external.is_required)
        {
            if missing.binary_search(&external.name).is_ok() {
                let name = &graph.structure.external_names[external.name as usize];
                let top = name.split('.').next().unwrap_or(name);
                found.entry(top).or_insert((file, name));
            }
        }
    }
    let place = |file: u32, name: &str| {
        let path = &graph.layout.files[file as usize];
        match line_of_outside(db, key, file, name) {
            Some(line) => format!("{path}:{line}"),
            None => path.to_string(),
        }
    };
    let places = found.into_iter();
    places.map(|(top, (file, name))| (top.to_string(), place(file, name))).collect()
}

pub(super) fn no_owner(import: &str, place: &str, packages: &Packages) -> Diagnostic {
    let from = &packages.origin;
    let message = format!("`{import}`, imported at {place}, belongs to no distribution of {from}");
    Diagnostic::error("python/missing-distribution", message).help(format!(
        "{} leave the import out by the comment `# qik: ignore-import`",
        remedy(import, from)
    ))
}

/// What to do about an import that nothing brings, up to the last way out.
fn remedy(import: &str, from: &PackagesOrigin) -> String {
    let install = match from {
        PackagesOrigin::Locked(_) => {
            "run qik once where the environment is installed and commit `.qik/artifacts/pygraph`,"
        }
        _ => "install them,",
    };
    format!(
        "{install} say whose they are under `[pydist.modules]` (`{import} = \"NAME\"`; \"\" where it does \
         not count), or"
    )
}

pub(super) fn no_distribution(name: &str, packages: &Packages) -> Diagnostic {
    let from = &packages.origin;
    let message = format!("the distribution `{name}` is not in {from}");
    let known = packages.distributions.iter().map(|one| &*one.name);
    let help = qik_config::names::nearest(&normalise(name), known)
        .map(|nearest| format!("did you mean `{nearest}`?"));
    Diagnostic::error("python/missing-distribution", message).help(help.unwrap_or_else(|| {
        "install it, or lock it, or set `ignore-missing = true` under `[pydist]`".into()
    }))
}
