//! Strongly connected components of a graph, by Tarjan's algorithm (SIAM J. Comput. 1(2), 1972)
//! without recursion. Files that import each other in a circle are one component, so the condensed
//! graph has no circle and digests can be made from the leaves up.

use std::cmp::Ordering;

/// Lists of targets, one for each node, kept one after the other: those of `n` are
/// `targets[starts[n]..starts[n + 1]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adjacency<T = u32> {
    starts: Vec<u32>,
    targets: Vec<T>,
}

impl<T> Adjacency<T> {
    /// The graph of these lists.
    pub fn new(lists: impl IntoIterator<Item = impl IntoIterator<Item = T>>) -> Self {
        let lists = lists.into_iter();
        let mut graph = Self::for_nodes(lists.size_hint().0);
        lists.for_each(|list| graph.push(list));
        graph
    }

    /// A graph without nodes, with room for so many.
    pub fn for_nodes(count: usize) -> Self {
        let mut starts = Vec::with_capacity(count + 1);
        starts.push(0);
        Self { starts, targets: Vec::new() }
    }

    /// One more node, with these targets.
    pub fn push(&mut self, targets: impl IntoIterator<Item = T>) {
        self.targets.extend(targets);
        self.starts.push(self.targets.len() as u32);
    }

    /// The graph of these lists; `None` where they do not fit each other.
    pub(crate) fn from_parts(starts: Vec<u32>, targets: Vec<T>) -> Option<Self> {
        let fits = starts.first() == Some(&0)
            && starts.is_sorted()
            && starts.last().is_some_and(|last| *last as usize == targets.len());
        fits.then_some(Self { starts, targets })
    }

    pub(crate) fn starts(&self) -> &[u32] {
        &self.starts
    }

    pub(crate) fn targets(&self) -> &[T] {
        &self.targets
    }

    /// How many nodes it has.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether it has no node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many edges it has.
    pub fn edges(&self) -> usize {
        self.targets.len()
    }

    /// The targets of a node.
    pub fn of(&self, node: u32) -> &[T] {
        let (start, end) = (self.starts[node as usize], self.starts[node as usize + 1]);
        &self.targets[start as usize..end as usize]
    }

    fn rows_mut(&mut self, change: impl Fn(&mut [T])) {
        for ends in self.starts.windows(2) {
            change(&mut self.targets[ends[0] as usize..ends[1] as usize]);
        }
    }

    /// The targets of each node in turn.
    pub fn rows(&self) -> impl Iterator<Item = &[T]> {
        (0..self.len() as u32).map(|node| self.of(node))
    }
}

/// A graph condensed to its components. They are numbered from the leaves up: a component's
/// successors have smaller numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Components {
    /// The component of each node.
    pub of: Vec<u32>,
    /// The nodes of each component, in the order that was asked for.
    pub members: Adjacency,
    /// The components that each one leads to, sorted, without itself, and without those that another of
    /// them leads to right away: what is reached is the same, by fewer edges. A file that imports a
    /// module of a package needs the `__init__` of the package, and so does that module.
    pub successors: Adjacency,
    /// The components by the longest way that leads on from them, those that lead nowhere first. Those of
    /// one row know nothing of each other.
    pub levels: Adjacency,
}

impl Components {
    /// Condenses `graph`; `order` is that of the members of a component.
    pub fn new(graph: &Adjacency, order: impl Fn(&u32, &u32) -> Ordering) -> Self {
        let (of, count) = Tarjan::run(graph);
        let mut members = by_component(&of, count);
        members.rows_mut(|nodes| nodes.sort_unstable_by(&order));
        let successors = successors(graph, &of, &members);
        Self::from_parts(of, members, successors)
    }

    /// Those of these parts.
    pub(crate) fn from_parts(of: Vec<u32>, members: Adjacency, successors: Adjacency) -> Self {
        let levels = levels(&successors);
        Self { of, members, successors, levels }
    }

