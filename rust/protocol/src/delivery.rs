//! A message as the hub delivers it: as a live frame (section 1) and as a history row (section 5).
//!
//! Both are written directly as bytes, because this is the hub's hottest path, and `mentions`, `metadata` and the
//! sender's other keys are already JSON.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::identity::Identity;
use crate::json::{into_text, push, push_text};
use crate::reach::Reach;
use crate::seq::Seq;

/// An accepted message as one receiver sees it.
#[derive(Debug, Clone, Copy)]
pub struct MessageView<'a> {
    pub seq: Seq,
    /// The sender's id for the message.
    pub id: &'a str,
    /// The time of acceptance, formatted.
    pub ts: &'a str,
    /// The channel, or `@name` of the other agent in a direct message.
    pub channel: &'a str,
    pub sender: &'a str,
    pub content: &'a str,
    /// A JSON list of the mentioned names.
    pub mentions: &'a str,
    /// A JSON object.
    pub metadata: &'a str,
    /// The seq of the message that this one answers.
    pub reply_to: Option<Seq>,
    /// The payload's other keys as one JSON object.
    pub extra: Option<&'a str>,
}

/// The part of a message that a search found (section 9, Search).
#[derive(Debug, Clone, Copy)]
pub struct HitView<'a> {
    /// The part around the matches, each between U+E000 and U+E001.
    pub snippet: &'a str,
    /// All matches in the content, `[start, end)` in code points.
    pub ranges: &'a [(u32, u32)],
}

