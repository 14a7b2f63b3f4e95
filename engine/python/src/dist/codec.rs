//! A [`Site`] as bytes, for keeping: compact, versioned, checked. Knows no folder to keep them in.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use qik_model::Digest;

use super::distribution::{Distribution, Source};
use super::requirement::Requirement;
use super::site::Site;

/// Changes with every change of the layout, and of what is read from an environment.
const MAGIC: &[u8; 8] = b"qikdist1";
const SUM: usize = 8;

/// The bytes of `site`.
pub fn encode(site: &Site) -> Vec<u8> {
    let mut out = Writer(MAGIC.to_vec());
    out.list(&site.seen, |out, (folder, state)| {
        out.path(folder);
        out.digest(state.as_ref());
    });
    out.list(&site.distributions, |out, one| {
        out.text(&one.name);
        out.text(&one.version);
        out.list(&one.imports, |out, name| out.text(name));
        out.list(&one.requires, |out, requirement| {
            out.text(&requirement.name);
            out.list(&requirement.extras, |out, extra| out.text(extra));
            out.maybe(requirement.marker.as_deref());
        });
        out.source(&one.source);
    });
    let sum = blake3::hash(&out.0);
    out.0.extend_from_slice(&sum.as_bytes()[..SUM]);
    out.0
}

/// What [`encode`] wrote; `None` for anything else, such as what another version of qik wrote.
pub fn decode(bytes: &[u8]) -> Option<Site> {
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM)?)?;
    if blake3::hash(body).as_bytes()[..SUM] != *sum {
        return None;
    }
    let mut from = Reader(body.strip_prefix(MAGIC)?);
    let seen = from.list(|from| Some((from.path()?, from.digest()?)))?;
    let distributions = from.list(|from| {
        Some(Distribution {
            name: from.text()?,
            version: from.text()?,
            imports: from.list(Reader::text)?,
            requires: from.list(|from| {
                Some(Requirement {
                    name: from.text()?,
                    extras: from.list(Reader::text)?,
                    marker: from.maybe()?,
                })
            })?,
            source: from.source()?,
        })
    })?;
    from.0.is_empty().then_some(Site { seen, distributions })
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: usize) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn path(&mut self, path: &Path) {
        self.bytes(path.as_os_str().as_bytes());
    }

    fn maybe(&mut self, text: Option<&str>) {
        self.0.push(text.is_some().into());
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn digest(&mut self, digest: Option<&Digest>) {
        self.0.push(digest.is_some().into());
        if let Some(digest) = digest {
            self.0.extend_from_slice(digest.as_bytes());
        }
    }

    fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.number(items.len());
        for item in items {
            each(self, item);
        }
    }

    fn source(&mut self, source: &Source) {
        match source {
            Source::Index => self.0.push(0),
            Source::Editable { folder } => {
                self.0.push(1);
                self.path(folder);
            }
            Source::Local { path, content } => {
                self.0.push(2);
                self.path(path);
                self.digest(content.as_ref());
            }
            Source::Archive { url, hash } => {
                self.0.push(3);
                self.text(url);
                self.maybe(hash.as_deref());
            }
            Source::Commit { url, commit } => {
                self.0.push(4);
                self.text(url);
                self.text(commit);
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = self.number()?;
        self.take(count)
    }

    fn text(&mut self) -> Option<Arc<str>> {
        std::str::from_utf8(self.bytes()?).ok().map(Arc::from)
    }

    fn path(&mut self) -> Option<PathBuf> {
        self.bytes().map(|bytes| OsStr::from_bytes(bytes).into())
    }

    fn flag(&mut self) -> Option<bool> {
        self.byte().map(|byte| byte != 0)
    }

    fn maybe(&mut self) -> Option<Option<Arc<str>>> {
        Some(if self.flag()? { Some(self.text()?) } else { None })
    }

    fn digest(&mut self) -> Option<Option<Digest>> {
        Some(if self.flag()? { Some(Digest(self.take(32)?.try_into().ok()?)) } else { None })
    }

    /// Grows as it reads: the count in a foreign file is nothing to allocate by.
    fn list<T>(&mut self, mut each: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number()?;
        let mut items = Vec::with_capacity(count.min(self.0.len()));
        for _ in 0..count {
            items.push(each(self)?);
        }
        Some(items)
    }

    fn source(&mut self) -> Option<Source> {
        Some(match self.byte()? {
            0 => Source::Index,
            1 => Source::Editable { folder: self.path()? },
            2 => Source::Local { path: self.path()?, content: self.digest()? },
            3 => Source::Archive { url: self.text()?, hash: self.maybe()? },
            4 => Source::Commit { url: self.text()?, commit: self.text()? },
            _ => return None,
        })
    }
}
