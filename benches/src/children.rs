//! Starts a process and tells what it took. Does not know which process.
#![allow(clippy::disallowed_methods, reason = "benches start processes and take times")]

use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// What a process took, its own children that it waited for included.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// By the clock on the wall.
    pub wall: Duration,
    /// Of all processors, for itself and in the kernel.
    pub cpu: Duration,
    /// The most memory that it, or one of its children, held.
    pub memory: u64,
    /// As the shell tells it; 128 and the number of the signal for one that was killed.
    pub code: i32,
}

/// Runs a process to its end, which has to be a success.
///
/// # Errors
/// A fragment that names the program, where it does not start or fails.
pub fn cost(command: &mut Command) -> Result<Cost, String> {
    let cost = cost_within(command, Duration::from_secs(3_600))?;
    if cost.code == 0 { Ok(cost) } else { Err(format!("{} failed: {}", name(command), cost.code)) }
}

/// Runs a process to its end, whatever that is; with all that it started it is killed after `limit`.
///
/// # Errors
/// A fragment that names the program, where it does not start or takes longer.
pub fn cost_within(command: &mut Command, limit: Duration) -> Result<Cost, String> {
    command.process_group(0);
    let start = Instant::now();
    let child = command.spawn().map_err(|error| format!("{}: {error}", name(command)))?;
    let pid = i32::try_from(child.id()).map_err(|error| error.to_string())?;
    let (done, watch) = kill_after(pid, limit);
    let (status, usage) = wait(pid);
    let wall = start.elapsed();
    drop(done);
    if watch.join().unwrap_or(false) {
        return Err(format!("{} took longer than {} s", name(command), limit.as_secs()));
    }
    let times = [usage.ru_utime, usage.ru_stime].map(|time| {
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        Duration::from_secs(seconds)
            + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or_default())
    });
    // macOS tells bytes, the others kibibytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let memory = u64::try_from(usage.ru_maxrss).unwrap_or_default() * unit;
    Ok(Cost { wall, cpu: times.into_iter().sum(), memory, code: code(status) })
}

/// The name of a command's program. Its arguments and paths are those of one machine, and results are for all.
pub(crate) fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    program.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Kills a group of processes after a while, unless what is returned is dropped before; tells whether it did.
fn kill_after(group: i32, limit: Duration) -> (Sender<()>, JoinHandle<bool>) {
    let (done, ended) = channel();
    let watch = spawn(move || {
        let late = ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
        if late && let Some(group) = Pid::from_raw(group) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        late
    });
    (done, watch)
}

/// Waits for a child, and tells how it ended and what it used.
fn wait(pid: i32) -> (i32, libc::rusage) {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to values that live as long as the call, which only writes to them; any
    // bytes are a valid `rusage`, which holds nothing but numbers. The child is ours, and nobody else
    // waits for it, as its `Child` is never asked again.
    #[allow(unsafe_code, reason = "no safe wrapper of this call is among the dependencies")]
    unsafe {
        while libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) < 0
            && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted
        {}
        (status, usage.assume_init())
    }
}

fn code(status: i32) -> i32 {
    if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 128 + libc::WTERMSIG(status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    }

    #[test]
    fn what_fails_is_told_with_its_code() {
        assert_eq!(cost(&mut shell("true")).unwrap().code, 0);
        assert!(cost(&mut shell("exit 3")).unwrap_err().ends_with("failed: 3"));
        let killed = cost_within(&mut shell("kill -9 $$"), Duration::from_secs(60)).unwrap();
        assert_eq!(killed.code, 137);
    }

    #[test]
    fn what_takes_too_long_is_killed_with_its_children() {
        let error = cost_within(&mut shell("sleep 1000 & sleep 1000"), Duration::from_millis(1));
        assert!(error.unwrap_err().contains("took longer"));
    }

    #[test]
    fn memory_and_processors_are_those_of_the_children_too() {
        let line = "python3 -c 'x = bytearray(60 << 20); sum(range(3_000_000))'; true";
        let cost = cost(&mut shell(line)).unwrap();
        assert!(cost.memory > 50 << 20, "{cost:?}");
        assert!(cost.cpu > Duration::from_millis(10), "{cost:?}");
    }
}
