//! Facts to bytes and back.

use super::super::{FileFacts, facts};
use super::{check, described};

const SOURCE: &str = "\
import a.b
from .......deep import x
from ... import y
from .. import z
if TYPE_CHECKING:
    from a.b import c, d
pytest_plugins = ['p']
INSTALLED_APPS = ['q', 'r.s']
x = import_module('t'); import_module(u)
import größe
";

/// With everything that facts can hold.
fn full() -> FileFacts {
    facts(format!("{SOURCE}x = )\n").as_bytes())
}

#[test]
fn decoding_undoes_encoding() {
    for facts in [full(), facts(SOURCE.as_bytes()), FileFacts::default()] {
        let decoded = FileFacts::decode(facts.encode()).expect("whole");
        assert_eq!(decoded, facts);
        assert_eq!(described(&decoded), described(&facts));
        assert_eq!(decoded.error(), facts.error());
        assert_eq!(decoded.whole_package(), facts.whole_package());
    }
    assert!(full().error().is_some() && full().whole_package() == Some(9));
    assert_eq!(full().dotted_strings().collect::<Vec<_>>(), [("q", 8), ("r.s", 8)]);
    assert_eq!(full().plugins().collect::<Vec<_>>(), [("p", 7)]);
}

#[test]
fn damage_is_none() {
    let whole = full();
    let bytes = whole.encode();
    for length in 0..bytes.len() {
        assert_eq!(FileFacts::decode(&bytes[..length]), None, "cut at {length}");
    }
    assert_eq!(FileFacts::decode(&[bytes, &[0]].concat()), None);
    for at in 0..bytes.len() {
        for flip in [1_u8, 0x10, 0x80, 0xff] {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= flip;
            assert_eq!(FileFacts::decode(&damaged), None, "{flip:x} at {at}");
        }
    }
}

#[test]
fn damage_that_no_checksum_shows_is_no_panic() {
    let whole = full();
    let bytes = whole.encode();
    for at in 0..bytes.len() {
        for flip in [1_u8, 0x10, 0x80, 0xff] {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= flip;
            let facts = FileFacts::new(damaged);
            let _ = format!("{facts:?}{:?}", facts.placeless());
        }
        let cut = FileFacts::new(bytes[..at].to_vec());
        let _ = format!("{cut:?}{:?}", cut.placeless());
    }
}

#[test]
fn another_version_is_none() {
    let mut bytes = full().encode().to_vec();
    bytes[0] = bytes[0].wrapping_add(1);
    assert_eq!(FileFacts::decode(&bytes), None);
}

#[test]
fn moved_lines_change_places_only() {
    let moved = facts(format!("# one more line\n\n{SOURCE}").as_bytes());
    let facts = facts(SOURCE.as_bytes());
    assert_ne!(facts, moved);
    assert_eq!(facts.placeless(), moved.placeless());
    let other = check("import a\n", &["1:8 a"]);
    assert_ne!(other.placeless(), check("import b\n", &["1:8 b"]).placeless());
    assert_ne!(other.placeless(), check("try: import a\n", &["1:13 a C"]).placeless());
}

#[test]
fn a_file_without_imports_is_small() {
    assert!(FileFacts::default().encode().len() < 20);
}
