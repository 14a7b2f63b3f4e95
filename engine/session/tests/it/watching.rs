//! A session that watches knows what a fresh process would: after each of a random sequence of changes its
//! fingerprints and its selection are those of a session that was opened just now.
//!
//! `QIK_WATCH_SEQUENCES=2000 cargo test -p qik-session --test it watching` for the long form.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use qik_session::model::{Fingerprint, Name};
use qik_session::{OpenOptions, RunEvent, Session, Telling, WatchEvent, WatchListener, Wish};
use qik_toml::TomlSyntax;

type Prints = BTreeMap<Name, Option<Fingerprint>>;

/// What somebody does to a project.
#[derive(Clone, Debug)]
enum Step {
    /// A file gets this body: an import of another, or none.
    Write(usize, Option<usize>, u8),
    Remove(usize),
    Rename(usize, usize),
    /// A whole module's folder goes, or comes back by git.
    RemoveFolder(usize),
    Restore,
    Touch(usize),
    Data(u8),
    Config(usize),
    Break,
    Commit,
    Switch,
    Stash,
    NewFolder(u8),
}

const MODULES: [&str; 3] = ["app", "lib", "web"];
const FILES: [&str; 7] = [
    "app/__init__.py",
    "app/main.py",
    "lib/__init__.py",
    "lib/tool.py",
    "lib/deep/more.py",
    "web/view.py",
    "web/__init__.py",
];
const IMPORTS: [&str; 7] =
    ["app", "app.main", "lib", "lib.tool", "lib.deep.more", "web.view", "web"];

const CONFIGS: [&str; 4] = [
    "",
    "[commands.extra]\nexec = \"true\"\ndeps = [\"data/**\"]\n",
    "[base]\ndeps = [{ type = \"const\", val = \"2\" }]\n",
    "[commands.lint]\nexec = \"echo {module.name}\"\ndeps = [\"{module.dir}/**\", \"!**/__init__.py\"]\n",
];

fn config(number: usize) -> String {
    let lint = "[commands.lint]\nexec = \"true {module.dir}\"\ndeps = [\"{module.dir}/**.py\"]\n";
    let lint = if number == 3 { "" } else { lint };
    format!(
        "{lint}{}\n[spaces.default]\nmodules = [\"app\", \"lib\", \"web\"]\n\
         [commands.test]\nexec = \"true {{module.name}}\"\ndeps = [{{ type = \"pygraph\", pyimport = \"{{module.pyimport}}\" }}]\n\
         [commands.build]\nexec = \"cat data/* > out.txt 2> /dev/null || true\"\ndeps = [\"data/**\"]\n\
         artifacts = [\"out.txt\"]\n\
         [commands.pack]\nexec = \"true\"\ndeps = [\"out.txt\", {{ type = \"command\", name = \"build\" }}]\n",
        CONFIGS[number]
    )
}

fn step() -> impl Strategy<Value = Step> {
    let file = 0..FILES.len();
    prop_oneof![
        5 => (file.clone(), prop::option::of(file.clone()), any::<u8>())
            .prop_map(|(file, import, number)| Step::Write(file, import, number % 4)),
        2 => file.clone().prop_map(Step::Remove),
        2 => (file.clone(), file.clone()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => (0..MODULES.len()).prop_map(Step::RemoveFolder),
        1 => Just(Step::Restore),
        1 => file.prop_map(Step::Touch),
        2 => any::<u8>().prop_map(|number| Step::Data(number % 3)),
        2 => (0..CONFIGS.len()).prop_map(Step::Config),
        1 => Just(Step::Break),
        1 => Just(Step::Commit),
        1 => Just(Step::Switch),
        1 => Just(Step::Stash),
        1 => any::<u8>().prop_map(|number| Step::NewFolder(number % 3)),
    ]
}

fn git(root: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.args(args).current_dir(root).env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", root);
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "qik")
            .env(format!("GIT_{who}_EMAIL"), "qik@localhost");
    }
    // What can't be done (nothing to stash, say) is a step that changes nothing.
    let _ = command.output().unwrap();
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    let _ = fs::create_dir_all(path.parent().unwrap());
    let _ = fs::write(path, text);
}

