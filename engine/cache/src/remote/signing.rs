//! Who vouches for an entry: Ed25519 over all that an entry says and where it belongs. Does not know
//! how entries are stored.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::settings::BadSetting;
use crate::entry::Signature;

/// Goes before what is signed, so that a signature made for something else is none of ours.
const DOMAIN: &[u8] = b"qik-entry-signature-1\0";

/// The key that new entries are signed with, and the keys that found ones must be signed by.
#[derive(Default)]
pub(crate) struct Signing {
    own: Option<Ed25519KeyPair>,
    /// In hexadecimal; empty where everything is trusted.
    trusted: Vec<String>,
}

/// Why an entry is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Untrusted {
    Unsigned,
    Foreign(String),
    Forged,
}

impl Signing {
    /// `own`: the secret key in hexadecimal, where there is one.
    ///
    /// # Errors
    /// What is no key.
    pub(crate) fn new(own: Option<&str>, trusted: &[String]) -> Result<Self, BadSetting> {
        let bad = |key, why: String| {
            let help = "keys are 64 hexadecimal digits, as `qik cache new-key` prints them";
            BadSetting { key, why, help }
        };
        // What the variable holds is told to nobody, not even where it is no key.
        let no_key = || bad("sign-key", "the variable that it names holds no secret key".into());
        let own = match own {
            Some(text) => {
                let seed = unhex::<32>(text.trim()).ok_or_else(no_key)?;
                Some(Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| no_key())?)
            }
            None => None,
        };
        for key in trusted {
            unhex::<32>(key)
                .ok_or_else(|| bad("trusted-keys", format!("`{key}` is no public key")))?;
        }
        let trusted = trusted.iter().map(|key| key.to_ascii_lowercase()).collect();
        Ok(Self { own, trusted })
    }

    /// Whether entries have to be signed to be taken.
    pub(crate) fn asks(&self) -> bool {
        !self.trusted.is_empty()
    }

    /// Whether others would take what is written from here.
    pub(crate) fn may_write(&self) -> bool {
        self.trusted.is_empty() || self.own.is_some()
    }

    pub(crate) fn sign(&self, header: &[u8]) -> Option<Signature> {
        let own = self.own.as_ref()?;
        let bytes = own.sign(&[DOMAIN, header].concat());
        Some(Signature { key: hex(own.public_key().as_ref()), bytes: hex(bytes.as_ref()) })
    }

    pub(crate) fn check(
        &self,
        header: &[u8],
        signature: Option<&Signature>,
    ) -> Result<(), Untrusted> {
        if self.trusted.is_empty() {
            return Ok(());
        }
        let signature = signature.ok_or(Untrusted::Unsigned)?;
        let own = self.own.as_ref().map(|own| hex(own.public_key().as_ref()));
        if own.as_ref() != Some(&signature.key) && !self.trusted.contains(&signature.key) {
            return Err(Untrusted::Foreign(signature.key.clone()));
        }
        let (Some(key), Some(bytes)) = (unhex::<32>(&signature.key), unhex::<64>(&signature.bytes))
        else {
            return Err(Untrusted::Forged);
        };
        UnparsedPublicKey::new(&ED25519, key)
            .verify(&[DOMAIN, header].concat(), &bytes)
            .map_err(|_| Untrusted::Forged)
    }
}

/// A new pair of keys in hexadecimal: the secret one, and the one to be trusted.
///
/// # Errors
/// Where the system has no randomness to give.
pub fn new_key() -> Result<(String, String), String> {
    let mut seed = [0; 32];
    let no_key = |_| "the system gave no random bytes".to_string();
    SystemRandom::new().fill(&mut seed).map_err(no_key)?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
        .map_err(|_| "the random bytes are no key".to_string())?;
    Ok((hex(&seed), hex(pair.public_key().as_ref())))
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing").field("trusted", &self.trusted).finish_non_exhaustive()
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("it is not signed"),
            Self::Foreign(key) => write!(f, "it is signed by `{key}`, which is not trusted"),
            Self::Forged => f.write_str("its signature is not by the key that it names"),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| Some(digit.to_digit(16)? as u8)).collect();
    let digits = digits.filter(|digits| digits.len() == 2 * N)?;
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_is_trusted_by_whoever_trusts_the_key_alone() {
        let (secret, public) = new_key().unwrap();
        let (other_secret, other_public) = new_key().unwrap();
        let writer = Signing::new(Some(&secret), &[]).unwrap();
        let reader = Signing::new(None, std::slice::from_ref(&public)).unwrap();
        let stranger =
            Signing::new(Some(&other_secret), std::slice::from_ref(&other_public)).unwrap();
        let signature = writer.sign(b"header").unwrap();

        assert_eq!(reader.check(b"header", Some(&signature)), Ok(()));
        assert_eq!(reader.check(b"header", None), Err(Untrusted::Unsigned));
        assert_eq!(reader.check(b"other", Some(&signature)), Err(Untrusted::Forged));
        assert_eq!(
            stranger.check(b"header", Some(&signature)),
            Err(Untrusted::Foreign(public.clone()))
        );
        // Somebody else's signature under the name of a trusted key.
        let forged = Signature { key: public, ..stranger.sign(b"header").unwrap() };
        assert_eq!(reader.check(b"header", Some(&forged)), Err(Untrusted::Forged));
        assert!(writer.may_write() && stranger.may_write() && !reader.may_write());
    }

    #[test]
    fn keys_are_never_shown() {
        let (secret, _) = new_key().unwrap();
        let signing = Signing::new(Some(&secret), &[]).unwrap();
        assert!(!format!("{signing:?}").contains(&secret));
        let error = Signing::new(Some("not a key"), &[]).unwrap_err();
        assert!(!format!("{error:?}").contains("not a key"));
    }
}
