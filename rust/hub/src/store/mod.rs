//! The log on disk: one SQLite file, one writer (the core thread), a few readers.
//!
//! The store knows rows, not access rights: the layers above decide who may see a row. The column `channel` has the
//! text of a [`Place`]: a channel's name with `#`, or both names of a conversation.

mod aging;
mod batch;
mod calls;
mod compose;
mod epoch;
mod error;
mod files;
mod forget;
mod lock;
mod logins;
mod marks;
mod message;
mod open;
pub mod path;
mod place;
mod read;
mod row;
mod schema;
mod shared;
pub(crate) mod states;
mod upgrade;
mod writer;

pub(crate) use aging::{Age, Aging};
pub(crate) use batch::Batch;
pub use calls::CallState;
pub use error::StoreError;
pub(crate) use files::LogFiles;
pub use forget::Forgettable;
pub(crate) use logins::ENDED_LOGINS_MAX;
pub(crate) use marks::{Marks, Note};
pub use message::Message;
pub use open::Loaded;
pub(crate) use open::LoginKey;
pub use place::{Pair, Place};
pub(crate) use read::{ANSWER_TEXT_MAX, Excerpt, Glance, PageQuery, TextRoom, Waiting};
pub use read::{Lane, Reader, Reads};
#[cfg(feature = "sim")]
pub(crate) use shared::Shared;
pub use writer::Store;

use std::collections::BTreeMap;

use orochi_protocol::{Identity, Seq, Timestamp};

/// The result of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// The message is in the log once the batch is committed.
    New,
    /// The log already has this sender's id. Nothing was written and no seq was used.
    Known(Box<Message>),
}

/// The stored description of an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRecord {
    /// The key of the record.
    pub name: String,
    pub identity: Identity,
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
