//! What a run made, taken up for a cache: bytes are kept where the cache wants them, and what moves
//! meanwhile is not. Does not store entries.

use qik_model::{Artifact, BlobId, Content, FileKind, RelPath};
use qik_system::{Facts, blob_id};

use super::CacheSet;
use crate::content::{CollectError, content_of};
use crate::facts;
use crate::hands::for_all;
use crate::names::encode_path;

/// Larger files are not held in memory.
const LARGE: u64 = 4 << 20;

/// A file that a run made, as it was looked at.
type Made = (RelPath, FileKind, BlobId);

impl CacheSet {
    /// Takes up the files that a run made, and keeps their bytes where the cache wants them.
    ///
    /// # Errors
    /// Where a file cannot be read or kept; then the result is not to be stored.
    pub fn collect(&self, cache: &str, files: &[Made]) -> Result<Vec<Artifact>, CollectError> {
        self.collect_known(cache, files, &|_| None)
    }

    /// The same with what is known of the files already: then each is read once.
    ///
    /// # Errors
    /// Those of [`CacheSet::collect`].
    pub fn collect_known(
        &self,
        cache: &str,
        files: &[Made],
        known: &(dyn Fn(&RelPath) -> Option<Facts> + Sync),
    ) -> Result<Vec<Artifact>, CollectError> {
        let Some(tier) = self.caches.get(cache) else { return Ok(Vec::new()) };
        let keeps = tier.cache().keeps_artifacts();
        let sized = files.iter().map(|made| (made, self.size(&made.0, made.1)));
        let sized: Vec<(&Made, Option<u64>)> = sized.collect();
        let bytes = sized.iter().filter_map(|(_, size)| *size).sum();
        let collected = for_all(&sized, bytes, |((path, kind, id), size)| {
            let (content, facts) = match keeps && size.is_some_and(|size| size > LARGE) {
                true => self.collect_large(path, id, known(path))?,
                false => self.collect_small(path, *kind, id, known(path), keeps)?,
            };
            let artifact = Artifact { path: encode_path(path), kind: *kind, id: *id, content };
            Ok((artifact, facts.filter(|_| size.is_some())))
        })?;
        let of_large = collected.iter().filter(|(one, _)| one.content.size >= facts::FROM);
        let of_large = of_large.filter_map(|(one, facts)| Some((one.content.digest, (*facts)?)));
        if keeps {
            self.facts.put(of_large);
        }
        let mut artifacts: Vec<Artifact> = collected.into_iter().map(|(one, _)| one).collect();
        artifacts.sort();
        Ok(artifacts)
    }

    /// Of files; links have no facts.
    fn size(&self, path: &RelPath, kind: FileKind) -> Option<u64> {
        (kind != FileKind::Link).then(|| self.system.stat(path).map_or(0, |stat| stat.size))
    }

    fn collect_small(
        &self,
        path: &RelPath,
        kind: FileKind,
        id: &BlobId,
        known: Option<Facts>,
        keeps: bool,
    ) -> Result<(Content, Option<Facts>), CollectError> {
        let bytes = match kind {
            FileKind::Link => self.system.read_link(path),
            FileKind::File | FileKind::Executable => self.system.read(path),
        };
        let bytes = bytes.map_err(|error| CollectError::Unreadable(path.clone(), error))?;
        let known = known.filter(|known| known.is_of(&blob_id(&bytes)));
        let facts = known.unwrap_or_else(|| Facts::of(&bytes));
        if !facts.allow(id) {
            return Err(CollectError::Moved(path.clone()));
        }
        let content = if keeps { self.contents().put(bytes) } else { Ok(content_of(&bytes)) };
        let content = content.map_err(|error| CollectError::NotStored(path.clone(), error))?;
        Ok((content, Some(facts)))
    }

    /// What is large is copied where that costs nothing, and never held whole.
    fn collect_large(
        &self,
        path: &RelPath,
        id: &BlobId,
        known: Option<Facts>,
    ) -> Result<(Content, Option<Facts>), CollectError> {
        let kept = self
            .local
            .contents()
            .put_file(path, id, known)
            .map_err(|error| CollectError::Unreadable(path.clone(), error))?;
        let (content, facts) = kept.ok_or_else(|| CollectError::Moved(path.clone()))?;
        Ok((content, Some(facts)))
    }
}
