//! Workflow commands of GitHub Actions, and lines of logs that name a place.

/// The text of a command, escaped as the runner unescapes it.
pub(crate) fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// An error beside the sources (file, line, column), or beside the job.
pub(crate) fn error(title: &str, place: Option<(&str, u32, Option<u32>)>, message: &str) -> String {
    let place = place.map_or_else(String::new, |(file, line, column)| {
        let column = column.map_or_else(String::new, |column| format!("col={column},"));
        format!("file={},line={line},{column}", property(file))
    });
    format!("::error {place}title={}::{}\n", property(title), data(message))
}

/// A line of a log that names a place: `PATH:LINE: MESSAGE` or `PATH:LINE:COLUMN: MESSAGE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Located<'a> {
    pub path: &'a str,
    pub line: u32,
    pub column: Option<u32>,
    pub message: &'a str,
}

impl Located<'_> {
    /// Whether it is no error by its own words.
    pub fn is_aside(&self) -> bool {
        ["note:", "warning:", "info:"].iter().any(|word| self.message.starts_with(word))
    }
}

/// The place that a line begins with.
pub(crate) fn located(line: &str) -> Option<Located<'_>> {
    let (path, rest) = line.trim_start().split_once(':')?;
    let (number, rest) = rest.split_once(':')?;
    let number = whole(number)?;
    let (column, message) = match rest.split_once(':') {
        Some((column, message)) if whole(column).is_some() => (whole(column), message),
        _ => (None, rest),
    };
    let message = message.strip_prefix(' ')?.trim();
    let is_place = !path.is_empty() && !message.is_empty();
    is_place.then_some(Located { path, line: number, column, message })
}

fn whole(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_name_a_place_are_found() {
        let check = |line: &str, expected: Option<(&str, u32, Option<u32>, &str)>| {
            let found = located(line).map(|l| (l.path, l.line, l.column, l.message));
            assert_eq!(found, expected, "{line}");
        };
        check("app/a.py:3:8: F401 `os` unused", Some(("app/a.py", 3, Some(8), "F401 `os` unused")));
        check("app/a.py:3: error: x: y", Some(("app/a.py", 3, None, "error: x: y")));
        check("  a b.py:3: AssertionError", Some(("a b.py", 3, None, "AssertionError")));
        for line in [
            "",
            "a.py",
            "a.py:3",
            "a.py:3:",
            "a.py:x: no",
            "a.py:0: no",
            "a.py:+3: no",
            ":3: no",
            "a.py:3:4:",
            "a.py:3:no",
            "a.py:99999999999: no",
            "a.py: 3: no",
        ] {
            check(line, None);
        }
    }

    #[test]
    fn nothing_breaks_out_of_a_command() {
        let place = Some(("a,b:c\n.py", 3, Some(4)));
        assert_eq!(
            error("x\n::y", place, "50%\r\n::add-mask::z"),
            "::error file=a%2Cb%3Ac%0A.py,line=3,col=4,title=x%0A%3A%3Ay::50%25%0D%0A::add-mask::z\n"
        );
        assert_eq!(error("t", None, "m"), "::error title=t::m\n");
    }
}
