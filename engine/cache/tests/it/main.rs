//! What the caches promise, on real files and with real git.
#![allow(clippy::disallowed_methods, reason = "tests look at the files behind the door")]

mod crash;
mod dying;
mod local;
mod merge;
mod project;
mod repo;
mod restore;
