//! From a runnable to the digest of everything that its result depends on, and back to the reason.
//!
//! Queries only: no cache is asked here, and nothing runs but what a tracked input stands for.

mod explain;
mod file_set;
mod manifest;
mod value;
mod walk;

use qik_db::Db;
use qik_graph::{Runnable, definition};
use qik_model::{Diagnostic, Explanation, Fingerprint};

pub use explain::{Difference, FileChange, StoredNode, differences};
pub use file_set::{FilesNode, Globs, Member, MemberKind, files};
pub use manifest::{Explainer, Hasher, KEY_VERSION, Manifest, Part, digest_of};
pub use walk::{InputSet, input_sets, single_files, walk};

/// The fingerprint of `runnable` in `tree`, or what stands in the way.
#[salsa::tracked]
pub fn fingerprint<'db>(
    db: &'db dyn Db,
    runnable: Runnable<'db>,
) -> Result<Fingerprint, Vec<Diagnostic>> {
    let definition = definition(db, runnable).as_ref().map_err(Clone::clone)?;
    let mut hasher = Hasher::default();
    walk(db, definition, &mut hasher).map_err(|error| vec![error])?;
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
    walk(db, definition, &mut explainer).map_err(|error| vec![error])?;
    Ok(explainer.finish())
}
