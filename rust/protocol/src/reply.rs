//! The hub's answers (section 3): the envelope around them and one payload type each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::codes::Refusal;
use crate::names::ChannelName;
use crate::paging::{More, cut, entry_bytes};
use crate::reach::Reach;
use crate::seq::Seq;
use crate::time::Timestamp;

/// The envelope fields of a frame that the hub makes.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// Who the frame is from: the hub, or an agent for its status.
    pub sender: &'a str,
    /// The frame's id.
    pub id: &'a str,
    /// The hub's clock, as it is written.
    pub ts: &'a str,
}

/// One frame with this payload, in the order of section 1.
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
    // Acks are the most frequent frames: they fit without growing.
    let mut out = Vec::with_capacity(384);
    serde_json::to_writer(&mut out, &frame).expect("payload types have text keys only");
    String::from_utf8(out).expect("JSON made of str parts is UTF-8")
}

/// `ack` where there is nothing more to say.
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
    /// It is done.
    #[default]
    #[serde(rename = "ok")]
    Ok,
}

/// `ack` to a register (section 9, Durability and Resume).
#[derive(Debug, Serialize)]
pub struct RegisterAck<'a> {
    /// `ok`.
    pub status: Ok,
    /// The request's id.
    pub r#ref: &'a str,
    /// The log's head.
    pub seq: Seq,
    /// The database's UUID.
    pub epoch: &'a str,
    /// The name's stored cursor, or null.
    pub cursor: Option<Seq>,
    /// Seconds between a client's heartbeats.
    pub heartbeat: u32,
    /// Whether the requested position was used; absent if none was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed: Option<bool>,
    /// Messages of the channels after this place are delivered; absent if no position was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels_from: Option<Seq>,
    /// The channels that were kept with the name; absent where the register named some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<&'a [ChannelName]>,
}

/// `ack` to a subscribe: messages after `seq` are delivered.
#[derive(Debug, Serialize)]
pub struct SubscribeAck<'a> {
    /// `ok`.
    pub status: Ok,
    /// The request's id.
    pub r#ref: &'a str,
    /// The log's head when the channel was joined.
    pub seq: Seq,
}

/// `caught_up`: everything that a register with `resume` missed was sent (section 9, Resume).
#[derive(Debug, Serialize)]
pub struct CaughtUp<'a> {
    /// Everything for the connection up to here was sent before.
    pub seq: Seq,
    /// The register's id.
    pub r#ref: &'a str,
}

/// `ack` to a message, sent once it is on disk (section 9, Durability).
#[derive(Debug, Serialize)]
pub struct MessageAck<'a> {
    /// `ok`.
    pub status: Ok,
    /// The request's id.
    pub r#ref: &'a str,
    /// The message's place in the log.
    pub seq: Seq,
    /// The hub's clock at acceptance.
    pub ts: &'a str,
    /// Where each addressed agent is.
    pub delivery: &'a BTreeMap<String, DeliveryState>,
    /// How it reaches those of them that are online; absent where nobody is.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reach: &'a BTreeMap<String, Reach>,
    /// True where the message was in the log already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

/// Where an addressed agent is when its message is accepted (section 9, Durability).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It has a connection.
    Online,
    /// It has no connection; it gets the message when it resumes.
    Offline,
    /// No agent of that name has ever registered; the message waits all the same.
    Unknown,
}

/// How far a message got with one agent (section 9, Receipts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptState {
    /// The agent's own `seen` has passed it.
    Seen,
    /// It was put before the agent, in its context or by a wake.
    Offered,
    /// It was written to the agent's socket since the hub started.
    Delivered,
    /// It waits in the log.
    Pending,
}

