//! The project: its commands, as text for qik and as rules for the oracle, and its first files.

use std::path::Path;

use crate::defect::Defect;
use crate::random::Random;
use crate::tree::{Node, Tree};

/// A runnable as the oracle knows it.
#[derive(Clone, Debug)]
pub struct Rule {
    pub name: String,
    pub command: &'static str,
    pub spec: String,
    /// The whole definition as it enters a fingerprint.
    pub definition: String,
    pub upstream: &'static [&'static str],
    /// What it makes lies at or below these.
    pub artifacts: Vec<String>,
    pub cache: &'static str,
    pub keeps_failures: bool,
}

/// What of the configuration may be switched: one bit each.
pub const SWITCHES: usize = 7;

/// Which folders the commands read.
pub const FOLDERS: [&str; 13] = [
    "src",
    "src/deep",
    "src/deep/er",
    "src/skip",
    "data",
    "data/x",
    "more",
    "more/y z",
    "mods/m1",
    "mods/m2/in",
    "mods/m3",
    "lib",
    "docs",
];

/// What kinds of names files have.
pub const NAMES: [&[u8]; 14] = [
    b"a.txt",
    b"b c.txt",
    "\u{fc}ber.txt".as_bytes(),
    b"x\xff\xfe.txt",
    b"n.cfg",
    b"p.md",
    b"run.txt",
    b"w[1].txt",
    b"q{a,b}.txt",
    b"new\nline.txt",
    b"-dash.txt",
    b"d.log",
    b"'q\".cfg",
    b"\\back.txt",
];

struct Command {
    name: &'static str,
    spec: String,
    deps: Vec<String>,
    upstream: &'static [&'static str],
    artifacts: Vec<&'static str>,
    cache: &'static str,
    keeps_failures: bool,
}

/// The commands under these switches. With a defect one of them reads a folder that it does
/// not declare, or all are content with inputs that moved.
fn commands(switches: u64, defect: Defect) -> Vec<Command> {
    let on = |bit: u64| switches >> bit & 1 == 1;
    let plain = |name, spec: &str, deps: &[&str]| Command {
        name,
        spec: spec.into(),
        deps: deps.iter().map(|dep| format!("{dep:?}")).collect(),
        upstream: &[],
        artifacts: Vec::new(),
        cache: "local",
        keeps_failures: false,
    };
    let typed = |mut command: Command, dep: &str| {
        command.deps.push(format!("{{ type = {dep} }}"));
        command
    };
    let mut all = if on(0) {
        plain("all", "in=src:.txt not=src/skip", &["src/**.txt", "!src/skip"])
    } else {
        plain("all", "in=src:.txt", &["src/**.txt"])
    };
    if defect == Defect::UndeclaredInput {
        all.deps.push("\"!src/deep\"".into());
    }
    let brace = if on(1) {
        let deps = ["{data,more}/**/*.{cfg,txt}", "!data/x"];
        plain("brace", "in=data:.cfg in=data:.txt in=more:.cfg in=more:.txt not=data/x", &deps)
    } else {
        plain("brace", "in=data:.cfg", &["data/**/*.cfg"])
    };
    let mods = plain("mods", "in={module.dir}:", &["{module.dir}/**"]);
    let mut a = plain("a", "in=src/deep:.txt out=out/a.txt", &["src/deep/**.txt"]);
    if on(3) {
        a = plain("a", "in=src/deep:.txt in=docs: out=out/a.txt", &["src/deep/**.txt", "docs"]);
    }
    let c = if on(6) { "out/c.txt" } else { "out/cc/c.txt" };
    let failing = typed(
        plain("failing", "one=conf/status code=conf/status", &["conf/status"]),
        "\"const\", val = \"1\"",
    );
    vec![
        all,
        brace,
        mods,
        Command { artifacts: vec!["out/a.txt"], ..a },
        Command {
            upstream: &["a"],
            artifacts: vec!["out/b/**"],
            ..typed(
                plain("b", "one=out/a.txt in=lib: copy=out/b", &["lib/"]),
                "\"command\", name = \"a\"",
            )
        },
        Command {
            upstream: &["b"],
            artifacts: vec![c],
            ..typed(plain("c", &format!("in=out/b: out={c}"), &[]), "\"command\", name = \"b\"")
        },
        typed(
            plain("envy", "in=docs:.md env=ORACLE_VAR", &["docs/**.md"]),
            "\"env\", name = \"ORACLE_VAR\"",
        ),
        typed(
            plain("valued", "key=conf/values.toml", &[]),
            "\"val\", file = \"conf/values.toml\", key = \"tool.version\"",
        ),
        typed(
            plain("loaded", "load=conf/load.json:data", &[]),
            "\"load\", path = \"conf/load.json\", default = [\"data/**\"]",
        ),
        Command {
            cache: "repo",
            artifacts: vec!["out/repo.txt"],
            ..plain("kept", "in=docs: in=lib:.txt out=out/repo.txt", &["docs/**", "lib/**.txt"])
        },
        typed(
            plain("tooled", "first=conf/values.toml", &[]),
            "\"exec\", run = \"head -n 1 conf/values.toml\"",
        ),
        Command { keeps_failures: on(2), ..failing },
        Command {
            upstream: &["failing"],
            ..typed(plain("after", "in=more:", &["more/**"]), "\"command\", name = \"failing\"")
        },
    ]
}

pub const COMMANDS: [&str; 12] =
    ["all", "brace", "mods", "a", "b", "c", "envy", "valued", "loaded", "kept", "failing", "after"];

