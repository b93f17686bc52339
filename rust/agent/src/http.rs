//! One short exchange with a hub over HTTP, blocking and within a deadline.
//!
//! A hook runs for a few milliseconds, less than reqwest with its runtime and TLS needs to start. A hook needs only
//! this: requests to one address on one connection, and answers with a length.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::identity::Hub;

/// Characters that are not encoded in a part of an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// A longer answer is not a hub's.
const BODY_MAX: u64 = 8 * 1024 * 1024;
const HEAD_LINES_MAX: usize = 100;
const NO_CONTENT: u16 = 204;

/// Encodes a part of an address.
pub fn part(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// An answer's status and JSON.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body; null if it is not JSON.
    pub body: Value,
}

/// A connection to a hub.
#[derive(Debug)]
pub struct Connection<'a> {
    hub: &'a Hub,
    stream: BufReader<TcpStream>,
    deadline: Instant,
}

impl<'a> Connection<'a> {
    /// Connects. Everything on this connection must be done within `limit`.
    ///
    /// # Errors
    /// The system's error, or a deadline that passed.
    pub fn open(hub: &'a Hub, limit: Duration) -> io::Result<Self> {
        let deadline = Instant::now() + limit;
        // A look-up of a name can take long. Hooks only connect to loopback, whose name is known.
        let place = hub.place();
        let place =
            place.strip_prefix("localhost:").map_or_else(|| place.to_owned(), |port| format!("127.0.0.1:{port}"));
        let address = place.to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_nodelay(true)?;
        Ok(Self { hub, stream: BufReader::new(stream), deadline })
    }

    /// Sends a request; its answer is read with [`Connection::response`], in order.
    ///
    /// # Errors
    /// The system's error, or a deadline that passed.
    pub fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> io::Result<()> {
        self.stream.get_ref().set_write_timeout(Some(self.left()?))?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let token = match &self.hub.token {
            token if token.is_empty() => String::new(),
            token => format!("Authorization: Bearer {}\r\n", token.expose()),
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{token}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.hub.place(),
            body.len()
        );
        self.stream.get_mut().write_all((head + &body).as_bytes())
    }

    /// Reads the next answer.
    ///
    /// # Errors
    /// The system's error, a deadline that passed, or an answer that is not a hub's.
    pub fn response(&mut self) -> io::Result<Response> {
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer of an Orochi hub");
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(broken)?;
        let mut length = None;
        for _ in 0..HEAD_LINES_MAX {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse::<u64>().ok();
            }
        }
        // An answer without a body has no length.
        let length = if status == NO_CONTENT { Some(0) } else { length };
        let length = length.filter(|length| *length <= BODY_MAX).ok_or_else(broken)?;
        let mut body = vec![0; usize::try_from(length).map_err(|_| broken())?];
        let mut filled = 0;
        while filled < body.len() {
            self.arm()?;
            match self.stream.read(&mut body[filled..])? {
                0 => return Err(broken()),
                more => filled += more,
            }
        }
        Ok(Response { status, body: serde_json::from_slice(&body).unwrap_or_default() })
    }

    fn line(&mut self) -> io::Result<String> {
        self.arm()?;
        let mut line = String::new();
        (&mut self.stream).take(64 * 1024).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn arm(&self) -> io::Result<()> {
        self.stream.get_ref().set_read_timeout(Some(self.left()?))
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

/// Sends one request and reads its answer.
///
/// # Errors
/// As for [`Connection`].
pub fn exchange(hub: &Hub, limit: Duration, method: &str, path: &str, body: Option<&Value>) -> io::Result<Response> {
    let mut connection = Connection::open(hub, limit)?;
    connection.send(method, path, body)?;
    connection.response()
}
