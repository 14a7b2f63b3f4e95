//! qik's nouns as plain data: what a user writes, what a command is made of, what a result is.
//!
//! This room does nothing: no files, no processes, no salsa, no formats. Every other room speaks in
//! its words.
//!
//! ```
//! use qik_model::{GlobSet, RelPath};
//!
//! let sources = GlobSet::new(["app/**.py", "!app/generated"]).unwrap();
//! assert!(sources.matches(&RelPath::from("app/models/user.py")));
//! assert!(!sources.matches(&RelPath::from("app/generated/api.py")));
//! ```
#![deny(missing_docs)]

pub mod codes;
pub mod comments;
pub mod diagnostic;
mod digest;
pub mod document;
mod glob;
mod path;
mod project;
mod python;
mod result;
pub mod schema;
mod schema_tables;
mod space;
pub mod syntax;
pub mod units;
mod watch;

pub use diagnostic::{Diagnostic, Origin, Place, Severity, Span, Step};
pub use digest::{BlobId, Digest, Fingerprint, NotHex};
pub use document::ConfigDocument;
pub use glob::{BadGlob, GlobSet};
pub use path::RelPath;
pub use project::*;
pub use python::*;
pub use result::*;
pub use space::*;
pub use syntax::{ConfigSyntax, Parsed};
pub use watch::*;
