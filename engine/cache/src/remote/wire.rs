//! An entry as remotes hold it: one object with all that explains it, its signature, and those of
//! its contents that are small, so that a typical hit is one request. What else stands there are
//! nodes that explain the fingerprint. Does not fetch or trust.
//!
//! ```text
//! qik-remote-1 CHECKSUM\n  zstd( LENGTH HEADER  LENGTH SIGNATURE  { DIGEST LENGTH BYTES }… )
//! ```

use std::io::Read;

use qik_model::{ActionResult, Content, Digest};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use crate::entry::{About, Origin, Signature, Stored, json, seal, unseal};

const MARK: &str = "qik-remote-1 ";
/// Contents up to this size stand in the entry.
pub(super) const INLINE: u64 = 64 << 10;
/// As long as all of them together do not come to more than this.
pub(super) const INLINE_ALL: u64 = 256 << 10;
/// What claims to be larger is not an entry.
const LARGEST: u64 = 64 << 20;

/// All that a signature is about.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Header {
    cache: String,
    scope: String,
    platform: String,
    result: ActionResult,
    about: About,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) stored: Stored,
    pub(super) platform: String,
    /// Contents that stood in the entry, checked.
    pub(super) inline: Vec<(Content, Vec<u8>)>,
    /// What else stood there, by its digest: nodes that explain the fingerprint.
    pub(super) nodes: Vec<(Digest, Vec<u8>)>,
}

/// The bytes that are signed, for an entry that came from elsewhere.
pub(super) fn header(stored: &Stored, platform: &str) -> Option<Vec<u8>> {
    let origin = stored.origin.as_ref()?;
    Some(json(&Header {
        cache: origin.cache.clone(),
        scope: origin.scope.clone(),
        platform: platform.to_owned(),
        result: stored.result.clone(),
        about: stored.about.clone(),
    }))
}

/// The contents that stand in the entry: the small ones, as long as there is room.
pub(super) fn inlined(result: &ActionResult) -> Vec<Content> {
    let mut all: Vec<Content> = result.artifacts.iter().map(|artifact| artifact.content).collect();
    all.insert(0, result.log);
    let mut room = INLINE_ALL;
    let mut inlined: Vec<Content> = Vec::new();
    for content in all {
        if content.size <= INLINE.min(room) && !inlined.contains(&content) {
            room -= content.size;
            inlined.push(content);
        }
    }
    inlined
}

/// The object; its origin is set.
pub(super) fn encode(
    stored: &Stored,
    platform: &str,
    inline: &[(Content, Vec<u8>)],
    nodes: &[(Digest, Vec<u8>)],
) -> Vec<u8> {
    let mut frame = Vec::new();
    push(&mut frame, &header(stored, platform).unwrap_or_default());
    let signature = stored.origin.as_ref().and_then(|origin| origin.signature.as_ref());
    push(&mut frame, &signature.map(json).unwrap_or_default());
    let contents = inline.iter().map(|(content, bytes)| (&content.digest, bytes));
    for (digest, bytes) in contents.chain(nodes.iter().map(|(digest, bytes)| (digest, bytes))) {
        frame.extend_from_slice(&digest.0);
        push(&mut frame, bytes);
    }
    let body = zstd::bulk::compress(&frame, 3).expect("memory takes all that is written to it");
    seal(MARK, &body)
}

