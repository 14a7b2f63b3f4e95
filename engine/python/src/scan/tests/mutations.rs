//! Real snippets with pieces put in and taken out: wherever the full parse sees no error, both ways
//! find the same, or CPython refuses the text; and neither ever panics.
#![allow(clippy::disallowed_methods, reason = "a test asks CPython")]

use std::io::Write;
use std::process::{Command, Stdio};

use tree_sitter::Parser;

use super::super::{facts, judged, newlines};
use super::{described, strings};

const SNIPPETS: [&str; 7] = [
    "\"\"\"Doc: import nothing.\n\nIt's here.\n\"\"\"\nfrom __future__ import annotations\n\nimport os, sys\n\
     from typing import TYPE_CHECKING, Any as A\n\nif TYPE_CHECKING:\n    from collections.abc import (\n        \
     Iterable,  # why\n        Mapping as M,\n    )\nelse:\n    Iterable = None\n\nfrom .models import *\n",
    "try:\n    import json\nexcept ImportError:  # pragma: no cover\n    import simplejson as json\n\n\
     def load(name, *, default={'a': [1, 2]}):\n    \"\"\"Import it.\"\"\"\n    from importlib import import_module\n    \
     return import_module('app.' 'x'), import_module(\"app.y\")\n",
    "class A(Base[int], metaclass=M):\n    x: int = 1; import a.b\n    if x: from . import c\n\n    @property\n    \
     def f(self) -> str:\n        return f\"{self.x!r:>{width}} import {d['e']} {{}}\"\n    import g\n",
    "x = 1 + \\\n    2\nfrom a \\\n    import b, \\\n    c\nif not TYPE_CHECKING:\n\timport d\nelif x:\n\timport e\nelse:\n\
     \timport f\nimport h\n",
    "print 'import a'\nexec 'x' in y\ntry:\n    import b\nexcept E, e:\n    print >>f, `e`\n    import c\n",
    "INSTALLED_APPS = [\n    'polls',\n    'a.b',\n]\npytest_plugins = ('x', \"y.z\")\nfor m in __path__:\n    __import__(m)\n\
     match x:\n    case {'k': [v]}:\n        import k\n",
    "@d(x=r'\\n')\nasync def f():\n    async with a as b, c:\n        import i; import j\n    lambda: (yield)\n    \
     if (typing.TYPE_CHECKING):  # only\n        import k\n    return {\n        'a': '''\nimport no\n''',\n    }\n",
];

const PIECES: [&str; 39] = [
    "'",
    "\"",
    "'''",
    "\"\"\"",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "\r\n",
    "\r",
    "\\\n",
    "\\",
    "#",
    ";",
    ":",
    " ",
    "    ",
    "\t",
    "\x0c",
    "\n    ",
    "f'",
    "import ",
    "from ",
    "import z\n",
    "as ",
    ",",
    ".",
    "not ",
    "if TYPE_CHECKING:\n    ",
    "else:\n",
    "é",
    "if x: ",
    "; import y\n",
    "\nx = 1; import w",
    "import_module('w')",
    "\n\n",
];

/// A generator of numbers that is the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }
}

fn mutated(numbers: &mut Numbers) -> Vec<u8> {
    let mut text = SNIPPETS[numbers.below(SNIPPETS.len())].as_bytes().to_vec();
    if numbers.below(3) == 0 {
        text.extend_from_slice(SNIPPETS[numbers.below(SNIPPETS.len())].as_bytes());
    }
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(text.len());
        if numbers.below(3) == 0 {
            let end = (at + 1 + numbers.below(4)).min(text.len());
            text.drain(at..end);
        } else {
            let piece = PIECES[numbers.below(PIECES.len())].as_bytes();
            text.splice(at..at, piece.iter().copied());
        }
    }
    text
}

#[test]
fn both_ways_agree_on_mutated_snippets() {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).expect("a grammar");
    let (mut numbers, mut clean, mut different) = (Numbers(SEED), 0, Vec::new());
    for _ in 0..ROUNDS {
        let text = mutated(&mut numbers);
        let (fast, full) = (facts(&text), judged(&text));
        if parser.parse(newlines(&text), None).expect("a tree").root_node().has_error() {
            continue;
        }
        clean += 1;
        let equal = described(&fast) == described(&full)
            && fast.whole_package() == full.whole_package()
            && strings(fast.plugins()) == strings(full.plugins())
            && strings(fast.dotted_strings()) == strings(full.dotted_strings());
        if !equal {
            different.push(text);
        }
    }
    assert!(clean > ROUNDS / 10, "only {clean} snippets were whole");
    // tree-sitter takes newlines within statements that no Python takes.
    assert!(different.len() < clean / 20, "{} of {clean} differ", different.len());
    if let Some(text) = python(&different).first() {
        let (fast, full) = (described(&facts(text)), described(&judged(text)));
        let shown = String::from_utf8_lossy(text);
        panic!("{fast:?}\n{full:?}\nof {shown:?}\n{shown}");
    }
}

/// Those of the texts that CPython parses.
fn python(texts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    const SCRIPT: &str = "import ast, sys\nfor line in sys.stdin:\n  try:\n    \
                          ast.parse(bytes.fromhex(line))\n    print('yes')\n  except Exception:\n    print('no')";
    let mut command = Command::new("python3");
    command.args(["-W", "ignore", "-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        assert!(std::env::var_os("QIK_TEST_REQUIRE_TOOLS").is_none(), "python3 is missing");
        println!("SKIPPED: python3");
        return Vec::new();
    };
    let hex = |text: &Vec<u8>| text.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lines: Vec<String> = texts.iter().map(|text| hex(text) + "\n").collect();
    let mut input = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || input.write_all(lines.concat().as_bytes()));
    let output = child.wait_with_output().expect("an answer");
    writer.join().expect("no panic").expect("written");
    let answers = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(answers.lines().count(), texts.len());
    let both = texts.iter().zip(answers.lines());
    both.filter(|(_, answer)| *answer == "yes").map(|(text, _)| text.clone()).collect()
}

const ROUNDS: usize = 2_000;
const SEED: u64 = 20;
