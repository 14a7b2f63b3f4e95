//! Stops asking a remote that does not answer: after a few failures in a row nothing more is tried
//! for a while, and what is under way is given up. Does not know what is asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use qik_system::System;
use tokio::sync::watch;

/// So many failures in a row open it.
const FAILURES: u32 = 3;
/// After this long something is tried again: a watching session outlives an outage.
const PAUSE: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug)]
pub(super) struct Breaker {
    system: Arc<dyn System>,
    state: Mutex<State>,
    opened: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    in_a_row: u32,
    opened_at: Option<Duration>,
}

impl Breaker {
    pub(super) fn new(system: Arc<dyn System>) -> Self {
        Self { system, state: Mutex::default(), opened: watch::Sender::new(false) }
    }

    /// Whether nothing is to be tried now.
    pub(super) fn is_open(&self) -> bool {
        let mut state = self.state();
        match state.opened_at {
            Some(at) if self.system.elapsed() < at + PAUSE => true,
            Some(_) => {
                // One failure more opens it again.
                *state = State { in_a_row: FAILURES - 1, opened_at: None };
                self.opened.send_replace(false);
                false
            }
            None => false,
        }
    }

    pub(super) fn succeeded(&self) {
        let mut state = self.state();
        if state.opened_at.is_none() {
            state.in_a_row = 0;
        }
    }

    pub(super) fn failed(&self) {
        let mut state = self.state();
        state.in_a_row += 1;
        if state.in_a_row >= FAILURES && state.opened_at.is_none() {
            state.opened_at = Some(self.system.elapsed());
            self.opened.send_replace(true);
        }
    }

    /// Ready once it opens.
    pub(super) async fn opens(&self) {
        let mut opened = self.opened.subscribe();
        // The sender is ours, so it is there as long as this is waited for.
        let _ = opened.wait_for(|is_open| *is_open).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let breaker = Breaker::new(Arc::new(qik_system::MemorySystem::new()));
        for _ in 0..10 {
            breaker.failed();
            breaker.failed();
            breaker.succeeded();
        }
        assert!(!breaker.is_open());
        (0..FAILURES).for_each(|_| breaker.failed());
        assert!(breaker.is_open());
        // What was under way while it opened changes nothing.
        breaker.succeeded();
        assert!(breaker.is_open());
    }
}
