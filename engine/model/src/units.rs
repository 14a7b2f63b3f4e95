//! Sizes and durations as people write them. Knows no setting.

use std::time::Duration;

/// The bytes that `text` stands for: `10GiB`, `500 MB`, `1048576`. `None` where it stands for none.
pub fn size(text: &str) -> Option<u64> {
    let text = text.trim();
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
    number.checked_mul(unit).filter(|bytes| *bytes > 0)
}

/// The duration that `text` stands for: `30s`, `5m`, `1h30m`, `500ms`, `30d`. `None` where it stands
/// for none, or for nothing at all.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
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
            "h" => Duration::from_secs(number.checked_mul(3600)?),
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
        assert_eq!(size("10GiB"), Some(10 << 30));
        assert_eq!(size("500 MB"), Some(500_000_000));
        assert_eq!(size("12"), Some(12));
        for bad in ["", "GiB", "1.5GiB", "-1", "0", "5 apples", "99999999999999999999", "é"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }

    #[test]
    fn units_of_time_add_up_and_nonsense_is_refused() {
        let millis = |text| duration(text).map(|duration| duration.as_millis());
        assert_eq!(millis("30s"), Some(30_000));
        assert_eq!(millis("1h30m"), Some(5_400_000));
        assert_eq!(millis("500ms"), Some(500));
        assert_eq!(duration("30d"), Some(Duration::from_secs(30 * 86_400)));
        for bad in ["", "0s", "s", "d", "5", "5 m", "5w", "-5s", "99999999999999999999s", "é"] {
            assert_eq!(millis(bad), None, "{bad}");
        }
    }
}
