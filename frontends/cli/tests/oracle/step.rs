//! What may happen to a project between two runs. Knows nothing of how it is done, nor of what is
//! right.

use crate::random::Random;

/// One step: what, and the seed of how.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub kind: Kind,
    pub seed: u64,
}

macro_rules! kinds {
    ($($kind:ident $weight:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($kind,)* }
        /// How often each happens.
        const WEIGHTS: &[(Kind, usize)] = &[$((Kind::$kind, $weight),)*];
    };
}

kinds! {
    Run 40, KillRun 5, EditDuring 5,
    Edit 8, SameSize 5, EditAfterAdd 5, Append 3, Replace 3, Delete 4, Add 6, AddIgnored 1,
    Rename 4, RenameFolder 2, Chmod 4, Link 3, Touch 3, BackDate 3,
    Save 3, Restore 4, CheckoutFile 3, ResetHard 2, Commit 6, Branch 3, Switch 5, Merge 3, Stash 4, Pop 4,
    Stage 2, Gc 1, Clone 2, Copy 2, CleanUntracked 1, CleanAll 1, NestedRepository 1, AssumeUnchanged 1,
    RemoveArtifact 4, SpoilArtifact 4, RemoveLogs 2,
    Variable 4, Configure 5, Status 3, Values 3, LoadFile 3,
}

/// A random history; it ends with a run of everything.
pub fn history(random: &mut Random) -> Vec<Step> {
    let total: usize = WEIGHTS.iter().map(|(_, weight)| weight).sum();
    let mut steps = vec![Step { kind: Kind::Run, seed: 0 }];
    for _ in 0..12 + random.below(19) {
        let mut at = random.below(total);
        let kind = WEIGHTS.iter().find(|(_, weight)| {
            let found = at < *weight;
            at = at.wrapping_sub(*weight);
            found
        });
        steps.push(Step { kind: kind.expect("within the total").0, seed: random.next() });
    }
    steps.push(Step { kind: Kind::Run, seed: 0 });
    steps
}