/// `error`: one request refused (section 3).
#[derive(Debug, Serialize)]
pub struct ErrorReply<'a> {
    /// What kind of refusal.
    pub code: &'a str,
    /// What failed and the way out.
    pub detail: &'a str,
    /// The request's id, when it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<&'a str>,
    /// Seconds to wait, where trying again helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Gitea's HTTP status (section 8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl<'a> ErrorReply<'a> {
    /// The answer to the request `id`.
    pub fn new(refusal: &'a Refusal, id: Option<&'a str>) -> Self {
        let retry_after = refusal.code.retry_helps().then_some(1);
        Self { code: refusal.code.as_str(), detail: &refusal.detail, r#ref: id, retry_after, status: None }
    }
}

/// `presence`: who is online.
#[derive(Debug, Serialize)]
pub struct PresenceAnswer {
    /// Each online agent's channels.
    pub agents: BTreeMap<String, Vec<String>>,
    /// Each online agent's row, if details were requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<BTreeMap<String, AgentRow>>,
    /// Where the answer was cut for its size: the last agent in it. The next answer continues after it.
    #[serde(flatten)]
    pub more: Option<More<String>>,
    /// The request's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<String>,
}

/// An agent as `GET /api/agents` and a detailed presence show it (section 7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentRow {
    pub name: String,
    /// The channels that its connections are in; of an offline agent, those of its last connection.
    pub channels: Vec<String>,
    pub machine: String,
    pub role: String,
    pub model: String,
    /// Its identity.
    pub agent_id: String,
    pub project: String,
    /// Its last status.
    pub status: String,
    /// Its last task.
    pub current_task: String,
    /// 0 to 1, or null.
    #[serde(default)]
    pub progress: Option<f64>,
    /// The time of its last heartbeat or request.
    pub last_heartbeat: Timestamp,
    /// When its current or last time online began.
    pub registered_at: Timestamp,
    /// Whether it has a connection.
    #[serde(default)]
    pub online: bool,
    /// When it last had one.
    #[serde(default)]
    pub last_seen: Option<Timestamp>,
    /// How many connections it has.
    #[serde(default)]
    pub connections: u32,
    /// Its stored cursor, or null.
    #[serde(default)]
    pub cursor: Option<Seq>,
    /// How messages reach it, the best of its connections; null where it has none.
    #[serde(default)]
    pub reach: Option<Reach>,
}

/// The `message` from the hub that answers a query (section 5).
#[derive(Debug, Serialize)]
pub struct HistoryAnswer<'a> {
    pub channel: &'a str,
    /// Empty: 0.1.0's clients read a `message` by its content.
    pub content: &'a str,
    /// Rows, newest first.
    pub history: &'a [Box<RawValue>],
    /// Where the answer was cut for its size: the last row's seq. The next answer continues before it.
    #[serde(flatten)]
    pub more: Option<More<Seq>>,
    /// The request's id.
    pub r#ref: &'a str,
    /// How far a search could see, where that is not to the newest message (section 9, Search).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed_up_to: Option<Seq>,
}

/// `gitea_result` (section 8).
#[derive(Debug, Serialize)]
pub struct GiteaResult<'a> {
    pub action: &'a str,
    /// Gitea's JSON.
    pub result: &'a RawValue,
    /// The request's id.
    pub r#ref: &'a str,
}

/// `receipts` (section 9), and the answer of `GET /api/messages/{seq}/receipts`.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReceiptsAnswer {
    /// Which message.
    pub seq: Seq,
    /// How far it got with each agent.
    pub agents: BTreeMap<String, ReceiptState>,
    /// Where the answer was cut for its size: the last agent in it. The next answer continues after it.
    #[serde(flatten)]
    pub more: Option<More<String>>,
    /// The request's id; absent over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#ref: Option<String>,
}

impl PresenceAnswer {
    /// The agents after `after`, by name, as many as fit one answer.
    ///
    /// # Errors
    /// `TOO_LARGE` where not even the first fits.
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
    /// The agents after `after`, by name, as many as fit one answer.
    ///
    /// # Errors
    /// `TOO_LARGE` where not even the first fits.
    pub fn page(mut self, after: Option<&str>) -> Result<Self, Refusal> {
        self.more = cut(&mut self.agents, after, entry_bytes)?;
        Ok(self)
    }
}
