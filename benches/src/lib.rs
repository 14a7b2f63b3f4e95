//! Large monorepos out of a seed, measuring of whole processes on them, and a corpus of real Python
//! files. Stands outside the house: it knows the file format and the command line, and of the engine
//! only what `bin/corpus` holds to the corpus.
#![allow(
    clippy::disallowed_methods,
    reason = "benches write trees, start processes and take times"
)]
#![deny(missing_docs)]

mod arguments;
mod children;
mod corpus;
mod plan;
mod python;
mod random;
mod statistics;
mod write;

pub use arguments::Arguments;
pub use children::{Cost, cost};
pub use corpus::Corpus;
pub use plan::{File, Package, Plan, Shape};
pub use random::Random;
pub use statistics::{Sample, median};
pub use write::{Generated, commit, git, write};
