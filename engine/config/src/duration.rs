//! Durations as people write them: `30s`, `5m`, `1h30m`, `500ms`, `30d`.

use std::time::Duration;

/// The duration that `text` stands for; `None` where it stands for none, or for nothing at all.
pub(crate) fn parse(text: &str) -> Option<Duration> {
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
    #[test]
    fn units_add_up_and_nonsense_is_refused() {
        let millis = |text| super::parse(text).map(|duration| duration.as_millis());
        assert_eq!(millis("30s"), Some(30_000));
        assert_eq!(millis("1h30m"), Some(5_400_000));
        assert_eq!(millis("500ms"), Some(500));
        for bad in ["", "0s", "s", "5", "5 m", "5w", "-5s", "99999999999999999999s", "é"] {
            assert_eq!(millis(bad), None, "{bad}");
        }
    }
}
