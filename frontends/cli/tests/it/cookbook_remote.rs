//! The page on remote caches, as it stands: pytest over modules with coverage reports, two clones of
//! one repository, and an S3 server between them. pytest and pytest-cov are the real ones.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::project::{Project, Told};
use crate::server::{KEY, SECRET, Server};

/// The command and the profile are those of the page.
const CONFIG: &str = r#"
vars = ["url"]

[spaces.default]
modules = ["api", "web"]

[commands.pytest]
exec = "pytest --cov {module.dir} --cov-report xml:{module.name}-coverage.xml"
deps = [{type = "pygraph", pyimport = "{module.pyimport}"}]
artifacts = ["{module.name}-coverage.xml"]

[caches.my_remote_cache_name]
type = "s3"
bucket = "results"
endpoint-url = "{ctx.url}"

[ctx.ci.qik]
cache = "my_remote_cache_name"
"#;

const REPORTS: [&str; 2] = ["api-coverage.xml", "web-coverage.xml"];

/// pytest with pytest-cov, if it can be had.
fn pytest() -> Option<PathBuf> {
    let found =
        folders().into_iter().map(|folder| folder.join("pytest")).find(|path| path.exists());
    let has_cov = |path: &PathBuf| {
        let told = std::process::Command::new(path).args(["--cov", ".", "--version"]).output();
        told.is_ok_and(|told| told.status.success())
    };
    let found = found.filter(has_cov);
    if found.is_none() {
        assert!(std::env::var_os("QIK_TEST_REQUIRE_TOOLS").is_none(), "pytest-cov can't be had");
        eprintln!("SKIPPED: pytest-cov");
    }
    found
}

fn folders() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect()
}

/// What stands on the path, without any pytest.
fn without_pytest() -> String {
    let kept = folders().into_iter().filter(|folder| !folder.join("pytest").exists());
    std::env::join_paths(kept).unwrap().into_string().unwrap()
}

