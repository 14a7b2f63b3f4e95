//! What qik promises its users, shown by the real binary on real files with real git.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests look at the files behind the door, and say what tool they lack"
)]

mod pipelines;
mod project;

mod caches;
mod configuration;
mod cookbook;
mod distributions;
mod environment;
mod fences;
mod formats;
mod formatter;
mod fresh_clone;
mod imports;
mod input_changes;
mod lints;
mod order;
mod output;
mod reality;
mod reasons;
mod remote;
mod selection;
#[path = "../../../../engine/cache/tests/it/server.rs"]
mod server;
mod since;
mod stopping;
mod third_format;
