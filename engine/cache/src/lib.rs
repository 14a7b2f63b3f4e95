//! Where results live: entries by fingerprint (the build field's action cache) and the bytes that
//! they name (the content-addressed store).
//!
//! [`CacheSet`] is what the other rooms call. Behind it stand [`ActionCache`]s: `local` keeps many
//! entries below `._qik/cache`, `repo` keeps the newest of each runnable in files that are committed,
//! `none` keeps nothing. Storage goes through opendal, one contract for every back end; its async
//! stays in here. This room never prints: what there is to say waits in [`CacheSet::warnings`]. It
//! does not know how a fingerprint comes about, when a command runs, or what an artifact glob is.
//!
//! ```
//! use std::sync::Arc;
//! use qik_cache::{CacheSet, Finished, Key, Lookup};
//! use qik_model::{Fingerprint, Platform};
//! use qik_system::MemorySystem;
//!
//! let caches = CacheSet::open(Arc::new(MemorySystem::new()), &Default::default(), "linux-64");
//! let key = Key { fingerprint: Fingerprint([7; 32]), runnable: "lint@api", platform: Platform::Same };
//! let files = |_: &qik_model::RelPath| None;
//! assert!(matches!(caches.lookup("local", &key, &files), Lookup::Miss(_)));
//!
//! caches.store("local", &key, Finished { log: b"all fine\n", ..Default::default() });
//! let Lookup::Hit(result) = caches.lookup("local", &key, &files) else { panic!() };
//! assert_eq!(caches.log("local", &result).unwrap(), b"all fine\n");
//! ```
#![deny(missing_docs)]

mod action;
mod content;
mod entry;
mod facts;
mod hands;
mod index;
mod local;
mod merge;
mod names;
mod nodes;
mod remote;
mod repo;
mod restore;
mod service;
mod set;
mod storage;
mod trash;
mod units;
mod verbs;
mod warnings;

pub use action::{ActionCache, ArtifactFiles, Finished, Key, Lookup, MissReason, Note};
pub use content::{CollectError, ContentStore, content_of};
pub use entry::{About, Origin, Signature, Stored};
pub use local::{Bounds, Freed, LocalCache};
pub use names::{decode_path, encode_path};
pub use remote::{Agreed, Pulled, RemoteCache, Sharing, new_key};
pub use repo::RepoCache;
pub use restore::{Recovered, Restore, Restored};
pub use set::{CacheKind, CacheSet, check_settings};
pub use storage::{Storage, StorageError};
pub use verbs::{CacheState, Listed, Verified, told};
pub use warnings::Warnings;
