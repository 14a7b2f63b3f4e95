//! Phases of this process's own work, noted down where somebody asked for that. Does not know what the
//! phases mean.
//!
//! Where nobody asked, a phase is one relaxed load of a flag that never changes.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// A session that watches for days must not note down without end.
const MOST: usize = 1 << 20;

static ON: AtomicBool = AtomicBool::new(false);
static BEGAN: OnceLock<Began> = OnceLock::new();
static NOTED: Mutex<Vec<NotedPhase>> = Mutex::new(Vec::new());
static THREADS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// A small number for this thread, in the order in which they first noted something; 0 is none yet.
    static THREAD: Cell<u32> = const { Cell::new(0) };
}

/// When noting began.
#[derive(Debug)]
struct Began {
    at: Instant,
    cpu: Duration,
}

/// A phase that was noted down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedPhase {
    /// What kind of work.
    pub name: &'static str,
    /// On what, where that is of interest.
    pub on: Option<Box<str>>,
    /// The thread that worked; the first that noted anything is 1.
    pub thread: u32,
    /// From the beginning of the trace to the beginning of the phase.
    pub start: Duration,
    /// From there to its end.
    pub time: Duration,
}

/// All that was noted down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// In the order in which they ended.
    pub phases: Vec<NotedPhase>,
    /// From the beginning to now.
    pub time: Duration,
    /// The CPU time of this process before the trace began.
    pub cpu_before: Duration,
    /// The CPU time of all its threads since.
    pub cpu: Duration,
    /// The most memory that it held, in bytes, where the system tells.
    pub peak_memory: Option<u64>,
}

/// A phase in progress: it ends when this is dropped.
#[derive(Debug)]
#[must_use = "a phase ends when this is dropped"]
pub struct Phase(Option<Box<Running>>);

#[derive(Debug)]
struct Running {
    name: &'static str,
    on: Option<Box<str>>,
    start: Instant,
}

/// Notes phases down from now on.
pub fn start_trace() {
    BEGAN.get_or_init(|| Began { at: Instant::now(), cpu: process_cpu() });
    ON.store(true, Ordering::Relaxed);
}

/// Begins a phase.
#[inline]
pub fn phase(name: &'static str) -> Phase {
    if ON.load(Ordering::Relaxed) { Phase::begin(name, None) } else { Phase(None) }
}

/// Begins a phase of work on one thing among many; `on` is only asked where phases are noted down.
#[inline]
pub fn phase_on(name: &'static str, on: impl FnOnce() -> String) -> Phase {
    if ON.load(Ordering::Relaxed) { Phase::begin(name, Some(on().into())) } else { Phase(None) }
}

/// What was noted down so far; `None` where nobody asked for it.
pub fn trace() -> Option<Trace> {
    let began = BEGAN.get()?;
    Some(Trace {
        phases: NOTED.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        time: began.at.elapsed(),
        cpu_before: began.cpu,
        cpu: process_cpu().saturating_sub(began.cpu),
        peak_memory: peak_memory(),
    })
}

impl Phase {
    #[cold]
    fn begin(name: &'static str, on: Option<Box<str>>) -> Self {
        Self(Some(Box::new(Running { name, on, start: Instant::now() })))
    }
}

impl Drop for Phase {
    #[inline]
    fn drop(&mut self) {
        if let Some(running) = self.0.take() {
            running.note();
        }
    }
}

impl Running {
    #[cold]
    fn note(self) {
        let time = self.start.elapsed();
        let Some(began) = BEGAN.get() else { return };
        let thread = THREAD.with(|own| {
            if own.get() == 0 {
                own.set(THREADS.fetch_add(1, Ordering::Relaxed) + 1);
            }
            own.get()
        });
        let start = self.start.saturating_duration_since(began.at);
        let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MOST {
            noted.push(NotedPhase { name: self.name, on: self.on, thread, start, time });
        }
    }
}

/// The CPU time of all threads of this process.
fn process_cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// Linux tells it in a file; elsewhere nobody asks.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test, as there is one trace for the whole process.
    #[test]
    fn phases_are_noted_from_the_start_on_and_not_before() {
        drop(phase("unseen"));
        drop(phase_on("unseen", || unreachable!("nobody asked")));
        assert_eq!(trace(), None);

        start_trace();
        let outer = phase("outer");
        drop(phase_on("inner", || "lint@app".to_string()));
        std::thread::spawn(|| drop(phase("beside"))).join().unwrap();
        drop(outer);

        let trace = trace().unwrap();
        let told = |phase: &NotedPhase| (phase.name, phase.on.as_deref().map(str::to_string));
        // Other tests of this room do their work meanwhile.
        let own = |name: &str| ["outer", "inner", "beside", "unseen"].contains(&name);
        let phases: Vec<&NotedPhase> = trace.phases.iter().filter(|one| own(one.name)).collect();
        let told: Vec<_> = phases.iter().copied().map(told).collect();
        assert_eq!(told, [("inner", Some("lint@app".into())), ("beside", None), ("outer", None)]);
        let [inner, beside, outer] = phases[..] else { unreachable!() };
        assert_eq!(inner.thread, outer.thread);
        assert_ne!(beside.thread, outer.thread);
        assert!(outer.start <= inner.start && inner.time <= outer.time);
        assert!(inner.start + inner.time <= outer.start + outer.time);
        assert!(outer.start + outer.time <= trace.time);
    }
}
