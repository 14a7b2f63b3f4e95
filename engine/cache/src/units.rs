//! Sizes and durations as settings write them. Knows no setting.

use std::time::Duration;

use qik_model::Setting;

/// `10GiB`, `500MB`, `1048576`: bytes.
pub fn size(setting: &Setting) -> Option<u64> {
    let text = match setting {
        Setting::Int(bytes) => return u64::try_from(*bytes).ok(),
        Setting::Str(text) => text.trim(),
        _ => return None,
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    let unit: u64 = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" | "k" => 1_000,
        "mb" | "m" => 1_000_000,
        "gb" | "g" => 1_000_000_000,
        "tb" | "t" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// `30s`, `5m`, `1h30m`, `500ms`, `30d`, or a number of seconds.
pub fn duration(setting: &Setting) -> Option<Duration> {
    let text = match setting {
        Setting::Int(seconds) => return u64::try_from(*seconds).ok().map(Duration::from_secs),
        Setting::Str(text) => text,
        _ => return None,
    };
    let mut rest: &str = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let part = match &rest[..letters] {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3_600)?),
            "d" => Duration::from_secs(number.checked_mul(86_400)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = &rest[letters..];
    }
    (!total.is_zero()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let of = |text: &str| size(&Setting::Str(text.into()));
        assert_eq!(of("10GiB"), Some(10 << 30));
        assert_eq!(of("500 MB"), Some(500_000_000));
        assert_eq!(of("12"), Some(12));
        for bad in ["", "GiB", "1.5GiB", "-1", "5 apples", "99999999999999999999"] {
            assert_eq!(of(bad), None, "{bad}");
        }
        assert_eq!(size(&Setting::Int(7)), Some(7));
    }

    #[test]
    fn durations_may_be_days() {
        let of = |text: &str| duration(&Setting::Str(text.into()));
        assert_eq!(of("30d"), Some(Duration::from_secs(30 * 86_400)));
        assert_eq!(of("1h30m"), Some(Duration::from_secs(5_400)));
        assert_eq!(of("d"), None);
    }
}
