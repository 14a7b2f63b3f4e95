//! What the caches promise, on real files and with real git.
#![allow(clippy::disallowed_methods, reason = "tests look at the files behind the door")]

mod bounds;
mod contract;
mod crash;
mod crash_shared;
mod dying;
mod failure;
mod known;
mod local;
mod merge;
mod project;
mod repo;
mod restore;
mod server;
mod tools;
mod trust;
