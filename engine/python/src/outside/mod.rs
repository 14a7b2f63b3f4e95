//! What code needs of distributions: the names that a closure imports from outside of the project,
//! and those that deps name, as a text with one line for each distribution and its version.
//!
//! The text is what enters a fingerprint, and two texts side by side are its explanation. Knows not
//! where distributions come from.

mod identity;
mod missing;
mod owners;

use std::collections::BTreeSet;
use std::sync::Arc;

use qik_db::Db;
use qik_model::{Diagnostic, Digest};

use crate::closure::{ModuleName, closure_of};
use crate::dist::normalise;
use crate::layout::GraphKey;
use crate::nodes::digest_of;
use crate::packages::{PackagesOrigin, SpaceKey, packages_of};
use missing::{no_distribution, no_owner, required};
use owners::{Finder, by_config, lines_of, pydist_config};

pub use missing::missing_warning;
pub use owners::{Owner, Owners, owners_of};

/// What something needs of distributions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideNeeds {
    /// One line each, sorted: `NAME==VERSION`, and `?NAME` for an import that nothing brings.
    pub text: Arc<str>,
    /// Its digest.
    pub digest: Digest,
}

impl OutsideNeeds {
    fn new(lines: &BTreeSet<&str>) -> Self {
        let mut text = String::new();
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        Self { digest: digest_of(text.as_bytes()), text: text.into() }
    }
}

/// A distribution's name as a key of queries.
#[salsa::interned(debug, revisions = usize::MAX)]
pub struct DistributionKey<'db> {
    /// As written.
    #[returns(ref)]
    pub name: Arc<str>,
    /// Whether what it needs counts too.
    pub transitive: bool,
}

/// What the module of that name, with all that it reaches, needs of the space's distributions.
///
/// # Errors
/// Imports that belong to no distribution and without which a file can't be imported.
#[salsa::tracked(returns(ref))]
pub fn outside_needs<'db>(
    db: &'db dyn Db,
    key: GraphKey<'db>,
    space: SpaceKey<'db>,
    module: ModuleName<'db>,
) -> Result<OutsideNeeds, Vec<Diagnostic>> {
    let Ok(closure) = closure_of(db, key, module) else {
        return Ok(OutsideNeeds::new(&BTreeSet::new()));
    };
    let owners = owners_of(db, key, space);
    let needed = owners.needs.union(&closure.outside).into_iter();
    let mut lines: BTreeSet<&str> = needed.map(|at| &*owners.lines[at as usize]).collect();
    let is_missing = |name: &u32| owners.of[*name as usize] == Owner::Missing;
    let missing: Vec<u32> = closure.outside.iter().copied().filter(is_missing).collect();
    let packages = packages_of(db, space);
    let config = pydist_config(db);
    if config.ignore_missing_modules == Some(false) && packages.origin != PackagesOrigin::Nowhere {
        let errors: Vec<Diagnostic> = required(db, key, closure, &missing)
            .into_iter()
            .map(|(import, place)| no_owner(&import, &place, packages))
            .collect();
        if !errors.is_empty() {
            return Err(errors);
        }
    }
    let missing: Vec<String> =
        missing.iter().map(|name| format!("?{}", owners.names[*name as usize])).collect();
    lines.extend(missing.iter().map(String::as_str));
    Ok(OutsideNeeds::new(&lines))
}

/// What a dep on a distribution needs.
///
/// # Errors
/// Where it is not there.
#[salsa::tracked(returns(ref))]
pub fn distribution_needs<'db>(
    db: &'db dyn Db,
    space: SpaceKey<'db>,
    wanted: DistributionKey<'db>,
) -> Result<OutsideNeeds, Diagnostic> {
    let packages = packages_of(db, space);
    let config = pydist_config(db);
    let name = wanted.name(db);
    let normal = normalise(name);
    let mut finder = Finder::new(packages, config);
    let found = match wanted.transitive(db) {
        true => finder.with_needs(&normal),
        false => finder.alone(&normal),
    };
    let lines = lines_of(db, space);
    let mut told: BTreeSet<&str> = found.iter().map(|at| &*lines[*at as usize]).collect();
    let by_config = by_config(config, &normal).map(|version| format!("{normal}=={version}"));
    let absent = format!("?{normal}");
    if packages.distributions.get(name).is_empty() {
        match &by_config {
            Some(line) => told.insert(line),
            None if config.ignore_missing => told.insert(&absent),
            None => return Err(no_distribution(name, packages)),
        };
    }
    Ok(OutsideNeeds::new(&told))
}
