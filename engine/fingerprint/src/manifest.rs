//! One walk, two writers: what enters a fingerprint is told once, item by item, and the hasher and
//! the explainer both listen. So the reason that qik shows can't drift from the key that it uses.

use qik_model::{Digest, ExplainedItem, Explanation, Fingerprint};

/// Grows whenever the same inputs shall have another fingerprint. Goldens in `testdata/` hold the
/// fingerprints of a version across releases.
pub const KEY_VERSION: u32 = 1;

/// What an item is made of.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// Bytes that anyone may see.
    Plain(&'a [u8]),
    /// Bytes that count, told to people and entries as `told`.
    Told { bytes: &'a [u8], told: &'a [u8] },
    /// Bytes that count and of which entries may hold nothing but the item's name.
    Secret(&'a [u8]),
    /// An identity made elsewhere.
    Identity(Digest),
}

/// A listener to the walk.
pub trait Manifest {
    /// One thing that enters the fingerprint: its kind, its name within the kind, its value.
    fn item(&mut self, kind: &'static str, name: &str, part: Part<'_>);
}

/// Makes the fingerprint: blake3 over the key version and, for each item, its kind, name and value,
/// each led by its length.
#[derive(Debug)]
pub struct Hasher(blake3::Hasher);

impl Default for Hasher {
    fn default() -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"qik fingerprint");
        hasher.update(&KEY_VERSION.to_le_bytes());
        Self(hasher)
    }
}

impl Hasher {
    /// The fingerprint of all that was told.
    pub fn finish(self) -> Fingerprint {
        Fingerprint(*self.0.finalize().as_bytes())
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

impl Manifest for Hasher {
    fn item(&mut self, kind: &'static str, name: &str, part: Part<'_>) {
        self.field(kind.as_bytes());
        self.field(name.as_bytes());
        match &part {
            Part::Plain(bytes) | Part::Told { bytes, .. } | Part::Secret(bytes) => {
                self.field(bytes)
            }
            Part::Identity(digest) => self.field(digest.as_bytes()),
        }
    }
}

/// Makes the explanation that an entry keeps.
#[derive(Debug, Default)]
pub struct Explainer(Explanation);

impl Explainer {
    /// All that was told.
    pub fn finish(self) -> Explanation {
        self.0
    }
}

impl Manifest for Explainer {
    fn item(&mut self, kind: &'static str, name: &str, part: Part<'_>) {
        let digest = match part {
            Part::Plain(bytes) => Some(digest_of(bytes)),
            Part::Told { told, .. } => Some(digest_of(told)),
            Part::Secret(_) => None,
            Part::Identity(digest) => Some(digest),
        };
        self.0.items.push(ExplainedItem { kind: kind.into(), name: name.into(), digest });
    }
}

/// The identity of `bytes`.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(items: &[(&'static str, &str, &str)]) -> Fingerprint {
        let mut hasher = Hasher::default();
        for (kind, name, value) in items {
            hasher.item(kind, name, Part::Plain(value.as_bytes()));
        }
        hasher.finish()
    }

    #[test]
    fn neighbouring_fields_do_not_run_together() {
        let split_here = fingerprint(&[("env", "AB", "C")]);
        let split_there = fingerprint(&[("env", "A", "BC")]);
        assert_ne!(split_here, split_there);
    }

    #[test]
    fn a_secret_counts_and_is_not_told() {
        let with = |value: &str| {
            let (mut hasher, mut explainer) = (Hasher::default(), Explainer::default());
            for manifest in [&mut hasher as &mut dyn Manifest, &mut explainer] {
                manifest.item("env", "TOKEN", Part::Secret(value.as_bytes()));
            }
            (hasher.finish(), explainer.finish())
        };
        let (one, told_one) = with("1");
        let (two, told_two) = with("2");
        assert_ne!(one, two);
        assert_eq!(told_one, told_two);
    }
}
