//! Histories: one is played, and one that fails is made shorter while it still fails.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::check::{Counts, Oracle};
use crate::defect::Defect;
use crate::random::Random;
use crate::step::{Kind, Step, history};
use crate::world::World;

/// How long one failure may be made shorter.
const SHRINKING: Duration = Duration::from_secs(60);

/// A history that went wrong.
#[derive(Debug)]
pub struct Failure {
    pub seed: u64,
    pub steps: Vec<Step>,
    pub what: String,
}

/// Plays the history of `seed`.
pub fn play(seed: u64, defect: Defect) -> Result<Counts, Failure> {
    let steps = history(&mut Random(seed ^ 0xabcd));
    play_steps(seed, &steps, defect).map_err(|what| Failure { seed, steps, what })
}

/// Plays a history in which files are edited while qik runs, again and again.
pub fn play_moving(seed: u64, defect: Defect) -> Result<Counts, Failure> {
    let random = &mut Random(seed);
    let kinds = [Kind::EditDuring, Kind::EditDuring, Kind::Run].into_iter().cycle().take(30);
    let steps: Vec<Step> = kinds.map(|kind| Step { kind, seed: random.next() }).collect();
    play_steps(seed, &steps, defect).map_err(|what| Failure { seed, steps, what })
}

fn play_steps(seed: u64, steps: &[Step], defect: Defect) -> Result<Counts, String> {
    let home = folder(seed).expect("a folder");
    let home = home.path().canonicalize().expect("a folder");
    let mut world = World::new(home, &mut Random(seed), defect);
    let mut oracle = Oracle::default();
    for (number, step) in steps.iter().enumerate() {
        world.take(*step);
        if step.kind == Kind::Run {
            let at = |what| format!("at step {number}: {what}");
            oracle.run(&mut world, step.seed, defect).map_err(at)?;
        }
    }
    Ok(oracle.counts)
}

/// A folder on disk, or in memory where there is such a place: their clocks and inodes differ.
fn folder(seed: u64) -> std::io::Result<tempfile::TempDir> {
    let memory = std::path::Path::new("/dev/shm");
    match seed % 4 {
        1..=3 if memory.is_dir() => tempfile::tempdir_in(memory),
        _ => tempfile::tempdir(),
    }
}

impl Failure {
    /// Without the steps that it does not need.
    pub fn shrunk(mut self, defect: Defect) -> Self {
        let begun = Instant::now();
        let mut size = self.steps.len().div_ceil(2);
        while size > 0 {
            let mut at = self.steps.len();
            while at > 0 && begun.elapsed() < SHRINKING {
                let start = at.saturating_sub(size);
                let steps = [&self.steps[..start], &self.steps[at..]].concat();
                if let Err(what) = play_steps(self.seed, &steps, defect) {
                    (self.steps, self.what) = (steps, what);
                }
                at = start.min(self.steps.len());
            }
            size /= 2;
        }
        self
    }

    /// The failure for people: seed, steps, difference.
    pub fn report(&self) -> String {
        let mut text = format!("seed {} failed; the steps that it takes:\n", self.seed);
        for (number, step) in self.steps.iter().enumerate() {
            let _ = writeln!(text, "  {number}: {:?} {:#x}", step.kind, step.seed);
        }
        text + &self.what
    }
}
