//! What a run leaves for other programs and for people who were not there: `report.json`, JUnit XML,
//! Markdown, and the listing as JSON.

use std::collections::BTreeMap;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;

use crate::project::{Project, tell, until};

/// One runnable of each kind.
const ALL: &str = r#"
[spaces.default]
modules = ["a", "b&<c>\""]

[commands]
bad = { exec = "note; printf 'it <broke> & \\033[31mred\\033[0m \\001 end\\n'; exit 3", deps = ["a"] }
below = { exec = "note", deps = ["a", { type = "command", name = "bad" }] }
good = { exec = "note; echo 'fine {module.dir}'", deps = ["{module.dir}"] }
lacks = { exec = "note", deps = [{ type = "val", file = "none.toml", key = "x" }] }
loose = { exec = "note; printf loose", description = "Never kept" }
group = { deps = [{ type = "command", name = "loose" }] }
"#;

pub fn project() -> Project {
    let project = Project::new(ALL);
    project.write("a/x", "").write("b&<c>\"/x", "");
    project
}

/// Holds files, named between spaces, against one of our schemas, where the checker is there.
#[track_caller]
pub fn check_schema(project: &Project, schema: &str, files: &str) {
    let works = std::process::Command::new("check-jsonschema").arg("--version").output();
    if !works.is_ok_and(|told| told.status.success()) {
        assert!(std::env::var_os("QIK_TEST_REQUIRE_TOOLS").is_none(), "check-jsonschema");
        eprintln!("SKIPPED: check-jsonschema");
        return;
    }
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas").join(schema);
    let mut checker = project.command("check-jsonschema");
    let told = tell(checker.arg("--schemafile").arg(&schema).args(files.split(' ')));
    assert_eq!(told.code, 0, "{}{}", told.out(), told.stderr);
    let mut metaschema = project.command("check-jsonschema");
    let told = tell(metaschema.arg("--check-metaschema").arg(&schema));
    assert_eq!(told.code, 0, "{}{}", told.out(), told.stderr);
}

/// The last run's report, and its runnables by name.
pub fn report(project: &Project) -> (Value, BTreeMap<String, Value>) {
    let report: Value = serde_json::from_str(&project.read("._qik/out/report.json")).unwrap();
    let runnables = report["runnables"].as_array().unwrap().iter();
    let by_name = runnables.map(|one| (one["name"].as_str().unwrap().to_owned(), one.clone()));
    let by_name = by_name.collect();
    (report, by_name)
}