impl MessageView<'_> {
    /// The `message` frame.
    pub fn to_frame(&self) -> String {
        let extra = self.extra.map_or(0, str::len);
        let mut out = Vec::with_capacity(320 + self.content.len() + self.metadata.len() + self.mentions.len() + extra);
        out.extend_from_slice(br#"{"type":"message","sender":"#);
        push_text(&mut out, self.sender);
        out.extend_from_slice(br#","id":"#);
        push_text(&mut out, self.id);
        out.extend_from_slice(br#","ts":"#);
        push_text(&mut out, self.ts);
        out.extend_from_slice(br#","payload":{"channel":"#);
        push_text(&mut out, self.channel);
        out.extend_from_slice(br#","content":"#);
        push_text(&mut out, self.content);
        out.extend_from_slice(br#","metadata":"#);
        out.extend_from_slice(self.metadata.as_bytes());
        out.extend_from_slice(br#","mentions":"#);
        out.extend_from_slice(self.mentions.as_bytes());
        self.push_reply_to(&mut out);
        if let Some(extra) = self.extra {
            // `{"k":1}` without its opening brace continues the object; its closing brace ends the payload.
            out.push(b',');
            out.extend_from_slice(&extra.as_bytes()[1..]);
        } else {
            out.push(b'}');
        }
        out.extend_from_slice(br#","seq":"#);
        push(&mut out, &self.seq);
        out.push(b'}');
        into_text(out)
    }

    /// The history row. `hit` is the part that a search found.
    pub fn to_row(&self, hit: Option<HitView<'_>>) -> Box<RawValue> {
        let mut out = Vec::with_capacity(256 + self.content.len() + self.metadata.len());
        out.extend_from_slice(br#"{"msg_id":"#);
        push_text(&mut out, self.id);
        out.extend_from_slice(br#","ts":"#);
        push_text(&mut out, self.ts);
        out.extend_from_slice(br#","channel":"#);
        push_text(&mut out, self.channel);
        out.extend_from_slice(br#","sender":"#);
        push_text(&mut out, self.sender);
        out.extend_from_slice(br#","content":"#);
        push_text(&mut out, self.content);
        out.extend_from_slice(br#","mentions":"#);
        out.extend_from_slice(self.mentions.as_bytes());
        out.extend_from_slice(br#","metadata":"#);
        out.extend_from_slice(self.metadata.as_bytes());
        out.extend_from_slice(br#","seq":"#);
        push(&mut out, &self.seq);
        self.push_reply_to(&mut out);
        if let Some(extra) = self.extra {
            out.extend_from_slice(br#","extra":"#);
            out.extend_from_slice(extra.as_bytes());
        }
        if let Some(hit) = hit {
            out.extend_from_slice(br#","snippet":"#);
            push_text(&mut out, hit.snippet);
            out.extend_from_slice(br#","ranges":"#);
            push(&mut out, hit.ranges);
        }
        out.push(b'}');
        RawValue::from_string(into_text(out)).expect("all parts are JSON")
    }

    fn push_reply_to(&self, out: &mut Vec<u8>) {
        if let Some(reply_to) = self.reply_to {
            out.extend_from_slice(br#","reply_to":"#);
            push(out, &reply_to);
        }
    }
}

/// An agent came online or went offline (section 6).
#[derive(Debug, Serialize)]
pub struct PresenceChange<'a> {
    pub agent: &'a str,
    pub event: PresenceEvent,
    /// The channels of its connections.
    pub channels: Vec<String>,
    pub agent_id: &'a str,
    pub project: &'a str,
}

/// A change of an agent's presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PresenceEvent {
    /// Its first connection registered.
    Connected,
    /// Its last connection left.
    Disconnected,
}

/// An agent reported its status (section 6).
#[derive(Debug, Serialize)]
pub struct StatusEvent<'a> {
    pub agent: &'a str,
    /// The status after the update; the other fields are also the values after the update.
    pub status: &'a str,
    pub current_task: &'a str,
    #[serde(flatten, serialize_with = "in_event_order")]
    pub identity: &'a Identity,
    /// 0 to 1, or null.
    pub progress: Option<f64>,
    /// The agent's reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
}

/// Writes an identity's keys in the order of 0.1.0's event, which is not the register's.
fn in_event_order<S: Serializer>(identity: &&Identity, serializer: S) -> Result<S::Ok, S::Error> {
    let Identity { machine, role, model, agent_id, project } = identity;
    let keys = [("machine", machine), ("role", role), ("agent_id", agent_id), ("project", project), ("model", model)];
    serializer.collect_map(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: MessageView<'static> = MessageView {
        seq: Seq::ZERO.next(),
        id: "i-1",
        ts: "2026-01-15T10:30:00.123456+00:00",
        channel: "#general",
        sender: "alice",
        content: "say \"hi\" @bob",
        mentions: r#"["bob"]"#,
        metadata: r#"{"n":1.50}"#,
        reply_to: None,
        extra: None,
    };

    #[test]
    fn a_frame_keeps_its_order_and_the_senders_own_json() {
        assert_eq!(
            VIEW.to_frame(),
            r##"{"type":"message","sender":"alice","id":"i-1","ts":"2026-01-15T10:30:00.123456+00:00","payload":{"channel":"#general","content":"say \"hi\" @bob","metadata":{"n":1.50},"mentions":["bob"]},"seq":1}"##
        );
    }

    #[test]
    fn further_keys_and_reply_to_stand_in_the_payload() {
        let view = MessageView { reply_to: Seq::new(7), extra: Some(r#"{"x":[1],"y":null}"#), ..VIEW };
        let frame: serde_json::Value = serde_json::from_str(&view.to_frame()).unwrap();
        assert_eq!(frame["payload"]["reply_to"], 7);
        assert_eq!(frame["payload"]["x"], serde_json::json!([1]));
        assert_eq!(frame["payload"].as_object().unwrap().len(), 7);
        assert_eq!(frame["seq"], 1);
    }

    #[test]
    fn a_row_has_the_names_of_the_history_table() {
        let row: serde_json::Value = serde_json::from_str(VIEW.to_row(None).get()).unwrap();
        let keys: Vec<_> = row.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["msg_id", "ts", "channel", "sender", "content", "mentions", "metadata", "seq"]);
    }
}
