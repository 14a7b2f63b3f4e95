//! `--timings` and `--trace FILE`: the phases of qik's own work, for people and for viewers of traces.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use qik_session::model::Diagnostic;
use qik_session::system::{
    NotedPhase, Trace, current_dir, phase, start_trace, trace as noted, write_file,
};
use serde_json::{Value, json};

use crate::args::ProjectArgs;
use crate::diagnostics;
use crate::style::Style;

/// The phase that holds all others of its thread.
const ALL: &str = "all";

/// Does `work`, and tells what it took where that is asked for.
pub(crate) fn over(asked: &ProjectArgs, work: impl FnOnce() -> i32) -> i32 {
    if !asked.timings && asked.trace.is_none() {
        return work();
    }
    start_trace();
    let code = {
        let _phase = phase(ALL);
        work()
    };
    let Some(trace) = noted() else { return code };
    if asked.timings {
        // Where it can't be printed there is nobody to tell.
        let _ = io::Write::write_all(&mut io::stderr().lock(), table(&trace).as_bytes());
    }
    let Some(file) = &asked.trace else { return code };
    match write(&trace, file, asked.directory.as_deref()) {
        Ok(()) => code,
        Err(error) => {
            let what = format!("the trace `{}` can't be written: {error}", file.display());
            let error = Diagnostic::error("report/not-written", what)
                .help("may its folder be written, and is there room on the disk?");
            diagnostics::print(&Style::detect(), None, &[error]);
            code.max(1)
        }
    }
}

fn write(trace: &Trace, file: &Path, folder: Option<&Path>) -> io::Result<()> {
    let below = current_dir()?.join(folder.unwrap_or(Path::new("")));
    write_file(&below.join(file), chrome(trace).as_bytes())
}

/// The trace event format of Chrome: complete events, in microseconds.
fn chrome(trace: &Trace) -> String {
    let micros = |time: Duration| time.as_nanos() as f64 / 1e3;
    let main = main_thread(trace);
    let event = |phase: &NotedPhase| {
        json!({
            "name": phase.name, "cat": "qik", "ph": "X", "pid": 1, "tid": phase.thread,
            "ts": micros(phase.start), "dur": micros(phase.time),
            "args": phase.on.as_ref().map_or_else(|| json!({}), |on| json!({ "on": on })),
        })
    };
    let mut threads: Vec<u32> = trace.phases.iter().map(|phase| phase.thread).collect();
    threads.sort_unstable();
    threads.dedup();
    let names = threads.into_iter().map(|thread| {
        let name = if thread == main { "main".into() } else { format!("thread {thread}") };
        let args = json!({ "name": name });
        json!({ "name": "thread_name", "ph": "M", "pid": 1, "tid": thread, "args": args })
    });
    let events: Vec<Value> = names.chain(trace.phases.iter().map(event)).collect();
    let whole = json!({
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {
            "version": env!("CARGO_PKG_VERSION"),
            "cpu-ms": trace.cpu.as_secs_f64() * 1e3,
            "cpu-before-ms": trace.cpu_before.as_secs_f64() * 1e3,
            "peak-memory-bytes": trace.peak_memory,
        },
    });
    format!("{whole}\n")
}

/// All phases of one name at one place: below the same phases of the same thread.
struct Row {
    name: &'static str,
    times: usize,
    time: Duration,
    below: Vec<Row>,
}

/// What each phase took, indented below the one that it is part of; what other threads did meanwhile
/// stands apart, as its time is no part of the whole.
fn table(trace: &Trace) -> String {
    let main = main_thread(trace);
    let all = trace.time.as_secs_f64().max(f64::MIN_POSITIVE);
    let mut text = format!("{:34}{:>7}{:>10}{:>9}\n", "phase", "times", "ms", "of all");
    let (own, beside): (Vec<_>, Vec<_>) =
        trace.phases.iter().partition(|phase| phase.thread == main);
    let phases = rows(own);
    phases.iter().for_each(|row| push(&mut text, row, 0, Some(all)));
    let beside = rows(beside);
    if !beside.is_empty() {
        text.push_str("on other threads\n");
        beside.iter().for_each(|row| push(&mut text, row, 1, None));
    }
    let _ = write!(
        text,
        "{:.1} ms of CPU time on all threads, {:.1} ms before",
        trace.cpu.as_secs_f64() * 1e3,
        trace.cpu_before.as_secs_f64() * 1e3,
    );
    if let Some(bytes) = trace.peak_memory {
        let _ = write!(text, "; at most {:.1} MiB of memory", bytes as f64 / (1 << 20) as f64);
    }
    text.push('\n');
    text
}

