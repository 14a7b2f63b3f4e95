//! The oracle: what each run should have left, from the files on disk and the rules alone, and the
//! comparison with what qik did leave.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use crate::defect::Defect;
use crate::processes::{self, Ended};
use crate::project::{self, COMMANDS, Rule};
use crate::random::Random;
use crate::reader::{Made, make};

use crate::tree::{self, Tree, difference, is_within};
use crate::world::World;

/// What has to be warm: a runnable with all that its result depends on.
type Known = HashSet<(String, String, Made)>;

/// What the oracle remembers of a history.
#[derive(Debug, Default)]
pub struct Oracle {
    kept: Known,
    pub counts: Counts,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub runs: usize,
    pub results: usize,
    pub replays: usize,
    /// Replays that had to be, of a state that was left and came back.
    pub returns: usize,
    pub real_runs: usize,
    /// Listings of what is cold, held against what a run then executed.
    pub listings: usize,
}

impl Counts {
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.results += other.results;
        self.replays += other.replays;
        self.returns += other.returns;
        self.real_runs += other.real_runs;
        self.listings += other.listings;
    }
}

/// How a runnable should end.
#[derive(Debug)]
struct Expected {
    rule: Rule,
    /// `None` where something upstream fails.
    made: Option<Made>,
}

#[derive(serde::Deserialize)]
struct Outcome {
    log: String,
    code: i32,
    cached: bool,
}

impl Oracle {
    /// Runs a selection, compares, and runs it once more, when all of it must be cached.
    pub fn run(&mut self, world: &mut World, seed: u64, defect: Defect) -> Result<(), String> {
        let random = &mut Random(seed);
        if std::mem::take(&mut world.forgot) {
            self.kept.clear();
        }
        let names = selection(random, seed);
        let workers = (1 + random.below(3)).to_string();
        let expected = expect(world, &names);
        let cold = random.once_in(4).then(|| listed_cold(world, &names)).transpose()?;
        for is_again in [false, true] {
            let mut command = world.qik();
            command.args(["-v", "2", "-n", &workers]).args(&names);
            let ended = processes::run(&mut command, &world.home);
            defect.plant(&world.root);
            let context = |what: String| {
                let round = if is_again { "run again" } else { "run" };
                let names = names.join(" ");
                format!("{round} of `{names}` (-n {workers}): {what}\n--- stderr\n{}", ended.stderr)
            };
            let ran = self.compare(world, &expected, &ended, is_again).map_err(&context)?;
            if let Some(cold) = cold.as_ref().filter(|_| !is_again) {
                compare_listed(cold, &ran, &expected).map_err(&context)?;
                self.counts.listings += 1;
            }
        }
        self.remember(&expected);
        if seed != 0 && random.once_in(8) {
            self.run_for_real(world, &expected)?;
        }
        Ok(())
    }

    fn compare(
        &mut self,
        world: &World,
        expected: &BTreeMap<String, Expected>,
        ended: &Ended,
        is_again: bool,
    ) -> Result<BTreeSet<String>, String> {
        let code = expected.values().filter_map(|e| e.made.as_ref()).map(|made| made.code).max();
        if ended.code != code {
            return Err(format!("exit code {:?} instead of {code:?}", ended.code));
        }
        let manifest = world.root.join("._qik/out/manifest.json");
        let manifest = std::fs::read(manifest).map_err(|error| format!("no manifest: {error}"))?;
        let manifest: BTreeMap<String, Outcome> =
            serde_json::from_slice(&manifest).map_err(|error| format!("manifest: {error}"))?;
        self.counts.runs += 1;
        let (mut ran, mut cached) = (BTreeSet::new(), 0);
        for (name, expected) in expected {
            let Some(made) = &expected.made else { continue };
            let found = manifest.get(name).ok_or(format!("`{name}` is not in the manifest"))?;
            compare_one(&world.root, expected, made, found, &ended.stdout)
                .map_err(|what| format!("`{name}` ({}): {what}", told(found.cached)))?;
            self.counts.results += 1;
            cached += usize::from(found.cached);
            if !found.cached {
                ran.insert(name.clone());
            }
            let returns = !is_again && self.kept.contains(&key(&expected.rule, made));
            self.counts.returns += usize::from(returns && found.cached);
            if (returns || is_again) && keeps(&expected.rule, made) && !found.cached {
                let when = if is_again { "that just ran" } else { "that was seen before" };
                return Err(format!("lost warmth: `{name}` ran for a state {when}"));
            }
        }
        self.counts.replays += cached;
        let summary = format!("qik {} ran, {cached} cached", ran.len());
        if !ended.stderr.lines().any(|line| line.starts_with(&summary)) {
            return Err(format!("the summary is not `{summary}`"));
        }
        Ok(ran)
    }

    fn remember(&mut self, expected: &BTreeMap<String, Expected>) {
        for Expected { rule, made } in expected.values() {
            // The repo cache has the newest alone, and its artifacts are not ours to bring back.
            if let Some(made) =
                made.as_ref().filter(|made| keeps(rule, made) && rule.cache == "local")
            {
                self.kept.insert(key(rule, made));
            }
        }
    }

