//! One message of the log.

use orochi_protocol::{Seq, Timestamp};

use super::Place;

/// A message. `mentions` and `metadata` are JSON; `[]` and `{}` stand for NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One after the last appended message's.
    pub seq: Seq,
    /// The sender's id for this message.
    pub id: String,
    /// The time of acceptance.
    pub ts: Timestamp,
    pub place: Place,
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

impl Message {
    /// The agent that a direct message is for. None for a message in a channel. None too for a row of 0.1.0 whose place
    /// looks like a conversation, but whose sender is neither of its sides.
    pub fn receiver(&self) -> Option<&str> {
        self.place.partner(&self.sender)
    }

    /// Returns whether an agent may see the message. A direct message is for its two agents only.
    pub fn is_visible_to(&self, agent: &str) -> bool {
        self.receiver().is_none() || self.place.partner(agent).is_some()
    }

    /// The bytes of the texts that have no small bound.
    pub fn text_bytes(&self) -> usize {
        self.content.len() + self.metadata.len() + self.extra.as_ref().map_or(0, String::len)
    }
}
