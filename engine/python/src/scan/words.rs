//! The words that both ways look for, and the questions asked about them. Knows bytes, no syntax.

use memchr::{memchr, memmem, memrchr};

pub(super) const TYPE_CHECKING: &[u8] = b"TYPE_CHECKING";

/// Whether a byte may stand in an identifier; what is not ASCII may.
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// A function that loads a module by its name.
pub(super) fn is_loader(name: &[u8]) -> bool {
    matches!(name, b"import_module" | b"__import__")
}

/// A function of `pkgutil` that lists modules.
pub(super) fn is_walker(name: &[u8]) -> bool {
    matches!(name, b"iter_modules" | b"walk_packages")
}

/// Whether a name taken by `from … import` may be used unseen: a lister, or a loader renamed.
pub(super) fn is_hidden(name: &[u8], aliased: bool, pkgutil: bool) -> bool {
    pkgutil && is_walker(name) || aliased && is_loader(name)
}

/// The boilerplate of old namespace packages: it speaks of `__path__` and loads nothing.
pub(super) fn extends_path(source: &[u8], at: usize) -> bool {
    let start = memrchr(b'\n', &source[..at]).map_or(0, |newline| newline + 1);
    let end = memchr(b'\n', &source[at..]).map_or(source.len(), |newline| at + newline);
    memmem::find(&source[start..end], b"extend_path").is_some()
}

/// Whether parameters in their parentheses are one.
pub(super) fn takes_one(parameters: &[u8]) -> bool {
    let inner = parameters.strip_prefix(b"(").and_then(|inner| inner.strip_suffix(b")"));
    inner.is_some_and(|inner| {
        let inner = inner.trim_ascii();
        let inner = inner.strip_suffix(b",").unwrap_or(inner);
        !inner.is_empty() && !inner.contains(&b',')
    })
}

/// A name like `INSTALLED_APPS`.
pub(super) fn in_capitals(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_uppercase)
        && name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
}

/// Whether text is `a.b.`, in front of an attribute.
pub(super) fn is_object(text: &[u8]) -> bool {
    text.strip_suffix(b".").is_some_and(is_dotted)
}

/// Whether text reads like the name of a module: words between dots.
pub(super) fn is_dotted(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'.').all(|word| {
        word.first().is_some_and(|first| !first.is_ascii_digit())
            && word.iter().all(|byte| is_word(*byte))
    })
}

/// Whether a string in a setting may name a module; a single word only in lists of applications.
pub(super) fn is_setting(name: &[u8], text: &[u8]) -> bool {
    is_dotted(text) && (memchr(b'.', text).is_some() || name.ends_with(b"APPS"))
}

/// Words that a block may start with which goes on behind its colon, at the left margin.
pub(super) fn opens_block(word: &[u8]) -> bool {
    matches!(
        word,
        b"async"
            | b"class"
            | b"def"
            | b"elif"
            | b"else"
            | b"except"
            | b"finally"
            | b"for"
            | b"if"
            | b"try"
            | b"while"
            | b"with"
    )
}

/// Words that no module can be called by.
pub(super) fn is_keyword(word: &[u8]) -> bool {
    matches!(
        word,
        b"and"
            | b"as"
            | b"assert"
            | b"async"
            | b"await"
            | b"break"
            | b"class"
            | b"continue"
            | b"def"
            | b"del"
            | b"elif"
            | b"else"
            | b"except"
            | b"False"
            | b"finally"
            | b"for"
            | b"from"
            | b"global"
            | b"if"
            | b"import"
            | b"in"
            | b"is"
            | b"lambda"
            | b"None"
            | b"nonlocal"
            | b"not"
            | b"or"
            | b"pass"
            | b"raise"
            | b"return"
            | b"True"
            | b"try"
            | b"while"
            | b"with"
            | b"yield"
            | b"print"
            | b"exec"
    )
}
