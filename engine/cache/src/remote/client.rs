//! Calls to a remote, each of them guarded: by a breaker, by limits, by one warning for all that
//! goes wrong. Does not know what entries mean.

use std::fmt;
use std::future::Future;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use futures_util::TryStreamExt;
use opendal::options::WriteOptions;
use opendal::{Buffer, ErrorKind, Operator};
use qik_model::{Content, Diagnostic, Severity};
use qik_system::System;
use tokio::sync::Semaphore;

use super::backend;
use super::breaker::Breaker;
use super::settings::Settings;
use crate::content::{ContentStore, key};
use crate::storage::{plain, runtime};
use crate::warnings::{self, Warnings};

/// Larger objects are sent in parts of this size.
const PART: usize = 8 << 20;
/// Contents from here on are large: only a few of them are on their way at once.
const LARGE: u64 = 1 << 20;
/// What a service takes whole is held in memory whole, so it has to be small.
const WHOLE: u64 = 64 << 20;

/// See the module.
pub(super) struct Client {
    pub(super) settings: Settings,
    system: Arc<dyn System>,
    operator: OnceLock<Result<Operator, String>>,
    pub(super) reads: Breaker,
    pub(super) writes: Breaker,
    large: Semaphore,
    warnings: Arc<Warnings>,
    told: AtomicBool,
}

/// Why a call came to nothing. The user was told already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble(pub(super) String);

/// What became of fetching contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    Whole,
    Nothing,
    /// They are not what their name says.
    Damaged,
}

type Answer<T> = Result<T, Trouble>;

impl Client {
    pub(super) fn new(
        settings: Settings,
        system: Arc<dyn System>,
        warnings: Arc<Warnings>,
    ) -> Self {
        Self {
            settings,
            operator: OnceLock::new(),
            reads: Breaker::new(system.clone()),
            writes: Breaker::new(system.clone()),
            system,
            large: Semaphore::new(3),
            warnings,
            told: AtomicBool::new(false),
        }
    }

    /// The object at `key`; `None` where there is none. One that is larger than `limit` is nothing
    /// that was written there by a qik.
    pub(super) async fn get(&self, key: &str, limit: u64) -> Answer<Option<Vec<u8>>> {
        let operator = self.operator()?;
        let read = async {
            let mut stream = operator.reader(key).await?.into_stream(..).await?;
            let mut bytes = Vec::new();
            while let Some(chunk) = stream.try_next().await? {
                bytes.extend_from_slice(&chunk.to_bytes());
                if bytes.len() as u64 > limit {
                    break;
                }
            }
            Ok(bytes)
        };
        self.guarded(&self.reads, found(read)).await
    }

    /// How many bytes the object at `key` has.
    pub(super) async fn size(&self, key: &str) -> Answer<Option<u64>> {
        let operator = self.operator()?;
        let stat = async { Ok(operator.stat(key).await?.content_length()) };
        self.guarded(&self.reads, found(stat)).await
    }

    /// Puts an object in place. Where it must be new and is not, `false`.
    pub(super) async fn put(&self, key: &str, bytes: Vec<u8>, is_new: bool) -> Answer<bool> {
        let operator = self.operator()?;
        let options = WriteOptions { if_not_exists: is_new, ..WriteOptions::default() };
        let write = async {
            match operator.write_options(key, bytes, options).await {
                Ok(_) => Ok(true),
                Err(error) if is_taken(&error) => Ok(false),
                Err(error) => Err(error),
            }
        };
        self.guarded(&self.writes, write).await
    }

    pub(super) async fn remove(&self, key: &str) -> Answer<()> {
        let operator = self.operator()?;
        self.guarded(&self.writes, operator.delete(key)).await
    }

    /// Whether the service itself sees to it that an object is new.
    pub(super) fn knows_new(&self) -> Answer<bool> {
        // opendal's `fs` looks first and moves then, which two can do at once.
        let capability = self.operator()?.info().capability();
        Ok(capability.write_with_if_not_exists && self.settings.place.kind != "fs")
    }

