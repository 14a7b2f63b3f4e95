//! When entries were last of use, so that those go first that nobody asks for. What is lost of it
//! makes an entry look older than it is, and costs a run at most.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use qik_model::{Fingerprint, RelPath};
use qik_system::System;
use rustc_hash::{FxHashMap, FxHashSet};

const FILE: &str = "._qik/cache/v1/uses";
/// The fingerprint, a digest of the platform, seconds.
const RECORD: usize = 32 + 8 + 8;
/// A use this long after the one before is worth writing down: a run that finds all warm writes
/// nothing most of the time.
const WORTH_NOTING: Duration = Duration::from_secs(6 * 3600);
/// A longer file is written anew.
const MOST_BYTES: usize = 4 << 20;

/// The entries that were of use in this process.
#[derive(Debug, Default)]
pub(super) struct Uses(Mutex<FxHashSet<Used>>);

/// An entry by what its key is made of.
pub(super) type Used = (Fingerprint, [u8; 8]);

/// When entries were of use, in seconds of Unix time.
pub(super) type LastUses = FxHashMap<Used, u64>;

impl Uses {
    pub(super) fn note(&self, fingerprint: Fingerprint, platform: &str) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.insert(used_key(fingerprint, platform));
    }

    /// Writes down what was noted since the last call.
    pub(super) fn save(&self, system: &dyn System) {
        let used = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if used.is_empty() {
            return;
        }
        let now = seconds(system.now());
        let (known, size) = read(system);
        let is_new = |used: &Used| {
            known.get(used).is_none_or(|last| now.saturating_sub(*last) > WORTH_NOTING.as_secs())
        };
        let new: Vec<(Used, u64)> = used.into_iter().filter(is_new).map(|key| (key, now)).collect();
        if size > MOST_BYTES {
            let all = known.into_iter().chain(new);
            let bytes = encode(all.collect::<LastUses>());
            let _ = system.write_atomic(&RelPath::from(FILE), &bytes, qik_model::FileKind::File);
        } else if !new.is_empty() {
            let _ = system.append(&RelPath::from(FILE), &encode(new));
        }
    }
}

/// What was written down, and how large the file is.
pub(super) fn read(system: &dyn System) -> (LastUses, usize) {
    let bytes = system.read(&FILE.into()).unwrap_or_default();
    let mut uses = LastUses::default();
    for record in bytes.chunks_exact(RECORD) {
        let (fingerprint, rest) = record.split_first_chunk().expect("a record is longer");
        let (platform, at) = rest.split_first_chunk().expect("a record is longer");
        let at = u64::from_le_bytes(at.try_into().expect("eight bytes are left"));
        let last = uses.entry((Fingerprint(*fingerprint), *platform)).or_default();
        *last = at.max(*last);
    }
    (uses, bytes.len())
}

/// Writes down these alone.
pub(super) fn replace(system: &dyn System, uses: LastUses) {
    let _ = system.write_atomic(&FILE.into(), &encode(uses), qik_model::FileKind::File);
}

pub(super) fn used_key(fingerprint: Fingerprint, platform: &str) -> Used {
    let digest = blake3::hash(platform.as_bytes());
    (fingerprint, *digest.as_bytes().first_chunk().expect("a digest is longer"))
}

pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn encode(uses: impl IntoIterator<Item = (Used, u64)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for ((fingerprint, platform), at) in uses {
        bytes.extend_from_slice(fingerprint.as_bytes());
        bytes.extend_from_slice(&platform);
        bytes.extend_from_slice(&at.to_le_bytes());
    }
    bytes
}
