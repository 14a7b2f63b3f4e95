//! From settings to something that opendal reads and writes. The one place that knows services.

use std::collections::BTreeMap;
use std::time::Duration;

use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::{Operator, services};

use super::settings::Place;

/// A failed call is tried this often again, where the service says that it may go well then.
const RETRIES: usize = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// A host that does not answer at all is found out early.
#[cfg(feature = "http")]
const CONNECT: Duration = Duration::from_secs(5);

/// # Errors
/// What is wrong with the settings.
pub(super) fn connect(place: &Place, timeout: Duration) -> Result<Operator, String> {
    let operator = build(place).map_err(|error| {
        let text = crate::storage::plain(&error);
        place.censored(text)
    })?;
    // Each try has its own time, so this comes first.
    let timeouts = TimeoutLayer::new().with_timeout(timeout).with_io_timeout(timeout);
    let retries = RetryLayer::new().with_max_times(RETRIES).with_min_delay(FIRST_PAUSE);
    let operator = with_http(operator, place, timeout)?;
    Ok(operator.layer(timeouts).layer(retries.with_jitter()))
}

fn build(place: &Place) -> opendal::Result<Operator> {
    let options = place.options.clone();
    match &*place.kind {
        #[cfg(feature = "s3")]
        "s3" => Operator::from_iter::<services::S3>(options),
        #[cfg(feature = "gcs")]
        "gcs" => Operator::from_iter::<services::Gcs>(options),
        #[cfg(feature = "azblob")]
        "azblob" => Operator::from_iter::<services::Azblob>(options),
        #[cfg(feature = "fs")]
        "fs" => Operator::from_iter::<services::Fs>(options),
        #[cfg(feature = "webdav")]
        "webdav" => Operator::from_iter::<services::Webdav>(options),
        #[cfg(feature = "redis")]
        "redis" => {
            ready_tls();
            Operator::from_iter::<services::Redis>(options)
        }
        #[cfg(feature = "ghac")]
        "ghac" => Operator::from_iter::<services::Ghac>(options),
        #[cfg(feature = "memory")]
        "memory" => memory(&options),
        other => {
            let text = format!("this qik was built without caches of type `{other}`");
            Err(opendal::Error::new(opendal::ErrorKind::ConfigInvalid, text))
        }
    }
}

/// What lies in memory under one prefix is one place, for whoever asks in this process.
#[cfg(feature = "memory")]
fn memory(options: &BTreeMap<String, String>) -> opendal::Result<Operator> {
    use std::sync::{Mutex, PoisonError};

    static PLACES: Mutex<BTreeMap<String, Operator>> = Mutex::new(BTreeMap::new());
    let root = options.get("root").cloned().unwrap_or_default();
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = places.get(&root) {
        return Ok(known.clone());
    }
    let operator = Operator::new(services::Memory::default())?;
    places.insert(root, operator.clone());
    Ok(operator)
}

#[cfg(feature = "http")]
fn with_http(operator: Operator, place: &Place, timeout: Duration) -> Result<Operator, String> {
    use opendal::{HttpTransporter, OperationContext};
    use opendal_http_transport_reqwest::ReqwestTransport;

    if matches!(&*place.kind, "fs" | "redis" | "memory") {
        return Ok(operator);
    }
    ready_tls();
    let client = reqwest::Client::builder()
        .connect_timeout(timeout.min(CONNECT))
        .user_agent(concat!("qik/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("no HTTP client can be made: {error}"))?;
    let transport = HttpTransporter::new(ReqwestTransport::new(client));
    Ok(operator.with_context(OperationContext::new().with_http_transport(transport)))
}

#[cfg(not(feature = "http"))]
fn with_http(operator: Operator, _: &Place, _: Duration) -> Result<Operator, String> {
    Ok(operator)
}

/// rustls takes its ciphers from ring, for all of the process.
#[cfg(any(feature = "http", feature = "tls"))]
fn ready_tls() {
    // Somebody was first: there is one then.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
