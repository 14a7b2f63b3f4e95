//! Distributions: which ones an environment or a lock file has, what they are imported by, and what
//! they need. Plain functions over [`Look`]; knows no salsa, no configuration, no Python source.
//!
//! The way through it: [`environments`] finds the folders, [`read_site`] reads them (kept by
//! [`encode`] while [`Site::is_fresh`]), [`Distributions`] answers; where no environment is at hand,
//! [`lock`] gives [`Distributions`] too, and an [`ImportMap`] from `.qik/artifacts/pygraph` tells
//! which import belongs to which of them.

mod closure;
mod codec;
mod distribution;
mod editable;
mod environment;
pub mod import_map;
pub mod lock;
mod look;
mod metadata;
mod names;
pub mod python;
mod requirement;
mod site;
mod stdlib;

pub use closure::{Closures, Extras, asked_extras, closure};
pub use codec::{decode, encode};
pub use distribution::{Distribution, Distributions, Source, canonical_version};
pub use environment::{Candidates, Environment, Found, environment, environments};
pub use import_map::ImportMap;
pub use look::Look;
pub use python::PythonVersion;
pub use requirement::{Requirement, Target, Wanted, normalise};
pub use site::{Site, listing, read_site};
pub use stdlib::{is_always_stdlib, is_stdlib, stdlib_names};
