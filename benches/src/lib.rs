//! Large monorepos out of a seed, and measuring of whole processes on them. Stands outside the
//! house: it knows no room of the engine, only the file format and the command line.
#![allow(
    clippy::disallowed_methods,
    reason = "benches write trees, start processes and take times"
)]
#![deny(missing_docs)]

mod arguments;
mod plan;
mod python;
mod random;
mod statistics;
mod write;

pub use arguments::Arguments;
pub use plan::{File, Package, Plan, Shape};
pub use random::Random;
pub use statistics::{Sample, median};
pub use write::{commit, write};
