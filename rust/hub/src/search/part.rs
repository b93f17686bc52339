//! Messages on the way from the log to the index: their tokens, in one text that is used again for each part of a
//! batch. So a message costs no allocation, and the log is not kept open while the index is written.

use orochi_protocol::Seq;

use super::tokens;
use super::units::Units;
use crate::store::Message;

/// The tokens of some messages, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Part {
    tokens: String,
    /// Each message, with the end of its tokens in `tokens`.
    messages: Vec<(Seq, usize)>,
    /// The bytes of the messages' contents.
    content_bytes: usize,
    /// The id of the last one.
    last_id: String,
    units: Units,
}

impl Part {
    /// Removes the messages and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.tokens.clear();
        self.messages.clear();
        self.content_bytes = 0;
    }

    pub(super) fn push(&mut self, message: &Message) {
        tokens::of_message(message, &mut self.units, &mut self.tokens);
        self.messages.push((message.seq, self.tokens.len()));
        self.content_bytes += message.content.len();
        self.last_id.clone_from(&message.id);
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn content_bytes(&self) -> usize {
        self.content_bytes
    }

    /// The seq and the id of the newest message; None if there is no message.
    pub(super) fn last(&self) -> Option<(Seq, &str)> {
        self.messages.last().map(|(seq, _)| (*seq, self.last_id.as_str()))
    }

    /// Each message's seq and tokens.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Seq, &str)> {
        let starts = std::iter::once(0).chain(self.messages.iter().map(|(_, end)| *end));
        self.messages.iter().zip(starts).map(|((seq, end), start)| (*seq, &self.tokens[start..*end]))
    }
}
