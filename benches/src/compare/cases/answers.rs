//! What is asked again and again and has nothing to execute: start-up, listings, no-ops, what is affected.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use super::super::lab::command;
use super::super::peers::Peer;
use super::super::race::Runner;
use super::super::{Check, Finding, Lab, Row};
use super::Case;
use crate::plan::Plan;
use crate::size::Size;
use crate::tools::Tool;

/// Every tool says its version.
pub(super) fn start_up(lab: &Lab, _: Size) -> Result<Finding, String> {
    let here = std::env::temp_dir();
    let of = |who: &'static str, peer: Peer| {
        let program = lab.peers.program(peer).map_err(|why| Row::absent(who, why))?;
        Ok(Runner::new(who, || command(program, &here, &["--version"])))
    };
    let rows = lab.race(vec![
        Ok(Runner::new("qik --version", || lab.qik(&here, &["--version"]))),
        of("git --version", Peer::Git),
        of("make --version", Peer::Make),
        of("ninja --version", Peer::Ninja),
        of("ruff --version", Peer::Ruff),
        of("turbo --version", Peer::Turbo),
        of("moon --version", Peer::Moon),
        of("nx --version", Peer::Nx),
        lab.peer(
            Peer::PythonQik,
            tree_for(lab, Size::S, Tool::PythonQik),
            "Python qik --help",
            &["--help"],
        ),
    ]);
    let mut finding = Case::finding("start-up", None, rows);
    if let Some(own) = finding.row("qik") {
        let check = Check::most("wall of qik --version, ms", own.median_wall(), 5.0);
        finding.checks.push(check);
    }
    Ok(finding)
}

/// Names alone: no file is looked at.
pub(super) fn listing(lab: &Lab, size: Size) -> Result<Finding, String> {
    let tree = lab.tree(size, Tool::Qik)?;
    let kdl = lab.tree(size, Tool::QikKdl)?;
    let of = |peer, tool, who, arguments| lab.peer(peer, tree_for(lab, size, tool), who, arguments);
    let rows = lab.race(vec![
        Ok(Runner::new("qik --ls", || lab.qik(&tree, &["--ls"]))),
        Ok(Runner::new("KDL: qik --ls", || lab.qik(&kdl, &["--ls"]))),
        Ok(lab.git_status(&tree)),
        of(Peer::Ninja, Tool::Ninja, "ninja -t targets", &["-t", "targets", "all"]),
        of(Peer::Turbo, Tool::Turbo, "turbo ls", &["ls"]),
        of(Peer::Nx, Tool::Nx, "nx show projects", &["show", "projects"]),
        of(Peer::Moon, Tool::Moon, "moon query tasks", &["query", "tasks"]),
        of(Peer::PythonQik, Tool::PythonQik, "Python qik --ls", &["--ls"]),
    ]);
    Ok(Case::finding("ls", Some(size), rows).wall_at_most("qik --ls", "git status", 0.2))
}

/// Two commands over every package, one of them by what the package imports; all is there already.
pub(super) fn noop(lab: &Lab, size: Size) -> Result<Finding, String> {
    let tree = warm(lab, size, Tool::Qik)?;
    let kdl = warm(lab, size, Tool::QikKdl)?;
    let jobs = format!("-j{}", std::thread::available_parallelism().map_or(1, usize::from));
    let make = ["--silent", &*jobs, "all"];
    let of = |peer, tool, who, arguments| lab.peer(peer, tree_for(lab, size, tool), who, arguments);
    let mut runners = vec![
        Ok(Runner::new("qik", || lab.qik(&tree, &[]))),
        Ok(Runner::new("KDL: qik", || lab.qik(&kdl, &[]))),
        Ok(lab.git_status(&tree)),
        of(Peer::Make, Tool::Make, "make (times alone)", &make),
        of(Peer::Ninja, Tool::Ninja, "ninja (times alone)", &[]),
        of(Peer::Turbo, Tool::Turbo, "turbo run", &["run", "lint", "test", "--output-logs=none"]),
    ];
    // The others take minutes there.
    if size <= Size::M {
        runners.push(of(
            Peer::Nx,
            Tool::Nx,
            "nx run-many",
            &["run-many", "-t", "lint", "test", "--outputStyle=static"],
        ));
        runners.push(of(Peer::Moon, Tool::Moon, "moon run", &["run", ":lint", ":test"]));
    }
    if size == Size::S {
        runners.push(of(Peer::PythonQik, Tool::PythonQik, "Python qik", &[]));
    }
    let rows = lab.race(runners);
    lab.expect_all_warm(&tree)?;
    Ok(Case::finding("noop", Some(size), rows)
        .wall_at_most("qik", "git status", 1.2)
        .cpu_at_least("turbo", "qik", 8.0)
        .cpu_at_least("nx", "qik", 20.0)
        .cpu_at_least("moon", "qik", 20.0)
        .cpu_at_least("Python qik", "qik", 20.0))
}

