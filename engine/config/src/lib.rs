//! From configuration text to the project: documents are checked against the schema, lowered to
//! the model, and their names resolved; variables get their values; templates are filled in.
//!
//! This room knows no configuration format and reads nothing but through the database's inputs.
#![deny(missing_docs)]

mod circles;
pub mod context;
mod convert;
pub mod dotenv;
mod environment;
mod fences;
pub mod lower;
pub mod names;
mod queries;
mod rendered;
pub mod resolve;
mod shape;
mod show;
pub mod template;
mod variables;
mod venvs;

pub use convert::convert;
pub use environment::{
    ACTIVATION, Environment, FilledKind, FilledUv, FilledVenv, LOCKS, VENVS, environment,
    venv_folder,
};
pub use queries::{
    command, config_files, context_value, diagnostics, document, env_var, flag, locate, profile,
    project, space,
};
pub use rendered::{Rendered, rendered};
pub use show::{Shown, Written, shown, told};
pub use variables::DotenvVariable;
