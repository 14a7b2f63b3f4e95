//! What a run of a shell line promises, with real processes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::*;

fn spec(line: &str) -> ProcessSpec {
    ProcessSpec {
        shell_line: line.into(),
        cwd: "/".into(),
        env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
        timeout: None,
        terminal: false,
    }
}

fn run_spec(spec: &ProcessSpec, stop: &Stop) -> (Exit, String) {
    let mut log = Vec::new();
    let exit = run(spec, stop, &mut |bytes| log.extend_from_slice(bytes)).unwrap();
    (exit, String::from_utf8(log).unwrap())
}

#[track_caller]
fn check(line: &str, exit: Exit, output: &str) {
    let (got, log) = run_spec(&spec(line), &Stop::new().unwrap());
    assert_eq!((got, log.as_str()), (exit, output), "{line}");
}

#[test]
fn output_comes_in_the_order_written() {
    check("echo a; echo b >&2; echo c", Exit::Code(0), "a\nb\nc\n");
}

#[test]
fn codes_and_signals_are_told_apart() {
    check("exit 7", Exit::Code(7), "");
    check("kill -9 $$", Exit::Signal(9), "");
    assert_eq!(Exit::Signal(9).code(), 137);
    assert_eq!(Exit::TimedOut.code(), 124);
    assert_eq!(Exit::Stopped(2).code(), 130);
    assert_eq!(Exit::Stopped(15).code(), 143);
}

#[test]
fn the_environment_is_what_was_given() {
    let mut spec = spec("echo $FOO; env | grep -c CARGO");
    spec.env.push(("FOO".into(), "bar baz".into()));
    assert_eq!(run_spec(&spec, &Stop::new().unwrap()).1, "bar baz\n0\n");
}

#[test]
fn stdin_is_empty() {
    check("cat; echo end", Exit::Code(0), "end\n");
}

#[test]
fn much_output_arrives_whole() {
    let (exit, log) = run_spec(&spec("seq 1 200000"), &Stop::new().unwrap());
    assert_eq!((exit, log.lines().count()), (Exit::Code(0), 200_000));
}

#[test]
fn a_child_that_closes_its_output_is_waited_for() {
    check("exec >&- 2>&-; sleep 0.2; exit 3", Exit::Code(3), "");
}

#[test]
fn what_stays_in_the_background_does_not_hold_us() {
    let start = Instant::now();
    check("sleep 30 & echo started", Exit::Code(0), "started\n");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn late_output_of_the_background_is_taken_for_a_moment() {
    check("(sleep 0.05; echo late) & echo early", Exit::Code(0), "early\nlate\n");
}

#[test]
fn a_chatty_background_does_not_hold_us() {
    let start = Instant::now();
    let line = "(while :; do echo x; sleep 0.01; done) & echo $!";
    let (exit, log) = run_spec(&spec(line), &Stop::new().unwrap());
    assert_eq!(exit, Exit::Code(0));
    assert!(start.elapsed() < Duration::from_secs(5));
    let pid = log.lines().find_map(|line| line.parse().ok()).and_then(Pid::from_raw).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
}

#[test]
fn time_that_is_up_ends_the_whole_group() {
    let mut spec = spec("sleep 61 & sleep 61; echo never");
    spec.timeout = Some(Duration::from_millis(100));
    let start = Instant::now();
    assert_eq!(run_spec(&spec, &Stop::new().unwrap()), (Exit::TimedOut, String::new()));
    assert!(start.elapsed() < GRACE);
}

#[test]
fn what_does_not_listen_is_killed_after_a_grace() {
    let mut spec = spec("trap '' TERM; echo on; while :; do sleep 0.1; done");
    spec.timeout = Some(Duration::from_millis(100));
    let start = Instant::now();
    assert_eq!(run_spec(&spec, &Stop::new().unwrap()), (Exit::TimedOut, "on\n".into()));
    assert!(start.elapsed() >= GRACE && start.elapsed() < GRACE * 3);
}

#[test]
fn a_stop_reaches_the_group_by_its_signal() {
    for signal in [2, 15] {
        // As in qik itself: commands don't ignore what is heard here, though a job in the background of a
        // script was told to ignore it.
        let dies = Arc::new(AtomicBool::new(true));
        signal_hook::flag::register_conditional_default(signal, dies).unwrap();
        let stop = Stop::new().unwrap();
        let asker = stop.clone();
        let mut log = Vec::new();
        // Not `wait`: a shell that hears the signal right before it waits acts on it only afterwards.
        // A shell tells on its standard error that a `sleep` it was waiting for was ended.
        let line = "exec 2> /dev/null; \
                    trap 'echo int; exit' INT; trap 'echo term; exit' TERM; echo on; \
                    sleep 61 & while :; do sleep 0.05; done";
        let exit = run(&spec(line), &stop, &mut |bytes| {
            log.extend_from_slice(bytes);
            if log == b"on\n" {
                asker.request(signal);
            }
        });
        let said: &[u8] = if signal == 2 { b"on\nint\n" } else { b"on\nterm\n" };
        assert_eq!((exit.unwrap(), log.as_slice()), (Exit::Stopped(signal), said));
    }
}

#[test]
fn a_second_request_kills_at_once() {
    let stop = Stop::new().unwrap();
    let asker = stop.clone();
    let start = Instant::now();
    let line = "trap '' INT TERM; echo on; while :; do sleep 0.1; done";
    let exit = run(&spec(line), &stop, &mut |_| {
        asker.request(2);
        asker.request(2);
    });
    assert_eq!(exit.unwrap(), Exit::Stopped(2));
    assert!(start.elapsed() < GRACE);
}

#[test]
fn after_a_stop_nothing_is_started() {
    let stop = Stop::new().unwrap();
    stop.request(15);
    assert_eq!(run_spec(&spec("echo x"), &stop), (Exit::Stopped(15), String::new()));
}

#[test]
fn a_missing_folder_is_an_error() {
    let mut spec = spec("true");
    spec.cwd = "/does/not/exist".into();
    assert!(run(&spec, &Stop::new().unwrap(), &mut |_| {}).is_err());
}

#[test]
fn without_process_descriptors_a_thread_waits() {
    let mut child = Command::new("/bin/sh").args(["-c", "sleep 0.05"]).spawn().unwrap();
    let watch = ExitWatch::by_thread(pid_of(&child)).unwrap();
    poll(&mut [PollFd::new(&watch.0, PollFlags::IN)], None).unwrap();
    assert!(child.try_wait().unwrap().is_some());
}
