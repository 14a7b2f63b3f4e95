//! The imports of one Python file, from its bytes alone.
//!
//! There are two ways. [`judged`] parses the whole file with tree-sitter. [`facts`] looks for the
//! words that may count, tells code from strings and comments by jumping from one to the next, reads
//! plain statements by hand, hands others to tree-sitter one by one, and gives the file to the full
//! parse where it isn't sure; it is a hundred times as fast, and the two agree (`benches` compares
//! them on a large corpus).
//!
//! What counts as a syntax error is what may hide an import: a string or a bracket that is never
//! closed, a closing bracket too many, an import statement that can't be read, a NUL byte. Other
//! errors are left to those who run the file. Nothing here knows of paths, of resolution or of salsa.
//!
//! ```
//! use qik_python::scan::{Imported, facts};
//!
//! let facts = facts(b"from app.models import User  # a comment\n");
//! let import = facts.imports().next().unwrap();
//! assert_eq!((import.module, import.imported), ("app.models", Imported::Name("User")));
//! assert_eq!((import.line, import.column), (1, 24));
//! ```

mod calls;
mod draft;
mod facts;
mod fast;
mod judge;
mod lex;
mod pack;
mod statement;
mod strings;
mod triggers;
mod words;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

pub use draft::PRAGMA;
pub use facts::{FACTS_VERSION, FileFacts, Import, ImportKind, Imported, Line, SyntaxError};

use draft::{Draft, DraftError};
use lex::Halt;

/// The facts of a file.
pub fn facts(bytes: &[u8]) -> FileFacts {
    read(bytes, fast::read)
}

/// The facts of a file by the full parse alone: what [`facts`] is held to.
pub fn judged(bytes: &[u8]) -> FileFacts {
    read(bytes, |_| Err(Halt::Odd))
}

fn read(bytes: &[u8], fast: impl Fn(&[u8]) -> Result<Draft<'_>, Halt>) -> FileFacts {
    let source = newlines(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let (draft, error) = match fast(&source) {
        Ok(draft) => (draft, None),
        Err(Halt::Odd) => (judge::whole(&source), None),
        Err(Halt::Broken(error)) => (judge::whole(&source), Some(error)),
    };
    let nul = memchr(0, &source).map(|at| DraftError { at, message: "this file holds a NUL byte" });
    let error = error.or(nul).or(draft.error.clone());
    Draft { error, ..draft }.finish(&source)
}

/// A carriage return alone ends a line for Python as well.
fn newlines(bytes: &[u8]) -> Cow<'_, [u8]> {
    let alone = |at: usize| bytes.get(at + 1) != Some(&b'\n');
    if !memchr_iter(b'\r', bytes).any(alone) {
        return Cow::Borrowed(bytes);
    }
    let mut owned = bytes.to_vec();
    for at in memchr_iter(b'\r', bytes).filter(|at| alone(*at)) {
        owned[at] = b'\n';
    }
    Cow::Owned(owned)
}
