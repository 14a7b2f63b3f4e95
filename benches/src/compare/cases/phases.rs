//! What qik's own phases take, by its own traces.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::super::{Finding, Lab, Row};
use super::Case;
use super::answers::warm;
use crate::plan::Plan;
use crate::size::Size;
use crate::tools::Tool;

/// What is looked into: a name, the command line, and what is done before.
struct Scenario<'a> {
    name: &'static str,
    arguments: &'static [&'static str],
    before: Box<dyn Fn() -> Result<(), String> + 'a>,
}

/// A row for each phase of each scenario, called `SCENARIO: PHASE`. Its times are those of all phases of that
/// name, those that it is part of left out.
pub(super) fn phases(lab: &Lab, size: Size) -> Result<Finding, String> {
    let tree = warm(lab, size, Tool::Qik)?;
    let hub = tree.join(&Plan::new(&size.shape()).hub().path);
    let text = fs::read_to_string(&hub).map_err(|error| error.to_string())?;
    let edits = Cell::new(0);
    let edit = || {
        edits.set(edits.get() + 1);
        let edited = format!("{text}\n\nEDITED = {}\n", edits.get());
        fs::write(&hub, edited).map_err(|error| error.to_string())
    };
    let forget = || match fs::remove_dir_all(tree.join("._qik")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
    };
    let nothing = || Ok(());
    let scenarios = [
        Scenario { name: "no-op", arguments: &[], before: Box::new(nothing) },
        Scenario {
            name: "since",
            arguments: &["--since", "HEAD~1", "--ls"],
            before: Box::new(nothing),
        },
        Scenario {
            name: "edit",
            arguments: &["--cache-status", "cold", "--ls"],
            before: Box::new(edit),
        },
        Scenario { name: "graph", arguments: &["graph", "build"], before: Box::new(forget) },
    ];
    let mut rows = Vec::new();
    for scenario in &scenarios {
        rows.extend(look_into(lab, &tree, scenario)?);
        fs::write(&hub, &text).map_err(|error| error.to_string())?;
    }
    Ok(Case::finding("phases", Some(size), rows))
}

fn look_into(lab: &Lab, tree: &Path, scenario: &Scenario<'_>) -> Result<Vec<Row>, String> {
    let file = tree.with_extension("trace");
    let name = file.to_string_lossy().into_owned();
    let mut rounds: Vec<BTreeMap<String, f64>> = Vec::new();
    for _ in 0..lab.settings.rounds {
        (scenario.before)()?;
        lab.once(lab.qik(tree, &[&["--trace", &name], scenario.arguments].concat()))?;
        rounds.push(times(&file)?);
    }
    let _ = fs::remove_file(&file);
    let names: Vec<&String> =
        rounds.first().map(|round| round.keys().collect()).unwrap_or_default();
    let row = |phase: &&String| Row {
        who: format!("{}: {phase}", scenario.name),
        wall: rounds.iter().filter_map(|round| round.get(*phase).copied()).collect(),
        ..Row::default()
    };
    Ok(names.iter().map(row).collect())
}

/// The milliseconds of each phase in a trace.
fn times(file: &Path) -> Result<BTreeMap<String, f64>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let trace: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let mut times = BTreeMap::new();
    for event in trace["traceEvents"].as_array().into_iter().flatten() {
        if let (Some(name), Some(micros)) = (event["name"].as_str(), event["dur"].as_f64()) {
            *times.entry(name.to_string()).or_insert(0.0) += micros / 1e3;
        }
    }
    Ok(times)
}
