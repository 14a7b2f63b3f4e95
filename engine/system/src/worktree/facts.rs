//! What there is to know about a file's bytes for its identity, whatever the rules that apply to
//! it. Does not know paths.

use std::io;

use bstr::ByteSlice;
use qik_model::BlobId;
use sha1::{Digest as _, Sha1};

use super::attributes::Conversion;

/// The git blob id of these bytes, as they are.
pub fn blob_id(bytes: &[u8]) -> BlobId {
    let mut hasher = header(bytes.len() as u64);
    hasher.update(bytes);
    BlobId(hasher.finalize().into())
}

/// Whether `id` identifies these bytes, also where git converts their ends of line.
pub fn is_content_of(id: &BlobId, bytes: &[u8]) -> bool {
    blob_id(bytes) == *id || {
        let converted = bytes.replace(b"\r\n", b"\n");
        converted.len() != bytes.len() && blob_id(&converted) == *id
    }
}

/// The identities that the same bytes have under the conversions that git may apply.
///
/// Which of them holds depends on attributes and configuration; these facts depend on the bytes
/// alone, so they stay true when the rules change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Of the bytes as they are.
    pub(super) raw: BlobId,
    /// Of the bytes with `\r\n` as `\n`; `None` where that makes no difference.
    pub(super) unix: Option<Unix>,
}

/// Of bytes that hold `\r\n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unix {
    pub id: BlobId,
    /// Whether git takes them for text where it has to guess.
    pub looks_like_text: bool,
}

/// Something that hands over the same bytes, piece by piece, each time it is asked.
type Source<'a> = &'a dyn Fn(&mut dyn FnMut(&[u8])) -> io::Result<()>;

impl Facts {
    /// How many bytes they are written down in.
    pub const SIZE: usize = 41;

    /// Those of bytes at hand.
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.find(b"\r\n").is_none() {
            return Self { raw: blob_id(bytes), unix: None };
        }
        let stats = TextStats::of(bytes);
        let mut converted = UnixHasher::new(bytes.len() as u64 - stats.crlf);
        converted.update(bytes);
        let unix = Unix { id: converted.finish(), looks_like_text: stats.looks_like_text() };
        Self { raw: blob_id(bytes), unix: Some(unix) }
    }

    /// The same for bytes that are too many to hold. `None` where they were not `size` bytes:
    /// somebody is writing.
    ///
    /// # Errors
    /// Those of `source`, which is asked for the bytes once or twice.
    pub fn of_stream(size: u64, source: Source<'_>) -> io::Result<Option<Self>> {
        let mut raw = header(size);
        let mut stats = TextStats::default();
        let mut seen = 0;
        source(&mut |chunk| {
            raw.update(chunk);
            stats.update(chunk);
            seen += chunk.len() as u64;
        })?;
        stats.finish();
        if seen != size {
            return Ok(None);
        }
        let raw = BlobId(raw.finalize().into());
        if stats.crlf == 0 {
            return Ok(Some(Self { raw, unix: None }));
        }
        let mut converted = UnixHasher::new(size - stats.crlf);
        source(&mut |chunk| converted.update(chunk))?;
        let unix = Unix { id: converted.finish(), looks_like_text: stats.looks_like_text() };
        Ok(Some(Self { raw, unix: Some(unix) }))
    }

    /// Whether these are the facts of bytes that have this identity when nothing is converted.
    pub fn is_of(&self, raw: &BlobId) -> bool {
        self.raw == *raw
    }

    /// Whether bytes with these facts have this identity under some conversion.
    pub fn allow(&self, id: &BlobId) -> bool {
        self.is_of(id) || self.unix.is_some_and(|unix| unix.id == *id)
    }

    /// As they are written down.
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..20].copy_from_slice(&self.raw.0);
        if let Some(unix) = self.unix {
            bytes[20] = 1 + u8::from(unix.looks_like_text);
            bytes[21..].copy_from_slice(&unix.id.0);
        }
        bytes
    }

    /// What was written down so.
    pub fn from_bytes(bytes: &[u8; Self::SIZE]) -> Option<Self> {
        let (raw, rest) = bytes.split_first_chunk()?;
        let (kind, rest) = rest.split_first()?;
        let unix = match kind {
            0 => None,
            1 | 2 => Some(Unix { id: BlobId(rest.try_into().ok()?), looks_like_text: *kind == 2 }),
            _ => return None,
        };
        Some(Self { raw: BlobId(*raw), unix })
    }

    /// The identity under a conversion. `crlf_in_index` tells whether the file as git holds it has
    /// `\r\n`: then a guess leaves it alone.
    pub(super) fn id(
        &self,
        conversion: Conversion,
        crlf_in_index: impl FnOnce() -> bool,
    ) -> BlobId {
        match (conversion, self.unix) {
            (Conversion::Text, Some(unix)) => unix.id,
            (Conversion::Guess, Some(unix)) if unix.looks_like_text && !crlf_in_index() => unix.id,
            _ => self.raw,
        }
    }
}

/// Whether git, guessing, takes the bytes for text that holds `\r\n`.
pub(super) fn is_text_with_crlf(bytes: &[u8]) -> bool {
    bytes.find(b"\r\n").is_some() && TextStats::of(bytes).looks_like_text()
}

/// Takes the git blob id of bytes that come piece by piece.
#[derive(Clone, Debug)]
pub struct BlobHasher(Sha1);

impl BlobHasher {
    /// For so many bytes.
    pub fn new(size: u64) -> Self {
        Self(header(size))
    }

    /// Takes the next of them.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Their id, if they were as many as was said.
    pub fn finish(self) -> BlobId {
        BlobId(self.0.finalize().into())
    }
}

