//! From configuration text to the project: documents are checked against the schema, lowered to
//! the model, and their names resolved; variables get their values; templates are filled in.
//!
//! This room knows no configuration format and reads nothing but through the database's inputs.
#![deny(missing_docs)]

pub mod context;
mod convert;
mod fences;
pub mod lower;
pub mod names;
mod queries;
pub mod resolve;
mod shape;
mod show;
pub mod template;

pub use convert::convert;
pub use queries::{
    command, config_files, context_value, diagnostics, document, env_var, flag, locate, profile,
    project, space,
};
pub use show::{Shown, shown, told};
