//! A message for this agent, as delivered by the hub.

use orochi_protocol::incoming::ServerFrame;
use serde::Deserialize;
use serde_json::{Value, json};

pub use orochi_mcp::backend::{Intent, Message};

/// A delivered frame, by its meaning for the agent.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivered {
    /// It mentions the agent or is written to it.
    Mine(Message),
    /// A message of a channel that does not address the agent.
    Overheard(Message),
    /// A message that this version can't read; only its position counts.
    Unread(u64),
}

/// The payload of a delivered message.
#[derive(Deserialize)]
struct Payload {
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
        let Ok(payload) = serde_json::from_str::<Payload>(frame.payload?.get()) else { return Some(Self::Unread(seq)) };
        let Payload { channel, content, mentions, metadata, reply_to } = payload;
        let is_mine = channel.starts_with('@') || mentions.iter().any(|mention| mention == name);
        let message = kept(Message {
            seq,
            ts: frame.ts.into_owned(),
            channel,
            sender: frame.sender.into_owned(),
            text: content,
            mentions,
            reply_to,
            id: frame.id.into_owned(),
            metadata,
            snippet: None,
        });
        Some(if is_mine { Self::Mine(message) } else { Self::Overheard(message) })
    }

    /// Its position in the log.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Mine(message) | Self::Overheard(message) => message.seq,
            Self::Unread(seq) => *seq,
        }
    }
}

/// Characters of a text that are kept in memory; no output shows more.
const KEPT_CHARS_MAX: usize = 20_000;

/// A message reduced to the parts that are shown.
pub fn kept(mut message: Message) -> Message {
    if let Some((end, _)) = message.text.char_indices().nth(KEPT_CHARS_MAX) {
        message.text.truncate(end);
        message.text.push('…');
        message.text.shrink_to_fit();
    }
    message.metadata = message.intent().map_or(Value::Null, |intent| json!({ "intent": intent.as_str() }));
    message
}

/// Reads one row of the hub's inbox route.
pub fn from_row(row: &Value) -> Option<Message> {
    Message::from_value(row).map(kept)
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
        let mine = frame(
            r##"{"channel":"#b","content":"@me x","mentions":["me"],"metadata":{"intent":"inform","more":[1]}}"##,
        );
        let Some(Delivered::Mine(message)) = Delivered::from_frame(&mine, "me") else { panic!("{mine}") };
        assert_eq!((message.seq, message.intent(), &*message.sender), (7, Some(Intent::Inform), "alice"));
        assert_eq!(message.metadata, json!({"intent": "inform"}));
        let other = frame(r##"{"channel":"#b","content":"x","mentions":["you"]}"##);
        assert!(matches!(Delivered::from_frame(&other, "me"), Some(Delivered::Overheard(m)) if m.text == "x"));
        let direct = frame(r##"{"channel":"@alice","content":"x","mentions":[]}"##);
        assert!(matches!(Delivered::from_frame(&direct, "me"), Some(Delivered::Mine(m)) if m.is_request()));
    }

    #[test]
    fn message_payload_of_another_shape_keeps_its_position() {
        assert_eq!(Delivered::from_frame(&frame(r#"{"channel":7}"#), "me"), Some(Delivered::Unread(7)));
    }
}
