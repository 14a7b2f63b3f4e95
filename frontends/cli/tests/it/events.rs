//! `-l json`: what happens, as lines for a program that reads along.

use crate::project::Project;
use crate::reports;

#[test]
fn each_event_is_a_line_that_the_schema_describes() {
    let project = reports::project();
    let lines = project.qik("-l json -n 2").exits(3).out();
    let mut files = Vec::new();
    for (number, line) in lines.lines().enumerate() {
        files.push(format!("._qik/{number}.json"));
        project.write(&files[number], line);
    }
    assert!(files.len() > 10, "{lines}");
    reports::check_schema(&project, "events.schema.json", &files.join(" "));
}

/// Each line with what holds of any run: names, outcomes and what was printed, in the order of events.
#[test]
fn a_program_can_read_along() {
    let project = Project::new(
        "[commands.a]\nexec = \"echo one; echo two >&2\"\ndeps = [\"a.txt\"]\n\
         [commands.b]\nexec = \"exit 3\"\ndeps = [{ type = \"command\", name = \"a\" }]\n\
         [commands.c]\nexec = \"true\"\ndeps = [{ type = \"command\", name = \"b\" }]\n",
    );
    project.write("a.txt", "1");
    let told = project.qik("-l json -n 2");
    assert_eq!((told.exits(3).stderr.as_str(), told.code), ("", 3));
    let lines: Vec<serde_json::Value> =
        told.out().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events = |name: &str| {
        let of_it = lines.iter().filter(|line| line["name"] == name);
        of_it.map(|line| line["event"].as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!((&lines[0]["event"], &lines[0]["count"]), (&"planned".into(), &3.into()));
    let a = events("a");
    assert_eq!((a[0].as_str(), a.last().unwrap().as_str()), ("started", "finished"));
    let printed = lines.iter().filter(|line| line["event"] == "output");
    let printed: String = printed.map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(printed, "one\ntwo\n");
    let ended = |name: &str| {
        let done = |line: &&serde_json::Value| line["event"] == "finished" && line["name"] == name;
        let line = lines.iter().find(done).unwrap();
        (line["outcome"].as_str().unwrap(), line["code"].as_i64().unwrap())
    };
    assert_eq!(
        (ended("a"), ended("b"), ended("c")),
        (("passed", 0), ("failed", 3), ("skipped", 0))
    );
    let last = lines.last().unwrap();
    assert_eq!((&last["event"], &last["code"]), (&"ended".into(), &3.into()));
    let again = project.qik_in("a", &[("QIK__LOGGER", "json")]).exits(0).out();
    assert!(again.contains("\"outcome\":\"cached\""), "{again}");
}
