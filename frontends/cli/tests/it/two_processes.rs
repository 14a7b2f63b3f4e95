//! Two qik processes at once in one project: a command is executed by one of them at a time, the
//! other waits for it without holding anything up, and neither keeps what the other had half written.
//! `QIK_TWO_SECONDS` lets two of them run at once for that long.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::project::{Project, until};

/// Begins, and goes on once it may.
const CONFIG: &str = r#"
[commands.slow]
exec = "note; echo begun > $RAN/begun; while [ ! -e $RAN/go ]; do sleep 0.01; done; echo made | tee out.txt"
deps = ["in.txt"]
artifacts = ["out.txt"]

[commands.quick]
exec = "note; echo quick > $RAN/quick"
deps = ["in.txt"]
"#;

fn project() -> Project {
    let project = Project::new(CONFIG);
    project.write("in.txt", "1\n").write(".gitignore", "out.txt\n").commit();
    project
}

/// A process whose messages can be read while it runs. Killed if the test ends before it does.
struct Beside {
    child: Child,
    told: PathBuf,
    out: PathBuf,
}

impl Beside {
    fn start(project: &Project, args: &str, env: &[(&str, &str)]) -> Self {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let place = |name| project.trace(&format!("{name}-{count}"));
        let (told, out) = (place("stderr"), place("stdout"));
        let mut command = project.qik_command(args);
        command.envs(env.iter().copied()).stdin(Stdio::null());
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&told).unwrap());
        Self { child: command.spawn().unwrap(), told, out }
    }

    fn told(&self) -> String {
        std::fs::read_to_string(&self.told).unwrap()
    }

    fn waits_for(&self, name: &str) {
        let line = format!("waits {name}, another qik is at it\n");
        until("it waits", || self.told().contains(&line));
    }

    #[track_caller]
    fn exits(&mut self, code: i32) -> String {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not end: {}", self.told());
            std::thread::sleep(Duration::from_millis(2));
        };
        assert_eq!(status.code(), Some(code), "{}", self.told());
        std::fs::read_to_string(&self.out).unwrap()
    }

    fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn go(project: &Project) {
    std::fs::write(project.trace("go"), "").unwrap();
}

/// One process that executes `slow`.
fn begun(project: &Project) -> Beside {
    let first = Beside::start(project, "slow", &[]);
    until("it runs", || project.trace("begun").exists());
    first
}

#[test]
fn the_second_waits_and_finds_the_result_of_the_first() {
    let project = project();
    let mut first = begun(&project);
    let mut second = Beside::start(&project, "slow", &[]);
    second.waits_for("slow");
    go(&project);
    first.exits(0);
    assert_eq!(second.exits(0), "made\n");
    assert!(second.told().contains("0 ran, 1 cached"), "{}", second.told());
    assert_eq!(second.told().matches("waits").count(), 1, "it is told once");
    assert_eq!(project.executed(), ["slow"]);
}

#[test]
fn it_goes_on_with_the_rest_while_it_waits() {
    let project = project();
    let mut first = begun(&project);
    let mut second = Beside::start(&project, "-n 1 slow quick", &[]);
    second.waits_for("slow");
    until("the other command runs", || project.trace("quick").exists());
    assert_eq!(project.executed(), ["quick", "slow"]);
    go(&project);
    first.exits(0);
    second.exits(0);
    assert!(second.told().contains("1 ran, 1 cached"), "{}", second.told());
}

#[test]
fn what_another_made_while_a_job_was_queued_is_not_made_again() {
    // One worker is at `slow`, with `then` behind it.
    let then = "[commands.then]\nexec = \"note; echo then\"\ndeps = [\"in.txt\"]\n";
    let project = Project::new(&format!("{CONFIG}\n{then}"));
    project.write("in.txt", "1\n").write(".gitignore", "out.txt\n").commit();
    let mut first = Beside::start(&project, "-n 1 slow then", &[]);
    until("it runs", || project.trace("begun").exists());
    let mut second = Beside::start(&project, "then", &[]);
    second.exits(0);
    assert!(second.told().contains("1 ran, 0 cached"), "{}", second.told());
    go(&project);
    assert!(first.exits(0).contains("then\n"));
    assert!(first.told().contains("1 ran, 1 cached"), "{}", first.told());
    assert_eq!(project.executed(), ["slow", "then"]);
}

#[test]
fn two_that_wait_for_each_other_both_get_on() {
    let project = Project::new(
        "[commands]\n\
         a = { exec = 'note; touch $RAN/a-$QIK__WORKER; sleep 0.2', deps = ['in.txt'] }\n\
         b = { exec = 'note; touch $RAN/b; sleep 0.2', deps = ['in.txt'] }\n",
    );
    for round in 0..5 {
        project.write("in.txt", format!("{round}\n"));
        // One worker each, so that a result has to be kept while the worker is at the other command.
        let mut both = ["-n 1 a b", "-n 1 -f b a"].map(|args| Beside::start(&project, args, &[]));
        both.iter_mut().for_each(|one| drop(one.exits(0)));
    }
}

#[test]
fn what_a_killed_process_was_at_is_free() {
    let project = project();
    let first = begun(&project);
    let mut second = Beside::start(&project, "slow", &[]);
    second.waits_for("slow");
    assert_eq!(project.executed(), ["slow"]);
    // The command itself lives on, and holds nothing.
    first.signal(Signal::KILL);
    until("the second runs it", || !project.executed().is_empty());
    go(&project);
    second.exits(0);
    assert!(second.told().contains("1 ran, 0 cached"), "{}", second.told());
}

