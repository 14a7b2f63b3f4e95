//! `--shard I/N`: each machine takes its part of a selection, and together they leave nothing out, even
//! where the caches of one of them change while others still divide.

use std::collections::BTreeSet;

use crate::project::{Project, tell};
use crate::remote::env;
use crate::server::Server;

const CONFIG: &str = r#"
vars = ["url"]

[spaces.default]
modules = ["a", "b", "c", "d", "e", "f", "g", "h"]

[commands.test]
exec = "note; sleep 0.$(cat {module.dir}/tenths); echo {module.name}"
deps = ["{module.dir}", { type = "val", file = "release.toml", key = "number" }]

[commands.lint]
exec = "note; echo {module.name}"
deps = ["{module.dir}"]
cache = "repo"

[commands.all]
deps = [{ type = "command", name = "test" }, { type = "command", name = "lint" }]

[caches.team]
type = "s3"
bucket = "results"
endpoint-url = "{ctx.url}"
"#;

/// Of module `a` to `h`.
const TENTHS: [u64; 8] = [6, 1, 2, 5, 3, 1, 4, 2];

fn project() -> Project {
    let project = Project::new(CONFIG);
    for (module, tenths) in "abcdefgh".chars().zip(TENTHS) {
        project.write(&format!("{module}/tenths"), tenths.to_string());
    }
    project.write("release.toml", "number = 1\n").commit();
    project
}

fn parts(project: &Project, args: &str, count: usize) -> Vec<Vec<String>> {
    (1..=count).map(|at| project.ls(&format!("{args} --shard {at}/{count}"))).collect()
}

fn in_all(parts: &[Vec<String>]) -> Vec<String> {
    let mut names = parts.concat();
    names.sort();
    names
}

#[test]
fn parts_are_a_division_whatever_the_local_cache_holds() {
    let project = project();
    let everything = project.ls("test lint");
    for count in [1, 2, 3, 7, 16, 40] {
        let divided = parts(&project, "", count);
        assert_eq!(in_all(&divided), everything, "{count}");
        assert!(divided.iter().all(|part| part.len() <= 16_usize.div_ceil(count)), "{divided:?}");
    }
    let before = parts(&project, "", 3);
    project.qik("test@a test@b lint").exits(0);
    assert_eq!(parts(&project, "", 3), before, "one machine may know what another does not");
}

#[test]
fn times_that_are_committed_count() {
    let slow = CONFIG.replace("cache = \"repo\"", "cache = \"local\"");
    let project = Project::new(
        &slow.replace("exec = \"note; sleep", "cache = \"repo\"\nexec = \"note; sleep"),
    );
    for (module, tenths) in "abcdefgh".chars().zip(TENTHS) {
        project.write(&format!("{module}/tenths"), tenths.to_string());
    }
    project.write("release.toml", "number = 1\n").commit();
    project.qik("test").exits(0);
    project.commit();
    let time = |part: &Vec<String>| -> u64 {
        part.iter().map(|name| TENTHS[(name.as_bytes()[5] - b'a') as usize]).sum()
    };
    let times: Vec<u64> = parts(&project, "test", 4).iter().map(time).collect();
    assert_eq!(times, [6, 6, 6, 6]);
}

#[test]
fn what_a_part_needs_comes_along_unless_isolated() {
    let project = Project::new(
        "[spaces.default]\nmodules = [\"a\", \"b\"]\n\
         [commands.build]\nexec = \"note\"\ndeps = [\"src\"]\n\
         [commands.test]\nexec = \"note {module.name}\"\n\
         deps = [\"{module.dir}\", { type = \"command\", name = \"build\" }]\n",
    );
    project.write("src/x", "").write("a/x", "").write("b/x", "").commit();
    let divided = parts(&project, "test", 2);
    assert_eq!(divided[0], ["build", "test@a", "test@b"], "what hangs together stays together");
    let divided = parts(&project, "test --isolated", 2);
    assert_eq!(divided, [["test@a"], ["test@b"]]);
}

#[test]
fn a_part_that_is_none_is_refused() {
    let project = project();
    for shard in ["0/2", "3/2", "1/0", "x", "1"] {
        project.qik(&format!("--ls --shard {shard}")).exits(2);
    }
    let told = project.qik_in("--ls", &[("QIK__SHARD", "3/2")]);
    told.exits(2).says("the second of eight is `2/8`");
}