/// The file that most others import differs from what is cached, each time in another way.
pub(super) fn edit(lab: &Lab, size: Size) -> Result<Finding, String> {
    let tree = warm(lab, size, Tool::Qik)?;
    let hub = tree.join(&Plan::new(&size.shape()).hub().path);
    let before = fs::read_to_string(&hub).map_err(|error| error.to_string())?;
    let round = Cell::new(0);
    let change = || {
        round.set(round.get() + 1);
        let text = format!("{before}\n\nEDITED = {}\n", round.get());
        fs::write(&hub, text).map_err(|error| error.to_string())
    };
    let rows = lab.race(vec![
        Ok(Runner::new("qik --cache-status cold --ls", || {
            lab.qik(&tree, &["--cache-status", "cold", "--ls"])
        })
        .after(change)),
        Ok(lab.git_status(&tree)),
    ]);
    let affected = lab.count(&tree, &["--cache-status", "cold", "--ls"])?;
    fs::write(&hub, &before).map_err(|error| error.to_string())?;
    lab.expect_all_warm(&tree)?;
    if affected < 2 {
        return Err(format!("an edit of {} affects {affected} runnables", hub.display()));
    }
    let mut finding = Case::finding("edit", Some(size), rows);
    finding.rows[0].note = Some(format!("{affected} affected"));
    Ok(finding.wall_at_most("qik", "git status", 1.5))
}

/// Everything that depends on what the last commit changed.
pub(super) fn since(lab: &Lab, size: Size) -> Result<Finding, String> {
    let tree = warm(lab, size, Tool::Qik)?;
    let of = |peer, tool, who, arguments| lab.peer(peer, tree_for(lab, size, tool), who, arguments);
    let since: &[&str] = &["--since", "HEAD~1", "--ls"];
    let nx: &[&str] = &["show", "projects", "--affected", "--base=HEAD~1"];
    let moon: &[&str] = &["query", "projects", "--affected", "--upstream", "none"];
    let both = "git diff --name-only HEAD~1 && git status --porcelain";
    let rows = lab.race(vec![
        Ok(Runner::new("qik --since HEAD~1 --ls", || lab.qik(&tree, since))),
        Ok(Runner::new("git diff and git status", || {
            command(Path::new("/bin/sh"), &tree, &["-c", both])
        })),
        of(Peer::Turbo, Tool::Turbo, "turbo ls --affected", &["ls", "--affected"]),
        of(Peer::Nx, Tool::Nx, "nx show projects --affected", nx),
        of(Peer::Moon, Tool::Moon, "moon query projects --affected", moon),
    ]);
    let selected = lab.count(&tree, since)?;
    if selected == 0 {
        return Err("nothing changed since the last commit: there is nothing to measure".into());
    }
    let mut finding = Case::finding("since", Some(size), rows);
    finding.rows[0].note = Some(format!("{selected} selected"));
    Ok(finding.wall_at_most("qik", "git diff", 2.0))
}

/// A tree in which all is cached.
pub(super) fn warm(lab: &Lab, size: Size, tool: Tool) -> Result<std::path::PathBuf, String> {
    let tree = lab.tree(size, tool)?;
    for _ in 0..2 {
        lab.once(lab.qik(&tree, &[]))?;
    }
    lab.expect_all_warm(&tree)?;
    Ok(tree)
}

/// A tree for another tool; nothing is made for one that takes no part.
fn tree_for(lab: &Lab, size: Size, tool: Tool) -> Result<std::path::PathBuf, String> {
    match lab.settings.alone {
        true => Err("takes no part".into()),
        false => lab.tree(size, tool),
    }
}