#[test]
fn whoever_waits_can_be_stopped() {
    let project = project();
    let mut first = begun(&project);
    let mut second = Beside::start(&project, "slow quick", &[]);
    second.waits_for("slow");
    second.signal(Signal::INT);
    second.exits(130);
    go(&project);
    first.exits(0);
    assert_eq!(project.read("out.txt"), "made\n");
}

#[test]
fn force_waits_and_executes_all_the_same() {
    let project = project();
    let mut first = begun(&project);
    let mut second = Beside::start(&project, "slow -f", &[]);
    second.waits_for("slow");
    go(&project);
    first.exits(0);
    second.exits(0);
    assert_eq!(project.executed(), ["slow", "slow"]);
}

#[test]
fn what_is_never_kept_runs_side_by_side() {
    let project = Project::new(&CONFIG.replace("deps = [\"in.txt\"]\n", "cache = \"none\"\n"));
    project.write("in.txt", "1\n");
    let mut first = begun(&project);
    let mut second = Beside::start(&project, "slow", &[]);
    until("both run", || std::fs::read(project.trace("all")).is_ok_and(|all| all.len() == 10));
    go(&project);
    first.exits(0);
    second.exits(0);
}

#[test]
fn a_command_that_runs_qik_on_itself_does_not_wait_for_itself() {
    let project = Project::new(
        "[commands.all]\n\
         exec = \"note; if [ -z \\\"$INNER\\\" ]; then INNER=1 $QIK all; else echo inner; fi\"\n\
         deps = [\"in.txt\"]\n",
    );
    project.write("in.txt", "1\n");
    let told = project.qik_in("all", &[("QIK", env!("CARGO_BIN_EXE_qik"))]);
    told.exits(0).prints("inner\n").is_silent_on("waits").is_silent_on("QIK__WITHIN");
    assert_eq!(project.executed().len(), 2);
}

/// Writes its files in two steps, and tells what is in them.
const HALVES: &str = r#"
value=$(cat in.txt)
rm -rf "out/$1"
mkdir -p "out/$1"
for i in 1 2 3 4 5; do printf 'a %s ' "$value" > "out/$1/$i"; done
sleep 0.04
for i in 1 2 3 4 5; do printf 'b %s\n' "$value" >> "out/$1/$i"; done
cat "out/$1"/*
"#;

const TWO: &str = r#"
[commands.one]
exec = "sh halves one"
deps = ["halves", "in.txt"]
artifacts = ["out/one"]

[commands.two]
exec = "sh halves two"
deps = ["halves", "in.txt", { type = "command", name = "one" }]
artifacts = ["out/two/**"]
"#;

fn halves() -> Project {
    let project = Project::new(TWO);
    project.write("halves", HALVES).write("in.txt", "0").write(".gitignore", "/out/\n").commit();
    project
}

/// What is wrong after two processes ran at once in a round of the value `value`.
fn play_round(project: &Project, value: u64, env: &[(&str, &str)]) -> Result<(), String> {
    project.write("in.txt", value.to_string());
    if value.is_multiple_of(3) {
        let _ = std::fs::remove_dir_all(project.path("out"));
    }
    let whole = format!("a {value} b {value}\n");
    let mut both = ["one two -n 2", "-n 1"].map(|args| Beside::start(project, args, env));
    for one in &mut both {
        let _ = one.child.wait();
        let told = one.told();
        if !told.contains(" ran, ") || told.contains("warning") || told.contains("failed") {
            return Err(format!("round {value}: {told}"));
        }
    }
    // Whatever was kept is whole: once more from the cache alone, in an empty place.
    let _ = std::fs::remove_dir_all(project.path("out"));
    let told = project.qik("-n 2 -v 2");
    if told.summary() != "0 ran, 2 cached" {
        return Err(format!("round {value}: {}", told.stderr));
    }
    for name in ["one", "two"] {
        let log = project.read(&format!("._qik/out/{name}.out"));
        if log != whole.repeat(5) {
            return Err(format!("round {value}: `{name}` told {log:?}"));
        }
        for file in 1..=5 {
            let text = project.read(&format!("out/{name}/{file}"));
            if text != whole {
                return Err(format!("round {value}: out/{name}/{file} is {text:?}"));
            }
        }
    }
    Ok(())
}

/// For how long two processes run at once again and again; by itself for a few rounds.
fn long_form() -> Option<Duration> {
    let seconds = std::env::var("QIK_TWO_SECONDS").ok()?;
    Some(Duration::from_secs(seconds.parse().unwrap()))
}

#[test]
fn neither_keeps_or_replays_what_the_other_had_half_written() {
    let project = halves();
    let (begun, long) = (Instant::now(), long_form());
    let mut rounds = 0;
    while long.map_or(rounds < 12, |long| begun.elapsed() < long) {
        // Some values come back, so that results are restored as well as made.
        let value = if rounds % 4 == 3 { rounds / 2 } else { rounds };
        play_round(&project, value, &[]).unwrap_or_else(|what| panic!("{what}"));
        rounds += 1;
    }
    let verified = project.qik("cache verify");
    verified.exits(0).prints("entries are whole");
    eprintln!("{rounds} rounds of two processes");
}

#[test]
fn without_turns_the_rounds_would_go_wrong() {
    let project = halves();
    // As if these ran within themselves: then nobody waits.
    let env = [("QIK__WITHIN", "one\ntwo")];
    let seen = (0..20).any(|round| play_round(&project, round, &env).is_err());
    assert!(seen, "the rounds would not see what they look for");
}
