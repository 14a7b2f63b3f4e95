//! Contents from a remote to the local store, several at once. Knows nothing of entries.

use qik_model::Content;

use super::client::Fetched;
use super::{FETCHES, Remote, lock};

impl Remote {
    /// Fetches these; what cannot be had is not there afterwards.
    pub(super) fn download(&self, contents: &[Content]) {
        let next = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..FETCHES.min(contents.len()) {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let Some(content) = contents.get(at) else { return };
                        self.download_one(content);
                    }
                });
            }
        });
    }

    fn download_one(&self, content: &Content) {
        let into = self.local.contents();
        for scope in self.client.settings.scopes() {
            match self.client.download(scope, content, into) {
                Ok(Fetched::Whole) => return,
                Ok(Fetched::Damaged) => drop(lock(&self.suspects).insert(content.digest)),
                Ok(Fetched::Nothing) | Err(_) => {}
            }
        }
    }
}