fn modules(switches: u64) -> &'static [&'static str] {
    if switches >> 4 & 1 == 1 { &["m1", "m2", "m3"] } else { &["m1", "m2"] }
}

/// The text of `qik.toml`. Its first line tells the oracle which switches are on.
pub fn config(switches: u64, defect: Defect) -> String {
    let modules: Vec<String> = modules(switches)
        .iter()
        .map(|m| format!("{{ name = {m:?}, path = \"mods/{m}\" }}"))
        .collect();
    let moving = match defect {
        Defect::AcceptedMoves => "on-input-change = \"accept\"\n",
        _ => "",
    };
    let note = if switches >> 5 & 1 == 1 { "# a word more\n\n" } else { "" };
    let mut text = format!(
        "# switches {switches}\n{note}[defaults]\ncache = \"local\"\n\n[spaces.default]\nmodules = [{}]\n",
        modules.join(", ")
    );
    for command in commands(switches, defect) {
        text += &format!(
            "\n[commands.{}]\nexec = '''{}'''\ndeps = [{}]\nartifacts = {:?}\ncache = {:?}\ncache-when = {:?}\n{moving}",
            command.name,
            line(&command.spec),
            command.deps.join(", "),
            command.artifacts,
            command.cache,
            if command.keeps_failures { "finished" } else { "success" },
        );
    }
    text
}

/// The shell line of a spec. What the test's own frame prints goes to stdout, and away.
pub fn line(spec: &str) -> String {
    format!(
        "ORACLE_READS='{spec}' \"$ORACLE_READER\" reader::reads_what_it_is_told_to --exact --nocapture 2>&1 >/dev/null"
    )
}

/// The switches of the configuration that lies on disk.
pub fn switches(root: &Path) -> u64 {
    let text = std::fs::read_to_string(root.join("qik.toml")).expect("a configuration");
    let number = text.lines().find_map(|line| line.strip_prefix("# switches "));
    number.and_then(|number| number.parse().ok()).expect("switches")
}

/// The runnables, upstream first.
pub fn rules(switches: u64, defect: Defect) -> Vec<Rule> {
    let mut rules = Vec::new();
    for command in commands(switches, defect) {
        let modules = if command.name == "mods" { modules(switches) } else { &[""] };
        for module in modules {
            let name = match *module {
                "" => command.name.to_string(),
                module => format!("{}@{module}", command.name),
            };
            let spec = command.spec.replace("{module.dir}", &format!("mods/{module}"));
            rules.push(Rule {
                definition: format!("{spec}|{:?}|{:?}", command.deps, command.artifacts),
                name,
                command: command.name,
                spec,
                upstream: command.upstream,
                artifacts: command
                    .artifacts
                    .iter()
                    .map(|path| path.trim_end_matches("/**").into())
                    .collect(),
                cache: command.cache,
                keeps_failures: command.keeps_failures,
            });
        }
    }
    rules
}

/// Files that must stay readable for commands and configuration.
pub const SPECIAL: [&str; 5] =
    ["qik.toml", ".gitignore", "conf/status", "conf/values.toml", "conf/load.json"];

pub fn values(random: &mut Random) -> Vec<u8> {
    let (note, version) = (random.below(4), random.below(3));
    format!("# note {note}\n[tool]\nversion = \"{version}\"\n").into_bytes()
}

pub fn load_file(random: &mut Random) -> Vec<u8> {
    let folders = ["src/deep", "docs", "more", "mods/m1"];
    let globs: Vec<String> =
        (0..1 + random.below(2)).map(|_| format!("{}/**", random.pick(&folders))).collect();
    serde_json::json!({ "globs": globs }).to_string().into_bytes()
}

/// The files that a history begins with.
pub fn first_files(random: &mut Random, defect: Defect) -> Tree {
    let plain = |bytes: Vec<u8>| Node { kind: b'f', bytes };
    let switches = random.next() % (1 << SWITCHES);
    let mut tree = Tree::new();
    tree.insert(b"qik.toml".into(), plain(config(switches, defect).into()));
    tree.insert(b".gitignore".into(), plain(b"*.log\n/out/\n".into()));
    tree.insert(b"conf/status".into(), plain(b"0\n".into()));
    tree.insert(b"conf/values.toml".into(), plain(values(random)));
    tree.insert(b"conf/load.json".into(), plain(load_file(random)));
    for module in ["m1", "m2", "m3"] {
        tree.insert(format!("mods/{module}/keep.txt").into(), plain(module.into()));
    }
    for number in 0..10 + random.below(16) {
        let node = any_node(random, number as u64);
        tree.insert(any_path(random), node);
    }
    tree
}

pub fn any_path(random: &mut Random) -> Vec<u8> {
    [random.pick(&FOLDERS).as_bytes(), b"/", random.pick::<&[u8]>(&NAMES)].concat()
}

pub fn any_node(random: &mut Random, number: u64) -> Node {
    match random.below(8) {
        0 => Node { kind: b'l', bytes: any_target(random) },
        1 => Node { kind: b'x', bytes: format!("run {number}\n").into() },
        2 => Node { kind: b'f', bytes: Vec::new() },
        3 => Node { kind: b'f', bytes: format!("crlf {number}\r\n\r\n\0").into() },
        _ => Node { kind: b'f', bytes: format!("text {number}\n").into() },
    }
}

pub fn any_target(random: &mut Random) -> Vec<u8> {
    let targets: [&[u8]; 5] = [b"a.txt", b"../src", b"nowhere", b"/", b"x\xff"];
    random.pick(&targets).to_vec()
}
