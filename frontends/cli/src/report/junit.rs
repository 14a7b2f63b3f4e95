//! A report as JUnit XML: a suite for each command, a case for each runnable, in the form that Jenkins,
//! GitLab, CircleCI and Buildkite read.

use std::collections::BTreeMap;
use std::io;

use qik_session::{Ending, Report, ReportedRunnable};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::text::{plain, tail};

/// What is shown of a log where something failed.
const LINES: usize = 100;
const BYTES: usize = 16 * 1024;

type Xml = Writer<Vec<u8>>;

/// The whole file.
pub(crate) fn text(report: &Report) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Writing to memory does not fail.
    let _ = document(&mut xml, report);
    String::from_utf8(xml.into_inner()).unwrap_or_default() + "\n"
}

fn document(xml: &mut Xml, report: &Report) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut suites: BTreeMap<&str, Vec<&ReportedRunnable>> = BTreeMap::new();
    for one in report.runnables.iter().filter(|one| one.outcome != Ending::Group) {
        suites.entry(&one.command).or_default().push(one);
    }
    let all: Vec<&ReportedRunnable> = suites.values().flatten().copied().collect();
    let mut attributes = vec![("name", "qik".to_string())];
    attributes.extend(totals(&all));
    within(xml, "testsuites", &attributes, |xml| {
        suites.iter().try_for_each(|(command, cases)| suite(xml, report, command, cases))
    })
}

fn suite(
    xml: &mut Xml,
    report: &Report,
    command: &str,
    cases: &[&ReportedRunnable],
) -> io::Result<()> {
    let mut attributes = vec![("name", command.to_string())];
    attributes.extend(totals(cases));
    attributes.push(("timestamp", report.started.trim_end_matches('Z').to_string()));
    within(xml, "testsuite", &attributes, |xml| cases.iter().try_for_each(|one| case(xml, one)))
}

fn case(xml: &mut Xml, one: &ReportedRunnable) -> io::Result<()> {
    let attributes = [
        ("name", one.name.to_string()),
        ("classname", one.command.to_string()),
        ("time", seconds(one.seconds)),
    ];
    within(xml, "testcase", &attributes, |xml| {
        let properties = properties(one);
        if !properties.is_empty() {
            within(xml, "properties", &[], |xml| {
                properties.iter().try_for_each(|(name, value)| {
                    let attributes = [("name", (*name).to_string()), ("value", value.clone())];
                    empty(xml, "property", &attributes)
                })
            })?;
        }
        let log = plain(&one.output);
        let tail = tail(&log, LINES, BYTES);
        let reason = || one.reason.clone().unwrap_or_default();
        match one.outcome {
            Ending::Failed => {
                let message = format!("exit code {}", one.code);
                said(
                    xml,
                    "failure",
                    &[("message", message), ("type", "exit-code".into())],
                    tail.text,
                )?;
            }
            Ending::Broken => {
                let text = one.notes.join("\n");
                said(xml, "error", &[("message", reason()), ("type", "broken".into())], &text)?;
            }
            Ending::Skipped => empty(xml, "skipped", &[("message", reason())])?,
            Ending::Stopped => empty(xml, "skipped", &[("message", "stopped by the user".into())])?,
            Ending::Passed | Ending::Cached | Ending::Group => {}
        }
        if tail.text.is_empty() {
            return Ok(());
        }
        let cut = match (&one.log, tail.cut) {
            (Some(file), true) => format!("[the beginning is left out; all of it is in {file}]\n"),
            _ => String::new(),
        };
        said(xml, "system-out", &[], &format!("{cut}{}", tail.text))
    })
}

/// What there is to say about a case that the form has no place for.
fn properties(one: &ReportedRunnable) -> Vec<(&'static str, String)> {
    let mut properties = Vec::new();
    let mut add = |name, value: Option<String>| {
        if let Some(value) = value {
            properties.push((name, value));
        }
    };
    add("cached", one.cached.then(|| "true".to_string()));
    add("flaky", one.flaky.then(|| "true".to_string()));
    add("attempts", (one.attempts > 1).then(|| one.attempts.to_string()));
    let ran = !one.cached && matches!(one.outcome, Ending::Passed | Ending::Failed);
    add("reason", one.reason.clone().filter(|_| ran));
    add("fingerprint", one.fingerprint.map(|fingerprint| fingerprint.to_string()));
    properties
}

fn totals(cases: &[&ReportedRunnable]) -> [(&'static str, String); 5] {
    let count = |endings: &[Ending]| {
        cases.iter().filter(|one| endings.contains(&one.outcome)).count().to_string()
    };
    [
        ("tests", cases.len().to_string()),
        ("failures", count(&[Ending::Failed])),
        ("errors", count(&[Ending::Broken])),
        ("skipped", count(&[Ending::Skipped, Ending::Stopped])),
        ("time", seconds(cases.iter().map(|one| one.seconds).sum())),
    ]
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.3}")
}

fn within(
    xml: &mut Xml,
    name: &str,
    attributes: &[(&str, String)],
    inside: impl FnOnce(&mut Xml) -> io::Result<()>,
) -> io::Result<()> {
    xml.write_event(Event::Start(element(name, attributes)))?;
    inside(xml)?;
    xml.write_event(Event::End(BytesEnd::new(name)))
}

fn empty(xml: &mut Xml, name: &str, attributes: &[(&str, String)]) -> io::Result<()> {
    xml.write_event(Event::Empty(element(name, attributes)))
}

fn said(xml: &mut Xml, name: &str, attributes: &[(&str, String)], text: &str) -> io::Result<()> {
    within(xml, name, attributes, |xml| xml.write_event(Event::Text(BytesText::new(&legal(text)))))
}

fn element<'a>(name: &'a str, attributes: &[(&str, String)]) -> BytesStart<'a> {
    let mut element = BytesStart::new(name);
    for (name, value) in attributes {
        // A reader makes spaces of line ends in attributes.
        element.push_attribute((*name, &*legal(&value.replace('\n', " "))));
    }
    element
}

/// What XML 1.0 has no way to write becomes U+FFFD.
fn legal(text: &str) -> String {
    let is_legal = |c: char| matches!(c, '\t' | '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if is_legal(c) { c } else { '\u{fffd}' }).collect()
}
