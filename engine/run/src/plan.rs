//! What is to be run: selected runnables with their caches, upstream first.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Positions in the plan of what its own deps name.
    pub upstream: Vec<usize>,
    /// Positions of what it starts after: its upstream, and what lies behind upstream that the
    /// plan leaves out.
    pub after: Vec<usize>,
}

impl Planned {
    /// Full name.
    pub fn name(&self) -> &Name {
        &self.definition.name
    }

    /// Whether it executes nothing and only stands for others.
    pub fn is_group(&self) -> bool {
        self.definition.exec.text.is_empty() && self.definition.builtin.is_none()
    }

    /// Whether its results are kept anywhere.
    pub fn is_cached(&self) -> bool {
        &*self.cache != "none"
    }
}

impl Plan {
    /// The plan of these runnables, each after its upstream; `upstream` and `after` of the given
    /// values are made here. `behind` tells the upstream of a runnable that is not among them.
    pub fn new(mut runnables: Vec<Planned>, behind: &dyn Fn(&Name) -> Vec<Name>) -> Self {
        let position: BTreeMap<Name, usize> =
            runnables.iter().enumerate().map(|(i, planned)| (planned.name().clone(), i)).collect();
        for planned in &mut runnables {
            let upstream = || planned.definition.upstream.iter().map(|upstream| &upstream.name);
            let direct = upstream().filter_map(|name| position.get(name).copied()).collect();
            let after = reach(upstream().cloned().collect(), |name| match position.get(name) {
                Some(&at) => Reached::Kept(at),
                None => Reached::LeftOut(behind(name)),
            });
            (planned.upstream, planned.after) = (direct, after);
        }
        Self { runnables }
    }

    /// The part of the plan for which `keep` holds.
    #[must_use]
    pub fn filtered(self, mut keep: impl FnMut(usize, &Planned) -> bool) -> Self {
        let mut places = 0..;
        let all = self.runnables.iter().enumerate();
        let now: Vec<Option<usize>> =
            all.map(|(at, planned)| if keep(at, planned) { places.next() } else { None }).collect();
        let after = |old: &Planned| {
            reach(old.after.clone(), |&at| match now[at] {
                Some(at) => Reached::Kept(at),
                None => Reached::LeftOut(self.runnables[at].after.clone()),
            })
        };
        let kept = self.runnables.iter().zip(&now).filter(|(_, now)| now.is_some());
        let runnables = kept.map(|(old, _)| Planned {
            upstream: old.upstream.iter().filter_map(|&at| now[at]).collect(),
            after: after(old),
            ..old.clone()
        });
        Self { runnables: runnables.collect() }
    }

    /// Positions of what waits for each runnable.
    pub(crate) fn downstream(&self) -> Vec<Vec<usize>> {
        let mut downstream = vec![Vec::new(); self.runnables.len()];
        for (i, planned) in self.runnables.iter().enumerate() {
            for &upstream in &planned.after {
                downstream[upstream].push(i);
            }
        }
        downstream
    }
}

/// What a walk against the arrows comes to.
enum Reached<T> {
    /// Something of the plan, at this position.
    Kept(usize),
    /// Something that the plan leaves out: the walk goes on through it.
    LeftOut(Vec<T>),
}

fn reach<T: Ord + Clone>(mut open: Vec<T>, look: impl Fn(&T) -> Reached<T>) -> Vec<usize> {
    let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
    while let Some(next) = open.pop() {
        if !seen.insert(next.clone()) {
            continue;
        }
        match look(&next) {
            Reached::Kept(at) => {
                found.insert(at);
            }
            Reached::LeftOut(behind) => open.extend(behind),
        }
    }
    found.into_iter().collect()
}
