//! What this room says, held against Python and its tools.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests make environments, ask Python itself, and say what they lack"
)]

mod graph;
mod installed;
mod property;
mod reuse;
mod tools;
