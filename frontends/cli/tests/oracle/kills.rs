//! `kill -9` at random moments of runs with many artifacts, while they are stored and while they are
//! restored. After each kill the cache holds whole entries alone, and a plain run puts everything
//! right. What a kill fell into is read off the disk, not guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use crate::defect::{entries, unseal};
use crate::number;
use crate::processes::{git, kill_group, qik, run, start};
use crate::project::line;
use crate::random::Random;
use crate::reader::{Made, make};
use crate::tree::{self, Node, Tree, difference};

/// The makers, each with as many artifacts as this; and one that reads all of those.
const MAKERS: [&str; 4] = ["m1", "m2", "m3", "kept"];
const FILES: usize = 40;
/// So often everything kept is thrown away, so that looking through it stays quick.
const AFRESH: u64 = 25;

/// Where kills fell.
#[derive(Debug, Default)]
struct Falls {
    kills: u64,
    /// Runs that had ended before.
    too_late: u64,
    /// Contents of a result lay in the cache, and its entry did not.
    within_entry: u64,
    /// The plan of a restore was there.
    within_restore: u64,
    /// A restore had touched the work tree, and was not over.
    half_restored: u64,
    /// Files in the making, left behind.
    unfinished_files: usize,
    entries_checked: usize,
    replays: u64,
}

struct Project {
    home: PathBuf,
    root: PathBuf,
    /// Rounds whose results are kept.
    complete: Vec<u64>,
    checked: BTreeSet<PathBuf>,
    falls: Falls,
}

#[test]
fn killed_at_any_moment_nothing_is_torn_wrong_or_half_restored() {
    let kills = number("QIK_KILLS", 30);
    let random = &mut Random(number("QIK_ORACLE_SEED", 1));
    let folder = tempfile::tempdir().expect("a folder");
    let mut project = Project::new(folder.path().canonicalize().expect("a folder"));
    let begun = Instant::now();
    project.run_whole(0);
    // A cold run and a warm one.
    let usual = begun.elapsed() * 3 / 4;
    let enough = |falls: &Falls| {
        falls.kills >= kills && falls.within_entry * 3 >= kills && falls.within_restore > 0
    };
    // On a busy machine it takes more kills until enough of them fall where they should.
    while !enough(&project.falls) && project.falls.kills < 4 * kills {
        let kill = project.falls.kills + 1;
        if kill.is_multiple_of(AFRESH) {
            project.check_entries(true);
            project.forget();
        }
        project.kill_once(kill, usual, random);
    }
    project.check_entries(true);
    println!("{:?}", project.falls);
    assert!(enough(&project.falls), "too few kills fell into a store or a restore");
}

impl Project {
    fn new(home: PathBuf) -> Self {
        let root = home.join("project");
        std::fs::create_dir(&root).expect("a folder");
        for maker in MAKERS {
            for number in 0..FILES {
                let path = format!("in/{maker}/d{}/e{}/{number}", number % 3, number % 2);
                let node = match number % 8 {
                    0 => Node { kind: b'l', bytes: format!("target {maker} {number}").into() },
                    1 => Node { kind: b'x', bytes: format!("{maker} {number}\n").into() },
                    other => Node {
                        kind: b'f',
                        bytes: format!("{maker} {number} ").repeat(other * other * 30).into(),
                    },
                };
                tree::put(&root, path.as_bytes(), &node).expect("a file");
            }
        }
        std::fs::write(root.join("qik.toml"), config()).expect("a configuration");
        std::fs::write(root.join(".gitignore"), "/out/\n").expect("a file");
        let project = Self {
            home,
            root,
            complete: Vec::new(),
            checked: BTreeSet::new(),
            falls: Falls::default(),
        };
        project.set_round(0);
        for args in [&["init", "-q"][..], &["add", "-A"], &["commit", "-q", "-m", "first"]] {
            assert!(git(&project.root, &project.home, args));
        }
        project
    }

    /// What every artifact begins with.
    fn set_round(&self, round: u64) {
        std::fs::write(self.root.join("round"), format!("r{round} ")).expect("a file");
    }

    fn forget(&mut self) {
        std::fs::remove_dir_all(self.root.join("._qik")).expect("it is there");
        self.complete.clear();
        self.checked.clear();
    }

