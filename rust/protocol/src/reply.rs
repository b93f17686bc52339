//! The hub's replies (section 3): the envelope, and one type for each payload.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::codes::Refusal;
use crate::identity::Identity;
use crate::json::{into_text, push, push_text};
use crate::names::ChannelName;
use crate::paging::{More, cut, entry_bytes};
use crate::reach::Reach;
use crate::seq::Seq;
use crate::time::Timestamp;

/// The envelope fields of a frame that the hub creates.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// The sender: the hub, or an agent for its status.
    pub sender: &'a str,
    pub id: &'a str,
    /// The hub's time, formatted.
    pub ts: &'a str,
}

/// Builds a frame with this payload. The fields have the order of section 1.
pub fn frame<T: Serialize>(kind: &str, stamp: Stamp<'_>, payload: &T) -> String {
    #[derive(Serialize)]
    struct Frame<'a, T> {
        r#type: &'a str,
        sender: &'a str,
        id: &'a str,
        ts: &'a str,
        payload: &'a T,
    }
    let frame = Frame { r#type: kind, sender: stamp.sender, id: stamp.id, ts: stamp.ts, payload };
    // Acks are the most frequent of these frames. This capacity lets them fit without growing.
    let mut out = Vec::with_capacity(384);
    push(&mut out, &frame);
    into_text(out)
}

/// `ack` without further fields.
#[derive(Debug, Serialize)]
pub struct Ack<'a> {
    /// `ok`.
    pub status: Ok,
    /// The request's id.
    pub r#ref: &'a str,
}

/// The word `ok`.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub enum Ok {
    #[default]
    #[serde(rename = "ok")]
    Ok,
}

/// The `ack` of a register (section 9, Durability and Resume).
#[derive(Debug, Serialize)]
pub struct RegisterAck<'a> {
    /// `ok`.
    pub status: Ok,
    /// The request's id.
    pub r#ref: &'a str,
    /// The log's head.
    pub seq: Seq,
    /// The log's epoch.
    pub epoch: &'a str,
    /// The name's stored cursor, or null.
    pub cursor: Option<Seq>,
    /// Seconds between a client's heartbeats.
    pub heartbeat: u32,
    /// True if the requested position was used; absent if none was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed: Option<bool>,
    /// Messages of the channels after this seq are delivered; absent if no position was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels_from: Option<Seq>,
    /// The channels stored with the name; absent if the register named some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<&'a [ChannelName]>,
}

/// The `ack` of a subscribe: messages after `seq` are delivered.
#[derive(Debug, Serialize)]
pub struct SubscribeAck<'a> {
    /// `ok`.
    pub status: Ok,
    /// The request's id.
    pub r#ref: &'a str,
    /// The log's head when the channel was joined.
    pub seq: Seq,
}

/// `caught_up`: everything missed before a register with `resume` was sent (section 9, Resume).
#[derive(Debug, Serialize)]
pub struct CaughtUp<'a> {
    /// Everything for the connection up to this seq was sent before.
    pub seq: Seq,
    /// The register's id.
    pub r#ref: &'a str,
}

/// The `ack` of a message, sent once it is on disk (section 9, Durability).
#[derive(Debug)]
pub struct MessageAck<'a> {
    /// The request's id.
    pub r#ref: &'a str,
    pub seq: Seq,
    /// The time of acceptance.
    pub ts: &'a str,
    /// The presence of each addressed agent, by name.
    pub delivery: &'a [(&'a str, DeliveryState)],
    /// The reach of those that are online, by name; absent if none is.
    pub reach: &'a [(&'a str, Reach)],
    /// The message was already in the log.
    pub duplicate: bool,
}

