//! Every code that a report can carry, with the page that `qik --explain-error CODE` prints.

mod config;
mod lint;
mod python;
mod running;
mod storage;

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
    all().find(|known| known.code == code)
}

/// All of them, sorted within each room.
pub fn all() -> impl Iterator<Item = &'static Code> {
    config::CODES
        .iter()
        .chain(lint::CODES)
        .chain(python::CODES)
        .chain(running::CODES)
        .chain(storage::CODES)
}

const fn code(code: &'static str, title: &'static str, page: &'static str) -> Code {
    Code { code, title, page }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{all, find};

    #[test]
    fn codes_are_unique_and_searchable() {
        let unique: BTreeSet<&str> = all().map(|code| code.code).collect();
        assert_eq!(unique.len(), all().count());
        assert_eq!(find("config/cycle").map(|code| code.code), Some("config/cycle"));
        assert_eq!(find("config/none-such"), None);
    }

    #[test]
    fn codes_and_titles_have_one_form_and_pages_say_something() {
        for one in all() {
            let plain =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '/');
            assert!(one.code.chars().all(plain), "{}", one.code);
            assert_eq!(one.code.matches('/').count(), 1, "{}", one.code);
            assert!(!one.title.ends_with('.') && !one.title.is_empty(), "{}", one.code);
            assert!(one.page.len() > 80 && one.page.ends_with(['.', ']', '"']), "{}", one.code);
            assert!(one.page.lines().all(|line| line.chars().count() <= 102), "{}", one.code);
        }
    }
}