    fn kill_once(&mut self, kill: u64, usual: Duration, random: &mut Random) {
        let restores = self.complete.len() > 1 && random.once_in(4);
        let round =
            if restores { *random.pick(&self.complete[..self.complete.len() - 1]) } else { kill };
        self.set_round(round);
        if restores && random.once_in(2) {
            let _ = std::fs::remove_dir_all(self.root.join("out"));
        }
        let expected = expected(&self.root, &MAKERS, &spec);
        let before = artifacts(&self.root);
        let mut child = start(qik(&self.root, &self.home).args(["-n", "2"]), &self.home);
        if random.once_in(3) {
            // Any moment of the run.
            std::thread::sleep(Duration::from_micros(random.next() % usual.as_micros() as u64));
        } else {
            self.await_first_write(&mut child, &expected, restores, &before);
            std::thread::sleep(Duration::from_micros(random.next() % 4_000));
        }
        let ended = matches!(child.try_wait(), Ok(Some(_)));
        kill_group(&mut child, &self.root, random.once_in(2));
        self.falls.kills += 1;
        self.falls.too_late += u64::from(ended);
        self.count(&expected, restores, &before);
        let unfinished = std::fs::read_dir(self.root.join("._qik/tmp")).into_iter().flatten();
        self.falls.unfinished_files = unfinished.count();
        let _ = std::fs::remove_file(self.root.join(".git/index.lock"));
        self.check_entries(false);
        self.run_whole(round);
        self.check_entries(false);
    }

