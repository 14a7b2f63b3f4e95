//! Benches of each room: `cargo bench -p qik-benches`, or `… -- graph` for those with that name. Every result is
//! asserted, and nothing that a bench needs is made while it is timed.
#![allow(clippy::disallowed_methods, reason = "benches write the trees that they look at")]

mod cache;
mod files;
mod fingerprint;
mod graph;
mod model;
mod run;
mod scan;
mod world;

fn main() {
    divan::main();
}
