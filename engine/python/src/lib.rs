//! What qik knows about Python.

pub mod dist;
pub mod scan;
