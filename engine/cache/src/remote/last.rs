//! The last result of each runnable that anybody shared: against it a miss is explained, and by its time
//! work is divided, where this machine has none of its own. A hint: nothing is replayed from it.

use qik_model::{ActionResult, Digest};

use super::{LARGEST_ENTRY, Remote, roots, wire};
use crate::entry::Stored;
use crate::storage::runtime;

impl Remote {
    /// Notes a signed entry, with the nodes that explain it, as the last of its runnable. Where that fails, a
    /// reason is vaguer some day.
    pub(super) fn note_last(&self, stored: &Stored, platform: &str, nodes: &[(Digest, Vec<u8>)]) {
        let settings = &self.client.settings;
        let key = last_key(&settings.scope, &stored.result.runnable, platform);
        let bytes = wire::encode(stored, platform, &[], nodes);
        let _ = runtime().block_on(self.client.put(&key, bytes, false));
    }

    /// The last result of a runnable, in the first scope that has one.
    pub(super) async fn last(&self, runnable: &str, platform: &str) -> Option<ActionResult> {
        for scope in self.client.settings.scopes() {
            let key = last_key(scope, runnable, platform);
            let Ok(Some(bytes)) = self.client.get(&key, LARGEST_ENTRY).await else { continue };
            let Some(object) = wire::decode(&bytes) else { continue };
            let result = object.stored.result;
            let wanted = (result.fingerprint, platform.to_owned());
            if result.runnable == runnable && self.judge(scope, &wanted, &bytes).is_ok() {
                self.nodes.put_shared(&roots(&result), &object.nodes);
                return Some(result);
            }
        }
        None
    }
}

fn last_key(scope: &str, runnable: &str, platform: &str) -> String {
    // A name may hold what no key may.
    let name = blake3::hash(runnable.as_bytes()).to_hex();
    match platform {
        "" => format!("{scope}v1/last/{name}"),
        platform => format!("{scope}v1/last/{platform}/{name}"),
    }
}
