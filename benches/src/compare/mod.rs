//! Whole processes against each other: what is measured, by whom, and how it is told. The cases are in
//! `cases`, the tools that they are held against in `peers`.

mod cases;
mod lab;
mod machine;
mod peers;
mod race;
mod show;

pub use cases::{CASES, Case};
pub use lab::{Lab, Settings};
pub use machine::Machine;
pub use peers::{Peer, Peers};
pub use show::{Figures, chart, into_page, phases, table};

use crate::size::Size;

/// What a case found on one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The name of the case.
    pub case: String,
    /// The size, where it is about one.
    pub size: Option<Size>,
    /// Who took part, qik first.
    pub rows: Vec<Row>,
    /// What was to hold.
    pub checks: Vec<Check>,
}

/// One who took part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// A name with the command, as people would give it.
    pub who: String,
    /// Each round's time by the clock, in milliseconds.
    pub wall: Vec<f64>,
    /// Each round's CPU time, in milliseconds.
    pub cpu: Vec<f64>,
    /// The most memory in any round, in MiB.
    pub memory: f64,
    /// Why nothing was measured, or what there is to say about it.
    pub note: Option<String>,
}

/// A figure that has a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What it is.
    pub what: String,
    /// What was found.
    pub value: f64,
    /// What it may be at most; at least where `at_least`.
    pub target: f64,
    /// Whether more is better.
    pub at_least: bool,
}

impl Check {
    /// A figure that must not be above its target.
    pub fn most(what: impl Into<String>, value: f64, target: f64) -> Self {
        Self { what: what.into(), value, target, at_least: false }
    }

    /// A figure that must not be below its target.
    pub fn least(what: impl Into<String>, value: f64, target: f64) -> Self {
        Self { what: what.into(), value, target, at_least: true }
    }

    /// Whether it holds.
    pub fn holds(&self) -> bool {
        if self.at_least { self.value >= self.target } else { self.value <= self.target }
    }
}

impl Row {
    /// One that could not take part.
    pub fn absent(who: impl Into<String>, why: impl Into<String>) -> Self {
        Self { who: who.into(), note: Some(why.into()), ..Self::default() }
    }

    /// Whether it was measured.
    pub fn is_measured(&self) -> bool {
        !self.wall.is_empty()
    }

    /// The median time by the clock, in milliseconds.
    pub fn median_wall(&self) -> f64 {
        middle(&self.wall)
    }

    /// The median CPU time, in milliseconds.
    pub fn median_cpu(&self) -> f64 {
        middle(&self.cpu)
    }
}

impl Finding {
    /// The row of `who`, if it was measured.
    pub fn row(&self, who: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.is_measured() && row.who.starts_with(who))
    }

    /// The median, over rounds, of what `one` took against `other`, by `part`. Where one took part in fewer
    /// rounds, of the rounds that both were in.
    pub fn ratio(&self, one: &str, other: &str, part: fn(&Row) -> &[f64]) -> Option<f64> {
        let (one, other) = (part(self.row(one)?), part(self.row(other)?));
        Some(crate::median(one.iter().zip(other).map(|(one, other)| one / other).collect()))
    }
}

/// The part of a row that [`Finding::ratio`] goes by.
pub fn wall(row: &Row) -> &[f64] {
    &row.wall
}

/// See [`wall`].
pub fn cpu(row: &Row) -> &[f64] {
    &row.cpu
}

fn middle(all: &[f64]) -> f64 {
    if all.is_empty() { f64::NAN } else { crate::median(all.to_vec()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(who: &str, wall: &[f64]) -> Row {
        Row { who: who.into(), wall: wall.into(), cpu: wall.into(), ..Row::default() }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let rows = vec![row("qik", &[10.0, 40.0, 9.0]), row("git status", &[5.0, 10.0, 9.0])];
        let finding = Finding { case: "x".into(), size: None, rows, checks: Vec::new() };
        assert_eq!(finding.ratio("qik", "git", wall), Some(2.0));
        assert_eq!(finding.ratio("qik", "turbo", wall), None);
    }

    #[test]
    fn targets_are_bounds() {
        assert!(Check::most("x", 1.2, 1.2).holds() && !Check::most("x", 1.21, 1.2).holds());
        assert!(Check::least("x", 8.0, 8.0).holds() && !Check::least("x", 7.9, 8.0).holds());
        assert!(!Check::most("x", f64::NAN, 1.0).holds(), "what was not measured does not hold");
    }
}