fn push(text: &mut String, row: &Row, depth: usize, all: Option<f64>) {
    let (name, time) = (format!("{:indent$}{}", "", row.name, indent = depth * 2), row.time);
    let _ = write!(text, "{name:34}{:>7}{:>10.2}", row.times, time.as_secs_f64() * 1e3);
    if let Some(all) = all {
        let _ = write!(text, "{:>7.0} %", time.as_secs_f64() / all * 100.0);
    }
    text.push('\n');
    row.below.iter().for_each(|row| push(text, row, depth + 1, all));
}

/// Phases of one thread nest: one that begins before another has ended lies within it.
fn rows(mut phases: Vec<&NotedPhase>) -> Vec<Row> {
    // The outer first where two begin at once.
    phases.sort_by_key(|phase| (phase.thread, phase.start, std::cmp::Reverse(phase.time)));
    let mut top: Vec<Row> = Vec::new();
    let mut open: Vec<(&NotedPhase, usize)> = Vec::new();
    for phase in phases {
        let holds = |outer: &NotedPhase| {
            outer.thread == phase.thread && phase.start < outer.start + outer.time
        };
        while open.last().is_some_and(|(outer, _)| !holds(outer)) {
            open.pop();
        }
        let siblings = open.iter().fold(&mut top, |rows, (_, at)| &mut rows[*at].below);
        let at = siblings.iter().position(|row| row.name == phase.name).unwrap_or_else(|| {
            let (times, time, below) = (0, Duration::ZERO, Vec::new());
            siblings.push(Row { name: phase.name, times, time, below });
            siblings.len() - 1
        });
        siblings[at].times += 1;
        siblings[at].time += phase.time;
        open.push((phase, at));
    }
    top
}

/// The thread of the phase that holds all others.
fn main_thread(trace: &Trace) -> u32 {
    let last = trace.phases.iter().rfind(|phase| phase.name == ALL);
    last.map_or(0, |last| last.thread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(name: &'static str, thread: u32, start: u64, time: u64) -> NotedPhase {
        let (start, time) = (Duration::from_millis(start), Duration::from_millis(time));
        NotedPhase { name, on: None, thread, start, time }
    }

    fn sample() -> Trace {
        Trace {
            phases: vec![
                phase("fingerprint", 1, 20, 10),
                NotedPhase { on: Some("lint@app".into()), ..phase("run", 2, 30, 40) },
                phase("fingerprint", 1, 70, 20),
                phase("status", 1, 10, 80),
                phase("all", 1, 0, 100),
            ],
            time: Duration::from_millis(100),
            cpu_before: Duration::from_millis(2),
            cpu: Duration::from_millis(130),
            peak_memory: Some(3 << 20),
        }
    }

    #[test]
    fn phases_stand_below_those_that_they_are_part_of() {
        let expected = "\
phase                               times        ms   of all
all                                     1    100.00    100 %
  status                                1     80.00     80 %
    fingerprint                         2     30.00     30 %
on other threads
  run                                   1     40.00
130.0 ms of CPU time on all threads, 2.0 ms before; at most 3.0 MiB of memory
";
        assert_eq!(table(&sample()), expected);
    }

    #[test]
    fn a_trace_holds_a_whole_event_for_each_phase() {
        let trace: Value = serde_json::from_str(&chrome(&sample())).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let named = |name: &str| events.iter().filter(|event| event["name"] == name).count();
        assert_eq!((events.len(), named("fingerprint"), named("thread_name")), (7, 2, 2));
        let run = events.iter().find(|event| event["name"] == "run").unwrap();
        assert_eq!(run["args"]["on"], "lint@app");
        assert_eq!(
            (&run["ph"], &run["ts"], &run["dur"]),
            (&json!("X"), &json!(30e3), &json!(40e3))
        );
    }
}
