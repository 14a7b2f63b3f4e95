//! An entry as bytes: a line with a checksum, then JSON. What is torn, foreign or edited does not
//! decode. Does not know where entries are kept.

use qik_model::ActionResult;
use serde::{Deserialize, Serialize};

/// The first word of every entry; the number goes up when the form changes.
const MARK: &str = "qik-entry-1 ";

/// An entry, and how it came here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The result itself.
    pub result: ActionResult,
    /// How it came about.
    pub about: About,
    /// `None` for what was made in this project.
    pub origin: Option<Origin>,
}

/// Where an entry came from that was made elsewhere, and who vouches for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Origin {
    /// The cache that it was written to, by name.
    pub cache: String,
    /// The part of the cache that it was found in; empty for the base.
    pub scope: String,
    /// By whom it is vouched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// What an entry tells of how it was made, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct About {
    /// The shell line, without values of variables.
    pub command: String,
    /// Who ran it.
    pub writer: String,
    /// When, in seconds of Unix time.
    pub written: u64,
    /// The version of qik.
    pub qik: String,
}

/// A public key and what it signed, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The public key.
    pub key: String,
    /// What the secret key made of the entry.
    pub bytes: String,
}

/// The entry as it is stored.
pub(crate) fn encode(stored: &Stored) -> Vec<u8> {
    seal(MARK, &lines(stored))
}

/// The entry that was stored so; `None` where it is not whole.
pub(crate) fn decode(bytes: &[u8]) -> Option<Stored> {
    from_lines(unseal(MARK, bytes)?)
}

/// One line for the result, one for how it came about and here. JSON without spaces has no end of line in it.
pub(crate) fn lines(stored: &Stored) -> Vec<u8> {
    let mut bytes = json(&stored.result);
    bytes.push(b'\n');
    bytes.extend(json(&(&stored.about, &stored.origin)));
    bytes
}

pub(crate) fn from_lines(bytes: &[u8]) -> Option<Stored> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (about, origin) = serde_json::from_slice(&bytes[end + 1..]).ok()?;
    Some(Stored { result: serde_json::from_slice(&bytes[..end]).ok()?, about, origin })
}

/// What serde makes of a value whose keys are texts.
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("an entry has only text for keys")
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

    fn sample() -> Stored {
        let origin = Origin {
            cache: "team".into(),
            scope: String::new(),
            signature: Some(Signature { key: "k".into(), bytes: "s".into() }),
        };
        let about = About { command: "a\nb".into(), ..About::default() };
        Stored { result: result(), about, origin: Some(origin) }
    }

    fn result() -> ActionResult {
        ActionResult {
            runnable: "lint".into(),
            fingerprint: Fingerprint([1; 32]),
            code: 1,
            log: crate::content_of(b"log"),
            artifacts: Vec::new(),
            folders: Vec::new(),
            millis: 5,
            explanation: Explanation::default(),
        }
    }

    #[test]
    fn an_entry_survives() {
        let made_here = Stored { origin: None, ..sample() };
        for stored in [sample(), made_here] {
            assert_eq!(decode(&encode(&stored)), Some(stored));
        }
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