impl MessageAck<'_> {
    /// The frame, written directly as bytes because every message has one.
    pub fn to_frame(&self, stamp: Stamp<'_>) -> String {
        let mut out = Vec::with_capacity(320 + 48 * (self.delivery.len() + self.reach.len()));
        out.extend_from_slice(br#"{"type":"ack","sender":"#);
        push_text(&mut out, stamp.sender);
        out.extend_from_slice(br#","id":"#);
        push_text(&mut out, stamp.id);
        out.extend_from_slice(br#","ts":"#);
        push_text(&mut out, stamp.ts);
        out.extend_from_slice(br#","payload":{"status":"ok","ref":"#);
        push_text(&mut out, self.r#ref);
        out.extend_from_slice(br#","seq":"#);
        push(&mut out, &self.seq);
        out.extend_from_slice(br#","ts":"#);
        push_text(&mut out, self.ts);
        out.extend_from_slice(br#","delivery":"#);
        push_words(&mut out, self.delivery.iter().map(|(name, state)| (*name, state.as_str())));
        if !self.reach.is_empty() {
            out.extend_from_slice(br#","reach":"#);
            push_words(&mut out, self.reach.iter().map(|(name, reach)| (*name, reach.as_str())));
        }
        if self.duplicate {
            out.extend_from_slice(br#","duplicate":true"#);
        }
        out.extend_from_slice(b"}}");
        into_text(out)
    }
}

/// Adds an object with a word for each name.
fn push_words<'a>(out: &mut Vec<u8>, words: impl Iterator<Item = (&'a str, &'a str)>) {
    out.push(b'{');
    for (at, (name, word)) in words.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push_text(out, name);
        out.push(b':');
        push_text(out, word);
    }
    out.push(b'}');
}

/// The presence of an addressed agent when its message is accepted (section 9, Durability).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It has a connection.
    Online,
    /// It has no connection; it gets the message when it resumes.
    Offline,
    /// No agent of that name has ever registered. The message waits for it nevertheless.
    Unknown,
}

impl DeliveryState {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Online => "online",
            DeliveryState::Offline => "offline",
            DeliveryState::Unknown => "unknown",
        }
    }
}

/// A message's receipt for one agent (section 9, Receipts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptState {
    /// The agent's `seen` has passed the message.
    Seen,
    /// The message was shown to the agent, in its context or by a wake.
    Offered,
    /// The message was written to the agent's socket since the hub started.
    Delivered,
    /// The message waits in the log.
    Pending,
}

/// `error`: a refused request (section 3).
#[derive(Debug, Serialize)]
pub struct ErrorReply<'a> {
    pub code: &'a str,
    /// The cause and the remedy.
    pub detail: &'a str,
    /// The request's id, if it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<&'a str>,
    /// Seconds to wait, if trying again can help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Gitea's HTTP status (section 8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl<'a> ErrorReply<'a> {
    /// Builds the answer to the request `id`.
    pub fn new(refusal: &'a Refusal, id: Option<&'a str>) -> Self {
        let retry_after = refusal.code.retry_helps().then_some(1);
        Self { code: refusal.code.as_str(), detail: &refusal.detail, r#ref: id, retry_after, status: None }
    }
}

/// `presence`: the online agents.
#[derive(Debug, Serialize)]
pub struct PresenceAnswer {
    /// Each online agent's channels.
    pub agents: BTreeMap<String, Vec<String>>,
    /// Each online agent's row, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<BTreeMap<String, AgentRow>>,
    /// The last agent in the answer, if it was cut to its size. The next answer continues after this one.
    #[serde(flatten)]
    pub more: Option<More<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<String>,
}

/// An agent in `GET /api/agents` and in a detailed presence (section 7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentRow {
    pub name: String,
    /// The channels of its connections; for an offline agent, those of its last connection.
    pub channels: Vec<String>,
    #[serde(flatten)]
    pub identity: Identity,
    pub status: String,
    pub current_task: String,
    /// 0 to 1, or null.
    #[serde(default)]
    pub progress: Option<f64>,
    /// The time of its last heartbeat or request.
    pub last_heartbeat: Timestamp,
    /// The start of its current or last time online.
    pub registered_at: Timestamp,
    /// It has a connection.
    #[serde(default)]
    pub online: bool,
    /// The last time at which it had a connection.
    #[serde(default)]
    pub last_seen: Option<Timestamp>,
    /// The number of its connections.
    #[serde(default)]
    pub connections: u32,
    /// Its stored cursor, or null.
    #[serde(default)]
    pub cursor: Option<Seq>,
    /// The best reach of its connections; null if it has none.
    #[serde(default)]
    pub reach: Option<Reach>,
}

/// The hub's `message` that answers a query (section 5).
#[derive(Debug, Serialize)]
pub struct HistoryAnswer<'a> {
    pub channel: &'a str,
    /// Empty, because 0.1.0's clients read the `content` of every `message`.
    pub content: &'a str,
    /// Rows, newest first.
    pub history: &'a [Box<RawValue>],
    /// The last row's seq, if the answer was cut to its size. The next answer continues before this one.
    #[serde(flatten)]
    pub more: Option<More<Seq>>,
    pub r#ref: &'a str,
    /// The seq up to which a search reached, if that is not the newest message (section 9, Search).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed_up_to: Option<Seq>,
}

/// `gitea_result` (section 8).
#[derive(Debug, Serialize)]
pub struct GiteaResult<'a> {
    pub action: &'a str,
    pub result: &'a RawValue,
    pub r#ref: &'a str,
}

/// `receipts` (section 9), and the answer of `GET /api/messages/{seq}/receipts`.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReceiptsAnswer {
    pub seq: Seq,
    /// The receipt of each agent.
    pub agents: BTreeMap<String, ReceiptState>,
    /// The last agent in the answer, if it was cut to its size. The next answer continues after this one.
    #[serde(flatten)]
    pub more: Option<More<String>>,
    /// The request's id; absent over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<String>,
}

impl PresenceAnswer {
    /// Keeps the agents after `after`, by name, as many as fit into one answer.
    ///
    /// # Errors
    /// `TOO_LARGE` if not even the first fits.
    pub fn page(mut self, after: Option<&str>) -> Result<Self, Refusal> {
        let detail = self.detail.as_ref();
        let row_bytes = |name: &str| detail.and_then(|rows| rows.get(name)).map_or(0, |row| entry_bytes(name, row));
        self.more = cut(&mut self.agents, after, |name, channels| entry_bytes(name, channels) + row_bytes(name))?;
        if let Some(rows) = &mut self.detail {
            rows.retain(|name, _| self.agents.contains_key(name));
        }
        Ok(self)
    }
}

impl ReceiptsAnswer {
    /// Keeps the agents after `after`, by name, as many as fit into one answer.
    ///
    /// # Errors
    /// `TOO_LARGE` if not even the first fits.
    pub fn page(mut self, after: Option<&str>) -> Result<Self, Refusal> {
        self.more = cut(&mut self.agents, after, entry_bytes)?;
        Ok(self)
    }
}
