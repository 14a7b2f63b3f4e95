//! Dividing what is to be executed among machines: which runnables go into one job, and which jobs wait
//! for which. Pure: durations and order are handed in, and the same input gives the same division.
//!
//! Longest first onto the least loaded machine (Graham, SIAM J. Appl. Math. 17(2), 1969), which is at
//! most a third above the best division. What depends on each other stays in one job as long as
//! that is no larger than a fair share; a larger group is cut into layers, and a job of a layer waits for
//! those jobs of the layers before that hold what it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Something to execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// How long it is expected to take.
    pub time: Duration,
    /// Positions of what must be done before.
    pub after: Vec<usize>,
}

/// Some of the work, for one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    /// Positions, sorted; each after what it needs of the same shard.
    pub work: Vec<usize>,
    /// How long it is expected to take.
    pub time: Duration,
    /// Positions of the shards that must be done before.
    pub after: Vec<usize>,
}

/// Whether jobs can wait for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// They can: large groups are cut into layers.
    BetweenShards,
    /// They can't: what depends on each other is in one shard, however large.
    WithinShards,
}

/// Divides `work`, in which each item comes after what it needs, into shards for `machines` at a time.
pub fn divide(work: &[Work], machines: usize, order: Order) -> Vec<Shard> {
    let machines = machines.max(1);
    let total: Duration = work.iter().map(|one| one.time).sum();
    let share = match order {
        Order::BetweenShards => total / u32::try_from(machines).unwrap_or(u32::MAX),
        Order::WithinShards => total,
    };
    let mut shards = Vec::new();
    for layer in layers(work, share) {
        pack(work, layer, machines, &mut shards);
    }
    let place: BTreeMap<usize, usize> = shards
        .iter()
        .enumerate()
        .flat_map(|(at, shard): (usize, &Shard)| shard.work.iter().map(move |one| (*one, at)))
        .collect();
    for (at, shard) in shards.iter_mut().enumerate() {
        let needed = shard.work.iter().flat_map(|one| &work[*one].after);
        let needed: BTreeSet<usize> =
            needed.map(|one| place[one]).filter(|other| *other != at).collect();
        shard.after = needed.into_iter().collect();
    }
    shards
}

/// Groups that stay together, layer by layer: those of a layer need nothing but what is in layers before.
fn layers(work: &[Work], share: Duration) -> Vec<Vec<Vec<usize>>> {
    let mut layers: Vec<Vec<Vec<usize>>> = Vec::new();
    for group in groups(work) {
        let time: Duration = group.iter().map(|one| work[*one].time).sum();
        if time <= share || group.len() == 1 {
            at(&mut layers, 0).push(group);
            continue;
        }
        let mut depth: BTreeMap<usize, usize> = BTreeMap::new();
        for one in group {
            let above = work[one].after.iter().map(|before| depth[before] + 1).max();
            let own = above.unwrap_or_default();
            depth.insert(one, own);
            at(&mut layers, own).push(vec![one]);
        }
    }
    layers
}

fn at(layers: &mut Vec<Vec<Vec<usize>>>, depth: usize) -> &mut Vec<Vec<usize>> {
    if layers.len() <= depth {
        layers.resize_with(depth + 1, Vec::new);
    }
    &mut layers[depth]
}

