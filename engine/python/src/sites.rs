//! What the folders of environments hold, kept in `._qik/sites` as long as nothing in them changed:
//! an environment of three hundred distributions is a thousand files.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use qik_db::System;
use qik_model::{FileKind, RelPath};
use rustc_hash::FxHashMap;

use crate::dist::{Look, Site, decode, encode, read_site};
use crate::nodes::digest_of;

const FOLDER: &str = "._qik/sites";

/// See the module. Safe to use from many threads.
#[derive(Debug)]
pub(crate) struct Sites {
    system: Arc<dyn System>,
    /// Read by this process, to be kept.
    fresh: Mutex<FxHashMap<RelPath, Vec<u8>>>,
}

impl Sites {
    pub fn new(system: Arc<dyn System>) -> Self {
        Self { system, fresh: Mutex::default() }
    }

    /// What `folders` hold.
    pub fn read(&self, look: &dyn Look, folders: &[PathBuf]) -> Site {
        let path = place(folders);
        let kept = self.system.read(&path).ok().and_then(|bytes| decode(&bytes));
        if let Some(kept) = kept.filter(|kept| kept.is_fresh(look, folders)) {
            return kept;
        }
        let site = read_site(look, folders);
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.insert(path, encode(&site));
        site
    }

    /// Keeps on disk what this process read.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save(&self) -> std::io::Result<()> {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, bytes) in fresh.drain() {
            self.system.write_atomic(&path, &bytes, FileKind::File)?;
        }
        Ok(())
    }
}

fn place(folders: &[PathBuf]) -> RelPath {
    let names: Vec<u8> = folders
        .iter()
        .flat_map(|folder| [folder.as_os_str().as_encoded_bytes(), b"\0"].concat())
        .collect();
    RelPath::from(FOLDER).join(&digest_of(&names).to_string()[..32])
}
