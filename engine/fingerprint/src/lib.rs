//! From a runnable to the digest of everything that its result depends on, and back to the reason.
//!
//! Queries only: no cache is asked here, and nothing runs but what a tracked input stands for.

mod closures;
mod environment;
mod explain;
mod file_set;
mod manifest;
mod python_inputs;
mod since;
mod stored;
mod value;
mod walk;

use std::collections::BTreeSet;

use qik_db::{Db, remembered};
use qik_graph::{Definition, Runnable, definition};
use qik_model::{Diagnostic, Digest, Explanation, Fingerprint};
use qik_python::PackagesView;

pub use explain::{Difference, FileChange, Now, differences};
pub use file_set::{FilesNode, Globs, Member, MemberKind, files};
pub use manifest::{Explainer, Hasher, KEY_VERSION, Manifest, Part, digest_of};
pub use python_inputs::{
    DistributionInput, ModuleInput, PythonInputs, needs_python, python_inputs,
};
pub use since::Inputs;
pub use stored::{StoredKind, StoredMembers, StoredNodes};
pub use walk::{InputSet, input_sets, loaded_distributions, single_files, walk};

/// The fingerprint of `runnable` in `tree`, or what stands in the way.
#[salsa::tracked]
pub fn fingerprint<'db>(
    db: &'db dyn Db,
    runnable: Runnable<'db>,
) -> Result<Fingerprint, Vec<Diagnostic>> {
    let _phase = qik_db::phase("fingerprint");
    let definition = definition(db, runnable).as_ref().map_err(Clone::clone)?;
    if let Some(known) = remembered(db, &definition.name) {
        return Ok(known);
    }
    let mut hasher = Hasher::default();
    walk(db, definition, &mut hasher)?;
    Ok(hasher.finish())
}

/// What entered the fingerprint of `runnable` in `tree`, as an entry keeps it.
///
/// # Errors
/// Those of [`fingerprint`].
pub fn explanation<'db>(
    db: &'db dyn Db,
    runnable: Runnable<'db>,
) -> Result<Explanation, Vec<Diagnostic>> {
    let definition = definition(db, runnable).as_ref().map_err(Clone::clone)?;
    let mut explainer = Explainer::default();
    walk(db, definition, &mut explainer)?;
    Ok(explainer.finish())
}

/// The nodes that explain the fingerprint of `definition`: what an entry keeps, so that a later state
/// can be told from this one. Those that are `known`, and what lies below them, are left out.
///
/// # Errors
/// As [`walk`].
pub fn nodes(
    db: &dyn Db,
    definition: &Definition,
    known: &dyn Fn(&Digest) -> bool,
) -> Result<Vec<(Digest, Vec<u8>)>, Vec<Diagnostic>> {
    let one = |error| vec![error];
    let mut nodes = Vec::new();
    for set in input_sets(db, definition).map_err(one)? {
        set.node.each_node(&mut |node| nodes.push((node.digest, node.encode())));
    }
    let loaded = loaded_distributions(db, definition).map_err(one)?;
    let python = python_inputs(db, definition, &loaded, PackagesView::Running)?;
    for module in &python.modules {
        closures::each_node(db, module.key, module.closure, known, &mut |digest, bytes| {
            nodes.push((digest, bytes));
        });
        let outside = module.outside.iter();
        nodes.extend(outside.map(|needs| (needs.digest, needs.text.as_bytes().to_vec())));
    }
    let needs = python.distributions.iter().map(|one| one.needs);
    nodes.extend(needs.map(|needs| (needs.digest, needs.text.as_bytes().to_vec())));
    let mut seen = BTreeSet::new();
    nodes.retain(|(digest, _)| seen.insert(*digest));
    Ok(nodes)
}
