//! The cases: what each measures, what against, and what is to hold.

mod answers;
mod graphs;
mod growth;
mod phases;
mod runs;

use super::{Check, Finding, Lab, Row, cpu, wall};
use crate::size::Size;

/// Something that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it is asked for by.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// The sizes that it is about where nobody says otherwise; empty where it is about none.
    pub sizes: &'static [Size],
    /// Measures it on a size.
    pub run: fn(&Lab, Size) -> Result<Finding, String>,
}

/// All of them.
pub const CASES: [Case; 13] = [
    Case { name: "start-up", title: "Start-up", sizes: &[], run: answers::start_up },
    Case {
        name: "ls",
        title: "List the names of everything",
        sizes: &[Size::M],
        run: answers::listing,
    },
    Case {
        name: "noop",
        title: "Run with nothing to do: a lint and a test of every package, all cached",
        sizes: &[Size::S, Size::M, Size::L],
        run: answers::noop,
    },
    Case {
        name: "edit",
        title: "What a changed file at the hub affects",
        sizes: &[Size::M],
        run: answers::edit,
    },
    Case {
        name: "since",
        title: "What changed since the last commit",
        sizes: &[Size::M],
        run: answers::since,
    },
    Case {
        name: "graph",
        title: "The import graph, with nothing kept",
        sizes: &[Size::S, Size::M, Size::L],
        run: graphs::cold,
    },
    Case {
        name: "graph-edit",
        title: "The import graph after one edit",
        sizes: &[Size::M],
        run: graphs::edited,
    },
    Case {
        name: "cold",
        title: "Run a command that does nothing over every package, nothing cached",
        sizes: &[Size::M],
        run: runs::cold,
    },
    Case {
        name: "restore",
        title: "Put the artifacts of every package back",
        sizes: &[Size::M],
        run: runs::restore,
    },
    Case {
        name: "copy",
        title: "Run with nothing to do in a copy of the tree, the second time",
        sizes: &[Size::M],
        run: runs::copy,
    },
    Case {
        name: "memory",
        title: "Memory of a run with nothing to do",
        sizes: &[Size::L],
        run: growth::memory,
    },
    Case {
        name: "growth",
        title: "Growth of a run with nothing to do",
        sizes: &[],
        run: growth::curve,
    },
    Case {
        name: "phases",
        title: "What qik's own phases take",
        sizes: &[Size::M],
        run: phases::phases,
    },
];

impl Case {
    /// The case of that name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn named(name: &str) -> Result<Self, String> {
        CASES.into_iter().find(|case| case.name == name).ok_or_else(|| {
            let all = CASES.map(|case| case.name).join(", ");
            format!("no case `{name}`; there are {all}")
        })
    }

    fn finding(name: &str, size: Option<Size>, rows: Vec<Row>) -> Finding {
        Finding { case: name.into(), size, rows, checks: Vec::new() }
    }
}

impl Finding {
    /// That `one` takes at most so many times what `other` does, by the clock.
    fn wall_at_most(mut self, one: &str, other: &str, target: f64) -> Self {
        if let Some(ratio) = self.ratio(one, other, wall) {
            let what = format!("wall, {one} / {other}");
            self.checks.push(Check::most(what, ratio, target));
        }
        self
    }

    /// That `one` takes at most so many times the CPU time of `other`.
    fn cpu_at_most(mut self, one: &str, other: &str, target: f64) -> Self {
        if let Some(ratio) = self.ratio(one, other, cpu) {
            self.checks.push(Check::most(format!("CPU, {one} / {other}"), ratio, target));
        }
        self
    }

    /// That `other` takes at least so many times the CPU time of `one`.
    fn cpu_at_least(mut self, other: &str, one: &str, target: f64) -> Self {
        if let Some(ratio) = self.ratio(other, one, cpu) {
            self.checks.push(Check::least(format!("CPU, {other} / {one}"), ratio, target));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_found_by_their_names() {
        for case in CASES {
            assert_eq!(Case::named(case.name).unwrap().title, case.title);
        }
        assert!(Case::named("speed").unwrap_err().contains("start-up"));
    }
}
