//! Pages on what `qik config check` finds.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code(
        "lint/ignored-artifact",
        "an artifact that git ignores, in the repo cache",
        "The repo cache commits an entry with the digests of the artifacts, and the artifacts themselves stay
in the work tree. Where git ignores one it is missing in every other checkout, so the entry is a
miss there. Commit the artifact, or use a cache that keeps contents.",
    ),
    code(
        "lint/matches-nothing",
        "a pattern that matches no file",
        "A pattern among the deps matches no file of the work tree, and nothing that a command makes. Mostly
a folder was renamed, or the pattern was meant to start elsewhere: patterns start at the project
folder, and `*.py` does not match in folders below (`**.py` does).",
    ),
    code(
        "lint/never-runs",
        "a command that never runs",
        "The `exec` of the command mentions `{module…}`, so it runs once for each module of its space, or of
all spaces where it names none. There is no module, so there is nothing to run, whatever is asked
for.",
    ),
    code(
        "lint/no-such-module",
        "a module without a folder",
        "The folder of a module is not there, or no file in it counts. Commands over the module would run for
nothing. Correct the path, which starts at the project folder, or remove the module.",
    ),
    code(
        "lint/own-artifact",
        "a command that depends on what it makes",
        "One of the deps of a command matches an artifact of the same command. Its result then changes its
own inputs: it runs again, or is stored under a state that no checkout starts from. Exclude the
artifact by a pattern with `!`, or write it to a folder that no dep matches.",
    ),
    code(
        "lint/python-without-graph",
        "a command that imports more than it depends on",
        "A test runner or type checker imports what its module imports, from other folders and from installed
distributions too. A dep on the files of the module alone does not see these change, so a stale
result would be replayed. A `pygraph` dep counts all that the module reaches by imports.",
    ),
    code(
        "lint/unused-cache",
        "a cache to which nothing goes",
        "A cache is configured, and no command, profile or default names it. It is still reached by `--cache
NAME` and by `qik cache push`; where that is not meant, remove it.",
    ),
    code(
        "lint/unused-space",
        "a space in which nothing runs",
        "No command runs in the space or over its modules, and no fence lets its code in. Remove it, or name
it as the `space` of a command.",
    ),
    code(
        "lint/unused-variable",
        "a variable that nothing mentions",
        "The variable stands in no text in which variables are filled in, so its value changes nothing.
Commands do not see variables of qik in their environment; `env` of a command passes values on.",
    ),
];
