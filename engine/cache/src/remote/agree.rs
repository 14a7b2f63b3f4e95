//! One value that all machines go by: whoever comes first says it, the others take it over. Asks of a
//! service that it writes an object only where there is none, in one step.

use super::RemoteCache;
use crate::storage::runtime;

/// Larger values are none that a qik wrote.
const LARGEST: u64 = 16 << 20;

/// What became of agreeing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// All machines go by this.
    On(Vec<u8>),
    /// This cache is nothing to agree by, for no machine: it is not both read and written, or its
    /// service can't tell who came first.
    Impossible,
    /// It did not answer; others may have agreed.
    Unknown,
}

impl RemoteCache {
    /// Says `bytes` on `topic`, unless another said something before.
    pub(crate) fn agree(&self, topic: &str, bytes: Vec<u8>) -> Agreed {
        let client = &self.remote.client;
        let settings = &client.settings;
        if !(settings.reads && settings.writes) {
            return Agreed::Impossible;
        }
        match client.knows_new() {
            Ok(true) => {}
            Ok(false) => return Agreed::Impossible,
            Err(_) => return Agreed::Unknown,
        }
        let key =
            format!("{}v1/agreed/{}", settings.scope, blake3::hash(topic.as_bytes()).to_hex());
        runtime().block_on(async {
            if client.put(&key, bytes, true).await.is_err() {
                return Agreed::Unknown;
            }
            // What lies there is what others find, whoever was first.
            match client.get(&key, LARGEST).await {
                Ok(Some(said)) => Agreed::On(said),
                Ok(None) | Err(_) => Agreed::Unknown,
            }
        })
    }
}
