//! What holds for the engine as a whole.
#![allow(clippy::disallowed_methods, reason = "tests look at the source tree and start processes")]

mod house;
mod keys;
mod samples;
mod schemas;
mod watching;