    /// The shell lines themselves, from scratch in a copy: so the oracle is right.
    fn run_for_real(
        &mut self,
        world: &World,
        expected: &BTreeMap<String, Expected>,
    ) -> Result<(), String> {
        let scratch = world.home.join("scratch");
        for (path, node) in tree::load(&world.root) {
            if !is_within(&path, b"out") {
                tree::put(&scratch, &path, &node).map_err(|error| error.to_string())?;
            }
        }
        let order = project::rules(project::switches(&world.root), world.defect);
        for Expected { rule, made } in order.iter().filter_map(|rule| expected.get(&rule.name)) {
            let Some(made) = made else { continue };
            let mut shell = processes::command("sh", &scratch, &world.home);
            shell.args(["-c", &project::line(&rule.spec)]).env("QIK__RUNNABLE", &rule.name);
            shell.envs(world.variable.as_ref().map(|value| ("ORACLE_VAR", value)));
            let ended = processes::run(&mut shell, &world.home);
            let real = Made {
                log: ended.stdout,
                code: ended.code.unwrap_or(-1),
                artifacts: artifacts(&scratch, rule),
            };
            if real != *made {
                return Err(format!(
                    "the oracle is wrong: expected {made:?}, a real run gives {real:?}"
                ));
            }
            self.counts.real_runs += 1;
        }
        std::fs::remove_dir_all(scratch).map_err(|error| error.to_string())
    }
}

/// What qik says is cold; saying so must touch no artifact.
fn listed_cold(world: &World, names: &[String]) -> Result<BTreeSet<String>, String> {
    let before = tree::load_below(&world.root, b"out");
    let mut command = world.qik();
    let ended =
        processes::run(command.args(["--ls", "--cache-status", "cold"]).args(names), &world.home);
    if ended.code != Some(0) {
        return Err(format!("a listing ended with {:?}: {}", ended.code, ended.stderr));
    }
    if let Some(difference) = difference(&before, &tree::load_below(&world.root, b"out")) {
        return Err(format!("a listing touched artifacts: {difference}"));
    }
    Ok(String::from_utf8_lossy(&ended.stdout).lines().map(Into::into).collect())
}

/// What ran was listed; and what was listed ran, or what it waits for did and made the same as ever.
fn compare_listed(
    cold: &BTreeSet<String>,
    ran: &BTreeSet<String>,
    expected: &BTreeMap<String, Expected>,
) -> Result<(), String> {
    if let Some(name) = ran.iter().find(|name| !cold.contains(*name)) {
        return Err(format!("`{name}` ran and was not listed as cold, as were {cold:?}"));
    }
    let idle = expected.values().filter(|e| e.made.is_some() && !ran.contains(&e.rule.name));
    let excused = |rule: &Rule| rule.upstream.iter().any(|name| cold.contains(*name));
    match idle.map(|e| &e.rule).find(|rule| cold.contains(&rule.name) && !excused(rule)) {
        Some(rule) => Err(format!("`{}` was listed as cold and did not run", rule.name)),
        None => Ok(()),
    }
}

fn told(cached: bool) -> &'static str {
    if cached { "replayed" } else { "ran" }
}

fn key(rule: &Rule, made: &Made) -> (String, String, Made) {
    (rule.name.clone(), rule.definition.clone(), made.clone())
}

fn keeps(rule: &Rule, made: &Made) -> bool {
    made.code == 0 || rule.keeps_failures
}

fn compare_one(
    root: &Path,
    expected: &Expected,
    made: &Made,
    found: &Outcome,
    stdout: &[u8],
) -> Result<(), String> {
    if found.code != made.code {
        return Err(format!("code {} instead of {}", found.code, made.code));
    }
    let log = std::fs::read(root.join("._qik/out").join(&found.log));
    let log = log.map_err(|error| format!("no log: {error}"))?;
    if log != made.log {
        return Err(format!("its log is\n{}\ninstead of\n{}", show(&log), show(&made.log)));
    }
    if !stdout.windows(made.log.len()).any(|window| window == made.log) {
        return Err(format!(
            "its log was not printed; expected\n{}\nin\n{}",
            show(&made.log),
            show(stdout)
        ));
    }
    match difference(&made.artifacts, &artifacts(root, &expected.rule)) {
        Some(difference) => Err(format!("its artifacts: {difference}")),
        None => Ok(()),
    }
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\n", "\n")
}

fn artifacts(root: &Path, rule: &Rule) -> Tree {
    let places = rule.artifacts.iter().flat_map(|place| {
        let single = tree::node_at(root, place.as_bytes()).map(|node| (place.clone().into(), node));
        single.into_iter().chain(tree::load_below(root, place.as_bytes()))
    });
    places.collect()
}

fn selection(random: &mut Random, seed: u64) -> Vec<String> {
    if seed == 0 || random.once_in(3) {
        return Vec::new();
    }
    let some: BTreeSet<_> = (0..1 + random.below(5)).map(|_| *random.pick(&COMMANDS)).collect();
    some.into_iter().map(Into::into).collect()
}

/// What a run of `names`, or of everything, should come to.
fn expect(world: &World, names: &[String]) -> BTreeMap<String, Expected> {
    let rules = project::rules(project::switches(&world.root), world.defect);
    let mut wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    for rule in rules.iter().rev() {
        if names.is_empty() || wanted.contains(rule.command) {
            wanted.insert(rule.command);
            wanted.extend(rule.upstream);
        }
    }
    let mut tree = tree::load(&world.root);
    tree.retain(|path, _| !is_within(path, b"out"));
    let env = |name: &str| world.variable.clone().filter(|_| name == "ORACLE_VAR");
    let mut expected: BTreeMap<String, Expected> = BTreeMap::new();
    for rule in rules.iter().filter(|rule| wanted.contains(rule.command)) {
        let blocked = rule
            .upstream
            .iter()
            .any(|name| expected[*name].made.as_ref().is_none_or(|made| made.code != 0));
        let made = (!blocked).then(|| make(&rule.name, &rule.spec, &tree, &env));
        if let Some(made) = &made {
            tree.extend(made.artifacts.clone());
        }
        expected.insert(rule.name.clone(), Expected { rule: rule.clone(), made });
    }
    expected
}