#[test]
fn a_run_leaves_a_report_that_the_schema_describes() {
    let project = project();
    project.qik("-n 2").exits(3);
    check_schema(&project, "report.schema.json", "._qik/out/report.json");
    let (whole, by_name) = report(&project);
    let outcomes: Vec<(&str, &str)> =
        by_name.iter().map(|(name, one)| (&**name, one["outcome"].as_str().unwrap())).collect();
    let expected = [
        ("bad", "failed"),
        ("below", "skipped"),
        ("good@a", "passed"),
        ("good@b&<c>\"", "passed"),
        ("group", "group"),
        ("lacks", "broken"),
        ("loose", "passed"),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!((whole["code"].as_i64(), whole["version"].as_i64()), (Some(3), Some(1)));
    let counts = "{\"selected\":6,\"ran\":4,\"cached\":0,\"failed\":2,\"skipped\":1,\"stopped\":0,\"flaky\":0}";
    assert_eq!(whole["counts"].to_string(), counts);
    let bad = &by_name["bad"];
    assert_eq!((bad["code"].as_i64(), bad["attempts"].as_i64()), (Some(3), Some(1)));
    assert_eq!(
        (&bad["reason"], &bad["log"]),
        (&"no entry yet".into(), &"._qik/out/bad.out".into())
    );
    assert_eq!(by_name["below"]["because-of"], "bad");
    assert_eq!(by_name["below"]["reason"], "bad failed");
    assert_eq!(by_name["good@a"]["module"], "a");
    assert_eq!(by_name["loose"]["cache"], "none");
    let of_cached = by_name["good@a"]["fingerprint"].clone();
    assert!(of_cached.is_string() && by_name["loose"]["fingerprint"].is_null());

    // The next run's report takes its place, also where nothing executes.
    project.qik("good").exits(0);
    check_schema(&project, "report.schema.json", "._qik/out/report.json");
    let (whole, by_name) = report(&project);
    assert_eq!((&whole["counts"]["cached"], &whole["counts"]["ran"]), (&2.into(), &0.into()));
    assert_eq!((&by_name["good@a"]["outcome"], by_name.len()), (&"cached".into(), 2));
    assert_eq!(by_name["good@a"]["fingerprint"], of_cached);
    project.qik("good --cache repo").exits(0);
    let (whole, _) = report(&project);
    assert_eq!(whole["counts"]["cached"], 0, "of a cold cache it is another");
}

#[test]
fn reports_go_to_the_files_that_are_named() {
    let project = project();
    let args = "run good@a --report json=new/r.json --report junit=j.xml --report markdown=m.md";
    project.qik(args).exits(0);
    check_schema(&project, "report.schema.json", "new/r.json");
    assert_eq!(project.read("new/r.json"), project.read("._qik/out/report.json"));
    assert!(project.read("m.md").starts_with("### qik: 1 ran in "));
    assert_eq!(junit(&project.read("j.xml")).len(), 1);

    // Beside `-C`, as if started there.
    project.inside("a").qik("-C .. good@a --report json=up.json").exits(0);
    assert!(project.exists("up.json"));
    project.qik("good@a --report json=a/x/r.json").exits(1).says("report/not-written");
    project.qik("good@a --report xml=r").exits(2).says("junit=FILE");
}

#[test]
fn a_run_that_is_stopped_leaves_a_report_too() {
    let config = "[commands]\na = \"touch $RAN/begun; sleep 60\"\nb = \"true\"\n";
    let project = Project::new(config);
    let run = project.start("-n 1 --report junit=j.xml");
    until("a runs", || project.trace("begun").exists());
    run.signal(rustix::process::Signal::INT);
    run.ends().exits(130);
    check_schema(&project, "report.schema.json", "._qik/out/report.json");
    let (whole, by_name) = report(&project);
    assert_eq!((&whole["stopped-by"], &whole["code"]), (&2.into(), &130.into()));
    assert_eq!(
        (&whole["counts"]["stopped"], &by_name["b"]["outcome"]),
        (&2.into(), &"stopped".into())
    );
    assert_eq!(junit(&project.read("j.xml"))["a"]["skipped"], "stopped by the user");
}

#[test]
fn a_report_that_cannot_be_kept_is_a_note() {
    let project = project();
    std::fs::create_dir_all(project.path("._qik/out/report.json/in-the-way")).unwrap();
    project.qik("good").exits(0).says("run/out-not-written");
}

#[test]
fn a_listing_as_json_tells_all_that_the_schema_says() {
    let project = project();
    let ls = |args: &str| {
        let told = project.qik(&format!("--ls --format json {args}"));
        project.write("._qik/ls.json", told.exits(0).out());
        check_schema(&project, "ls.schema.json", "._qik/ls.json");
        let all: Vec<Value> = serde_json::from_str(&told.out()).unwrap();
        let by_name = all.into_iter().map(|one| (one["name"].as_str().unwrap().to_owned(), one));
        by_name.collect::<BTreeMap<String, Value>>()
    };
    let before = ls("");
    assert_eq!(before.len(), 7);
    let good = &before["good@a"];
    assert_eq!((&good["status"], &good["reason"]), (&"cold".into(), &"no entry yet".into()));
    assert!(good["estimated-seconds"].is_null() && good["fingerprint"].is_string());
    let below = &before["below"];
    assert_eq!(
        (&below["reason"], &below["fingerprint"]),
        (&"upstream bad is cold".into(), &Value::Null)
    );
    let loose = &before["loose"];
    assert_eq!((&loose["status"], &loose["description"]), (&"none".into(), &"Never kept".into()));
    assert!(loose["estimated-seconds"].is_null() && loose["fingerprint"].is_null());
    assert_eq!(project.executed(), [""; 0]);

    project.qik("").exits(3);
    let after = ls("");
    let (_, ran) = report(&project);
    assert_eq!(after["good@a"]["status"], "warm");
    assert_eq!(after["good@a"]["fingerprint"], good["fingerprint"]);
    assert_eq!(after["good@a"]["fingerprint"], ran["good@a"]["fingerprint"]);
    for name in ["good@a", "loose", "bad"] {
        assert_eq!(after[name]["estimated-seconds"], ran[name]["seconds"], "{name}");
    }
    // A filter by status has its own look at it.
    let cold = ls("--cache-status cold");
    assert_eq!(cold.keys().collect::<Vec<_>>(), ["bad", "below", "lacks"]);
    assert_eq!(cold["bad"]["fingerprint"], ran["bad"]["fingerprint"]);
}

#[test]
fn a_plain_listing_computes_no_status() {
    let config =
        "[commands.x]\nexec = \"true\"\ndeps = [{ type = \"exec\", run = \"touch $RAN/asked\" }]\n";
    let project = Project::new(config);
    assert_eq!(project.ls(""), ["x"]);
    assert!(!project.trace("asked").exists());
    project.qik("--ls --format json").exits(0);
    assert!(project.trace("asked").exists());
}

/// The elements of a case, with their text and the attribute that tells most.
type Case = BTreeMap<String, String>;

/// Reads JUnit XML as strictly as its schemas do: which element may lie where, with which attributes;
/// totals are those of the cases. The cases by name.
#[track_caller]
fn junit(text: &str) -> BTreeMap<String, Case> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let (mut path, mut cases) = (Vec::<String>::new(), BTreeMap::<String, Case>::new());
    let (mut suites, mut counted) = (0, 0);
    // The case that is read, and the text.
    let (mut current, mut out) = (String::new(), String::new());
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Start(element) | Event::Empty(element) => {
                let name = element.name().as_ref().to_string();
                let attributes = attributes(element);
                let (parent, needed): (&str, &[&str]) = match &*name {
                    "testsuites" => {
                        ("", &["name", "tests", "failures", "errors", "skipped", "time"])
                    }
                    "testsuite" => (
                        "testsuites",
                        &["name", "tests", "failures", "errors", "skipped", "time", "timestamp"],
                    ),
                    "testcase" => ("testsuite", &["name", "classname", "time"]),
                    "properties" | "system-out" => ("testcase", &[]),
                    "failure" | "error" => ("testcase", &["message", "type"]),
                    "skipped" => ("testcase", &["message"]),
                    "property" => ("properties", &["name", "value"]),
                    other => panic!("`{other}` is no element of JUnit"),
                };
                assert_eq!(path.last().map_or("", |last| &**last), parent, "{name}");
                assert_eq!(attributes.keys().collect::<Vec<_>>(), sorted(needed), "{name}");
                match &*name {
                    "testsuites" => counted = attributes["tests"].parse().unwrap(),
                    "testsuite" => suites += attributes["tests"].parse::<usize>().unwrap(),
                    "testcase" => {
                        attributes["time"].parse::<f64>().unwrap();
                        current = attributes["name"].clone();
                        assert!(cases.insert(current.clone(), Case::new()).is_none());
                    }
                    "property" => {
                        let key = format!("property {}", attributes["name"]);
                        cases.get_mut(&current).unwrap().insert(key, attributes["value"].clone());
                    }
                    "failure" | "error" | "skipped" => {
                        let message = attributes["message"].clone();
                        cases.get_mut(&current).unwrap().insert(name.clone(), message);
                    }
                    _ => {}
                }
                if matches!(event, Event::Start(_)) {
                    path.push(name);
                }
                out.clear();
            }
            Event::Text(said) => out.push_str(said),
            Event::GeneralRef(entity) => {
                out.push_str(quick_xml::escape::resolve_predefined_entity(entity).unwrap());
            }
            Event::End(_) if path.last().is_some_and(|last| last == "system-out") => {
                path.pop();
                cases.get_mut(&current).unwrap().insert("out".into(), std::mem::take(&mut out));
            }
            Event::End(_) => drop(path.pop()),
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!((suites, counted), (cases.len(), cases.len()));
    let legal =
        |c: char| c == '\n' || c == '\t' || c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}');
    assert!(text.chars().all(legal));
    cases
}