/// Starts all of these at once; each has its own clone and cache, as on machines of their own.
fn at_once(
    clones: &[Project],
    server: &Server,
    args: impl Fn(usize) -> String + Sync,
) -> Vec<Vec<String>> {
    let run = |at: usize| {
        let traces = clones[at].trace(&format!("machine {at}"));
        std::fs::create_dir_all(&traces).unwrap();
        let mut qik = clones[at].qik_command(&args(at));
        tell(qik.envs(env(server)).env("RAN", &traces)).exits(0);
        let names = std::fs::read_to_string(traces.join("all")).unwrap_or_default();
        let mut names: Vec<String> = names.lines().map(String::from).collect();
        names.sort();
        names
    };
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..clones.len()).map(|at| scope.spawn(move || run(at))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

/// Tenths of a second that the tests among these names take.
fn tenths(names: &[String]) -> u64 {
    let tests = names.iter().filter_map(|name| name.strip_prefix("test@"));
    tests.map(|module| TENTHS[(module.as_bytes()[0] - b'a') as usize]).sum()
}

#[test]
fn machines_that_share_a_cache_agree_on_the_times_and_run_each_cold_one_once() {
    let server = Server::start();
    let first = project();
    first.qik_in("test --cache team", &env(&server)).exits(0);
    first.executed();
    // What changes for all makes all cold; machines that know nothing find the times in the cache.
    first.write("release.toml", "number = 2\n").commit();
    let clones: Vec<Project> = (1..=4).map(|at| first.clone_to(&format!("m{at}"))).collect();
    let executed =
        at_once(&clones, &server, |at| format!("test --cache team --shard {}/4", at + 1));
    assert_eq!(in_all(&executed), first.ls("test"), "each once: {executed:?}");
    let longest = executed.iter().map(|names| tenths(names)).max().unwrap();
    assert_eq!(longest, TENTHS.iter().sum::<u64>() / 4, "{executed:?}");

    // A machine that is late finds all of it warm, and its part is still the same.
    let late = first.clone_to("late");
    let names = late.qik_in("test --cache team --shard 2/4 --ls", &env(&server)).exits(0).out();
    let names: BTreeSet<String> = names.lines().map(String::from).collect();
    assert_eq!(names, executed[1].iter().cloned().collect());
}

#[test]
fn a_generated_matrix_is_the_same_division() {
    let server = Server::start();
    let first = project();
    first.qik_in("test --cache team", &env(&server)).exits(0);
    first.executed();
    first.write("release.toml", "number = 2\n").commit();
    let text = first.qik_in("ci github-matrix --shards 4 test --cache team", &env(&server));
    let matrix: serde_json::Value = serde_json::from_str(&text.exits(0).out()).unwrap();
    let jobs = matrix["include"].as_array().unwrap();
    let lines: Vec<&str> = jobs.iter().map(|job| job["run"].as_str().unwrap()).collect();
    assert_eq!(lines.len(), 4);
    let clones: Vec<Project> = (1..=4).map(|at| first.clone_to(&format!("m{at}"))).collect();
    let parts: Vec<Vec<String>> = (1..=4)
        .map(|at| {
            let args = format!("test --cache team --shard {at}/4 --ls");
            let told = clones[at - 1].qik_in(&args, &env(&server));
            told.exits(0).out().lines().map(String::from).collect()
        })
        .collect();
    let executed =
        at_once(&clones, &server, |at| lines[at].strip_prefix("qik ").unwrap().to_string());
    assert_eq!(in_all(&executed), first.ls("test"), "each once: {executed:?}");
    assert_eq!(executed, parts);
    let longest = executed.iter().map(|names| tenths(names)).max().unwrap();
    assert_eq!(longest, TENTHS.iter().sum::<u64>() / 4, "{executed:?}");
}

#[test]
fn a_machine_that_cannot_ask_leaves_nothing_out() {
    let project = project();
    let nobody =
        [("URL", "http://127.0.0.1:9"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    let told = project.qik_in("test --cache team --shard 1/4 --ls", &nobody);
    told.exits(0).says("shard/not-agreed");
    assert_eq!(told.out().lines().count(), 8);
}
