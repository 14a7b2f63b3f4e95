//! What qik's own phases take, as a table for the page on performance.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::Finding;
use super::{Figures, time};

/// The phases as they follow each other, each with how many it is part of.
const PHASES: [(&str, usize); 28] = [
    ("open", 0),
    ("recover", 0),
    ("configuration", 0),
    ("select", 0),
    ("files", 0),
    ("index", 1),
    ("walk", 1),
    ("apply", 1),
    ("files to database", 1),
    ("since", 0),
    ("commit", 1),
    ("facts of the commit", 1),
    ("compare", 1),
    ("python", 0),
    ("facts", 1),
    ("read facts", 1),
    ("graph", 0),
    ("digests", 0),
    ("statuses", 0),
    ("run", 0),
    ("fingerprint", 1),
    ("look-up", 1),
    ("replay", 1),
    ("finish", 1),
    ("keep what was learnt", 0),
    ("report", 0),
    ("print", 0),
    ("all", 0),
];

/// The phases of each scenario side by side; empty where nobody looked.
pub fn phases(figures: &Figures) -> String {
    let mut out = String::new();
    for finding in figures.findings.iter().filter(|finding| finding.case == "phases") {
        let (machine, size) = (&figures.machine, finding.size.unwrap_or(crate::Size::M));
        let _ = write!(
            out,
            "Size {size}, {} on {}, {} cores, {}; medians of {} runs.\n\n",
            figures.qik, machine.processor, machine.cores, machine.date, figures.rounds,
        );
        push_table(&mut out, finding);
    }
    out
}

fn push_table(out: &mut String, finding: &Finding) {
    let scenario = |who: &str| who.split(": ").next().unwrap_or_default().to_string();
    let mut scenarios: Vec<String> = Vec::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for row in &finding.rows {
        let (name, phase) = (scenario(&row.who), row.who.split(": ").nth(1).unwrap_or_default());
        if !scenarios.contains(&name) {
            scenarios.push(name);
        }
        names.insert(phase.to_string());
    }
    let _ = writeln!(out, "| phase | {} |", scenarios.join(" | "));
    let _ = writeln!(out, "|---|{}", "--:|".repeat(scenarios.len()));
    let known = PHASES.iter().map(|(name, depth)| (name.to_string(), *depth));
    let known: Vec<(String, usize)> = known.filter(|(name, _)| names.contains(name)).collect();
    // What is new is shown all the same.
    let unknown = names.iter().filter(|name| !known.iter().any(|(of, _)| of == *name));
    for (name, depth) in known.iter().cloned().chain(unknown.map(|name| (name.clone(), 0))) {
        let _ = write!(out, "| {}{name} |", "· ".repeat(depth));
        for scenario in &scenarios {
            let who = format!("{scenario}: {name}");
            let row = finding.rows.iter().find(|row| row.who == who);
            let _ = write!(out, " {} |", row.map_or(String::new(), |row| time(row.median_wall())));
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Row;
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn phases_stand_in_their_order_beside_each_other() {
        let mut figures = sample();
        assert_eq!(phases(&figures), "");
        let row =
            |who: &str, wall: f64| Row { who: who.into(), wall: vec![wall], ..Row::default() };
        figures.findings = vec![Finding {
            case: "phases".into(),
            size: Some(crate::Size::M),
            rows: vec![row("no-op: walk", 2.0), row("no-op: open", 1.0), row("graph: walk", 3.0)],
            checks: Vec::new(),
        }];
        let expected = "| phase | no-op | graph |\n|---|--:|--:|\n\
                        | open | 1.0 ms |  |\n| · walk | 2.0 ms | 3.0 ms |\n";
        assert!(phases(&figures).ends_with(expected), "{}", phases(&figures));
    }
}
