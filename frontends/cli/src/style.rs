//! Colours and whether there are any.

use std::time::Duration;

use qik_session::system::{Env, Stream, is_terminal};

/// How to print.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    colour: bool,
    /// Whether things may move on the screen.
    pub may_animate: bool,
}

impl Style {
    /// For stderr as it is, heeding `NO_COLOR`, `CI`, `TERM=dumb` and `CLICOLOR_FORCE`.
    pub fn detect() -> Self {
        let env = Env::of_process();
        let set = |name: &str| env.get(name).is_some_and(|value| !value.is_empty());
        let dumb = env.get("TERM").is_some_and(|term| term == "dumb");
        let terminal = is_terminal(Stream::Stderr) && !dumb;
        let forced = env.get("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        Self {
            colour: !set("NO_COLOR") && (terminal || forced),
            may_animate: terminal && !set("CI"),
        }
    }

    pub fn has_colour(&self) -> bool {
        self.colour
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    pub fn good(&self, text: &str) -> String {
        self.paint("32", text)
    }

    pub fn bad(&self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub fn odd(&self, text: &str) -> String {
        self.paint("33", text)
    }

    pub fn faint(&self, text: &str) -> String {
        self.paint("2", text)
    }

    pub fn strong(&self, text: &str) -> String {
        self.paint("1", text)
    }
}

/// `0.04s`, `3.2s`, `2m 05s`, `1h 12m`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{:.2}s", time.as_secs_f64()),
        1..60 => format!("{:.1}s", time.as_secs_f64()),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let check =
            |millis, expected| assert_eq!(duration(Duration::from_millis(millis)), expected);
        check(42, "0.04s");
        check(3_240, "3.2s");
        check(125_000, "2m 05s");
        check(4_320_000, "1h 12m");
    }
}
