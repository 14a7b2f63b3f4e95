//! The same for many things, on all processors. Does not know what it is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// More than this many at once only wait for the disk.
const MOST: usize = 8;
/// From so many things, or bytes of them, on another thread is worth its start.
const THINGS: usize = 8;
const BYTES: u64 = 1 << 20;

/// What `act` makes of each item, in their order. `bytes`: how many have to be gone through in all.
///
/// # Errors
/// One that `act` met with; which items it was asked for besides is not told.
pub(crate) fn for_all<T: Sync, R: Send, E: Send>(
    items: &[T],
    bytes: u64,
    act: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let worth = (items.len() / THINGS).max(usize::try_from(bytes / BYTES).unwrap_or(MOST));
    let hands = qik_system::cpu_count().min(MOST).min(worth).min(items.len());
    if hands < 2 {
        return items.iter().map(act).collect();
    }
    let next = AtomicUsize::new(0);
    let (done, failed) = (Mutex::new(Vec::with_capacity(items.len())), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..hands {
            scope.spawn(|| {
                let mut own = Vec::new();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    match act(item) {
                        Ok(made) => own.push((at, made)),
                        Err(error) => {
                            // The others have nothing left to do.
                            next.store(items.len(), Ordering::Relaxed);
                            let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                            failed.get_or_insert(error);
                        }
                    }
                }
                done.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
            });
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, made)| made).collect())
}

#[cfg(test)]
mod tests {
    use super::for_all;

    #[test]
    fn answers_come_in_order_whoever_gave_them() {
        for (count, bytes) in [(0, 0), (1, 0), (3, 0), (100, 0), (3, 1 << 30)] {
            let items: Vec<usize> = (0..count).collect();
            let made: Result<Vec<usize>, ()> = for_all(&items, bytes, |item| Ok(item * 2));
            assert_eq!(made, Ok((0..count).map(|item| item * 2).collect()));
        }
    }

    #[test]
    fn an_error_is_told() {
        let items: Vec<usize> = (0..100).collect();
        let made = for_all(&items, 0, |item| if *item == 57 { Err("57") } else { Ok(()) });
        assert_eq!(made, Err("57"));
    }
}
