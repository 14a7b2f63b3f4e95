//! Whether something on this machine answers: a port that takes connections, an address that is well.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long an answer may take: whoever asks asks again.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether something takes connections at this port of this machine.
pub fn takes_connections(port: u16) -> bool {
    let here = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    here.iter().any(|ip| TcpStream::connect_timeout(&SocketAddr::new(*ip, port), PATIENCE).is_ok())
}

/// Whether `http://HOST:PORT/PATH` answers with a status from 200 to 399.
pub fn answers(url: &str) -> bool {
    status(url).is_some_and(|status| (200..400).contains(&status))
}

fn status(url: &str) -> Option<u16> {
    let rest = url.strip_prefix("http://")?;
    let (host, path) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let path = path.split('#').next().unwrap_or_default();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let address = if has_port { host.to_owned() } else { format!("{host}:80") };
    let request = format!(
        "GET {slash}{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: qik\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n"
    );
    address.to_socket_addrs().ok()?.find_map(|address| ask(&address, request.as_bytes()))
}

/// Of the answer only its first line is read.
fn ask(address: &SocketAddr, request: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect_timeout(address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(request).ok()?;
    let (mut line, mut byte) = (Vec::new(), [0]);
    while line.len() < 256 && stream.read(&mut byte).ok()? == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    let line = std::str::from_utf8(&line).ok()?;
    line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    use super::*;

    /// Answers once, and tells the first line of what it was asked.
    fn server(answer: &'static str) -> (u16, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            line.trim_end().to_owned()
        });
        (port, thread)
    }

    #[test]
    fn an_address_is_well_by_its_status() {
        for (answer, path, asked, well) in [
            ("HTTP/1.1 200 OK\r\n\r\n", "/health?x=1#y", "/health?x=1", true),
            ("HTTP/1.0 302 Found\r\n\r\n", "", "/", true),
            ("HTTP/1.1 503 Busy\r\n\r\n", "?x", "/?x", false),
            ("nonsense\n", "/", "/", false),
        ] {
            let (port, thread) = server(answer);
            assert_eq!(answers(&format!("http://127.0.0.1:{port}{path}")), well, "{answer}");
            assert_eq!(thread.join().unwrap(), format!("GET {asked} HTTP/1.1"));
        }
        assert!(!answers("https://127.0.0.1/"));
    }

    #[test]
    fn a_port_takes_connections_while_somebody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(takes_connections(port));
        drop(listener);
        assert!(!takes_connections(port));
        assert!(!answers(&format!("http://127.0.0.1:{port}/")));
    }
}
