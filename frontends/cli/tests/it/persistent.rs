//! Persistent commands in a run that ends: started for what needs them, in order, ready before that begins,
//! and gone when it ends.

use std::fs::File;
use std::net::TcpListener;
use std::process::Stdio;

use rustix::process::Signal;

use crate::project::{Project, is_alive, until};

/// Says where it is, and that it is ready once the test or another command lets it.
pub const SERVE: &str = "note; echo $$ > $RAN/pid; echo starting; until test -e $RAN/up; do sleep 0.01; done; \
                         echo up >> $RAN/order; echo listening on 1; sh -c 'echo $$ > $RAN/child; exec sleep 300' & wait";

fn project(ready: &str) -> Project {
    let project = Project::new(&format!(
        "[commands.serve]\nexec = \"{SERVE}\"\ndeps = [\"serve.txt\"]\npersistent = true\nready = {ready}\n\
         [commands.check]\nexec = \"note; echo checked >> $RAN/order\"\n\
         deps = [\"check.txt\", {{ type = \"command\", name = \"serve\" }}]\n"
    ));
    project.write("serve.txt", "").write("check.txt", "1").commit();
    project
}

fn trace(project: &Project, name: &str) -> String {
    std::fs::read_to_string(project.trace(name)).unwrap_or_default()
}

fn let_up(project: &Project) {
    std::fs::write(project.trace("up"), "").unwrap();
}

/// A port that nobody has.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn is_gone(project: &Project) {
    for name in ["pid", "child"] {
        let pid = trace(project, name);
        assert!(!pid.is_empty(), "{name} was there");
        until("it is gone", || !is_alive(&pid));
    }
}

#[test]
fn it_is_started_for_what_needs_it_and_stopped_with_the_run() {
    let project = project("{ output = '^listening on [0-9]+$' }");
    let_up(&project);
    let told = project.qik("check");
    told.exits(0).says("1 served, 1 ran").says("ready serve").prints("serve | listening on 1");
    assert_eq!(trace(&project, "order"), "up\nchecked\n");
    assert_eq!(project.executed(), ["check", "serve"]);
    is_gone(&project);
    assert!(project.read("._qik/out/serve.out").starts_with("starting\nlistening on 1\n"));
    // What needs it is replayed: nothing is started.
    project.qik("check").exits(0);
    assert_eq!(project.executed(), [""; 0]);
    // It is never cached, so it is neither warm nor cold, and no work to be listed.
    project.write("check.txt", "2");
    assert_eq!(project.ls(""), ["check"]);
    assert_eq!(project.ls("--cache-status cold"), ["check"]);
    project.qik("--cache-status cold").exits(0).says("1 served, 1 ran");
}

#[test]
fn alone_it_runs_until_it_is_stopped_and_only_where_it_is_named() {
    let project = project("{ output = 'listening' }");
    let_up(&project);
    assert_eq!(project.ls("serve"), ["serve"]);
    let qik = project.start("serve");
    until("it runs", || !trace(&project, "child").is_empty());
    qik.signal(Signal::INT);
    let told = qik.ends();
    told.exits(130).prints("\nlistening on 1\n");
    is_gone(&project);
    project.write(
        "qik.toml",
        project.read("qik.toml").replace("command\", name = \"serve\"", "const\", val = \"x\""),
    );
    assert_eq!(project.ls(""), ["check"], "a run that ends has no use for it");
    project.executed();
    project.qik("").exits(0);
    assert_eq!(project.executed(), ["check"]);
}

#[test]
fn what_needs_it_is_skipped_where_it_does_not_come_up() {
    let project = project("{ output = 'listening', timeout = '300ms' }");
    let told = project.qik("check");
    told.exits(124)
        .says("failed serve")
        .says("skipped check, serve failed")
        .prints("qik: not ready after 300ms");
    assert_eq!(project.executed(), ["serve"]);
    until("it is gone", || !is_alive(&trace(&project, "pid")));
    for (exec, code, text) in
        [("echo no; exit 3", 3, "no"), ("true", 1, "qik: it ended before it was ready")]
    {
        project.write(
            "qik.toml",
            format!(
                "[commands.serve]\nexec = \"{exec}\"\npersistent = true\nready = {{ output = 'x' }}\n\
                 [commands.check]\nexec = \"note\"\ndeps = [{{ type = \"command\", name = \"serve\" }}]\n"
            ),
        );
        project.qik("check").exits(code).says("skipped check, serve failed").prints(text);
        assert_eq!(project.executed(), [""; 0]);
    }
}

