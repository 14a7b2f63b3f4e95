//! Is what qik says right? Commands whose output is the bytes that they read, over random histories
//! of a project; each result is compared with what a real run would give. And qik is killed, over
//! and over, while it stores and restores.
//!
//! `QIK_ORACLE_SEQUENCES` (100) and `QIK_KILLS` (30, and 15 over S3) say how much; `QIK_ORACLE_SEED`
//! where to begin; `QIK_ORACLE_BINARY` which build of qik, if not the one beside the test.

#![allow(clippy::disallowed_methods, reason = "tests stand outside of the engine's one door")]

mod check;
mod defect;
mod kills;
mod kills_shared;
mod processes;
mod project;
mod random;
mod reader;
mod sequence;
#[path = "../../../../engine/cache/tests/it/server.rs"]
mod server;
mod step;
mod tree;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use check::Counts;
use defect::Defect;
use sequence::{Failure, play, play_moving};

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

/// Plays `count` histories on all processors, until one fails.
fn play_all(
    play: fn(u64, Defect) -> Result<Counts, Failure>,
    first: u64,
    count: u64,
    defect: Defect,
) -> Result<Counts, Failure> {
    let next = AtomicU64::new(first);
    let result = Mutex::new(Ok(Counts::default()));
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || result.lock().expect("no panic").is_err() {
                        return;
                    }
                    let played = play(seed, defect);
                    let mut result = result.lock().expect("no panic");
                    match (played, &mut *result) {
                        (Ok(counts), Ok(sum)) => sum.add(counts),
                        (Err(failure), Ok(_)) => *result = Err(failure),
                        (_, Err(_)) => {}
                    }
                }
            });
        }
    });
    result.into_inner().expect("no panic")
}

#[test]
fn each_replay_equals_a_real_run() {
    let first = number("QIK_ORACLE_SEED", 1);
    let sequences = number("QIK_ORACLE_SEQUENCES", 100);
    match play_all(play, first, sequences, Defect::None) {
        Ok(counts) => {
            println!("{sequences} histories: {counts:?}");
            assert!(counts.replays > 0 && counts.replays < counts.results);
        }
        Err(failure) => panic!("{}", failure.shrunk(Defect::None).report()),
    }
}

/// The oracle must fail on this defect, and say what is wrong.
#[track_caller]
fn control(defect: Defect, expected: &[&str]) {
    let failure = play_all(play, 1, 20, defect).expect_err("the oracle saw nothing");
    let is_expected = expected.iter().any(|text| failure.what.contains(text));
    assert!(is_expected, "{}", failure.report());
}

#[test]
fn the_oracle_sees_an_input_that_does_not_count() {
    control(Defect::UndeclaredInput, &["`all` (replayed): its log is"]);
}

#[test]
fn the_oracle_sees_an_old_result_under_a_new_fingerprint() {
    control(Defect::OldResultUnderNewFingerprint, &["(replayed): "]);
}

#[test]
fn the_oracle_sees_half_an_artifact() {
    control(Defect::HalfAnArtifact, &["its artifacts: `out/a.txt`"]);
}

#[test]
fn the_oracle_sees_an_old_log() {
    control(Defect::OldLog, &["`all` (ran): its log is", "`all` (replayed): its log is"]);
}

#[test]
fn the_oracle_sees_lost_warmth() {
    control(Defect::ForgottenEntries, &["lost warmth"]);
}

#[test]
fn inputs_that_move_under_a_run_leave_no_wrong_result() {
    let histories = number("QIK_ORACLE_SEQUENCES", 100).div_ceil(25);
    if let Err(failure) = play_all(play_moving, 1, histories, Defect::None) {
        panic!("{}", failure.report());
    }
}

#[test]
fn the_oracle_sees_results_of_inputs_that_moved() {
    let played = play_all(play_moving, 1, 20, Defect::AcceptedMoves);
    let failure = played.expect_err("the oracle saw nothing");
    assert!(failure.what.contains("(replayed): its log is"), "{}", failure.report());
}