/// The path with a pytest in front that writes each of its calls down.
fn with_pytest(project: &Project, pytest: &Path) -> String {
    let bin = project.root.parent().unwrap().join("counted");
    std::fs::create_dir_all(&bin).unwrap();
    let script = bin.join("pytest");
    let text = format!(
        "#!/bin/sh\necho \"$QIK__RUNNABLE\" >> \"$RAN/all\"\nexec '{}' \"$@\"\n",
        pytest.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", bin.display(), without_pytest())
}

fn project(config: &str) -> Project {
    let project = Project::new(config);
    for (module, imports) in [("api", "from web import page\n"), ("web", "")] {
        project
            .write(&format!("{module}/__init__.py"), "")
            .write(
                &format!("{module}/page.py"),
                format!("{imports}\ndef title():\n    return \"{module}\"\n\ndef never():\n    return 1\n"),
            )
            .write(
                &format!("{module}/test_{module}.py"),
                format!(
                    "from {module}.page import title\n\ndef test_title():\n    assert title() == \"{module}\"\n"
                ),
            );
    }
    project.write(".gitignore", "__pycache__/\n.coverage\n*-coverage.xml\n");
    // So that no installed Python is asked for its version.
    project
        .write(".python-version", "3.11\n")
        .write("requirements.txt", "pytest==9.0.2\n")
        .commit();
    project
}

struct World {
    server: Server,
    first: Project,
    second: Project,
    with: String,
    without: String,
}

impl World {
    fn new(pytest: &Path) -> Self {
        Self::of(CONFIG, pytest)
    }

    fn of(config: &str, pytest: &Path) -> Self {
        let first = project(config);
        let (with, without) = (with_pytest(&first, pytest), without_pytest());
        let second = first.clone_to("second");
        Self { server: Server::start(), first, second, with, without }
    }

    fn qik(&self, project: &Project, path: &str, args: &str, more: &[(&str, &str)]) -> Told {
        let mut env = vec![
            ("PATH", path),
            ("URL", &*self.server.url),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ];
        env.extend(more);
        // Two pytests in one folder would share one `.coverage`.
        let workers = if args.contains("-n ") { "" } else { "-n 1" };
        project.qik_in(&format!("{workers} {args}"), &env)
    }
}

#[test]
fn the_second_clone_replays_pytest_and_restores_coverage_without_running_it() {
    let Some(pytest) = pytest() else { return };
    let world = World::new(&pytest);
    let (first, second) = (&world.first, &world.second);
    let told = world.qik(first, &world.with, "pytest --cache my_remote_cache_name", &[]);
    assert_eq!(told.exits(0).summary(), "2 ran, 0 cached, 2 shared");
    assert_eq!(first.executed(), ["pytest@api", "pytest@web"]);
    for report in REPORTS {
        assert!(first.read(report).contains("<coverage "), "{report}");
    }

    // There is no pytest here at all.
    let listed = "pytest --cache my_remote_cache_name --cache-status cold --ls";
    assert_eq!(world.qik(second, &world.without, listed, &[]).exits(0).out(), "");
    let args = "pytest --cache my_remote_cache_name -v 2";
    let told = world.qik(second, &world.without, args, &[]);
    assert_eq!(told.exits(0).summary(), "0 ran, 2 cached");
    told.prints("Coverage XML written to file api-coverage.xml");
    told.prints("Coverage XML written to file web-coverage.xml");
    assert_eq!(told.out().matches("passed").count(), 2, "{}", told.out());
    assert!(second.executed().is_empty());
    for report in REPORTS {
        assert_eq!(second.read(report), first.read(report), "{report}");
    }
}

#[test]
fn the_profile_of_the_page_names_the_cache_by_flag_and_by_variable() {
    let Some(pytest) = pytest() else { return };
    let world = World::new(&pytest);
    let (first, second) = (&world.first, &world.second);
    let told = world.qik(first, &world.with, "-p ci", &[]);
    assert_eq!(told.exits(0).summary(), "2 ran, 0 cached, 2 shared");
    first.executed();
    let told = world.qik(second, &world.without, "", &[("QIK__PROFILE", "ci")]);
    assert_eq!(told.exits(0).summary(), "0 ran, 2 cached");
    for report in REPORTS {
        assert_eq!(second.read(report), first.read(report), "{report}");
    }

    // A miss against what came from the server is explained down to the import.
    let page = second.read("web/page.py");
    second.write("web/page.py", format!("{page}# edited\n"));
    let told = world.qik(second, &world.without, "why pytest@api -p ci", &[]);
    told.exits(0).prints("cold: web/page.py changed, imported by api/page.py:1\n");
    second.write("web/page.py", page);

    // One runs where only one can notice the edit.
    second.write("api/page.py", "def title():\n    return \"api\"\n");
    let told = world.qik(second, &world.with, "-p ci", &[]);
    assert_eq!(told.exits(0).summary(), "1 ran, 1 cached, 1 shared");
    assert_eq!(second.executed(), ["pytest@api"]);
    let page = second.read("api/page.py");
    first.write("api/page.py", page);
    let told = world.qik(first, &world.without, "pytest", &[("QIK__PROFILE", "ci")]);
    assert_eq!(told.exits(0).summary(), "0 ran, 2 cached");
    assert_eq!(first.read("api-coverage.xml"), second.read("api-coverage.xml"));
}

/// As `docs/caches.md` has it.
#[test]
fn with_a_coverage_file_of_its_own_each_module_can_be_tested_at_once() {
    let Some(pytest) = pytest() else { return };
    let exec = "exec = \"COVERAGE_FILE=.coverage.{module.name} pytest";
    let world = World::of(&CONFIG.replace("exec = \"pytest", exec), &pytest);
    for round in 0..3 {
        world.first.write("web/page.py", format!("def title():\n    return \"web\" # {round}\n"));
        let told = world.qik(&world.first, &world.with, "-n 2 -p ci", &[]);
        assert_eq!(told.exits(0).summary(), "2 ran, 0 cached, 2 shared");
        for report in REPORTS {
            assert!(world.first.read(report).contains("<coverage "), "{report}");
        }
    }
}

#[test]
fn without_pytest_a_cold_command_fails_and_nothing_of_it_is_shared() {
    let Some(pytest) = pytest() else { return };
    let world = World::new(&pytest);
    let told = world.qik(&world.second, &world.without, "-p ci", &[]);
    assert_eq!(told.exits(127).summary(), "2 ran, 0 cached, 2 failed");
    assert!(world.server.objects("/ac/").is_empty());
    let told = world.qik(&world.first, &world.with, "-p ci", &[]);
    assert_eq!(told.exits(0).summary(), "2 ran, 0 cached, 2 shared");
    let told = world.qik(&world.second, &world.without, "-p ci", &[]);
    assert_eq!(told.exits(0).summary(), "0 ran, 2 cached");
}