/// A hasher that has seen the header of a blob of this size.
fn header(size: u64) -> Sha1 {
    let mut hasher = Sha1::new();
    hasher.update(b"blob ");
    hasher.update(size.to_string());
    hasher.update([0]);
    hasher
}

/// Hashes bytes with `\r\n` as `\n`.
struct UnixHasher {
    hasher: Sha1,
    held_cr: bool,
}

impl UnixHasher {
    fn new(size: u64) -> Self {
        Self { hasher: header(size), held_cr: false }
    }

    fn update(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.held_cr) && first != b'\n' {
                self.hasher.update(b"\r");
            }
            let at = rest.find_byte(b'\r').unwrap_or(rest.len());
            self.hasher.update(&rest[..at]);
            self.held_cr = at < rest.len();
            rest = rest.get(at + 1..).unwrap_or_default();
        }
    }

    fn finish(mut self) -> BlobId {
        if self.held_cr {
            self.hasher.update(b"\r");
        }
        BlobId(self.hasher.finalize().into())
    }
}

/// What git counts to tell text from other bytes.
#[derive(Default)]
struct TextStats {
    crlf: u64,
    lone_cr: u64,
    nul: u64,
    printable: u64,
    other: u64,
    last: u8,
}

impl TextStats {
    fn of(bytes: &[u8]) -> Self {
        let mut stats = Self::default();
        stats.update(bytes);
        stats.finish();
        stats
    }

    fn update(&mut self, bytes: &[u8]) {
        let joins = self.last == b'\r' && bytes.first() == Some(&b'\n');
        self.crlf += u64::from(joins) + bytes.find_iter(b"\r\n").count() as u64;
        // One zero, and it is no text: nothing else needs to be counted.
        if self.nul == 0 && bytes.find_byte(0).is_some() {
            self.nul = 1;
        }
        if self.nul == 0 {
            self.weigh(bytes);
        }
        self.last = bytes.last().copied().unwrap_or(self.last);
    }

    fn weigh(&mut self, bytes: &[u8]) {
        let mut last = self.last;
        for &byte in bytes {
            self.lone_cr += u64::from(last == b'\r' && byte != b'\n');
            match byte {
                b'\r' | b'\n' => {}
                // Backspace, tab, escape and form feed pass for text.
                0x08 | b'\t' | 0x1b | 0x0c => self.printable += 1,
                ..0x20 | 0x7f => self.other += 1,
                _ => self.printable += 1,
            }
            last = byte;
        }
    }

    fn finish(&mut self) {
        match self.last {
            b'\r' => self.lone_cr += 1,
            // The end-of-file mark of old systems.
            0x1a => self.other = self.other.saturating_sub(1),
            _ => {}
        }
    }

    fn looks_like_text(&self) -> bool {
        self.lone_cr == 0 && self.nul == 0 && self.printable >> 7 >= self.other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], conversion: Conversion, crlf_in_index: bool, as_if: &[u8]) {
        let facts = Facts::of(bytes);
        assert_eq!(facts.id(conversion, || crlf_in_index), blob_id(as_if));
        for size in 1..4 {
            let streamed = Facts::of_stream(bytes.len() as u64, &|sink| {
                bytes.chunks(size).for_each(&mut *sink);
                Ok(())
            });
            assert_eq!(streamed.unwrap(), Some(facts), "in pieces of {size}");
        }
    }

    #[test]
    fn an_id_is_the_one_that_git_gives() {
        assert_eq!(blob_id(b"hello\n").to_string(), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(blob_id(b"").to_string(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    }

    #[test]
    fn line_ends_are_converted_where_the_rules_say_so() {
        check(b"a\r\nb\r", Conversion::Raw, false, b"a\r\nb\r");
        check(b"a\r\nb\r", Conversion::Text, false, b"a\nb\r");
        check(b"a\r\r\n\r\nb", Conversion::Text, false, b"a\r\n\nb");
        check(b"a\r\nb", Conversion::Guess, false, b"a\nb");
        check(b"a\r\nb", Conversion::Guess, true, b"a\r\nb");
        check(b"a\nb", Conversion::Text, false, b"a\nb");
        check(b"", Conversion::Text, false, b"");
    }

    #[test]
    fn what_does_not_look_like_text_is_left_alone_by_a_guess() {
        for binary in [b"a\r\n\0".as_slice(), b"a\r\nb\rc", b"a\r\n\x01", b"a\r\nb\r"] {
            check(binary, Conversion::Guess, false, binary);
        }
        check(b"a\r\n\x1a", Conversion::Guess, false, b"a\n\x1a");
    }

    #[test]
    fn what_was_written_down_is_read_again() {
        for bytes in [b"plain".as_slice(), b"a\r\nb", b"a\r\n\0"] {
            let facts = Facts::of(bytes);
            assert_eq!(Facts::from_bytes(&facts.to_bytes()), Some(facts));
            assert!(facts.allow(&blob_id(bytes)) && facts.allow(&blob_id(&unix(bytes))));
            assert!(facts.is_of(&blob_id(bytes)) && !facts.allow(&blob_id(b"other")));
        }
        let mut bytes = Facts::of(b"x").to_bytes();
        bytes[20] = 3;
        assert_eq!(Facts::from_bytes(&bytes), None);
    }

    fn unix(bytes: &[u8]) -> Vec<u8> {
        bytes.replace(b"\r\n", b"\n")
    }

    #[test]
    fn a_stream_of_another_length_has_no_identity() {
        let facts = Facts::of_stream(3, &|sink| {
            sink(b"ab");
            Ok(())
        });
        assert_eq!(facts.unwrap(), None);
    }
}