fn attributes(element: &BytesStart<'_>) -> BTreeMap<String, String> {
    let attributes = element.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let value = quick_xml::escape::unescape(&attribute.value).unwrap().into_owned();
        (attribute.key.as_ref().to_string(), value)
    });
    attributes.collect()
}

fn sorted<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names
}

#[test]
fn junit_has_a_suite_for_each_command_and_a_case_for_each_runnable() {
    let project = project();
    project.qik("--report junit=j.xml").exits(3);
    let text = project.read("j.xml");
    let cases = junit(&text);
    let names: Vec<&str> = cases.keys().map(|name| &**name).collect();
    assert_eq!(names, ["bad", "below", "good@a", "good@b&<c>\"", "lacks", "loose"]);
    assert_eq!(cases["bad"]["failure"], "exit code 3");
    assert_eq!(cases["bad"]["out"], "it <broke> & red  end");
    assert_eq!(cases["below"]["skipped"], "bad failed");
    assert_eq!(cases["lacks"]["error"], "`none.toml` cannot be read");
    assert_eq!(cases["loose"]["out"], "loose");
    assert_eq!(cases["good@a"]["property reason"], "no entry yet");
    assert!(!cases["good@a"].contains_key("property cached"));
    assert_eq!(text.matches("<testsuite ").count(), 5);

    project.qik("good --report junit=j.xml").exits(0);
    assert_eq!(junit(&project.read("j.xml"))["good@a"]["property cached"], "true");
}

