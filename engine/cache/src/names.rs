//! Texts that stand for paths and names: artifact paths in entries, file names of repo entries.
//! Touches no files.

use qik_model::RelPath;

/// A path as an entry writes it: UTF-8, with `%XX` for bytes that are not, and for `%`.
pub fn encode_path(path: &RelPath) -> String {
    let mut text = String::new();
    for chunk in path.as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '%' => text.push_str("%25"),
                other => text.push(other),
            }
        }
        chunk.invalid().iter().for_each(|byte| push_escape(&mut text, *byte));
    }
    text
}

/// The path that an entry means; `None` where the text is not what [`encode_path`] writes, or where
/// it names the project folder or something outside.
pub fn decode_path(text: &str) -> Option<RelPath> {
    let path = RelPath::new(unescape(text)?).filter(|path| !path.is_root())?;
    (encode_path(&path) == text).then_some(path)
}

/// A file name for something that the user named: readable, safe on every file system, and not
/// hidden. Two names never share one, but for those too long to be written out, which end in a
/// digest.
pub(crate) fn file_name(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'.' if text.is_empty() => push_escape(&mut text, byte),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => text.push(byte.into()),
            b'.' | b'_' | b'-' | b'@' | b'+' | b'=' | b',' => text.push(byte.into()),
            other => push_escape(&mut text, other),
        }
    }
    if text.len() > LONGEST {
        text.truncate(LONGEST - 33);
        text.push('~');
        text.push_str(&blake3::hash(name.as_bytes()).to_hex()[..32]);
    }
    text
}

/// The command that a runnable belongs to.
pub(crate) fn command_of(runnable: &str) -> &str {
    runnable.split_once('@').map_or(runnable, |(command, _)| command)
}

/// File systems allow 255 bytes; an ending is added to ours.
const LONGEST: usize = 200;

fn push_escape(text: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    text.push('%');
    text.push(DIGITS[usize::from(byte >> 4)].into());
    text.push(DIGITS[usize::from(byte & 15)].into());
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'%' {
            bytes.push(byte);
            rest = after;
            continue;
        }
        let (digits, after) = after.split_at_checked(2)?;
        let value = |digit: u8| char::from(digit).to_digit(16);
        bytes.push((value(digits[0])? * 16 + value(digits[1])?) as u8);
        rest = after;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_path(bytes: &[u8], text: &str) {
        let path = RelPath::new(bytes).unwrap();
        assert_eq!(encode_path(&path), text);
        assert_eq!(decode_path(text), Some(path));
    }

    #[test]
    fn every_path_survives() {
        check_path(b"dist/a b.txt", "dist/a b.txt");
        check_path("dist/\u{e9}\n".as_bytes(), "dist/\u{e9}\n");
        check_path(b"100%/x", "100%25/x");
        check_path(b"a\xff\xfe/b", "a%FF%FE/b");
        check_path(b"\xf0\x9f", "%F0%9F");
    }

    #[test]
    fn a_text_that_leads_elsewhere_is_no_path() {
        for text in [
            "",
            ".",
            "..",
            "../x",
            "/etc/passwd",
            "a/../../b",
            "a/../b",
            "a//b",
            "a/",
            "./a",
            "%2e%2e/x",
            "%2E%2E/x",
            "a%2F..%2Fb",
            "%",
            "%2",
            "%zz",
            "%+1",
            "%41",
        ] {
            assert_eq!(decode_path(text), None, "{text}");
        }
    }

    #[test]
    fn file_names_are_readable_and_safe() {
        let check = |name: &str, expected: &str| assert_eq!(file_name(name), expected);
        check("lint@svc/api", "lint@svc%2Fapi");
        check("uv.lock@default", "uv.lock@default");
        check("..", "%2E.");
        check(".gitattributes", "%2Egitattributes");
        check("a%2Fb", "a%252Fb");
        check("gr\u{fc}n", "gr%C3%BCn");
    }

    #[test]
    fn long_names_end_in_a_digest() {
        let long = "x".repeat(300);
        let longer = "x".repeat(301);
        assert_eq!(file_name(&long).len(), LONGEST);
        assert_ne!(file_name(&long), file_name(&longer));
    }

    #[test]
    fn a_runnable_names_its_command() {
        assert_eq!(command_of("lint@svc/api"), "lint");
        assert_eq!(command_of("api/lint"), "api/lint");
    }
}
