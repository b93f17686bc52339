//! NATS with JetStream in the place of a hub, so that the same load runs against it: a message is published to a stream
//! on disk and acked by it, and a receiver is an ordered push consumer of its channel's subject.
//!
//! Spoken here is NATS' client protocol as its documentation has it: lines that end in CRLF, and payloads by length.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// The beginning of an address of a NATS server.
pub const SCHEME: &str = "nats://";
/// The subjects of JetStream's acks and answers, and of a consumer's messages.
const ANSWERS: &str = "1";
const MESSAGES: &str = "2";
const STREAM: &str = "LOAD";

/// One end of a connection: what its own subjects are called.
pub struct Dialect {
    inbox: String,
}

/// One operation of the server.
pub enum Operation<'a> {
    /// A message of the consumer.
    Delivered(&'a [u8]),
    /// An answer of JetStream, and to which request.
    Answer {
        to: &'a [u8],
        payload: &'a [u8],
    },
    Ping,
    Pong,
    /// Greetings, and status without a payload.
    Other,
}

impl Dialect {
    pub fn new() -> Self {
        Self { inbox: format!("_INBOX.{}", uuid::Uuid::new_v4().simple()) }
    }

    /// A client's first line.
    pub fn greeting(&self) -> String {
        let Self { inbox } = self;
        let about = json!({"verbose": false, "pedantic": false, "headers": true, "name": "load", "lang": "rust"});
        format!("CONNECT {about}\r\nSUB {inbox}.a.> {ANSWERS}\r\nSUB {inbox}.m {MESSAGES}\r\n")
    }

    /// Publishes a message's frame; its ack names the frame's id.
    pub fn publish(&self, output: &mut Vec<u8>, frame: &[u8]) {
        let id = field(frame, br#""id":""#).unwrap_or_default();
        let channel = field(frame, br##""channel":"#"##).unwrap_or_default();
        output.extend_from_slice(b"PUB load.");
        output.extend_from_slice(channel);
        output.push(b' ');
        output.extend_from_slice(self.inbox.as_bytes());
        output.extend_from_slice(b".a.");
        output.extend_from_slice(id);
        output.extend_from_slice(format!(" {}\r\n", frame.len()).as_bytes());
        output.extend_from_slice(frame);
        output.extend_from_slice(b"\r\n");
    }

    /// A request to JetStream; its answer is to `name`.
    pub fn ask(&self, output: &mut Vec<u8>, subject: &str, name: &str, payload: &Value) {
        let payload = payload.to_string();
        let line = format!("PUB $JS.API.{subject} {}.a.{name} {}\r\n{payload}\r\n", self.inbox, payload.len());
        output.extend_from_slice(line.as_bytes());
    }

    /// The stream for all subjects of loads, made once.
    pub fn make_stream(&self, output: &mut Vec<u8>, name: &str) {
        let config = json!({
            "name": STREAM, "subjects": ["load.>"], "storage": "file", "retention": "limits", "num_replicas": 1,
        });
        self.ask(output, &format!("STREAM.CREATE.{STREAM}"), name, &config);
    }

    /// A consumer of a channel's messages, from the first on.
    pub fn consume(&self, output: &mut Vec<u8>, name: &str, channel: &str) {
        let config = json!({
            "deliver_subject": format!("{}.m", self.inbox), "filter_subject": subject(channel),
            "deliver_policy": "all", "ack_policy": "none", "replay_policy": "instant", "mem_storage": true,
            "num_replicas": 1, "max_deliver": 1,
        });
        let request = json!({"stream_name": STREAM, "config": config});
        self.ask(output, &format!("CONSUMER.CREATE.{STREAM}"), name, &request);
    }
}

/// JetStream's answer, or its error.
pub fn checked(payload: &[u8]) -> Result<Value> {
    let answer: Value = serde_json::from_slice(payload).context("JetStream's answer is no JSON")?;
    match answer.get("error") {
        Some(error) => bail!("JetStream refused: {error}"),
        None => Ok(answer),
    }
}

/// The next whole operation of `bytes`, and where it ends.
pub fn next_operation(bytes: &[u8]) -> Result<Option<(Operation<'_>, usize)>> {
    let Some(line_end) = memchr::memmem::find(bytes, b"\r\n") else { return Ok(None) };
    let (line, after) = (&bytes[..line_end], line_end + 2);
    if line.starts_with(b"MSG ") || line.starts_with(b"HMSG ") {
        let text = std::str::from_utf8(line)?;
        let words: Vec<&str> = text.split(' ').collect();
        ensure!(words.len() >= 4, "a line that is no message: {text}");
        let length: usize = words[words.len() - 1].parse().with_context(|| format!("no length in {text}"))?;
        if bytes.len() < after + length + 2 {
            return Ok(None);
        }
        let payload = &bytes[after..after + length];
        let operation = match (words[0], words[2]) {
            ("MSG", MESSAGES) => Operation::Delivered(payload),
            ("MSG", ANSWERS) => {
                let to = words[1].rsplit('.').next().unwrap_or_default().as_bytes();
                Operation::Answer { to, payload }
            }
            _ => bail!("no answer to a request: {text}"),
        };
        return Ok(Some((operation, after + length + 2)));
    }
    let operation = match line {
        b"PING" => Operation::Ping,
        b"PONG" => Operation::Pong,
        error if error.starts_with(b"-ERR") => bail!("the server said {}", String::from_utf8_lossy(error)),
        _ => Operation::Other,
    };
    Ok(Some((operation, after)))
}

fn subject(channel: &str) -> String {
    format!("load.{}", channel.trim_start_matches('#'))
}

fn field<'a>(frame: &'a [u8], before: &[u8]) -> Option<&'a [u8]> {
    let start = memchr::memmem::find(frame, before)? + before.len();
    let length = memchr::memchr(b'"', &frame[start..])?;
    Some(&frame[start..start + length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_taken_whole() {
        let bytes = b"MSG load.x 2 $JS.ACK.1 5\r\nhello\r\nMSG _INBOX.q.a.id7 1 2\r\n{}\r\nPING\r\nMSG a 2 9\r\nhal";
        let mut at = 0;
        let mut seen = Vec::new();
        while let Some((operation, length)) = next_operation(&bytes[at..]).unwrap() {
            seen.push(match operation {
                Operation::Delivered(payload) => String::from_utf8_lossy(payload).into_owned(),
                Operation::Answer { to, .. } => format!("to {}", String::from_utf8_lossy(to)),
                Operation::Ping => "ping".to_owned(),
                Operation::Pong | Operation::Other => "other".to_owned(),
            });
            at += length;
        }
        assert_eq!(seen, ["hello", "to id7", "ping"]);
        assert!(next_operation(b"-ERR 'Slow Consumer'\r\n").is_err());
    }
}