    /// Until something of the first results is in the cache, or the work tree begins to change.
    fn await_first_write(
        &self,
        child: &mut Child,
        expected: &BTreeMap<String, Made>,
        restores: bool,
        before: &Tree,
    ) {
        let firsts: Vec<_> =
            MAKERS[..3].iter().flat_map(|name| self.first_contents(&expected[*name])).collect();
        let first = &b"out/m1/in/m1/d0/e0/0"[..];
        while matches!(child.try_wait(), Ok(None)) {
            let seen = match restores {
                true => {
                    self.plans() > 0
                        || tree::node_at(&self.root, first).as_ref() != before.get(first)
                }
                false => firsts.iter().any(|path| path.exists()),
            };
            if seen {
                return;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// What the kill fell into.
    fn count(&mut self, expected: &BTreeMap<String, Made>, restores: bool, before: &Tree) {
        if self.plans() > 0 {
            self.falls.within_restore += 1;
            let now = artifacts(&self.root);
            let whole = expected.values().flat_map(|made| made.artifacts.clone()).collect::<Tree>();
            self.falls.half_restored += u64::from(now != *before && now != whole);
        }
        if restores {
            return;
        }
        let new = entries(&self.cache(), &self.checked);
        let committed: BTreeSet<_> =
            new.iter().filter_map(|(_, entry)| entry["runnable"].as_str()).collect();
        let within = expected.iter().any(|(name, made)| {
            name != "kept"
                && !committed.contains(&**name)
                && self.first_contents(made).any(|path| path.exists())
        });
        self.falls.within_entry += u64::from(within);
    }

    /// Where the first of the contents go that a result writes, which no other round has.
    fn first_contents<'a>(&'a self, made: &'a Made) -> impl Iterator<Item = PathBuf> + 'a {
        let firsts = made.artifacts.values().take(2).map(|node| blake3::hash(&node.bytes));
        firsts.map(|hash| content_path(&self.cache(), &hash.to_hex()))
    }

    fn plans(&self) -> usize {
        let items =
            std::fs::read_dir(self.root.join("._qik/restore")).into_iter().flatten().flatten();
        items.filter(|item| item.file_name().as_encoded_bytes().ends_with(b".json")).count()
    }

    fn cache(&self) -> PathBuf {
        self.root.join("._qik/cache/v1")
    }

    /// Each entry is whole, and so is everything that it names.
    fn check_entries(&mut self, all: bool) {
        let mut folders = vec![self.cache()];
        while let Some(folder) = folders.pop() {
            for item in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = item.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.starts_with(self.cache().join("ac")) {
                    if is_entry(&path) && (all || !self.checked.contains(&path)) {
                        check_entry(&self.cache(), &path);
                        self.falls.entries_checked += 1;
                        self.checked.insert(path);
                    }
                } else if all && path.starts_with(self.cache().join("cas")) && is_entry(&path) {
                    let digest = blake3::hash(&std::fs::read(&path).expect("a content")).to_hex();
                    assert!(path.ends_with(digest.as_str()), "torn: {path:?}");
                }
            }
        }
    }

    /// A plain run puts everything right; and then everything is cached.
    fn run_whole(&mut self, round: u64) {
        let expected = expected(&self.root, &MAKERS, &spec);
        for is_again in [false, true] {
            let ended = run(qik(&self.root, &self.home).args(["-n", "2"]), &self.home);
            let context = format!("round {round}, again: {is_again}\n{}", ended.stderr);
            assert_eq!(ended.code, Some(0), "{context}");
            for word in ["cache/", "warning", "torn"] {
                assert!(!ended.stderr.contains(word), "`{word}` in {context}");
            }
            assert_eq!(self.plans(), 0, "a plan is left; {context}");
            for (name, made) in &expected {
                let log =
                    std::fs::read(self.root.join(format!("._qik/out/{name}.out"))).expect("a log");
                assert!(log == made.log, "the log of `{name}`; {context}");
            }
            let whole = expected.values().flat_map(|made| made.artifacts.clone()).collect();
            if let Some(difference) = difference(&whole, &artifacts(&self.root)) {
                panic!("{difference}\n{context}");
            }
            let cached = ended
                .stderr
                .lines()
                .find_map(|line| line.strip_prefix("qik ")?.split_once(" ran, "));
            let (ran, rest) = cached.expect("a summary");
            if is_again {
                assert!(ran == "0" && rest.starts_with("5 cached"), "{context}");
            }
            // The repo cache knows the newest alone, so `kept` may run; the others must not.
            let known = self.complete.contains(&round);
            assert!(!known || matches!(ran, "0" | "1" | "2"), "lost entries: {context}");
            self.falls.replays += 5 - ran.parse::<u64>().expect("a number");
        }
        if !self.complete.contains(&round) {
            self.complete.push(round);
        }
    }
}

fn config() -> String {
    let mut text = String::from("[defaults]\ncache = \"local\"\n");
    for maker in MAKERS {
        text += &format!(
            "\n[commands.{maker}]\nexec = '''{}'''\ndeps = [\"in/{maker}\", \"round\"]\nartifacts = [\"out/{maker}\"]\n{}",
            line(&spec(maker)),
            if maker == "kept" { "cache = \"repo\"\n" } else { "" },
        );
    }
    let deps: Vec<_> = MAKERS[..3]
        .iter()
        .map(|name| format!("{{ type = \"command\", name = {name:?} }}"))
        .collect();
    text + &format!(
        "\n[commands.sum]\nexec = '''{}'''\ndeps = [{}]\nartifacts = [\"out/sum\"]\n",
        line(&spec("sum")),
        deps.join(", "),
    )
}

fn spec(name: &str) -> String {
    match name {
        "sum" => "in=out/m1: in=out/m2: in=out/m3: out=out/sum".into(),
        maker => format!("in=in/{maker}: copy=out/{maker} tag=round"),
    }
}

/// What the makers and then `sum` should leave behind.
pub fn expected(
    root: &Path,
    makers: &[&str],
    spec: &dyn Fn(&str) -> String,
) -> BTreeMap<String, Made> {
    let mut tree = tree::load(root);
    tree.retain(|path, _| !tree::is_within(path, b"out"));
    let mut expected = BTreeMap::new();
    for name in makers.iter().chain(&["sum"]) {
        let made = make(name, &spec(name), &tree, &|_| None);
        tree.extend(made.artifacts.clone());
        expected.insert(name.to_string(), made);
    }
    expected
}

fn artifacts(root: &Path) -> Tree {
    tree::load_below(root, b"out")
}

fn content_path(cache: &Path, digest: &str) -> PathBuf {
    cache.join("cas").join(&digest[..2]).join(digest)
}

/// Whether the file is under its final name: 64 hexadecimal digits.
fn is_entry(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.len() == 64 && name.iter().all(u8::is_ascii_hexdigit)
}

fn check_entry(cache: &Path, path: &Path) {
    let entry = unseal(&std::fs::read(path).expect("an entry"));
    let entry = entry.unwrap_or_else(|| panic!("torn: {path:?}"));
    let name = entry["runnable"].to_string();
    let artifacts = entry["artifacts"].as_array().into_iter().flatten();
    for content in artifacts.map(|artifact| &artifact["content"]).chain([&entry["log"]]) {
        let digest = content["digest"].as_str().expect("a digest");
        let bytes = std::fs::read(content_path(cache, digest));
        let bytes = bytes.unwrap_or_else(|error| panic!("{name} lacks {digest}: {error}"));
        assert_eq!(blake3::hash(&bytes).to_hex().as_str(), digest, "{name}");
    }
}
