//! The load's messages, and the few fields that are read of the hub's frames.
//!
//! Each message carries its place in the run twice: in its content, which a receiver sees, and in the last
//! 32 bits of its id, which its ack names. So nothing has to be looked up to know which message a frame is about.

use std::time::{SystemTime, UNIX_EPOCH};

use memchr::memmem;

/// Stands before a message's place in its content.
const PLACE_MARK: &[u8] = b"load#";
const PLACE_DIGITS: usize = 8;
/// With the mark and the digits in front, a content of 100 bytes.
const FILLER: &str = " the build is green again and the next batch of parameters is queued on the second node";

/// The frame's `type`, as far as a load cares.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Kind {
    Ack,
    Message,
    Error,
    Other,
}

/// The ids of messages: those of the hub's clients, or those of 0.1.0's.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    V7,
    V4,
}

/// Makes one sender's messages by writing id, time and place into a copy of the same bytes.
pub struct Messages {
    template: Vec<u8>,
    id_at: usize,
    ts_at: usize,
    place_at: usize,
    ids: Ids,
    random: u64,
    /// `2026-01-15T10:30:00.` for the second below; made again when the second changes.
    second_text: String,
    second: u64,
}

const ID_BYTES: usize = 36;
const TS_BYTES: usize = 32;

impl Messages {
    pub fn new(sender: &str, channel: &str, ids: Ids) -> Self {
        let mut template = format!(r#"{{"type":"message","sender":"{sender}","id":""#).into_bytes();
        let id_at = template.len();
        template.extend_from_slice(&[b'0'; ID_BYTES]);
        template.extend_from_slice(br#"","ts":""#);
        let ts_at = template.len();
        template.extend_from_slice(b"0000-00-00T00:00:00.000000+00:00");
        template.extend_from_slice(format!(r#"","payload":{{"channel":"{channel}","content":"load#"#).as_bytes());
        let place_at = template.len();
        template.extend_from_slice(&[b'0'; PLACE_DIGITS]);
        template.extend_from_slice(format!(r#"{FILLER}","metadata":{{}}}}}}"#).as_bytes());
        let (_, random) = uuid::Uuid::new_v4().as_u64_pair();
        Self { template, id_at, ts_at, place_at, ids, random, second_text: String::new(), second: u64::MAX }
    }

    /// The frame of the message at `place`.
    pub fn next(&mut self, place: u32) -> &[u8] {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let id = self.id(now.as_millis() as u64, place);
        id.hyphenated().encode_lower(&mut self.template[self.id_at..self.id_at + ID_BYTES]);
        if now.as_secs() != self.second {
            self.second = now.as_secs();
            let time = chrono::DateTime::from_timestamp(self.second as i64, 0).unwrap_or_default();
            self.second_text = time.format("%Y-%m-%dT%H:%M:%S.").to_string();
        }
        let ts = &mut self.template[self.ts_at..self.ts_at + TS_BYTES];
        ts[..20].copy_from_slice(self.second_text.as_bytes());
        write_decimal(&mut ts[20..26], now.subsec_micros());
        write_hex(&mut self.template[self.place_at..self.place_at + PLACE_DIGITS], place);
        &self.template
    }

    fn id(&mut self, millis: u64, place: u32) -> uuid::Uuid {
        let (first, second) = (self.next_random(), self.next_random());
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&first.to_be_bytes());
        bytes[8..12].copy_from_slice(&second.to_be_bytes()[..4]);
        bytes[12..].copy_from_slice(&place.to_be_bytes());
        match self.ids {
            Ids::V4 => uuid::Builder::from_random_bytes(bytes).into_uuid(),
            Ids::V7 => {
                // The twelve bits after the milliseconds rise with the place, as the counter of a client does.
                bytes[6..8].copy_from_slice(&(place as u16).to_be_bytes());
                let rest: [u8; 10] = bytes[6..].try_into().expect("sixteen less six is ten");
                uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
            }
        }
    }

    /// SplitMix64: ids must differ, not be secret, and must cost nothing.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// The frame's `type`. Both hubs write it first, so the first `"type"` is the envelope's.
pub fn kind(frame: &[u8]) -> Kind {
    match string_after(frame, br#""type""#) {
        Some(b"ack") => Kind::Ack,
        Some(b"message") => Kind::Message,
        Some(b"error") => Kind::Error,
        _ => Kind::Other,
    }
}

/// The id of the request that an ack or error is about.
pub fn reference(frame: &[u8]) -> Option<&[u8]> {
    string_after(frame, br#""ref""#)
}

/// The place of the message that an ack is about, where it is one of ours.
pub fn acked_place(frame: &[u8]) -> Option<u32> {
    let id = reference(frame).filter(|id| id.len() == ID_BYTES)?;
    read_hex(&id[ID_BYTES - PLACE_DIGITS..])
}

/// The place that a delivered message has in the run.
pub fn message_place(frame: &[u8]) -> Option<u32> {
    let at = memmem::find(frame, PLACE_MARK)? + PLACE_MARK.len();
    read_hex(frame.get(at..at + PLACE_DIGITS)?)
}

/// The `seq` of a delivered message; 0.1.0 gives none.
pub fn seq(frame: &[u8]) -> Option<u64> {
    let rest = value_after(frame, br#""seq""#)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0, |number: u64, digit| number * 10 + u64::from(digit - b'0'));
    (number > 0).then_some(number)
}

fn string_after<'a>(frame: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let value = value_after(frame, key)?.strip_prefix(b"\"")?;
    value.iter().position(|byte| *byte == b'"').map(|end| &value[..end])
}

fn value_after<'a>(frame: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let rest = &frame[memmem::find(frame, key)? + key.len()..];
    // 0.1.0 writes a space after the colon.
    let start = rest.iter().position(|byte| !matches!(byte, b':' | b' '))?;
    Some(&rest[start..])
}

fn write_decimal(into: &mut [u8], mut number: u32) {
    for digit in into.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Writes `number` in as many lower-case hexadecimal digits as there is room for.
pub fn write_hex(into: &mut [u8], mut number: u32) {
    for digit in into.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 0xF) as usize];
        number >>= 4;
    }
}

fn read_hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_valid_json_and_names_its_place_in_content_and_id() {
        let mut messages = Messages::new("load-s1", "#load", Ids::V7);
        let frame = messages.next(0xBEEF).to_vec();
        let value: serde_json::Value = serde_json::from_slice(&frame).unwrap();
        let id: uuid::Uuid = value["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 7);
        assert!(chrono::DateTime::parse_from_rfc3339(value["ts"].as_str().unwrap()).is_ok());
        assert_eq!(value["payload"]["content"].as_str().unwrap().len(), 100);
        assert_eq!(message_place(&frame), Some(0xBEEF));
        let ack = format!(r#"{{"type": "ack", "payload": {{"status": "ok", "ref": "{id}"}}}}"#);
        assert_eq!((kind(ack.as_bytes()), acked_place(ack.as_bytes())), (Kind::Ack, Some(0xBEEF)));
    }

    #[test]
    fn ids_of_one_sender_never_repeat_and_v7_ones_rise() {
        let mut messages = Messages::new("load-s1", "#load", Ids::V7);
        let ids: Vec<_> = (0..100).map(|place| messages.id(1_700_000_000_000, place)).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        let mut messages = Messages::new("load-s1", "#load", Ids::V4);
        assert_eq!(messages.id(0, 1).get_version_num(), 4);
        assert_ne!(messages.id(0, 1), messages.id(0, 1));
    }

    #[test]
    fn seq_is_read_with_and_without_a_space_and_may_be_absent() {
        assert_eq!(seq(br#"{"type":"message","seq":417,"sender":"a"}"#), Some(417));
        assert_eq!(seq(br#"{"type": "message", "seq": 417}"#), Some(417));
        assert_eq!(seq(br#"{"type": "message"}"#), None);
    }
}
