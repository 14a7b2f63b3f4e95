//! How a run with nothing to do grows with the tree, in time and in memory.

use super::super::lab::command;
use super::super::peers::Peer;
use super::super::race::Runner;
use super::super::{Check, Finding, Lab, Row};
use super::Case;
use super::answers::warm;
use crate::size::Size;
use crate::tools::Tool;

/// The most that a run with nothing to do holds, and one that begins with nothing kept.
pub(super) fn memory(lab: &Lab, size: Size) -> Result<Finding, String> {
    let tree = warm(lab, size, Tool::Qik)?;
    let forget = || match std::fs::remove_dir_all(tree.join("._qik")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
    };
    let warm_run =
        lab.race(vec![Ok(Runner::new("qik", || lab.qik(&tree, &[]))), Ok(lab.git_status(&tree))]);
    let cold = lab.race(vec![
        Ok(Runner::new("qik graph build, nothing kept", || lab.qik(&tree, &["graph", "build"]))
            .after(forget)),
        lab.peer(
            Peer::Ruff,
            Ok(tree.clone()),
            "ruff analyze graph",
            &["analyze", "graph", "--isolated"],
        ),
    ]);
    let rows: Vec<Row> = warm_run.into_iter().chain(cold).collect();
    let mut finding = Case::finding("memory", Some(size), rows);
    for (who, what) in [("qik", "a run"), ("qik graph build", "a graph with nothing kept")] {
        let Some(row) = finding.row(who) else { continue };
        let check = Check::most(format!("MiB of {what}"), row.memory, 400.0);
        finding.checks.push(check);
    }
    Ok(finding)
}

type Part = fn(&Row) -> f64;

/// From the smallest size to the largest that is asked for; in each, as much work as there are packages.
pub(super) fn curve(lab: &Lab, _: Size) -> Result<Finding, String> {
    let sizes: Vec<Size> = match &lab.settings.sizes[..] {
        [] => Size::ALL.into(),
        asked => asked.into(),
    };
    let mut rows = Vec::new();
    for size in &sizes {
        let tree = warm(lab, *size, Tool::Qik)?;
        let git: &[&str] = &["status", "--porcelain"];
        rows.extend(lab.race(vec![
            Ok(Runner::new(format!("qik, {size}"), || lab.qik(&tree, &[]))),
            Ok(Runner::new(format!("git status, {size}"), || {
                command(std::path::Path::new("git"), &tree, git)
            })),
        ]));
    }
    let mut finding = Case::finding("growth", None, rows);
    for (who, target) in [("qik", 1.05), ("git status", f64::INFINITY)] {
        for (name, part) in [("wall", Row::median_wall as Part), ("CPU", Row::median_cpu)] {
            let point = |size: &Size| {
                let row = finding.row(&format!("{who}, {size}"))?;
                Some((size.files() as f64, part(row)))
            };
            let points: Vec<(f64, f64)> = sizes.iter().filter_map(point).collect();
            let Some(exponent) = exponent(&points) else { continue };
            let what = format!("growth exponent of {who}, {name}");
            finding.checks.push(Check::most(what, exponent, target));
        }
    }
    Ok(finding)
}

/// The slope of the line through the logarithms, by least squares: 1 where twice the size takes twice the
/// time.
fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 2 {
        return None;
    }
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let (x, y) = logs.iter().fold((0.0, 0.0), |sum, log| (sum.0 + log.0, sum.1 + log.1));
    let (x, y) = (x / count, y / count);
    let over: f64 = logs.iter().map(|log| (log.0 - x) * (log.1 - y)).sum();
    let under: f64 = logs.iter().map(|log| (log.0 - x).powi(2)).sum();
    Some(over / under)
}

#[cfg(test)]
mod tests {
    use super::exponent;

    #[test]
    fn exponents_are_those_of_powers() {
        for power in [0.5, 1.0, 2.0] {
            let points = [1.0_f64, 10.0, 50.0, 150.0].map(|x| (x, 3.0 * x.powf(power)));
            assert!((exponent(&points).unwrap() - power).abs() < 1e-9);
        }
        assert_eq!(exponent(&[(1.0, 1.0)]), None);
    }
}
