//! Which results are the luck of the day: `._qik/out/flakes.json` remembers for what fingerprints a
//! runnable failed, and whether it passed later with nothing changed.
//!
//! A hint for people, bounded, and never a reason to fail: a file that can't be read counts as empty.

use std::collections::BTreeMap;
use std::io;

use qik_model::{FileKind, Fingerprint, Name, RelPath};
use qik_system::{STATE_FOLDER, System};
use serde::{Deserialize, Serialize};

/// How many fingerprints are remembered; those that failed longest ago are forgotten first.
const BOUND: usize = 1000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct FlakeLedger {
    seen: BTreeMap<Fingerprint, Seen>,
    changed: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Seen {
    /// The runnable, for people.
    name: String,
    /// Counts up: the highest failed last.
    order: u64,
    /// Whether it passed, too.
    #[serde(default)]
    passed: bool,
}

impl FlakeLedger {
    /// The ledger as it is.
    pub fn open(system: &dyn System) -> Self {
        let bytes = system.read(&path()).ok();
        let seen = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self { seen: seen.unwrap_or_default(), changed: false }
    }

    /// `name` failed, for this state of its inputs.
    pub fn failed(&mut self, fingerprint: Fingerprint, name: &Name) {
        let last = self.seen.values().map(|seen| seen.order).max();
        let order = last.map_or(0, |last| last.saturating_add(1));
        let passed = self.is_flaky(&fingerprint);
        self.seen.insert(fingerprint, Seen { name: name.to_string(), order, passed });
        self.changed = true;
        while self.seen.len() > BOUND {
            let oldest = self.seen.iter().min_by_key(|(_, seen)| seen.order);
            let Some(oldest) = oldest.map(|(fingerprint, _)| *fingerprint) else { return };
            self.seen.remove(&oldest);
        }
    }

    /// `name` passed for this state of its inputs; whether it failed for the same before.
    pub fn passed(&mut self, fingerprint: &Fingerprint) -> bool {
        let Some(seen) = self.seen.get_mut(fingerprint) else { return false };
        self.changed |= !std::mem::replace(&mut seen.passed, true);
        true
    }

    /// Whether it both failed and passed for this state.
    pub fn is_flaky(&self, fingerprint: &Fingerprint) -> bool {
        self.seen.get(fingerprint).is_some_and(|seen| seen.passed)
    }

    /// Writes it down if it changed.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn save(&mut self, system: &dyn System) -> io::Result<()> {
        if !std::mem::take(&mut self.changed) {
            return Ok(());
        }
        let mut text = serde_json::to_vec_pretty(&self.seen)?;
        text.push(b'\n');
        system.write_atomic(&path(), &text, FileKind::File)
    }
}

fn path() -> RelPath {
    RelPath::from(STATE_FOLDER).join("out/flakes.json")
}

#[cfg(test)]
mod tests {
    use qik_system::MemorySystem;

    use super::*;

    fn at(number: u64) -> Fingerprint {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Fingerprint(bytes)
    }

    #[test]
    fn what_failed_and_passed_for_the_same_is_flaky_in_the_next_process_too() {
        let system = MemorySystem::new();
        let name = Name::from("test");
        let mut ledger = FlakeLedger::open(&system);
        ledger.failed(at(1), &name);
        assert!(!ledger.is_flaky(&at(1)));
        ledger.save(&system).unwrap();
        let mut ledger = FlakeLedger::open(&system);
        assert!(ledger.passed(&at(1)) && !ledger.passed(&at(2)));
        ledger.save(&system).unwrap();
        let mut ledger = FlakeLedger::open(&system);
        assert!(ledger.is_flaky(&at(1)) && !ledger.is_flaky(&at(2)));
        ledger.failed(at(1), &name);
        assert!(ledger.is_flaky(&at(1)), "it stays so when it fails again");
    }

    #[test]
    fn what_failed_longest_ago_is_forgotten_first() {
        let mut ledger = FlakeLedger::default();
        for number in 0..=BOUND as u64 {
            ledger.failed(at(number), &Name::from("test"));
            if number == BOUND as u64 - 1 {
                ledger.failed(at(0), &Name::from("test"));
            }
        }
        assert_eq!(ledger.seen.len(), BOUND);
        assert!(ledger.passed(&at(0)) && !ledger.passed(&at(1)) && ledger.passed(&at(2)));
    }

    #[test]
    fn a_damaged_file_counts_as_empty() {
        let system = MemorySystem::new();
        for text in ["", "{", "[]", "{\"x\": {}}", "{\"00\": {\"name\": 3}}"] {
            system.write_atomic(&path(), text.as_bytes(), FileKind::File).unwrap();
            assert!(FlakeLedger::open(&system).seen.is_empty(), "{text}");
        }
    }
}
