//! The room from outside: configurations and what is said of them, and what is not computed again.
#![allow(clippy::disallowed_methods, reason = "goldens are read from the checkout itself")]

mod codes;
mod golden;
mod render;
mod reuse;
mod snapshot;
