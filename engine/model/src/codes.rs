//! Every code that a report can carry, with the page that `qik --explain-error CODE` prints.

/// A code and what there is to know about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Stable and searchable.
    pub code: &'static str,
    /// One line.
    pub title: &'static str,
    /// The page: what is wrong, why qik minds, what to do.
    pub page: &'static str,
}

/// The page of `code`.
pub fn find(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|known| known.code == code)
}

/// All of them, sorted.
pub const CODES: &[Code] = &[];