    /// How many components there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The nodes of each of `count` components.
fn by_component(of: &[u32], count: usize) -> Adjacency {
    let mut starts = vec![0; count + 1];
    of.iter().for_each(|component| starts[*component as usize + 1] += 1);
    for at in 0..count {
        starts[at + 1] += starts[at];
    }
    let mut next = starts.clone();
    let mut targets = vec![0; of.len()];
    for (node, component) in (0..).zip(of) {
        let at = &mut next[*component as usize];
        targets[*at as usize] = node;
        *at += 1;
    }
    Adjacency { starts, targets }
}

fn levels(successors: &Adjacency) -> Adjacency {
    let mut levels: Vec<Vec<u32>> = Vec::new();
    let mut level_of: Vec<usize> = Vec::with_capacity(successors.len());
    for (component, row) in (0..).zip(successors.rows()) {
        let below = row.iter().map(|next| level_of[*next as usize]);
        let level = below.max().map_or(0, |highest| highest + 1);
        if level == levels.len() {
            levels.push(Vec::new());
        }
        levels[level].push(component);
        level_of.push(level);
    }
    Adjacency::new(levels)
}

/// So many targets are not looked through for each node that leads to the one that has them.
const MANY: usize = 32;

/// What each component leads to, but for what another target of it leads to. Where the edge to that target
/// is itself left out, it is for a third that leads on to it, so nothing becomes unreached.
fn successors(graph: &Adjacency, of: &[u32], members: &Adjacency) -> Adjacency {
    // Of each component, the last one that leads to it, and the last one of which a target does.
    let mut led_to_by = vec![UNSEEN; members.len()];
    let mut shortcut_of = vec![UNSEEN; members.len()];
    let mut kept = Adjacency::for_nodes(members.len());
    let mut targets: Vec<u32> = Vec::new();
    for (component, nodes) in (0..).zip(members.rows()) {
        targets.clear();
        for node in nodes.iter().flat_map(|node| graph.of(*node)) {
            let target = of[*node as usize];
            let before = std::mem::replace(&mut led_to_by[target as usize], component);
            if before != component && target != component {
                targets.push(target);
            }
        }
        let few = |target: &u32| Some(kept.of(*target)).filter(|row| row.len() <= MANY);
        for next in targets.iter().filter_map(few).flatten() {
            shortcut_of[*next as usize] = component;
        }
        targets.retain(|target| shortcut_of[*target as usize] != component);
        targets.sort_unstable();
        kept.push(targets.iter().copied());
    }
    kept
}

const UNSEEN: u32 = u32::MAX;

struct Tarjan<'a> {
    graph: &'a Adjacency,
    index: Vec<u32>,
    low: Vec<u32>,
    component: Vec<u32>,
    stack: Vec<u32>,
    /// The nodes on the way, each with the number of its targets that were looked at.
    path: Vec<(u32, u32)>,
    next: u32,
    count: u32,
}

impl<'a> Tarjan<'a> {
    fn run(graph: &'a Adjacency) -> (Vec<u32>, usize) {
        let fresh = vec![UNSEEN; graph.len()];
        let mut tarjan = Self {
            graph,
            index: fresh.clone(),
            low: fresh.clone(),
            component: fresh,
            stack: Vec::new(),
            path: Vec::new(),
            next: 0,
            count: 0,
        };
        for node in 0..graph.len() as u32 {
            if tarjan.index[node as usize] == UNSEEN {
                tarjan.visit(node);
            }
        }
        (tarjan.component, tarjan.count as usize)
    }

    fn visit(&mut self, start: u32) {
        self.enter(start);
        while let Some((node, looked)) = self.path.last_mut() {
            let node = *node;
            match self.graph.of(node).get(*looked as usize) {
                Some(&target) => {
                    *looked += 1;
                    if self.index[target as usize] == UNSEEN {
                        self.enter(target);
                    } else if self.component[target as usize] == UNSEEN {
                        self.lower(node, self.index[target as usize]);
                    }
                }
                None => {
                    self.path.pop();
                    if let Some((above, _)) = self.path.last() {
                        self.lower(*above, self.low[node as usize]);
                    }
                    self.close(node);
                }
            }
        }
    }

    fn enter(&mut self, node: u32) {
        self.index[node as usize] = self.next;
        self.low[node as usize] = self.next;
        self.next += 1;
        self.stack.push(node);
        self.path.push((node, 0));
    }

