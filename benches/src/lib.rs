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
pub mod compare;
mod corpus;
mod plan;
mod program;
mod python;
mod random;
mod size;
mod statistics;
mod third_party;
mod tools;
mod write;

pub use arguments::Arguments;
pub use children::{Cost, cost, cost_within};
pub use corpus::Corpus;
pub use plan::{File, Package, Plan, Shape};
pub use program::program;
pub use python::text as file_text;
pub use random::Random;
pub use size::Size;
pub use statistics::{Sample, median};
pub use tools::{Generated, Tool, toml};
pub use write::{commit, git, write};
