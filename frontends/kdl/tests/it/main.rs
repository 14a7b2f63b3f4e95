//! The two formats against each other: what is written in one means the same in the other.
#![allow(clippy::disallowed_methods, reason = "configurations are read from the checkout itself")]

mod convert;
mod generated;
mod project;
mod robust;
#[path = "../../../../engine/config/tests/it/snapshot.rs"]
mod snapshot;
mod survive;