fn take(root: &Path, step: &Step) {
    match step {
        Step::Write(file, import, number) => {
            let import = import.map(|other| format!("import {}\n", IMPORTS[other]));
            write(root, FILES[*file], &format!("{}x = {number}\n", import.unwrap_or_default()));
        }
        Step::Remove(file) => drop(fs::remove_file(root.join(FILES[*file]))),
        Step::Rename(from, to) => drop(fs::rename(root.join(FILES[*from]), root.join(FILES[*to]))),
        Step::RemoveFolder(module) => drop(fs::remove_dir_all(root.join(MODULES[*module]))),
        Step::Restore => git(root, &["checkout", "-q", "--", "."]),
        Step::Touch(file) => {
            if let Ok(bytes) = fs::read(root.join(FILES[*file])) {
                let _ = fs::write(root.join(FILES[*file]), bytes);
            }
        }
        Step::Data(number) => write(root, &format!("data/{number}"), &number.to_string()),
        Step::Config(number) => write(root, "qik.toml", &config(*number)),
        Step::Break => write(root, "qik.toml", "oops"),
        Step::Commit => {
            git(root, &["add", "-A"]);
            git(root, &["commit", "-q", "-m", "change"]);
        }
        Step::Switch => {
            git(root, &["switch", "-q", "-c", "other"]);
            git(root, &["switch", "-q", "main"]);
        }
        Step::Stash => {
            git(root, &["stash", "-q"]);
            git(root, &["stash", "pop", "-q"]);
        }
        Step::NewFolder(number) => {
            let _ = fs::create_dir_all(root.join(format!("lib/new/{number}")));
        }
    }
}

fn open(root: &Path) -> Session {
    let options = OpenOptions {
        cwd: Some(root.to_path_buf()),
        syntaxes: vec![Arc::new(TomlSyntax)],
        ..OpenOptions::default()
    };
    Session::open(options).unwrap()
}

/// What a process that is started now makes of the project; `None` where its configuration is wrong.
fn fresh(root: &Path) -> Option<Prints> {
    let mut session = open(root);
    let prepared = session.prepare(Telling::Nothing).ok()?;
    if !session.diagnostics().is_empty() {
        return None;
    }
    session.statuses(&prepared.plan, Telling::Nothing);
    session.fingerprints().ok()
}

/// Tells the fingerprints whenever there is nothing to do.
struct Teller(Sender<Prints>);

impl WatchListener for Teller {
    fn run(&mut self, _: RunEvent) {}

    fn tell(&mut self, session: &Session, event: WatchEvent) {
        if let WatchEvent::Idle { .. } = event {
            let _ = self.0.send(session.fingerprints().unwrap_or_default());
        }
    }
}

/// Asks a session until it agrees with a fresh one: events take a moment.
fn agrees(root: &Path, wish: &Sender<Wish>, told: &Receiver<Prints>) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let before = fresh(root);
        wish.send(Wish::Nothing).map_err(|_| "it ended")?;
        let mut known = told.recv_timeout(Duration::from_secs(30)).map_err(|e| e.to_string())?;
        while let Ok(later) = told.try_recv() {
            known = later;
        }
        match &before {
            // It goes on by a configuration that no fresh process has.
            None => return Ok(()),
            Some(expected) if *expected == known => return Ok(()),
            Some(expected) if Instant::now() > deadline => {
                let differs = |name: &&Name| expected.get(*name) != known.get(*name);
                let names: Vec<&Name> =
                    expected.keys().chain(known.keys()).filter(differs).collect();
                return Err(format!("{names:?} are not as in a fresh process"));
            }
            Some(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn check(steps: &[Step]) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "qik.toml", &config(0));
    write(root, ".gitignore", "out.txt\n");
    FILES.iter().for_each(|file| write(root, file, "x = 0\n"));
    git(root, &["init", "-q", "-b", "main"]);
    take(root, &Step::Commit);
    let (wish, wishes) = unbounded();
    let (tell, told) = unbounded();
    let path = root.to_path_buf();
    let watching = std::thread::spawn(move || {
        let mut session = open(&path);
        let prepared = session.prepare(Telling::Nothing).unwrap();
        session.watch(prepared, &wishes, &mut Teller(tell)).unwrap()
    });
    told.recv_timeout(Duration::from_secs(30)).map_err(|error| error.to_string())?;
    for (at, step) in steps.iter().enumerate() {
        take(root, step);
        agrees(root, &wish, &told).map_err(|why| format!("after step {at}, {step:?}: {why}"))?;
    }
    wish.send(Wish::Quit).unwrap();
    assert_eq!(watching.join().unwrap(), 0);
    Ok(())
}

#[test]
fn a_session_that_watches_knows_what_a_fresh_process_would() {
    let sequences = std::env::var("QIK_WATCH_SEQUENCES").ok();
    let cases = sequences.and_then(|count| count.parse().ok()).unwrap_or(100);
    let config =
        Config { cases, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let steps = prop::collection::vec(step(), 1..8);
    let result = runner.run(&steps, |steps| check(&steps).map_err(TestCaseError::fail));
    if let Err(error) = result {
        panic!("{error}");
    }
}
