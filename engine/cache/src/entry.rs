//! An entry as bytes: a line with a checksum, then JSON. What is torn, foreign or edited does not
//! decode. Does not know where entries are kept.

use qik_model::ActionResult;

/// The first word of every entry; the number goes up when the form changes.
const MARK: &str = "qik-entry-1 ";

/// The entry as it is stored.
pub(crate) fn encode(result: &ActionResult) -> Vec<u8> {
    seal(MARK, &serde_json::to_vec(result).expect("an entry has only text for keys"))
}

/// The entry that was stored so; `None` where it is not whole.
pub(crate) fn decode(bytes: &[u8]) -> Option<ActionResult> {
    serde_json::from_slice(unseal(MARK, bytes)?).ok()
}

/// `body` below a line with `mark` and its checksum.
pub(crate) fn seal(mark: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{mark}{}\n", blake3::hash(body).to_hex()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// What was sealed with `mark`, if all of it is there.
pub(crate) fn unseal<'a>(mark: &str, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let (checksum, rest) = bytes.strip_prefix(mark.as_bytes())?.split_at_checked(64)?;
    let body = rest.strip_prefix(b"\n")?;
    (blake3::hash(body).to_hex().as_bytes() == checksum).then_some(body)
}

#[cfg(test)]
mod tests {
    use qik_model::{Explanation, Fingerprint};

    use super::*;

    fn sample() -> ActionResult {
        ActionResult {
            runnable: "lint".into(),
            fingerprint: Fingerprint([1; 32]),
            code: 1,
            log: crate::content_of(b"log"),
            artifacts: Vec::new(),
            millis: 5,
            explanation: Explanation::default(),
        }
    }

    #[test]
    fn an_entry_survives() {
        assert_eq!(decode(&encode(&sample())), Some(sample()));
    }

    #[test]
    fn any_changed_or_missing_byte_is_seen() {
        let whole = encode(&sample());
        for at in 0..whole.len() {
            assert_eq!(decode(&whole[..at]), None, "cut at {at}");
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert_eq!(decode(&flipped), None, "bit at {at}");
        }
        assert_eq!(decode(&[whole, b" ".to_vec()].concat()), None);
    }
}
