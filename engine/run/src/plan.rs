//! What is to be run: selected runnables with their caches, upstream first.

use std::collections::BTreeMap;
use std::sync::Arc;

use qik_graph::Definition;
use qik_model::{CacheWhen, Name};

/// Runnables in an order in which each comes after what it depends on.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The runnables.
    pub runnables: Vec<Planned>,
}

/// A runnable and where its result lives.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What it is.
    pub definition: Arc<Definition>,
    /// The cache that it goes to; `none` for what is never cached.
    pub cache: Name,
    /// Which results are kept.
    pub cache_when: CacheWhen,
    /// Positions in the plan of what it waits for.
    pub upstream: Vec<usize>,
}

impl Planned {
    /// Full name.
    pub fn name(&self) -> &Name {
        &self.definition.name
    }

    /// Whether its results are kept anywhere.
    pub fn is_cached(&self) -> bool {
        &*self.cache != "none"
    }
}

impl Plan {
    /// The plan of these runnables, each after its upstream; `upstream` of the given values is
    /// made here from the definitions.
    pub fn new(mut runnables: Vec<Planned>) -> Self {
        let position: BTreeMap<Name, usize> =
            runnables.iter().enumerate().map(|(i, planned)| (planned.name().clone(), i)).collect();
        for planned in &mut runnables {
            let upstream = planned.definition.upstream.iter();
            planned.upstream = upstream.filter_map(|u| position.get(&u.name).copied()).collect();
        }
        Self { runnables }
    }

    /// The part of the plan for which `keep` holds.
    #[must_use]
    pub fn filtered(self, mut keep: impl FnMut(usize, &Planned) -> bool) -> Self {
        let runnables = self.runnables.into_iter().enumerate();
        Self::new(runnables.filter(|(i, planned)| keep(*i, planned)).map(|(_, p)| p).collect())
    }

    /// Positions of what waits for each runnable.
    pub(crate) fn downstream(&self) -> Vec<Vec<usize>> {
        let mut downstream = vec![Vec::new(); self.runnables.len()];
        for (i, planned) in self.runnables.iter().enumerate() {
            for &upstream in &planned.upstream {
                downstream[upstream].push(i);
            }
        }
        downstream
    }
}
