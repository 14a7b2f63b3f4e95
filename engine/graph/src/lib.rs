//! Runnables, what they depend on, their order, and the selection that needs no cache.
//!
//! Knows the configuration; does not know any file's state, any fingerprint or any cache.

mod enumerate;
mod filled;
mod render;
mod requirements;
mod selection;
mod venv_steps;

pub use enumerate::{Runnable, RunnableKey, Runnables, default_space, runnable, runnables};
pub use filled::{Definition, Deps, Load, Pydist, Pygraph, Rendered, Settings, Upstream, Val};
pub use render::{definition, definition_of};
pub use selection::{Selected, Selection, select};
