//! Figures as Markdown, and their place in a README.

use std::fmt::Write as _;

use super::super::{Case, Check, Finding, Row, cpu, wall};
use super::{Figures, time};

const BEGIN: &str = "<!-- benches: begin -->";
const END: &str = "<!-- benches: end -->";

/// All findings as tables, with where and when they were taken.
pub fn table(figures: &Figures) -> String {
    let mut out = String::new();
    let machine = &figures.machine;
    let _ = writeln!(
        out,
        "{} on {}, {} cores, {} GiB, {}; {}. Medians of {} rounds in which all take part, whole \
         processes; ratios are medians of the rounds' ratios.",
        figures.qik,
        machine.processor,
        machine.cores,
        machine.memory,
        machine.system,
        machine.date,
        figures.rounds,
    );
    // Phases have a page of their own.
    for finding in figures.findings.iter().filter(|finding| finding.case != "phases") {
        out.push('\n');
        push_finding(&mut out, finding);
    }
    let peers: Vec<String> =
        figures.peers.iter().map(|(name, version)| format!("{name}: {version}")).collect();
    let _ = write!(out, "\nThe others: {}.\n", peers.join("; "));
    out
}

fn push_finding(out: &mut String, finding: &Finding) {
    let title = Case::named(&finding.case).map_or(&*finding.case, |case| case.title);
    let size = finding.size.map(|size| {
        format!(" · {size} ({} packages, {} files)", size.packages(), thousands(size.files()))
    });
    let _ = write!(out, "**{title}**{}\n\n", size.unwrap_or_default());
    out.push_str("| | wall | CPU | wall / qik | CPU / qik | memory |\n");
    out.push_str("|---|--:|--:|--:|--:|--:|\n");
    let first = finding.rows.first().map_or("", |row| &*row.who);
    for row in &finding.rows {
        push_row(out, finding, first, row);
    }
    if !finding.checks.is_empty() {
        out.push('\n');
    }
    for check in &finding.checks {
        let _ = writeln!(out, "- {}", told(check));
    }
}

fn push_row(out: &mut String, finding: &Finding, first: &str, row: &Row) {
    let who = row.who.replace('|', "\\|");
    let note = row.note.as_ref().map(|note| note.replace('|', "\\|"));
    if !row.is_measured() {
        let _ = writeln!(out, "| {who} | {} | | | | |", note.unwrap_or_default());
        return;
    }
    let ratio = |part: fn(&Row) -> &[f64]| match row.who == first {
        true => String::new(),
        false => finding.ratio(&row.who, first, part).map_or(String::new(), short),
    };
    let note = note.map_or(String::new(), |note| format!(" ({note})"));
    let _ = writeln!(
        out,
        "| {who}{note} | {} | {} | {} | {} | {:.0} MiB |",
        time(row.median_wall()),
        time(row.median_cpu()),
        ratio(wall),
        ratio(cpu),
        row.memory,
    );
}

/// A figure with its target, as a line.
pub(super) fn told(check: &Check) -> String {
    let (what, value) = (&check.what, short(check.value));
    if check.target.is_infinite() {
        return format!("{what}: {value}");
    }
    let bound = if check.at_least { "at least" } else { "at most" };
    let verdict = if check.holds() { "" } else { " — **missed**" };
    format!("{what}: {value}, to be {bound} {}{verdict}", short(check.target))
}

/// Three digits, about.
fn short(number: f64) -> String {
    match number.abs() {
        ..10.0 => format!("{number:.2}"),
        ..100.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

fn thousands(number: usize) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1_000, number % 1_000)
    }
}

/// A text with `table` between the two marks that it holds.
///
/// # Errors
/// Where it does not hold them.
pub fn into_page(readme: &str, table: &str) -> Result<String, String> {
    let begin = readme.find(BEGIN).map(|at| at + BEGIN.len());
    let end = readme.find(END);
    match (begin, end) {
        (Some(begin), Some(end)) if begin <= end => {
            Ok(format!("{}\n\n{table}\n{}", &readme[..begin], &readme[end..]))
        }
        _ => Err(format!("there is no `{BEGIN}` with a `{END}` after it")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn each_finding_is_a_table_with_what_was_to_hold() {
        let text = table(&sample());
        let expected = "\
**Run with nothing to do: a lint and a test of every package, all cached** · M (500 packages, 20,000 files)

| | wall | CPU | wall / qik | CPU / qik | memory |
|---|--:|--:|--:|--:|--:|
| qik | 15 ms | 20 ms |  |  | 12 MiB |
| git status | 30 ms | 40 ms | 2.00 | 2.00 | 12 MiB |
| turbo run | 6.0 s | 8.0 s | 400 | 400 | 12 MiB |
| moon run | can't be had \\| here | | | | |

- wall, qik / git status: 0.50, to be at most 1.20
";
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("ms: 9.00, to be at most 5.00 — **missed**\n"), "{text}");
        assert!(text.contains("Z80, 2 cores, 8 GiB, CP/M 2.2; 2026-11-30."), "{text}");
        assert!(text.contains("growth exponent of git status, wall: 1.00\n"), "{text}");
    }

    #[test]
    fn a_readme_keeps_what_is_around() {
        let readme = format!("one\n{BEGIN}\nold\n{END}\ntwo\n");
        let expected = format!("one\n{BEGIN}\n\nnew\n\n{END}\ntwo\n");
        assert_eq!(into_page(&readme, "new\n"), Ok(expected.clone()));
        assert_eq!(into_page(&expected, "new\n"), Ok(expected));
        assert!(into_page("one", "new").is_err());
    }
}
