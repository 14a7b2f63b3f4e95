//! Identities of bytes. How they are computed is the business of the rooms that read bytes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// The raw bytes.
            pub fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// The first twelve hexadecimal digits, for people.
            pub fn short(&self) -> String {
                self.to_string()[..12].to_string()
            }
        }

        impl Hash for $name {
            /// The first bytes are as good as any hash of them all.
            fn hash<H: Hasher>(&self, state: &mut H) {
                let first = self.0.first_chunk().copied().unwrap_or_default();
                state.write_u64(u64::from_le_bytes(first));
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; 2 * $bytes];
                for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
                    pair[0] = HEX[usize::from(byte >> 4)];
                    pair[1] = HEX[usize::from(byte & 15)];
                }
                f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotHex;

            fn from_str(text: &str) -> Result<Self, NotHex> {
                if text.len() != 2 * $bytes {
                    return Err(NotHex);
                }
                let mut bytes = [0; $bytes];
                for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                    *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
                }
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Hex;
                impl serde::de::Visitor<'_> for Hex {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        write!(f, "{} hexadecimal digits", 2 * $bytes)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Hex)
            }
        }
    };
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The value of a digit. Entries hold many digests and are read on every run, so this is done by
/// hand.
fn nibble(digit: u8) -> Result<u8, NotHex> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(NotHex),
    }
}

identity! {
    /// The identity of a file's content as an input: its git blob id (SHA-1 over `blob SIZE\0`
    /// and the bytes as git would store them). For a link, the id of its target text.
    BlobId, 20
}

identity! {
    /// The identity of stored bytes: blake3 of the raw bytes.
    Digest, 32
}

identity! {
    /// The identity of everything that a runnable's result depends on.
    Fingerprint, 32
}

/// A text that is not a digest of the expected length in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHex;

impl fmt::Display for NotHex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a digest in hexadecimal")
    }
}

impl std::error::Error for NotHex {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_survives_its_text() {
        let id = BlobId(std::array::from_fn(|i| (i * 13) as u8));
        assert_eq!(id.to_string(), "000d1a2734414e5b6875828f9ca9b6c3d0ddeaf7");
        assert_eq!(id.short(), "000d1a273441");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
    }

    #[test]
    fn other_texts_are_no_digests() {
        for text in
            ["", "00", &"g".repeat(40), &"0".repeat(41), &"\u{e9}".repeat(20), &"+1".repeat(20)]
        {
            assert_eq!(text.parse::<BlobId>(), Err(NotHex), "{text}");
        }
    }
}
