//! A message for this agent, as the delivery rules and the texts need it.

use std::borrow::Cow;

use orochi_protocol::incoming::ServerFrame;
use serde::Deserialize;
use serde_json::Value;

/// What a sender expects of its message (`metadata.intent`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// An answer or an action; the only intent that wakes.
    Request,
    /// Nothing; it may be useful.
    Inform,
    /// Nothing; it closes a conversation.
    Ack,
}

impl Intent {
    /// The intent in a message's metadata. A message that mentions or is written to somebody is a request by default.
    pub fn of(metadata: &Value) -> Self {
        match metadata.get("intent").and_then(Value::as_str) {
            Some("inform") => Self::Inform,
            Some("ack") => Self::Ack,
            _ => Self::Request,
        }
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Inform => "inform",
            Self::Ack => "ack",
        }
    }
}

/// A message that mentions the agent or is written to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its position in the log.
    pub seq: u64,
    /// When the hub accepted it, RFC 3339.
    pub ts: String,
    /// Its author.
    pub sender: String,
    /// `#channel`, or `@sender` for a direct message.
    pub channel: String,
    /// Its text.
    pub content: String,
    /// What its sender expects.
    pub intent: Intent,
    /// The message that it answers.
    pub reply_to: Option<u64>,
}

impl Message {
    /// Whether it was written to this agent alone.
    pub fn is_direct(&self) -> bool {
        self.channel.starts_with('@')
    }
}

/// A delivered frame, sorted by whether it is for the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// It mentions the agent or is written to it.
    Mine(Message),
    /// A channel's message that concerns the agent no further; only its position counts.
    Ambient(u64),
}

/// A row of `/api/messages`, or the payload of a delivered message.
#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    seq: Option<u64>,
    #[serde(default)]
    ts: String,
    #[serde(default)]
    sender: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    content: String,
    #[serde(default)]
    mentions: Vec<String>,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    reply_to: Option<u64>,
}

impl Delivered {
    /// Reads a frame from the hub. None for events and for messages without a position.
    pub fn from_frame(text: &str, name: &str) -> Option<Self> {
        let frame: ServerFrame<'_> = serde_json::from_str(text).ok()?;
        if frame.r#type != "message" {
            return None;
        }
        let seq = frame.seq?.get();
        let Ok(row) = serde_json::from_str::<Row>(frame.payload?.get()) else { return Some(Self::Ambient(seq)) };
        if !row.channel.starts_with('@') && !row.mentions.iter().any(|mention| mention == name) {
            return Some(Self::Ambient(seq));
        }
        let own = |text: Cow<'_, str>| text.into_owned();
        Some(Self::Mine(row.message(seq, own(frame.ts), own(frame.sender))))
    }
}

/// Characters of a text that are kept in memory; nothing that puts it before an agent shows more.
const KEPT_CHARS_MAX: usize = 20_000;

/// A text without what is never shown.
pub fn kept(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(KEPT_CHARS_MAX) {
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

impl Row {
    fn message(self, seq: u64, ts: String, sender: String) -> Message {
        let intent = Intent::of(&self.metadata);
        let Row { channel, content, reply_to, .. } = self;
        let content = kept(content);

        Message { seq, ts, sender, channel, content, intent, reply_to }
    }
}

/// Reads one row of the hub's inbox route.
pub fn from_row(row: &Value) -> Option<Message> {
    let mut row = Row::deserialize(row).ok()?;
    let (ts, sender) = (std::mem::take(&mut row.ts), std::mem::take(&mut row.sender));
    Some(row.seq?).map(|seq| row.message(seq, ts, sender))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload: &str) -> String {
        format!(
            r#"{{"type":"message","sender":"alice","id":"i","ts":"2026-01-15T10:30:00.1+00:00","seq":7,"payload":{payload}}}"#
        )
    }

    #[test]
    fn message_for_the_agent_is_told_from_channel_traffic() {
        let mine = frame(r##"{"channel":"#b","content":"@me x","mentions":["me"],"metadata":{"intent":"inform"}}"##);
        let Some(Delivered::Mine(message)) = Delivered::from_frame(&mine, "me") else { panic!("{mine}") };
        assert_eq!((message.seq, message.intent, &*message.sender), (7, Intent::Inform, "alice"));
        let other = frame(r##"{"channel":"#b","content":"x","mentions":["you"]}"##);
        assert_eq!(Delivered::from_frame(&other, "me"), Some(Delivered::Ambient(7)));
        let direct = frame(r##"{"channel":"@alice","content":"x","mentions":[]}"##);
        assert!(
            matches!(Delivered::from_frame(&direct, "me"), Some(Delivered::Mine(m)) if m.intent == Intent::Request)
        );
    }

    #[test]
    fn message_payload_of_another_shape_keeps_its_position() {
        assert_eq!(Delivered::from_frame(&frame(r#"{"channel":7}"#), "me"), Some(Delivered::Ambient(7)));
    }
}
