//! Bytes by key, over opendal. The one place where its async is driven: back ends that answer at
//! once are polled where they are called, and no runtime starts for them. Does not know what the
//! bytes mean.

use std::future::Future;
#[cfg(feature = "fs")]
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use opendal::options::ListOptions;
use opendal::{ErrorKind, Operator};
use qik_model::RelPath;
use qik_system::System;
use tokio::runtime::Runtime;

use crate::service::ProjectFolder;

/// Some place that holds bytes by key. A key is a relative path with `/`.
#[derive(Clone, Debug)]
pub struct Storage {
    operator: Operator,
    drive: Drive,
    /// The folder that it is, where it is one of the project.
    folder: Option<(Arc<dyn System>, RelPath)>,
}

/// Why a storage did not do as it was told; a missing key is no such reason.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StorageError(pub(crate) String);

#[derive(Clone, Copy, Debug)]
enum Drive {
    /// Its futures are ready when first polled.
    Here,
    /// It needs tokio.
    Runtime,
}

impl Storage {
    /// A folder of the project, through the system's door.
    ///
    /// opendal's own `fs` service syncs every file that it writes, and needs a runtime. Entries and
    /// contents carry their digests, so a file that a power cut emptied is a miss; waiting for the
    /// disk would buy nothing.
    pub fn in_project(system: Arc<dyn System>, folder: RelPath) -> Self {
        let operator = Operator::new(ProjectFolder::at(system.clone(), folder.clone()));
        Self {
            operator: operator.expect("a folder needs no settings"),
            drive: Drive::Here,
            folder: Some((system, folder)),
        }
    }

    /// A folder anywhere, which other machines may share. Made if it does not exist.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    #[cfg(feature = "fs")]
    pub fn shared_folder(folder: &Path) -> Result<Self, StorageError> {
        let text =
            folder.to_str().ok_or_else(|| StorageError("a path that is not UTF-8".into()))?;
        let temp = format!("{text}/tmp");
        let service = opendal::services::Fs::default().root(text).atomic_write_dir(&temp);
        Ok(Self::behind(Operator::new(service)?))
    }

    /// Nowhere but in memory, for tests.
    #[cfg(feature = "memory")]
    pub fn in_memory() -> Self {
        let operator = Operator::new(opendal::services::Memory::default());
        let operator = operator.expect("memory needs no settings");
        Self { operator, drive: Drive::Here, folder: None }
    }

    /// Whatever an operator reaches.
    #[cfg(feature = "fs")]
    fn behind(operator: Operator) -> Self {
        Self { operator, drive: Drive::Runtime, folder: None }
    }

    /// The file that holds what `key` holds, where that is a file of the project.
    pub(crate) fn file(&self, key: &str) -> Option<(&Arc<dyn System>, RelPath)> {
        let (system, folder) = self.folder.as_ref()?;
        Some((system, folder.join(key.as_bytes())))
    }

    /// What `key` holds.
    ///
    /// # Errors
    /// Where the storage cannot be read; a missing key is `None`.
    pub fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        found(self.wait(self.operator.read(key)).map(|buffer| buffer.to_vec()))
    }

    /// How many bytes `key` holds.
    ///
    /// # Errors
    /// Where the storage cannot be read; a missing key is `None`.
    pub fn size(&self, key: &str) -> Result<Option<u64>, StorageError> {
        found(self.wait(self.operator.stat(key)).map(|meta| meta.content_length()))
    }

    /// Puts all of `bytes` at `key` at once: a reader sees them all, or what was there before.
    ///
    /// # Errors
    /// Where the storage cannot be written.
    pub fn write(&self, key: &str, bytes: Vec<u8>) -> Result<(), StorageError> {
        self.wait(self.operator.write(key, bytes))?;
        Ok(())
    }

    /// Removes `key`; one that is not there is fine.
    ///
    /// # Errors
    /// Where the storage cannot be written.
    pub fn remove(&self, key: &str) -> Result<(), StorageError> {
        Ok(self.wait(self.operator.delete(key))?)
    }

    /// Takes `key` out of the way, to `aside` where the back end can move things.
    ///
    /// # Errors
    /// Where the storage cannot be written.
    pub fn set_aside(&self, key: &str, aside: &str) -> Result<(), StorageError> {
        if self.operator.info().capability().rename {
            return Ok(self.wait(self.operator.rename(key, aside))?);
        }
        self.remove(key)
    }

    /// The keys below `prefix`, which ends in `/`, sorted.
    ///
    /// # Errors
    /// Where the storage cannot be read.
    pub fn keys(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        let options = ListOptions { recursive: true, ..Default::default() };
        let entries = self.wait(self.operator.list_options(prefix, options))?;
        let keys = entries.iter().map(|entry| entry.path());
        let mut keys: Vec<_> = keys.filter(|key| !key.ends_with('/')).map(str::to_owned).collect();
        keys.sort_unstable();
        Ok(keys)
    }

    fn wait<F: Future>(&self, future: F) -> F::Output {
        match self.drive {
            Drive::Here => drive_here(future),
            Drive::Runtime => runtime().block_on(future),
        }
    }
}

impl From<opendal::Error> for StorageError {
    fn from(error: opendal::Error) -> Self {
        Self(plain(&error))
    }
}

/// What helps: the full text lists the layers that the call went through, so the causes are told.
pub(crate) fn plain(error: &opendal::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    let mut text = error.message().to_owned();
    while let Some(next) = cause.source() {
        text = next.to_string();
        cause = next;
    }
    text
}

fn found<T>(result: opendal::Result<T>) -> Result<Option<T>, StorageError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// One small runtime for all storages of the process that need it, started by the first.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).thread_name("qik-storage").enable_all();
        builder.build().expect("the system gives threads")
    })
}

fn drive_here<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = pin!(future);
    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return output;
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
