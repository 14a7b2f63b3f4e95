//! What qik promises its users, shown by the real binary on real files with real git.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests look at the files behind the door, and say what tool they lack"
)]

mod pipelines;
mod project;

mod artifacts;
mod caches;
mod ci_output;
mod configuration;
mod cookbook;
mod cookbook_remote;
mod distributions;
mod environment;
mod events;
mod fail_fast;
mod fences;
mod flaky;
mod formats;
mod formatter;
mod fresh_clone;
mod full_disk;
mod imports;
mod input_changes;
mod lints;
mod order;
mod output;
mod persistent;
mod persistent_watch;
mod qikx;
mod reality;
mod reasons;
mod remote;
mod reports;
mod selection;
#[path = "../../../../engine/cache/tests/it/server.rs"]
mod server;
mod shards;
mod since;
mod states;
mod stopping;
mod templates;
mod timings;
mod twins;
mod two_processes;
mod variables;
mod venv_forms;
mod venvs;
mod verbs;
mod watch;
mod watch_meanwhile;
mod watching;
