//! Redis Streams in the place of a hub, so that the same load runs against it: a message is an entry of its channel's
//! stream (XADD), its ack is the entry's id, and a receiver reads the stream with XREAD BLOCK.
//!
//! Spoken here is RESP2 as its documentation has it. Redis answers a connection's commands in their order, so an ack
//! belongs to the oldest message that has none.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail, ensure};

/// The beginning of an address of a Redis server.
pub const SCHEME: &str = "redis://";
/// Entries that one read may bring.
const READ_MAX: &str = "1000";
/// Milliseconds after which a read that finds nothing says so.
const BLOCK: &str = "100";
const END: &[u8] = b"\r\n";

/// One end of a connection: a sender, or with a stream a receiver.
#[derive(Default)]
pub struct Dialect {
    /// The ids of messages without an ack, the oldest first.
    unacked: VecDeque<Vec<u8>>,
    reading: Option<Reading>,
}

struct Reading {
    stream: Vec<u8>,
    /// The newest entry that was read.
    last: Vec<u8>,
    /// Entries of the reply that are still to come.
    left: usize,
}

/// One reply of the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// A message of the stream.
    Delivered(&'a [u8]),
    /// The ack of the message with this id.
    Ack(Vec<u8>),
    /// The read found nothing.
    Nothing,
    /// The beginning of a reply, or the answer to PING.
    Other,
}

impl Dialect {
    /// Adds a message's frame to its channel's stream.
    pub fn publish(&mut self, output: &mut Vec<u8>, frame: &[u8]) {
        let id = field(frame, br#""id":""#).unwrap_or_default();
        let stream = field(frame, br#""channel":""#).unwrap_or_default();
        command(output, &[b"XADD", stream, b"*", b"f", frame]);
        self.unacked.push_back(id.to_vec());
    }

    /// Asks whether the server is there.
    pub fn ping(output: &mut Vec<u8>) {
        command(output, &[b"PING"]);
    }

    /// Reads a channel's stream from its beginning on.
    pub fn follow(&mut self, output: &mut Vec<u8>, channel: &str) {
        let reading = Reading { stream: channel.as_bytes().to_vec(), last: b"0-0".to_vec(), left: 0 };
        reading.read_on(output);
        self.reading = Some(reading);
    }

    /// The next whole part of what the server sent, and where it ends. Where that was a read's last part, the next read
    /// is added to `output`.
    pub fn next_reply<'a>(&mut self, bytes: &'a [u8], output: &mut Vec<u8>) -> Result<Option<(Reply<'a>, usize)>> {
        let mut parts = Parts { bytes, at: 0 };
        let reply = match &mut self.reading {
            Some(reading) if reading.left > 0 => reading.next_entry(&mut parts)?,
            Some(reading) => reading.next_head(&mut parts)?,
            None => next_answer(&mut parts, &mut self.unacked)?,
        };
        if let (Some(reading), Some(reply)) = (&self.reading, &reply) {
            let is_last = matches!(reply, Reply::Delivered(_)) && reading.left == 0 || *reply == Reply::Nothing;
            if is_last {
                reading.read_on(output);
            }
        }
        Ok(reply.map(|reply| (reply, parts.at)))
    }
}

impl Reading {
    fn read_on(&self, output: &mut Vec<u8>) {
        let Self { stream, last, .. } = self;
        let words = [b"XREAD", b"COUNT".as_slice(), READ_MAX.as_bytes(), b"BLOCK", BLOCK.as_bytes(), b"STREAMS"];
        command(output, &[&words[..], &[stream, last]].concat());
    }

    /// `*1 *2 $stream *entries`, or `*-1` where there is nothing.
    fn next_head<'a>(&mut self, parts: &mut Parts<'a>) -> Result<Option<Reply<'a>>> {
        let Some(streams) = parts.number(b'*')? else { return Ok(None) };
        if streams < 0 {
            return Ok(Some(Reply::Nothing));
        }
        let (Some(_), Some(_), Some(entries)) = (parts.number(b'*')?, parts.text()?, parts.number(b'*')?) else {
            return Ok(None);
        };
        self.left = usize::try_from(entries)?;
        Ok(Some(Reply::Other))
    }

    /// `*2 $id *2 $f $frame`.
    fn next_entry<'a>(&mut self, parts: &mut Parts<'a>) -> Result<Option<Reply<'a>>> {
        let (Some(_), Some(id)) = (parts.number(b'*')?, parts.text()?) else { return Ok(None) };
        let (Some(_), Some(_), Some(frame)) = (parts.number(b'*')?, parts.text()?, parts.text()?) else {
            return Ok(None);
        };
        self.left -= 1;
        self.last.clear();
        self.last.extend_from_slice(id);
        Ok(Some(Reply::Delivered(frame)))
    }
}

