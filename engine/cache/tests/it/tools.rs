//! Programs that tests use where they are there. Where tests must not be skipped
//! (`QIK_TEST_REQUIRE_TOOLS`), one that is missing is a failure.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Whether `tool` can be started.
#[allow(clippy::print_stderr, reason = "whoever reads the output of the tests should know")]
pub fn have(tool: &str) -> bool {
    let mut ask = Command::new(tool);
    let is_there =
        ask.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let is_required = std::env::var_os("QIK_TEST_REQUIRE_TOOLS").is_some();
    assert!(is_there || !is_required, "`{tool}` is missing");
    if !is_there {
        eprintln!("SKIPPED: {tool}");
    }
    is_there
}

/// A Redis server that keeps nothing on disk; it stops when this is dropped.
pub struct Redis {
    pub url: String,
    child: Child,
    _folder: tempfile::TempDir,
}

pub fn redis() -> Option<Redis> {
    if !have("redis-server") {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", "no"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let redis = Redis { url: format!("redis://127.0.0.1:{port}"), child, _folder: folder };
    let start = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(start.elapsed() < Duration::from_secs(10), "redis-server does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(redis)
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
