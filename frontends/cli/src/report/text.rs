//! Logs as plain text: what a report shows of what a command printed.

/// What a terminal would show in the end: without colours and movements, of a line that was written
/// over the last state, without control characters.
pub(crate) fn plain(log: &[u8]) -> String {
    let text = String::from_utf8_lossy(log);
    let text = anstream::adapter::strip_str(&text).to_string();
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let line = line.trim_end_matches('\r');
        let last = line.rsplit('\r').next().unwrap_or_default();
        out.extend(last.chars().filter(|c| !c.is_control() || *c == '\t'));
        out.push_str(end);
    }
    out
}

/// The end of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tail<'a> {
    /// Whole lines where there are any.
    pub text: &'a str,
    /// Whether something before it is left out.
    pub cut: bool,
}

/// The last lines of a text, so many at most, and so many bytes at most.
pub(crate) fn tail(text: &str, lines: usize, bytes: usize) -> Tail<'_> {
    let text = text.trim_end();
    let by_lines =
        text.rmatch_indices('\n').nth(lines.saturating_sub(1)).map_or(0, |(at, _)| at + 1);
    let by_bytes = text.len().saturating_sub(bytes);
    let mut from = by_lines.max(by_bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    if by_bytes > by_lines
        && text.as_bytes()[from - 1] != b'\n'
        && let Some(at) = text[from..].find('\n')
    {
        from += at + 1;
    }
    Tail { text: &text[from..], cut: from > 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_what_a_terminal_shows_in_the_end() {
        let check = |log: &[u8], expected: &str| assert_eq!(plain(log), expected);
        check(b"\x1b[1;31mred\x1b[0m and \x1b]8;;http://x\x07link\x1b]8;;\x07\n", "red and link\n");
        check(b" 1%\r 50%\r100%\ndone\r\n", "100%\ndone\n");
        check(b"a\x00b\x08c\x7f\td\xff", "abc\td\u{fffd}");
        check(b"", "");
        check(b"\n\n  x", "\n\n  x");
    }

    #[test]
    fn a_tail_has_whole_lines_and_says_whether_it_is_cut() {
        let check = |text, lines, bytes, expected, cut| {
            assert_eq!(tail(text, lines, bytes), Tail { text: expected, cut }, "{text}");
        };
        check("a\nb\nc\n", 5, 100, "a\nb\nc", false);
        check("a\nb\nc\n", 2, 100, "b\nc", true);
        check("aaaa\nbb\nc\n", 5, 5, "bb\nc", true);
        check("aaaa\nbb\nc\n", 5, 4, "bb\nc", true);
        check("aaaa\nbb\nc\n", 5, 3, "c", true);
        check("aaaaaa", 5, 3, "aaa", true);
        check("\u{e9}\u{e9}\u{e9}", 5, 3, "\u{e9}", true);
        check("", 5, 3, "", false);
        check("\n\n", 1, 1, "", false);
    }
}
