//! Rounds in which several commands run one after the other, each time in the other order, so that what
//! the machine does meanwhile meets all of them.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::Row;
use crate::children::{Cost, cost_within};

/// Somebody who takes part.
pub(super) struct Runner<'a> {
    /// A name with the command, as people would give it.
    pub who: String,
    /// What is done before each of its turns, and not counted.
    pub before: Box<dyn Fn() -> Result<(), String> + 'a>,
    /// What is measured.
    pub command: Box<dyn Fn() -> Command + 'a>,
    /// Whether an exit code is that of a success.
    pub succeeds: fn(i32) -> bool,
}

impl<'a> Runner<'a> {
    /// One that needs no preparation and exits with 0.
    pub fn new(who: impl Into<String>, command: impl Fn() -> Command + 'a) -> Self {
        Self {
            who: who.into(),
            before: Box::new(|| Ok(())),
            command: Box::new(command),
            succeeds: |code| code == 0,
        }
    }

    /// With something to do before each turn.
    pub fn after(self, before: impl Fn() -> Result<(), String> + 'a) -> Self {
        Self { before: Box::new(before), ..self }
    }

    fn turn(&self, limit: Duration) -> Result<Cost, String> {
        (self.before)()?;
        let mut command = (self.command)();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let cost = cost_within(&mut command, limit)?;
        match (self.succeeds)(cost.code) {
            true => Ok(cost),
            false => Err(format!("exit code {}", cost.code)),
        }
    }
}

/// Who takes longer than this takes part in a few rounds only.
const SLOW: Duration = Duration::from_secs(4);
const FEW: usize = 3;

/// Runs all of them in `rounds` rounds, after one that is not counted. Whoever fails is told with the reason
/// in place of figures.
pub(super) fn race(rounds: usize, limit: Duration, runners: &[Runner<'_>]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut left = Vec::new();
    for runner in runners {
        match runner.turn(limit) {
            Ok(cost) => {
                left.push(if cost.wall > SLOW { rounds.min(FEW) } else { rounds });
                rows.push(Row { who: runner.who.clone(), ..Row::default() });
            }
            Err(why) => {
                left.push(0);
                rows.push(Row::absent(&runner.who, why));
            }
        }
    }
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..runners.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            if left[at] == 0 {
                continue;
            }
            left[at] -= 1;
            match runners[at].turn(limit) {
                Ok(cost) => note(&mut rows[at], cost),
                Err(why) => (rows[at], left[at]) = (Row::absent(&runners[at].who, why), 0),
            }
        }
    }
    rows
}

fn note(row: &mut Row, cost: Cost) {
    row.wall.push(cost.wall.as_secs_f64() * 1e3);
    row.cpu.push(cost.cpu.as_secs_f64() * 1e3);
    row.memory = row.memory.max(cost.memory as f64 / f64::from(1 << 20));
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn all_take_part_in_each_round_and_who_fails_is_named() {
        let prepared = Cell::new(0);
        let shell = |line: &'static str| {
            move || {
                let mut command = Command::new("sh");
                command.args(["-c", line]);
                command
            }
        };
        let count = || {
            prepared.set(prepared.get() + 1);
            Ok(())
        };
        let runners = [
            Runner::new("fine", shell("true")).after(count),
            Runner::new("bad", shell("exit 3")),
            Runner { succeeds: |code| code == 1, ..Runner::new("one", shell("exit 1")) },
        ];
        let rows = race(4, Duration::from_secs(60), &runners);
        assert_eq!(rows.iter().map(|row| row.wall.len()).collect::<Vec<_>>(), [4, 0, 4]);
        assert_eq!(rows[1].note.as_deref(), Some("exit code 3"));
        assert_eq!(prepared.get(), 5, "the first round is not counted");
    }
}