    fn lower(&mut self, node: u32, low: u32) {
        let known = &mut self.low[node as usize];
        *known = (*known).min(low);
    }

    /// Takes a component off the stack if `node` is its root.
    fn close(&mut self, node: u32) {
        if self.low[node as usize] != self.index[node as usize] {
            return;
        }
        while let Some(member) = self.stack.pop() {
            self.component[member as usize] = self.count;
            if member == node {
                break;
            }
        }
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(edges: &[&[u32]], expected: &[&[u32]]) {
        let graph = Adjacency::new(edges.iter().map(|list| list.iter().copied()));
        let components = Components::new(&graph, Ord::cmp);
        let members: Vec<&[u32]> =
            (0..components.len() as u32).map(|at| components.members.of(at)).collect();
        assert_eq!(members, expected);
        for component in 0..components.len() as u32 {
            assert!(components.successors.of(component).iter().all(|next| *next < component));
        }
    }

    #[test]
    fn circles_are_one_component_and_leaves_come_first() {
        check(&[&[1], &[2], &[]], &[&[2], &[1], &[0]]);
        check(&[&[1], &[2], &[0, 3], &[]], &[&[3], &[0, 1, 2]]);
        check(&[&[0], &[]], &[&[0], &[1]]);
        check(&[&[1, 2], &[3], &[3], &[]], &[&[3], &[1], &[2], &[0]]);
        check(&[], &[]);
    }

    #[test]
    fn members_are_in_the_order_that_is_asked_for() {
        let graph = Adjacency::new([[1], [2], [0]]);
        let components = Components::new(&graph, |one, other| other.cmp(one));
        assert_eq!(components.members.of(0), [2, 1, 0]);
    }

    #[test]
    fn what_a_target_leads_to_is_led_to_by_it_alone() {
        let graph: [&[u32]; 4] = [&[1, 2, 3], &[2, 3], &[3], &[]];
        let components =
            Components::new(&Adjacency::new(graph.map(|list| list.iter().copied())), Ord::cmp);
        assert_eq!(components.successors.edges(), 3);
    }

    proptest! {
        #[test]
        fn what_is_reached_is_what_the_edges_reach(
            edges in prop::collection::vec(prop::collection::vec(0_u32..12, 0..4), 12)
        ) {
            let graph = Adjacency::new(edges.clone());
            let components = Components::new(&graph, Ord::cmp);
            let of = |node: u32| components.of[node as usize];
            for start in 0..12 {
                let nodes = reached(&graph, start);
                let by_nodes: BTreeSet<u32> = nodes.iter().map(|node| of(*node)).collect();
                prop_assert_eq!(by_nodes, reached(&components.successors, of(start)));
            }
        }
    }

    fn reached(graph: &Adjacency, start: u32) -> BTreeSet<u32> {
        let (mut open, mut seen) = (vec![start], BTreeSet::new());
        while let Some(node) = open.pop() {
            if seen.insert(node) {
                open.extend(graph.of(node));
            }
        }
        seen
    }

    #[test]
    fn a_level_leads_to_lower_ones_alone() {
        let graph: [&[u32]; 5] = [&[1, 2], &[3], &[3, 1], &[], &[3]];
        let components =
            Components::new(&Adjacency::new(graph.map(|list| list.iter().copied())), Ord::cmp);
        let levels = components.levels;
        let members = |level: &[u32]| -> Vec<u32> {
            level.iter().flat_map(|at| components.members.of(*at)).copied().collect()
        };
        let levels: Vec<Vec<u32>> = levels.rows().map(members).collect();
        assert_eq!(levels, [vec![3], vec![1, 4], vec![2], vec![0]]);
        assert!(Components::default().levels.is_empty());
    }

    #[test]
    fn a_long_chain_and_a_large_circle_need_no_deep_stack() {
        let count = 200_000;
        let chain = Adjacency::new((0..count).map(|n| (n + 1 < count).then_some(n + 1)));
        assert_eq!(Components::new(&chain, Ord::cmp).len(), count as usize);
        let circle = Adjacency::new((0..count).map(|n| [(n + 1) % count]));
        assert_eq!(Components::new(&circle, Ord::cmp).len(), 1);
    }
}
