//! Figures as they are told: JSON, to be read again; a table for people; a chart.

mod chart;
mod json;
mod phases;
mod table;

use std::collections::BTreeMap;

use super::{Finding, Machine};

pub use chart::chart;
pub use phases::phases;
pub use table::{into_page, table};

/// All that was found at one time on one machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Where and when.
    pub machine: Machine,
    /// The version of qik.
    pub qik: String,
    /// The other tools, with their versions or the reason why they took no part.
    pub peers: BTreeMap<String, String>,
    /// How often each command ran.
    pub rounds: usize,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Figures {
    /// Replaces findings of before by those of `newer` about the same, and keeps the others if they are of
    /// the same machine and the same binary.
    pub fn joined(self, newer: Self) -> Self {
        let same = |one: &Machine, other: &Machine| {
            (&one.processor, one.cores) == (&other.processor, other.cores)
        };
        if !same(&self.machine, &newer.machine) || self.qik != newer.qik {
            return newer;
        }
        let is_newer = |finding: &Finding| {
            let mut all = newer.findings.iter();
            all.any(|new| (&new.case, new.size) == (&finding.case, finding.size))
        };
        let kept: Vec<Finding> =
            self.findings.into_iter().filter(|finding| !is_newer(finding)).collect();
        let mut peers = self.peers;
        peers.extend(newer.peers);
        let findings = kept.into_iter().chain(newer.findings).collect();
        let mut joined = Self { peers, findings, ..newer };
        let place = |finding: &Finding| {
            let case = super::CASES.iter().position(|case| case.name == finding.case);
            (case, finding.size)
        };
        joined.findings.sort_by_key(place);
        joined
    }
}

/// Milliseconds as people read them.
fn time(millis: f64) -> String {
    match millis {
        _ if millis.is_nan() => "–".into(),
        ..10.0 => format!("{millis:.1} ms"),
        ..1_000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", millis / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Check, Row};
    use super::*;
    use crate::size::Size;

    pub(super) fn sample() -> Figures {
        let row = |who: &str, wall: f64| Row {
            who: who.into(),
            wall: vec![wall, wall * 2.0, wall * 1.5],
            cpu: vec![wall * 3.0, wall, wall * 2.0],
            memory: 12.5,
            note: None,
        };
        let noop = Finding {
            case: "noop".into(),
            size: Some(Size::M),
            rows: vec![
                row("qik", 10.0),
                row("git status", 20.0),
                row("turbo run", 4_000.0),
                Row::absent("moon run", "can't be had | here"),
            ],
            checks: vec![Check::most("wall, qik / git status", 0.5, 1.2)],
        };
        let start = Finding {
            case: "start-up".into(),
            size: None,
            rows: vec![row("qik --version", 6.0)],
            checks: vec![Check::most("wall of qik --version, ms", 9.0, 5.0)],
        };
        let growth = Finding {
            case: "growth".into(),
            size: None,
            rows: vec![row("qik, S", 4.0), row("qik, M", 40.0), row("git status, S", 5.0)],
            checks: vec![Check::most("growth exponent of git status, wall", 1.0, f64::INFINITY)],
        };
        Figures {
            machine: Machine {
                processor: "Z80".into(),
                cores: 2,
                memory: 8,
                system: "CP/M 2.2".into(),
                date: "2026-11-30".into(),
            },
            qik: "qik 0.1.0".into(),
            peers: [("Turbo".into(), "2.11.11".into())].into(),
            rounds: 3,
            findings: vec![start, noop, growth],
        }
    }

    #[test]
    fn newer_findings_take_the_place_of_old_ones() {
        let (old, mut new) = (sample(), sample());
        new.findings.truncate(2);
        new.findings[1].rows.truncate(1);
        let joined = old.clone().joined(new.clone());
        assert_eq!(joined.findings.len(), 3);
        assert_eq!(joined.findings[1].rows.len(), 1);
        new.machine.processor = "6502".into();
        assert_eq!(old.joined(new.clone()), new);
    }

    #[test]
    fn times_are_rounded_as_people_do() {
        assert_eq!([4.44, 44.4, 4_444.0].map(time), ["4.4 ms", "44 ms", "4.4 s"]);
        assert_eq!(time(f64::NAN), "–");
    }
}
