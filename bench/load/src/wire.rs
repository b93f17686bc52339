//! One WebSocket connection from the client's side, made cheap: RFC 6455 without extensions, no fragments.
//!
//! Left out on purpose: a real masking key. It protects proxies from web pages; here it is zero, which is a valid
//! key that spares this side the work and the hub none of it.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use crate::nats::{self, Operation};
use crate::redis::{self, Reply};

/// Text, as in RFC 6455, 5.2.
pub const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// The largest frame a hub may send us; more means that the reader lost its place.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A connected socket with what was read but not looked at and what was queued but not written.
pub struct Connection {
    stream: TcpStream,
    input: Input,
    output: Vec<u8>,
    written: usize,
    /// A close frame or the stream's end was read.
    closed: Option<String>,
    dialect: Dialect,
    /// Another server's ack in the words of a hub's.
    ack: Vec<u8>,
}

/// The protocol of the other side.
enum Dialect {
    Hub,
    Nats(nats::Dialect),
    Redis(redis::Dialect),
}

/// True if an address is of a server that is not a hub.
pub fn is_foreign(address: &str) -> bool {
    address.starts_with(nats::SCHEME) || address.starts_with(redis::SCHEME)
}

struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Connection {
    /// Connects and upgrades. `buffer_bytes` is how much is read at once: much for a receiver, little for an
    /// agent that only sits there.
    pub async fn open(address: &str, token: Option<&str>, buffer_bytes: usize) -> Result<Self> {
        let (dialect, address) = match (address.strip_prefix(nats::SCHEME), address.strip_prefix(redis::SCHEME)) {
            (Some(address), _) => (Dialect::Nats(nats::Dialect::new()), address),
            (None, Some(address)) => (Dialect::Redis(redis::Dialect::default()), address),
            (None, None) => (Dialect::Hub, address),
        };
        let stream = TcpStream::connect(address).await.with_context(|| format!("no connection to {address}"))?;
        stream.set_nodelay(true)?;
        let input = Input { buffer: vec![0; buffer_bytes], start: 0, end: 0 };
        let mut connection =
            Self { stream, input, output: Vec::new(), written: 0, closed: None, dialect, ack: Vec::new() };
        match &connection.dialect {
            Dialect::Nats(nats) => connection.output.extend_from_slice(nats.greeting().as_bytes()),
            Dialect::Redis(_) => {}
            Dialect::Hub => connection.upgrade(address, token).await?,
        }
        Ok(connection)
    }

    async fn upgrade(&mut self, address: &str, token: Option<&str>) -> Result<()> {
        let key = generate_key();
        let query = token.map(|token| format!("?token={token}")).unwrap_or_default();
        let request = format!(
            "GET /{query} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        );
        self.stream.write_all(request.as_bytes()).await?;
        let head_length = loop {
            let read = self.stream.read(self.input.room()).await?;
            ensure!(read > 0, "the server closed the connection during the upgrade");
            self.input.end += read;
            if let Some(at) = memchr::memmem::find(self.input.unread(), b"\r\n\r\n") {
                break at + 4;
            }
        };
        let head = String::from_utf8_lossy(&self.input.unread()[..head_length]).into_owned();
        let accepted = head.starts_with("HTTP/1.1 101") && head.contains(&derive_accept_key(key.as_bytes()));
        ensure!(accepted, "the server refused the upgrade: {}", head.lines().next().unwrap_or_default());
        self.input.start += head_length;
        Ok(())
    }

    /// Queues one text frame; [`Self::turn`] writes it.
    pub fn queue_text(&mut self, payload: &[u8]) {
        match &mut self.dialect {
            Dialect::Nats(nats) => nats.publish(&mut self.output, payload),
            Dialect::Redis(redis) => redis.publish(&mut self.output, payload),
            Dialect::Hub => queue_frame(&mut self.output, TEXT, payload),
        }
    }

    /// Of a NATS server: its stream is there, and with a channel a consumer. Returns how many messages wait for that.
    pub async fn consume(&mut self, channel: Option<&str>) -> Result<u64> {
        let Dialect::Nats(nats) = &self.dialect else { bail!("only a NATS server has consumers") };
        nats.make_stream(&mut self.output, "stream");
        let mut answer = self.answer("stream").await?;
        if let (Dialect::Nats(nats), Some(channel)) = (&self.dialect, channel) {
            nats.consume(&mut self.output, "consumer", channel);
            answer = self.answer("consumer").await?;
        }
        Ok(answer["num_pending"].as_u64().unwrap_or_default())
    }

    /// Makes a connection to a server that is no hub a receiver of `channel`'s messages, or a sender.
    pub async fn join_foreign(&mut self, channel: Option<&str>) -> Result<()> {
        if !matches!(self.dialect, Dialect::Redis(_)) {
            return self.consume(channel).await.map(drop);
        }
        redis::Dialect::ping(&mut self.output);
        while self.next_reply_for(|_| ())?.is_none() {
            self.turn().await?;
        }
        if let (Dialect::Redis(redis), Some(channel)) = (&mut self.dialect, channel) {
            redis.follow(&mut self.output, channel);
        }
        self.write_some()
    }

    /// True if the other side is a server that is not a hub.
    pub fn is_foreign(&self) -> bool {
        !matches!(self.dialect, Dialect::Hub)
    }

    /// Waits until a server that is no hub has given everything before.
    pub async fn settle_foreign(&mut self, mut on_text: impl FnMut(&[u8])) -> Result<()> {
        if matches!(self.dialect, Dialect::Nats(_)) {
            return self.settle_nats(on_text).await;
        }
        loop {
            while let Some(found_nothing) = self.next_reply_for(&mut on_text)? {
                if found_nothing {
                    return Ok(());
                }
            }
            self.turn().await?;
        }
    }

    async fn settle_nats(&mut self, mut on_text: impl FnMut(&[u8])) -> Result<()> {
        self.output.extend_from_slice(b"PING\r\n");
        loop {
            while let Some((operation, length)) = nats::next_operation(self.input.unread())? {
                let is_pong = matches!(operation, Operation::Pong);
                if let Operation::Delivered(payload) = operation {
                    on_text(payload);
                }
                self.input.start += length;
                if is_pong {
                    return Ok(());
                }
            }
            self.turn().await?;
        }
    }

    async fn answer(&mut self, name: &str) -> Result<Value> {
        loop {
            while let Some((operation, length)) = nats::next_operation(self.input.unread())? {
                let found = match operation {
                    Operation::Answer { to, payload } if to == name.as_bytes() => Some(nats::checked(payload)?),
                    _ => None,
                };
                self.input.start += length;
                if let Some(answer) = found {
                    return Ok(answer);
                }
            }
            self.turn().await?;
        }
    }

    /// Waits until the socket has something to read or takes some of what is queued, and does both.
    /// Cancelling it loses nothing.
    pub async fn turn(&mut self) -> Result<()> {
        self.write_some()?;
        if self.output.is_empty() {
            // `read` knows that a short read emptied the socket and spares the call that would say so.
            let read = self.stream.read(self.input.room()).await?;
            self.took(read);
            return Ok(());
        }
        let ready = self.stream.ready(Interest::READABLE | Interest::WRITABLE).await?;
        if ready.is_readable() {
            match self.stream.try_read(self.input.room()) {
                Ok(read) => self.took(read),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.write_some()
    }

    /// Looks at each whole text frame that was read, answers pings, and fails once the server has closed.
    pub fn drain(&mut self, mut on_text: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match self.dialect {
            Dialect::Hub => {}
            Dialect::Nats(_) => return self.drain_nats(on_text),
            Dialect::Redis(_) => return self.drain_redis(on_text),
        }
        while let Some(frame) = next_frame(self.input.unread())? {
            let payload = &self.input.unread()[frame.payload.clone()];
            match frame.opcode {
                TEXT => on_text(payload)?,
                PING => queue_frame(&mut self.output, PONG, payload),
                PONG => {}
                CLOSE => self.closed = Some(closing_words(payload)),
                other => bail!("a frame with opcode {other:#x}, which no hub sends"),
            }
            self.input.start += frame.payload.end;
        }
        self.check_open()
    }

    fn drain_nats(&mut self, mut on_text: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while let Some((operation, length)) = nats::next_operation(self.input.unread())? {
            match operation {
                Operation::Delivered(payload) => on_text(payload)?,
                Operation::Answer { to, payload } => {
                    nats::checked(payload)?;
                    write_ack(&mut self.ack, to);
                    on_text(&self.ack)?;
                }
                Operation::Ping => self.output.extend_from_slice(b"PONG\r\n"),
                Operation::Pong | Operation::Other => {}
            }
            self.input.start += length;
        }
        self.check_open()
    }

    fn drain_redis(&mut self, mut on_text: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut refused = None;
        while refused.is_none() && self.next_reply_for(|text| refused = on_text(text).err())?.is_some() {}
        refused.map_or_else(|| self.check_open(), Err)
    }

    /// Takes the next part of what a Redis server sent; None where none is there whole, true where a read found
    /// nothing.
    fn next_reply_for(&mut self, mut on_text: impl FnMut(&[u8])) -> Result<Option<bool>> {
        let Dialect::Redis(redis) = &mut self.dialect else { bail!("only a Redis server has replies") };
        let Some((reply, length)) = redis.next_reply(self.input.unread(), &mut self.output)? else { return Ok(None) };
        let found_nothing = reply == Reply::Nothing;
        match reply {
            Reply::Delivered(frame) => on_text(frame),
            Reply::Ack(id) => {
                write_ack(&mut self.ack, &id);
                on_text(&self.ack);
            }
            Reply::Nothing | Reply::Other => {}
        }
        self.input.start += length;
        Ok(Some(found_nothing))
    }

    fn check_open(&self) -> Result<()> {
        match &self.closed {
            Some(why) => bail!("the server closed the connection: {why}"),
            None => Ok(()),
        }
    }

    fn took(&mut self, read: usize) {
        self.input.end += read;
        if read == 0 {
            self.closed = Some("end of stream".to_owned());
        }
    }

    fn write_some(&mut self) -> Result<()> {
        while self.written < self.output.len() {
            match self.stream.try_write(&self.output[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(())
    }
}

impl Input {
    fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Room to read into: what is left of a frame moves to the front, and a frame larger than the buffer grows it.
    fn room(&mut self) -> &mut [u8] {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        &mut self.buffer[self.end..]
    }
}

/// The range of a frame's payload in the bytes it was found in, and its kind.
pub struct Frame {
    pub opcode: u8,
    pub payload: std::ops::Range<usize>,
}

/// The first whole frame of `bytes`, if it is there. The payload is as sent: a masked one stays masked.
pub fn next_frame(bytes: &[u8]) -> Result<Option<Frame>> {
    if bytes.len() < 2 {
        return Ok(None);
    }
    ensure!(bytes[0] & FINAL != 0, "a fragmented frame, which this reader does not join");
    let (length, length_end) = match bytes[1] & 0x7F {
        126 if bytes.len() < 4 => return Ok(None),
        126 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
        127 if bytes.len() < 10 => return Ok(None),
        127 => {
            let length = u64::from_be_bytes(bytes[2..10].try_into().expect("eight bytes were asked for"));
            (usize::try_from(length)?, 10)
        }
        short => (usize::from(short), 2),
    };
    ensure!(length <= FRAME_BYTES_MAX, "a frame of {length} bytes");
    let start = if bytes[1] & MASKED != 0 { length_end + 4 } else { length_end };
    if bytes.len() < start + length {
        return Ok(None);
    }
    Ok(Some(Frame { opcode: bytes[0] & 0x0F, payload: start..start + length }))
}

/// Appends a frame as a client sends it.
pub fn queue_frame(output: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    queue_head(output, opcode, payload.len(), MASKED);
    output.extend_from_slice(&[0; 4]);
    output.extend_from_slice(payload);
}

/// Appends the head of a frame as a server sends it; the payload is the caller's.
pub fn queue_server_head(output: &mut Vec<u8>, opcode: u8, length: usize) {
    queue_head(output, opcode, length, 0);
}

fn queue_head(output: &mut Vec<u8>, opcode: u8, length: usize, masked: u8) {
    output.push(FINAL | opcode);
    if length < 126 {
        output.push(masked | length as u8);
    } else if let Ok(short) = u16::try_from(length) {
        output.push(masked | 126);
        output.extend_from_slice(&short.to_be_bytes());
    } else {
        output.push(masked | 127);
        output.extend_from_slice(&(length as u64).to_be_bytes());
    }
}

/// Writes the ack of the message with this id as a hub words it.
fn write_ack(ack: &mut Vec<u8>, id: &[u8]) {
    ack.clear();
    for part in [br#"{"type":"ack","payload":{"ref":""#.as_slice(), id, br#""}}"#] {
        ack.extend_from_slice(part);
    }
}

fn closing_words(payload: &[u8]) -> String {
    match payload {
        [high, low, reason @ ..] => {
            format!("code {} {}", u16::from_be_bytes([*high, *low]), String::from_utf8_lossy(reason))
        }
        _ => "no code".to_owned(),
    }
}