fn next_answer<'a>(parts: &mut Parts<'a>, unacked: &mut VecDeque<Vec<u8>>) -> Result<Option<Reply<'a>>> {
    if parts.bytes.first() == Some(&b'+') {
        return Ok(parts.line().map(|_| Reply::Other));
    }
    let Some(_) = parts.text()? else { return Ok(None) };
    Ok(Some(Reply::Ack(unacked.pop_front().context("an ack for no message")?)))
}

/// Reads RESP's parts one after the other; None where one is not there whole.
struct Parts<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Parts<'a> {
    fn line(&mut self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let length = memchr::memmem::find(rest, END)?;
        self.at += length + END.len();
        Some(&rest[..length])
    }

    fn number(&mut self, kind: u8) -> Result<Option<i64>> {
        let Some(line) = self.line() else { return Ok(None) };
        let text = std::str::from_utf8(line)?;
        ensure!(!text.starts_with('-'), "the server said {text}");
        match text.strip_prefix(char::from(kind)) {
            Some(number) => Ok(Some(number.parse().with_context(|| format!("no number in {text}"))?)),
            None => bail!("{text:?} came in the place of {:?}", char::from(kind)),
        }
    }

    fn text(&mut self) -> Result<Option<&'a [u8]>> {
        let Some(length) = self.number(b'$')? else { return Ok(None) };
        let (start, length) = (self.at, usize::try_from(length)?);
        if self.bytes.len() < start + length + END.len() {
            return Ok(None);
        }
        self.at += length + END.len();
        Ok(Some(&self.bytes[start..start + length]))
    }
}

fn command(output: &mut Vec<u8>, words: &[&[u8]]) {
    output.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        output.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        output.extend_from_slice(word);
        output.extend_from_slice(END);
    }
}

fn field<'a>(frame: &'a [u8], before: &[u8]) -> Option<&'a [u8]> {
    let start = memchr::memmem::find(frame, before)? + before.len();
    let length = memchr::memchr(b'"', &frame[start..])?;
    Some(&frame[start..start + length])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(dialect: &mut Dialect, bytes: &[u8], output: &mut Vec<u8>) -> (Vec<String>, usize) {
        let (mut seen, mut at) = (Vec::new(), 0);
        while let Some((reply, length)) = dialect.next_reply(&bytes[at..], output).unwrap() {
            seen.push(match reply {
                Reply::Delivered(frame) => String::from_utf8_lossy(frame).into_owned(),
                Reply::Ack(id) => format!("ack {}", String::from_utf8_lossy(&id)),
                Reply::Nothing => "nothing".to_owned(),
                Reply::Other => "other".to_owned(),
            });
            at += length;
        }
        (seen, at)
    }

    #[test]
    fn redis_acks_name_the_messages_in_their_order() {
        let (mut dialect, mut output) = (Dialect::default(), Vec::new());
        for id in ["one", "two"] {
            dialect.publish(&mut output, format!(r##"{{"id":"{id}","payload":{{"channel":"#c"}}}}"##).as_bytes());
        }
        assert!(output.starts_with(b"*5\r\n$4\r\nXADD\r\n$2\r\n#c\r\n$1\r\n*\r\n$1\r\nf\r\n"));
        let bytes = b"$3\r\n1-0\r\n$3\r\n1-1\r\n$3\r\n2-";
        assert_eq!(replies(&mut dialect, bytes, &mut output), (vec!["ack one".to_owned(), "ack two".to_owned()], 18));
        assert!(dialect.next_reply(b"-ERR no\r\n", &mut output).is_err());
    }

    #[test]
    fn redis_entries_are_taken_whole_and_reading_goes_on_after_the_last() {
        let (mut dialect, mut output) = (Dialect::default(), Vec::new());
        dialect.follow(&mut output, "#c");
        output.clear();
        let head = b"*1\r\n*2\r\n$2\r\n#c\r\n*2\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nf\r\n$2\r\nhi\r\n*2\r\n$3\r\n1-1\r\n";
        let (seen, at) = replies(&mut dialect, head, &mut output);
        assert_eq!((seen, output.is_empty()), (vec!["other".to_owned(), "hi".to_owned()], true));
        let rest = [&head[at..], b"*2\r\n$1\r\nf\r\n$2\r\nho\r\n*-1\r\n"].concat();
        assert_eq!(replies(&mut dialect, &rest, &mut output).0, ["ho", "nothing"]);
        assert!(output.ends_with(b"STREAMS\r\n$2\r\n#c\r\n$3\r\n1-1\r\n"));
    }
}
