//! Sizes and durations as settings hold them. Knows no setting.

use std::time::Duration;

use qik_model::{Setting, units};

/// A number of bytes, or a text such as `10GiB`.
pub fn size(setting: &Setting) -> Option<u64> {
    match setting {
        Setting::Int(bytes) => u64::try_from(*bytes).ok(),
        Setting::Str(text) => units::size(text),
        _ => None,
    }
}

/// A number of seconds, or a text such as `30d`.
pub fn duration(setting: &Setting) -> Option<Duration> {
    match setting {
        Setting::Int(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        Setting::Str(text) => units::duration(text),
        _ => None,
    }
}
