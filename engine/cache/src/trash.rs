//! Where files go that qik takes out of the way but did not make. Nothing in it is ever looked at.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use qik_model::RelPath;
use qik_system::System;

const FOLDER: &str = "._qik/trash";

/// A fresh folder name in the trash. Nothing is made yet.
pub(crate) fn new_folder(system: &dyn System) -> RelPath {
    RelPath::from(FOLDER).join(unique(system))
}

/// A name that no other call in any process gives: the time of day leads, for whoever looks for
/// something that was put away.
pub(crate) fn unique(system: &dyn System) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = system.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{:09}-{}-{count}", now.as_secs(), now.subsec_nanos(), std::process::id())
}
