//! Figures as a chart in SVG: a bar for each that took part, by the clock, on a logarithmic scale.

use std::fmt::Write as _;

use super::super::{Case, Finding, Row};
use super::{Figures, time};

const WIDTH: f64 = 860.0;
/// Where bars begin, and the most that they may be long.
const LEFT: f64 = 250.0;
const LONGEST: f64 = 500.0;
const BAR: f64 = 18.0;
/// What is drawn: nobody looks at a hundred bars.
const DRAWN: [&str; 6] = ["start-up", "ls", "noop", "since", "graph", "growth"];

/// The chart. It has a ground of its own, so that it can be read on light and dark pages alike.
pub fn chart(figures: &Figures) -> String {
    let is_drawn = |finding: &&Finding| DRAWN.contains(&finding.case.as_str());
    let drawn: Vec<&Finding> = figures.findings.iter().filter(is_drawn).collect();
    let mut body = String::new();
    let mut y = 34.0;
    let machine = &figures.machine;
    let below = format!(
        "{} on {}, {} cores, {}: wall time, logarithmic",
        figures.qik, machine.processor, machine.cores, machine.date
    );
    push_text(&mut body, 12.0, 22.0, "head", &below);
    for finding in drawn {
        y += 26.0;
        let title = Case::named(&finding.case).map_or(&*finding.case, |case| case.title);
        let size = finding.size.map(|size| format!(" · {size}")).unwrap_or_default();
        push_text(&mut body, 12.0, y, "title", &format!("{title}{size}"));
        y += 8.0;
        y = push_bars(&mut body, finding, y);
    }
    let height = y + 16.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"How long qik and other tools take\">\n<style>\n\
         text {{ font: 12px system-ui, sans-serif; fill: #1f2328; }}\n\
         .head {{ font-size: 13px; fill: #59636e; }}\n.title {{ font-weight: 600; font-size: 13px; }}\n\
         .who {{ text-anchor: end; }}\n.own {{ fill: #1a7f37; }}\n.git {{ fill: #8c959f; }}\n\
         .peer {{ fill: #bf8700; }}\n</style>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" rx=\"6\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

fn push_bars(body: &mut String, finding: &Finding, mut y: f64) -> f64 {
    let measured: Vec<&Row> = finding.rows.iter().filter(|row| row.is_measured()).collect();
    let times = || measured.iter().map(|row| row.median_wall());
    let least = times().fold(f64::INFINITY, f64::min);
    let most = times().fold(0.0, f64::max);
    // The least is still to be seen.
    let from = least / 2.0;
    let scale = LONGEST / (most / from).ln().max(f64::MIN_POSITIVE);
    for row in measured {
        let millis = row.median_wall();
        let length = ((millis / from).ln() * scale).max(1.0);
        let class = match &*row.who {
            who if who.starts_with("qik") || who.starts_with("KDL") => "own",
            who if who.starts_with("git") => "git",
            _ => "peer",
        };
        y += BAR + 3.0;
        push_text(body, LEFT - 8.0, y - 5.0, "who", &row.who);
        let _ = writeln!(
            body,
            "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{:.0}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\"/>",
            y - BAR,
        );
        push_text(body, LEFT + length + 6.0, y - 5.0, "time", &time(millis));
    }
    y
}

fn push_text(body: &mut String, x: f64, y: f64, class: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(body, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::chart;

    #[test]
    fn who_was_measured_has_a_bar() {
        let svg = chart(&sample());
        let bars = |class: &str| svg.matches(&format!("<rect class=\"{class}\"")).count();
        assert_eq!((bars("own"), bars("git"), bars("peer")), (4, 2, 1), "{svg}");
        assert!(svg.contains(">turbo run</text>") && !svg.contains("moon"), "{svg}");
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    }
}
