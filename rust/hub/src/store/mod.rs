//! The log on disk: one SQLite file, one writer (the core thread), a few readers.
//!
//! The store knows rows, not access rights: the layers above decide who may see a row. In its rows, `channel` is a
//! channel's name with `#` or the key of a conversation, which is the same from both sides (see [`conversation_key`]).

mod aging;
mod calls;
mod compose;
mod epoch;
mod error;
mod files;
mod forget;
mod lock;
mod logins;
mod marks;
mod open;
pub mod path;
mod read;
mod row;
mod schema;
mod shared;
pub mod states;
mod upgrade;
mod write;

pub use aging::{Age, Aging};
pub use calls::Call;
pub use error::StoreError;
pub use files::LogFiles;
pub use forget::Forgettable;
pub use logins::ENDED_SESSIONS_MAX;
pub use marks::{Marks, Note};
pub use open::{Loaded, SessionKey, Store};
pub use read::{ANSWER_TEXT_MAX, Excerpt, Glance, Lane, Page, Paused, Reader, Reads, TextRoom, Waiting};
pub use shared::Shared;
pub use write::Batch;

use std::collections::BTreeMap;

use orochi_protocol::{Seq, Timestamp};

/// A message to append; `channel` is a channel's name or a conversation's key.
#[derive(Debug, Clone, Copy)]
pub struct NewMessage<'a> {
    /// The message's seq: one after the last appended.
    pub seq: Seq,
    /// The sender's id for this message.
    pub id: &'a str,
    /// The time of acceptance, never before that of the previous message.
    pub ts: Timestamp,
    pub channel: &'a str,
    pub sender: &'a str,
    pub content: &'a str,
    /// A JSON list of names; `[]` is stored as NULL.
    pub mentions: &'a str,
    /// A JSON object; `{}` is stored as NULL.
    pub metadata: &'a str,
    /// The seq of the message that this one answers.
    pub reply_to: Option<Seq>,
    /// The payload's other keys as a JSON object.
    pub extra: Option<&'a str>,
    /// The agents that get the message without a channel: mentioned agents and the target of a direct message.
    pub addressed: &'a [&'a str],
}

/// The result of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// The message is in the log once the batch is committed.
    New,
    /// The log already has this sender's id. Nothing was written and no seq was used.
    Known(Box<StoredMessage>),
}

/// A message from the log. `mentions` and `metadata` are JSON; `[]` and `{}` stand for NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    pub seq: Seq,
    /// The sender's id for this message.
    pub id: String,
    /// The time of acceptance.
    pub ts: Timestamp,
    /// A channel's name or a conversation's key.
    pub channel: String,
    pub sender: String,
    pub content: String,
    /// A JSON list of names.
    pub mentions: String,
    /// A JSON object.
    pub metadata: String,
    /// The seq of the message that this one answers.
    pub reply_to: Option<Seq>,
    /// The payload's other keys as a JSON object.
    pub extra: Option<String>,
}

/// The stored description of an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRecord {
    /// The key of the record.
    pub name: String,
    pub machine: String,
    pub role: String,
    pub model: String,
    pub agent_id: String,
    pub project: String,
    /// The status that the agent last reported.
    pub status: String,
    /// The task that the agent last reported.
    pub current_task: String,
    /// 0 to 1, or None.
    pub progress: Option<f64>,
    /// The channels of its last connection (a JSON list in the file).
    pub channels: Vec<String>,
    /// The channels stored with the name, each with the seq after which its messages are for the agent (a JSON object
    /// in the file). None if the agent never named any.
    pub kept: Option<BTreeMap<String, Seq>>,
    /// The agent's cursor; None if it never reported one.
    pub cursor: Option<Seq>,
    /// The log's head at the first registration of this name.
    pub first_head: Seq,
    /// The time of the first registration.
    pub first_seen: Timestamp,
    /// The time of the last registration.
    pub registered_at: Timestamp,
    /// The time of the last sign of life.
    pub last_seen: Timestamp,
}

/// The key of the conversation of two agents: `@a @b`, with the names in order. A name can't contain a space, so the
/// key equals no channel and no other conversation.
pub fn conversation_key(one: &str, other: &str) -> String {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    format!("@{first} @{second}")
}

/// The two agents of a conversation; None if `channel` is not a conversation's key.
pub fn conversation_sides(channel: &str) -> Option<[&str; 2]> {
    channel.strip_prefix('@')?.split_once(" @").map(|(first, second)| [first, second])
}

/// The other agent of a conversation; None if `channel` is not a conversation of `side`.
pub fn conversation_partner<'a>(channel: &'a str, side: &str) -> Option<&'a str> {
    let [first, second] = conversation_sides(channel)?;
    match side {
        _ if side == first => Some(second),
        _ if side == second => Some(first),
        _ => None,
    }
}