    /// The keys below `prefix`; `None` where the service cannot list.
    pub(super) async fn keys(&self, prefix: &str) -> Answer<Option<Vec<String>>> {
        let operator = self.operator()?;
        if !operator.info().capability().list {
            return Ok(None);
        }
        let list = async {
            let mut keys = Vec::new();
            let mut lister = operator.lister_with(prefix).recursive(true).await?;
            while let Some(entry) = lister.try_next().await? {
                if !entry.path().ends_with('/') {
                    keys.push(entry.path().to_owned());
                }
            }
            keys.sort_unstable();
            Ok(keys)
        };
        self.guarded(&self.reads, found(list)).await.map(|keys| Some(keys.unwrap_or_default()))
    }

    /// Brings contents into the local store, checked. To be called where blocking is fine.
    pub(super) fn download(
        &self,
        scope: &str,
        content: &Content,
        into: &ContentStore,
    ) -> Answer<Fetched> {
        let operator = self.operator()?;
        let key = content_key(scope, content);
        let _room = self.room(content.size);
        let opened = async {
            // A service may answer only when it is read from.
            let mut stream = operator.reader(&key).await?.into_stream(..).await?;
            let first = stream.try_next().await?;
            Ok((first, stream))
        };
        let opened = runtime().block_on(self.guarded(&self.reads, found(opened)))?;
        let Some((mut next, mut stream)) = opened else { return Ok(Fetched::Nothing) };
        let mut trouble = None;
        let done = into.put_with(content, &mut |out| {
            let mut decoder = zstd::stream::write::Decoder::new(out)?;
            while let Some(chunk) = next.take() {
                for part in chunk {
                    decoder.write_all(&part)?;
                }
                let more = async { stream.try_next().await };
                match runtime().block_on(self.guarded(&self.reads, more)) {
                    Ok(more) => next = more,
                    Err(failed) => {
                        let text = failed.0.clone();
                        trouble = Some(failed);
                        return Err(io::Error::other(text));
                    }
                }
            }
            decoder.flush()
        });
        match (done, trouble) {
            (Ok(()), _) => Ok(Fetched::Whole),
            (Err(_), Some(trouble)) => Err(trouble),
            // Not what its name says: for this project it is as good as gone.
            (Err(error), None) => {
                self.damaged(&key, &error);
                Ok(Fetched::Damaged)
            }
        }
    }

    /// Sends contents from the local store. To be called where blocking is fine.
    pub(super) fn upload(&self, content: &Content, from: &ContentStore) -> Answer<()> {
        let operator = self.operator()?;
        let key = content_key(&self.settings.scope, content);
        if content.size <= LARGE {
            let bytes = from.get(content).ok().flatten();
            let bytes = bytes.ok_or_else(|| Trouble("its contents are no longer here".into()))?;
            let body =
                zstd::bulk::compress(&bytes, 3).map_err(|error| Trouble(error.to_string()))?;
            return runtime().block_on(self.put(&key, body, false)).map(drop);
        }
        let in_parts = operator.info().capability().write_can_multi;
        if !in_parts && content.size > WHOLE {
            return Err(Trouble(too_large(&self.settings.place.kind, content.size)));
        }
        let _room = self.room(content.size);
        let options = WriteOptions { chunk: in_parts.then_some(PART), ..WriteOptions::default() };
        let opened = self.guarded(&self.writes, operator.writer_options(&key, options));
        let writer = runtime().block_on(opened)?;
        let mut parts = Parts { client: self, writer, held: Vec::new(), trouble: None };
        let mut checksum = blake3::Hasher::new();
        let sent = (|| {
            let mut encoder = zstd::stream::write::Encoder::new(&mut parts, 3)?;
            let mut failed = None;
            from.read_chunks(content, &mut |chunk| {
                checksum.update(chunk);
                if failed.is_none() {
                    failed = encoder.write_all(chunk).err();
                }
            })?;
            failed.map_or(Ok(()), Err)?;
            encoder.finish()?;
            if checksum.finalize().as_bytes() != &content.digest.0 {
                return Err(io::Error::other("its contents were changed"));
            }
            parts.flush()
        })();
        let Parts { mut writer, trouble, .. } = parts;
        match sent {
            Ok(()) => {
                let close = async { writer.close().await };
                runtime().block_on(self.guarded(&self.writes, close)).map(drop)
            }
            Err(error) => {
                // What was sent of it is the service's to forget.
                let abort = async { writer.abort().await };
                let _ = runtime().block_on(self.guarded(&self.writes, abort));
                Err(trouble.unwrap_or_else(|| Trouble(error.to_string())))
            }
        }
    }

