//! Starts a process and tells what it took. Does not know which process.
#![allow(clippy::disallowed_methods, reason = "benches start processes and take times")]

use std::mem::MaybeUninit;
use std::process::Command;
use std::time::{Duration, Instant};

/// What a process took, its own children that it waited for included.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// By the clock on the wall.
    pub wall: Duration,
    /// Of all processors, for itself and in the kernel.
    pub cpu: Duration,
}

/// Runs a process to its end. Of processes that run at the same time, each is told the CPU time of
/// all.
///
/// # Errors
/// A fragment that names the process, where it does not start or fails.
pub fn cost(command: &mut Command) -> Result<Cost, String> {
    let before = children();
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    let cost = Cost { wall: start.elapsed(), cpu: children().saturating_sub(before) };
    if status.success() { Ok(cost) } else { Err(format!("{command:?} failed: {status}")) }
}

/// The CPU time of all children that ended.
fn children() -> Duration {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a whole `rusage` that lives as long as the call, which only writes to
    // it; any bytes are a valid `rusage`, which holds nothing but numbers.
    #[allow(unsafe_code, reason = "no safe wrapper of this call is among the dependencies")]
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        usage.assume_init()
    };
    [usage.ru_utime, usage.ru_stime]
        .map(|time| {
            let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
            let micros = u64::try_from(time.tv_usec).unwrap_or_default();
            Duration::from_secs(seconds) + Duration::from_micros(micros)
        })
        .into_iter()
        .sum()
}