/// The object that was stored so; `None` where it is not whole. What it says is yet to be trusted.
pub(super) fn decode(bytes: &[u8]) -> Option<Object> {
    let body = unseal(MARK, bytes)?;
    let mut frame = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(body).ok()?;
    decoder.take(LARGEST + 1).read_to_end(&mut frame).ok()?;
    if frame.len() as u64 > LARGEST {
        return None;
    }
    let (header, rest) = pull(&frame)?;
    let parsed: Header = serde_json::from_slice(header).ok()?;
    // What the local tier checks again is made from what was understood.
    if json(&parsed) != header {
        return None;
    }
    let (signature, mut rest) = pull(rest)?;
    let signature: Option<Signature> = match signature {
        b"" => None,
        signature => Some(serde_json::from_slice(signature).ok()?),
    };
    let artifacts = parsed.result.artifacts.iter().map(|artifact| artifact.content.digest);
    let named: FxHashSet<Digest> = artifacts.chain([parsed.result.log.digest]).collect();
    let (mut inline, mut nodes) = (Vec::new(), Vec::new());
    while let Some((digest, after)) = rest.split_first_chunk() {
        let (bytes, after) = pull(after)?;
        let content = crate::content_of(bytes);
        if content.digest != Digest(*digest) {
            return None;
        }
        match named.contains(&content.digest) {
            true => inline.push((content, bytes.to_vec())),
            false => nodes.push((content.digest, bytes.to_vec())),
        }
        rest = after;
    }
    let Header { cache, scope, platform, result, about } = parsed;
    let origin = Some(Origin { cache, scope, signature });
    let stored = Stored { result, about, origin };
    rest.is_empty().then_some(Object { stored, platform, inline, nodes })
}

fn push(frame: &mut Vec<u8>, bytes: &[u8]) {
    frame.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    frame.extend_from_slice(bytes);
}

fn pull(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use qik_model::{Explanation, Fingerprint};

    use super::*;

    fn sample() -> Object {
        let result = ActionResult {
            runnable: "lint".into(),
            fingerprint: Fingerprint([1; 32]),
            code: 0,
            log: crate::content_of(b"log"),
            artifacts: Vec::new(),
            folders: Vec::new(),
            millis: 5,
            explanation: Explanation::default(),
        };
        let signature = Some(Signature { key: "k".into(), bytes: "s".into() });
        let about = About { writer: "ci".into(), ..About::default() };
        let origin = Origin { cache: "team".into(), scope: "pr/7".into(), signature };
        Object {
            stored: Stored { result, about, origin: Some(origin) },
            platform: "linux-64".into(),
            inline: vec![(crate::content_of(b"log"), b"log".to_vec())],
            nodes: vec![(crate::content_of(b"node").digest, b"node".to_vec())],
        }
    }

    fn encoded(object: &Object) -> Vec<u8> {
        encode(&object.stored, &object.platform, &object.inline, &object.nodes)
    }

    #[test]
    fn an_object_survives() {
        assert_eq!(decode(&encoded(&sample())), Some(sample()));
        let mut bare = sample();
        bare.inline.clear();
        bare.nodes.clear();
        bare.stored.origin.as_mut().unwrap().signature = None;
        assert_eq!(decode(&encoded(&bare)), Some(bare));
    }

    #[test]
    fn any_changed_or_missing_byte_is_seen() {
        let whole = encoded(&sample());
        for at in 0..whole.len() {
            assert_eq!(decode(&whole[..at]), None, "cut at {at}");
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert_eq!(decode(&flipped), None, "bit at {at}");
        }
    }

    #[test]
    fn a_frame_that_was_sealed_anew_is_read_with_care() {
        let frame = zstd::bulk::decompress(unseal(MARK, &encoded(&sample())).unwrap(), 1 << 20);
        let frame = frame.unwrap();
        for at in 0..frame.len() {
            for bit in [1, 0x80] {
                let mut flipped = frame.clone();
                flipped[at] ^= bit;
                // It may decode to something else, which is for signatures to see; never a panic.
                let _ = decode(&seal(MARK, &zstd::bulk::compress(&flipped, 3).unwrap()));
            }
            let _ = decode(&seal(MARK, &zstd::bulk::compress(&frame[..at], 3).unwrap()));
        }
        let bomb = zstd::bulk::compress(&vec![0; LARGEST as usize + 2], 3).unwrap();
        assert_eq!(decode(&seal(MARK, &bomb)), None);
    }
}