#[test]
fn junit_of_a_long_log_holds_its_end_and_says_where_the_rest_is() {
    let config = "[commands.long]\nexec = \"seq 1 100000; exit 1\"\n";
    let project = Project::new(config);
    project.qik("--report junit=j.xml -v 0").exits(1);
    let text = project.read("j.xml");
    assert!(text.len() < 50_000, "{}", text.len());
    let out = &junit(&text)["long"]["out"];
    assert!(out.ends_with("\n99999\n100000") && out.contains("._qik/out/long.out"), "{out}");
}

/// A run with a summary of the job; what was appended.
fn summary(project: &Project, args: &str, before: &[u8]) -> String {
    let path = project.trace("summary.md");
    std::fs::write(&path, before).unwrap();
    project.qik_in(args, &[("GITHUB_STEP_SUMMARY", path.to_str().unwrap())]);
    let after = std::fs::read(path).unwrap();
    assert!(after.starts_with(before));
    String::from_utf8(after[before.len()..].to_vec()).unwrap()
}

#[test]
fn a_job_gets_a_summary_with_failures_first() {
    let project = project();
    let text = summary(&project, "", b"what was there before\n");
    assert!(text.starts_with("### qik: 2 failed, 1 skipped, 4 ran in "), "{text}");
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part} in\n{text}"));
    assert!(at("| **failed** | `bad` | 0.") < at("| **failed** | `lacks` |  |"));
    assert!(at("| **failed** | `lacks` |") < at("| skipped | `below` |  | bad failed |"));
    assert!(at("| skipped |") < at("<code>bad</code>: its log"));
    assert!(at("```text\nit <broke> & red  end\n```\n") < at("| ran | `good@a` |"));
    assert!(at("| ran | `good@b&<c>\"` |") < at("| ran | `loose` |"));
    assert!(!text.contains("group") && !text.contains('\x1b'), "{text}");
    let text = summary(&project, "good", b"");
    assert!(text.starts_with("### qik: 2 cached in "), "{text}");
    assert!(text.contains("| cached | `good@a` |"));
    let text = summary(&project, "nothing", b"");
    assert_eq!(text, "", "of what is not run there is no summary");
    assert_eq!(summary(&project, "--ls", b""), "");
    assert_eq!(summary(&project, "good --ci-format none", b""), "");
}

#[test]
fn what_is_written_in_logs_and_names_is_no_markup() {
    let config = r#"
[spaces.default]
modules = [{ name = "a|b", path = "m" }]
[commands.x]
exec = "echo '```'; echo '</details> {module.name}'; exit 1"
deps = ["*_x_*"]
"#;
    let project = Project::new(config);
    project.write("1_x_2|3", "");
    let text = summary(&project, "", b"");
    assert!(text.contains("\n````text\n```\n</details> a|b\n````\n"), "{text}");
    assert!(text.contains("| `x@a\\|b` |"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("| **failed**")).count(), 1);
}

#[test]
fn a_summary_stays_within_what_the_service_takes() {
    const LIMIT: usize = 1024 * 1024;
    let modules: Vec<String> = (0..300).map(|at| format!("\"m{at}\"")).collect();
    let modules = modules.join(", ");
    // Each log is longer than what is shown of it.
    let config = format!(
        "[spaces.default]\nmodules = [{modules}]\n[commands.x]\nexec = \"yes {{module.name}} {} | head -60; exit 1\"\n",
        "x".repeat(250)
    );
    let project = Project::new(&config);
    let whole = summary(&project, "-v 0", b"");
    assert!(whole.len() > LIMIT / 2 && whole.len() <= LIMIT, "{}", whole.len());
    assert_eq!(whole.matches("| **failed** |").count(), 300);
    assert!(whole.contains("is too long for this page"), "logs were left out");
    let used = vec![b'x'; LIMIT - 2000];
    let rest = summary(&project, "-v 0", &used);
    assert!((500..=2000).contains(&rest.len()), "{}", rest.len());
    assert!(rest.contains(" more are left out here."), "{rest}");
    assert_eq!(summary(&project, "-v 0", &vec![b'x'; LIMIT]), "", "full");
}
