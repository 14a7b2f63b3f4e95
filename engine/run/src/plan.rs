//! What is to be run: selected runnables with their caches, upstream first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qik_graph::Definition;
use qik_model::{Builtin, CacheWhen, Name};

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
    /// Position of the step that makes the environment that it executes in. A replay needs none, so
    /// it is not waited for before that is known.
    pub venv: Option<usize>,
    /// Positions of the persistent commands that have to be ready before it executes. As with its
    /// environment: a replay needs none.
    pub servers: Vec<usize>,
    /// Only done if something that executes needs it.
    pub on_demand: bool,
    /// Not asked for by itself: only there for others that need it.
    pub is_companion: bool,
}

impl Planned {
    /// `definition` with nothing around it yet.
    pub fn new(definition: Arc<Definition>, cache: Name, cache_when: CacheWhen) -> Self {
        let (upstream, after, servers) = (Vec::new(), Vec::new(), Vec::new());
        let (venv, on_demand, is_companion) = (None, false, false);
        Self {
            definition,
            cache,
            cache_when,
            upstream,
            after,
            venv,
            servers,
            on_demand,
            is_companion,
        }
    }

    /// Full name.
    pub fn name(&self) -> &Name {
        &self.definition.name
    }

    /// Whether it executes nothing and only stands for others.
    pub fn is_group(&self) -> bool {
        self.definition.exec.text.is_empty() && self.definition.builtin.is_none()
    }

    /// Whether it is a step towards an environment that nobody named.
    pub fn is_brought_along(&self) -> bool {
        self.definition.is_venv_step() && self.on_demand
    }

    /// Whether it does not end by itself.
    pub fn is_persistent(&self) -> bool {
        self.definition.settings.persistent
    }

    /// Whether it makes an environment.
    pub fn makes_venv(&self) -> bool {
        self.definition.builtin == Some(Builtin::VenvInstall)
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
        let lasts: Vec<bool> = runnables.iter().map(Planned::is_persistent).collect();
        for planned in &mut runnables {
            let upstream = || planned.definition.upstream.iter().map(|upstream| &upstream.name);
            let direct = upstream().filter_map(|name| position.get(name).copied()).collect();
            let after = reach(upstream().cloned().collect(), |name| match position.get(name) {
                Some(&at) => Reached::Kept(at),
                None => Reached::LeftOut(behind(name)),
            });
            let (servers, after) = after.into_iter().partition(|&at| lasts[at]);
            (planned.upstream, planned.after, planned.servers) = (direct, after, servers);
            let venv = planned.definition.install_step();
            planned.venv = venv.and_then(|name| position.get(name).copied());
        }
        // What a command of the project waits for is done in any case.
        let waited: BTreeSet<usize> =
            runnables.iter().flat_map(|planned| planned.after.iter().copied()).collect();
        waited.into_iter().for_each(|at| runnables[at].on_demand = false);
        Self { runnables }
    }

    /// The plan for a run that ends: persistent commands are started where something that executes needs
    /// them, and those that nothing needs are left out unless `keep` holds for them.
    #[must_use]
    pub fn that_ends(mut self, keep: impl Fn(&Planned) -> bool) -> Self {
        let needed: BTreeSet<usize> =
            self.runnables.iter().flat_map(|planned| planned.servers.iter().copied()).collect();
        for &at in &needed {
            self.runnables[at].on_demand = true;
        }
        self.cut(|at, planned| !planned.is_persistent() || needed.contains(&at) || keep(planned))
    }

    /// The part of the plan for which `keep` holds, with the steps towards the environments of
    /// that and the persistent commands that it needs: those no filter drops.
    #[must_use]
    pub fn filtered(self, keep: impl FnMut(usize, &Planned) -> bool) -> Self {
        let count = self.runnables.len();
        self.filtered_with(vec![(); count], keep).0
    }

    /// As [`Plan::filtered`], with something known of each runnable of the plan.
    #[must_use]
    pub fn filtered_with<T>(
        self,
        known: Vec<T>,
        mut keep: impl FnMut(usize, &Planned) -> bool,
    ) -> (Self, Vec<T>) {
        let asked: Vec<bool> = (0..).zip(&self.runnables).map(|(at, one)| keep(at, one)).collect();
        let mut kept = asked.clone();
        let needed = self.needed(|at| asked[at]);
        for (at, planned) in self.runnables.iter().enumerate() {
            kept[at] = needed[at] || asked[at] && !planned.on_demand;
        }
        let known = known.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|(one, _)| one);
        let known = known.collect();
        let mut plan = self.cut(|at, _| kept[at]);
        let asked = asked.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(asked, _)| asked);
        for (planned, asked) in plan.runnables.iter_mut().zip(asked) {
            planned.is_companion |= !asked;
        }
        (plan, known)
    }

    /// Which steps towards environments and persistent commands the runnables for which `keep` holds
    /// need, by position.
    pub fn needed(&self, keep: impl Fn(usize) -> bool) -> Vec<bool> {
        let is_step = |at: usize| self.runnables[at].definition.is_venv_step();
        let mut needed = vec![false; self.runnables.len()];
        // A step comes before what needs it.
        for (at, planned) in self.runnables.iter().enumerate().rev() {
            if needed[at] || keep(at) && !planned.on_demand {
                let steps = planned.upstream.iter().copied().filter(|at| is_step(*at));
                let servers = planned.servers.iter().copied();
                steps.chain(planned.venv).chain(servers).for_each(|step| needed[step] = true);
            }
        }
        needed
    }

    /// Exactly the part of the plan for which `keep` holds.
    #[must_use]
    pub fn cut(self, mut keep: impl FnMut(usize, &Planned) -> bool) -> Self {
        let mut places = 0..;
        let all = self.runnables.iter().enumerate();
        let now: Vec<Option<usize>> =
            all.map(|(at, planned)| if keep(at, planned) { places.next() } else { None }).collect();
        let before = |old: &Planned| [&old.after[..], &old.servers].concat();
        let after = |old: &Planned| {
            reach(before(old), |&at| match now[at] {
                Some(_) => Reached::Kept(at),
                None => Reached::LeftOut(before(&self.runnables[at])),
            })
        };
        let kept = self.runnables.iter().zip(&now).filter(|(_, now)| now.is_some());
        let runnables = kept.map(|(old, _)| {
            let of = |at: &usize| now[*at];
            let (servers, after): (Vec<usize>, Vec<usize>) =
                after(old).into_iter().partition(|&at| self.runnables[at].is_persistent());
            Planned {
                upstream: old.upstream.iter().filter_map(of).collect(),
                after: after.iter().filter_map(of).collect(),
                servers: servers.iter().filter_map(of).collect(),
                venv: old.venv.and_then(|at| now[at]),
                ..old.clone()
            }
        });
        Self { runnables: runnables.collect() }
    }

    /// The plan without steps towards environments that others in it need: each machine makes its
    /// own, so they are no work to be divided.
    #[must_use]
    pub fn without_steps(self) -> Self {
        let is_step = |at: usize| self.runnables[at].definition.is_venv_step();
        let needed = self.needed(|at| !is_step(at));
        self.cut(|at, planned| !needed[at] && !planned.on_demand)
    }

    /// Positions of what is to be done before the runnable at `at`, where only those for which `counts`
    /// holds are to be done at all.
    pub(crate) fn before(&self, at: usize, counts: impl Fn(usize) -> bool) -> Vec<usize> {
        reach(self.runnables[at].after.clone(), |&at| match counts(at) {
            true => Reached::Kept(at),
            false => Reached::LeftOut(self.runnables[at].after.clone()),
        })
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