/// What hangs together by order, each group sorted.
fn groups(work: &[Work]) -> Vec<Vec<usize>> {
    let mut of: Vec<usize> = (0..work.len()).collect();
    fn root(of: &mut [usize], mut one: usize) -> usize {
        while of[one] != one {
            of[one] = of[of[one]];
            one = of[one];
        }
        one
    }
    for (at, one) in work.iter().enumerate() {
        for before in &one.after {
            let (a, b) = (root(&mut of, at), root(&mut of, *before));
            of[a.max(b)] = a.min(b);
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for one in 0..work.len() {
        groups.entry(root(&mut of, one)).or_default().push(one);
    }
    groups.into_values().collect()
}

/// Longest first, each onto the machine that has least.
fn pack(work: &[Work], groups: Vec<Vec<usize>>, machines: usize, into: &mut Vec<Shard>) {
    let time = |group: &Vec<usize>| -> Duration { group.iter().map(|one| work[*one].time).sum() };
    let mut groups: Vec<(Duration, Vec<usize>)> =
        groups.into_iter().map(|group| (time(&group), group)).collect();
    groups.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut shards: Vec<Shard> = vec![Shard::default(); machines.min(groups.len())];
    for (time, group) in groups {
        // Of equal ones the first: the division is the same each time.
        let least = shards.iter_mut().min_by_key(|shard| (shard.time, shard.work.len()));
        if let Some(shard) = least {
            shard.time += time;
            shard.work.extend(group);
        }
    }
    shards.iter_mut().for_each(|shard| shard.work.sort_unstable());
    into.append(&mut shards);
}

/// The middle of the times that are known: what a runnable of which nothing is known is taken to last.
pub fn median(times: impl IntoIterator<Item = Duration>) -> Option<Duration> {
    let mut times: Vec<Duration> = times.into_iter().collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn work(items: &[(u64, &[usize])]) -> Vec<Work> {
        let one = |(seconds, after): &(u64, &[usize])| Work {
            time: Duration::from_secs(*seconds),
            after: after.to_vec(),
        };
        items.iter().map(one).collect()
    }

    fn shown(shards: &[Shard]) -> Vec<(Vec<usize>, u64, Vec<usize>)> {
        let one = |shard: &Shard| (shard.work.clone(), shard.time.as_secs(), shard.after.clone());
        shards.iter().map(one).collect()
    }

    #[test]
    fn the_longest_goes_first_and_the_rest_fills_up() {
        let shards = divide(
            &work(&[(1, &[]), (5, &[]), (2, &[]), (3, &[]), (1, &[])]),
            2,
            Order::BetweenShards,
        );
        assert_eq!(shown(&shards), [(vec![0, 1], 6, vec![]), (vec![2, 3, 4], 6, vec![])]);
    }

    #[test]
    fn what_depends_on_each_other_stays_together_while_it_is_small() {
        let shards =
            divide(&work(&[(1, &[]), (1, &[0]), (3, &[]), (3, &[])]), 2, Order::BetweenShards);
        assert_eq!(shown(&shards), [(vec![0, 1, 2], 5, vec![]), (vec![3], 3, vec![])]);
    }

    #[test]
    fn a_large_group_is_cut_into_layers_that_wait() {
        let work = work(&[(1, &[]), (4, &[0]), (4, &[0]), (4, &[0]), (4, &[0])]);
        let shards = divide(&work, 2, Order::BetweenShards);
        assert_eq!(
            shown(&shards),
            [(vec![0], 1, vec![]), (vec![1, 3], 8, vec![0]), (vec![2, 4], 8, vec![0])]
        );
        let shards = divide(&work, 2, Order::WithinShards);
        assert_eq!(shown(&shards), [(vec![0, 1, 2, 3, 4], 17, vec![])]);
    }

    #[test]
    fn nothing_is_divided_into_nothing() {
        assert_eq!(divide(&[], 4, Order::BetweenShards), []);
        assert_eq!(median([]), None);
        assert_eq!(median([3, 1, 2].map(Duration::from_secs)), Some(Duration::from_secs(2)));
    }

    fn any_work() -> impl Strategy<Value = Vec<Work>> {
        let one = (1..100_u64, prop::collection::vec(any::<prop::sample::Index>(), 0..3));
        prop::collection::vec(one, 1..60).prop_map(|items| {
            let made = items.iter().enumerate().map(|(at, (seconds, after))| Work {
                time: Duration::from_secs(*seconds),
                // Most depend on nothing.
                after: match at % 3 {
                    0 if at > 0 => after.iter().map(|before| before.index(at)).collect(),
                    _ => Vec::new(),
                },
            });
            made.collect()
        })
    }

    proptest! {
        #[test]
        fn each_is_done_once_and_after_what_it_needs(work in any_work(), machines in 1..9_usize) {
            let shards = divide(&work, machines, Order::BetweenShards);
            let mut done: BTreeSet<usize> = BTreeSet::new();
            for (at, shard) in shards.iter().enumerate() {
                prop_assert!(shard.after.iter().all(|before| *before < at), "no circle");
                let mut reached: BTreeSet<usize> = shard.after.iter()
                    .flat_map(|before| shards[*before].work.clone()).collect();
                for one in &shard.work {
                    for before in &work[*one].after {
                        prop_assert!(reached.contains(before), "{one} waits for {before}");
                    }
                    reached.insert(*one);
                    prop_assert!(done.insert(*one));
                }
            }
            prop_assert_eq!(done.len(), work.len());
        }

        #[test]
        fn without_order_the_longest_is_within_a_third_of_the_best(
            seconds in prop::collection::vec(1..100_u64, 1..60), machines in 1..9_usize
        ) {
            let work: Vec<Work> = seconds.iter()
                .map(|one| Work { time: Duration::from_secs(*one), after: Vec::new() }).collect();
            let longest = divide(&work, machines, Order::BetweenShards).iter().map(|shard| shard.time).max().unwrap();
            let total: u64 = seconds.iter().sum();
            let best = (total as f64 / machines as f64).max(*seconds.iter().max().unwrap() as f64);
            // 4/3 - 1/(3m) of the best division, of which `best` is a lower bound; two machines
            // of small loads may be further from that bound.
            prop_assert!(longest.as_secs_f64() <= best * 2.0);
        }
    }
}
