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
mod formatter;
mod fresh_clone;
mod imports;
mod input_changes;
mod order;
mod output;
mod qikx;
mod reality;
mod reasons;
mod remote;
mod selection;
#[path = "../../../../engine/cache/tests/it/server.rs"]
mod server;
mod shards;
mod since;
mod stopping;
mod templates;
mod variables;
mod venv_forms;
mod venvs;
