//! An S3 server in this process: real requests over loopback, real signatures, files below a
//! temporary folder. It may be told to be slow, or to fail.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError, HttpRequest, HttpResponse};
use tokio::runtime::Runtime;

pub const KEY: &str = "ACCESS-KEY";
pub const SECRET: &str = "SECRET-KEY-OF-TESTS";
pub const BUCKET: &str = "results";

/// See the module. It stops when this is dropped.
pub struct Server {
    pub url: String,
    folder: tempfile::TempDir,
    pub mood: Arc<Mood>,
    _runtime: Runtime,
}

/// How it behaves from now on.
#[derive(Debug, Default)]
pub struct Mood {
    pub delay_millis: AtomicU64,
    /// Of a thousand requests so many fail, by turns in several ways.
    pub faults: AtomicU64,
    pub hangs: AtomicBool,
    pub denies: AtomicBool,
    pub denies_writes: AtomicBool,
    /// Requests that came.
    pub requests: AtomicU64,
    /// Held while an object is put that must be new: the server below looks first and writes then.
    exclusive: tokio::sync::Mutex<()>,
    seed: AtomicU64,
}

impl Server {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let files = s3s_fs::FileSystem::new(folder.path()).unwrap();
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let mood = Arc::new(Mood { seed: AtomicU64::new(42), ..Mood::default() });
        let service = Moody { inner: service.build(), mood: mood.clone() };
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move {
            loop {
                let Ok((socket, _)) = listener.accept().await else { continue };
                let _ = socket.set_nodelay(true);
                let service = service.clone();
                tokio::spawn(async move {
                    let answer = hyper::service::service_fn(|request: Request| {
                        service.clone().answer(request.map(Body::from))
                    });
                    let builder = Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(socket), answer).await;
                });
            }
        });
        Self { url, folder, mood, _runtime: runtime }
    }

    /// Where its objects lie.
    pub fn bucket(&self) -> PathBuf {
        self.folder.path().join(BUCKET)
    }

    /// The files of all objects whose key contains `part`, sorted.
    pub fn objects(&self, part: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        gather(&self.bucket(), &mut found);
        found.retain(|path| path.to_string_lossy().contains(part));
        found.sort();
        found
    }
}

fn gather(folder: &Path, found: &mut Vec<PathBuf>) {
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() { gather(&path, found) } else { found.push(path) }
    }
}

#[derive(Clone)]
struct Moody {
    inner: S3Service,
    mood: Arc<Mood>,
}

impl Mood {
    fn random(&self) -> u64 {
        // splitmix64: the same faults in each run, as far as requests come in the same order.
        let mut z = self.seed.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

type Request = hyper::Request<hyper::body::Incoming>;
type Answer = Result<HttpResponse, HttpError>;

impl Moody {
    async fn answer(self, request: HttpRequest) -> Answer {
        let mood = &self.mood;
        mood.requests.fetch_add(1, Ordering::Relaxed);
        let delay = Duration::from_millis(mood.delay_millis.load(Ordering::Relaxed));
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if mood.hangs.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        let writes = !matches!(request.method().as_str(), "GET" | "HEAD");
        let denies = mood.denies.load(Ordering::Relaxed)
            || writes && mood.denies_writes.load(Ordering::Relaxed);
        if denies {
            return Ok(status(403, "<Error><Code>AccessDenied</Code></Error>"));
        }
        let is_exclusive = request.headers().contains_key("if-none-match") && writes;
        let _alone = if is_exclusive { Some(mood.exclusive.lock().await) } else { None };
        if mood.random() % 1000 >= mood.faults.load(Ordering::Relaxed) {
            return self.inner.call(request).await;
        }
        match mood.random() % 6 {
            0 => Ok(status(500, "<Error><Code>InternalError</Code></Error>")),
            1 => Ok(status(404, "<Error><Code>NoSuchKey</Code></Error>")),
            2 => Ok(status(200, "a page of somebody's proxy")),
            3 => {
                // It is done, and the answer is lost.
                let _ = self.inner.call(request).await;
                Ok(status(500, ""))
            }
            4 => Ok(status(403, "<Error><Code>AccessDenied</Code></Error>")),
            _ => {
                let mut response = self.inner.call(request).await?;
                // Cut off, with a length that fits.
                response.headers_mut().remove("content-length");
                let body = response.body_mut();
                let bytes = body.store_all_limited(1 << 26).await.unwrap_or_default();
                *body = Body::from(bytes.slice(..bytes.len() / 2));
                Ok(response)
            }
        }
    }
}

fn status(code: u16, text: &'static str) -> HttpResponse {
    let mut response = HttpResponse::new(Body::from(text.to_owned()));
    *response.status_mut() = code.try_into().unwrap();
    response
}
