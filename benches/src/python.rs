//! Bodies of generated Python files: imports, then functions and classes up to a size.

use std::fmt::Write as _;

use crate::plan::{File, Shape};
use crate::random::Random;

const STANDARD: [&str; 10] = [
    "import collections",
    "import dataclasses",
    "import json",
    "import logging",
    "import os.path",
    "import re",
    "from datetime import datetime, timedelta",
    "from functools import lru_cache",
    "from pathlib import Path",
    "from typing import Any, Iterable, Optional",
];
const VERBS: [&str; 8] =
    ["apply", "build", "collect", "load", "merge", "render", "resolve", "verify"];
const NOUNS: [&str; 8] =
    ["balance", "entries", "header", "items", "payload", "records", "result", "window"];

/// The text of the file number `index` of all.
pub fn text(shape: &Shape, index: usize, file: &File) -> String {
    let mut random = Random::fork(!shape.seed, index as u64);
    let target = target_bytes(shape, &mut random, file);
    let mut out = String::with_capacity(target + 1024);
    let _ = writeln!(out, "\"\"\"The {} of this repository.\"\"\"\n", file.module);
    imports(&mut out, &mut random, file);
    while out.len() < target {
        if random.chance(30) {
            class(&mut out, &mut random)
        } else {
            function(&mut out, &mut random)
        }
    }
    out
}

/// Most files are small and a few are large; the mean is about 5 KB.
fn target_bytes(shape: &Shape, random: &mut Random, file: &File) -> usize {
    if shape.tiny || file.path.ends_with("__init__.py") {
        return 120 + random.below(200);
    }
    match random.below(20) {
        0..10 => 1_200 + random.below(3_600),
        10..18 => 4_000 + random.below(5_000),
        _ => 10_000 + random.below(14_000),
    }
}

fn imports(out: &mut String, random: &mut Random, file: &File) {
    let mut standard: Vec<&str> =
        (0..1 + random.below(4)).map(|_| random.pick(&STANDARD)).collect();
    standard.sort_unstable();
    standard.dedup();
    for line in standard {
        let _ = writeln!(out, "{line}");
    }
    for name in &file.outside {
        let _ = match random.below(3) {
            0 => writeln!(out, "from {name} import __version__ as version_{}", random.below(1_000)),
            _ => writeln!(out, "import {name}"),
        };
    }
    let own = file.module.split('.').next().unwrap_or_default();
    for module in &file.imports {
        let _ = match module.rsplit_once('.') {
            None => writeln!(out, "import {module}"),
            Some((parent, name)) if random.chance(60) => {
                writeln!(out, "from {parent} import {name}")
            }
            Some((parent, name))
                if relative(file) && parent.starts_with(own) && parent.contains('.') =>
            {
                writeln!(out, "from ..{} import {name}", &parent[own.len() + 1..])
            }
            Some(_) => writeln!(out, "import {module} as imported_{}", random.below(1_000)),
        };
    }
}

/// Whether the file lies in a folder of its package, so that `..` is the package.
fn relative(file: &File) -> bool {
    file.path.matches('/').count() == 2 && !file.path.ends_with("__init__.py")
}

fn function(out: &mut String, random: &mut Random) {
    let (verb, noun, number) = (random.pick(&VERBS), random.pick(&NOUNS), random.below(10_000));
    let _ = write!(
        out,
        "\n\ndef {verb}_{noun}_{number}({noun}, limit={}, *, strict=False):\n    \
         \"\"\"{verb} the {noun}, at most as many as the limit says.\"\"\"\n    \
         {noun}_seen = []\n",
        random.below(500)
    );
    for _ in 0..1 + random.below(5) {
        statement(out, random, noun, "    ");
    }
    let _ = writeln!(out, "    return {noun}_seen[:limit] if strict else {noun}_seen");
}

fn class(out: &mut String, random: &mut Random) {
    let (noun, number) = (random.pick(&NOUNS), random.below(10_000));
    let mut title = noun.to_string();
    title[..1].make_ascii_uppercase();
    let _ = write!(
        out,
        "\n\nclass {title}{number}:\n    \"\"\"Keeps {noun} by their key.\"\"\"\n\n    \
         def __init__(self, {noun}=()):\n        self._{noun} = dict({noun})\n"
    );
    for method in 0..1 + random.below(4) {
        let verb = random.pick(&VERBS);
        let _ = write!(
            out,
            "\n    def {verb}_{method}(self, {noun}):\n        {noun}_seen = list(self._{noun})\n"
        );
        statement(out, random, noun, "        ");
        let _ = writeln!(out, "        return {noun}_seen");
    }
}

fn statement(out: &mut String, random: &mut Random, noun: &str, indent: &str) {
    let number = random.below(1_000);
    let _ = match random.below(4) {
        0 => writeln!(
            out,
            "{indent}for position, item in enumerate({noun}):\n{indent}    \
             if position % {} == 0 and item is not None:\n{indent}        \
             {noun}_seen.append((position, item))  # one in a few is enough",
            number + 2
        ),
        1 => writeln!(
            out,
            "{indent}if not {noun}:\n{indent}    \
             raise ValueError(f\"no {noun} to work on, expected up to {number}\")"
        ),
        2 => writeln!(
            out,
            "{indent}{noun}_by_key = {{str(key): value for key, value in enumerate({noun})}}\n\
             {indent}{noun}_seen.extend(sorted({noun}_by_key)[:{number}])"
        ),
        _ => writeln!(
            out,
            "{indent}try:\n{indent}    {noun}_seen.append({noun}[{number}])\n\
             {indent}except (IndexError, KeyError, TypeError):\n{indent}    {noun}_seen.append(None)"
        ),
    };
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::plan::{Plan, Shape};

    #[test]
    fn sizes_average_five_kilobytes() {
        let shape = Shape { packages: 10, files: 400, seed: 1, tiny: false };
        let plan = Plan::new(&shape);
        let bytes: usize = plan.files().enumerate().map(|(i, f)| text(&shape, i, f).len()).sum();
        assert!((4_000..6_500).contains(&(bytes / 400)), "{} bytes a file", bytes / 400);
    }

    #[test]
    fn every_planned_import_is_written() {
        let shape = Shape { packages: 5, files: 200, seed: 1, tiny: true };
        for (index, file) in Plan::new(&shape).files().enumerate() {
            let text = text(&shape, index, file);
            let lines = text.lines().filter(|l| {
                l.contains("import ") && l.contains("pkg_") || l.starts_with("from ..")
            });
            assert_eq!(lines.count(), file.imports.len(), "{text}");
        }
    }
}
