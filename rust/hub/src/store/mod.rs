//! The log on disk: one SQLite file, one writer (the core thread), a few readers.
//!
//! The store knows rows, not agents' rights: who may see what is decided above it. In its rows `channel`
//! is a channel's name with `#`, or, for direct messages, the key of the conversation (see
//! [`conversation_key`]), the same from both sides.

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
pub mod states;
mod upgrade;
mod write;

pub use calls::Call;
pub use error::StoreError;
pub use files::LogFiles;
pub use forget::Forgettable;
pub use logins::ENDED_SESSIONS_MAX;
pub use marks::{Marks, Note};
pub use open::{Loaded, SessionKey, Store};
pub use read::{ANSWER_TEXT_MAX, Excerpt, Glance, Lane, Page, Paused, Reader, Reads, TextRoom, Waiting};
pub use write::Batch;

use std::collections::BTreeMap;

use orochi_protocol::{Seq, Timestamp};

/// A message to append; `channel` is a channel's name or a conversation's key.
#[derive(Debug, Clone, Copy)]
pub struct NewMessage<'a> {
    /// Its place: the one after the last appended.
    pub seq: Seq,
    /// The sender's id for it.
    pub id: &'a str,
    /// The hub's clock, never before that of the message before.
    pub ts: Timestamp,
    /// Where it goes.
    pub channel: &'a str,
    /// Who said it.
    pub sender: &'a str,
    /// What was said.
    pub content: &'a str,
    /// A JSON list of names; `[]` is stored as NULL.
    pub mentions: &'a str,
    /// A JSON object; `{}` is stored as NULL.
    pub metadata: &'a str,
    /// The message that it answers.
    pub reply_to: Option<Seq>,
    /// The payload's other keys as a JSON object.
    pub extra: Option<&'a str>,
    /// The agents that get it wherever they are: the mentioned ones and a direct message's target.
    pub addressed: &'a [&'a str],
}

/// What became of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is in the log, once the batch is committed.
    New,
    /// This sender's id is in the log already; nothing was written and the seq was not used.
    Known(Box<StoredMessage>),
}

/// A message as the log holds it. `mentions` and `metadata` are JSON again, `[]` and `{}` where NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its place.
    pub seq: Seq,
    /// The sender's id for it.
    pub id: String,
    /// The hub's clock at acceptance.
    pub ts: Timestamp,
    /// A channel's name or a conversation's key.
    pub channel: String,
    /// Who said it.
    pub sender: String,
    /// What was said.
    pub content: String,
    /// A JSON list of names.
    pub mentions: String,
    /// A JSON object.
    pub metadata: String,
    /// The message that it answers.
    pub reply_to: Option<Seq>,
    /// The payload's other keys as a JSON object.
    pub extra: Option<String>,
}

/// What is kept of an agent over restarts.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRecord {
    /// Its name, the key.
    pub name: String,
    /// Its machine.
    pub machine: String,
    /// Its role.
    pub role: String,
    /// Its model.
    pub model: String,
    /// Its identity.
    pub agent_id: String,
    /// Its project.
    pub project: String,
    /// What it last said it was doing.
    pub status: String,
    /// What it last said it was working on.
    pub current_task: String,
    /// 0 to 1, or None.
    pub progress: Option<f64>,
    /// The channels of its last connection (a JSON list in the file).
    pub channels: Vec<String>,
    /// The channels that are kept with the name, each with the place after which its messages are the agent's (a JSON
    /// object in the file); None where it never named any.
    pub kept: Option<BTreeMap<String, Seq>>,
    /// How far it said it has dealt with its messages; None where it never said.
    pub cursor: Option<Seq>,
    /// The log's head when the name first registered.
    pub first_head: Seq,
    /// When the name first registered.
    pub first_seen: Timestamp,
    /// When its last session began.
    pub registered_at: Timestamp,
    /// When it last gave a sign of life.
    pub last_seen: Timestamp,
}

/// The key under which the conversation of two agents is stored: `@a @b`, the names in order. The space
/// can't stand in a name, so no channel and no other pair has the same key.
pub fn conversation_key(one: &str, other: &str) -> String {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    format!("@{first} @{second}")
}

/// The two sides of a conversation; None where `channel` is not the key of one.
pub fn conversation_sides(channel: &str) -> Option<[&str; 2]> {
    channel.strip_prefix('@')?.split_once(" @").map(|(first, second)| [first, second])
}

/// The other side of a conversation, seen from `side`; None where `channel` is no conversation of it.
pub fn conversation_partner<'a>(channel: &'a str, side: &str) -> Option<&'a str> {
    let [first, second] = conversation_sides(channel)?;
    match side {
        _ if side == first => Some(second),
        _ if side == second => Some(first),
        _ => None,
    }
}
