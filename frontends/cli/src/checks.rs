//! `qik graph check`: what leaves the fences, for people and for the services that show findings.

use std::fmt::Write;

use qik_session::{FenceReport, Session, Violation};
use serde_json::{Value, json};

use crate::args::CheckFormat;
use crate::ci_log::github;
use crate::style::Style;
use crate::{print, refuse};

const RULE: &str = "pygraph/fence";

/// Answers on stdout; 1 where anything leaves a fence.
pub(crate) fn answer(
    session: &mut Session,
    style: &Style,
    spaces: &[String],
    format: CheckFormat,
) -> i32 {
    let reports = match session.check_fences(spaces) {
        Ok(reports) => reports,
        Err(errors) => return refuse(style, Some(session), &errors),
    };
    let text = match format {
        CheckFormat::Text => reports.iter().map(FenceReport::text).collect(),
        CheckFormat::Json => as_json(&reports),
        CheckFormat::Sarif => sarif(&reports),
        CheckFormat::Github => annotations(&reports),
    };
    let code = reports.iter().map(FenceReport::code).max().unwrap_or(0);
    print(&text).max(code)
}

fn each(reports: &[FenceReport]) -> impl Iterator<Item = (&FenceReport, &Violation)> {
    reports.iter().flat_map(|report| report.violations.iter().map(move |one| (report, one)))
}

fn message(report: &FenceReport, violation: &Violation) -> String {
    let Violation { importer, imported, is_external, .. } = violation;
    match is_external {
        true => format!(
            "{importer} imports {imported}, which no distribution of the space {} has",
            report.space
        ),
        false => {
            format!(
                "{importer} imports {imported}, which is outside of the fence of {}",
                report.space
            )
        }
    }
}

fn as_json(reports: &[FenceReport]) -> String {
    let all = each(reports).map(|(report, one)| {
        json!({
            "space": *report.space,
            "file": one.file.to_string(),
            "line": one.line,
            "column": one.column,
            "importer": one.importer,
            "imported": one.imported,
            "external": one.is_external,
        })
    });
    format!("{:#}\n", Value::from(all.collect::<Vec<_>>()))
}

/// SARIF 2.1.0 (OASIS): one run, one rule, a result for each import.
fn sarif(reports: &[FenceReport]) -> String {
    let results = each(reports).map(|(report, one)| {
        json!({
            "ruleId": RULE,
            "level": "error",
            "message": { "text": message(report, one) },
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": { "uri": uri(&one.file.to_string()), "uriBaseId": "%SRCROOT%" },
                    "region": { "startLine": one.line, "startColumn": one.column },
                },
            }],
        })
    });
    let rule = json!({
        "id": RULE,
        "shortDescription": { "text": "An import leaves the fence of its space" },
    });
    let driver = json!({
        "name": "qik",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": [rule],
    });
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "columnKind": "utf16CodeUnits",
            "results": results.collect::<Vec<_>>(),
        }],
    });
    format!("{log:#}\n")
}

/// A path as part of a URI (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(byte as char);
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// Workflow commands.
fn annotations(reports: &[FenceReport]) -> String {
    each(reports)
        .map(|(report, one)| {
            let place = (one.file.to_string(), one.line, Some(one.column));
            let place = (&*place.0, place.1, place.2);
            github::error("import leaves its fence", Some(place), &message(report, one))
        })
        .collect()
}
