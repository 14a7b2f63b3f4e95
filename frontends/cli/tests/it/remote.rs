//! Results that others share: clones of one project, each with a local cache of its own, and an S3
//! server between them.

use std::sync::atomic::Ordering;

use crate::project::{Project, tell};
use crate::server::{BUCKET, KEY, SECRET, Server};

const CONFIG: &str = r#"
vars = ["url"]

[spaces.default]
modules = ["api", "web"]

[commands.cover]
exec = "note; sh run-tests {module.dir}"
deps = ["run-tests", "{module.dir}/*.py"]
artifacts = ["{module.dir}/.coverage", "{module.dir}/htmlcov/**"]

[caches.team]
type = "s3"
bucket = "results"
prefix = "shop"
endpoint-url = "{ctx.url}"
timeout = "2s"

[ctx.ci.qik]
cache = "team"
"#;

/// As a test runner with coverage would leave its files.
const RUN_TESTS: &str = r#"
mkdir -p "$1/htmlcov"
printf 'coverage of %s: ' "$1" > "$1/.coverage"
cat "$1"/*.py | wc -c >> "$1/.coverage"
echo "<html>$1</html>" > "$1/htmlcov/index.html"
: > "$1/htmlcov/.nojekyll"
echo "2 passed in $1"
"#;

fn project() -> Project {
    // Variables stand in their own key where `ctx` holds profiles.
    let project = Project::new(CONFIG);
    project.write("run-tests", RUN_TESTS).write(".gitignore", ".coverage\nhtmlcov\n");
    project.write("api/a.py", "a = 1\n").write("web/w.py", "w = 1\n").commit();
    project
}

/// The environment of somebody who may use the server.
pub fn env(server: &Server) -> [(&str, &str); 3] {
    [("URL", &server.url), ("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)]
}

#[test]
fn a_terminal_shows_what_is_still_on_its_way_also_after_a_log_that_streamed() {
    let project = project();
    if tell(project.command("sh").args(["-c", "command -v script"])).code != 0 {
        return;
    }
    let server = Server::start();
    server.mood.delay_millis.store(500, Ordering::Relaxed);
    for (args, left) in [("cover@api", "sharing 1 result"), ("cover -f", "sharing 2 results")] {
        let line = format!("{} {args} --cache team", env!("CARGO_BIN_EXE_qik"));
        let mut script = project.command("script");
        script.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").envs(env(&server));
        let told = tell(&mut script).out();
        assert!(told.contains(left), "{told}");
    }
}

#[test]
fn a_second_clone_replays_output_and_restores_coverage_without_running_anything() {
    let server = Server::start();
    let first = project();
    let told = first.qik_in("cover --cache team", &env(&server));
    told.exits(0);
    assert_eq!(told.summary(), "2 ran, 0 cached, 2 shared");
    assert_eq!(first.executed().len(), 2);

    let second = first.clone_to("second");
    let listed = second.qik_in("cover --cache team --cache-status cold --ls", &env(&server));
    assert_eq!(listed.exits(0).out(), "");
    let told = second.qik_in("cover --cache team -v 2", &env(&server));
    told.exits(0);
    assert_eq!(told.summary(), "0 ran, 2 cached");
    assert!(told.out().contains("2 passed in api\n"), "{}", told.out());
    assert_eq!(second.executed().len(), 0);
    for file in
        ["api/.coverage", "web/.coverage", "api/htmlcov/index.html", "web/htmlcov/.nojekyll"]
    {
        assert_eq!(second.read(file), first.read(file), "{file}");
    }

    // Who has replayed a result once asks nobody again.
    let asked = server.mood.requests.load(Ordering::Relaxed);
    second.qik_in("cover --cache team", &env(&server)).exits(0);
    assert_eq!(server.mood.requests.load(Ordering::Relaxed), asked);

    // A profile, an edit in one module, and back to the first clone.
    second.write("api/a.py", "a = 12\n");
    let told = second.qik_in("cover -p ci", &env(&server));
    told.exits(0);
    assert_eq!(told.summary(), "1 ran, 1 cached, 1 shared");
    first.write("api/a.py", "a = 12\n").remove("api/.coverage");
    let told = first.qik_in("cover -p ci", &env(&server));
    told.exits(0);
    assert_eq!(told.summary(), "0 ran, 2 cached");
    assert_eq!(first.read("api/.coverage"), second.read("api/.coverage"));
}

#[test]
fn a_value_that_is_missing_matters_only_where_the_cache_is_used() {
    let project = project();
    let told = project.qik("cover --cache team");
    told.exits(2);
    assert!(told.stderr.contains("context/missing-value"), "{}", told.stderr);
    assert_eq!(project.qik("cover").exits(0).summary(), "2 ran, 0 cached");
}

#[test]
fn a_server_that_is_not_there_costs_one_warning() {
    let project = project();
    let nobody = [
        ("URL", "http://127.0.0.1:9"),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    let told = project.qik_in("cover --cache team", &nobody);
    told.exits(0);
    assert_eq!(told.summary(), "2 ran, 0 cached, 2 not shared");
    assert_eq!(told.stderr.matches("cache/remote-trouble").count(), 1, "{}", told.stderr);
    assert_eq!(told.stderr.matches("cache/not-shared").count(), 1, "{}", told.stderr);
    assert!(!told.stderr.contains(SECRET));
    assert_eq!(project.executed().len(), 2);

    // What could not be shared is shared once that is possible.
    let server = Server::start();
    let told = project.qik_in("cover --cache team", &env(&server));
    told.exits(0);
    assert_eq!(told.summary(), "0 ran, 2 cached, 2 shared");
    let told = project.qik_in("cover --cache team", &env(&server));
    told.exits(0);
    assert_eq!(told.summary(), "0 ran, 2 cached");
    assert_eq!(
        server
            .objects(BUCKET)
            .iter()
            .filter(|path| path.to_string_lossy().contains("/ac/"))
            .count(),
        2
    );
}

#[test]
fn strict_makes_trouble_an_error() {
    let strict = Project::new(&CONFIG.replace("timeout", "strict = true\ntimeout"));
    strict.write("run-tests", RUN_TESTS).write("api/a.py", "").write("web/w.py", "").commit();
    let nobody = [
        ("URL", "http://127.0.0.1:9"),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    let told = strict.qik_in("cover --cache team", &nobody);
    told.exits(1);
    assert!(told.stderr.contains("cache/remote-trouble"), "{}", told.stderr);
    // The work itself was done and kept.
    assert_eq!(strict.executed().len(), 2);
    assert_eq!(strict.qik("cover").exits(0).summary(), "0 ran, 2 cached");
    strict.qik_in("cover --cache team --cache-status cold --ls", &nobody);
}

#[test]
fn results_are_carried_between_caches_by_hand() {
    let server = Server::start();
    let url = server.url.clone();
    let env = [("URL", &*url), ("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let laptop = project();
    laptop.qik("cover").exits(0);
    let told = laptop.qik_in("cache status", &env);
    let out = told.exits(0).out();
    assert!(out.contains("local: ._qik/cache") && out.contains("2 entries"), "{out}");
    assert!(out.contains("read and write), 2 results not shared\n"), "{out}");
    assert_eq!(laptop.qik_in("cache push", &env).exits(0).out(), "shared 2 results with team\n");
    assert_eq!(laptop.qik_in("cache push", &env).exits(0).out(), "shared 0 results with team\n");
    assert_eq!(laptop.qik_in("cache verify team", &env).exits(0).out(), "2 entries are whole\n");

    let ci = laptop.clone_to("ci");
    let told = ci.qik_in("cache pull team", &env);
    assert_eq!(told.exits(0).out(), "fetched 2 results from team, 0 were here\n");
    // Nobody is asked any more.
    drop(server);
    assert_eq!(ci.qik("cover").exits(0).summary(), "0 ran, 2 cached");
    assert_eq!(ci.read("web/.coverage"), laptop.read("web/.coverage"));
    let shown = ci.qik("cache show cover@api").exits(0).out();
    for part in ["from cache team", "$ note; sh run-tests api", "artifact api/.coverage", "input "]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(ci.qik("cache ls").exits(0).out().lines().count(), 2);
    assert!(ci.qik("cache verify").exits(0).out().starts_with("2 entries are whole"));
    assert!(ci.qik("cache gc").exits(0).out().starts_with("removed 0 entries"));
    assert_eq!(ci.qik("cache clear").exits(0).out(), "removed 2 entries\n");
    let told = ci.qik_in("cache push nothing", &env);
    assert!(told.exits(1).stderr.contains("`nothing` is no cache that others share"));
    assert!(told.stderr.contains("cache/cannot"));
}

/// A setting that means nothing once its variables are filled in.
#[track_caller]
fn is_refused(setting: &str, line: &str, says: &[&str]) {
    let project = Project::new(&CONFIG.replace("timeout = \"2s\"", setting));
    project.write("run-tests", RUN_TESTS).write("api/a.py", "").write("web/w.py", "").commit();
    let nobody = [("URL", "http://127.0.0.1:9"), ("KEY", "no-key-at-all"), ("PR", "..")];
    let told = project.qik_in("cover --cache team", &nobody);
    told.exits(2).says("cache/bad-setting").says("cache `team` cannot be used").says(line);
    for says in says {
        told.says(says).is_silent_on("no-key-at-all");
    }
    assert!(project.executed().is_empty());
    // What goes elsewhere does not mind.
    project.qik_in("cover", &nobody).exits(0);
}

#[test]
fn settings_that_mean_nothing_are_errors_with_a_place_and_a_remedy() {
    is_refused("scope = \"pr 12\"", "qik.toml:17:9", &["`pr 12` is no scope", "such as `pr/12`"]);
    is_refused("scope = \"v1/ac\"", "qik.toml:17:9", &["`v1/ac` is no scope"]);
    let keys = "trusted-keys = [\"abc\"]";
    is_refused(keys, "qik.toml:17:16", &["`abc` is no public key", "64 hexadecimal digits"]);
    is_refused(
        "sign-key = \"KEY\"",
        "qik.toml:17:12",
        &["holds no secret key", "qik cache new-key"],
    );
    let told = Project::new("[caches.local]\ntype = \"local\"\nmax-size = \"10 apples\"\n").qik("");
    told.exits(2).says("qik.toml:3:12").says("`10 apples` is no size").says("write `10GiB`");
}

#[test]
fn a_miss_against_a_shared_entry_is_explained_as_one_against_an_entry_of_this_machine() {
    let server = Server::start();
    let first = project();
    // A state that no commit holds.
    first.write("api/b.py", "b = 1\n").write("web/v.py", "v = 1\n");
    first.qik_in("cover --cache team", &env(&server)).exits(0);
    let second = first.clone_to("second");
    second.write("api/b.py", "b = 1\n").write("web/v.py", "v = 1\n");
    let told = second.qik_in("cover --cache team", &env(&server));
    assert_eq!(told.exits(0).summary(), "0 ran, 2 cached");
    assert!(first.executed().len() == 2);
    for project in [&first, &second] {
        project.write("api/b.py", "b = 2\n").remove("web/v.py").write("web/new.py", "");
    }
    let why = |project: &Project, name: &str| {
        let told = project.qik_in(&format!("why {name} --cache team"), &env(&server));
        told.exits(0).out()
    };
    assert!(why(&second, "cover@api").contains("cold: api/b.py changed\n"));
    for name in ["cover@api", "cover@web"] {
        assert_eq!(why(&second, name), why(&first, name));
    }
    for part in ["web/new.py added", "web/v.py removed"] {
        assert!(why(&second, "cover@web").contains(part), "{}", why(&second, "cover@web"));
    }
}
