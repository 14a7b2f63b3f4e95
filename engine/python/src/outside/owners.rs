//! Whom the names outside of the project belong to: the standard library, distributions with all that
//! they need, or nobody that is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qik_config::project;
use qik_db::Db;
use qik_model::PydistConfig;

use super::identity::line;
use crate::bits::BitRows;
use crate::dist::{Closures, is_stdlib, normalise};
use crate::layout::GraphKey;
use crate::module_graph::graph_of;
use crate::packages::{Packages, SpaceKey, packages_of};

/// Whom the names outside of a graph belong to, in a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owners {
    /// By the places of the graph's names.
    pub of: Vec<Owner>,
    /// Of each name the distributions that it belongs to with all that they need, by their places.
    pub(super) needs: BitRows,
    /// Those names.
    pub(super) names: Vec<Arc<str>>,
    /// The line of each distribution of the space, in their order.
    pub(super) lines: Vec<Arc<str>>,
}

/// Whom a name belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The standard library, or nobody that counts.
    Nobody,
    /// Distributions.
    Distributions,
    /// It belongs to none that is there.
    Missing,
}

/// Whom the names outside of the graph belong to, in a space.
#[salsa::tracked(returns(ref))]
pub fn owners_of<'db>(db: &'db dyn Db, key: GraphKey<'db>, space: SpaceKey<'db>) -> Arc<Owners> {
    let packages = packages_of(db, space);
    let lines = lines_of(db, space);
    let config = pydist_config(db);
    let mut finder = Finder::new(packages, config);
    let names = graph_of(db, key).structure.external_names.clone();
    let mut needs = BitRows::new(names.len(), lines.len());
    let of = (0..).zip(&names).map(|(at, name)| {
        let (owner, all) = finder.owner(name);
        all.into_iter().for_each(|one| needs.set(at, one));
        owner
    });
    let of = of.collect();
    Arc::new(Owners { of, needs, names, lines: lines.clone() })
}

/// The lines of the distributions of a space: what they are, in their order.
#[salsa::tracked(returns(ref))]
pub(super) fn lines_of<'db>(db: &'db dyn Db, space: SpaceKey<'db>) -> Vec<Arc<str>> {
    let packages = packages_of(db, space);
    let config = pydist_config(db);
    packages.distributions.iter().map(|one| line(db, one, config).into()).collect()
}

#[salsa::tracked(returns(ref))]
pub(super) fn pydist_config(db: &dyn Db) -> PydistConfig {
    project(db).pydist.clone()
}

/// Finds whom names belong to; remembers what distributions need.
pub(super) struct Finder<'a> {
    packages: &'a Packages,
    config: &'a PydistConfig,
    closures: Closures<'a, 'a>,
    places: BTreeMap<&'a str, Vec<u32>>,
    whole: BTreeMap<Arc<str>, Vec<u32>>,
}

impl<'a> Finder<'a> {
    pub fn new(packages: &'a Packages, config: &'a PydistConfig) -> Self {
        let mut places: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (at, one) in (0..).zip(packages.distributions.iter()) {
            places.entry(&one.name).or_default().push(at);
        }
        let closures = Closures::new(&packages.distributions, &packages.extras, &packages.target);
        Self { packages, config, closures, places, whole: BTreeMap::new() }
    }

    /// Whom a name belongs to, and the distributions that it needs.
    fn owner(&mut self, module: &str) -> (Owner, Vec<u32>) {
        let top = module.split('.').next().unwrap_or_default();
        let python = self.packages.target.python;
        if is_stdlib(top, python) {
            return (Owner::Nobody, Vec::new());
        }
        let names: Vec<Arc<str>> = match configured(self.config, module) {
            Some("") => return (Owner::Nobody, Vec::new()),
            Some(name) => vec![normalise(name)],
            None => {
                let found = self.packages.distributions.loaded_by(module);
                found.into_iter().map(|one| one.name.clone()).collect()
            }
        };
        let mut all: Vec<u32> = Vec::new();
        for name in &names {
            all.extend(match self.config.transitive {
                true => self.with_needs(name),
                false => self.alone(name),
            });
        }
        let owner = if all.is_empty() { Owner::Missing } else { Owner::Distributions };
        (owner, all)
    }

    pub fn alone(&self, name: &str) -> Vec<u32> {
        self.places.get(name).cloned().unwrap_or_default()
    }

    pub fn with_needs(&mut self, name: &Arc<str>) -> Vec<u32> {
        if let Some(known) = self.whole.get(name) {
            return known.clone();
        }
        let names: BTreeSet<&str> = self.closures.of(name).iter().map(|one| &*one.name).collect();
        let all: Vec<u32> = names.iter().flat_map(|name| self.alone(name)).collect();
        self.whole.insert(name.clone(), all.clone());
        all
    }
}

/// What the configuration says of an import or of a package above it.
fn configured<'c>(config: &'c PydistConfig, module: &str) -> Option<&'c str> {
    let above = std::iter::successors(Some(module), |name| Some(name.rsplit_once('.')?.0));
    above.filter_map(|name| config.modules.get(name)).next().map(|name| &**name)
}

pub(super) fn by_config<'c>(config: &'c PydistConfig, normal: &str) -> Option<&'c str> {
    let mut versions = config.versions.iter();
    versions.find(|(name, _)| *normalise(name) == *normal).map(|(_, version)| &**version)
}
