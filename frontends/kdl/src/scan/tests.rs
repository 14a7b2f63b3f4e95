//! Comments, blocks that lead the parser on without end, and marks of KDL 1.

use super::*;

/// Each comment as `start: lines`, with `+` where other things stand before it.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let told = scan(text).comments.into_iter().map(|one| {
        let mark = if one.own_line { "" } else { "+" };
        format!("{mark}{}", one.lines.join("|"))
    });
    assert_eq!(told.collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn comments_are_told_from_texts() {
    check("// a\nb \"// no\" // c\n", &["a", "+c"]);
    check("/* a\n * b /* in */\n */ c", &["a|b /* in */"]);
    check("a #\"// \" \"# // b\n\"\"\"\n// no\n\"\"\"", &["+b"]);
    check("a \"\\\" // no\" // b", &["+b"]);
    check("a \"open // no\n// b", &["b"]);
    check("//", &[""]);
    check("/*", &[""]);
}

#[test]
fn blocks_that_the_parser_would_not_survive_are_found() {
    assert!(scan(&"a {".repeat(8)).fault.is_none());
    assert_eq!(scan(&"a {".repeat(9)).fault.unwrap().0, 26..27);
    assert_eq!(scan("a { } }").fault.unwrap().0, 6..7);
    assert!(scan("a \"}\" #\"}\"# /* } */ // }").fault.is_none());
    assert!(scan(&"/*".repeat(100_000)).fault.is_some());
}

#[test]
fn blocks_that_are_commented_out_are_counted_where_they_may_be_read_anew() {
    let blocks = |count| "a /-{ ".repeat(count);
    for slip in ["b\"", "b \"\\q ", "b \"\"\"", "b (\"", "\"b\"\" "] {
        let text = |count| format!("{slip}{} \"\"\"\n", blocks(count));
        assert!(scan(&text(8)).fault.is_none(), "{slip}");
        assert!(scan(&text(9)).fault.is_some(), "{slip}");
    }
    assert!(scan(&format!("b #\"{}\"#\n", blocks(9))).fault.is_none());
    assert!(scan(&"b \"x\" /-{ }\n".repeat(20)).fault.is_none());
    assert!(scan(&format!("b {{\n{}}}", "c /-{ }\n".repeat(20))).fault.is_none());
    for far in [" ", "\n", "\\\n", "/* x */", "// x\n", " /* { */ "] {
        assert_eq!(commented_blocks(&format!("/-{far}{{")), 1, "{far}");
    }
    assert_eq!(commented_blocks("/-a { /- b \"{\""), 0);
}

#[test]
fn what_only_the_first_version_writes_is_marked() {
    for (text, mark) in [
        ("a true", "true"),
        ("a b=null", "null"),
        ("a r\"x\"", "r\"x\""),
        ("a r#\"x \" y\"#", "r#\"x \" y\"#"),
        ("/- kdl-version 1\na", "/- kdl-version 1"),
    ] {
        assert_eq!(&text[scan(text).old.unwrap()], mark);
    }
    for text in ["a #true", "a \"true\"", "a #\"r\"#", "untrue x", "/- kdl-version 2", "// true"] {
        assert_eq!(scan(text).old, None, "{text}");
    }
}