    /// Waits until there is room for something of this size.
    fn room(&self, size: u64) -> Option<tokio::sync::SemaphorePermit<'_>> {
        (size > LARGE).then(|| runtime().block_on(self.large.acquire()).ok()).flatten()
    }

    fn operator(&self) -> Answer<&Operator> {
        let connect = || backend::connect(&self.settings.place, self.settings.timeout);
        // The transport and the layers belong to the runtime that drives them.
        let _entered = runtime().enter();
        self.operator.get_or_init(connect).as_ref().map_err(|error| self.trouble(error.clone()))
    }

    async fn guarded<T>(
        &self,
        breaker: &Breaker,
        call: impl Future<Output = opendal::Result<T>>,
    ) -> Answer<T> {
        if breaker.is_open() {
            return Err(Trouble("it was given up".into()));
        }
        tokio::select! {
            result = call => match result {
                Ok(value) => {
                    breaker.succeeded();
                    Ok(value)
                }
                Err(error) => {
                    breaker.failed();
                    Err(self.trouble(reason(&error)))
                }
            },
            () = breaker.opens() => Err(Trouble("it was given up".into())),
        }
    }

    /// Tells the user, once.
    fn trouble(&self, text: String) -> Trouble {
        let text = self.settings.place.censored(text);
        if !self.told.swap(true, Ordering::Relaxed) {
            let name = &self.settings.name;
            let message = format!("cache `{name}` can't be used as it should: {text}");
            let help = "the run goes on with the local cache alone; nothing is lost but time";
            self.warnings.add(self.report(warnings::REMOTE, message).help(help));
        }
        Trouble(text)
    }

    /// A warning, or an error where the user wants it so.
    pub(super) fn report(&self, code: &'static str, message: String) -> Diagnostic {
        let mut report = Diagnostic::warning(code, message);
        if self.settings.strict {
            report.severity = Severity::Error;
        }
        report
    }

    fn damaged(&self, key: &str, error: &io::Error) {
        let text = format!("`{key}` in cache `{}` is damaged: {error}", self.settings.name);
        let help = "what needs it runs again, and takes its place";
        self.warnings.add(Diagnostic::warning(warnings::DAMAGED, text).help(help));
    }

    pub(super) fn system(&self) -> &dyn System {
        &*self.system
    }

    pub(super) fn warnings(&self) -> &Warnings {
        &self.warnings
    }
}

/// What a service shows of itself may hold secrets.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn too_large(kind: &str, size: u64) -> String {
    let (size, most) = (crate::verbs::told(size), crate::verbs::told(WHOLE));
    format!(
        "one of its files has {size}, and a `{kind}` cache takes a file whole, so none above {most}; \
         `s3`, `gcs`, `azblob` and `fs` take them in parts"
    )
}

/// Where contents are.
pub(super) fn content_key(scope: &str, content: &Content) -> String {
    format!("{scope}v1/{}", key(&content.digest))
}

/// Hands what is written on to a service, in pieces that are worth a call.
struct Parts<'a> {
    client: &'a Client,
    writer: opendal::Writer,
    held: Vec<u8>,
    trouble: Option<Trouble>,
}

impl Parts<'_> {
    fn send(&mut self) -> io::Result<()> {
        let bytes = Buffer::from(std::mem::take(&mut self.held));
        let write = async { self.writer.write(bytes).await };
        let sent = runtime().block_on(self.client.guarded(&self.client.writes, write));
        sent.map_err(|trouble| {
            let text = trouble.0.clone();
            self.trouble = Some(trouble);
            io::Error::other(text)
        })
    }
}

impl Write for Parts<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= 1 << 20 {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.held.is_empty() { Ok(()) } else { self.send() }
    }
}

fn is_taken(error: &opendal::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConditionNotMatch | ErrorKind::AlreadyExists)
}

async fn found<T>(call: impl Future<Output = opendal::Result<T>>) -> opendal::Result<Option<T>> {
    match call.await {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// One line: services answer with pages.
fn reason(error: &opendal::Error) -> String {
    let text = match error.kind() {
        ErrorKind::PermissionDenied => "it denies access".to_owned(),
        ErrorKind::RateLimited => "it asks for less haste".to_owned(),
        _ => plain(error),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
