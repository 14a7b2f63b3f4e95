//! What a run made, taken up for a cache: bytes are kept where the cache wants them, and what moves
//! meanwhile is not. Does not store entries.

use qik_model::{Artifact, BlobId, Content, FileKind, RelPath};
use qik_system::{is_content_of, is_content_of_file};

use super::CacheSet;
use crate::content::{CollectError, content_of};
use crate::names::encode_path;

/// Larger files are not held in memory.
const LARGE: u64 = 4 << 20;

impl CacheSet {
    /// Takes up the files that a run made, and keeps their bytes where the cache wants them.
    ///
    /// # Errors
    /// Where a file cannot be read or kept; then the result is not to be stored.
    pub fn collect(
        &self,
        cache: &str,
        files: &[(RelPath, FileKind, BlobId)],
    ) -> Result<Vec<Artifact>, CollectError> {
        let Some(tier) = self.caches.get(cache) else { return Ok(Vec::new()) };
        let mut artifacts = Vec::with_capacity(files.len());
        for (path, kind, id) in files {
            if tier.cache().keeps_artifacts() && self.is_large(path, *kind) {
                let content = self.collect_large(path, id)?;
                artifacts.push(Artifact { path: encode_path(path), kind: *kind, id: *id, content });
                continue;
            }
            let bytes = match kind {
                FileKind::Link => self.system.read_link(path),
                FileKind::File | FileKind::Executable => self.system.read(path),
            };
            let bytes = bytes.map_err(|error| CollectError::Unreadable(path.clone(), error))?;
            if !is_content_of(id, &bytes) {
                return Err(CollectError::Moved(path.clone()));
            }
            let content = match tier.cache().keeps_artifacts() {
                true => self.contents().put(bytes),
                false => Ok(content_of(&bytes)),
            };
            let content = content.map_err(|error| CollectError::NotStored(path.clone(), error))?;
            artifacts.push(Artifact { path: encode_path(path), kind: *kind, id: *id, content });
        }
        artifacts.sort();
        Ok(artifacts)
    }

    fn is_large(&self, path: &RelPath, kind: FileKind) -> bool {
        kind != FileKind::Link && self.system.stat(path).is_ok_and(|stat| stat.size > LARGE)
    }

    /// What is large is copied where that costs nothing, and never held whole.
    fn collect_large(&self, path: &RelPath, id: &BlobId) -> Result<Content, CollectError> {
        let kept = self
            .local
            .contents()
            .put_file(path, &|system, copy| is_content_of_file(system, copy, id))
            .map_err(|error| CollectError::Unreadable(path.clone(), error))?;
        kept.ok_or_else(|| CollectError::Moved(path.clone()))
    }
}
