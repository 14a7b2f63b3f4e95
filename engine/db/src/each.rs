//! The same question about many things, on all processors.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::Database;

/// Fewer are not worth a thread.
const FEW: usize = 32;
/// So many are taken at once.
const STEP: usize = 8;
/// As deep as the main thread's: queries go down with folders.
const STACK: usize = 8 << 20;

impl Database {
    /// The answers to `ask` about each of `all`, in their order.
    pub fn each<T: Sync, A: Send>(&self, all: &[T], ask: impl Fn(&Self, &T) -> A + Sync) -> Vec<A> {
        let hands = rayon::current_num_threads().min(all.len() / FEW);
        let left = Mutex::new(0..all.len());
        // From both ends: what stands together often waits for the same query.
        let take = |from_front: bool| {
            let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
            let count = left.len().min(STEP);
            let taken = match from_front {
                true => left.start..left.start + count,
                false => left.end - count..left.end,
            };
            *left = if from_front { taken.end..left.end } else { left.start..taken.start };
            taken
        };
        let work = |db: &Self, from_front: bool| {
            let mut answers = Vec::new();
            loop {
                let taken = take(from_front);
                if taken.is_empty() {
                    return answers;
                }
                answers.extend(taken.map(|at| (at, ask(db, &all[at]))));
            }
        };
        let mut answers = thread::scope(|scope| {
            let work = &work;
            let other = |_| {
                let db = self.clone();
                let thread = thread::Builder::new().stack_size(STACK);
                // Where there is no room for one more, the others do its part.
                thread.spawn_scoped(scope, move || work(&db, false)).ok()
            };
            let others: Vec<_> = (1..hands).filter_map(other).collect();
            let mut answers = work(self, true);
            for other in others {
                answers.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            answers
        });
        answers.sort_unstable_by_key(|(at, _)| *at);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }
}