#[test]
fn it_is_ready_when_its_port_takes_connections_or_its_address_answers() {
    let port = free_port();
    let project = Project::empty();
    let config = |ready: &str| {
        format!(
            "[commands.serve]\nexec = \"exec python3 -u -m http.server {port} --bind 127.0.0.1\"\n\
             persistent = true\nready = {ready}\n\
             [commands.get]\nexec = \"python3 -c 'import urllib.request as r; print(r.urlopen(\\\"http://127.0.0.1:{port}/hello.txt\\\").read())'\"\n\
             deps = [{{ type = \"command\", name = \"serve\" }}]\n"
        )
    };
    project.write("hello.txt", "hello").write("qik.toml", config(&format!("{{ port = {port} }}")));
    project.qik("get -f -v 2").exits(0).prints("b'hello'");
    let http = format!("{{ http = 'http://127.0.0.1:{port}/hello.txt' }}");
    project.write("qik.toml", config(&http));
    project.qik("get -f -v 2").exits(0).prints("b'hello'");
    // An address that does not answer well is none, and what answers already is somebody else.
    let nothing = format!("{{ http = 'http://127.0.0.1:{port}/none', timeout = '1s' }}");
    project.write("qik.toml", config(&nothing));
    project.qik("get -f").exits(124);
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    project.write("qik.toml", config(&format!("{{ port = {port} }}")));
    project.qik("get -f").exits(1).prints("something else takes connections at port");
}

#[test]
fn a_death_is_told_and_counts() {
    let project = Project::new(
        "[commands.serve]\nexec = \"echo up; until test -e $RAN/die; do sleep 0.01; done; exit 7\"\n\
         persistent = true\nready = { output = 'up' }\n\
         [commands.check]\nexec = \"note; touch $RAN/die; until test -e $RAN/go; do sleep 0.01; done\"\n\
         deps = [{ type = \"command\", name = \"serve\" }]\n\
         [commands.more]\nexec = \"note\"\ndeps = [{ type = \"command\", name = \"check\" }, { type = \"command\", name = \"serve\" }]\n",
    );
    let out = File::create(project.trace("told")).unwrap();
    let mut qik = project.qik_command("-n 2").stdout(Stdio::null()).stderr(out).spawn().unwrap();
    until("it is told", || trace(&project, "told").contains("ended serve, exit code 7"));
    // What executes goes on, what has not begun does not begin.
    std::fs::write(project.trace("go"), "").unwrap();
    assert_eq!(qik.wait().unwrap().code(), Some(7));
    assert_eq!(project.executed(), ["check"]);
    let told = trace(&project, "told");
    assert!(told.contains("skipped more, serve failed"), "{told}");
    assert!(
        told.contains("1 ran, 0 cached, 1 failed, 1 skipped") || told.contains("2 ran"),
        "{told}"
    );
}

#[test]
fn several_start_in_their_order() {
    let serve = |name: &str, deps: &str| {
        format!(
            "[commands.{name}]\nexec = \"echo {name} >> $RAN/order; echo up; exec sleep 300\"\n\
             deps = [{deps}]\npersistent = true\nready = {{ output = 'up' }}\n"
        )
    };
    let on = |name: &str| format!("{{ type = \"command\", name = \"{name}\" }}");
    let test = on("api");
    let test = format!("[commands.test]\nexec = \"echo test >> $RAN/order\"\ndeps = [{test}]\n");
    let project = Project::new(&format!(
        "{}{}{test}[commands.migrate]\nexec = \"echo migrate >> $RAN/order\"\ndeps = [{}]\n",
        serve("db", "\"x\""),
        serve("api", &format!("{}, {}", on("db"), on("migrate"))),
        on("db"),
    ));
    project.qik("test").exits(0).says("2 served, 2 ran");
    assert_eq!(trace(&project, "order"), "db\nmigrate\napi\ntest\n");
}
