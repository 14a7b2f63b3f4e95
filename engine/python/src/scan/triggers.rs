//! The places in a file at which something may stand that counts, found by substring search alone:
//! in code, in strings or in comments, which is for the scanner to tell.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::words::{self, is_word};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The keyword `import`.
    Import,
    /// `import_module`, `__import__`.
    Loader,
    /// `iter_modules`, `walk_packages`.
    Walker,
    /// `__path__`
    Path,
    /// `__getattr__`
    Getattr,
    /// `pytest_plugins`
    Plugins,
    /// `TYPE_CHECKING`
    TypeChecking,
    /// An assignment to a name in capitals at the left margin.
    Setting,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Trigger {
    pub(super) at: usize,
    pub(super) kind: Kind,
    /// One past the word.
    pub(super) end: usize,
}

#[derive(Debug)]
pub(super) struct Triggers {
    pub(super) sorted: Vec<Trigger>,
    /// Whether the file speaks of `pkgutil` at all.
    pub(super) pkgutil: bool,
}

struct Finders {
    import: Finder<'static>,
    pkgutil: Finder<'static>,
    others: [(Finder<'static>, Kind); 4],
    walkers: [Finder<'static>; 2],
}

static FINDERS: LazyLock<Finders> = LazyLock::new(|| Finders {
    import: Finder::new("import"),
    pkgutil: Finder::new("pkgutil"),
    others: [
        (Finder::new(words::TYPE_CHECKING), Kind::TypeChecking),
        (Finder::new("__path__"), Kind::Path),
        (Finder::new("__getattr__"), Kind::Getattr),
        (Finder::new("pytest_plugins"), Kind::Plugins),
    ],
    walkers: [Finder::new("iter_modules"), Finder::new("walk_packages")],
});

pub(super) fn find(source: &[u8]) -> Triggers {
    let finders = &*FINDERS;
    let mut sorted = Vec::new();
    sorted.extend(finders.import.find_iter(source).filter_map(|at| import(source, at)));
    let ordered = sorted.len();
    for (finder, kind) in &finders.others {
        sorted.extend(
            finder
                .find_iter(source)
                .filter_map(|at| whole_word(source, at, at + finder.needle().len(), *kind)),
        );
    }
    let pkgutil = finders.pkgutil.find(source).is_some();
    for finder in finders.walkers.iter().filter(|_| pkgutil) {
        sorted.extend(
            finder
                .find_iter(source)
                .filter_map(|at| whole_word(source, at, at + finder.needle().len(), Kind::Walker)),
        );
    }
    settings(source, &mut sorted);
    if sorted.len() > ordered {
        sorted.sort_by_key(|trigger| trigger.at);
    }
    Triggers { sorted, pkgutil }
}

/// The keyword, or one of the names that hold its letters.
fn import(source: &[u8], at: usize) -> Option<Trigger> {
    const KEYWORD: usize = "import".len();
    let rest = &source[at + KEYWORD..];
    if rest.starts_with(b"_module") {
        return whole_word(source, at, at + "import_module".len(), Kind::Loader);
    }
    if rest.starts_with(b"__") && source[..at].ends_with(b"__") {
        return whole_word(source, at - 2, at + KEYWORD + 2, Kind::Loader);
    }
    whole_word(source, at, at + KEYWORD, Kind::Import)
}

fn whole_word(source: &[u8], at: usize, end: usize, kind: Kind) -> Option<Trigger> {
    let before = at.checked_sub(1).is_some_and(|before| is_word(source[before]));
    let after = source.get(end).is_some_and(|after| is_word(*after));
    (!before && !after).then_some(Trigger { at, kind, end })
}

/// Lines that start with a capital letter, looked for many bytes at a time.
fn settings(source: &[u8], found: &mut Vec<Trigger>) {
    const STEP: usize = 64;
    let capital = |byte: u8| byte.wrapping_sub(b'A') < 26;
    found.extend(setting(source, 0));
    let mut start = 0;
    while start + 1 < source.len() {
        let end = (start + STEP).min(source.len() - 1);
        let (these, next) = (&source[start..end], &source[start + 1..end + 1]);
        let pairs = these.iter().zip(next);
        if pairs.clone().fold(false, |any, (a, b)| any | ((*a == b'\n') & capital(*b))) {
            let starts = pairs.enumerate().filter(|(_, (a, b))| **a == b'\n' && capital(**b));
            found.extend(starts.filter_map(|(i, _)| setting(source, start + i + 1)));
        }
        start = end;
    }
}

fn setting(source: &[u8], at: usize) -> Option<Trigger> {
    let rest = &source[at..];
    let length = rest.iter().position(|byte| !is_word(*byte))?;
    if !words::in_capitals(&rest[..length]) {
        return None;
    }
    let after = rest[length..].trim_ascii_start();
    let assigned = match after {
        [b'=', b'=', ..] => false,
        // A backslash: perhaps.
        [b'=' | b':' | b'\\', ..] | [b'+', b'=', ..] => true,
        _ => false,
    };
    assigned.then_some(Trigger { at, kind: Kind::Setting, end: at + length })
}
